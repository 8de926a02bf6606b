//! What a user agent says of browser, system and device.

/// What could be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agent {
    /// Browser and its version.
    pub browser: Option<(&'static str, Option<String>)>,
    /// System and its version.
    pub os: Option<(&'static str, Option<String>)>,
    /// Model of a phone or tablet.
    pub device: Option<String>,
}

/// Words in front of a version, those that pretend to be others after those that don't.
const BROWSERS: &[(&str, &str)] = &[
    ("Edg/", "Edge"),
    ("EdgA/", "Edge Mobile"),
    ("EdgiOS/", "Edge Mobile"),
    ("OPR/", "Opera"),
    ("OPT/", "Opera Mobile"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("YaBrowser/", "Yandex Browser"),
    ("Vivaldi/", "Vivaldi"),
    ("UCBrowser/", "UC Browser"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("CriOS/", "Chrome Mobile iOS"),
    ("FxiOS/", "Firefox iOS"),
    ("HeadlessChrome/", "HeadlessChrome"),
    ("Electron/", "Electron"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Opera Mini/", "Opera Mini"),
    ("Opera/", "Opera"),
    ("MSIE ", "IE"),
    ("Trident/", "IE"),
];

/// Programs that read pages by themselves, as they name themselves.
const BOTS: &[&str] = &[
    "Googlebot",
    "AdsBot-Google",
    "Google-InspectionTool",
    "bingbot",
    "YandexBot",
    "DuckDuckBot",
    "Baiduspider",
    "Applebot",
    "PetalBot",
    "AhrefsBot",
    "SemrushBot",
    "GPTBot",
    "ClaudeBot",
    "PerplexityBot",
    "Bytespider",
    "facebookexternalhit",
    "Twitterbot",
    "LinkedInBot",
    "Slackbot",
    "Discordbot",
    "UptimeRobot",
];

/// Reads a user agent. Programs that are no browsers (`curl/8`, `shop-api/1.0`) have none.
pub fn read(text: &str) -> Agent {
    let text: String = text.chars().take(500).collect();
    if let Some(name) = bot(&text) {
        return Agent { browser: Some((name, version(&text, &format!("{name}/")))), ..Agent::default() };
    }
    if !text.starts_with("Mozilla/") && !text.starts_with("Opera/") {
        return Agent::default();
    }
    let os = os(&text);
    Agent { browser: browser(&text), device: device(&text, os.as_ref().map(|(name, _)| *name)), os }
}

/// Bots pretend to be browsers on phones; what they are is said beside it.
fn bot(text: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    let named = BOTS.iter().copied().find(|name| text.contains(name));
    named.or_else(|| ["bot/", "bot;", "crawler", "spider"].iter().any(|word| lower.contains(word)).then_some("Bot"))
}

fn browser(text: &str) -> Option<(&'static str, Option<String>)> {
    let known = BROWSERS.iter().find(|(word, _)| text.contains(word));
    match known {
        Some((word @ ("Chrome/" | "Firefox/"), name)) => {
            let mobile = text.contains("Mobile") || text.contains("Tablet") || text.contains("Android");
            let name = match (*name, mobile) {
                ("Chrome", true) if text.contains("; wv)") => "Chrome Mobile WebView",
                ("Chrome", true) => "Chrome Mobile",
                ("Firefox", true) => "Firefox Mobile",
                (name, _) => name,
            };
            Some((name, version(text, word)))
        }
        // Their own version stands elsewhere.
        Some(("Trident/", name)) => Some((name, version(text, "rv:"))),
        Some(("Opera/", name)) => Some((name, version(text, "Version/").or_else(|| version(text, "Opera/")))),
        Some((word, name)) => Some((name, version(text, word))),
        None if text.contains("Safari/") && text.contains("Version/") => {
            let name = if text.contains("Mobile/") { "Mobile Safari" } else { "Safari" };
            Some((name, version(text, "Version/")))
        }
        None if text.contains("AppleWebKit") && text.contains("Mobile/") => Some(("Mobile Safari UI/WKWebView", None)),
        None => None,
    }
}

fn os(text: &str) -> Option<(&'static str, Option<String>)> {
    if text.contains("Windows NT 10.0") {
        return Some(("Windows", Some("10".to_owned())));
    }
    if let Some(version) = version(text, "Windows NT ") {
        let name = match version.as_str() {
            "6.3" => "8.1",
            "6.2" => "8",
            "6.1" => "7",
            "6.0" => "Vista",
            "5.1" | "5.2" => "XP",
            _ => &version,
        };
        return Some(("Windows", Some(name.to_owned())));
    }
    if text.contains("iPhone") || text.contains("iPad") || text.contains("iPod") {
        return Some(("iOS", version(text, "OS ").map(|v| v.replace('_', "."))));
    }
    if text.contains("Android") {
        return Some(("Android", version(text, "Android ")));
    }
    if text.contains("Mac OS X") {
        return Some(("macOS", version(text, "Mac OS X ").map(|v| v.replace('_', "."))));
    }
    if text.contains("CrOS") {
        return Some(("ChromeOS", None));
    }
    text.contains("Linux").then_some(("Linux", None))
}

fn device(text: &str, os: Option<&str>) -> Option<String> {
    for name in ["iPhone", "iPad", "iPod"] {
        if text.contains(name) {
            return Some(name.to_owned());
        }
    }
    if os != Some("Android") {
        return None;
    }
    // `(Linux; Android 14; Pixel 8 Build/UQ1A)`: the part after the version.
    let inside = text.split_once("Android ")?.1.split(')').next()?;
    let parts = inside.split(';').skip(1).map(str::trim);
    let model = parts.filter(|part| !part.is_empty() && *part != "wv").last()?;
    let model = model.split(" Build/").next()?.trim();
    (!matches!(model, "K" | "Mobile" | "Tablet" | "U") && !model.starts_with("rv:")).then(|| model.to_owned())
}

/// The version after a word: digits, dots and underscores.
fn version(text: &str, word: &str) -> Option<String> {
    let after = text.split_once(word)?.1;
    let version: String = after.chars().take_while(|c| c.is_ascii_digit() || *c == '.' || *c == '_').collect();
    (!version.is_empty()).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        let Agent { browser, os, device } = read(text);
        let versioned = |part: Option<(&str, Option<String>)>| {
            part.map_or("-".to_owned(), |(name, version)| format!("{name} {}", version.unwrap_or_default()))
        };
        format!("{} | {} | {}", versioned(browser), versioned(os), device.unwrap_or_default())
    }

    #[test]
    fn browsers_systems_and_devices_are_told_apart() {
        for (text, want) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
                "Chrome 142.0.0.0 | Windows 10 | ",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.1",
                "Edge 142.0.1 | Windows 10 | ",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
                "Safari 17.5 | macOS 10.15.7 | ",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
                "Mobile Safari 17.5 | iOS 17.5 | iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/UQ1A) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Mobile Safari/537.36",
                "Chrome Mobile 139.0.0.0 | Android 14 | Pixel 8",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Mobile Safari/537.36",
                "Chrome Mobile 139.0.0.0 | Android 10 | ",
            ),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox 140.0 | Linux  | "),
            (
                "Mozilla/5.0 (Linux; Android 13; SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
                "Samsung Internet 25.0 | Android 13 | SM-S911B",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0.1 Mobile/15E148 Safari/604.1",
                "Chrome Mobile iOS 142.0.1 | iOS 17.5 | iPhone",
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1",
                "Mobile Safari 16.6 | iOS 16.6 | iPad",
            ),
            (
                "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
                "Chrome 142.0.0.0 | ChromeOS  | ",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 OPR/124.0.0.0",
                "Opera 124.0.0.0 | Windows 10 | ",
            ),
            ("Opera/9.80 (Windows NT 6.1) Presto/2.12.388 Version/12.18", "Opera 12.18 | Windows 7 | "),
            ("Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko", "IE 11.0 | Windows 7 | "),
            (
                "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
                "Googlebot 2.1 | - | ",
            ),
            ("ShopCrawler/3 (+https://crawler.example)", "Bot  | - | "),
            ("shop-api/1.0", "- | - | "),
            ("", "- | - | "),
        ] {
            assert_eq!(told(text), want, "{text}");
        }
    }
}
