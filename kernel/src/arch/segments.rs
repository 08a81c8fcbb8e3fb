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
//!  9    0x4b      the thread's own, if it asked for any
//! 10    0x53      the same
//!  6    0x30      the LDT, such as every thread has that asked for no other:
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

use kernel_core::descriptor;
use kernel_core::port_map;

use super::own_segments::{FIRST_PLACE, OWN_PLACES, OwnSegments};
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

const SLOTS: usize = FIRST_PLACE + OWN_PLACES;
/// Slots of the LDT: as many as its highest selector needs.
pub(super) const USER_SLOTS: usize = 4;
/// The whole address space, in 4 KiB units less one.
const FLAT_LIMIT: u32 = 0xf_ffff;
/// EFLAGS with every flag clear: bit 1 is always set.
const EFLAGS_CLEAR: u32 = 1 << 1;

/// One processor's descriptor table and task states.
pub(crate) struct Segments {
    gdt: [Descriptor; SLOTS],
    task: TaskStateSegment,
    double_fault: TaskStateSegment,
    /// The one in use: `task`, or that of `wide`.
    state: *mut TaskStateSegment,
    /// Where the ports are that a task may use, once there is one that may.
    wide: *mut Wide,
    /// Which map of ports is in `wide`.
    serial: u64,
}

/// A task state with a map of ports behind it.
#[repr(C)]
struct Wide {
    task: TaskStateSegment,
    ports: [[u8; 8]; port_map::WORDS],
    /// Ones: the processor reads a byte more.
    end: u8,
}

/// Words of memory for a task state with a map of ports.
pub(crate) const WIDE_WORDS: usize = size_of::<Wide>().div_ceil(size_of::<u64>());
/// Where the map begins in it.
const PORTS_AT: u16 = core::mem::offset_of!(Wide, ports) as u16;
const _: () = assert!(PORTS_AT == TSS_SIZE);

