//! What kind of processor this is, from its CPUID leaves.
//!
//! Owns the meaning of the bits; executing the instruction is the caller's,
//! who passes it as a closure. Read once a processor, at its start. Leaves the
//! processor does not claim to have are not asked for: an older Intel answers
//! with those of another (Intel SDM 2A, CPUID, "highest basic information").

use core::fmt::{self, Write};

mod features;

pub use features::{Feature, Features};

/// What CPUID leaves in the registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Registers {
    /// EAX.
    pub eax: u32,
    /// EBX.
    pub ebx: u32,
    /// ECX.
    pub ecx: u32,
    /// EDX.
    pub edx: u32,
}

const EXTENDED: u32 = 0x8000_0000;
const EXTENDED_FEATURES: u32 = 0x8000_0001;
const BRAND: u32 = 0x8000_0002;
const BRAND_LEAVES: u32 = 3;

/// A processor's identity.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Identity {
    vendor: [u8; 12],
    /// EAX of leaf 1: stepping, model, family.
    signature: u32,
    brand: Option<[u8; 48]>,
    features: Features,
    apic_id: u8,
    highest_leaf: u32,
}

/// What leaf 1 says in EDX, without what is not so: early Pentium Pros claim SYSENTER
/// and do not have it (Intel SDM 2B, SYSENTER).
pub const fn really(signature: u32, features: u32) -> u32 {
    const SEP: u32 = 1 << 11;
    let has_none = signature >> 8 & 0xf == 6 && signature & 0xfff < 0x633;
    if has_none { features & !SEP } else { features }
}

impl Identity {
    /// Asks the processor; `cpuid` executes the instruction for a leaf, with
    /// ECX = 0.
    pub fn read(mut cpuid: impl FnMut(u32) -> Registers) -> Self {
        let first = cpuid(0);
        let mut vendor = [0; 12];
        store(&mut vendor, [first.ebx, first.edx, first.ecx]);
        let version = if first.eax >= 1 {
            cpuid(1)
        } else {
            Registers::default()
        };

        // A processor without extended leaves answers with anything.
        let highest = cpuid(EXTENDED).eax;
        let has_extended = |leaf| highest >> 16 == EXTENDED >> 16 && highest >= leaf;
        let extended = if has_extended(EXTENDED_FEATURES) {
            cpuid(EXTENDED_FEATURES).edx
        } else {
            0
        };
        let brand = has_extended(BRAND + BRAND_LEAVES - 1).then(|| {
            let mut brand = [0; 48];
            for (leaf, part) in (BRAND..).zip(brand.chunks_exact_mut(16)) {
                let words = cpuid(leaf);
                store(part, [words.eax, words.ebx, words.ecx, words.edx]);
            }
            brand
        });

        let really = really(version.eax, version.edx);
        let features = Features::new(really, version.ecx, extended);
        Self {
            vendor,
            signature: version.eax,
            brand,
            features,
            apic_id: version.ebx.to_le_bytes()[3],
            highest_leaf: first.eax,
        }
    }

    /// Who made it: `GenuineIntel`, `AuthenticAMD`, ...
    pub fn vendor(&self) -> impl fmt::Display + '_ {
        Printable(&self.vendor)
    }

    /// The family, the extended part added as Intel SDM 2A has it.
    pub const fn family(&self) -> u32 {
        let base = self.signature >> 8 & 0xf;
        if base == 0xf {
            base + (self.signature >> 20 & 0xff)
        } else {
            base
        }
    }

    /// The model, the extended part put in front for families 6 and 15.
    pub const fn model(&self) -> u32 {
        let base = self.signature >> 4 & 0xf;
        match self.signature >> 8 & 0xf {
            6 | 0xf => (self.signature >> 16 & 0xf) << 4 | base,
            _ => base,
        }
    }

    /// The stepping.
    pub const fn stepping(&self) -> u32 {
        self.signature & 0xf
    }

    /// What it can do.
    pub const fn features(&self) -> Features {
        self.features
    }

    /// The local APIC's number at reset; 0 if there is none.
    pub const fn apic_id(&self) -> u8 {
        self.apic_id
    }

    /// The highest basic leaf.
    pub const fn highest_leaf(&self) -> u32 {
        self.highest_leaf
    }

    /// What to call it: its own words if it has any, else a name by family and
    /// model, else these numbers.
    pub const fn name(&self) -> Name<'_> {
        Name(self)
    }

    /// The name Intel gave processors that cannot say it themselves (Intel
    /// AP-485, table 5).
    fn known_name(&self) -> Option<&'static str> {
        if &self.vendor != b"GenuineIntel" {
            return None;
        }
        let name = match (self.family(), self.model()) {
            (4, _) => "Intel 486",
            (5, 1 | 2 | 7) => "Intel Pentium",
            (5, 3) => "Intel Pentium OverDrive",
            (5, 4 | 8) => "Intel Pentium MMX",
            (6, 1) => "Intel Pentium Pro",
            (6, 3 | 5) => "Intel Pentium II",
            (6, 6) => "Intel Celeron",
            (6, 7 | 8 | 10 | 11) => "Intel Pentium III",
            (6, 9 | 13) => "Intel Pentium M",
            (15, _) => "Intel Pentium 4",
            _ => return None,
        };
        Some(name)
    }
}

/// A processor's name. `Display` writes it.
#[derive(Clone, Copy)]
pub struct Name<'a>(&'a Identity);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(identity) = self;
        match (&identity.brand, identity.known_name()) {
            (Some(brand), _) if !trim(brand).is_empty() => Printable(brand).fmt(f),
            (_, Some(name)) => f.write_str(name),
            (_, None) => write!(
                f,
                "{} family {} model {}",
                identity.vendor(),
                identity.family(),
                identity.model()
            ),
        }
    }
}

/// Text as the processor stores it: padded with blanks in front or zeros
/// behind, and in a virtual machine with whatever someone configured.
struct Printable<'a>(&'a [u8]);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        trim(self.0).iter().try_for_each(|byte| {
            f.write_char(match byte {
                b' '..=b'~' => char::from(*byte),
                _ => '?',
            })
        })
    }
}

/// `text` up to its first zero, without blanks around it.
fn trim(text: &[u8]) -> &[u8] {
    let length = text.iter().position(|byte| *byte == 0);
    text.get(..length.unwrap_or(text.len()))
        .unwrap_or(text)
        .trim_ascii()
}

/// Puts registers into memory as the processor would.
fn store<const N: usize>(bytes: &mut [u8], words: [u32; N]) {
    for (place, word) in bytes.chunks_exact_mut(4).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
}
