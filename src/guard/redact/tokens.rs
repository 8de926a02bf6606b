//! Credentials with a form of their own: one row a kind, told by how they begin.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Input};

use super::span::Span;

/// Which characters a token goes on with.
#[derive(Clone, Copy)]
enum Of {
    /// Letters and digits.
    Alnum,
    /// And `-`, `_`.
    Word,
    /// And `.`.
    Dotted,
    /// And `+`, `/`, `=` of base64.
    Base64,
    /// Capitals and digits.
    Upper,
    /// Hexadecimal digits.
    Hex,
    /// Hexadecimal digits and `-`.
    Uuid,
    /// What a path of a URL has.
    Path,
}

impl Of {
    fn has(self, b: u8) -> bool {
        match self {
            Self::Alnum => b.is_ascii_alphanumeric(),
            Self::Word => b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'),
            Self::Dotted => b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'),
            Self::Base64 => b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'+' | b'/' | b'='),
            Self::Upper => b.is_ascii_uppercase() || b.is_ascii_digit(),
            Self::Hex => b.is_ascii_hexdigit(),
            Self::Uuid => b.is_ascii_hexdigit() || b == b'-',
            Self::Path => b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'/' | b'.' | b'%' | b'@'),
        }
    }
}

/// What may stand before a token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Anything: the beginning is telling enough.
    Any,
    /// No letter and no digit: other words end like this.
    NoWord,
}

struct Row {
    kind: &'static str,
    starts: &'static [&'static str],
    of: Of,
    /// Fewest and most characters after the start.
    least: usize,
    most: usize,
    before: Before,
    /// Whether the start stays: a host, say.
    keeps_start: bool,
}

const ANY: usize = usize::MAX;
/// Characters of a token that are looked at before it is known for one.
const LOOKED: usize = 512;

