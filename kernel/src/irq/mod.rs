//! Device interrupts: which controller brings them, and who handles each.
//!
//! Owns the interrupt controllers and the table of handlers. Drivers install a
//! handler for an ISA line or a vector of the local APIC; [`dispatch`] is what
//! the trap layer calls. Handlers run with interrupts off.
//!
//! **Invariants**: a line is unmasked only after its handler is installed, so
//! every interrupt that arrives has one. A handler, once installed, stays.

use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use kernel_core::addr::PhysAddr;
use kernel_core::topology::{IsaRoute, Polarity, Source, Topology, Trigger};
use spin::Once;

use crate::arch::ioapic::{IoApic, Signal};
use crate::arch::lapic::{self, LegacyInput};
use crate::arch::mmio::Registers;
use crate::arch::pic::{self, Pic};
use crate::arch::pit::PIT_IRQ;
use crate::arch::trap::{
    APIC_ERROR_VECTOR, CALL_VECTOR, IRQ_BASE, IRQ_COUNT, SPURIOUS_VECTOR, TIMER_VECTOR, WAKE_VECTOR,
};
use crate::arch::{percpu, processor};
use crate::ipi::call;
use crate::mm::kernel_map::map_registers;
use crate::sync::{IrqLock, rank};
use crate::trace::{self, Kind};

const MAX_IO_APICS: usize = kernel_core::topology::MAX_IO_APICS;
/// Where the PIC's sixteen inputs go; the I/O APIC uses the same vectors.
const PIC_BASE: u8 = IRQ_BASE as u8;
/// Bytes of registers (Intel SDM 3A table 10-1, 82093AA data sheet 3.0).
const LOCAL_APIC_SPAN: u32 = 0x400;
const IO_APIC_SPAN: u32 = 0x20;

/// Who brings device interrupts.
enum Controller {
    /// Nobody yet.
    Unset,
    /// The two 8259A.
    Pic(Pic),
    /// One I/O APIC or more, with the ISA lines' routes.
    IoApics([Option<IoApic>; MAX_IO_APICS], [IsaRoute; 16]),
}

static CONTROLLER: IrqLock<rank::InterruptController, Controller> = IrqLock::new(Controller::Unset);

/// Whether `CONTROLLER` is the PIC; what handlers ask instead of locking.
static LINES_BY_PIC: AtomicBool = AtomicBool::new(false);

/// One vector's handler and how often it came.
struct Slot {
    handler: Once<fn()>,
    count: AtomicU32,
}

static SLOTS: [Slot; (SPURIOUS_VECTOR - IRQ_BASE + 1) as usize] = [const {
    Slot {
        handler: Once::new(),
        count: AtomicU32::new(0),
    }
};
    (SPURIOUS_VECTOR - IRQ_BASE + 1) as usize];
static APIC_ERRORS: AtomicU32 = AtomicU32::new(0);

/// What the machine's interrupts go through, for the banner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The two 8259A alone.
    Pic,
    /// The 8259A, through the local APIC.
    PicAndLocalApic,
    /// I/O APICs and local APICs.
    Apic,
}

impl Mode {
    /// As the banner has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Mode::Pic => "pic",
            Mode::PicAndLocalApic => "pic+lapic",
            Mode::Apic => "ioapic",
        }
    }
}

