//! Tests of view: what an answer costs, and that it fits.

use prodsignal::view::tokens::estimate;

/// Texts of the kinds that answers are made of.
fn samples() -> Vec<(String, String)> {
    let mut samples = Vec::new();
    let demo = zstd::decode_all(include_bytes!("../../demo/shop.ndjson.zst").as_slice()).unwrap();
    for (i, line) in String::from_utf8(demo).unwrap().lines().enumerate() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let envelope = line["envelope"].as_str().unwrap_or_default();
        for (j, piece) in pieces(envelope, 6_000).into_iter().enumerate().take(4) {
            samples.push((format!("capture {i}.{j}"), piece));
        }
    }
    for (name, text) in [
        ("code", include_str!("../../src/view/fit.rs")),
        ("prose", include_str!("../../src/guard/safe.rs")),
        ("toml", include_str!("../../Cargo.toml")),
    ] {
        for (j, piece) in pieces(text, 3_000).into_iter().enumerate() {
            samples.push((format!("{name} {j}"), piece));
        }
    }
    for (name, text) in [
        ("hex", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 ".repeat(20)),
        ("base64", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4ifQ ".repeat(12)),
        ("uuid", "user-7f3a91c04b2d 123e4567-e89b-12d3-a456-426614174000 ".repeat(20)),
        ("russian", "Не удалось загрузить корзину пользователя, попробуйте ещё раз позже. ".repeat(12)),
        ("chinese", "无法加载购物车，请稍后再试。数据库连接超时。".repeat(20)),
        ("japanese", "カートを読み込めませんでした。後でもう一度お試しください。".repeat(20)),
        ("thai", "ไม่สามารถโหลดตะกร้าสินค้าได้ กรุณาลองใหม่อีกครั้ง ".repeat(12)),
        ("arabic", "تعذر تحميل سلة التسوق، يرجى المحاولة مرة أخرى لاحقا. ".repeat(12)),
        ("hindi", "कार्ट लोड नहीं हो सका, कृपया बाद में पुनः प्रयास करें। ".repeat(12)),
        ("emoji", "🦀🚀👩‍👩‍👧‍👦🏳️‍🌈 paiement refusé ❌ ".repeat(20)),
        ("rare", "𒀀𒁀𓀀𠀀\u{e000}\u{f8ff}".repeat(30)),
        ("signs", "}}}]]]>>><<<###!!!???***///\\\\\\|||~~~```".repeat(12)),
        ("spaces", "a    b\t\tc\n\n\n   d ".repeat(30)),
        ("numbers", "1234567890 3.14159 2026-11-20T19:05:02Z 10,000,000 0x7ffe ".repeat(12)),
        ("capitals", "TYPEERROR ECONNREFUSED HTTPServerError XMLHttpRequest getElementById ".repeat(12)),
        ("snake", "canceling_statement_due_to_statement_timeout user_id order_total_cents ".repeat(12)),
        ("zalgo", "z\u{300}\u{301}\u{302}a\u{303}\u{304}l\u{305}g\u{306}o\u{307} ".repeat(20)),
    ] {
        samples.push((name.to_owned(), text));
    }
    samples
}

fn pieces(text: &str, size: usize) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    chars.chunks(size).map(|c| c.iter().collect()).collect()
}

#[test]
fn an_estimate_is_never_below_the_exact_count_and_rarely_far_above() {
    let exact = tiktoken_rs::o200k_base().unwrap();
    let mut ratios = Vec::new();
    for (name, text) in samples() {
        let (estimated, counted) = (estimate(&text), exact.encode_ordinary(&text).len());
        assert!(estimated >= counted, "{name}: {estimated} < {counted}");
        ratios.push(estimated as f64 / counted as f64);
    }
    ratios.sort_by(f64::total_cmp);
    let median = ratios[ratios.len() / 2];
    assert!(median < 1.35, "the estimate wastes the budget: median ratio {median}");
}
