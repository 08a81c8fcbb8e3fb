//! Segments and task state of one processor: its GDT and its two TSSs, and
//! the LDT of user mode, which all processors share.
//!
//! The GDT is owned by the processor's [`PerCpu`](super::percpu::PerCpu);
//! loaded once, on that processor, and never moved afterwards. The LDT is
//! written once, when the first processor loads it, and holds what Mach's interface promises to
//! user programs: the trap gate `lcall $7,$0` and flat segments.
//!
//! ```text
//! slot  selector  what
//!  0    0x00      null
//!  1    0x08      kernel code, flat
//!  2    0x10      kernel data, flat
//!  3    0x18      this processor's PerCpu, in FS while in the kernel
//!  4    0x20      TSS: what the processor saves on a task switch
//!  5    0x28      double-fault TSS, behind the task gate of vector 8
//!  6    0x30      the LDT:
//!  0    0x07        call gate: Mach's traps
//!  2    0x17        user code, flat
//!  3    0x1f        user data, flat
//! ```

use core::mem::size_of;

use spin::Once;
use x86::Ring;
use x86::bits32::task::TaskStateSegment;
use x86::dtables::{self, DescriptorTablePointer};
use x86::segmentation::{
    BuildDescriptor, CodeSegmentType, DataSegmentType, Descriptor, DescriptorBuilder,
    GateDescriptorBuilder, LdtDescriptorBuilder, SegmentDescriptorBuilder, SegmentSelector,
};

use super::trap;

/// Kernel code.
pub(crate) const KERNEL_CODE: SegmentSelector = SegmentSelector::new(1, Ring::Ring0);
/// Kernel data and stack.
pub(crate) const KERNEL_DATA: SegmentSelector = SegmentSelector::new(2, Ring::Ring0);
/// The per-processor area, for FS.
pub(crate) const PER_CPU: SegmentSelector = SegmentSelector::new(3, Ring::Ring0);
const TASK_STATE: SegmentSelector = SegmentSelector::new(4, Ring::Ring0);
/// Target of the double fault's task gate.
pub(crate) const DOUBLE_FAULT_TASK: SegmentSelector = SegmentSelector::new(5, Ring::Ring0);

const USER_TABLE: SegmentSelector = SegmentSelector::new(6, Ring::Ring0);
/// User code, in the LDT.
pub(crate) const USER_CODE: SegmentSelector = SegmentSelector::from_raw(0x17);
/// User data and stack, in the LDT.
pub(crate) const USER_DATA: SegmentSelector = SegmentSelector::from_raw(0x1f);

const SLOTS: usize = 7;
/// Slots of the LDT: as many as its highest selector needs.
const USER_SLOTS: usize = 4;
/// The whole address space, in 4 KiB units less one.
const FLAT_LIMIT: u32 = 0xf_ffff;
/// EFLAGS with every flag clear: bit 1 is always set.
const EFLAGS_CLEAR: u32 = 1 << 1;

/// One processor's descriptor table and task states.
pub(crate) struct Segments {
    gdt: [Descriptor; SLOTS],
    task: TaskStateSegment,
    double_fault: TaskStateSegment,
}

impl Segments {
    /// Empty tables, to be filled and loaded by [`Segments::load`].
    pub(crate) const fn new() -> Segments {
        Segments {
            gdt: [Descriptor::NULL; SLOTS],
            task: TaskStateSegment::new(),
            double_fault: TaskStateSegment::new(),
        }
    }

    /// Fills the tables for a processor whose area is at `per_cpu` and makes
    /// this processor use them.
    ///
    /// # Safety
    ///
    /// `self` stays where it is for as long as the machine runs, `per_cpu` is
    /// this processor's area, and `double_fault` names a stack and a handler
    /// that are always mapped.
    pub(crate) unsafe fn load(&'static mut self, per_cpu: u32, double_fault: DoubleFault) {
        self.double_fault.esp = double_fault.stack_top;
        self.double_fault.eip = double_fault.handler;
        self.double_fault.eflags = EFLAGS_CLEAR;
        self.double_fault.cs = KERNEL_CODE.bits();
        self.double_fault.ss = KERNEL_DATA.bits();
        self.double_fault.ds = KERNEL_DATA.bits();
        self.double_fault.es = KERNEL_DATA.bits();
        self.double_fault.fs = PER_CPU.bits();
        self.double_fault.cr3 = double_fault.page_directory;
        self.task.ss0 = KERNEL_DATA.bits();
        self.task.iobp_offset = TSS_SIZE;
        self.double_fault.iobp_offset = TSS_SIZE;

        self.gdt[1] = flat_code(Ring::Ring0);
        self.gdt[2] = flat_data(Ring::Ring0);
        self.gdt[3] = DescriptorBuilder::data_descriptor(
            per_cpu,
            u32::from(PER_CPU_LIMIT),
            DataSegmentType::ReadWriteAccessed,
        )
        .present()
        .dpl(Ring::Ring0)
        .db()
        .finish();
        self.gdt[4] = task_descriptor(&self.task);
        self.gdt[5] = task_descriptor(&self.double_fault);
        self.gdt[6] = user_table_descriptor();

        // SAFETY: the table is complete and, by the caller's word, stays.
        unsafe {
            dtables::lgdt(&DescriptorTablePointer::new(&self.gdt));
            reload_selectors();
            x86::task::load_tr(TASK_STATE);
            dtables::load_ldtr(USER_TABLE);
        }
    }

