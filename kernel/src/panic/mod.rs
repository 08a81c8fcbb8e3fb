//! The kernel's last words: who, why, registers, how it got there.
//!
//! Owns the panic handler and what exceptions and double faults lead to. Works
//! at any stage of boot and whatever locks are held: it stops all other
//! processors, which opens the locks, uses the serial port by itself, and gives
//! up in fewer and fewer words if it fails itself.
//!
//! **Invariants**: the first processor to panic owns the report; all others
//! stop. A panic inside a panic ends the machine at once.

pub(crate) mod backtrace;

use core::fmt::{self, Write};
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use crate::arch::exit::{self, Verdict};
use crate::arch::registers::Registers;
use crate::arch::trap::{Frame, exception};
use crate::arch::{interrupts, lapic, percpu, processor, uart};
use crate::{console, irq, trace};

/// What the machine does after a panic; `panic=` on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Aftermath {
    /// Leave QEMU with the failure status; elsewhere, stop.
    Exit,
    /// Stop.
    Halt,
    /// Go to the monitor.
    Monitor,
}

static AFTERMATH: AtomicU8 = AtomicU8::new(Aftermath::Exit as u8);
/// The processor that panics, plus one.
static OWNER: AtomicU32 = AtomicU32::new(NOBODY);
const NOBODY: u32 = 0;
/// Processors that the owner's message has stopped.
static STOPPED: AtomicU32 = AtomicU32::new(0);
/// How often the report itself failed.
static FAILURES: AtomicU32 = AtomicU32::new(0);
/// Where a panic goes if it ends in the monitor; an upward call, installed at
/// start.
static MONITOR: spin::Once<fn() -> !> = spin::Once::new();

/// Sets what happens after a panic.
pub(crate) fn set_aftermath(aftermath: Aftermath, monitor: fn() -> !) {
    MONITOR.call_once(|| monitor);
    AFTERMATH.store(aftermath as u8, Ordering::Relaxed);
}

#[panic_handler]
fn on_panic(info: &PanicInfo<'_>) -> ! {
    let registers = Registers::here();
    match info.location() {
        Some(place) => report(
            format_args!("{}\n  at {}:{}", info.message(), place.file(), place.line()),
            &registers,
        ),
        None => report(format_args!("{}", info.message()), &registers),
    }
}

/// A trap that the kernel cannot go on from.
pub(crate) fn on_exception(frame: &Frame) -> ! {
    let registers = Registers::of_trap(frame);
    let name = exception::name(frame.vector);
    match frame.vector {
        exception::PAGE_FAULT => report(
            format_args!(
                "{name} at {}: {}",
                processor::fault_address(),
                PageFault(frame.error)
            ),
            &registers,
        ),
        _ => report(
            format_args!("{name}, error code {:#x}", frame.error),
            &registers,
        ),
    }
}

/// A double fault: the state is in the TSS that the processor left.
pub(crate) fn on_double_fault() -> ! {
    let registers = Registers::of_task(&percpu::current().before_double_fault());
    report(
        format_args!("double fault{}", StackHint(registers.esp)),
        &registers,
    )
}

/// A non-maskable interrupt: another processor's panic, or the hardware.
pub(crate) fn on_nmi(frame: &Frame) {
    match OWNER.load(Ordering::Acquire) {
        NOBODY => on_exception(frame),
        // The hardware's, in the middle of the report: the report matters more.
        owner if owner == own_mark() => {}
        _ => {
            STOPPED.fetch_add(1, Ordering::Release);
            interrupts::halt_forever()
        }
    }
}

/// What [`OWNER`] holds if the processor that calls panics.
fn own_mark() -> u32 {
    percpu::id_or_boot() + 1
}

fn report(reason: fmt::Arguments<'_>, registers: &Registers) -> ! {
    let _ = interrupts::disable();
    let own = own_mark();
    match OWNER.compare_exchange(NOBODY, own, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => {}
        Err(owner) if owner == own => give_up(reason),
        Err(_) => interrupts::halt_forever(),
    }
    irq::silence();
    stop_others();
    let mut out = Report(uart::emergency());
    // The report is best effort: there is nobody left to tell of an error.
    let _ = write_report(&mut out, reason, registers);
    finish(&mut out)
}

