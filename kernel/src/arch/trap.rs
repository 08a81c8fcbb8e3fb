//! Traps and interrupts: from the processor's entry to one Rust function.
//!
//! Owns the entry code (`trap.s`), the IDT and the vector numbers. Whoever
//! starts the kernel installs the one handler; until then a trap is a panic.
//!
//! **Invariants**: the IDT is written by [`init`] only, before interrupts are
//! on; every processor loads the same one.

use core::arch::global_asm;
use core::mem::{offset_of, size_of};
use core::sync::atomic::{AtomicPtr, Ordering};

use spin::Once;
use x86::Ring;
use x86::dtables::{self, DescriptorTablePointer};
use x86::segmentation::{
    BuildDescriptor, Descriptor, DescriptorBuilder, GateDescriptorBuilder,
    TaskGateDescriptorBuilder,
};

use super::percpu::{self, Mode};
use super::segments::{DOUBLE_FAULT_TASK, KERNEL_CODE, KERNEL_DATA, PER_CPU, USER_CODE, USER_DATA};

/// Vectors of exceptions, by Intel SDM 3A table 6-1.
pub(crate) mod exception {
    /// A quotient that is too large, or division by zero.
    pub(crate) const DIVIDE: u32 = 0;
    /// Single steps and breakpoints by register.
    pub(crate) const DEBUG: u32 = 1;
    /// Non-maskable interrupt.
    pub(crate) const NMI: u32 = 2;
    /// `int3`.
    pub(crate) const BREAKPOINT: u32 = 3;
    /// `into`.
    pub(crate) const OVERFLOW: u32 = 4;
    /// `bound`.
    pub(crate) const BOUND: u32 = 5;
    /// Floating-point registers that are not the thread's.
    pub(crate) const NO_FPU: u32 = 7;
    /// A fault while delivering a fault.
    pub(crate) const DOUBLE_FAULT: u32 = 8;
    /// From here to [`PROTECTION`], segments are at fault: a task state's.
    pub(crate) const INVALID_TSS: u32 = 10;
    /// What nobody else is about.
    pub(crate) const PROTECTION: u32 = 13;
    /// Page fault.
    pub(crate) const PAGE_FAULT: u32 = 14;
    /// Floating-point error.
    pub(crate) const FPU_ERROR: u32 = 16;
    /// Floating-point error of SSE.
    pub(crate) const SIMD_ERROR: u32 = 19;
    /// How many vectors are the processor's own.
    pub(crate) const COUNT: u32 = 32;

    const NAMES: [&str; 20] = [
        "divide error",
        "debug exception",
        "non-maskable interrupt",
        "breakpoint",
        "overflow",
        "bound range exceeded",
        "invalid opcode",
        "device not available",
        "double fault",
        "coprocessor segment overrun",
        "invalid TSS",
        "segment not present",
        "stack fault",
        "general protection fault",
        "page fault",
        "reserved exception",
        "floating-point error",
        "alignment check",
        "machine check",
        "SIMD floating-point error",
    ];

    /// The processor manual's name of a vector.
    pub(crate) fn name(vector: u32) -> &'static str {
        NAMES
            .get(vector as usize)
            .copied()
            .unwrap_or("unknown exception")
    }
}

/// First vector of device interrupts: one for each of [`IRQ_COUNT`] inputs.
pub(crate) const IRQ_BASE: u32 = 0x30;
/// Inputs of the interrupt controllers that the kernel serves.
pub(crate) const IRQ_COUNT: u32 = 24;
/// The local APIC's timer.
pub(crate) const TIMER_VECTOR: u32 = IRQ_BASE + IRQ_COUNT;
/// Another processor asks for a function to be run.
pub(crate) const CALL_VECTOR: u32 = 0x49;
/// Another processor wants this one to look for work.
pub(crate) const WAKE_VECTOR: u32 = 0x4a;
/// The local APIC's own errors.
pub(crate) const APIC_ERROR_VECTOR: u32 = 0x4b;
/// Spurious interrupts of the local APIC: the low four bits must be ones.
pub(crate) const SPURIOUS_VECTOR: u32 = 0x4f;
/// Vectors with an entry stub.
const VECTORS: usize = 0x50;
/// What a frame has as its vector after `lcall $7,$0`, and what `int` has for the
/// same.
const GATE_VECTOR: u32 = VECTORS as u32;
const _: () = assert!(GATE_VECTOR == abi::trap::INT_DOOR as u32);
/// Bytes from one entry stub to the next.
const STUB_SIZE: usize = 16;
/// Exceptions for which the processor pushes an error code, one bit each: 8, 10
/// to 14 and 17 (Intel SDM 3A table 6-1).
const PUSH_ERROR_CODE: u32 = 1 << 8 | 0b1_1111 << 10 | 1 << 17;
/// Whether a frame with this vector is that of a device or another processor.
pub(crate) fn is_interrupt(vector: u32) -> bool {
    (IRQ_BASE..GATE_VECTOR).contains(&vector)
}

