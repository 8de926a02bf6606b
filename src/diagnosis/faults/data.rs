//! What was read or stored doesn't have the form it should.

use std::sync::LazyLock;

use regex::Regex;

use super::{Row, row};

pub(super) const REFUSAL: &str = "a validator refuses the values";
pub(super) const PARSE: &str = "a text does not parse";

/// Types of validators: they speak of values, whatever words are in the text.
const REFUSALS: &[&str] = &[
    "ZodError",
    "$ZodError",
    "ValiError",
    "StructError",
    "ValidationError",
    "ValidationErrors",
    "AjvValidationError",
    "SchemaError",
    "SchemaValidationError",
    "RequestValidationError",
    "ResponseValidationError",
    "ValidationException",
    "ConstraintViolationException",
    "MethodArgumentNotValidException",
    "RecordInvalid",
    "MultipleInvalid",
    "DocumentError",
    "DataError",
    "BadRequestKeyError",
    "InvalidDocument",
    "ClassValidationError",
    "ForeignDataClassConversionError",
];

pub(super) fn is_refusal(ty: &str) -> bool {
    REFUSALS.contains(&ty)
}

pub(super) const ROWS: &[Row] = &[
    row(
        PARSE,
        &[
            "JSONDecodeError",
            "ParserError",
            "ParseError",
            "ParsingError",
            "ScannerError",
            "ComposerError",
            "ConstructorError",
            "YAMLException",
            "YAMLParseError",
            "YAMLError",
            "TOMLDecodeError",
            "TomlError",
            "XMLSyntaxError",
            "ExpatError",
            "SAXParseException",
            "JsonParseException",
            "JsonMappingException",
            "JsonSyntaxException",
            "MismatchedInputException",
            "MalformedJsonException",
            "MalformedCSVError",
            "CsvError",
            "CSVError",
            "TemplateError",
            "MarkupError",
            "DateTimeParseException",
            "DateParseError",
            "ParseException",
            "ISO8601Error",
            "DecodeError",
            "InvalidProtocolBufferException",
            "JsonException",
            "UnmarshalTypeError",
            "PdfReadError",
            "InvalidFileException",
            "EmptyDataError",
        ],
        &[
            "is not valid json",
            "in json at position",
            "unexpected end of json",
            "json.parse:",
            "json parse error",
            "invalid json",
            "malformed json",
            "expected property name or '}'",
            "looking for beginning of",
            "end of json input",
            "expected value at line",
            "parse error on line",
            "parse error at",
            "error parsing",
            "failed to parse",
            "could not parse",
            "cannot parse",
            "unable to parse",
            "error tokenizing data",
            "not well-formed",
            "mismatched tag",
            "no element found",
            "premature end of",
            "opening and ending tag mismatch",
            "unclosed tag",
            "unexpected closing tag",
            "non-whitespace before first tag",
            "unterminated string",
            "unclosed quote",
            "malformed",
            "bad indentation of a mapping entry",
            "unknown string format",
            "does not match format",
            "isn't a valid date",
            "invalid isoformat string",
        ],
    ),
    row(
        "a text is not the number that it should be",
        &["NumberFormatException", "NumError", "ParseIntError", "ParseFloatError"],
        &[
            "invalid literal for int",
            "could not convert string to float",
            "for input string",
            "invalid value for integer",
            "invalid value for float",
            "invalid digit found in string",
            "invalid float literal",
            "cannot parse integer from",
            "was not in a correct format",
            "a non-numeric value",
            "strconv.",
        ],
    ),
    row(
        "bytes are not what they should be",
        &[
            "UnicodeDecodeError",
            "UnicodeEncodeError",
            "BadZipFile",
            "BadGzipFile",
            "UnidentifiedImageError",
            "BadSignature",
            "InvalidByteSequenceError",
            "ZipException",
            "LZMAError",
            "EOFError",
            "EOFException",
        ],
        &[
            "codec can't decode",
            "codec can't encode",
            "invalid byte sequence",
            "invalid utf-8",
            "stream did not contain valid utf-8",
            "incorrect header check",
            "invalid stored block",
            "invalid distance",
            "unexpected end of file",
            "unexpected eof",
            "unexpected end of data",
            "unexpected end of stream",
            "not a gzip",
            "not a zip file",
            "bad magic number",
            "magic number in file header",
            "end-of-stream marker",
            "cannot identify image file",
            "unsupported image format",
            "input buffer contains unsupported",
            "image file is truncated",
            "incorrect padding",
            "invalid base64",
            "crc",
            "checksum",
            "unpack requires a buffer",
            "no such…central directory",
            "end of central directory",
        ],
    ),
    row(
        "a record breaks a rule of the database",
        &[
            "IntegrityError",
            "UniqueViolation",
            "ForeignKeyViolation",
            "NotNullViolation",
            "CheckViolation",
            "UniqueConstraintError",
            "ForeignKeyConstraintError",
            "DuplicateKeyError",
            "RecordNotUnique",
            "DataIntegrityViolationException",
            "StringDataRightTruncation",
            "InvalidTextRepresentation",
            "NumericValueOutOfRange",
        ],
        &[
            "duplicate key value",
            "duplicate entry",
            "e11000 duplicate key",
            "unique constraint",
            "constraint failed",
            "violates foreign key constraint",
            "violates check constraint",
            "violates not-null constraint",
            "foreign key constraint fails",
            "document failed validation",
            "data too long for column",
            "value too long for type",
            "out of range value for column",
            "numeric field overflow",
            "incorrect string value",
            "incorrect integer value",
            "incorrect datetime value",
            "invalid input syntax for",
            "invalid input value for enum",
            "wrongtype operation",
        ],
    ),
    row(
        "the database lacks an object that the statement names",
        &["UndefinedTable", "UndefinedColumn"],
        &[
            "no such table",
            "no such column",
            "no such index",
            "relation…does not exist",
            "column…does not exist",
            "unknown column",
            "unknown database",
            "table…doesn't exist",
            "no unique or exclusion constraint matching",
            "on conflict clause does not match",
            "requires an index",
            "index not found",
            "ns not found",
        ],
    ),
    row(
        "a record is not there",
        &[
            "DoesNotExist",
            "RecordNotFound",
            "NoResultFound",
            "EntityNotFoundException",
            "NoResultException",
            "EmptyResultDataAccessException",
            "ObjectDoesNotExist",
            "NotFoundError",
        ],
        &[
            "matching query does not exist",
            "no row was found",
            "no rows in result set",
            "record not found",
            "no document to update",
        ],
    ),
];

/// Types that languages throw for their own source as well.
const OF_SOURCE: &[&str] = &["SyntaxError", "IndentationError", "TabError"];

/// A place within a text, and that something there is wrong: what parsers say.
pub(super) fn has_position(ty: &str, text: &str) -> bool {
    static PLACE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"\b(?:lines?|row|record|position|pos|char|character|col|column|offset|byte|index)\b[ :=#]*\d+|\b\d+:\d+$",
        )
        .expect("a regular expression")
    });
    static WRONG: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"unexpected|expect|invalid|illegal|bad\b|unterminated|unclosed|unbalanced|malformed|mismatch|(?:n't|not) match|not well|delimit|quote|missing|unknown|syntax|pars(?:e|ing)|number of (?:fields|columns)|truncated|garbage",
        )
        .expect("a regular expression")
    });
    let own =
        ["Index", "Range", "Key", "Type", "Attribute", "Name", "Reference"].iter().any(|start| ty.starts_with(start));
    !OF_SOURCE.contains(&ty) && !own && PLACE.is_match(text) && WRONG.is_match(text)
}
