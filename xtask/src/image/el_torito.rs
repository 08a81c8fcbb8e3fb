//! What a BIOS finds on a CD: the boot image the El Torito catalogue names.
//!
//! Pure, and suspicious of every byte: it is the check after a CD was written.
//! Cites "El Torito" Bootable CD-ROM Format 1.0 and ECMA-119.

/// A CD's sector.
const SECTOR: usize = 2048;
/// The volume descriptors begin here (ECMA-119 6.2.1).
const FIRST_DESCRIPTOR: usize = 16;
/// The boot record is the second of them (El Torito 1.0, figure 7).
const BOOT_RECORD: usize = 17;
const SYSTEM: &[u8] = b"EL TORITO SPECIFICATION";
/// What xorriso fills in: the boot information table (bytes 8 to 63), and the
/// image's own place for GRUB (8 bytes at 2548).
const PATCHED: [std::ops::Range<usize>; 2] = [8..64, 2548..2556];

/// Checks that a BIOS that boots `cd` loads `core`.
pub(super) fn boots(cd: &[u8], core: &[u8]) -> Result<(), String> {
    if part(cd, FIRST_DESCRIPTOR * SECTOR, 6)? != b"\x01CD001" {
        return Err("sector 16 is no ISO 9660 volume descriptor".into());
    }
    let record = BOOT_RECORD * SECTOR;
    if part(cd, record, 7)? != b"\0CD001\x01" || part(cd, record + 7, SYSTEM.len())? != SYSTEM {
        return Err("sector 17 is no El Torito boot record".into());
    }
    let catalogue = sector_at(cd, record + 0x47)?;
    let validation = part(cd, catalogue, 32)?;
    let sum = validation.chunks_exact(2).fold(0_u16, |sum, word| {
        sum.wrapping_add(u16::from_le_bytes([word[0], word[1]]))
    });
    // Header 1, platform 0 (80x86), key bytes 55 AA, and words that sum to 0.
    if validation[..2] != [1, 0] || validation[30..] != [0x55, 0xAA] || sum != 0 {
        return Err("the boot catalogue has no valid first entry".into());
    }
    let entry = part(cd, catalogue + 32, 32)?;
    if entry[..2] != [0x88, 0] {
        return Err("the boot catalogue's default entry is not bootable without emulation".into());
    }
    let place = sector_at(cd, catalogue + 40)?;
    let found = part(cd, place, core.len())?;
    let patched = |at: usize| PATCHED.iter().any(|range| range.contains(&at));
    match (0..core.len()).find(|&at| core[at] != found[at] && !patched(at)) {
        None => Ok(()),
        Some(at) => Err(format!("byte {at} of the boot image is not what GRUB made")),
    }
}

fn part(cd: &[u8], from: usize, length: usize) -> Result<&[u8], String> {
    from.checked_add(length)
        .and_then(|to| cd.get(from..to))
        .ok_or_else(|| format!("it ends before byte {}", from.saturating_add(length)))
}

/// The byte offset of the sector whose number stands at `at`.
fn sector_at(cd: &[u8], at: usize) -> Result<usize, String> {
    let mut number = [0; 4];
    number.copy_from_slice(part(cd, at, 4)?);
    usize::try_from(u32::from_le_bytes(number))
        .ok()
        .and_then(|number| number.checked_mul(SECTOR))
        .ok_or_else(|| format!("the sector number at byte {at} is beyond every disk"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CATALOGUE: usize = 18;
    const IMAGE: usize = 19;

    fn cd(core: &[u8]) -> Vec<u8> {
        let mut cd = vec![0; IMAGE * SECTOR];
        let mut put = |at: usize, bytes: &[u8]| cd[at..at + bytes.len()].copy_from_slice(bytes);
        put(16 * SECTOR, b"\x01CD001");
        put(17 * SECTOR, b"\0CD001\x01EL TORITO SPECIFICATION");
        put(17 * SECTOR + 0x47, &[CATALOGUE as u8, 0, 0, 0]);
        let entry = CATALOGUE * SECTOR;
        // 0x0001 + 0xAA55 + 0x55AA = 0x10000.
        put(entry, &[1, 0]);
        put(entry + 28, &[0xAA, 0x55, 0x55, 0xAA]);
        put(entry + 32, &[0x88, 0]);
        put(entry + 40, &[IMAGE as u8, 0, 0, 0]);
        cd.extend_from_slice(core);
        cd
    }

    #[test]
    fn a_cd_that_boots_the_image_passes_and_no_other() {
        let core = vec![7; 3000];
        let good = cd(&core);
        assert_eq!(boots(&good, &core), Ok(()));
        for (at, complaint) in [
            (16 * SECTOR, "sector 16"),
            (17 * SECTOR + 9, "sector 17"),
            (CATALOGUE * SECTOR + 4, "catalogue"),
            (CATALOGUE * SECTOR + 31, "catalogue"),
            (CATALOGUE * SECTOR + 32, "not bootable"),
            (IMAGE * SECTOR + 2000, "byte 2000"),
            (IMAGE * SECTOR + 2999, "byte 2999"),
        ] {
            let mut bad = good.clone();
            bad[at] ^= 0x11;
            let error = boots(&bad, &core).expect_err(complaint);
            assert!(error.contains(complaint), "{at}: {error}");
        }
        let mut patched = good.clone();
        patched[IMAGE * SECTOR + 8] = 1;
        assert_eq!(boots(&patched, &core), Ok(()));
    }

    proptest! {
        #[test]
        fn no_cd_makes_it_panic(
            at in 0_usize..IMAGE * SECTOR,
            bytes in prop::collection::vec(any::<u8>(), 0..64),
            length in 0_usize..21 * SECTOR,
        ) {
            let mut bad = cd(&[7; 3000]);
            for (place, byte) in bad[at..].iter_mut().zip(bytes) {
                *place = byte;
            }
            bad.truncate(length);
            let _ = boots(&bad, &[7; 3000]);
        }
    }
}