    /// Says where the processor goes on when it comes from user mode.
    ///
    /// # Safety
    ///
    /// `segments` is this processor's own, and the stack below `top` is free
    /// whenever this processor is in user mode.
    pub(crate) unsafe fn set_kernel_stack(segments: *mut Segments, top: u32) {
        // SAFETY: valid by the caller's word; only the processor reads it too.
        unsafe { (&raw mut (*segments).task.esp0).write_volatile(top) };
    }

    /// The registers as they were when a double fault switched tasks: the
    /// processor saved them here, behind the compiler's back.
    ///
    /// # Safety
    ///
    /// `segments` is valid, and its processor switches no task meanwhile.
    pub(crate) unsafe fn interrupted(segments: *const Segments) -> TaskStateSegment {
        // SAFETY: passed on to the caller.
        unsafe { (&raw const (*segments).task).read_volatile() }
    }
}

/// What the double-fault task starts with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DoubleFault {
    /// Top of a stack of its own.
    pub(crate) stack_top: u32,
    /// Address of the handler.
    pub(crate) handler: u32,
    /// Physical address of the kernel's page directory.
    pub(crate) page_directory: u32,
}

/// Limit of the FS segment: enough for the two words at its start that are read
/// through it, so that a stray FS access faults.
const PER_CPU_LIMIT: u16 = 2 * size_of::<u32>() as u16 - 1;
/// Bytes of a 32-bit TSS; an I/O bitmap offset here means no bitmap.
const TSS_SIZE: u16 = 104;
const _: () = assert!(size_of::<TaskStateSegment>() == TSS_SIZE as usize);

static USER_SEGMENTS: Once<[Descriptor; USER_SLOTS]> = Once::new();

/// The LDT. Its segments are marked as used already, so that no processor
/// writes to it.
fn user_segments() -> &'static [Descriptor; USER_SLOTS] {
    USER_SEGMENTS.call_once(|| {
        let gate = <DescriptorBuilder as GateDescriptorBuilder<u32>>::call_gate_descriptor(
            KERNEL_CODE,
            trap::gate_address(),
        );
        let gate = gate.present().dpl(Ring::Ring3).finish();
        [
            gate,
            Descriptor::NULL,
            flat_code(Ring::Ring3),
            flat_data(Ring::Ring3),
        ]
    })
}

fn user_table_descriptor() -> Descriptor {
    let table = user_segments();
    DescriptorBuilder::ldt_descriptor(
        table.as_ptr().addr() as u32,
        (size_of_val(table) - 1) as u32,
    )
    .present()
    .dpl(Ring::Ring0)
    .finish()
}

fn flat_code(ring: Ring) -> Descriptor {
    DescriptorBuilder::code_descriptor(0, FLAT_LIMIT, CodeSegmentType::ExecuteReadAccessed)
        .present()
        .dpl(ring)
        .limit_granularity_4kb()
        .db()
        .finish()
}

fn flat_data(ring: Ring) -> Descriptor {
    DescriptorBuilder::data_descriptor(0, FLAT_LIMIT, DataSegmentType::ReadWriteAccessed)
        .present()
        .dpl(ring)
        .limit_granularity_4kb()
        .db()
        .finish()
}

fn task_descriptor(task: &TaskStateSegment) -> Descriptor {
    let base = core::ptr::from_ref(task).addr() as u64;
    <DescriptorBuilder as GateDescriptorBuilder<u32>>::tss_descriptor(
        base,
        u64::from(TSS_SIZE - 1),
        true,
    )
    .present()
    .dpl(Ring::Ring0)
    .finish()
}

/// Makes every segment register use the table just loaded. GS is not the
/// kernel's: it stays null until a thread's state is restored.
///
/// # Safety
///
/// The table in use has this file's layout.
unsafe fn reload_selectors() {
    // SAFETY: the far return only changes CS; the data segments stay flat, and
    // FS becomes the per-processor area.
    unsafe {
        core::arch::asm!(
            "push {code}",
            "lea {scratch}, [2f]",
            "push {scratch}",
            "retf",
            "2:",
            "mov ds, {data:x}",
            "mov es, {data:x}",
            "mov ss, {data:x}",
            "mov fs, {per_cpu:x}",
            "mov gs, {null:x}",
            code = const KERNEL_CODE.bits(),
            scratch = out(reg) _,
            data = in(reg) u32::from(KERNEL_DATA.bits()),
            per_cpu = in(reg) u32::from(PER_CPU.bits()),
            null = in(reg) 0_u32,
        );
    }
}
