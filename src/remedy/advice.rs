//! Ways in which errors of any system give advice: "did you mean", "use … instead", "to fix this".
//!
//! Only words that name something to do count. What merely asks for patience or refuses a value ("please try again",
//! "must be positive") says nothing that the reader doesn't know.

use std::sync::LazyLock;

use super::{
    Action,
    rules::{Quote, Rule, rule},
};

pub(super) static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let advice = |_: &str| Action::AsItSays;
    vec![
        rule("did_you_mean", Quote::Line, r"(?i)\b(?:did|do) you mean:? (?:to )?([^?\n]+)\?", |name| {
            Action::UseInstead(name.trim_matches(['\'', '"', '`']).into())
        }),
        rule("did_you_mean", Quote::Line, r"(?i)\b(?:maybe|perhaps) you meant:? (?:to )?([^?\n]+)\?", |name| {
            Action::UseInstead(name.trim_matches(['\'', '"', '`']).into())
        }),
        rule(
            "did_you_mean",
            Quote::Line,
            r"(?i)\b(?:did you forget|(?:maybe|perhaps) you (?:forgot|meant|need|want)|you (?:probably|likely) (?:meant|forgot|want|need))\b",
            advice,
        ),
        rule(
            "advice",
            Quote::Line,
            r"(?i)\byou (?:may|might|could) (?:want|need) to (?:\w+)\b|\byou (?:should|need to|have to) (?:use|set|add|install|run|enable|call|increase|upgrade|update|create|define|specify|provide|configure|pass|wrap|import|register|grant)\b",
            advice,
        ),
        rule(
            "advice",
            Quote::Line,
            r"(?i)\bplease (?:use|run|set|add|install|enable|increase|upgrade|update|create|define|configure|register|reinstall|rebuild|recompile|visit https?)\b|\bconsider (?:using|setting|adding|increasing|upgrading|enabling|installing|running|passing|raising)\b|\btry (?:setting|using|increasing|adding|running|upgrading|installing|enabling|reducing|passing|raising|reinstalling)\b",
            advice,
        ),
        rule(
            "advice",
            Quote::Line,
            r"(?i)\bto (?:enable|disable|allow|update|override|silence) (?:it|them|this)[,:] ?|\b(?:set|define|export) (?:the )?[`'\x22]?[A-Z][A-Z0-9_]{3,}[`'\x22]? environment variable\b|\bplease provide (?:the |an? )?(?:necessary |[`':])|\byou must (?:configure|enable|install|register|call|annotate)\b",
            advice,
        ),
        rule(
            "advice",
            Quote::Line,
            // An error that names what to use instead, with a dot in the name, or before it.
            r"(?i)\b(?:please )?use [`'\x22]?[\w.:$#()\-/<>@]+[`'\x22]?,? (?:instead|in its place)\b|\binstead of \S+,? (?:use|call|pass) \S+|\bhas been (?:replaced by|renamed to|superseded by|moved to) \S+|\bwas (?:replaced by|renamed to|moved to) \S+|\b(?:replaced|superseded) (?:by|with) \S+|\bis no longer (?:supported|available|valid)[,;:.] (?:please )?use\b|\bprefer \S+ (?:instead|over)\b|\bin favou?r of \S+",
            advice,
        ),
        rule(
            "advice",
            Quote::Line,
            r"(?i)\buse [^.\n]{1,100} instead\b|\binstead,? use\b|\bto (?:fix|solve|resolve|work around) this\b|\bmake sure (?:to|that|you)\b|\bis deprecated[,;:.] (?:please )?use\b|\b(?:increase|raise) the (?:\w+ )?limit\b|\bto increase the limit\b|\brun [`'](?:npm|npx|yarn|pnpm|pip|python|apt|kubectl|docker|bundle|composer|go|cargo)\b",
            advice,
        ),
    ]
});
