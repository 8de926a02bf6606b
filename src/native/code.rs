//! Which addresses may be those that a call returns to: scanning a stack has nothing else to go by.

use minidump::{Minidump, UnifiedMemoryInfo, UnifiedMemoryInfoList, UnifiedMemoryList, system_info::Cpu};

/// Longest call instruction of x86 with its prefix, in bytes.
const LONGEST_CALL: u64 = 7;

/// What a dump tells of the memory that its addresses lie in.
pub(super) struct Code<'a> {
    regions: UnifiedMemoryInfoList<'a>,
    memory: &'a UnifiedMemoryList<'a>,
    cpu: Cpu,
}

impl<'a> Code<'a> {
    pub(super) fn of(dump: &'a Minidump<'a, &'a [u8]>, memory: &'a UnifiedMemoryList<'a>, cpu: Cpu) -> Self {
        let regions = UnifiedMemoryInfoList::new(dump.get_stream().ok(), dump.get_stream().ok());
        Self { regions: regions.unwrap_or_default(), memory, cpu }
    }

    /// Whether a call may return to an address: `false` only where the dump shows that none does, because nothing runs
    /// there or no call stands before it.
    pub(super) fn may_return_to(&self, address: u64) -> bool {
        self.runs(address.wrapping_sub(1)) != Some(false) && self.follows_call(address) != Some(false)
    }

    /// Whether memory may be executed; `None`: not told.
    fn runs(&self, address: u64) -> Option<bool> {
        Some(match self.regions.memory_info_at_address(address)? {
            UnifiedMemoryInfo::Map(map) => map.is_executable(),
            UnifiedMemoryInfo::Info(info) => info.is_executable(),
        })
    }

    /// Whether a call stands before an address; `None`: its bytes are not in the dump, or are of another processor.
    fn follows_call(&self, address: u64) -> Option<bool> {
        let before = |count: u64| {
            let start = address.checked_sub(count)?;
            let part = self.memory.memory_at_address(start)?;
            let at = usize::try_from(start - part.base_address()).ok()?;
            part.bytes().get(at..at.checked_add(count as usize)?)
        };
        match self.cpu {
            Cpu::X86 | Cpu::X86_64 => Some(ends_in_call(before(LONGEST_CALL)?)),
            Cpu::Arm64 => Some(is_arm64_call(u32::from_le_bytes(before(4)?.try_into().ok()?))),
            _ => None,
        }
    }
}

/// Whether the last bytes are a call of x86: `E8` with a displacement, or `FF /2` with an operand of each length.
fn ends_in_call(bytes: &[u8]) -> bool {
    let at = |back: usize| bytes.len().checked_sub(back).and_then(|at| bytes.get(at)).copied();
    if at(5) == Some(0xe8) {
        return true;
    }
    // (bytes of the instruction, which operands have that length)
    let indirect = |length: usize, fits: fn(u8, Option<u8>) -> bool| {
        at(length) == Some(0xff)
            && at(length - 1).is_some_and(|modrm| modrm >> 3 & 7 == 2 && fits(modrm, at(length - 2)))
    };
    let with_sib = |modrm: u8| modrm & 7 == 4;
    indirect(2, |modrm, _| modrm >> 6 == 3 || modrm >> 6 == 0 && !matches!(modrm & 7, 4 | 5))
        || indirect(3, move |modrm, sib| {
            modrm >> 6 == 1 && modrm & 7 != 4
                || modrm >> 6 == 0 && modrm & 7 == 4 && sib.is_some_and(|sib| sib & 7 != 5)
        })
        || indirect(4, |modrm, _| modrm >> 6 == 1 && modrm & 7 == 4)
        || indirect(6, |modrm, _| modrm >> 6 == 2 && modrm & 7 != 4 || modrm >> 6 == 0 && modrm & 7 == 5)
        || at(7) == Some(0xff)
            && at(6).is_some_and(|modrm| modrm >> 3 & 7 == 2 && with_sib(modrm) && matches!(modrm >> 6, 0 | 2))
}

/// `BL`, `BLR` and its forms with a signed address.
fn is_arm64_call(word: u32) -> bool {
    word >> 26 == 0b10_0101 || word & 0xffff_fc1f == 0xd63f_0000 || word & 0xfeff_f800 == 0xd63f_0800
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_from_other_instructions() {
        for call in [
            &[0x90, 0x90, 0xe8, 1, 2, 3, 4][..],
            &[0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0xd0],
            &[0x90, 0x90, 0x90, 0x90, 0x41, 0xff, 0xd4],
            &[0x90, 0x90, 0x90, 0x90, 0xff, 0x50, 0x18],
            &[0x90, 0x90, 0x90, 0xff, 0x54, 0x24, 0x08],
            &[0x90, 0xff, 0x15, 1, 2, 3, 0],
            &[0xff, 0x94, 0x24, 1, 2, 0, 0],
        ] {
            assert!(ends_in_call(call), "{call:x?}");
        }
        for other in [
            &[0x90; 7][..],
            &[0x48, 0x89, 0xe5, 0x41, 0x54, 0x55, 0x53],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xe0],
            &[],
        ] {
            assert!(!ends_in_call(other), "{other:x?}");
        }
        assert!(is_arm64_call(0x9400_0010) && is_arm64_call(0xd63f_0100) && is_arm64_call(0xd73f_0a0b));
        assert!(!is_arm64_call(0xd65f_03c0) && !is_arm64_call(0x1400_0010) && !is_arm64_call(0xd61f_0100));
    }
}
