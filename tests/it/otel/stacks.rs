//! Stack traces of nine runtimes, as their SDKs print them.

use prodsignal::stacktrace::{Language, read};

/// `Type: text at function file:line < …; cause …`
fn told(text: &str, language: Option<Language>) -> Vec<String> {
    let one = |e: &prodsignal::model::Exception| {
        let raw = |t: &Option<prodsignal::model::Untrusted>| t.as_ref().map_or("-".to_owned(), |t| t.raw().to_owned());
        let frames: Vec<String> =
            e.frames.iter().map(|f| format!("{} {}:{}", raw(&f.function), raw(&f.file), f.line.unwrap_or(0))).collect();
        format!("{}: {} @ {}", raw(&e.ty), raw(&e.value), frames.join(" < "))
    };
    read(text, language).iter().map(one).collect()
}

#[test]
fn python_chains_are_read_from_the_outermost() {
    let text = "Traceback (most recent call last):\n  File \"/srv/press/prices.py\", line 14, in bleed\n    return \
        TABLE[paper]\n           ~~~~~^^^^^^^\nKeyError: 'A3'\n\nThe above exception was the direct cause of the following \
        exception:\n\nTraceback (most recent call last):\n  File \"/srv/press/app.py\", line 30, in quote\n    \
        total(paper)\npress.prices.QuoteError: no bleed for A3\nHINT: try A4\n";
    let chain = read(text, Some(Language::Python));
    assert_eq!(
        told(text, None),
        [
            "QuoteError: no bleed for A3\nHINT: try A4 @ quote /srv/press/app.py:30",
            "KeyError: 'A3' @ bleed /srv/press/prices.py:14"
        ]
    );
    assert_eq!(chain[0].module.as_ref().unwrap().raw(), "press.prices");
    assert_eq!(chain[1].frames[0].context_line.as_ref().unwrap().raw(), "return TABLE[paper]");
}

#[test]
fn python_groups_keep_their_members() {
    let text = "  + Exception Group Traceback (most recent call last):\n  |   File \"/srv/nightly.py\", line 9, in run\n  \
        |     raise ExceptionGroup(\"plates failed\", errors)\n  | ExceptionGroup: plates failed (2 sub-exceptions)\n  \
        +-+---------------- 1 ----------------\n    | Traceback (most recent call last):\n    |   File \
        \"/srv/nightly.py\", line 5, in one\n    |     raise RuntimeError(n)\n    | RuntimeError: 7\n    \
        +---------------- 2 ----------------\n    | RuntimeError: 8\n    +------------------------------------\n";
    assert_eq!(
        told(text, Some(Language::Python)),
        [
            "ExceptionGroup: plates failed (2 sub-exceptions) @ run /srv/nightly.py:9",
            "RuntimeError: 7 @ one /srv/nightly.py:5",
            "RuntimeError: 8 @ "
        ]
    );
    let chain = read(text, Some(Language::Python));
    assert!(chain[0].mechanism.is_exception_group);
    assert_eq!(chain[1].mechanism.parent_id, Some(0));
    assert_eq!(chain[2].mechanism.parent_id, Some(0));
}

#[test]
fn scripts_of_every_engine_are_read() {
    let v8 = "TypeError: fetch failed\n    at node:internal/deps/undici/undici:14976:13\n    at async \
        Object.font (/srv/app.js:53:20)\ncaused by: Error: connect ECONNREFUSED\n    at TCPConnectWrap.afterConnect [as \
        oncomplete] (node:net:1611:16)\n    at Number.toFixed (<anonymous>)";
    assert_eq!(
        told(v8, None),
        [
            "TypeError: fetch failed @ - node:internal/deps/undici/undici:14976 < Object.font /srv/app.js:53",
            "Error: connect ECONNREFUSED @ TCPConnectWrap.afterConnect [as oncomplete] node:net:1611 < Number.toFixed <anonymous>:0"
        ]
    );
    let firefox = "pay@https://shop.example/app.js:1:2000\n@https://shop.example/app.js:1:100";
    assert_eq!(
        told(firefox, Some(Language::Script)),
        ["-: - @ pay https://shop.example/app.js:1 < - https://shop.example/app.js:1"]
    );
    let node = read("error: duplicate key\n    at exports.keep (/srv/store.js:9:3)", Some(Language::Script));
    assert_eq!(node[0].ty.as_ref().unwrap().raw(), "error");
}

