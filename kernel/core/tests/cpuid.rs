//! Processors as QEMU and old hardware describe them, and impossible ones.

use kernel_core::cpuid::{Feature, Features, Identity, Registers};
use proptest::prelude::*;

const INTEL: [u32; 3] = [0x756e_6547, 0x4965_6e69, 0x6c65_746e];
const AMD: [u32; 3] = [0x6874_7541, 0x6974_6e65, 0x444d_4163];

fn words(eax: u32, [ebx, edx, ecx]: [u32; 3]) -> Registers {
    Registers { eax, ebx, ecx, edx }
}

/// A processor with leaves 0 and 1 only; others answer as leaf 1 does, the way
/// an old Intel does.
fn old(vendor: [u32; 3], signature: u32, edx: u32) -> Identity {
    Identity::read(|leaf| match leaf {
        0 => words(1, vendor),
        _ => words(signature, [0x0300_0800, edx, 0]),
    })
}

/// A processor that can say its name.
fn named(brand: &[u8]) -> Identity {
    let mut text = [0; 48];
    text[..brand.len()].copy_from_slice(brand);
    Identity::read(|leaf| match leaf {
        0 => words(13, AMD),
        1 => words(0x00a2_0f10, [0, 1, 1 << 31]),
        0x8000_0000 => words(0x8000_0008, AMD),
        0x8000_0001 => words(0, [0, 1 << 20 | 1 << 29 | 1, 0]),
        0x8000_0002..=0x8000_0004 => {
            let at = (leaf - 0x8000_0002) as usize * 16;
            let word = |n: usize| {
                u32::from_le_bytes(text[at + n * 4..at + n * 4 + 4].try_into().expect("four"))
            };
            Registers {
                eax: word(0),
                ebx: word(1),
                ecx: word(2),
                edx: word(3),
            }
        }
        _ => panic!("leaf {leaf:#x} is not claimed"),
    })
}

#[test]
fn old_processors_get_their_names_from_the_table() {
    for (vendor, signature, name) in [
        (INTEL, 0x0543, "Intel Pentium MMX"),
        (INTEL, 0x052c, "Intel Pentium"),
        (INTEL, 0x0617, "Intel Pentium Pro"),
        (INTEL, 0x0652, "Intel Pentium II"),
        (INTEL, 0x0673, "Intel Pentium III"),
        (INTEL, 0x0f41, "Intel Pentium 4"),
        (INTEL, 0x0001_06a5, "GenuineIntel family 6 model 26"),
        (AMD, 0x0543, "AuthenticAMD family 5 model 4"),
    ] {
        assert_eq!(
            old(vendor, signature, 0).name().to_string(),
            name,
            "{signature:#x}"
        );
    }
}

#[test]
fn a_pentium_iii_is_read_right() {
    let cpu = old(INTEL, 0x0673, 0x0383_fbff);
    assert_eq!(
        (cpu.family(), cpu.model(), cpu.stepping(), cpu.apic_id()),
        (6, 7, 3, 3)
    );
    assert_eq!(cpu.vendor().to_string(), "GenuineIntel");
    assert_eq!(
        cpu.features().to_string(),
        "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 mmx fxsr sse"
    );
    assert!(cpu.features().has(Feature::CMOV) && !cpu.features().has(Feature::SSE2));
}

#[test]
fn sysenter_of_a_pentium_pro_is_not_believed() {
    let sep = 1 << 11;
    assert!(!old(INTEL, 0x0619, sep).features().has(Feature::SEP));
    assert!(!old(INTEL, 0x0632, sep).features().has(Feature::SEP));
    assert!(old(INTEL, 0x0633, sep).features().has(Feature::SEP));
    assert!(old(INTEL, 0x0543, sep).features().has(Feature::SEP));
}

#[test]
fn a_modern_processor_says_its_own_name() {
    let cpu = named(b"   QEMU Virtual CPU version 2.5+  ");
    assert_eq!(cpu.name().to_string(), "QEMU Virtual CPU version 2.5+");
    assert_eq!(
        (cpu.family(), cpu.model(), cpu.highest_leaf()),
        (25, 0x21, 13)
    );
    assert_eq!(cpu.features().to_string(), "fpu hypervisor nx lm");
    assert!(cpu.features().has(Feature::NX));
    assert_eq!(
        named(b"odd\x01\xff name\0junk").name().to_string(),
        "odd?? name"
    );
    assert_eq!(
        named(b"   ").name().to_string(),
        "AuthenticAMD family 25 model 33"
    );
}

#[test]
fn an_answer_that_is_no_leaf_number_is_not_believed() {
    let cpu = Identity::read(|leaf| match leaf {
        0 | 1 => words(1, INTEL),
        0x8000_0000 => words(0xffff_ffff, INTEL),
        _ => panic!("leaf {leaf:#x} is not claimed"),
    });
    assert!(!cpu.features().has(Feature::NX));
}

#[test]
fn every_bit_has_the_name_of_its_constant() {
    for (feature, name) in [
        (Feature::CLFSH, "clfsh"),
        (Feature::FXSR, "fxsr"),
        (Feature::SSE2, "sse2"),
        (Feature::HTT, "htt"),
        (Feature::SSE3, "sse3"),
        (Feature::X2APIC, "x2apic"),
        (Feature::TSC_DEADLINE, "tscdeadline"),
        (Feature::RDRAND, "rdrand"),
        (Feature::HYPERVISOR, "hypervisor"),
        (Feature::SYSCALL, "syscall"),
        (Feature::NX, "nx"),
        (Feature::RDTSCP, "rdtscp"),
        (Feature::LM, "lm"),
        (Feature::PGE, "pge"),
    ] {
        let all = Features::new(u32::MAX, u32::MAX, u32::MAX);
        let gone: Vec<&str> = all
            .names()
            .filter(|n| !all.without(feature).names().any(|m| m == *n))
            .collect();
        assert_eq!(gone, [name]);
    }
    assert_eq!(
        Features::new(u32::MAX, u32::MAX, u32::MAX).names().count(),
        30 + 31 + 9
    );
}

proptest! {
    #[test]
    fn any_answers_are_read(seed: u32, factor: u32, first: u32, extended: u32) {
        let cpu = Identity::read(|leaf| {
            let mix = |n: u32| seed.wrapping_add(leaf.wrapping_mul(factor)).rotate_left(n).wrapping_mul(0x9e37_79b9);
            let eax = match leaf { 0 => first, 0x8000_0000 => extended, _ => mix(0) };
            Registers { eax, ebx: mix(7), ecx: mix(13), edx: mix(23) }
        });
        let text = format!("{} {} {}", cpu.vendor(), cpu.name(), cpu.features());
        prop_assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{text}");
        prop_assert!(cpu.family() < 15 + 256 && cpu.model() < 256 && cpu.stepping() < 16);
    }

    #[test]
    fn common_features_are_in_both(a: [u32; 3], b: [u32; 3]) {
        let (a, b) = (Features::new(a[0], a[1], a[2]), Features::new(b[0], b[1], b[2]));
        let expected: Vec<&str> = a.names().filter(|name| b.names().any(|other| other == *name)).collect();
        prop_assert!(a.common(b).names().eq(expected));
    }
}
