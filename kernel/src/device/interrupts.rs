//! Interrupts of devices, for drivers that are tasks.
//!
//! Owns who is told of which line. A line stays closed from its interrupt until
//! everyone who was told has acknowledged it. The handler only closes the line
//! and wakes a thread of the kernel, which sends the notifications.
//!
//! **Invariants**: stand beside the fields.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use abi::layout::host::DEVICE_INTR_NOTIFY;

use crate::ipc::HeldRight;
use crate::irq;
use crate::mm::shared::Shared;
use crate::sched::{self, Thread, event};
use crate::sync::{TaskLock, rank};

/// ISA lines.
const LINES: usize = 16;
/// Drivers that may share a line.
const SHARERS: usize = 4;

/// Whom to tell of a line.
struct Sharer {
    port: Shared<HeldRight>,
    /// It was told, and has not acknowledged.
    is_told: bool,
    /// It is to be told again when it has.
    is_due: bool,
}

/// The sharers of each line. A line with one that `is_told` is closed.
type Table = [[Option<Sharer>; SHARERS]; LINES];

static TABLE: TaskLock<rank::Interrupts, Table> =
    TaskLock::new([const { [const { None }; SHARERS] }; LINES]);
/// A bit for each line that has interrupted and nobody was told of.
static CAME: AtomicU32 = AtomicU32::new(0);
/// Signalled with `CAME`.
static ARRIVAL: event::Event = event::Event::new();
/// Whether there is a thread that tells.
static HAS_THREAD: AtomicBool = AtomicBool::new(false);

/// Why nobody will be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// There is no such line, or nothing serves it.
    NoLine,
    /// The kernel has it for itself.
    InUse,
    /// The port is told already, or too many are, or there is no memory.
    Full,
    /// The port is none that is told of an interrupt.
    NotRegistered,
    /// There is nothing to acknowledge.
    NotTold,
}

/// From now on interrupts of `line` are told to `port` (`device_intr_register`).
pub(crate) fn register(line: u32, port: HeldRight) -> Result<(), Refused> {
    let handler = HANDLERS.get(line as usize).ok_or(Refused::NoLine)?;
    let port = Shared::try_new(port).map_err(|_| Refused::Full)?;
    start_thread()?;
    let mut table = TABLE.lock();
    let sharers = &mut table[line as usize];
    if sharers
        .iter()
        .flatten()
        .any(|sharer| sharer.port.leads_where(&port))
    {
        return Err(Refused::Full);
    }
    let is_first = sharers.iter().all(Option::is_none);
    let place = sharers.iter_mut().find(|place| place.is_none());
    *place.ok_or(Refused::Full)? = Some(Sharer {
        port,
        is_told: false,
        is_due: false,
    });
    drop(table);
    if is_first {
        let opened = irq::open_for_tasks(line as u8, *handler);
        if let Err(error) = opened {
            let gone = core::mem::take(&mut TABLE.lock()[line as usize]);
            drop(gone);
            return Err(match error {
                irq::Closed::NotWired => Refused::NoLine,
                irq::Closed::InUse => Refused::InUse,
            });
        }
    }
    Ok(())
}

/// `port` has seen to its interrupt (`device_intr_ack`).
pub(crate) fn acknowledge(port: &HeldRight) -> Result<(), Refused> {
    let mut table = TABLE.lock();
    let mut result = Err(Refused::NotRegistered);
    for (line, sharers) in table.iter_mut().enumerate() {
        let own = sharers.iter_mut().flatten();
        let Some(own) = own.into_iter().find(|sharer| sharer.port.leads_where(port)) else {
            continue;
        };
        if !core::mem::take(&mut own.is_told) {
            result = result.or(Err(Refused::NotTold));
            continue;
        }
        if core::mem::take(&mut own.is_due) {
            CAME.fetch_or(1 << line, Ordering::Release);
            ARRIVAL.signal();
        }
        if !sharers.iter().flatten().any(|sharer| sharer.is_told) {
            irq::reopen(line as u8);
        }
        result = Ok(());
    }
    result
}

fn start_thread() -> Result<(), Refused> {
    if HAS_THREAD.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    match Thread::for_kernel(tell) {
        Ok(thread) => {
            sched::start(&thread);
            Ok(())
        }
        Err(_) => {
            HAS_THREAD.store(false, Ordering::Relaxed);
            Err(Refused::Full)
        }
    }
}

/// The thread that tells of interrupts.
fn tell() -> ! {
    loop {
        let mut lines = 0;
        ARRIVAL.wait_until(|| {
            lines = CAME.swap(0, Ordering::Acquire);
            lines != 0
        });
        for line in (0..LINES).filter(|line| lines & 1 << line != 0) {
            tell_of(line);
        }
    }
}

fn tell_of(line: usize) {
    for place in 0..SHARERS {
        let port = {
            let mut table = TABLE.lock();
            let Some(sharer) = &mut table[line][place] else {
                continue;
            };
            if sharer.is_told {
                sharer.is_due = true;
                continue;
            }
            sharer.is_told = true;
            sharer.port.clone()
        };
        if port.send_word(DEVICE_INTR_NOTIFY, line as u32).is_err() {
            // The driver is gone; others may go on.
            let gone = TABLE.lock()[line][place].take();
            drop(gone);
        }
    }
    let table = TABLE.lock();
    let mut sharers = table[line].iter().flatten().peekable();
    let is_shared = sharers.peek().is_some();
    if is_shared && !sharers.any(|sharer| sharer.is_told) {
        irq::reopen(line as u8);
    }
}

/// The handlers, one for each line.
const HANDLERS: [fn(); LINES] = [
    on_line::<0>,
    on_line::<1>,
    on_line::<2>,
    on_line::<3>,
    on_line::<4>,
    on_line::<5>,
    on_line::<6>,
    on_line::<7>,
    on_line::<8>,
    on_line::<9>,
    on_line::<10>,
    on_line::<11>,
    on_line::<12>,
    on_line::<13>,
    on_line::<14>,
    on_line::<15>,
];

fn on_line<const LINE: u8>() {
    irq::close(LINE);
    CAME.fetch_or(1 << LINE, Ordering::Release);
    ARRIVAL.signal();
}