/// Stops all other processors, and opens the locks that they, or what this
/// one was doing, held.
fn stop_others() {
    /// A processor that is there answers within microseconds.
    const PATIENCE: u32 = 1_000_000;
    let others = percpu::online().saturating_sub(1);
    lapic::send_nmi_to_others();
    for _ in 0..PATIENCE {
        if STOPPED.load(Ordering::Acquire) as usize >= others {
            break;
        }
        processor::relax();
    }
    // SAFETY: they have stopped, or stop at the next instruction that they
    // run, for the message is not maskable. A panic never returns.
    unsafe { percpu::go_on_alone() };
}

fn write_report(
    out: &mut Report,
    reason: fmt::Arguments<'_>,
    registers: &Registers,
) -> fmt::Result {
    writeln!(out, "\nexov6: panic: {reason}")?;
    writeln!(
        out,
        "on cpu{} of {}",
        percpu::id_or_boot(),
        percpu::online()
    )?;
    writeln!(out, "{registers}")?;
    writeln!(out, "backtrace:")?;
    backtrace::write(out, registers.eip, registers.ebp)?;
    trace::write_last(out, 16)
}

fn finish(out: &mut Report) -> ! {
    let aftermath = AFTERMATH.load(Ordering::Relaxed);
    if aftermath == Aftermath::Monitor as u8 {
        if let Some(monitor) = MONITOR.get() {
            let _ = writeln!(out, "exov6: panic: the monitor goes on; `poweroff` leaves");
            monitor();
        }
    }
    let _ = writeln!(out, "exov6: done panic");
    if aftermath == Aftermath::Halt as u8 {
        interrupts::halt_forever();
    }
    exit::leave(Verdict::Failure, None)
}

/// A panic while panicking: says so in the fewest steps and ends. If that
/// fails too, says less, then nothing.
fn give_up(reason: fmt::Arguments<'_>) -> ! {
    match FAILURES.fetch_add(1, Ordering::Relaxed) {
        0 => {
            let mut out = Report(uart::emergency());
            let _ = writeln!(out, "\nexov6: panic: {reason}\n  while reporting a panic");
            let _ = writeln!(out, "exov6: done panic");
        }
        1 => {
            if let Some(mut uart) = uart::emergency() {
                let _ = uart.write_str("\nexov6: done panic\n");
            }
        }
        _ => {}
    }
    exit::leave(Verdict::Failure, None)
}

/// Where a report goes: the serial port and the screen, as far as they exist.
struct Report(Option<uart::Uart>);

impl Write for Report {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if let Some(uart) = &mut self.0 {
            uart.write_str(text)?;
        }
        console::show(text);
        Ok(())
    }
}

/// A page fault's error code in words (Intel SDM 3A 4.7).
struct PageFault(u32);

impl fmt::Display for PageFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let access = if self.0 & 1 << 1 != 0 {
            "write to"
        } else {
            "read of"
        };
        let page = if self.0 & 1 != 0 {
            "a protected page"
        } else {
            "an unmapped page"
        };
        let mode = if self.0 & 1 << 2 != 0 {
            "user"
        } else {
            "kernel"
        };
        write!(f, "{mode} {access} {page}")
    }
}

/// Says that the stack overflowed, if the stack pointer is at an unmapped page.
struct StackHint(u32);

impl fmt::Display for StackHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use kernel_core::addr::VirtAddr;
        // The push that faulted was to go below the pointer.
        let below = VirtAddr::new(self.0.wrapping_sub(size_of::<u32>() as u32));
        match crate::mm::kernel_map::translate(below) {
            Some(_) => Ok(()),
            None => write!(
                f,
                ": the stack ran into its guard page at {}",
                below.round_down()
            ),
        }
    }
}
