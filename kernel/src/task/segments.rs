//! Threads that get segments of their own.
//!
//! Owns how a thread's tables are exchanged, whether it runs or not, and what
//! becomes of registers that name what is gone. Called by the routines, which
//! decide what may be in a table.

use kernel_core::arena::NoMemory;
use kernel_core::descriptor::Use;

use crate::arch::own_segments::{self, OwnSegments};
use crate::arch::segments::{USER_CODE, USER_DATA};
use crate::mm::shared::Shared;
use crate::sched::{self, Registers, Thread, stop};

/// Why a thread has the segments that it had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unchanged {
    /// It ended, or is none of a user.
    Gone,
    NoMemory,
}

/// The segments of its own that a thread has.
pub(crate) fn own(thread: &Shared<Thread>) -> Option<Option<Shared<OwnSegments>>> {
    with_registers(thread, |registers| registers.kept.segments.clone())
}

/// Gives a thread other segments, which `make` makes of those that it has.
pub(crate) fn change(
    thread: &Shared<Thread>,
    make: &dyn Fn(Option<&OwnSegments>) -> Result<OwnSegments, NoMemory>,
) -> Result<(), Unchanged> {
    loop {
        let before = own(thread).ok_or(Unchanged::Gone)?;
        let new = make(before.as_deref()).map_err(|NoMemory| Unchanged::NoMemory)?;
        let new = Shared::try_new(new).map_err(|_| Unchanged::NoMemory)?;
        // What it had is dropped after that, with no lock held.
        let old = with_registers(thread, |registers| {
            let kept = &mut registers.kept.segments;
            let is_same = match (&*kept, &before) {
                (Some(kept), Some(before)) => kept.is_same(before),
                (kept, before) => kept.is_none() && before.is_none(),
            };
            if !is_same {
                return Err(());
            }
            let old = kept.replace(new.clone());
            leave_what_is_gone(registers, &new);
            Ok(old)
        });
        if old.ok_or(Unchanged::Gone)?.is_ok() {
            return Ok(());
        }
    }
}

/// A register that names a segment which is no more names the usual one, or none:
/// on its way to user mode the kernel loads all of them.
fn leave_what_is_gone(registers: &mut Registers<'_>, own: &OwnSegments) {
    let frame = &mut *registers.frame;
    let trap = &mut frame.trap;
    for selector in [&mut trap.gs, &mut trap.fs, &mut trap.es, &mut trap.ds] {
        if !own_segments::allows(Some(own), *selector & 0xffff, Use::Data) {
            *selector = 0;
        }
    }
    if !own_segments::allows(Some(own), trap.cs & 0xffff, Use::Code) {
        trap.cs = USER_CODE.bits().into();
    }
    if !own_segments::allows(Some(own), frame.ss & 0xffff, Use::Stack) {
        frame.ss = USER_DATA.bits().into();
    }
}

/// Gives `use_it` the registers of any user thread, the caller's too, of which it
/// may change segments only.
fn with_registers<R>(
    thread: &Shared<Thread>,
    mut use_it: impl FnMut(&mut Registers<'_>) -> R,
) -> Option<R> {
    let mut result = None;
    // There once for all uses.
    let use_it: &mut dyn FnMut(&mut Registers<'_>) = &mut |registers| {
        result = Some(use_it(registers));
    };
    match sched::with_current(|own| own.is_same(thread)) {
        Some(true) => sched::with_own_registers(use_it),
        _ => stop::with_registers(thread, use_it),
    };
    result
}
