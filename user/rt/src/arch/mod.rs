//! The processor's part: the first instruction, and the trap gate.
//!
//! The only assembly of the runtime. [`crate::trap`] gives the gate its numbers.

use core::arch::{asm, global_asm};
use core::ptr;

use crate::arguments::Arguments;
use crate::task;

// Mach starts a task's first thread with the stack pointer at the number of
// arguments; their addresses follow, a null word, those of the environment, and
// another. The base pointer is zero, so that a backtrace ends here.
global_asm!(
    ".pushsection .text.start, \"ax\"",
    ".globl _start",
    "_start:",
    "    xor ebp, ebp",
    "    mov eax, esp",
    "    and esp, -16",
    // One argument and its return address make 16 bytes with these.
    "    sub esp, 12",
    "    push eax",
    "    call {start}",
    "    ud2",
    ".popsection",
    start = sym start,
);

unsafe extern "Rust" {
    /// What [`crate::program!`] makes.
    safe fn user_rt_main(arguments: Arguments);
}

/// From [`_start`](self), with what Mach left on the stack.
extern "C" fn start(stack: *const u32) -> ! {
    // SAFETY: the stack pointer of a task's first instruction points to the
    // count, and what it counts stays as it is for the life of the task.
    let arguments = unsafe { Arguments::at(stack) };
    user_rt_main(arguments);
    task::exit()
}

/// Goes through the trap gate with `words` above a return address: the number
/// in EAX, the arguments on the stack, the first at the lowest address.
///
/// # Safety
///
/// The trap may be called with these arguments: addresses among them point to
/// memory that it may read or write, and nobody relies on what it takes away.
#[inline]
pub(crate) unsafe fn gate<const WORDS: usize>(number: i32, words: [u32; WORDS]) -> i32 {
    /// What stands at the stack pointer; a stub would return to `to`.
    #[repr(C)]
    struct Pushed<const WORDS: usize> {
        to: u32,
        words: [u32; WORDS],
    }
    let pushed = Pushed { to: 0, words };
    let result;
    // SAFETY: the kernel reads the words and leaves the stack as it was. For the
    // length of the trap the stack pointer is at the words; nothing is pushed
    // there, for the gate has a stack of its own. The kernel keeps EBX, ESI,
    // EDI and EBP; the rest is the caller's to allow.
    unsafe {
        asm!(
            "xchgl %esp, %edi",
            "lcall $7, $0",
            "xchgl %esp, %edi",
            inlateout("eax") number => result,
            in("edi") ptr::from_ref(&pushed),
            lateout("ecx") _,
            lateout("edx") _,
            options(att_syntax),
        );
    }
    result
}
