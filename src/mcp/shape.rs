//! Answers by client: text, data, or both.

use rmcp::model::{CallToolResult, ContentBlock};

use crate::{config::Answers, tools::Rendered, view::Sent};

/// What an answer carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Both,
    Text,
    Data,
}

impl Shape {
    pub(super) fn has_data(self) -> bool {
        self != Self::Text
    }

    /// What the budget of an answer is spent on.
    pub(super) fn sent(self) -> Sent {
        match self {
            Self::Both => Sent::Both,
            Self::Text => Sent::Text,
            Self::Data => Sent::Data,
        }
    }
}

/// Clients that hand the JSON of `structuredContent` to their model and drop the text as soon as there is any:
/// Claude Code (anthropics/claude-code#79944), VS Code (microsoft/vscode#290063), Codex CLI. For them Markdown says
/// the same in fewer tokens, so they get text alone.
const READ_JSON: &[&str] = &["claude-code", "Visual Studio Code", "codex-mcp-client"];

/// Whether a client takes inputs that are said to be closed (`additionalProperties: false`), as OpenAI's strict mode wants
/// them. The Python SDK calls itself `mcp` where a program doesn't name itself: so does google-genai, whose converter fails
/// on them (googleapis/python-genai#2393); OpenAI's own library, which does too, closes them itself.
pub(super) fn takes_closed(client: Option<&str>) -> bool {
    client != Some("mcp")
}

/// The shape for a client of that name, as it introduced itself.
pub(super) fn of(answers: Answers, client: Option<&str>) -> Shape {
    match answers {
        Answers::Both => Shape::Both,
        Answers::Text => Shape::Text,
        Answers::Structured => Shape::Data,
        Answers::Auto => {
            let reads_json = client.is_some_and(|name| READ_JSON.iter().any(|known| name.starts_with(known)));
            if reads_json { Shape::Text } else { Shape::Both }
        }
    }
}

/// The answer as the protocol has it.
pub(super) fn result(answer: Rendered, shape: Shape) -> CallToolResult {
    let text = match shape {
        Shape::Data => answer.data.to_string(),
        Shape::Both | Shape::Text => answer.text,
    };
    let content = vec![ContentBlock::text(text)];
    let mut result = if answer.is_error { CallToolResult::error(content) } else { CallToolResult::success(content) };
    result.structured_content = shape.has_data().then_some(answer.data);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_that_read_json_get_text_alone() {
        assert_eq!(of(Answers::Auto, Some("claude-code")), Shape::Text);
        assert_eq!(of(Answers::Auto, Some("Visual Studio Code - Insiders")), Shape::Text);
        assert_eq!(of(Answers::Auto, Some("somebody-else")), Shape::Both);
        assert_eq!(of(Answers::Auto, None), Shape::Both);
        assert_eq!(of(Answers::Both, Some("claude-code")), Shape::Both);
        assert_eq!(of(Answers::Structured, None), Shape::Data);
    }
}
