//! Cabinets: what servers of symbols hand out for a file that they keep squeezed (`Desk.pd_`), one file in each.

use std::io::{Cursor, Read};

/// Whether these are the first bytes of a cabinet.
pub(super) fn is_cabinet(bytes: &[u8]) -> bool {
    bytes.starts_with(b"MSCF")
}

/// The first file in a cabinet, of at most so many bytes; `None`: there is none, it is larger, or it can't be unpacked.
pub(super) fn unpacked(bytes: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut cabinet = cab::Cabinet::new(Cursor::new(bytes)).ok()?;
    let name = cabinet.folder_entries().flat_map(|folder| folder.file_entries()).next()?.name().to_owned();
    let mut file = Vec::new();
    cabinet.read_file(&name).ok()?.take(most as u64 + 1).read_to_end(&mut file).ok()?;
    (file.len() <= most).then_some(file)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn packed(name: &str, bytes: &[u8]) -> Vec<u8> {
        let mut builder = cab::CabinetBuilder::new();
        builder.add_folder(cab::CompressionType::MsZip).add_file(name);
        let mut writer = builder.build(Cursor::new(Vec::new())).unwrap();
        while let Some(mut file) = writer.next_file().unwrap() {
            file.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn a_squeezed_file_is_read_as_the_file_itself() {
        let symbols = b"MODULE Linux x86_64 F23820DF71A773B62698A1E7C88741B30 kettle\nFUNC 10 20 0 boil\n10 20 5 0\n";
        let cabinet = packed("kettle.sym", symbols);
        assert!(is_cabinet(&cabinet));
        assert_eq!(unpacked(&cabinet, symbols.len()).as_deref(), Some(&symbols[..]));
        assert_eq!(unpacked(&cabinet, 10), None);
        let files = super::super::read_debug_file("kettle.sy_", None, &cabinet).unwrap();
        assert_eq!(files[0].debug_id, "f23820df-71a7-73b6-2698-a1e7c88741b3");
        for end in 0..cabinet.len() {
            let _ = unpacked(&cabinet[..end], 1 << 20);
        }
    }

    #[test]
    fn a_cabinet_within_a_cabinet_is_not_followed() {
        let inner = packed("b.pdb", b"words");
        let error = super::super::read_debug_file("a.pd_", None, &packed("a.pdb", &inner)).unwrap_err();
        assert!(error.to_string().contains("not a file with symbols"), "{error}");
    }
}
