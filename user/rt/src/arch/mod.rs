//! The processor's part: the first instruction, and the trap gate.
//!
//! The only assembly of the runtime. [`crate::trap`] gives the gate its numbers.

use core::arch::{asm, global_asm};
use core::ptr;
use core::sync::atomic::{AtomicU8, Ordering};

use abi::trap::INT_DOOR;

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

/// How a trap gets into the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Door {
    /// `lcall $7,$0`, which every kernel with Mach's interface has.
    Gate,
    /// `int`, which ExoV6 has.
    Interrupt,
    /// SYSENTER, which ExoV6 has where the processor does.
    Sysenter,
}

/// The one that this program takes, as a number.
static DOOR: AtomicU8 = AtomicU8::new(Door::Gate as u8);

/// From now on traps go through `door`, or by `int` if that is SYSENTER and the
/// processor has none. Tells which it is.
pub(crate) fn choose(door: Door) -> Door {
    let door = match door {
        Door::Sysenter if !has_sysenter() => Door::Interrupt,
        door => door,
    };
    DOOR.store(door as u8, Ordering::Relaxed);
    door
}

fn has_sysenter() -> bool {
    const SEP: u32 = 1 << 11;
    let (signature, features): (u32, u32);
    // SAFETY: every processor that the kernel runs on has CPUID. EBX is kept by hand
    // because LLVM may use it itself.
    unsafe {
        asm!(
            "mov {kept:e}, ebx",
            "cpuid",
            "mov ebx, {kept:e}",
            kept = out(reg) _,
            inout("eax") 1 => signature,
            out("ecx") _,
            out("edx") features,
            options(nomem, nostack, preserves_flags),
        );
    }
    // Early Pentium Pros only claim to have it (Intel SDM 2B, SYSENTER).
    let only_claims = signature >> 8 & 0xf == 6 && signature & 0xfff < 0x633;
    features & SEP != 0 && !only_claims
}

/// Goes through the trap gate, or another door, with `words` above a return
/// address: the number in EAX, the arguments on the stack, the first at the lowest
/// address.
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
    let pushed = ptr::from_ref(&pushed);
    let door = DOOR.load(Ordering::Relaxed);
    let result;
    // SAFETY: the kernel reads the words and leaves the stack as it was. For the
    // length of the trap the stack pointer is at the words; nothing is pushed
    // there, for the kernel has a stack of its own. It keeps EBX, ESI, EDI and EBP;
    // the rest is the caller's to allow. Where a door is not there the program ends.
    unsafe {
        if door == Door::Gate as u8 {
            asm!(
                "xchgl %esp, %edi",
                "lcall $7, $0",
                "xchgl %esp, %edi",
                inlateout("eax") number => result,
                in("edi") pushed,
                lateout("ecx") _,
                lateout("edx") _,
                options(att_syntax),
            );
        } else if door == Door::Interrupt as u8 {
            asm!(
                "xchgl %esp, %edi",
                "int ${door}",
                "xchgl %esp, %edi",
                door = const INT_DOOR,
                inlateout("eax") number => result,
                in("edi") pushed,
                lateout("ecx") _,
                lateout("edx") _,
                options(att_syntax),
            );
        } else {
            asm!(
                "xchgl %esp, %edi",
                "movl %esp, %ecx",
                "movl $2f, %edx",
                "sysenter",
                "2:",
                "xchgl %esp, %edi",
                inlateout("eax") number => result,
                in("edi") pushed,
                lateout("ecx") _,
                lateout("edx") _,
                options(att_syntax),
            );
        }
    }
    result
}
