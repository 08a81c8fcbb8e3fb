//! x87 and SSE registers: filled, read back, and looked at when a task is new.
//!
//! The programs are compiled for a processor without them, so between two of
//! these functions nobody else touches them.

use core::arch::asm;

/// Control word of a new thread, as FNINIT leaves it (Intel SDM 1, 8.1.5).
pub const NEW_CONTROL: u16 = 0x037f;
/// All registers empty (8.1.7).
pub const EMPTY_TAGS: u16 = 0xffff;
/// MXCSR of a new thread (10.2.3).
pub const NEW_MXCSR: u32 = 0x1f80;

/// What the eight registers of the x87 hold, as integers, and its control word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct X87 {
    /// ST(0) first.
    pub values: [i32; 8],
    /// The control word.
    pub control: u16,
}

/// What the eight registers of SSE hold.
pub type Sse = [[u32; 4]; 8];

/// Control and tag word of the x87, which stays as it is.
#[must_use]
pub fn control_and_tags() -> (u16, u16) {
    let mut environment = [0_u32; 7];
    // SAFETY: the environment has 28 bytes in this mode (8.1.10); FNSTENV masks
    // exceptions, and FLDENV takes that back.
    unsafe { asm!("fnstenv [{0}]", "fldenv [{0}]", in(reg) &mut environment) };
    (environment[0] as u16, environment[2] as u16)
}

/// Fills the registers of the x87, which must be empty.
pub fn load_x87(x87: &X87) {
    for value in x87.values.iter().rev() {
        // SAFETY: a push onto the register stack, which has room.
        unsafe { asm!("fild dword ptr [{0}]", in(reg) value) };
    }
    // SAFETY: only how results are rounded depends on it.
    unsafe { asm!("fldcw word ptr [{0}]", in(reg) &x87.control) };
}

/// Takes all out again.
#[must_use]
pub fn take_x87() -> X87 {
    let mut x87 = X87 {
        values: [0; 8],
        control: 0,
    };
    // SAFETY: the variable has room.
    unsafe { asm!("fnstcw word ptr [{0}]", in(reg) &mut x87.control) };
    for value in &mut x87.values {
        // SAFETY: a pop off the register stack into a variable that has room.
        unsafe { asm!("fistp dword ptr [{0}]", in(reg) value) };
    }
    x87
}

/// Whether there are SSE registers, as CPUID says.
#[must_use]
pub fn has_sse() -> bool {
    /// Leaf 1, EDX (Intel SDM 2A, CPUID).
    const SSE: u32 = 1 << 25;
    let features: u32;
    // SAFETY: every processor from the Pentium on has leaf 1. The compiler keeps
    // EBX for itself.
    unsafe {
        asm!(
            "push ebx", "cpuid", "pop ebx",
            inout("eax") 1 => _, out("ecx") _, out("edx") features,
        );
    }
    features & SSE != 0
}

/// The control and status register of SSE, which must be there.
#[must_use]
pub fn mxcsr() -> u32 {
    let mut mxcsr = 0_u32;
    // SAFETY: the variable has room.
    unsafe { asm!("stmxcsr dword ptr [{0}]", in(reg) &mut mxcsr) };
    mxcsr
}

/// Fills the registers of SSE, which must be there.
pub fn load_sse(sse: &Sse) {
    // SAFETY: 128 bytes are read; nobody else uses these registers.
    unsafe {
        asm!(
            "movups xmm0, [{0}]",
            "movups xmm1, [{0} + 16]",
            "movups xmm2, [{0} + 32]",
            "movups xmm3, [{0} + 48]",
            "movups xmm4, [{0} + 64]",
            "movups xmm5, [{0} + 80]",
            "movups xmm6, [{0} + 96]",
            "movups xmm7, [{0} + 112]",
            in(reg) sse,
        );
    }
}

/// Reads them.
#[must_use]
pub fn read_sse() -> Sse {
    let mut sse = Sse::default();
    // SAFETY: 128 bytes are written.
    unsafe {
        asm!(
            "movups [{0}], xmm0",
            "movups [{0} + 16], xmm1",
            "movups [{0} + 32], xmm2",
            "movups [{0} + 48], xmm3",
            "movups [{0} + 64], xmm4",
            "movups [{0} + 80], xmm5",
            "movups [{0} + 96], xmm6",
            "movups [{0} + 112], xmm7",
            in(reg) &mut sse,
        );
    }
    sse
}
