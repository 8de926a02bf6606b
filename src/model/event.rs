//! One event: what an SDK said about one failure or message.

use std::{fmt, str::FromStr};

use super::{Data, Timestamp, Untrusted};

/// The 128 bits that name an event, shown as 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(pub u128);

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not 32 hex digits, with or without the hyphens of a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not 32 hex digits")]
pub struct ParseIdError;

impl FromStr for EventId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let mut digits = 0;
        let mut id = 0u128;
        for c in text.chars().filter(|c| *c != '-') {
            let digit = c.to_digit(16).ok_or(ParseIdError)?;
            digits += 1;
            if digits > 32 {
                return Err(ParseIdError);
            }
            id = id << 4 | u128::from(digit);
        }
        if digits == 32 { Ok(Self(id)) } else { Err(ParseIdError) }
    }
}

/// How bad the sender thought it was. Ordered from harmless to fatal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Level {
    /// Details for developers.
    Debug,
    /// Worth knowing.
    Info,
    /// May become a failure.
    Warning,
    /// A failure.
    #[default]
    Error,
    /// The program ended.
    Fatal,
}

impl Level {
    /// The word that SDKs use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }

    /// Reads the words that SDKs use, in any case; `None` for others.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text.to_ascii_lowercase().as_str() {
            "debug" | "trace" => Self::Debug,
            "info" | "log" => Self::Info,
            "warning" | "warn" => Self::Warning,
            "error" => Self::Error,
            "fatal" | "critical" => Self::Fatal,
            _ => return None,
        })
    }
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum EventKind {
    /// It carries at least one exception.
    #[default]
    Error,
    /// A message without an exception.
    Message,
}

/// One event, with its parts in the order that a reader needs: see the fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The sender's id, or one made when it had none.
    pub id: EventId,
    /// When it happened, by the sender's clock.
    pub timestamp: Timestamp,
    /// Error or message.
    pub kind: EventKind,
    /// How bad.
    pub level: Level,
    /// `javascript`, `python` …
    pub platform: Option<Untrusted>,
    /// The formatted message, when it is a message or a log entry.
    pub message: Option<Untrusted>,
    /// The template of the message, before parameters were put in.
    pub message_template: Option<Untrusted>,
    /// Name of the release.
    pub release: Option<Untrusted>,
    /// Distribution within the release.
    pub dist: Option<Untrusted>,
    /// `production`, `staging` …
    pub environment: Option<Untrusted>,
    /// Name of the route, job or view.
    pub transaction: Option<Untrusted>,
    /// The logger that sent it.
    pub logger: Option<Untrusted>,
    /// The machine that sent it.
    pub server_name: Option<Untrusted>,
    /// By how many seconds the sender's clock was ahead (or behind: negative) when that was worth correcting.
    pub clock_off_s: Option<i64>,
    /// From the one that was caught outermost to its root cause.
    pub exceptions: Vec<Exception>,
    /// Exceptions that happened while another was on its way, and diagnostics: nobody's cause.
    pub suppressed: Vec<Exception>,
    /// Stacks of threads, when the SDK sent them.
    pub threads: Vec<Thread>,
    /// Oldest first.
    pub breadcrumbs: Vec<Breadcrumb>,
    /// The HTTP request that was being served or the page that was open.
    pub request: Option<Request>,
    /// Who was affected.
    pub user: Option<User>,
    /// Tags in the order sent; keys may repeat.
    pub tags: Vec<(Untrusted, Untrusted)>,
    /// Contexts by name, with the SDK's `extra` under the name `extra`.
    pub contexts: Vec<(Untrusted, Data)>,
    /// Feature flags evaluated before it happened.
    pub flags: Vec<Flag>,
    /// Who sent it.
    pub sdk: Sdk,
    /// Trace that it belongs to.
    pub trace_id: Option<Untrusted>,
    /// Replay that shows it.
    pub replay_id: Option<EventId>,
    /// Fingerprint set by the application; empty when there is none.
    pub fingerprint: Vec<Untrusted>,
}

impl Event {
    /// Whether nothing in the application caught it. Read from the outermost exception:
    /// its causes say nothing of how the whole ended.
    pub fn unhandled(&self) -> bool {
        self.exceptions.first().is_some_and(|e| e.mechanism.handled == Some(false))
    }
}

/// One exception of a chain.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Exception {
    /// Name of the class. Messages that were sent with a stack have none.
    pub ty: Option<Untrusted>,
    /// The text.
    pub value: Option<Untrusted>,
    /// Module of the class.
    pub module: Option<Untrusted>,
    /// How it was caught.
    pub mechanism: Mechanism,
    /// From the crash outwards.
    pub frames: Vec<Frame>,
    /// The frames as sent, before a source map changed them; empty when none did. From the crash outwards.
    pub raw_frames: Vec<Frame>,
}

/// How an exception was caught.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Mechanism {
    /// `onunhandledrejection`, `flask`, `chained` …
    pub ty: Option<Untrusted>,
    /// False: nothing in the application caught it.
    pub handled: Option<bool>,
    /// Made by the SDK to get a stack, so its type says nothing.
    pub synthetic: bool,
    /// Number of this exception in the payload.
    pub exception_id: Option<u64>,
    /// Number of the exception that this one is the cause of.
    pub parent_id: Option<u64>,
    /// It gathers several others.
    pub is_exception_group: bool,
    /// Where in the parent it stood: `__cause__`, `exceptions[1]` …
    pub source: Option<Untrusted>,
    /// Domain and code of a system's error: `NSURLErrorDomain -1009`.
    pub code: Option<Untrusted>,
}

