//! Scripts of replays: recorded text is data in them, whatever it is.

pub mod made;
mod real;
pub mod recorded;

use prodsignal::{
    guard::Guard,
    script::{self, Wanted},
};
use proptest::prelude::*;

use crate::program::playwright_node;

/// Stands at both ends of every hostile text; nothing of the program's own has it.
const MARK: char = 'ꙮ';
/// Ways in which an element can be singled out.
const WAYS: u32 = 14;

/// What a stranger may try.
pub const NASTY: &[&str] = &[
    "'); require('child_process').execSync('touch /tmp/x'); ('",
    "\\'); alert(1); ('",
    "\"); alert(1); (\"",
    "`${alert(1)}`",
    "${process.exit(1)}",
    "*/ alert(1); /*",
    "-->\n<!-- alert(1)",
    "</script><script>alert(1)</script>",
    "a\nalert(1)\n//",
    "a\ralert(1)",
    "a\u{2028}alert(1)\u{2029}b",
    "a\u{85}b\u{b}c\u{c}d\0e",
    "\\",
    "\\\\",
    "\\u0027); alert(1); (\\x27",
    "'",
    "//",
    "/*",
    "{{constructor.constructor('alert(1)')()}}",
    "[x](javascript:alert(1))",
    "\u{202e}\u{200b}\u{feff}e\u{301}",
    "\"]:has(script) >> text=x",
    "]; } }); test('own', () => {}); //",
    "",
];

fn written(texts: &mut dyn FnMut(&'static str) -> String, how: u32) -> String {
    let replay = made::replay(texts, how);
    script::write(&replay, Wanted::All, &mut Guard::new()).script.as_str().to_owned()
}

/// The code with every literal emptied and every comment gone; lines end where JavaScript's do.
fn blanked(code: &str) -> Result<String, String> {
    let mut out = String::new();
    for line in code.split(['\n', '\r', '\u{2028}', '\u{2029}']) {
        let mut chars = line.chars().peekable();
        if line.trim_start().starts_with("//") {
            continue;
        }
        while let Some(c) = chars.next() {
            out.push(c);
            if c != '\'' {
                continue;
            }
            loop {
                match chars.next() {
                    Some('\\') => drop(chars.next()),
                    Some('\'') => break,
                    Some(_) => {}
                    None => return Err(format!("a literal without end: {line}")),
                }
            }
            out.push('\'');
        }
        out.push('\n');
    }
    Ok(out)
}

fn check(code: &str) -> Result<(), String> {
    let blank = blanked(code)?;
    if let Some(line) =
        blank.lines().find(|line| !line.is_ascii() || line.contains("alert") || line.contains("require"))
    {
        return Err(format!("outside of a literal: {line}"));
    }
    // One template of the program's own.
    match blank.matches('`').count() {
        2 => Ok(()),
        n => Err(format!("{n} backticks")),
    }
}

#[test]
fn what_a_stranger_may_try_stays_within_its_literal() {
    for how in 0..WAYS {
        for nasty in NASTY {
            let code = written(&mut |_| format!("{MARK}{nasty}{MARK}"), how);
            assert!(code.contains(MARK), "{how}: nothing recorded is in the script");
            check(&code).unwrap_or_else(|e| panic!("{nasty:?}, way {how}: {e}\n{code}"));
            let bare = written(&mut |_| (*nasty).to_owned(), how);
            check(&bare).unwrap_or_else(|e| panic!("{nasty:?} alone, way {how}: {e}\n{bare}"));
        }
    }
}

#[test]
fn the_check_itself_finds_what_breaks_out() {
    for broken in ["f('a'); alert('b');", "f('a\u{2028}');", "f('a", "x = 'ꙮ' + ꙮ;", "`` `x`"] {
        assert!(check(broken).is_err(), "{broken}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_text_stays_within_its_literal(
        texts in proptest::collection::vec(any::<String>(), 1..12),
        nasty in proptest::collection::vec(0..NASTY.len(), 1..6),
        how in 0..WAYS,
    ) {
        let mut at = 0;
        let mut next = |_: &'static str| {
            at += 1;
            format!("{MARK}{}{}{MARK}", NASTY[nasty[at % nasty.len()]], texts[at % texts.len()])
        };
        let code = written(&mut next, how);
        prop_assert!(check(&code).is_ok(), "{:?}\n{}", check(&code), code);
    }
}

#[test]
#[cfg_attr(not(has_chromium), ignore = "needs Node and Chromium: apt-get install nodejs npm chromium")]
fn a_real_parser_reads_hostile_scripts_as_the_same_tree() {
    let dir = tempfile::tempdir().unwrap();
    for how in 0..WAYS {
        let plain = written(&mut |_| format!("{MARK}plain{MARK}"), how);
        std::fs::write(dir.path().join(format!("{how}-plain.ts")), plain).unwrap();
        for (i, nasty) in NASTY.iter().enumerate() {
            let code = written(&mut |_| format!("{MARK}{nasty}{MARK}"), how);
            std::fs::write(dir.path().join(format!("{how}-{i}.ts")), code).unwrap();
        }
    }
    let done = playwright_node("parse_specs.cjs").arg(dir.path()).output().unwrap();
    assert!(
        done.status.success(),
        "{}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
}