/// Sets the controllers up for the boot processor; every line stays masked.
/// What the firmware describes and the machine lacks is done without.
pub(crate) fn init(topology: &Topology) -> Mode {
    let described = topology.source != Source::None && has_local_apic();
    let local_apic = described
        .then(|| registers(topology.local_apic, LOCAL_APIC_SPAN))
        .flatten();
    if !local_apic.is_some_and(lapic::probe) {
        use_pic();
        return Mode::Pic;
    }
    if topology.pic_mode {
        pic::leave_pic_mode();
    }
    percpu::current().set_apic_id(lapic::id());
    install(CALL_VECTOR, call::answer);
    install(APIC_ERROR_VECTOR, || {
        APIC_ERRORS.fetch_or(lapic::take_errors(), Ordering::Relaxed);
    });
    let mut io_apics = [const { None }; MAX_IO_APICS];
    for (slot, found) in io_apics.iter_mut().zip(topology.io_apics.iter()) {
        *slot = registers(found.address, IO_APIC_SPAN)
            .and_then(|registers| IoApic::probe(registers, found.gsi_base));
    }
    if io_apics.iter().all(Option::is_none) {
        lapic::enable(LegacyInput::Pic);
        use_pic();
        return Mode::PicAndLocalApic;
    }
    Pic::silence(PIC_BASE);
    lapic::enable(LegacyInput::Nmi(topology.nmi_input));
    *CONTROLLER.lock() = Controller::IoApics(io_apics, topology.isa_irqs);
    Mode::Apic
}

fn use_pic() {
    *CONTROLLER.lock() = Controller::Pic(Pic::init(PIC_BASE));
    LINES_BY_PIC.store(true, Ordering::Relaxed);
}

fn has_local_apic() -> bool {
    processor::has(processor::Feature::Apic) && lapic::is_globally_enabled()
}

fn registers(address: PhysAddr, span: u32) -> Option<Registers> {
    let base = map_registers(address, span)?;
    // SAFETY: just mapped, uncached, and never unmapped.
    Some(unsafe { Registers::new(base) })
}

/// Installs the handler of one vector; the first one stays.
pub(crate) fn install(vector: u32, handler: fn()) {
    if let Some(slot) = slot(vector) {
        slot.handler.call_once(|| handler);
    }
}

/// This ISA line arrives at no interrupt controller, so the firmware says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotWired {
    line: u8,
}

impl fmt::Display for NotWired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = purpose(IRQ_BASE + u32::from(self.line));
        write!(f, "{name}: no interrupt controller serves this line")
    }
}

/// Installs the handler of an ISA line and lets the line through, to the
/// processor that calls.
pub(crate) fn enable_isa(line: u8, handler: fn()) -> Result<(), NotWired> {
    install(IRQ_BASE + u32::from(line), handler);
    match &mut *CONTROLLER.lock() {
        Controller::Unset => panic!("line {line} enabled before there is a controller"),
        Controller::Pic(pic) => pic.unmask(line),
        Controller::IoApics(io_apics, routes) => {
            let route = routes[usize::from(line)];
            let signal = Signal {
                level: route.trigger == Trigger::Level,
                low: route.polarity == Polarity::ActiveLow,
            };
            let vector = IRQ_BASE + u32::from(line);
            let found = io_apics
                .iter_mut()
                .flatten()
                .find(|apic| apic.serves(route.gsi));
            let apic = found.ok_or(NotWired { line })?;
            apic.route(route.gsi, vector, lapic::id(), signal);
        }
    }
    Ok(())
}

/// Why a line is not a task's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    NotWired,
    /// The kernel handles it.
    InUse,
}

/// Lines whose handlers are there for tasks, a bit each.
static FOR_TASKS: AtomicU32 = AtomicU32::new(0);

/// As [`enable_isa`], for a line that tasks are told of: `handler` closes it.
pub(crate) fn open_for_tasks(line: u8, handler: fn()) -> Result<(), Closed> {
    let bit = 1 << line;
    let slot = slot(IRQ_BASE + u32::from(line)).ok_or(Closed::NotWired)?;
    let is_taken = slot.handler.is_completed() || line == pic::CASCADE;
    if is_taken && FOR_TASKS.load(Ordering::Relaxed) & bit == 0 {
        return Err(Closed::InUse);
    }
    FOR_TASKS.fetch_or(bit, Ordering::Relaxed);
    enable_isa(line, handler).map_err(|_| Closed::NotWired)
}

