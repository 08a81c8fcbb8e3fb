//! Starts the other processors, one after the other.
//!
//! Each gets its area, a stack with a guard and another one for double faults,
//! all for good, then comes up in [`secondary_main`] and waits for interrupts.
//!
//! **Invariants**: a processor that was given up never runs more than the first
//! lines of [`secondary_main`], whenever it comes: it asks its [`Claim`] before
//! it takes the number that another one has by then. What it starts from is
//! never used again.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicU32, Ordering};

use kernel_core::addr::{Frame, PAGE_SIZE, PhysAddr};
use kernel_core::frames::Zone;
use kernel_core::topology::Topology;

use crate::arch::ap::{self, StartState};
use crate::arch::lapic::{self, LegacyInput};
use crate::arch::percpu::{self, PerCpu};
use crate::arch::segments::DoubleFault;
use crate::arch::{fpu, interrupts, paging, pit, processor, trap};
use crate::mm::kernel_map::{self, StartDirectory};
use crate::mm::stack::Stack;
use crate::mm::{OutOfMemory, direct, frames, heap};
use crate::trace::{self, Kind};
use crate::{sched, time};

/// How long a processor may take to come up before it is asked again, and
/// before it is given up. The MP specification (B.4) waits 10 ms between reset
/// and start-up message; most need no wait, and those that do miss the first
/// message only. The last wait is long for a host that has other things to do.
const START_PATIENCE_US: [u32; 2] = [10_000, 1_000_000];
const LOOK_EVERY_US: u32 = 20;
/// Start-up messages name a page below 1 MiB.
const START_PAGE_LIMIT: PhysAddr = PhysAddr::new(1 << 20);

/// Starts every processor that the firmware names but the one that calls.
/// Returns how many did not come up; without memory for more processors the
/// kernel runs on those it has.
pub(crate) fn start(topology: &Topology) -> usize {
    if !lapic::is_in_use() {
        return 0;
    }
    let own = lapic::id();
    let mut missing = 0;
    for cpu in &*topology.processors {
        let apic_id = u32::from(cpu.apic_id);
        if apic_id != own && start_one(apic_id) != Ok(Outcome::Up) {
            missing += 1;
        }
    }
    missing
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Up,
    GivenUp,
}

/// What a new processor is handed.
struct Start {
    area: PerCpu,
    double_fault: DoubleFault,
    claim: Claim,
}

/// Who is first: the new processor, or the one that gives it up.
struct Claim(AtomicU32);

impl Claim {
    const OPEN: u32 = 0;
    const TAKEN: u32 = 1;

    const fn new() -> Claim {
        Claim(AtomicU32::new(Claim::OPEN))
    }

    /// Whether the caller is the first to take it.
    fn take(&self) -> bool {
        self.0.swap(Claim::TAKEN, Ordering::AcqRel) == Claim::OPEN
    }
}

/// What a processor starts in and leaves behind.
struct StartPlace {
    page: Frame,
    directory: StartDirectory,
}

impl StartPlace {
    fn new() -> Result<StartPlace, OutOfMemory> {
        let directory = StartDirectory::new()?;
        let page = frames::allocate(Zone::Below(START_PAGE_LIMIT.frame()))?;
        Ok(StartPlace { page, directory })
    }

    fn write(&self, stack_top: u32, start: &'static Start) {
        let state = StartState {
            page_directory: self.directory.address().as_u32(),
            stack_top,
            entry: secondary_main,
            argument: core::ptr::from_ref(start).addr() as u32,
        };
        let base = self.page.start();
        let bytes = direct(base)
            .expect("start pages lie below 1 MiB")
            .as_usize();
        // SAFETY: the frame was allocated for this, and the direct map maps it.
        let bytes = unsafe { &mut *(bytes as *mut [u8; PAGE_SIZE as usize]) };
        ap::write_start_page(bytes, base.as_u32(), &state);
    }
}

impl Drop for StartPlace {
    fn drop(&mut self) {
        frames::free(self.page);
    }
}

fn start_one(apic_id: u32) -> Result<Outcome, OutOfMemory> {
    if !lapic::is_integrated() {
        return Ok(Outcome::GivenUp);
    }
    let id = percpu::online();
    let stack = Stack::new()?;
    let double_fault_stack = Stack::new()?;
    let start = heap::try_box(Start {
        area: PerCpu::new(id as u32, apic_id),
        double_fault: DoubleFault {
            stack_top: double_fault_stack.top(),
            handler: trap::double_fault_address(),
            page_directory: kernel_map::directory_address().as_u32(),
        },
        claim: Claim::new(),
    })?;
    // After the stacks: it is a copy, and the processor needs them at once.
    let place = StartPlace::new()?;
    // From here on the processor may run at any time: nothing is taken back.
    let start: &'static Start = Box::leak(start);
    double_fault_stack.leak();
    place.write(stack.leak(), start);

    lapic::send_init(apic_id);
    // One that runs ignores the second message.
    let is_up = START_PATIENCE_US.iter().any(|&patience| {
        lapic::send_start_up(apic_id, place.page.number() as u8);
        comes_up(id, patience)
    });
    if !is_up && start.claim.take() {
        // It may come yet, and turn away.
        core::mem::forget(place);
        return Ok(Outcome::GivenUp);
    }
    // Up, or about to be: then the claim is its own.
    while percpu::online() == id {
        processor::relax();
    }
    Ok(Outcome::Up)
}

fn comes_up(id: usize, patience_us: u32) -> bool {
    for _ in 0..patience_us / LOOK_EVERY_US {
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
    if !start.claim.take() {
        interrupts::halt_forever();
    }
    // SAFETY: the kernel's own directory; it maps the stack and the area. The
    // one in use so far goes back when this processor is published.
    unsafe { paging::switch_to(kernel_map::directory_address()) };
    processor::init_paging_features();
    fpu::init();
    // SAFETY: this is the processor the area is for, and its first use; the
    // stack and the area stay for good.
    unsafe { start.area.install(start.double_fault) };
    trap::init_secondary();
    lapic::enable(LegacyInput::Nothing);
    start.area.publish();
    trace::record(Kind::ProcessorUp, start.area.apic_id(), 0);
    sched::idle(time::start_local_timer)
}