#[test]
fn java_causes_take_the_frames_that_they_share() {
    let text = "java.lang.IllegalStateException: order 7\n\tat app//com.shop.Pay.charge(Pay.java:12)\n\tat \
        com.shop.Main.main(Main.java:3)\n\tSuppressed: java.io.IOException: close\n\t\tat com.shop.Pay.close(Pay.java:40)\n\
        Caused by: com.shop.CardException: declined\n\tat com.shop.Card.check(Card.kt:5)\n\t... 1 more\n";
    assert_eq!(
        told(text, None),
        [
            "IllegalStateException: order 7 @ charge Pay.java:12 < main Main.java:3",
            "CardException: declined @ check Card.kt:5 < main Main.java:3"
        ]
    );
    let php = "Shop.CardException: declined\n at Shop.Card.check(Card.php:5)\n at {main}(index.php:3)\n";
    let chain = read(php, Some(Language::Php));
    assert_eq!(chain[0].ty.as_ref().unwrap().raw(), "Shop\\CardException");
    assert_eq!(
        told(php, Some(Language::Php))[0],
        "Shop\\CardException: declined @ Shop\\Card\\check Card.php:5 < {main} index.php:3"
    );
}

#[test]
fn go_dotnet_ruby_and_rust_are_read() {
    let go = "goroutine 1 [running]:\nruntime/debug.Stack()\n\t/usr/local/go/src/runtime/debug/stack.go:24 +0x5e\n\
        example.com/shop/pay.(*Till).Charge(0xc00001)\n\t/srv/pay/till.go:14 +0x1d\nmain.main()\n\t/srv/main.go:9 +0x2\n";
    assert_eq!(told(go, None), ["-: - @ (*Till).Charge /srv/pay/till.go:14 < main /srv/main.go:9"]);
    assert_eq!(read(go, None)[0].frames[0].module.as_ref().unwrap().raw(), "example.com/shop/pay");
    let dotnet = "System.InvalidOperationException: no order\n ---> System.ArgumentNullException: Value cannot be null.\n   \
        at Shop.Card.Check(String id) in /srv/Card.cs:line 5\n   --- End of inner exception stack trace ---\n   at \
        Shop.Pay.Charge(Order order) in /srv/Pay.cs:line 12\n";
    assert_eq!(
        told(dotnet, None),
        [
            "System.InvalidOperationException: no order @ Charge /srv/Pay.cs:12",
            "System.ArgumentNullException: Value cannot be null. @ Check /srv/Card.cs:5"
        ]
    );
    let ruby = "app/till.rb:14:in 'Till#charge': no order 7 (OrderError)\n\tfrom app/main.rb:3:in '<main>'\n\
        app/card.rb:5:in `check': declined (CardError)\n\tfrom app/till.rb:12:in `charge'\n";
    assert_eq!(
        told(ruby, None),
        [
            "OrderError: no order 7 @ charge app/till.rb:14 < <main> app/main.rb:3",
            "CardError: declined @ check app/card.rb:5 < charge app/till.rb:12"
        ]
    );
    let rust = "   0: std::panicking::begin_panic_handler\n             at /rustc/1/library/std/src/panicking.rs:1:2\n   1: \
        till::charge\n             at ./src/till.rs:14:5\n";
    assert_eq!(told(rust, Some(Language::Rust)), ["-: - @ till::charge ./src/till.rs:14"]);
}

#[test]
fn what_is_no_stack_has_no_exceptions() {
    for text in ["", "hello", "at the door", "\u{1b}[0m", "Traceback"] {
        assert_eq!(told(text, None), Vec::<String>::new(), "{text}");
    }
}
