//! Floating-point registers as FNSAVE and as FXSAVE write them.
//!
//! Pure conversions between the two images (Intel SDM 1, 8.1.10 and 10.5.1), for
//! whoever shows a thread's registers in the older format.

/// Bytes of FNSAVE's image: seven words, then eight registers.
pub const OLD: usize = 28 + 8 * REGISTER;
/// Bytes of FXSAVE's image.
pub const NEW: usize = 512;

const REGISTER: usize = 10;
/// Where the registers begin in either image, and how far they are apart.
const OLD_REGISTERS: usize = 28;
const NEW_REGISTERS: usize = 32;
const NEW_STEP: usize = 16;

/// Each part's place in the old image, in the new one, and its bytes: control,
/// status, instruction pointer, its selector, opcode, operand pointer, selector.
const PARTS: [(usize, usize, usize); 7] = [
    (0, 0, 2),
    (4, 2, 2),
    (12, 8, 4),
    (16, 12, 2),
    (18, 6, 2),
    (20, 16, 4),
    (24, 20, 2),
];
const OLD_TAGS: usize = 8;
const NEW_TAGS: usize = 4;

/// Tags of the old image: two bits a register.
const VALID: u16 = 0;
const ZERO: u16 = 1;
const SPECIAL: u16 = 2;
const EMPTY: u16 = 3;

/// The old image of a new one.
pub fn to_old(new: &[u8; NEW]) -> [u8; OLD] {
    let mut old = [0; OLD];
    for (to, from, size) in PARTS {
        old[to..to + size].copy_from_slice(&new[from..from + size]);
    }
    for number in 0..8 {
        let to = OLD_REGISTERS + number * REGISTER;
        let from = NEW_REGISTERS + number * NEW_STEP;
        old[to..to + REGISTER].copy_from_slice(&new[from..from + REGISTER]);
    }
    let top = usize::from(new[3] >> 3 & 7);
    let mut tags = 0;
    for physical in 0..8 {
        let tag = match new[NEW_TAGS] >> physical & 1 {
            0 => EMPTY,
            _ => {
                let number = (physical + 8 - top) % 8;
                let from = NEW_REGISTERS + number * NEW_STEP;
                tag(&new[from..from + REGISTER])
            }
        };
        tags |= tag << (2 * physical);
    }
    old[OLD_TAGS..OLD_TAGS + 2].copy_from_slice(&tags.to_le_bytes());
    old
}

/// Makes the new image say what the old one does; what only the new one has
/// stays.
pub fn from_old(old: &[u8; OLD], new: &mut [u8; NEW]) {
    for (from, to, size) in PARTS {
        new[to..to + size].copy_from_slice(&old[from..from + size]);
    }
    for number in 0..8 {
        let from = OLD_REGISTERS + number * REGISTER;
        let to = NEW_REGISTERS + number * NEW_STEP;
        new[to..to + REGISTER].copy_from_slice(&old[from..from + REGISTER]);
    }
    let tags = u16::from_le_bytes([old[OLD_TAGS], old[OLD_TAGS + 1]]);
    let is_used = |physical: &usize| tags >> (2 * physical) & EMPTY != EMPTY;
    let used = (0..8).filter(is_used).fold(0, |used, at| used | 1 << at);
    new[NEW_TAGS] = used;
}

/// The tag of a register that is not empty.
fn tag(register: &[u8]) -> u16 {
    let (significand, exponent) = register.split_at(8);
    match (exponent[0], exponent[1] & 0x7f, significand[7] >> 7) {
        (0xff, 0x7f, _) => SPECIAL,
        (0, 0, _) if significand.iter().all(|&byte| byte == 0) => ZERO,
        (0, 0, _) | (_, _, 0) => SPECIAL,
        _ => VALID,
    }
}
