//! The feature bits of CPUID and their names.
//!
//! Owns the list; [`super::Identity`] fills a set from the processor, anyone
//! asks it. Bit numbers from Intel SDM 2A, CPUID, tables 3-10 and 3-11.

use core::fmt;

/// Names of the bits of leaf 1 EDX, leaf 1 ECX and leaf 0x80000001 EDX, by bit
/// number; `-` where a bit has no meaning or only repeats another.
const NAMES: [&str; 3] = [
    "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov \
     pat pse36 psn clfsh - ds acpi mmx fxsr sse sse2 ss htt tm ia64 pbe",
    "sse3 pclmul dtes64 monitor dscpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr pdcm \
     - pcid dca sse4.1 sse4.2 x2apic movbe popcnt tscdeadline aes xsave osxsave avx f16c rdrand hypervisor",
    "- - - - - - - - - - - syscall - - - - \
     - - - - nx - mmxext - - fxsropt 1gb rdtscp - lm 3dnowext 3dnow",
];

/// One thing a processor may be able to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Feature {
    word: u8,
    bit: u8,
}

macro_rules! features {
    ($($word:literal: $($bit:literal $name:ident $doc:literal),+;)+) => {
        impl Feature {
            $($(
                #[doc = $doc]
                pub const $name: Self = Self { word: $word, bit: $bit };
            )+)+
        }
    };
}

features! {
    0:
        0 FPU "A floating-point unit.",
        1 VME "Virtual 8086 mode extensions.",
        2 DE "Debugging extensions: breakpoints on I/O.",
        3 PSE "Pages of 4 MiB.",
        4 TSC "RDTSC.",
        5 MSR "RDMSR and WRMSR.",
        6 PAE "Physical addresses beyond 32 bits.",
        7 MCE "Machine check exception.",
        8 CX8 "CMPXCHG8B.",
        9 APIC "A local APIC.",
        11 SEP "SYSENTER and SYSEXIT, and really so.",
        12 MTRR "Memory type range registers.",
        13 PGE "Global pages.",
        14 MCA "Machine check architecture.",
        15 CMOV "CMOV, and FCOMI with an FPU.",
        16 PAT "Page attribute table.",
        17 PSE36 "4 MiB pages above 4 GiB.",
        19 CLFSH "CLFLUSH.",
        23 MMX "MMX.",
        24 FXSR "FXSAVE and FXRSTOR.",
        25 SSE "SSE.",
        26 SSE2 "SSE2.",
        28 HTT "More than one logical processor in the package.";
    1:
        0 SSE3 "SSE3.",
        3 MONITOR "MONITOR and MWAIT.",
        21 X2APIC "The x2APIC.",
        24 TSC_DEADLINE "The local APIC's timer can wait for a TSC value.",
        30 RDRAND "RDRAND.",
        31 HYPERVISOR "Under a hypervisor that says so.";
    2:
        11 SYSCALL "SYSCALL and SYSRET.",
        20 NX "Pages can be made not executable.",
        27 RDTSCP "RDTSCP.",
        29 LM "64-bit mode.";
}

/// What one processor can do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Features([u32; 3]);

impl Features {
    /// The set in leaf 1 EDX and ECX and in leaf 0x80000001 EDX.
    pub const fn new(edx: u32, ecx: u32, extended_edx: u32) -> Self {
        Self([edx, ecx, extended_edx])
    }

    /// Whether `feature` is in the set.
    pub const fn has(self, feature: Feature) -> bool {
        self.0[feature.word as usize] >> feature.bit & 1 != 0
    }

    /// The set without `feature`.
    #[must_use]
    pub const fn without(mut self, feature: Feature) -> Self {
        self.0[feature.word as usize] &= !(1 << feature.bit);
        self
    }

    /// What both sets have: what can be relied on with two processors.
    #[must_use]
    pub fn common(self, other: Self) -> Self {
        let mut both = self;
        for (word, others) in both.0.iter_mut().zip(other.0) {
            *word &= others;
        }
        both
    }

    /// The names of all features in the set, in the order of their bits.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        self.0.into_iter().zip(NAMES).flat_map(|(word, names)| {
            names
                .split_ascii_whitespace()
                .enumerate()
                .filter(move |(bit, name)| word >> bit & 1 != 0 && *name != "-")
                .map(|(_, name)| name)
        })
    }
}

impl fmt::Display for Features {
    /// The names, with a blank between them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.names().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(name)?;
        }
        Ok(())
    }
}
