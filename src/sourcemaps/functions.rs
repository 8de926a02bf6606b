//! The functions of a script: where each stands and what it is called there.
//! It uses the tokens alone: one pass, a stack of open brackets.
//! It never parses in full: a script that it misreads costs names, nothing else.

use super::lexer::{Kind, Lexer, Token};

/// Tokens that are looked back at: `a.b = async function* name (`.
const BACK: usize = 8;
/// Deepest nesting that is followed.
const DEEPEST: usize = 10_000;

/// A function, by bytes of the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Function {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Where its name stands, or that of what it was assigned to.
    pub(super) name: Option<Span>,
    /// Where the name of its class stands.
    pub(super) class: Option<Span>,
    /// It is a constructor.
    pub(super) constructor: bool,
}

/// First byte and the one after the last.
pub(super) type Span = (usize, usize);

/// All functions of a script.
pub(super) fn functions(script: &str) -> Vec<Function> {
    let mut reader = Reader::new(script);
    reader.run();
    reader.found
}

/// The innermost function around a byte.
pub(super) fn around(functions: &[Function], at: usize) -> Option<&Function> {
    functions.iter().filter(|f| f.start <= at && at < f.end).max_by_key(|f| f.start)
}

/// The last tokens, newest first.
type Back = [Token; BACK];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Bracket {
    /// `(`, with whether a control word stands before it.
    Round {
        control: bool,
    },
    Square,
    Block,
    Object,
    /// With the name of the class.
    Class(Option<Span>),
    /// With whether a value ends with it.
    Body {
        expression: bool,
    },
    Hole,
}

struct Open {
    bracket: Bracket,
    /// What came before it.
    back: Back,
    at: usize,
    /// Which function it is the body of.
    function: Option<usize>,
}

/// An arrow function without braces: it ends with the expression.
struct Bare {
    function: usize,
    depth: usize,
    /// `?` whose `:` is still to come.
    questions: usize,
}

struct Reader<'a> {
    script: &'a str,
    lexer: Lexer<'a>,
    back: Back,
    open: Vec<Open>,
    /// The bracket that was closed last.
    closed: Option<Open>,
    bare: Vec<Bare>,
    /// A class whose body is still to come: its name, and how deep it stands.
    class: Option<(Option<Span>, usize)>,
    found: Vec<Function>,
}

impl<'a> Reader<'a> {
    fn new(script: &'a str) -> Self {
        Self {
            script,
            lexer: Lexer::new(script),
            back: Back::default(),
            open: Vec::new(),
            closed: None,
            bare: Vec::new(),
            class: None,
            found: Vec::new(),
        }
    }

    fn run(&mut self) {
        while let Some(token) = self.lexer.next(self.operand()) {
            if self.open.len() > DEEPEST {
                break;
            }
            self.take(token);
            self.back.rotate_right(1);
            self.back[0] = token;
        }
        let end = self.script.len();
        for function in self.found.iter_mut().filter(|f| f.end == usize::MAX) {
            function.end = end;
        }
    }

    fn take(&mut self, token: Token) {
        if self.back[0].kind == Kind::Arrow && token.kind != Kind::Sign(b'{') {
            self.bare_body(token.start);
        }
        match token.kind {
            Kind::Word if self.text(token) == "class" && self.back[0].kind != Kind::Sign(b'.') => {
                self.class = Some((self.binding(&self.back), self.open.len()));
            }
            Kind::Word if self.names_class(token) => {
                self.class = Some((Some((token.start, token.end)), self.open.len()));
            }
            Kind::Sign(b'(') => {
                let control = ["if", "for", "while", "with", "await"].contains(&self.text(self.back[0]));
                self.push(Bracket::Round { control }, token.start, None);
            }
            Kind::Sign(b'[') => self.push(Bracket::Square, token.start, None),
            Kind::Hole => self.push(Bracket::Hole, token.start, None),
            Kind::Sign(b'{') => self.brace(token.start),
            Kind::Sign(b')' | b']' | b'}') => self.close(token.end),
            Kind::Sign(b',' | b';') => self.end_bare(token.start),
            Kind::Sign(b'?') => {
                let depth = self.open.len();
                self.bare.iter_mut().rev().take_while(|b| b.depth == depth).take(1).for_each(|b| b.questions += 1);
            }
            Kind::Sign(b':') => self.colon(token.start),
            _ => {}
        }
    }

    /// Whether it is the name between `class` and what follows.
    fn names_class(&self, token: Token) -> bool {
        self.text(self.back[0]) == "class" && self.class.is_some() && self.text(token) != "extends"
    }

