//! The thread that looks after memory objects.
//!
//! Ends those that nobody maps any more, and those whose pager is no more, so that
//! who waits for it learns of that; and makes memory free when it is short. Talks to pagers and waits for none.

use super::{MemoryObject, TABLE, default};
use crate::mm::OutOfMemory;
use crate::mm::shared::Shared;
use crate::sched::{self, Thread};
use crate::vm::managed;
use crate::vm::pageout::{self, Step};

/// Begins it.
pub(crate) fn start() -> Result<(), OutOfMemory> {
    let thread = Thread::for_kernel(run)?;
    sched::start(&thread);
    Ok(())
}

fn run() -> ! {
    loop {
        managed::NEWS
            .wait_until(|| managed::has_idle() || managed::may_be_gone() || pageout::is_wanted());
        while managed::end_idle() {
            sched::pause_if_turn_is_over();
        }
        if pageout::is_wanted() {
            make_memory_free();
        }
        if managed::have_ports_died() {
            end_orphans();
            // However often ports die, others have most of the time.
            sched::assert_wait();
            sched::block_for(1);
        }
    }
}

/// Sends pages away until there is enough, or for as long as that is of use; then
/// those who wait look for themselves.
fn make_memory_free() {
    /// Steps before others have a look.
    const STEPS: u32 = 64;
    for _ in 0..STEPS {
        if pageout::is_enough() {
            break;
        }
        match pageout::step(&default::make_manager) {
            Step::Went | Step::Looked => sched::pause_if_turn_is_over(),
            Step::Busy => break,
        }
    }
    pageout::is_done();
    // What pagers took is free when they say so, and not before.
    sched::assert_wait();
    sched::block_for(1);
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