impl Segments {
    /// Empty tables, to be filled and loaded by [`Segments::load`].
    pub(crate) const fn new() -> Segments {
        Segments {
            gdt: [Descriptor::NULL; SLOTS],
            task: TaskStateSegment::new(),
            double_fault: TaskStateSegment::new(),
            state: core::ptr::null_mut(),
            wide: core::ptr::null_mut(),
            serial: 0,
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
        self.gdt[4] = task_descriptor(&raw const self.task, TSS_SIZE);
        self.gdt[5] = task_descriptor(&raw const self.double_fault, TSS_SIZE);
        self.gdt[6] = user_table_descriptor();
        self.state = &raw mut self.task;

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
        unsafe { (&raw mut (*(*segments).state).esp0).write_volatile(top) };
    }

    /// Makes the processor use the segments of a thread that has its own, or the
    /// usual ones again. GS, which may be one of those of before, is null then.
    ///
    /// # Safety
    ///
    /// `segments` is this processor's own, interrupts are off, `own` stays until
    /// others are loaded, and no segment register but GS holds one of before.
    pub(crate) unsafe fn load_own(segments: *mut Segments, own: Option<&OwnSegments>) {
        let places = own.map_or([descriptor::Descriptor::EMPTY; OWN_PLACES], |own| {
            *own.places()
        });
        let table = match own.and_then(OwnSegments::ldt) {
            Some(ldt) => table_descriptor(ldt.as_ptr().addr(), size_of_val(ldt)),
            None => user_table_descriptor(),
        };
        // SAFETY: valid by the caller's word; these entries are in no register but
        // GS and LDTR, which are loaded anew.
        unsafe {
            let gdt = &raw mut (*segments).gdt;
            for (number, place) in places.into_iter().enumerate() {
                (*gdt)[FIRST_PLACE + number] = in_table(place);
            }
            (*gdt)[usize::from(USER_TABLE.index())] = table;
            core::arch::asm!("mov gs, {0:x}", in(reg) 0_u32, options(nostack, preserves_flags));
            dtables::load_ldtr(USER_TABLE);
        }
    }

    /// Makes the processor let user mode use the ports of a map, which is the only
    /// one with that serial number, or none. Without memory for it none may be
    /// used either.
    ///
    /// # Safety
    ///
    /// `segments` is this processor's own, and interrupts are off.
    pub(crate) unsafe fn set_ports(segments: *mut Segments, map: Option<(&[u64], u64)>) {
        // SAFETY: valid by the caller's word; a wide one stays for good.
        unsafe {
            let wide = (*segments).wide;
            if wide.is_null() {
                return;
            }
            let offset = &raw mut (*wide).task.iobp_offset;
            let Some((words, serial)) = map else {
                offset.write_volatile(NO_PORTS);
                return;
            };
            if (*segments).serial != serial {
                for (place, word) in (*wide).ports.iter_mut().zip(words) {
                    *place = word.to_le_bytes();
                }
                (*segments).serial = serial;
            }
            offset.write_volatile(PORTS_AT);
        }
    }

    /// Has room for a map of ports from now on, in `room`.
    ///
    /// # Safety
    ///
    /// As for [`Segments::set_ports`]; `room` has [`WIDE_WORDS`] words that are
    /// nobody else's, for good.
    pub(crate) unsafe fn widen(segments: *mut Segments, room: *mut u64) {
        let wide = room.cast::<Wide>();
        // SAFETY: valid by the caller's word; what the processor reads is complete
        // before it is told.
        unsafe {
            (&raw mut (*wide).task).write((*segments).state.read());
            (&raw mut (*wide).task.iobp_offset).write_volatile(NO_PORTS);
            (&raw mut (*wide).end).write(u8::MAX);
            let limit = size_of::<Wide>() as u16;
            (*segments).gdt[4] = task_descriptor(&raw const (*wide).task, limit);
            (*segments).state = &raw mut (*wide).task;
            (*segments).wide = wide;
            x86::task::load_tr(TASK_STATE);
        }
    }

    /// Whether there is room for a map of ports.
    ///
    /// # Safety
    ///
    /// As for [`Segments::set_ports`].
    pub(crate) unsafe fn is_wide(segments: *const Segments) -> bool {
        // SAFETY: valid by the caller's word.
        unsafe { !(*segments).wide.is_null() }
    }

    /// The registers as they were when a double fault switched tasks: the
    /// processor saved them here, behind the compiler's back.
    ///
    /// # Safety
    ///
    /// `segments` is valid, and its processor switches no task meanwhile.
    pub(crate) unsafe fn interrupted(segments: *const Segments) -> TaskStateSegment {
        // SAFETY: passed on to the caller.
        unsafe { (*segments).state.read_volatile() }
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
/// Where no map of ports can begin: behind the end of any task state.
const NO_PORTS: u16 = u16::MAX;

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
    table_descriptor(table.as_ptr().addr(), size_of_val(table))
}

/// Of an LDT.
fn table_descriptor(address: usize, bytes: usize) -> Descriptor {
    DescriptorBuilder::ldt_descriptor(address as u32, (bytes - 1) as u32)
        .present()
        .dpl(Ring::Ring0)
        .finish()
}

/// The LDT that every thread has.
pub(super) fn usual() -> [descriptor::Descriptor; USER_SLOTS] {
    user_segments().map(|found| descriptor::Descriptor::from_words(found.lower, found.upper))
}

fn in_table(descriptor: descriptor::Descriptor) -> Descriptor {
    let (lower, upper) = descriptor.words();
    Descriptor { lower, upper }
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

fn task_descriptor(task: *const TaskStateSegment, size: u16) -> Descriptor {
    let base = task.addr() as u64;
    <DescriptorBuilder as GateDescriptorBuilder<u32>>::tss_descriptor(
        base,
        u64::from(size - 1),
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