    fn text(&self, token: Token) -> &'a str {
        if token.kind == Kind::Word { self.script.get(token.start..token.end).unwrap_or("") } else { "" }
    }

    fn push(&mut self, bracket: Bracket, at: usize, function: Option<usize>) {
        self.open.push(Open { bracket, back: self.back, at, function });
    }

    /// Whether a value may come now.
    fn operand(&self) -> bool {
        match self.back[0].kind {
            Kind::Nothing | Kind::Arrow | Kind::Hole => true,
            Kind::Sign(b')') => {
                self.closed.as_ref().is_some_and(|open| open.bracket == Bracket::Round { control: true })
            }
            Kind::Sign(b'}') => self.closed.as_ref().is_some_and(|open| {
                matches!(open.bracket, Bracket::Block | Bracket::Class(_) | Bracket::Body { expression: false })
            }),
            Kind::Sign(b) => b != b']',
            Kind::Word => before_operand(self.text(self.back[0])),
            Kind::Text | Kind::Value | Kind::Step => false,
        }
    }

    fn brace(&mut self, at: usize) {
        if let Some((name, depth)) = self.class
            && depth == self.open.len()
            && !matches!(self.back[0].kind, Kind::Sign(b',' | b'=' | b'('))
        {
            self.class = None;
            return self.push(Bracket::Class(name), at, None);
        }
        if let Some((function, expression)) = self.function_here(at) {
            self.found.push(function);
            return self.push(Bracket::Body { expression }, at, Some(self.found.len() - 1));
        }
        let statement = match self.back[0].kind {
            Kind::Nothing | Kind::Sign(b';' | b')' | b'{' | b'}') => true,
            Kind::Word => ["else", "do", "try", "finally", "static"].contains(&self.text(self.back[0])),
            Kind::Sign(b':') => !matches!(self.open.last().map(|o| o.bracket), Some(Bracket::Object)),
            _ => false,
        };
        self.push(if statement { Bracket::Block } else { Bracket::Object }, at, None);
    }

    /// The function whose body begins here, and whether it is a value.
    fn function_here(&self, at: usize) -> Option<(Function, bool)> {
        if self.back[0].kind == Kind::Arrow {
            return Some((self.arrow(at), true));
        }
        let params = self.closed.as_ref().filter(|_| self.back[0].kind == Kind::Sign(b')'))?;
        let mut at_word = params.back.iter().position(|t| t.kind != Kind::Sign(b'*')).unwrap_or(0);
        let named = params.back[at_word];
        let own = (named.kind == Kind::Word).then_some((named.start, named.end));
        if self.text(named) != "function" {
            at_word += 1;
            at_word += usize::from(params.back.get(at_word).is_some_and(|t| t.kind == Kind::Sign(b'*')));
        }
        let is_function = params.back.get(at_word).is_some_and(|t| self.text(*t) == "function");
        let place = |name, class, constructor| Function { start: params.at, end: usize::MAX, name, class, constructor };
        if is_function {
            let before = &params.back[at_word + 1..];
            let name = if self.text(named) == "function" { self.binding(before) } else { own };
            let value =
                before.first().is_some_and(|t| !matches!(t.kind, Kind::Nothing | Kind::Sign(b';' | b'{' | b'}')));
            return Some((place(name, None, false), value));
        }
        match self.open.last().map(|open| open.bracket) {
            Some(Bracket::Class(class)) => Some((place(own, class, self.text(named) == "constructor"), false)),
            Some(Bracket::Object) => Some((place(own, None, false), false)),
            _ => None,
        }
    }

    /// An arrow function: the arrow is the newest token.
    fn arrow(&self, at: usize) -> Function {
        let params = self.closed.as_ref().filter(|_| self.back[1].kind == Kind::Sign(b')'));
        let (start, name) = match params {
            Some(params) => (params.at, self.binding(&params.back)),
            None if self.back[1].kind == Kind::Word => (self.back[1].start, self.binding(&self.back[2..])),
            None => (at, None),
        };
        Function { start, end: usize::MAX, name, class: None, constructor: false }
    }

    fn bare_body(&mut self, at: usize) {
        let function = self.arrow(at);
        self.found.push(function);
        self.bare.push(Bare { function: self.found.len() - 1, depth: self.open.len(), questions: 0 });
    }

    /// What a value that comes after these tokens is assigned to.
    fn binding(&self, before: &[Token]) -> Option<Span> {
        let before = match before.first() {
            Some(first) if self.text(*first) == "async" => &before[1..],
            _ => before,
        };
        let [sign, target, ..] = before else { return None };
        let in_object = || matches!(self.open.last().map(|open| open.bracket), Some(Bracket::Object));
        let names = match sign.kind {
            Kind::Sign(b'=') => true,
            Kind::Sign(b':') => in_object(),
            _ => false,
        };
        (names && target.kind == Kind::Word).then_some((target.start, target.end))
    }

    fn colon(&mut self, at: usize) {
        let depth = self.open.len();
        match self.bare.last_mut() {
            Some(bare) if bare.depth == depth && bare.questions > 0 => bare.questions -= 1,
            Some(bare) if bare.depth == depth => {
                self.found[bare.function].end = at;
                self.bare.pop();
            }
            _ => {}
        }
    }

    /// Ends the arrow functions that stand at this depth or deeper.
    fn end_bare(&mut self, at: usize) {
        while self.bare.last().is_some_and(|bare| bare.depth >= self.open.len()) {
            if let Some(bare) = self.bare.pop() {
                self.found[bare.function].end = at;
            }
        }
    }

    fn close(&mut self, at: usize) {
        self.end_bare(at.saturating_sub(1));
        let Some(open) = self.open.pop() else { return };
        if let Some(function) = open.function {
            self.found[function].end = at;
        }
        if self.class.is_some_and(|(_, depth)| depth > self.open.len()) {
            self.class = None;
        }
        if open.bracket == Bracket::Hole {
            // The rest is a value, or another hole.
            let token = self.lexer.rest_of_template();
            if token.kind == Kind::Hole {
                self.push(Bracket::Hole, token.start, None);
            }
            self.back.rotate_right(1);
            self.back[0] = token;
        }
        self.closed = Some(open);
    }
}

