//! Answers fitted to a budget of tokens, each rendered as Markdown and as data.
//! It uses `guard` and `model`.
//! It never takes a `String`: what is shown is clean text, numbers, times and words of the program.

mod doc;
mod fit;
mod inline;
mod time;
pub mod tokens;
mod words;

pub use doc::Doc;
pub use fit::{Answer, Common, CursorAfter, Fitted, Omission, Sent, SourceView, View, error_data, fit, fit_error};
pub use inline::{Inline, Named, Pairs};
pub use time::{Millis, Seconds};
pub use words::{Word, count, known_users, percent, rounded, users};
