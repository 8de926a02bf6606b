//! The one door for outside text: [`Untrusted`](crate::model::Untrusted) becomes [`Clean`] here and nowhere else.
//! It uses `model` alone.
//! It never lets a `Clean` be made elsewhere, but from literals of the program.

mod clean;
mod keys;
mod literal;
mod own;
mod pseudonym;
mod redact;
mod safe;
mod scrub;
mod stream;
mod text;

pub use clean::{Clean, CleanData, Guard, Limit};
pub use literal::Literal;
pub use pseudonym::{Pseudonyms, is_pseudonym, show_user};
pub use redact::set_policy;
pub use safe::{Safe, Say};
pub use scrub::Scrubber;