const fn row(kind: &'static str, starts: &'static [&'static str], of: Of, least: usize, most: usize) -> Row {
    Row { kind, starts, of, least, most, before: Before::Any, keeps_start: false }
}

const fn weak(kind: &'static str, starts: &'static [&'static str], of: Of, least: usize, most: usize) -> Row {
    Row { kind, starts, of, least, most, before: Before::NoWord, keeps_start: false }
}

const fn place(starts: &'static [&'static str]) -> Row {
    Row { kind: "webhook", starts, of: Of::Path, least: 8, most: ANY, before: Before::Any, keeps_start: true }
}

/// Forms that providers publish.
const ROWS: &[Row] = &[
    row("aws key", &["AKIA", "ASIA", "AGPA", "AROA", "AIDA", "ANPA", "ABIA", "ACCA"], Of::Upper, 16, 16),
    row("github token", &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], Of::Alnum, 20, ANY),
    row("github token", &["github_pat_"], Of::Word, 22, ANY),
    row(
        "gitlab token",
        &[
            "glpat-",
            "gldt-",
            "glrt-",
            "glptt-",
            "glsoat-",
            "glcbt-",
            "glft-",
            "glimt-",
            "glagent-",
            "gloas-",
            "glffct-",
            "glwt-",
            "GR1348941",
        ],
        Of::Dotted,
        16,
        ANY,
    ),
    weak("stripe key", &["sk_live_", "sk_test_", "rk_live_", "rk_test_", "pk_live_", "pk_test_"], Of::Word, 10, ANY),
    row("stripe key", &["whsec_"], Of::Base64, 16, ANY),
    row(
        "slack token",
        &["xoxb-", "xoxa-", "xoxp-", "xoxe-", "xoxo-", "xoxr-", "xoxs-", "xoxc-", "xoxd-", "xapp-", "xoxe."],
        Of::Base64,
        10,
        ANY,
    ),
    place(&["hooks.slack.com/services/", "hooks.slack.com/workflows/", "hooks.slack.com/triggers/"]),
    place(&[
        "discord.com/api/webhooks/",
        "discordapp.com/api/webhooks/",
        "hooks.zapier.com/hooks/catch/",
        "webhook.office.com/",
        "outlook.office.com/webhook/",
        "maker.ifttt.com/trigger/",
        "hook.eu1.make.com/",
        "hook.us1.make.com/",
        "connect.pabbly.com/workflow/sendwebhookdata/",
    ]),
    row("google key", &["AIza"], Of::Word, 33, 37),
    row("google key", &["GOCSPX-"], Of::Word, 20, ANY),
    row("google token", &["ya29."], Of::Dotted, 10, ANY),
    row("google token", &["1//0"], Of::Word, 30, ANY),
    row("openai key", &["sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-"], Of::Word, 16, ANY),
    row("anthropic key", &["sk-ant-"], Of::Word, 16, ANY),
    row("openrouter key", &["sk-or-v1-", "sk-or-"], Of::Word, 16, ANY),
    weak("api key", &["sk-"], Of::Word, 20, ANY),
    row("hugging face token", &["hf_"], Of::Alnum, 20, ANY),
    row("npm token", &["npm_"], Of::Alnum, 30, ANY),
    row("pypi token", &["pypi-AgE"], Of::Word, 20, ANY),
    row("rubygems key", &["rubygems_"], Of::Hex, 32, ANY),
    weak("crates token", &["cio"], Of::Alnum, 32, 32),
    weak("nuget key", &["oy2"], Of::Alnum, 43, 43),
    row("docker token", &["dckr_pat_", "dckr_oat_"], Of::Word, 20, ANY),
    row("digitalocean token", &["dop_v1_", "doo_v1_", "dor_v1_"], Of::Hex, 32, ANY),
    row("shopify token", &["shpat_", "shpca_", "shppa_", "shpss_", "shpua_"], Of::Hex, 20, ANY),
    row("sendgrid key", &["SG."], Of::Dotted, 40, ANY),
    weak("mailgun key", &["key-"], Of::Hex, 32, 32),
    row("brevo key", &["xkeysib-", "xsmtpsib-"], Of::Word, 40, ANY),
    weak("resend key", &["re_"], Of::Word, 24, 60),
    weak("twilio key", &["SK", "AC"], Of::Hex, 32, 32),
    row("vault token", &["hvs.", "hvb.", "hvr."], Of::Word, 20, ANY),
    row("terraform token", &[".atlasv1."], Of::Word, 40, ANY),
    row("pulumi token", &["pul-"], Of::Hex, 40, 40),
    row("doppler token", &["dp.pt.", "dp.st.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit."], Of::Dotted, 32, ANY),
    row("1password token", &["ops_eyJ"], Of::Base64, 40, ANY),
    row("age key", &["AGE-SECRET-KEY-1", "age-secret-key-1"], Of::Alnum, 40, ANY),
    row("linear key", &["lin_api_", "lin_oauth_"], Of::Word, 20, ANY),
    row("sentry token", &["sntrys_", "sntryu_", "sntrya_", "sntryi_", "sntryr_"], Of::Base64, 20, ANY),
    row("groq key", &["gsk_"], Of::Alnum, 32, ANY),
    row("xai key", &["xai-"], Of::Alnum, 32, ANY),
    row("perplexity key", &["pplx-"], Of::Alnum, 32, ANY),
    weak("replicate token", &["r8_"], Of::Alnum, 32, ANY),
    row("langsmith key", &["lsv2_pt_", "lsv2_sk_"], Of::Word, 32, ANY),
    row("langfuse key", &["sk-lf-"], Of::Uuid, 32, ANY),
    row("nvidia key", &["nvapi-"], Of::Word, 40, ANY),
    row("jina key", &["jina_"], Of::Word, 40, ANY),
    weak("fireworks key", &["fw_"], Of::Alnum, 20, ANY),
    row("together key", &["tgp_v1_"], Of::Word, 20, ANY),
    row("tavily key", &["tvly-"], Of::Word, 20, ANY),
    row("elevenlabs key", &["xi-api-key-"], Of::Alnum, 20, ANY),
    row("pinecone key", &["pcsk_"], Of::Word, 30, ANY),
    row("heroku key", &["HRKU-"], Of::Word, 32, ANY),
    row("supabase key", &["sbp_"], Of::Hex, 32, ANY),
    row("supabase key", &["sb_secret_", "sb_publishable_"], Of::Word, 16, ANY),
    row("planetscale key", &["pscale_tkn_", "pscale_pw_", "pscale_oauth_"], Of::Dotted, 24, ANY),
    weak("databricks token", &["dapi", "dose"], Of::Hex, 32, 34),
    row("snyk token", &["snyk_uat.", "snyk_sat."], Of::Dotted, 30, ANY),
    row("notion token", &["ntn_"], Of::Alnum, 30, ANY),
    weak("notion token", &["secret_"], Of::Alnum, 40, ANY),
    weak("airtable token", &["pat"], Of::Dotted, 79, 79),
    row("figma token", &["figd_", "figoh_", "figor_"], Of::Word, 30, ANY),
    row("atlassian token", &["ATATT3x", "ATCTT3x", "ATBB", "ATSTT3x"], Of::Base64, 20, ANY),
    row("hubspot token", &["pat-na1-", "pat-eu1-", "pat-na2-", "pat-ap1-"], Of::Uuid, 30, ANY),
    row("square token", &["sq0atp-", "sq0csp-", "sq0idp-"], Of::Word, 22, ANY),
    row("new relic key", &["NRAK-", "NRJS-", "NRII-", "NRAA-", "NRRA-"], Of::Alnum, 19, ANY),
    row("grafana token", &["glsa_"], Of::Word, 32, ANY),
    row("grafana token", &["glc_eyJ"], Of::Base64, 20, ANY),
    weak("posthog key", &["phx_", "phc_", "phs_"], Of::Alnum, 32, ANY),
    row("honeycomb key", &["hcaik_", "hcbik_", "hcxik_", "hcamk_"], Of::Alnum, 30, ANY),
    row("dynatrace token", &["dt0c01.", "dt0s01.", "dt0s16."], Of::Dotted, 40, ANY),
    row("contentful token", &["CFPAT-"], Of::Word, 32, ANY),
    row("postman key", &["PMAK-", "PMAT-"], Of::Uuid, 40, ANY),
    weak("sonar token", &["squ_", "sqp_", "sqa_", "sqb_"], Of::Hex, 40, ANY),
    row("circleci token", &["CCIPAT_", "CCIPRJ_"], Of::Word, 32, ANY),
    row("buildkite token", &["bkua_", "bkct_", "bkaj_"], Of::Alnum, 32, ANY),
    row("netlify token", &["nfp_", "nfc_", "nfu_"], Of::Word, 30, ANY),
    row("fly token", &["FlyV1 fm", "fm1r_", "fm2_", "fo1_"], Of::Base64, 30, ANY),
    row("cloudflare key", &["v1.0-"], Of::Uuid, 100, ANY),
    weak("easypost key", &["EZAK", "EZTK"], Of::Alnum, 54, 54),
    row("razorpay key", &["rzp_live_", "rzp_test_"], Of::Alnum, 14, ANY),
    row("paystack key", &["FLWSECK-", "FLWSECK_TEST-"], Of::Word, 20, ANY),
    row("plaid token", &["access-production-", "access-sandbox-", "access-development-"], Of::Uuid, 30, ANY),
    weak("facebook token", &["EAACEdEose0cBA", "EAAG", "EAAB"], Of::Alnum, 60, ANY),
    row("twitch token", &["oauth:"], Of::Alnum, 30, 30),
    row("typeform token", &["tfp_"], Of::Word, 40, ANY),
    row("mapbox token", &["sk.eyJ", "pk.eyJ", "tk.eyJ"], Of::Dotted, 40, ANY),
    row("asana token", &["ya_asana_"], Of::Word, 20, ANY),
    row("okta token", &["SSWS 00"], Of::Word, 38, 42),
    row("duffel token", &["duffel_live_", "duffel_test_"], Of::Word, 40, ANY),
    row("shippo token", &["shippo_live_", "shippo_test_"], Of::Hex, 40, ANY),
    row("frame.io token", &["fio-u-"], Of::Word, 60, ANY),
    row("readme key", &["rdme_"], Of::Alnum, 60, ANY),
    row("prefect key", &["pnu_", "pnb_"], Of::Alnum, 32, ANY),
    row("infracost key", &["ico-"], Of::Alnum, 32, 32),
    row("adafruit key", &["aio_"], Of::Alnum, 28, 28),
    row("dropbox token", &["sl.B", "sl.u."], Of::Word, 100, ANY),
    row("flutterwave key", &["FLWPUBK-"], Of::Word, 20, ANY),
    row("tailscale key", &["tskey-"], Of::Word, 20, ANY),
    row("vercel token", &["vcp_", "vci_", "vca_", "vcr_", "vck_", "vercel_blob_rw_"], Of::Word, 24, ANY),
    row("neon key", &["napi_"], Of::Alnum, 40, ANY),
    row("stytch key", &["secret-live-", "secret-test-"], Of::Base64, 24, ANY),
    row("clerk key", &["ak_live_", "ak_test_"], Of::Alnum, 20, ANY),
    row("discord token", &["mfa."], Of::Word, 60, ANY),
    row("lob key", &["live_pub_", "test_pub_"], Of::Hex, 30, ANY),
    weak("intercom token", &["dG9rO"], Of::Base64, 50, ANY),
    row("azure key", &["AccountKey=", "SharedAccessKey=", "SharedAccessSignature="], Of::Base64, 16, ANY),
];

