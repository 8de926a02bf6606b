//! What goes, what stays, in whole texts.

use super::*;

fn told(text: &str) -> String {
    redact(text, None).into_owned()
}

#[test]
fn every_form_goes_and_what_is_around_it_stays() {
    // Made-up values, put together here so that no scanner takes them for real ones.
    let token = |prefix: &str, rest: &str| format!("{prefix}{rest}");
    let x = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0";
    for (text, want) in [
        (token("using AKI", "AFAKEALZQMKRKAEO4 here"), "using [redacted: aws key] here"),
        (token("gh", &format!("p_{x}")), "[redacted: github token]"),
        (token("TOKENgh", &format!("p_{x}")), "TOKEN[redacted: github token]"),
        (token("glpat", "-abcdefghij0123456789"), "[redacted: gitlab token]"),
        (token("sk_", "live_abcdefghij0123456789"), "[redacted: stripe key]"),
        (token("'\\nsk_", "live_abcdefghij0123456789\\n'"), "'\\n[redacted: stripe key]\\n'"),
        (token("\u{1b}[32mAKI", "AFAKEALZQMKRKAEO4\u{1b}[0m"), "\u{1b}[32m[redacted: aws key]\u{1b}[0m"),
        (token("AKI", "A\u{200b}FAKEALZQMKRKAEO4"), "[redacted: aws key]"),
        (token("xoxb", "-1234567890-abc"), "[redacted: slack token]"),
        (token("AIz", "aSyA1234567890abcdefghijklmnopqrstuv"), "[redacted: google key]"),
        (token("sk-", "proj-abcdefghijklmnop0123456789"), "[redacted: openai key]"),
        (token("eyJ", "hbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl"), "[redacted: jwt]"),
        (
            token("https://hooks.slack.com/services/", "T0000/B0000/abcdefgh"),
            "https://hooks.slack.com/services/[redacted: webhook]",
        ),
        (token("/bot1234567890:", "AAFAKE0123456789abcdefghijklmnopqrs/send"), "/bot[redacted: bot token]/send"),
        ("Authorization: Bearer abcDEF123456".into(), "Authorization: Bearer [redacted: credential]"),
        ("> Authorization: Bearer zebralanternzebralantern".into(), "> Authorization: Bearer [redacted: credential]"),
        ("postgres://shop:hunter2@db.internal/x".into(), "postgres://shop:[redacted: password]@db.internal/x"),
        ("mysql://root:pa'ssW0rd9@db/x".into(), "mysql://root:[redacted: password]@db/x"),
        (
            "jdbc:oracle:thin:shop/S3cr3tPw0rd@//db:1521/x".into(),
            "jdbc:oracle:thin:shop/[redacted: password]@//db:1521/x",
        ),
        ("password=Hunter22 for x".into(), "password=[redacted: secret] for x"),
        (r#"{"api_key": "abc123def456"}"#.into(), r#"{"api_key": "[redacted: secret]"}"#),
        (r#"{\"api_key\":\"abc def\"}"#.into(), r#"{\"api_key\":\"[redacted: secret]\"}"#),
        ("Cookie: sid=abc; theme=dark".into(), "Cookie: [redacted: cookie]"),
        ("mail to ada@shop.example now".into(), "mail to [redacted: email] now"),
        ("q=ada%40shop.example".into(), "q=[redacted: email]"),
        ("u=ada\\u0040shop.example&x=1".into(), "u=[redacted: email]&x=1"),
        (token("/x%20key%20sk_", "live_abcdefghij0123456789"), "/x%20key%20[redacted: stripe key]"),
        ("/x%20DE89370400440532013000%20y".into(), "/x%20[redacted: iban]%20y"),
        ("/100%25%20of%20them/203.0.113".into(), "/100%25%20of%20them/203.0.113"),
        ("from 203.0.113.9:4431".into(), "from [redacted: ip]:4431"),
        ("card 4111 1111 1111 1111 declined".into(), "card [redacted: card] declined"),
        ("to DE89 3704 0044 0532 0130 00".into(), "to [redacted: iban]"),
        ("call +49 30 901820 1234".into(), "call [redacted: phone]"),
        ("/Users/zebra/app.py".into(), "/Users/[redacted: user]/app.py"),
    ] {
        assert_eq!(told(&text), want, "{text}");
    }
}

#[test]
fn a_name_says_what_its_value_is_in_every_shape() {
    for text in [
        "https://shop.example/x?password=zebralantern&a=1",
        "https://shop.example/cb#access_token=zebralantern",
        "user=bob&password=zebralantern",
        r#"{"password": "zebralantern", "long": "xxx"#,
        "{\"a\":1}\n{\"password\": \"zebralantern\"}",
        "mutation{login(password:\"zebralantern\"){t}}",
        "--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nzebralantern\r\n--b--",
        "<login><password>zebralantern</password></login>",
        "<ns:password type=\"x\">zebralantern</ns:password>",
        r#"<input type="password" name="password" value="zebralantern">"#,
        r#"[{"name":"password","value":"zebralantern"}]"#,
        "UPDATE users SET password = 'zebralantern' WHERE id=1",
        "CREATE USER x IDENTIFIED BY 'zebralantern'",
        "app --password=zebralantern",
        "app --password zebralantern -v",
        r#"["app", "--password", "zebralantern"]"#,
        "('password', 'zebralantern')",
        "{'password': b'zebralantern'}",
        "Server=db;Uid=sa;Pwd=zebralantern;Database=x",
        "DB_PASSWORD=zebralantern\nHOME=/root",
        "user[password]=zebralantern&user[name]=x",
        ":password=>\"zebralantern\"",
        "X-Api-Key: zebralanternzebralantern",
        "password: zebralantern",
        r#"{"credentials": {"user": "x", "key": "zebralantern"}}"#,
        "curl -u shop:zebralantern https://x.example",
        "%7B%22password%22%3A%22zebralantern%22%7D",
        "QXV0aG9yaXphdGlvbjogQmFzaWMgemVicmFsYW50ZXJuOnplYnJhbGFudGVybg==",
    ] {
        let shown = told(text);
        assert!(!shown.contains("zebralantern") && !shown.contains("emVicmFs"), "{text}: {shown}");
    }
    assert_eq!(
        told("user=bob&password=abc1&cvc=913&pin=4921"),
        "user=bob&password=[redacted: secret]&cvc=[redacted: secret]&pin=[redacted: secret]"
    );
}

#[test]
fn what_explains_an_error_stays() {
    for text in [
        "Password must be at least 8 characters",
        "token: expired",
        "token expired at step 3",
        "shop@2.3.0",
        "icon@2x.png",
        "git@host.example:shop/web.git",
        "version 1.2.3.4",
        "Chrome/142.0.0.0",
        "127.0.0.1:5432",
        "::1",
        "10:15:00",
        "9f86d081884c7d659a2feaa0c55ad015",
        "123e4567-e89b-12d3-a456-426614174000",
        "order 4111111111111112 not found",
        "1795514399123",
        "at Object.<anonymous> (/app/src/pay.js:12:21)",
        "Bearer token missing",
        "Basic authentication failed",
        "user-7f3a91c04b2d",
        "{{ default }}",
        "Unexpected token '<', at position 0",
        "Unexpected token } in JSON at position 12",
        "KeyError: 'password'",
        r#"{"message":"Invalid Password"}"#,
        "const token = getToken(request)",
        "password = request.form['password']",
        "self.password = os.environ['DB_PASSWORD']",
        "let secret: Option<String> = None;",
        "password: string; token?: string",
        "SELECT * FROM users WHERE password = $1 AND token = ?",
        "if (token === null) throw new Error('no token')",
        "max_tokens=1024, total_tokens: 4096",
        "author: Bob, design: dark",
        "User authenticated",
        "Content-Type: text/html; charset=utf-8",
        "signature mismatch: expected 3 arguments",
        "GET /home/settings 500",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8 is missing",
        "item SKU-4242-0001 is out of stock",
        "10% of 1,234,567.89 EUR",
        "at 2026-01-01T10:00:00.123Z after 1767261600000 ms",
        "react-dom@18.2.0/cjs/react-dom.production.min.js:1:48213",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
    ] {
        assert_eq!(told(text), text);
    }
}

#[test]
fn what_is_gone_is_not_taken_again() {
    let pseudonyms = Pseudonyms::new([7; 32]);
    let text = "ada@shop.example from 203.0.113.9 with password=Hunter22 and Bearer abcDEF123456 in /home/ada/src/x.js";
    let once = redact(text, Some(&pseudonyms)).into_owned();
    assert_eq!(redact(&once, Some(&pseudonyms)), once);
    assert_eq!(told(&once), once);
}

#[test]
fn one_address_is_one_person_however_it_is_written() {
    let pseudonyms = Pseudonyms::new([7; 32]);
    let named = |text: &str| {
        let shown = redact(text, Some(&pseudonyms)).into_owned();
        shown[shown.find("email-").unwrap_or_else(|| panic!("{text}: {shown}"))..][..18].to_owned()
    };
    let one = named("ada@shop.example");
    for text in [
        "Ada@Shop.example",
        "ada%40shop.example",
        "x\\nada@shop.example",
        "'ada@shop.example'",
        "<ada@shop.example>",
        "ada&#64;shop.example",
    ] {
        assert_eq!(named(text), one, "{text}");
    }
    assert_eq!(pseudonyms.named("email", &normal("email", "'Ada@shop.example'")), one);
}
