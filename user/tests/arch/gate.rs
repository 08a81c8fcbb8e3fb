//! The trap gate with stack pointers and flags that nobody in his senses has.

use core::arch::asm;

/// Calls trap `number` with the stack pointer at `stack`; what it returns.
#[must_use]
pub fn with_stack_at(number: i32, stack: u32) -> i32 {
    let result;
    // SAFETY: the stack pointer comes back before anything uses it. The trap's
    // arguments are what the kernel finds there: the callers take traps that
    // only print, or that take nothing away from this program.
    unsafe {
        asm!(
            "xchgl %esp, %edi",
            "lcall $7, $0",
            "xchgl %esp, %edi",
            inlateout("eax") number => result,
            inlateout("edi") stack => _,
            lateout("ecx") _,
            lateout("edx") _,
            options(att_syntax),
        );
    }
    result
}

/// Calls trap `number`, which must take no arguments, with `flags` set in
/// EFLAGS; they are cleared again behind it.
#[must_use]
pub fn with_flags(number: i32, flags: u32) -> i32 {
    let result;
    // SAFETY: the flags are as they were when this ends.
    unsafe {
        asm!(
            "pushfl",
            "pushfl",
            "orl %ecx, (%esp)",
            "popfl",
            "lcall $7, $0",
            "popfl",
            inlateout("eax") number => result,
            inlateout("ecx") flags => _,
            lateout("edx") _,
            options(att_syntax),
        );
    }
    result
}