/// Which row each pattern of [`FINDER`] belongs to, in the same order.
static STARTS: LazyLock<Vec<(usize, &'static str)>> = LazyLock::new(|| {
    let of = |(at, row): (usize, &Row)| row.starts.iter().map(|start| (at, *start)).collect::<Vec<_>>();
    ROWS.iter().enumerate().flat_map(of).collect()
});

static FINDER: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .match_kind(aho_corasick::MatchKind::LeftmostLongest)
        .build(STARTS.iter().map(|(_, start)| *start))
        .expect("the rows' starts are few and short")
});

/// All tokens of a text. Each byte is looked at a bounded number of times.
pub(super) fn find(text: &str, out: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(found) = FINDER.find(Input::new(text).range(from..)) {
        let (at, _) = STARTS[found.pattern().as_usize()];
        match taken(&ROWS[at], bytes, found.start(), found.end()) {
            Some(span) => {
                from = span.end;
                out.push(span);
            }
            None => from = found.start() + 1,
        }
    }
    after_marks(text, out);
}

/// Whether a row is of this kind.
pub(super) fn is_kind(kind: &str) -> bool {
    ROWS.iter().any(|row| row.kind == kind)
}

fn taken(row: &Row, bytes: &[u8], start: usize, body: usize) -> Option<Span> {
    let glued = start > 0 && bytes[start - 1].is_ascii_alphanumeric();
    if row.before == Before::NoWord && glued {
        return None;
    }
    let run = |most: usize| bytes[body..].iter().take(most).take_while(|b| row.of.has(**b)).count();
    // A row of one length is no longer: what goes on is another thing.
    let fixed = row.most != ANY && row.least == row.most;
    let mut length = run(if fixed { row.most + 1 } else { row.most.min(LOOKED) });
    if length < row.least || (fixed && length > row.most && !matches!(row.of, Of::Upper)) {
        return None;
    }
    let end = body + length.min(row.most);
    let text = &bytes[body..end];
    let telling = match row.before {
        Before::Any => row.least <= 16 || looks_random(text),
        Before::NoWord => looks_random(text),
    };
    if telling && length == LOOKED {
        length = run(row.most);
    }
    let end = body + length.min(row.most);
    telling.then(|| {
        Span::gone(if row.keeps_start { body } else { back(row, bytes, start) }, trimmed(bytes, body, end), row.kind)
    })
}

