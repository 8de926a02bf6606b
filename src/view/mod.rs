//! Answers fitted to a budget of tokens, each rendered as Markdown and as data.
//! It uses `guard` and `model`.
//! It never takes a `String`.
