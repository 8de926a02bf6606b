//! What programs do wrong by themselves: expressions that can't be, and calls that are refused.

use super::{Row, row};

pub(super) const MUTE: &[Row] =
    &[row("a script of another origin, whose errors browsers hide", &[], &["script error."])];

/// Texts of values that never were JSON: the program turned them into text itself.
pub(super) fn misread(text: &str) -> Option<&'static str> {
    let json = text.contains("json");
    let own = [
        "\"undefined\"",
        "\"[object obj",
        "unexpected token u in",
        "unexpected token o in",
        "'o', \"[object",
        "'u', \"undefined",
    ];
    (json && own.iter().any(|part| text.contains(part))).then_some("code parses a value that was never serialised")
}

/// Calls that a library or the runtime refuses, by types that say so.
pub(super) const REFUSED: &[Row] = &[
    row(
        "a template is asked for that does not exist",
        &["TemplateNotFound", "TemplatesNotFound", "TemplateDoesNotExist", "MissingTemplate", "TemplateNotFoundError"],
        &[
            "failed to lookup view",
            "template…not found",
            "template…does not exist",
            "no template named",
            "partial…could not be found",
        ],
    ),
    row(
        "an address is made up wrongly",
        &[
            "MissingSchema",
            "InvalidSchema",
            "InvalidURL",
            "UnsupportedProtocol",
            "MalformedURLException",
            "URISyntaxException",
            "LocationParseError",
        ],
        &[
            "no scheme supplied",
            "no connection adapters were found",
            "invalid url",
            "only absolute urls are supported",
            "unsupported protocol",
            "err_invalid_url",
            "failed to parse url",
        ],
    ),
    row(
        "a call is refused for its arguments",
        &[
            "AssertError",
            "AssertionError",
            "AssertionException",
            "ArgumentError",
            "ArgumentException",
            "ArgumentNullException",
            "ArgumentOutOfRangeException",
            "IllegalArgumentException",
            "InvalidArgumentException",
            "InvalidArgumentError",
            "NotImplementedError",
            "UnsupportedOperationException",
            "NoReverseMatch",
            "StatementError",
            "FieldError",
            "UndefinedFunction",
            "ProgrammingError",
        ],
        &[
            "err_invalid_arg",
            "err_missing_args",
            "invalid option",
            "unknown option",
            "unrecognized option",
            "unexpected keyword argument",
            "positional argument",
            "required keyword-only argument",
            "must be str, bytes",
            "expected str, bytes",
            "argument must be",
            "argument should be",
            "you passed",
            "you must pass",
            "you must provide",
            "the first argument",
            "the second argument",
            "operator does not exist",
            "function…does not exist",
            "syntax error at or near",
            "error in your sql syntax",
            "bind message supplies",
            "incorrect number of bindings",
            "does not contain path",
        ],
    ),
];

/// What the language throws.
pub(super) const LANGUAGE: &[Row] = &[
    row(
        "something is read from nothing",
        &["NullPointerException", "NullReferenceException"],
        &[
            "cannot read property",
            "cannot read properties",
            "cannot set property",
            "cannot set properties",
            "cannot destructure",
            "can't access property",
            "is not an object (evaluating",
            "'nonetype' object",
            "nil pointer dereference",
            "undefined method…for nil",
            "on null",
            "on a `none` value",
            "cannot convert undefined or null to object",
            "is null",
            "is undefined",
        ],
    ),
    row(
        "a name is not defined",
        &["NameError", "UnboundLocalError", "ReferenceError"],
        &["is not defined", "can't find variable", "before initialization"],
    ),
    row(
        "a key or index is not there",
        &[
            "KeyError",
            "IndexError",
            "ArrayIndexOutOfBoundsException",
            "IndexOutOfBoundsException",
            "StringIndexOutOfBoundsException",
            "KeyNotFoundException",
            "NoSuchElementException",
        ],
        &[
            "index out of range",
            "index out of bounds",
            "undefined index",
            "undefined array key",
            "undefined offset",
            "key not found",
        ],
    ),
    row(
        "a division by zero",
        &["ZeroDivisionError", "DivisionByZeroError", "DivideByZeroException", "ArithmeticException"],
        &["divide by zero", "division by zero"],
    ),
    row(
        "a recursion without end",
        &["RecursionError", "StackOverflowError", "SystemStackError"],
        &["maximum call stack size exceeded", "too much recursion", "maximum recursion depth exceeded"],
    ),
    row(
        "a value is of another type than the expression needs",
        &["AttributeError", "ClassCastException", "NoMethodError", "InvalidCastException"],
        &[
            "is not a function",
            "is not a constructor",
            "is not iterable",
            "has no attribute",
            "unsupported operand type",
            "not supported between instances",
            "can only concatenate",
            "object is not callable",
            "object is not subscriptable",
            "object is not iterable",
            "has no len()",
            "assignment to constant variable",
            "read only property",
            "object is not extensible",
            "invalid array length",
            "invalid time value",
            "circular structure",
            "reduce of empty array",
            "cannot mix bigint",
            "not all arguments converted",
            "too many values to unpack",
            "not enough values to unpack",
        ],
    ),
];

/// Weaker words of a refusal, and types that languages use for them.
pub(super) const USAGE: &[Row] = &[row(
    "a call is refused for its arguments",
    &[
        "TypeError",
        "RangeError",
        "ValueError",
        "OverflowError",
        "FloatingPointError",
        "InvalidOperation",
        "InvalidOperationException",
        "IllegalStateException",
        "StateError",
        "LookupError",
    ],
    &[
        "must be",
        "must have",
        "must not",
        "must contain",
        "cannot be",
        "is required",
        "is not supported",
        "not implemented",
        "unsupported",
        "not allowed",
        "invalid argument",
        "invalid value",
        "unknown",
        "not a valid",
        "should be",
        "expected",
    ],
)];
