//! Registers the server in an agent's own configuration file: the text before becomes the text after.
//! It alone uses the editors that keep comments, order and spacing.
//! It does no IO, and refuses rather than write what it can't read back.

mod client;
mod codex;
mod entry;
mod goose;
mod json;
mod places;

pub use client::{CLIENTS, Client, Scope, client};
pub use entry::{Entry, Start};
pub use places::{Os, Places};

/// What is to be done with the entry of a name.
#[derive(Clone, Debug)]
pub enum Change {
    /// It is there afterwards, and starts this.
    Put(Entry),
    /// It is not there afterwards.
    Remove,
}

/// Why a file is left as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It can't be read as its format.
    #[error("it is not valid {format}: {why}")]
    Broken {
        /// Name of the format.
        format: &'static str,
        /// What its parser says.
        why: String,
    },
    /// It is readable, and has something else where servers stand.
    #[error("\"{0}\" in it is not a table of servers")]
    Shape(String),
    /// A key stands twice, so that it is unclear which counts.
    #[error("\"{0}\" stands in it twice")]
    Twice(String),
    /// Written in a way that can't be edited in place.
    #[error("{0}")]
    Unusual(&'static str),
    /// The edit would have changed more than its entry.
    #[error("the edit would have changed other entries; add the entry by hand (--print shows it)")]
    Collateral,
    /// The client can't do what is asked.
    #[error("{0}")]
    Unsupported(&'static str),
}

/// The text of a client's file after the change. `None` where nothing has to change. `before` is `None` where there is
/// no file yet.
///
/// # Errors
/// [`Refusal`]: the file is to be left as it is.
pub fn edit(client: &Client, name: &str, before: Option<&str>, change: &Change) -> Result<Option<String>, Refusal> {
    let text = before.unwrap_or_default();
    let (mark, body) = match text.strip_prefix('\u{feff}') {
        Some(rest) => ("\u{feff}", rest),
        None => ("", text),
    };
    if matches!(change, Change::Remove) && body.trim().is_empty() {
        return Ok(None);
    }
    let edited = match client.format {
        client::Format::Json => json::edit(client, name, body, change)?,
        client::Format::Toml => codex::edit(name, body, change)?,
        client::Format::Yaml => goose::edit(name, body, change)?,
    };
    let whole = format!("{mark}{}", like_before(body, edited));
    Ok((whole != text).then_some(whole))
}

/// Line ends as the file had them, where it had one kind.
fn like_before(before: &str, after: String) -> String {
    let lines = before.matches('\n').count();
    if lines > 0 && before.matches("\r\n").count() == lines {
        after.replace("\r\n", "\n").replace('\n', "\r\n")
    } else {
        after
    }
}