/// Words after which a value comes.
fn before_operand(word: &str) -> bool {
    [
        "return",
        "typeof",
        "instanceof",
        "in",
        "of",
        "new",
        "delete",
        "void",
        "throw",
        "case",
        "do",
        "else",
        "yield",
        "await",
        "extends",
        "default",
    ]
    .contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The name of the innermost function around the mark `@`.
    fn at_mark(script: &str) -> String {
        let at = script.find('@').unwrap();
        let script = script.replace('@', " ");
        let found = functions(&script);
        let Some(function) = around(&found, at) else { return "top".to_owned() };
        let text = |span: Option<Span>| span.map_or("?", |(start, end)| &script[start..end]).to_owned();
        match function.class {
            Some(class) => format!("{}.{}", text(Some(class)), text(function.name)),
            None => text(function.name),
        }
    }

    #[test]
    fn functions_are_found_with_their_names() {
        for (script, want) in [
            ("function g(e){@}", "g"),
            ("function*g(e){@}", "g"),
            ("async function g(e){if(e){@}}", "g"),
            ("var g=function(){@}", "g"),
            ("var g=async function(e){@}", "g"),
            ("var a=1,g=e=>e.map(t=>t.id,@)", "g"),
            ("var g=(e,t)=>{@},h=2", "g"),
            ("var g=e=>t=>{@}", "?"),
            ("var g=e=>1,h=@2", "top"),
            ("e.map(t=>{@})", "?"),
            ("x.handler=async(e,t)=>{@}", "handler"),
            ("var l={highlight(e,t){@}}", "highlight"),
            ("var l={run:e=>{@},b:2}", "run"),
            ("var l={run:function(){@}}", "run"),
            ("var l={\"/a\"(e){@}}", "?"),
            ("var a=class{constructor(){@}}", "a.constructor"),
            ("class B extends C{static async*m(e){for(;;){@}}}", "B.m"),
            ("class B extends f({a:1}){m(){@}}", "B.m"),
            ("class B{#p=e=>{@}}", "#p"),
            ("class B{get size(){@}}", "B.size"),
            ("function g(){}@", "top"),
            ("function g(){return e?t=>t:n=>@n}", "?"),
            ("function g(a){return a/2}function h(b){return/}/.test(b)&&@b}", "h"),
            ("function g(){let s=`a${e.map(t=>`${t}}`)}b`;@}", "g"),
            ("function g(){if(x)/{/.test(y);@}", "g"),
            ("function g(e={a:1}){@}", "g"),
            ("e?function(){return 1}:function g(){@}", "g"),
            ("switch(e){case 1:{@}}", "top"),
        ] {
            assert_eq!(at_mark(script), want, "{script}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_script_is_read(script in "[a-z=>(){}\\[\\]`$'/*.,:;? \nä]{0,120}") {
            for function in functions(&script) {
                proptest::prop_assert!(function.start <= function.end && function.end <= script.len());
            }
        }
    }
}
