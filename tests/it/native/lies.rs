//! Dumps and symbol files that are cut, broken, or mean harm: each costs what it is, never the process.

use prodsignal::native::{NoSymbols, read_debug_file, read_dump, symbolicate};
use proptest::prelude::*;
use serde_json::json;

use super::{Shelf, data};

fn read(bytes: &[u8]) {
    let symbols = Shelf::of(&["kettle.sym"]);
    if let Some(mut event) = read_dump(bytes, &symbols, 1) {
        symbolicate(&mut event, &symbols, 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_dump_with_wrong_bytes_is_read_as_far_as_it_goes(
        changes in prop::collection::vec((0..8_072_usize, any::<u8>()), 1..40),
        length in 0..8_073_usize,
    ) {
        let mut dump = data("crashpad-e8e8fc68.dmp");
        for (at, byte) in changes {
            dump[at] = byte;
        }
        dump.truncate(length.max(32));
        read(&dump);
    }

    #[test]
    fn a_symbol_file_with_wrong_bytes_is_refused_or_read(
        changes in prop::collection::vec((0..18_000_usize, any::<u8>()), 1..40),
        cut in 0..18_000_usize,
    ) {
        for name in ["press.debug", "kettle.sym"] {
            let mut file = data(name);
            for (at, byte) in &changes {
                let at = at % file.len();
                file[at] = *byte;
            }
            file.truncate(file.len() - cut % file.len());
            let _ = read_debug_file(name, None, &file);
        }
    }
}

#[test]
fn what_is_no_dump_is_none() {
    for bytes in [&b""[..], b"MDMP", b"MDMP\x93\xa7\0\0\xff\xff\xff\xff\0\0\0\0", b"words"] {
        assert!(read_dump(bytes, &NoSymbols, 1).is_none(), "{bytes:?}");
    }
}

#[test]
fn images_that_lie_and_circles_cost_nothing() {
    let top = u64::MAX.to_string();
    let image = json!({ "image_addr": top, "image_size": top, "debug_id": "F23820DF71A773B62698A1E7C88741B30" });
    let frame = json!({ "instruction_addr": top });
    let mut event = json!({ "debug_meta": { "images": [image.clone(), image, 7, { "image_addr": "0x" }] },
        "exception": { "values": [{ "stacktrace": { "frames": vec![frame; 3_000] } }, 1, null] } });
    symbolicate(&mut event, &Shelf::of(&["kettle.sym"]), 1);
    let mut odd = json!({ "debug_meta": [], "exception": "x", "threads": { "values": 4 } });
    symbolicate(&mut odd, &Shelf::of(&["kettle.sym"]), 1);
}

#[test]
fn files_that_are_of_no_use_are_refused_with_a_reason() {
    for (bytes, why) in [
        (&b"plain words"[..], "not a file with symbols"),
        (b"\x7fELF\x02\x01\x01 and no more", "broken"),
        (b"[\"one\"]", "pairs"),
        (b"", "not a file with symbols"),
    ] {
        let error = read_debug_file("x", None, bytes).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    let mapping = b"com.acme.Basket -> a.b:\n    1:1:void pay():5 -> a\n";
    assert!(read_debug_file("x.txt", None, mapping).unwrap_err().to_string().contains("no debug id"));
    let named = read_debug_file("/proguard/6b3a1d0e-5b5e-4c1f-9b1c-0d6c7a2f0001.txt", None, mapping).unwrap();
    assert_eq!((named[0].format, named[0].debug_id.len()), ("proguard", 36));
}
