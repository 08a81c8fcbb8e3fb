//! Which instructions each CPU model has: the one table.
//!
//! Cites the Intel SDM and, for qemu32, QEMU 7.2's target/i386/cpu.c as far as
//! its feature words go.

use iced_x86::CpuidFeature::{self, *};
use iced_x86::{Code, Instruction};

use crate::machine::Cpu;

/// The Pentium (P5): what every machine of ours has.
///
/// PAUSE is in it because it is `rep nop` to every older processor. A
/// multi-byte NOP (0F 1F) is not: it came with the Pentium Pro, and QEMU's
/// pentium runs it nevertheless.
const PENTIUM: &[CpuidFeature] = &[
    INTEL8086, INTEL186, INTEL286, INTEL386, INTEL486, CPUID, CX8, MSR, TSC, SMM, PAUSE, FPU,
];
const SINCE_PENTIUM2: &[CpuidFeature] = &[CMOV, MULTIBYTENOP, RDPMC, SEP, MMX, FXSR];
const SINCE_PENTIUM3: &[CpuidFeature] = &[SSE];
const QEMU32_BEYOND: &[CpuidFeature] = &[SSE2, SSE3];

/// Whether `cpu` has the instructions of `feature`.
pub fn has(cpu: Cpu, feature: CpuidFeature) -> bool {
    let sets: &[&[CpuidFeature]] = match cpu {
        Cpu::Pentium => &[PENTIUM],
        Cpu::Pentium2 => &[PENTIUM, SINCE_PENTIUM2],
        Cpu::Pentium3 => &[PENTIUM, SINCE_PENTIUM2, SINCE_PENTIUM3],
        Cpu::Qemu32 => &[PENTIUM, SINCE_PENTIUM2, SINCE_PENTIUM3, QEMU32_BEYOND],
    };
    sets.iter().any(|set| set.contains(&feature))
}

/// What a CPU must have to run `instruction` as the compiler meant it.
///
/// All x87 instructions count as FPU, whichever coprocessor had them first.
///
/// F3 0F BC is TZCNT where there is one and BSF everywhere else (Intel SDM 2B,
/// TZCNT), with the same result for every operand but zero. Compilers for old
/// CPUs write it, as `rep bsf`, where the operand cannot be zero: newer ones
/// run it faster.
pub fn needed(instruction: &Instruction) -> impl Iterator<Item = CpuidFeature> {
    let features: &'static [CpuidFeature] = match instruction.code() {
        Code::Tzcnt_r16_rm16 | Code::Tzcnt_r32_rm32 => &[INTEL386],
        _ => instruction.cpuid_features(),
    };
    features.iter().map(|feature| match feature {
        FPU287 | FPU387 => FPU,
        feature => *feature,
    })
}

/// Whether these instructions use the registers that hold a user program's
/// floating-point and vector state.
pub fn uses_user_registers(feature: CpuidFeature) -> bool {
    const USERS: &[CpuidFeature] = &[FPU, MMX, FXSR, SSE, SSE2, SSE3];
    USERS.contains(&feature)
}

/// The feature of this name, as it is written in the list of gated functions.
pub fn feature(name: &str) -> Option<CpuidFeature> {
    CpuidFeature::values().find(|feature| format!("{feature:?}") == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_model_has_all_that_older_ones_have() {
        let ages = [Cpu::Pentium, Cpu::Pentium2, Cpu::Pentium3, Cpu::Qemu32];
        for pair in ages.windows(2) {
            for feature in CpuidFeature::values() {
                assert!(
                    !has(pair[0], feature) || has(pair[1], feature),
                    "{} has {feature:?}, {} has not",
                    pair[0],
                    pair[1]
                );
            }
        }
    }

    #[test]
    fn the_pentium_lacks_what_compilers_like_to_emit() {
        for lacking in [
            CMOV,
            MULTIBYTENOP,
            MMX,
            SSE,
            SSE2,
            SEP,
            FXSR,
            CET_IBT,
            CLFSH,
        ] {
            assert!(!has(Cpu::Pentium, lacking), "{lacking:?}");
        }
        assert!(has(Cpu::Pentium3, SSE) && !has(Cpu::Pentium3, SSE2));
    }

    #[test]
    fn features_have_the_names_people_read_in_findings() {
        assert_eq!(feature("CMOV"), Some(CMOV));
        assert_eq!(feature("cmov"), None);
        assert_eq!(feature(""), None);
    }
}