/// One line of a stack.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Frame {
    /// Function or method.
    pub function: Option<Untrusted>,
    /// Module, package or class.
    pub module: Option<Untrusted>,
    /// File, as short as the SDK had it.
    pub file: Option<Untrusted>,
    /// File with its whole path or URL.
    pub abs_path: Option<Untrusted>,
    /// Line, from 1.
    pub line: Option<u64>,
    /// Column, from 1.
    pub column: Option<u64>,
    /// Whether it is the application's own code; where the SDK didn't say, this is read from the path.
    pub in_app: bool,
    /// Source lines before.
    pub pre_context: Vec<Untrusted>,
    /// The source line itself.
    pub context_line: Option<Untrusted>,
    /// Source lines after.
    pub post_context: Vec<Untrusted>,
    /// Local variables.
    pub vars: Vec<(Untrusted, Data)>,
    /// Where it is in a loaded program or library; native code alone has it.
    pub image: Option<Box<ImagePlace>>,
}

/// Where a frame of native code is: a place in a program or library as it was loaded.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ImagePlace {
    /// File of the program or library, as the sender knew it.
    pub package: Option<Untrusted>,
    /// Names the build of that file, for finding its symbols.
    pub debug_id: Option<Untrusted>,
    /// Names the build too: a build id, a UUID, or time and size, by the kind of file.
    pub code_id: Option<Untrusted>,
    /// The file with its symbols, as its build named it: `desk.pdb`.
    pub debug_file: Option<Untrusted>,
    /// How many bytes the file takes in memory; 0: not said.
    pub size: u64,
    /// Address in memory.
    pub address: u64,
    /// The address less the one at which the file was loaded: the same in every run of a build.
    pub offset: Option<u64>,
    /// How an unwinder found the frame: `context`, `cfi`, `fp`, `scan` and others of Sentry's words.
    pub trust: Option<Untrusted>,
    /// Symbols of the file were there when the event was read, whether or not they name this place.
    pub has_symbols: bool,
}

impl ImagePlace {
    /// The file's own name, without its folders.
    pub fn package_name(&self) -> Option<&str> {
        let path = self.package.as_ref()?.raw().trim_end_matches(['/', '\\']);
        path.rsplit(['/', '\\']).next().filter(|name| !name.is_empty())
    }

    /// `module+0x1f40`, or the bare address where no module is known.
    pub fn label(&self) -> String {
        match (self.package_name(), self.offset) {
            (Some(name), Some(offset)) => format!("{name}+{offset:#x}"),
            (Some(name), None) => format!("{name}!{:#x}", self.address),
            (None, _) => format!("{:#x}", self.address),
        }
    }
}

/// One thread's stack.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Thread {
    /// Number or name as sent.
    pub id: Option<Untrusted>,
    /// Name.
    pub name: Option<Untrusted>,
    /// It is the one that crashed.
    pub crashed: bool,
    /// It is the one that was running.
    pub current: bool,
    /// From the innermost outwards.
    pub frames: Vec<Frame>,
}

/// Something that happened before.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Breadcrumb {
    /// When, if it was said.
    pub timestamp: Option<Timestamp>,
    /// `http`, `navigation`, `error` …
    pub ty: Option<Untrusted>,
    /// `ui.click`, `fetch`, `query` …
    pub category: Option<Untrusted>,
    /// How bad.
    pub level: Option<Level>,
    /// The text.
    pub message: Option<Untrusted>,
    /// Further values.
    pub data: Option<Data>,
}

/// An HTTP request.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Request {
    /// `GET`, `POST` …
    pub method: Option<Untrusted>,
    /// Without query when the SDK sent that apart.
    pub url: Option<Untrusted>,
    /// Query string or its parts.
    pub query: Option<Data>,
    /// Body.
    pub data: Option<Data>,
    /// Header names and values.
    pub headers: Vec<(Untrusted, Untrusted)>,
    /// Cookies.
    pub cookies: Option<Data>,
    /// Environment of the server.
    pub env: Option<Data>,
}

/// Who was affected, as the application named them. Pseudonyms replace all of it before anything is kept or shown.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct User {
    /// Id in the application.
    pub id: Option<Untrusted>,
    /// E-mail address.
    pub email: Option<Untrusted>,
    /// Login name.
    pub username: Option<Untrusted>,
    /// Network address.
    pub ip_address: Option<Untrusted>,
    /// Display name.
    pub name: Option<Untrusted>,
    /// Country, region and city, as sent.
    pub geo: Option<Data>,
    /// Whatever else the application set.
    pub other: Vec<(Untrusted, Data)>,
}

impl User {
    /// What tells this user from others: the id, else login name, e-mail, address.
    /// Placeholders such as `{{auto}}` name nobody.
    pub fn identity(&self) -> Option<&Untrusted> {
        [&self.id, &self.username, &self.email, &self.ip_address]
            .into_iter()
            .flatten()
            .find(|text| !text.raw().trim().is_empty() && !text.raw().starts_with("{{"))
    }
}

/// A person without a name: 128 bits of a keyed digest of what tells the user apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserKey(pub [u8; 16]);

/// A feature flag and what it evaluated to.
#[derive(Clone, Debug, PartialEq)]
pub struct Flag {
    /// Name.
    pub name: Untrusted,
    /// Value.
    pub result: Data,
}

/// The SDK that sent an event.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Sdk {
    /// `sentry.javascript.node` …
    pub name: Option<Untrusted>,
    /// Its version.
    pub version: Option<Untrusted>,
}