/// The opcode of `push imm8`; the assembler takes no symbol for one.
const PUSH_IMM8: u8 = 0x6a;
const _: () = assert!(SPURIOUS_VECTOR & 0xf == 0xf && (SPURIOUS_VECTOR as usize) < VECTORS);
// `push imm8` extends the sign.
const _: () = assert!(GATE_VECTOR < 0x80);
/// Vectors that a program may raise by an instruction: `int3` and `into`.
const USER_VECTORS: [usize; 2] = [3, 4];

/// The registers as `trap.s` leaves them on the stack.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct Frame {
    pub(crate) gs: u32,
    pub(crate) fs: u32,
    pub(crate) es: u32,
    pub(crate) ds: u32,
    pub(crate) edi: u32,
    pub(crate) esi: u32,
    pub(crate) ebp: u32,
    /// ESP as `pushad` saw it: inside this frame.
    pub(crate) pushad_esp: u32,
    pub(crate) ebx: u32,
    pub(crate) edx: u32,
    pub(crate) ecx: u32,
    pub(crate) eax: u32,
    pub(crate) vector: u32,
    pub(crate) error: u32,
    pub(crate) eip: u32,
    pub(crate) cs: u32,
    pub(crate) eflags: u32,
}

impl Frame {
    /// Whether user mode was interrupted.
    pub(crate) fn is_user(&self) -> bool {
        self.cs & REQUESTED_PRIVILEGE == u32::from(USER_CODE.bits()) & REQUESTED_PRIVILEGE
    }

    /// ESP before the trap, which came from kernel mode: the processor pushes
    /// no ESP, the stack simply goes on above the frame.
    pub(crate) fn esp(&self) -> u32 {
        (core::ptr::from_ref(self).addr() + size_of::<Frame>()) as u32
    }
}

/// The low bits of a selector.
const REQUESTED_PRIVILEGE: u32 = 3;

/// The registers of user mode, at the top of its thread's kernel stack.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct UserFrame {
    pub(crate) trap: Frame,
    pub(crate) esp: u32,
    pub(crate) ss: u32,
}

impl UserFrame {
    /// What a thread has that never ran, with the segments and flags that
    /// Mach's interface gives it.
    pub(crate) fn new(entry: u32, stack: u32) -> UserFrame {
        let data = u32::from(USER_DATA.bits());
        UserFrame {
            trap: Frame {
                gs: data,
                fs: data,
                es: data,
                ds: data,
                eip: entry,
                cs: u32::from(USER_CODE.bits()),
                eflags: EFLAGS_USER,
                ..Frame::default()
            },
            esp: stack,
            ss: data,
        }
    }
}

/// EFLAGS with every flag clear: bit 1 is always set.
const EFLAGS_CLEAR: u32 = 1 << 1;
/// EFLAGS of a new user thread: interrupts. Bit 1 is set by the processor.
pub(crate) const EFLAGS_USER: u32 = 1 << 9;

const _: () = assert!(offset_of!(UserFrame, esp) == 68);
const _: () = assert!(offset_of!(Frame, eax) == 44 && offset_of!(Frame, vector) == 48);
const _: () = assert!(offset_of!(Frame, eflags) == 64);

global_asm!(
    include_str!("trap.s"),
    KERNEL_DATA = const KERNEL_DATA.bits(),
    PER_CPU = const PER_CPU.bits(),
    VECTORS = const VECTORS,
    STUB_SIZE = const STUB_SIZE,
    PUSH_ERROR_CODE = const PUSH_ERROR_CODE,
    PUSH_IMM8 = const PUSH_IMM8,
    FRAME_EIP = const offset_of!(Frame, eip),
    EFLAGS_CLEAR = const EFLAGS_CLEAR,
    GATE_VECTOR = const GATE_VECTOR,
    trap_entry = sym trap_entry,
    trap_by_gate = sym trap_by_gate,
    USER_CODE = const USER_CODE.bits(),
    USER_DATA = const USER_DATA.bits(),
    INTERRUPTS_ON = const EFLAGS_USER,
    thread_begins = sym thread_begins,
    double_fault = sym double_fault,
);

unsafe extern "C" {
    fn trap_stubs();
    fn gate_entry();
    fn gate_stepped();
    fn int_entry();
    fn sysenter_entry();
    fn sysenter_stepped();
    fn thread_start();
    fn double_fault_entry() -> !;
}

/// What the kernel does with traps. All are called with interrupts off.
#[derive(Clone, Copy)]
pub(crate) struct Handlers {
    /// Vectors below [`exception::COUNT`] in kernel mode, and every NMI, but
    /// for double faults.
    pub(crate) exception: fn(&mut Frame),
    /// Vectors below [`exception::COUNT`] in user mode, but for NMIs.
    pub(crate) user_exception: fn(&mut UserFrame),
    /// All other vectors, as an interrupt.
    pub(crate) interrupt: fn(u32),
    /// Mach's trap gate.
    pub(crate) system_call: fn(&mut UserFrame),
    /// The last thing before user mode goes on, whatever interrupted it; ends
    /// with interrupts off.
    pub(crate) before_user: fn(&mut UserFrame),
    /// The first thing that a new thread does, before it goes to user mode.
    pub(crate) thread_begins: fn(),
    /// A double fault: runs as a task of its own, on its own stack.
    pub(crate) double_fault: fn() -> !,
}