/// What belongs to a token before its telling part: the id in front of Terraform's.
fn back(row: &Row, bytes: &[u8], start: usize) -> usize {
    if !row.starts[0].starts_with('.') {
        return start;
    }
    let run = bytes[..start].iter().rev().take(20).take_while(|b| b.is_ascii_alphanumeric()).count();
    start - run
}

/// Without the points and dashes of the sentence around it.
fn trimmed(bytes: &[u8], body: usize, mut end: usize) -> usize {
    while end > body && matches!(bytes[end - 1], b'.' | b'-' | b'/') {
        end -= 1;
    }
    end
}

/// Digits among letters: what words of a language have not.
fn looks_random(text: &[u8]) -> bool {
    text.iter().any(u8::is_ascii_digit) && text.iter().any(u8::is_ascii_alphabetic)
}

/// Tokens whose telling part stands in the middle or at the end.
fn after_marks(text: &str, out: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    let left = |at: usize, most: usize, of: Of| bytes[..at].iter().rev().take(most).take_while(|b| of.has(**b)).count();
    let right = |at: usize, most: usize, of: Of| bytes[at..].iter().take(most).take_while(|b| of.has(**b)).count();
    // Telegram: digits of a bot, a colon, 35 characters.
    for (at, _) in text.match_indices(":AA") {
        let digits = bytes[..at].iter().rev().take(11).take_while(|b| b.is_ascii_digit()).count();
        let rest = right(at + 1, 64, Of::Word);
        if (8..=10).contains(&digits) && rest >= 30 {
            out.push(Span::gone(at - digits, at + 1 + rest, "bot token"));
        }
    }
    // Mailchimp: 32 hex digits and a data centre.
    for (at, _) in text.match_indices("-us") {
        let (digits, centre) = (left(at, 33, Of::Hex), right(at + 3, 3, Of::Alnum));
        if digits == 32 && (1..=2).contains(&centre) && bytes[at + 3].is_ascii_digit() {
            out.push(Span::gone(at - digits, at + 3 + centre, "mailchimp key"));
        }
    }
    // Secrets of Azure's applications: three characters, `8Q~` or `7Q~`, and more.
    for mark in ["8Q~", "7Q~", "Q~"] {
        for (at, _) in text.match_indices(mark) {
            let (before, after) = (left(at, 5, Of::Dotted), 3.max(mark.len()));
            let rest = bytes[(at + mark.len()).min(bytes.len())..]
                .iter()
                .take(40)
                .take_while(|b| Of::Dotted.has(**b) || **b == b'~')
                .count();
            if before >= 3 && after + rest >= 31 {
                out.push(Span::gone(at - before, at + mark.len() + rest, "azure secret"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> usize {
        let mut found = Vec::new();
        find(text, &mut found);
        found.len()
    }

    #[test]
    fn words_that_begin_like_tokens_are_none() {
        for text in [
            "task-runner-for-background-jobs-number-1",
            "re_render the component re_entrant_lock_guard",
            "npm_config_registry is unset",
            "key-value-store",
            "ACTION SKIPPED",
            "patch pattern patient",
            "dapi_version",
            "risk-assessment-of-the-2nd-degree-needed",
        ] {
            assert_eq!(kinds(text), 0, "{text}");
        }
    }

    #[test]
    fn a_start_over_and_over_is_looked_at_once() {
        assert!(kinds(&"ghp_".repeat(10_000)) <= 1);
        assert_eq!(kinds(&"sk_live_".repeat(10_000)), 0);
    }
}
