//! People in free text: e-mail, telephone, post, the folder that is named after its owner.

use std::sync::LazyLock;

use regex::Regex;

use super::span::Span;

/// Longest local part and longest domain that are looked at, in bytes.
const LOCAL: usize = 96;
const DOMAIN: usize = 255;

/// Addresses of e-mail: around each `@`, a bounded stretch.
pub(super) fn emails(text: &str, out: &mut Vec<Span>) {
    let mut done = 0;
    for (at, mark) in text.match_indices('@') {
        if at < done {
            continue;
        }
        let Some(start) = local(text, done, at) else { continue };
        let Some(end) = domain(text, at + mark.len()) else { continue };
        if is_address(text, start, at, end) {
            done = end;
            out.push(Span::person(start, end, "email", normal(&text[start..end])));
        }
    }
}

/// An address in its one normal form.
pub(super) fn normal(address: &str) -> String {
    address.trim().trim_matches(['\'', '<', '>', ' ']).to_lowercase().replace('"', "")
}

fn local(text: &str, least: usize, at: usize) -> Option<usize> {
    let before = &text[least..at];
    if let Some(inner) = before.strip_suffix('"') {
        // `"any words"@host`.
        let open = inner.char_indices().rev().take(LOCAL).find(|(_, c)| *c == '"' || *c == '\n')?;
        let held = &inner[open.0 + 1..];
        // What stands between the quotes of code is none: `h["X-User"] + "@host.example"`.
        let is_code = held.contains(['=', ':', '{', '[', ']', '(', ')', ';']) || held.trim() != held || held == "+";
        return (open.1 == '"' && !held.is_empty() && !is_code).then_some(least + open.0);
    }
    let taken = |c: char| c.is_alphanumeric() || "._%+-'!#$*^|~".contains(c);
    let run = before.char_indices().rev().take(LOCAL).take_while(|(_, c)| taken(*c)).last()?;
    // It begins with a letter or digit, whatever marks stand before.
    let skipped = text[least + run.0..at].find(char::is_alphanumeric)?;
    Some(least + run.0 + skipped)
}

fn domain(text: &str, from: usize) -> Option<usize> {
    let taken = |c: char| c.is_alphanumeric() || c == '-' || c == '.';
    let run = text[from..].char_indices().take(DOMAIN).take_while(|(_, c)| taken(*c)).last();
    let (last, c) = run?;
    let name = text[from..from + last + c.len_utf8()].trim_end_matches(['.', '-']);
    // The last label is letters; what a sentence joined on to it is not.
    let top = name.rsplit('.').next()?;
    let enough = top.chars().count() >= 2 && (top.chars().all(char::is_alphabetic) || top.starts_with("xn--"));
    let whole = name.contains('.') && name.split('.').all(|label| !label.is_empty() && !label.starts_with('-'));
    (enough && whole).then_some(from + name.len())
}

fn is_address(text: &str, start: usize, at: usize, end: usize) -> bool {
    const FILES: [&str; 22] = [
        "png", "jpg", "jpeg", "gif", "svg", "webp", "js", "mjs", "cjs", "ts", "tsx", "jsx", "css", "json", "map",
        "avif", "html", "vue", "scss", "py", "rb", "tgz",
    ];
    let domain = &text[at + 1..end];
    let (mut labels, last) = (domain.split('.'), domain.rsplit('.').next().unwrap_or(""));
    let starts_with_digit =
        |label: Option<&str>| label.is_some_and(|label| label.starts_with(|c: char| c.is_ascii_digit()));
    let first = labels.next();
    let numeric = first.is_some_and(|label| label.bytes().all(|b| b.is_ascii_digit()));
    // `shop@2.3.0-rc.one` is a release, `icon@2x.png` a file, `git@host.example:path` an address of a repository.
    let version =
        starts_with_digit(first) && starts_with_digit(labels.next()) || (numeric && first.is_some_and(|l| l.len() < 3));
    let repository = text[start..at].eq_ignore_ascii_case("git");
    // `scheme://user:password@host`: another form has it.
    let mut near = start.saturating_sub(100);
    while !text.is_char_boundary(near) {
        near += 1;
    }
    let authority = text[near..start].ends_with(':')
        && text[near..start].rsplit(char::is_whitespace).next().is_some_and(|word| word.contains("://"));
    !authority && !version && !repository && !FILES.contains(&last.to_ascii_lowercase().as_str())
}

/// Telephone numbers as they are written: with a country's code, with `00`, and a country's own forms.
static PHONE: LazyLock<Regex> = LazyLock::new(|| {
    let forms = [
        r"\+[0-9]{1,3}(?:[ ().\-/]{0,3}[0-9]){6,13}",
        r"\b00[1-9][0-9]{0,2}[ .\-/(]{1,2}[0-9](?:[ ().\-/]{0,2}[0-9]){5,12}",
        r"\([2-9][0-9]{2}\) ?[0-9]{3}[\-. ][0-9]{4}\b",
        r"\b(?:1[\-. ])?[2-9][0-9]{2}[\-.][2-9][0-9]{2}[\-.][0-9]{4}\b",
        r"\b\(?0[1-9][0-9]{1,4}\)?[ /\-]{1,3}[0-9]{3,8}(?:[ \-][0-9]{2,6}){0,3}\b",
        r"\b0[1-9](?:[ .][0-9]{2}){4}\b",
    ];
    Regex::new(&forms.map(|form| format!("(?:{form})")).join("|")).expect("the forms are regular expressions")
});