static HANDLERS: AtomicPtr<Handlers> = AtomicPtr::new(core::ptr::null_mut());
/// All vectors, and the door for who knows this kernel.
type Table = [Descriptor; VECTORS + 1];
static IDT: Once<Table> = Once::new();

/// Builds the interrupt table, installs the handlers and loads the table on
/// the boot processor.
pub(crate) fn init(handlers: &'static Handlers) {
    HANDLERS.store(core::ptr::from_ref(handlers).cast_mut(), Ordering::Release);
    let table = IDT.call_once(|| {
        let mut table = [Descriptor::NULL; VECTORS + 1];
        let stubs = trap_stubs as *const () as u32;
        for (vector, descriptor) in table.iter_mut().enumerate().take(VECTORS) {
            let stub = stubs + (vector * STUB_SIZE) as u32;
            let ring = match USER_VECTORS.contains(&vector) {
                true => Ring::Ring3,
                false => Ring::Ring0,
            };
            *descriptor = DescriptorBuilder::interrupt_descriptor(KERNEL_CODE, stub)
                .present()
                .dpl(ring)
                .finish();
        }
        let door = int_entry as *const () as u32;
        table[VECTORS] = DescriptorBuilder::interrupt_descriptor(KERNEL_CODE, door)
            .present()
            .dpl(Ring::Ring3)
            .finish();
        table[exception::DOUBLE_FAULT as usize] =
            DescriptorBuilder::task_gate_descriptor(DOUBLE_FAULT_TASK)
                .present()
                .dpl(Ring::Ring0)
                .finish();
        table
    });
    load(table);
}

/// Loads the interrupt table on another processor.
pub(crate) fn init_secondary() {
    load(IDT.get().expect("the boot processor built the table first"));
}

fn load(table: &'static Table) {
    // SAFETY: the table is complete and static.
    unsafe { dtables::lidt(&DescriptorTablePointer::new(table)) };
}

/// Address of the double-fault task's first instruction.
pub(crate) fn double_fault_address() -> u32 {
    double_fault_entry as *const () as u32
}

/// Address of Mach's trap gate.
pub(crate) fn gate_address() -> u32 {
    gate_entry as *const () as u32
}

/// Address of the same for SYSENTER.
pub(crate) fn sysenter_address() -> u32 {
    sysenter_entry as *const () as u32
}

/// Where a thread's first switch must lead, its stack pointer at a
/// [`UserFrame`].
pub(crate) fn thread_start_address() -> u32 {
    thread_start as *const () as u32
}

extern "C" fn trap_entry(at: *mut UserFrame) {
    let handlers = handlers();
    // SAFETY: `trap.s` made the frame there, and nobody else knows of it. Only
    // its first part is sure to exist.
    let frame = unsafe { &mut (*at).trap };
    if !frame.is_user() {
        match frame.vector {
            exception::DEBUG if is_stepping_through_gate(frame.eip) => {}
            0..exception::COUNT => (handlers.exception)(frame),
            vector => interrupt(handlers, vector, Mode::Kernel),
        }
        return;
    }
    if frame.vector == exception::NMI {
        (handlers.exception)(frame);
        return;
    }
    // SAFETY: as above; coming from user mode, the processor pushed the rest.
    let frame = unsafe { &mut *at };
    match frame.trap.vector {
        0..exception::COUNT => (handlers.user_exception)(frame),
        vector => interrupt(handlers, vector, Mode::User),
    }
    (handlers.before_user)(frame);
}

extern "C" fn trap_by_gate(at: *mut UserFrame) {
    let handlers = handlers();
    // SAFETY: `trap.s` made the frame there, and nobody else knows of it. Nobody
    // comes by the gate but from user mode.
    let frame = unsafe { &mut *at };
    (handlers.system_call)(frame);
    (handlers.before_user)(frame);
}

/// A call gate and SYSENTER leave the user's trap flag set: each instruction of the
/// entry code is a debug exception, until that has put the flag aside.
fn is_stepping_through_gate(eip: u32) -> bool {
    let sysenter = sysenter_address()..=sysenter_stepped as *const () as u32;
    (gate_address()..=gate_stepped as *const () as u32).contains(&eip) || sysenter.contains(&eip)
}

fn interrupt(handlers: &Handlers, vector: u32, interrupted: Mode) {
    let cpu = percpu::current();
    cpu.enter_interrupt(interrupted);
    (handlers.interrupt)(vector);
    cpu.leave_interrupt();
}

extern "C" fn thread_begins() {
    (handlers().thread_begins)();
}

extern "C" fn double_fault() -> ! {
    (handlers().double_fault)()
}

fn handlers() -> &'static Handlers {
    // SAFETY: only `init` stores here, a static; it does so before it loads
    // the table that leads here.
    unsafe { &*HANDLERS.load(Ordering::Acquire) }
}
