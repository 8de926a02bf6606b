//! Names whose values are secrets, whatever they look like.

/// Parts of names, in lower case without `-`, `_`, `.` and spaces.
const PARTS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "apikey",
    "authorization",
    "sessionid",
    "cookie",
    "csrf",
    "xsrf",
    "credential",
    "privatekey",
    "accesskey",
    "signature",
    "cardnumber",
    "creditcard",
    "cvc",
    "cvv",
    "iban",
    "ssn",
];

/// Names that are secrets only as a whole.
const WHOLE: &[&str] = &["auth", "session", "sid", "pin", "otp", "jwt", "bearer", "card"];

/// Names that hold one of the parts and are none: counts, limits, kinds.
const HARMLESS: &[&str] = &[
    "tokentype",
    "maxtokens",
    "tokencount",
    "totaltokens",
    "usagetokens",
    "inputtokens",
    "outputtokens",
    "tokens",
    "promptcachetokens",
];

/// Whether the value under this name goes.
pub(super) fn is_secret(name: &str) -> bool {
    if name.len() > 200 {
        return false;
    }
    let mut folded = String::with_capacity(name.len());
    folded.extend(name.chars().filter(|c| !matches!(c, '-' | '_' | '.' | ' ')).map(|c| c.to_ascii_lowercase()));
    if HARMLESS.contains(&folded.as_str()) {
        return false;
    }
    WHOLE.contains(&folded.as_str()) || PARTS.iter().any(|part| folded.contains(part))
}

/// What stands where a secret stood under a name.
pub(super) const REDACTED: &str = "[redacted: secret]";

/// What SDKs and this program leave where a value was: nothing more has to go.
pub(super) fn is_gone(value: &str) -> bool {
    value == "[Filtered]" || value.starts_with("[redacted: ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known_in_any_spelling() {
        for name in
            ["password", "DB_PASSWORD", "x-api-key", "Authorization", "sessionId", "access.token", "auth", "Set-Cookie"]
        {
            assert!(is_secret(name), "{name}");
        }
        for name in ["author", "currency", "max_tokens", "token_type", "status", "position", "class", "sessions_total"]
        {
            assert!(!is_secret(name), "{name}");
        }
    }
}
