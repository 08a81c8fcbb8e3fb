//! What a program must not do, one function for each.
//!
//! None returns on a kernel that keeps order, but for those that say so.

use core::arch::asm;

/// The kernel's first page of code.
const KERNEL: u32 = 0xc010_0000;
/// Where a program's own code begins (user/link.ld).
const CODE: u32 = 0x0804_8000;
/// Selectors of the kernel's code and data.
const KERNEL_CODE: u16 = 0x08;
const KERNEL_DATA: u16 = 0x10;
/// The trap flag of EFLAGS (Intel SDM 3A 2.3).
const TRAP_FLAG: u32 = 1 << 8;

/// A crime and its name.
pub type Crime = (&'static str, fn());

/// All of them that any kernel knows.
pub const ALL: &[Crime] = &[
    ("write-null", || write(0x10)),
    ("read-kernel", || read(KERNEL)),
    ("write-kernel", || write(KERNEL)),
    ("write-code", || write(CODE)),
    ("jump-kernel", jump_to_kernel),
    ("far-jump", far_jump_to_kernel),
    ("hlt", hlt),
    ("cli", cli),
    ("in", port_input),
    ("out", port_output),
    ("cr0", read_control_register),
    ("lgdt", load_descriptor_table),
    ("kernel-segment", load_kernel_segment),
    ("divide", divide_by_zero),
    ("int3", breakpoint),
    ("overflow", overflow),
    ("ud2", invalid_opcode),
    ("interrupt", kernel_interrupt),
    ("step", single_step),
    ("step-gate", single_step_through_the_gate),
    ("no-stack", push_without_stack),
    ("trap-below", || trap(-131)),
    ("trap-far-below", || trap(1 - i32::MAX)),
    ("trap-above", || trap(1)),
    ("trap-far-above", || trap(i32::MAX)),
];

/// What a program must not do through the doors that this kernel alone has.
pub const OF_DOORS: &[Crime] = &[
    ("step-int", single_step_through_int),
    ("step-sysenter", single_step_through_sysenter),
    ("return-null", || sysenter(0, 0x10, 0)),
    ("return-kernel", || sysenter(0, KERNEL, 0)),
    ("return-stackless", || sysenter(0x1000, push_address(), 0)),
    ("return-nested", return_nested),
];

fn write(address: u32) {
    // SAFETY: faults before anything is written.
    unsafe { asm!("mov dword ptr [{0}], 0", in(reg) address) };
}

fn read(address: u32) {
    // SAFETY: faults before anything is read.
    unsafe { asm!("mov {0}, [{0}]", inout(reg) address => _) };
}

fn jump_to_kernel() {
    // SAFETY: faults at its target.
    unsafe { asm!("jmp {0}", in(reg) KERNEL, options(noreturn)) };
}

fn far_jump_to_kernel() {
    // SAFETY: faults, for the selector is not for user mode.
    unsafe {
        asm!(
            "ljmp ${code}, ${to}",
            code = const KERNEL_CODE,
            to = const KERNEL,
            options(att_syntax, noreturn),
        );
    }
}

fn hlt() {
    // SAFETY: faults without an effect.
    unsafe { asm!("hlt") };
}

fn cli() {
    // SAFETY: faults without an effect.
    unsafe { asm!("cli") };
}

fn port_input() {
    // SAFETY: faults without an effect.
    unsafe { asm!("in al, dx", in("dx") 0x64_u16, out("al") _) };
}

fn port_output() {
    // SAFETY: faults without an effect; it would end the emulator.
    unsafe { asm!("out dx, al", in("dx") 0xf4_u16, in("al") 0x10_u8) };
}

fn read_control_register() {
    // SAFETY: faults without an effect.
    unsafe { asm!("mov {0}, cr0", out(reg) _) };
}

fn load_descriptor_table() {
    // SAFETY: faults without an effect.
    unsafe { asm!("lgdt [{0}]", in(reg) &[0_u16; 3]) };
}

fn load_kernel_segment() {
    // SAFETY: faults without an effect.
    unsafe { asm!("mov ds, {0:e}", in(reg) u32::from(KERNEL_DATA)) };
}

fn divide_by_zero() {
    // SAFETY: faults without a result.
    unsafe { asm!("div {0}", in(reg) 0_u32, inout("eax") 1_u32 => _, inout("edx") 0_u32 => _) };
}

fn breakpoint() {
    // SAFETY: an exception without an effect of its own.
    unsafe { asm!("int3") };
}

fn overflow() {
    // SAFETY: an exception without an effect of its own.
    unsafe { asm!("add {0:e}, {0:e}", "into", inout(reg) i32::MAX => _) };
}

fn invalid_opcode() {
    // SAFETY: an exception without an effect of its own.
    unsafe { asm!("ud2") };
}

fn kernel_interrupt() {
    // SAFETY: faults, for the vector is not for user mode.
    unsafe { asm!("int 0x30") };
}

fn single_step() {
    // SAFETY: an exception without an effect of its own.
    unsafe { asm!("pushfd", "or [esp], {0}", "popfd", "nop", "nop", in(reg) TRAP_FLAG) };
}

fn single_step_through_the_gate() {
    let swtch = user_rt::abi::trap::SWTCH;
    let _ = super::gate::with_flags(swtch, TRAP_FLAG);
}

fn single_step_through_int() {
    let swtch = user_rt::abi::trap::SWTCH;
    // SAFETY: an exception without an effect of its own.
    unsafe {
        asm!("pushfd", "or [esp], {0}", "popfd", "int {1}", "nop", in(reg) TRAP_FLAG,
            const user_rt::abi::trap::INT_DOOR, inout("eax") swtch => _, out("ecx") _, out("edx") _);
    }
}

fn single_step_through_sysenter() {
    let mut stack = [0_u32; 64];
    let top = stack.as_mut_ptr_range().end.expose_provenance() as u32;
    sysenter(top, push_address(), TRAP_FLAG);
}

/// A nested task, as far as the flags say, that then touches what it must not.
fn return_nested() {
    const NESTED: u32 = 1 << 14;
    sysenter(0x1000, push_address(), NESTED);
}

/// Where an instruction is that pushes: the first of any function.
fn push_address() -> u32 {
    let function: fn() = invalid_opcode;
    function as usize as u32
}

/// Goes into the kernel with these flags, and says that the program goes on at
/// `address`, its stack pointer at `stack`.
fn sysenter(stack: u32, address: u32, flags: u32) {
    let swtch = user_rt::abi::trap::SWTCH;
    // SAFETY: the program ends where it goes on.
    unsafe {
        asm!("pushfd", "or [esp], {0}", "popfd", "sysenter", in(reg) flags,
            in("eax") swtch, in("ecx") stack, in("edx") address, options(noreturn));
    }
}

fn push_without_stack() {
    // SAFETY: faults before anything uses the stack.
    unsafe { asm!("xor esp, esp", "push eax", options(noreturn)) };
}

/// A number that no table has.
fn trap(number: i32) {
    let _ = super::gate::with_flags(number, 0);
}
