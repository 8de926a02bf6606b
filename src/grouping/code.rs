//! Codes in texts that tell errors apart though they are numbers: states of HTTP, of processes, of systems and databases.

use std::sync::LazyLock;

use regex::Regex;

/// How much of a text is looked at.
const LIMIT: usize = 600;

/// The code that a text names as one; numbers that merely stand in it are values.
pub(super) fn of_text(text: &str) -> Option<String> {
    static CODES: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(&FORMS.join("|")).expect("the forms are regular expressions"));
    let end = (0..=text.len().min(LIMIT)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let found = CODES.captures(&text[..end])?;
    found.iter().skip(1).flatten().next().map(|code| code.as_str().to_ascii_uppercase())
}

/// Each with one group: the code.
const FORMS: &[&str] = &[
    // HTTP: RFC 9110, and the words that clients put around.
    r"(?i)\bstatus(?:[ _-]?code)?(?:(?: of| is| was|:|=|[ (])+)[\x22']?([1-5]\d\d)\b",
    r"(?i)\bhttp(?:/\d(?:\.\d)?)?(?: (?:error|status|code|response|exception))*(?::|=| )+([1-5]\d\d)\b",
    r"(?i)\b([1-5]\d\d) (?:client error|server error|bad request|unauthorized|payment required|forbidden|not found|method not allowed|not acceptable|request timeout|conflict|gone|payload too large|unprocessable|too many requests|internal server error|not implemented|bad gateway|service unavailable|gateway time-?out)\b",
    // Apple's NSError: `Code: -1009`, `Code=-1009 "…"`.
    r"(?:^|\()Code: (-?\d+)\b|\bCode=(-?\d+)\b",
    r"\((?:[A-Za-z_][\w.]*) error (-?\d+)\.?\)",
    // Clients that write the status first: aiohttp, kubernetes, Go's net/http.
    r"^([1-5]\d\d), message=|^\(([1-5]\d\d)\)\s*Reason:|\b([1-5]\d\d) \x22[A-Z][a-z]",
    // gRPC's statuses, Firebase's codes, Google Play services.
    r"\bStatusCode\.([A-Z_]{2,})\b|\[([a-z_]+/[a-z-]+)\]|^(\d{1,5}): ?$",
    // Processes and systems.
    r"(?i)\b(?:exit(?:ed)?(?: with)?|return(?:ed)?(?: with)?) (?:code|status):? (-?\d+)\b|\bnon-zero exit status (\d+)\b",
    r"(?i)\b(?:errno|os error|error code|error number)[ :=]+(-?\d+)\b",
    r"(?i)\b(0x8[0-9a-f]{7})\b",
    // Databases.
    r"\bError (\d{4}) \([0-9A-Z]{5}\)|^\((\d{3,5}), b?['\x22]|^((?:08|0A|22|23|25|28|3D|3F|40|42|53|57|XX)[0-9A-Z]{3}): ",
    r"\(code (\d+)(?: SQLITE_\w+)?(?:\[\d+\])?\)",
    r"\bSQLSTATE\[?[ :(]?([0-9A-Z]{5})\b|\b(ORA-\d{5})\b|\b(E\d{5}) \w+|\b(P[12]\d{3}): ",
];

#[cfg(test)]
mod tests {
    use super::of_text;

    #[test]
    fn codes_are_what_is_named_as_one() {
        for (text, want) in [
            ("Request failed with status code 404", Some("404")),
            ("Unexpected status: 503 for https://x.example/a/1", Some("503")),
            ("HTTP 502", Some("502")),
            ("HTTP Error 429: Too Many Requests", Some("429")),
            ("404 Client Error: Not Found for url: https://x.example", Some("404")),
            ("500 Internal Server Error", Some("500")),
            ("Code: -1009", Some("-1009")),
            ("networkError (Code: 0)", Some("0")),
            ("Error Domain=NSURLErrorDomain Code=-1001 \"timed out\"", Some("-1001")),
            ("Command failed with exit code 137", Some("137")),
            ("Connection refused (os error 111)", Some("111")),
            ("SQLSTATE[HY000] [2002] No such file or directory", Some("HY000")),
            ("ORA-00942: table or view does not exist", Some("ORA-00942")),
            ("The operation couldn’t be completed. (NSURLErrorDomain error -1009.)", Some("-1009")),
            ("The operation couldn’t be completed. (Shop.SyncError error 1.)", Some("1")),
            ("(2006, 'MySQL server has gone away')", Some("2006")),
            ("(550, b'mailbox unavailable')", Some("550")),
            ("Error 1062 (23000): Duplicate entry", Some("1062")),
            ("23505: duplicate key value", Some("23505")),
            ("unable to open database file (code 14 SQLITE_CANTOPEN)", Some("14")),
            ("404, message='Not Found', url='https://x.example'", Some("404")),
            ("(404)\nReason: Not Found", Some("404")),
            ("unexpected status 404 \"Not Found\"", Some("404")),
            ("<_InactiveRpcError of RPC that terminated with:\n\tstatus = StatusCode.UNAVAILABLE", Some("UNAVAILABLE")),
            ("[cloud_firestore/permission-denied] Missing permissions", Some("CLOUD_FIRESTORE/PERMISSION-DENIED")),
            ("12500: ", Some("12500")),
            ("90210: order lost", None),
            ("coupon code 8548 expired", None),
            ("order 404 is lost", None),
            ("status of order 90210 is unknown", None),
            ("gave up after 500 ms", None),
        ] {
            assert_eq!(of_text(text).as_deref(), want, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in ".{0,80}") {
            of_text(&text);
        }
    }
}
