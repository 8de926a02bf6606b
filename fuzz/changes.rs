//! Changes of seeds that are the same each time: for tests and for longer runs.

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    /// A number below another.
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n.max(1) as u64) as usize
    }
}

/// Numbers at which lengths, counts and addresses of binary files go wrong.
const NUMBERS: [u64; 8] = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, u64::MAX, 1 << 40, 0xffff_fff0];
/// Most changes are made among so many first bytes: there is what says how the rest is read.
const HEAD: usize = 4_096;

/// A few changes: a byte, a cut, a part twice, a number that is too large, a nesting.
pub fn changed(seed: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(4) {
        let reach = if random.below(2) == 0 { bytes.len().min(HEAD) } else { bytes.len() };
        let at = random.below(reach + 1);
        let end = (at + random.below(24)).min(bytes.len());
        match random.below(7) {
            0 => bytes.truncate(at),
            1 => drop(bytes.splice(at..end, [])),
            2 => {
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            3 => drop(bytes.splice(at..at, *b"99999999999999999999")),
            4 => drop(bytes.splice(at..at, *b"[[[[{\"a\":{\"")),
            5 => put(&mut bytes, at, NUMBERS[random.below(NUMBERS.len())], random.below(2) == 0),
            _ if at < bytes.len() => bytes[at] = random.below(256) as u8,
            _ => bytes.push(random.below(256) as u8),
        }
    }
    bytes
}

/// Writes a number of 4 or 8 bytes over what stands at its place.
fn put(bytes: &mut [u8], at: usize, number: u64, wide: bool) {
    let at = at & !3;
    let length = if wide { 8 } else { 4 };
    if let Some(place) = bytes.get_mut(at..at + length) {
        place.copy_from_slice(&number.to_le_bytes()[..length]);
    }
}
