//! Starts the other processors, one after the other.
//!
//! Each gets its area, a stack with a guard and a stack for double faults, all
//! for good, then comes up in [`secondary_main`] and waits for interrupts.

use alloc::boxed::Box;

use kernel_core::addr::{PAGE_SIZE, PhysAddr};
use kernel_core::frames::Zone;
use kernel_core::topology::Topology;

use crate::arch::ap::{self, StartState};
use crate::arch::lapic::{self, LegacyInput};
use crate::arch::percpu::{self, PerCpu};
use crate::arch::segments::DoubleFault;
use crate::arch::{interrupts, pit, processor, trap};
use crate::mm::{
    OutOfMemory, direct, frames, heap, kernel_map,
    stack::{DoubleFaultStack, Stack},
};
use crate::time;

/// How long INIT takes to act on a processor with an 82489DX (MP
/// specification B.4).
const INIT_DELAY_US: u32 = 10_000;
/// How long a processor may take to come up before it is asked again, and how
/// often it is looked at.
const START_PATIENCE_US: u32 = 100_000;
const LOOK_EVERY_US: u32 = 20;
/// Start-up messages name a page below 1 MiB.
const START_PAGE_LIMIT: u32 = (1 << 20) / PAGE_SIZE;

/// What a new processor is handed.
struct Start {
    area: PerCpu,
    double_fault: DoubleFault,
}

/// Starts every processor that the firmware names but the one that calls.
/// Returns how many did not come up.
pub(crate) fn start(topology: &Topology) -> Result<usize, OutOfMemory> {
    if !lapic::is_in_use() {
        return Ok(0);
    }
    let own = lapic::id();
    let others = || {
        topology
            .processors
            .iter()
            .filter(|cpu| u32::from(cpu.apic_id) != own)
    };
    if others().next().is_none() {
        return Ok(0);
    }
    let limit = kernel_core::addr::Frame::new(START_PAGE_LIMIT).ok_or(OutOfMemory)?;
    let frame = frames::allocate(Zone::Below(limit))?;
    let missing = kernel_map::with_identity_page(frame.start(), || {
        let mut missing = 0;
        for cpu in others() {
            match start_one(u32::from(cpu.apic_id), frame.start()) {
                Ok(true) => {}
                Ok(false) | Err(OutOfMemory) => missing += 1,
            }
        }
        missing
    });
    frames::free(frame);
    Ok(missing)
}

fn start_one(apic_id: u32, page: PhysAddr) -> Result<bool, OutOfMemory> {
    let id = percpu::online();
    let stack = Stack::new()?;
    let double_fault_stack = heap::try_box(DoubleFaultStack::new())?;
    let start = heap::try_box(Start {
        area: PerCpu::new(id as u32, apic_id),
        double_fault: DoubleFault {
            stack_top: double_fault_stack.top(),
            handler: trap::double_fault_address(),
            page_directory: kernel_map::directory_address().as_u32(),
        },
    })?;
    // From here on the processor may run at any time: nothing is taken back.
    let start = Box::leak(start);
    Box::leak(double_fault_stack);
    let state = StartState {
        page_directory: kernel_map::directory_address().as_u32(),
        stack_top: stack.leak(),
        entry: secondary_main,
        argument: core::ptr::from_ref(start).addr() as u32,
    };
    let bytes = direct(page)
        .expect("start pages lie below 1 MiB")
        .as_usize();
    // SAFETY: the frame was allocated for this, and the direct map maps it.
    let bytes = unsafe { &mut *(bytes as *mut [u8; PAGE_SIZE as usize]) };
    ap::write_start_page(bytes, page.as_u32(), &state);

    lapic::send_init(apic_id);
    if lapic::needs_init_delay() {
        pit::pause_us(INIT_DELAY_US);
    }
    // A second message is for processors that missed the first (MP
    // specification B.4); one that runs ignores it.
    Ok((0..2).any(|_| {
        lapic::send_start_up(apic_id, page.frame().number() as u8);
        comes_up(id)
    }))
}

fn comes_up(id: usize) -> bool {
    for _ in 0..START_PATIENCE_US / LOOK_EVERY_US {
        if percpu::online() > id {
            return true;
        }
        pit::pause_us(LOOK_EVERY_US);
    }
    false
}

/// First Rust of another processor, on its own stack, with paging on.
extern "C" fn secondary_main(argument: u32) -> ! {
    // SAFETY: `start_one` passes the address of a leaked `Start`.
    let start = unsafe { &*(argument as usize as *const Start) };
    processor::init_paging_features();
    trap::init_secondary();
    lapic::enable(LegacyInput::Nothing);
    // SAFETY: this is the processor the area is for, and its first use; the
    // stack and the area stay for good.
    unsafe { start.area.install(start.double_fault) };
    loop {
        // SAFETY: every vector has its handler since before the start.
        unsafe { interrupts::enable_and_wait() };
        let _ = interrupts::disable();
        if time::local_ticks(start.area.id()) == 0 {
            time::start_local_timer();
        }
    }
}
