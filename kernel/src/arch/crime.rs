//! What `misdeed=` needs instructions for. In kernels with tests only.

use core::arch::asm;

use boot::layout::{IMAGE_START, KERNEL_BASE};
use x86::dtables::{self, DescriptorTablePointer};

/// Takes the interrupt table away and traps: the processor resets.
pub(crate) fn triple_fault() {
    // SAFETY: nothing is sound about it; the machine ends here.
    unsafe {
        dtables::lidt(&DescriptorTablePointer::<u64>::default());
        asm!("int3", options(noreturn));
    }
}

/// Reads where nothing is mapped.
pub(crate) fn read_unmapped() {
    // SAFETY: faults before anything is read.
    unsafe { asm!("mov {0}, [{0}]", inout(reg) 0x1000_u32 => _) };
}

/// Writes to the kernel's own text.
pub(crate) fn write_text() {
    // SAFETY: faults before anything is written.
    unsafe { asm!("mov dword ptr [{0}], 0", in(reg) KERNEL_BASE + IMAGE_START) };
}

/// Divides by zero.
pub(crate) fn divide_by_zero() {
    // SAFETY: faults without a result.
    unsafe { asm!("div {0}", in(reg) 0_u32, inout("eax") 1_u32 => _, inout("edx") 0_u32 => _) };
}

/// Runs what is no instruction.
pub(crate) fn invalid_opcode() {
    // SAFETY: faults without an effect.
    unsafe { asm!("ud2") };
}