/// Lets no interrupt of a line through until it is reopened; from its handler.
/// One that only says once that something is up stays open where it would not be
/// remembered.
pub(crate) fn close(line: u8) {
    match &mut *CONTROLLER.lock() {
        Controller::Unset => {}
        Controller::Pic(pic) => pic.mask(line),
        Controller::IoApics(io_apics, routes) => {
            let route = routes[usize::from(line)];
            let mut apics = io_apics.iter_mut().flatten();
            if let Some(apic) = apics.find(|apic| apic.serves(route.gsi)) {
                if route.trigger == Trigger::Level {
                    apic.mask(route.gsi);
                }
            }
        }
    }
}

/// Lets the interrupts of a line through again.
pub(crate) fn reopen(line: u8) {
    let slot = slot(IRQ_BASE + u32::from(line));
    if let Some(handler) = slot.and_then(|slot| slot.handler.get()) {
        // It was wired when it was opened.
        let _ = enable_isa(line, *handler);
    }
}

/// Handles one interrupt; from the trap layer, with interrupts off.
pub(crate) fn dispatch(vector: u32) {
    let through_pic = !lapic::is_in_use() || is_pic_line(vector);
    if vector == SPURIOUS_VECTOR {
        return;
    }
    if through_pic && pic::is_spurious((vector - IRQ_BASE) as u8) {
        return;
    }
    if let Some(slot) = slot(vector) {
        slot.count.fetch_add(1, Ordering::Relaxed);
        if is_worth_a_note(vector) {
            trace::record(Kind::Interrupt, vector, 0);
        }
        if let Some(handler) = slot.handler.get() {
            handler();
        }
    }
    if through_pic {
        pic::end_of_interrupt((vector - IRQ_BASE) as u8);
    } else {
        lapic::end_of_interrupt();
    }
}

/// Ticks and messages would leave no room for anything else in the trace.
fn is_worth_a_note(vector: u32) -> bool {
    vector != IRQ_BASE + u32::from(PIT_IRQ) && vector < TIMER_VECTOR
}

/// Whether `vector` is a device line that the PIC brings.
fn is_pic_line(vector: u32) -> bool {
    vector < IRQ_BASE + u32::from(pic::INPUTS) && LINES_BY_PIC.load(Ordering::Relaxed)
}

fn slot(vector: u32) -> Option<&'static Slot> {
    SLOTS.get(vector.checked_sub(IRQ_BASE)? as usize)
}

/// Stops every device interrupt, whoever holds which lock. For a panic.
pub(crate) fn silence() {
    pic::mask_all();
}

/// How often each vector came, for those that ever did, with what it is for.
pub(crate) fn counts() -> impl Iterator<Item = (u32, &'static str, u32)> {
    (IRQ_BASE..=SPURIOUS_VECTOR).filter_map(|vector| {
        let count = slot(vector)?.count.load(Ordering::Relaxed);
        (count != 0).then_some((vector, purpose(vector), count))
    })
}

fn purpose(vector: u32) -> &'static str {
    const ISA: [&str; 16] = [
        "isa 0 timer",
        "isa 1 keyboard",
        "isa 2",
        "isa 3",
        "isa 4 serial",
        "isa 5",
        "isa 6",
        "isa 7",
        "isa 8 clock",
        "isa 9",
        "isa 10",
        "isa 11",
        "isa 12",
        "isa 13",
        "isa 14",
        "isa 15",
    ];
    match vector {
        TIMER_VECTOR => "local timer",
        CALL_VECTOR => "call",
        WAKE_VECTOR => "wake",
        APIC_ERROR_VECTOR => "apic error",
        _ => ISA
            .get((vector - IRQ_BASE) as usize)
            .copied()
            .unwrap_or("pci"),
    }
}

/// Bits of every error that a local APIC has reported (Intel SDM 3A 10.5.3).
pub(crate) fn apic_errors() -> u32 {
    APIC_ERRORS.load(Ordering::Relaxed)
}

const _: () = assert!(IRQ_COUNT >= 16 && IRQ_BASE + IRQ_COUNT <= TIMER_VECTOR);
