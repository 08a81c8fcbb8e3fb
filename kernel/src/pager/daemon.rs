//! The thread that looks after memory objects.
//!
//! Ends those that nobody maps any more, and those whose pager is no more, so that
//! who waits for it learns of that. Talks to pagers and waits for none.

use super::{MemoryObject, TABLE};
use crate::mm::OutOfMemory;
use crate::mm::shared::Shared;
use crate::sched::{self, Thread};
use crate::vm::managed;

/// Begins it.
pub(crate) fn start() -> Result<(), OutOfMemory> {
    let thread = Thread::for_kernel(run)?;
    sched::start(&thread);
    Ok(())
}

fn run() -> ! {
    loop {
        managed::NEWS.wait_until(|| managed::has_idle() || managed::may_be_gone());
        while managed::end_idle() {
            sched::pause_if_turn_is_over();
        }
        if managed::have_ports_died() {
            end_orphans();
            // However often ports die, others have most of the time.
            sched::assert_wait();
            sched::block_for(1);
        }
    }
}

/// Ends what dead ports stood for.
fn end_orphans() {
    let mut next = Some(0);
    while let Some((number, object)) = next.and_then(object_from) {
        if !object.port.has_receiver() {
            if let Some(id) = object.id() {
                managed::end(id);
            }
        }
        next = number.checked_add(1);
        sched::pause_if_turn_is_over();
    }
}

fn object_from(number: u32) -> Option<(u32, Shared<MemoryObject>)> {
    let table = TABLE.lock();
    let (number, object) = table.first_from(number)?;
    Some((number, object.clone()))
}