/// Telephone numbers.
pub(super) fn phones(text: &str, out: &mut Vec<Span>) {
    for found in PHONE.find_iter(text) {
        let digits = found.as_str().bytes().filter(u8::is_ascii_digit).count();
        let inside = text[..found.start()]
            .ends_with(|c: char| c.is_alphanumeric() || ".-_/".contains(c) && !text[..found.start()].ends_with("//"))
            || text[found.end()..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
        let national = !found.as_str().starts_with('+');
        // A national number has nine digits at least; fewer are dates and ids. `00` dials out and is no part of it.
        let most = if found.as_str().starts_with("00") { 17 } else { 15 };
        let enough = (if national { 9 } else { 8 }..=most).contains(&digits);
        if !inside && enough && !is_sum(&text[..found.start()], found.as_str()) {
            out.push(Span::gone(found.start(), found.end(), "phone"));
        }
    }
}

/// `+12345678` after a number is a sum, and a zone of time follows a time.
fn is_sum(before: &str, found: &str) -> bool {
    found.starts_with('+') && before.trim_end().ends_with(|c: char| c.is_ascii_digit())
}

/// Streets with a number, in the forms of several countries.
static STREET: LazyLock<Regex> = LazyLock::new(|| {
    let forms = [
        r"\b[0-9]{1,5}[A-Za-z]? (?:[NSEW]\.? )?(?:[A-Z][A-Za-z'’]+ ){1,3}(?:Street|Avenue|Road|Boulevard|Lane|Terrace|Highway|Crescent)\b(?:,? (?:Apt|Suite|Unit|Flat|#)\.? ?[0-9A-Za-z]+)?",
        r"\b[0-9]{1,5}[A-Za-z]? (?:[A-Z][A-Za-z'’]+ ){1,3}(?:St|Ave|Rd|Blvd|Ln|Drive|Dr|Court|Ct|Square|Sq|Way|Place|Pl|Hwy|Close|Gardens)\.?, [A-Z0-9]",
        r"\b\p{Lu}[\p{L}.\-]*(?:straße|strasse|str\.|gasse|allee|platz|damm|ufer|laan|straat|gatan|vägen|katu) ?[0-9]{1,4} ?[a-z]?\b",
        r"\b(?:Rua|Rue|Calle|Avenida|Praça|Piazza|Plaza|Carrer|Ulica|ul\.) (?:(?:da|de|do|dos|das|del|la|le|les|du|des|di|d') ?)*(?:\p{Lu}[\p{L}'’.]+ ?){1,4},? ?(?:n[º°.]{1,2} ?)?[0-9]{1,5}\b",
        r"\b[0-9]{1,4}(?: bis| ter)?,? (?:rue|avenue|boulevard|place|chemin|allée|impasse|quai) (?:(?:de|du|des|la|le|les|l'|d') ?)*\p{Lu}[\p{L}'’\- ]{2,30}",
        r"\bVia \p{Lu}\p{L}+(?: \p{Lu}\p{L}+)?,? [0-9]{1,4}, [0-9]{5}\b",
    ];
    Regex::new(&forms.map(|form| format!("(?:{form})")).join("|")).expect("the forms are regular expressions")
});

/// Postal addresses.
pub(super) fn streets(text: &str, out: &mut Vec<Span>) {
    let ends = |found: &str| found.trim_end_matches([' ', ',']).len();
    out.extend(STREET.find_iter(text).map(|f| Span::gone(f.start(), f.start() + ends(f.as_str()), "address")));
}

/// Folders of people: the name after `/home/`, `/Users/`, `C:\Users\`.
static HOME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?:(?:^|[\s"'`(\[=:,;<>|]|file://|\\\\\?\\|localhost)/(?:private/)?(?:home|Users|var/home|usr/home|data/home)/|[A-Za-z]:(?:\\{1,4}|/)(?:Users|Documents and Settings)(?:\\{1,4}|/))([^/\\\s"'`<>|:*?,;()\[\]]{1,64})([/\\][^\s"'`<>|*?;()\[\]]{0,400})?"#)
        .expect("the form is a regular expression")
});

/// Owners that are nobody: accounts of systems, images, pipelines.
const NOBODY: [&str; 48] = [
    "app",
    "user",
    "users",
    "runner",
    "root",
    "ubuntu",
    "ec2-user",
    "node",
    "www-data",
    "jenkins",
    "circleci",
    "vagrant",
    "admin",
    "administrator",
    "public",
    "default",
    "deploy",
    "build",
    "builder",
    "ci",
    "docker",
    "git",
    "shared",
    "guest",
    "nobody",
    "oracle",
    "postgres",
    "me",
    "dev",
    "developer",
    "work",
    "azureuser",
    "vsts",
    "gitlab-runner",
    "travis",
    "appveyor",
    "vscode",
    "codespace",
    "coder",
    "site",
    "web",
    "www",
    "centos",
    "debian",
    "fedora",
    "pi",
    "all users",
    "runneradmin",
];

/// Names of owners in paths of files.
pub(super) fn homes(text: &str, out: &mut Vec<Span>) {
    for found in HOME.captures_iter(text) {
        let (Some(whole), Some(name)) = (found.get(0), found.get(1)) else { continue };
        let rest = found.get(2).map_or("", |rest| rest.as_str());
        let lower = name.as_str().to_lowercase();
        let windows = whole.as_str().contains('\\');
        if NOBODY.contains(&lower.as_str())
            || name.as_str().starts_with(['{', '$', '%', '[', '~', '.'])
            || is_route(rest, windows)
        {
            continue;
        }
        if !super::super::pseudonym::is_pseudonym(&lower) {
            out.push(Span::person(name.start(), name.end(), "user", lower));
        }
    }
}

/// `/home/settings` is a page of a site: a folder of a person goes on to a file, or to what such folders have.
fn is_route(rest: &str, windows: bool) -> bool {
    const HAS: [&str; 20] = [
        "src",
        "lib",
        "node_modules",
        "site-packages",
        "projects",
        "code",
        "work",
        "dev",
        "documents",
        "desktop",
        "downloads",
        "library",
        "go",
        "appdata",
        "repos",
        "workspace",
        "git",
        "bin",
        "venv",
        "www",
    ];
    let parts = || rest.split(['/', '\\']).filter(|part| !part.is_empty());
    let file = parts().next_back().is_some_and(|last| last.contains('.'));
    let folder = parts().any(|part| part.starts_with('.') || HAS.contains(&part.to_ascii_lowercase().as_str()));
    !windows && !file && !folder
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(find: fn(&str, &mut Vec<Span>), text: &str) -> Vec<String> {
        let mut out = Vec::new();
        find(text, &mut out);
        out.iter().map(|span| text[span.start..span.end].to_owned()).collect()
    }

    #[test]
    fn addresses_of_mail_are_found_and_what_looks_like_them_is_not() {
        for (text, want) in [
            ("to wang.wei@163.com now", "wang.wei@163.com"),
            ("jana@müller.example", "jana@müller.example"),
            ("用户@例子.广告", "用户@例子.广告"),
            (r#"user "john zebra"@shop.example here"#, r#""john zebra"@shop.example"#),
            ("(email)=(a+shop@example.org)", "a+shop@example.org"),
            ("<o'neil@shop.example>", "o'neil@shop.example"),
        ] {
            assert_eq!(found(emails, text), [want], "{text}");
        }
        for text in [
            "shop@2.3.0+build.41 is older than shop@2.4.0-rc.1 and shop@2.3.0-rc.one",
            "git@github.example:shop/web.git",
            "icon@2x.png @shop/core@1.2.3 Object@1b6d3586 lodash@latest @media",
        ] {
            assert!(found(emails, text).is_empty(), "{text}: {:?}", found(emails, text));
        }
    }

    #[test]
    fn telephones_and_streets_are_found() {
        for text in [
            "+49 30 901820 1234",
            "+1 (555) 010-1198",
            "0049 30 9018201234",
            "(415) 555-2671",
            "415-555-2671",
            "030 / 9018201",
            "06 12 34 56 78",
            "+4915112345678",
        ] {
            assert_eq!(found(phones, &format!("call {text} now")), [text]);
        }
        for text in [
            "2026-01-01T10:00:00+0100",
            "1.2.3-4567",
            "12345678",
            "0x0123 4567890",
            "1,234,567.89",
            "SKU-4242-0001",
            "id 00012345678",
        ] {
            assert!(found(phones, text).is_empty(), "{text}: {:?}", found(phones, text));
        }
        for text in ["221 Baker Street", "Musterstraße 12", "Rua do Ouro 5", "12 rue de la Paix"] {
            assert_eq!(found(streets, &format!("to {text}")), [text]);
        }
        for text in ["404 Not Found", "3 Google Drive accounts", "Place order 42", "Rue 5", "404 Page Not Found"] {
            assert!(found(streets, text).is_empty(), "{text}");
        }
    }

    #[test]
    fn owners_of_folders_go_and_routes_stay() {
        for text in [
            "/Users/zebra/app.py",
            "at x (/home/zebra/src/a.js:1:2)",
            r"C:\Users\zebra\AppData\x",
            "file:///Users/zebra/a.js",
        ] {
            assert_eq!(found(homes, text), ["zebra"], "{text}");
        }
        for text in [
            r"C:\Users\app\AppData\Local\shop.exe",
            "/home/settings",
            "/home/runner/work/a/a.js",
            "https://s.example/home/cart/x.html",
            "/home/products/list",
        ] {
            assert!(found(homes, text).is_empty(), "{text}");
        }
    }
}
