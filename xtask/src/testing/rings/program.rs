//! A user program of a few bytes of machine code.
//!
//! Owns the bytes; needs no assembler and no linker. The system ring gives it to
//! the kernel as boot modules.

use crate::tiny::{self, Code};

/// Numbers of Mach's traps, as EAX has them.
const MACH_TASK_SELF: i32 = -28;
const MACH_PRINT: i32 = -30;
const TASK_TERMINATE: i32 = -69;

/// A program that prints each of its arguments, and ends.
pub(super) fn echo() -> Vec<u8> {
    let mut code = Code::default();
    // mov ebx, [esp]; lea esi, [esp + 4]: how many, and where they are
    code.put(&[0x8B, 0x1C, 0x24, 0x8D, 0x74, 0x24, 0x04]);
    let mut each = Code::default();
    // push [esi]
    each.put(&[0xFF, 0x36]);
    trap(&mut each, MACH_PRINT);
    // add esp, 8; push ' '; push esp: a string on the stack
    each.put(&[0x83, 0xC4, 0x08, 0x6A, b' ', 0x54]);
    trap(&mut each, MACH_PRINT);
    // add esp, 12; add esi, 4; dec ebx
    each.put(&[0x83, 0xC4, 0x0C, 0x83, 0xC6, 0x04, 0x4B]);
    let length = u8::try_from(each.here()).expect("machine code of a few bytes");
    // 1: test ebx, ebx; jz 2f; ...; jmp 1b; 2:
    code.put(&[0x85, 0xDB, 0x74, length + 2]).put(&each.bytes);
    code.put(&[0xEB, (length + 6).wrapping_neg()]);
    trap(&mut code, MACH_TASK_SELF);
    // push eax
    code.put(&[0x50]);
    trap(&mut code, TASK_TERMINATE);
    tiny::elf(&code.bytes)
}

/// `push 0; mov eax, number; lcall $7,$0`: the word is where a stub would
/// return to, below the arguments.
fn trap(code: &mut Code, number: i32) {
    code.put(&[0x6A, 0x00, 0xB8]).put(&number.to_le_bytes());
    code.put(&[0x9A, 0, 0, 0, 0, 7, 0]);
}
