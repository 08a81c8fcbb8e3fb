//! I/O ports that tasks are permitted, and segments that threads have of their own.

use kernel_core::descriptor::Descriptor;
use kernel_core::port_map::Permission;

use super::threads::{mapped, until_ended};
use super::user::{CODE, prepare, resume};
use crate::arch::own_segments::{FIRST_PLACE, OwnSegments};
use crate::ktest::case;
use crate::mm::shared::Shared;
use crate::sched::{self, Thread, stop};
use crate::task::Task;
use crate::task::io_ports::PortRange;
use crate::task::segments::change;

/// Writes to port 0x80 and counts in EBX, for ever.
const WRITES: &[u8] = &[0x31, 0xdb, 0xb0, 1, 0xe6, 0x80, 0x43, 0xeb, 0xf9];
/// The same, to the last port of all.
const WRITES_LAST: &[u8] = &[
    0x31, 0xdb, 0xba, 0xff, 0xff, 0, 0, 0xb0, 1, 0xee, 0x43, 0xeb, 0xfa,
];
/// Loads GS with 0x4b; reads the word there into EAX and counts in EBX, for ever.
const READS_GS: &[u8] = &[
    0x66, 0xb8, 0x4b, 0, 0x8e, 0xe8, 0x31, 0xdb, 0x65, 0xa1, 0, 0, 0, 0, 0x43, 0xeb, 0xf7,
];
/// Its first word.
const FIRST_WORD: u32 = 0x004b_b866;
/// Loads FS with 0x27, of the LDT; reads and counts as above.
const READS_FS: &[u8] = &[
    0x66, 0xb8, 0x27, 0, 0x8e, 0xe0, 0x31, 0xdb, 0x64, 0xa1, 0, 0, 0, 0, 0x43, 0xeb, 0xf7,
];

/// Lets the task use some ports, or no more, as whoever has a right to them would.
fn permit(task: &Task, first: u16, last: u16, permission: Permission) {
    let right = PortRange::port_of(first, last).expect("there is memory");
    let range = right
        .object()
        .and_then(|range| range.downcast::<PortRange>());
    let range = range.expect("it stands for a range");
    assert_eq!(range.permit(task, permission), Ok(()));
}

/// EAX and EBX of a thread, unless it ended.
fn registers(thread: &Shared<Thread>) -> Option<(u32, u32)> {
    stop::with_registers(thread, |registers| {
        (registers.frame.trap.eax, registers.frame.trap.ebx)
    })
}

fn pause() {
    sched::assert_wait();
    sched::block_for(1);
}

/// Returns when the thread has counted on for a while; what EAX is then.
fn until_counted(thread: &Shared<Thread>) -> u32 {
    const PATIENCE: u32 = 1000;
    let (_, before) = registers(thread).expect("it goes on");
    for _ in 0..PATIENCE {
        pause();
        let (eax, now) = registers(thread).expect("it goes on");
        if now.wrapping_sub(before) > 20 {
            return eax;
        }
    }
    panic!("it does not count");
}

/// A segment of all data from `base` on, of a page.
fn data_at(base: u32) -> Descriptor {
    let (low, middle, high) = (base & 0xffff, base >> 16 & 0xff, base & 0xff00_0000);
    Descriptor::from_words(low << 16 | 0xfff, high | 0x0040_f200 | middle)
}

fn in_gdt(thread: &Shared<Thread>, descriptor: Descriptor) {
    assert_eq!(FIRST_PLACE << 3 | 3, 0x4b);
    let changed = change(thread, &|before| {
        OwnSegments::with_place(before, 0, descriptor)
    });
    assert_eq!(changed, Ok(()));
}

fn in_ldt(thread: &Shared<Thread>, index: usize, descriptor: Descriptor) {
    let list = [descriptor];
    let changed = change(thread, &|before| {
        OwnSegments::with_ldt(before, index, list.iter().copied())
    });
    assert_eq!(changed, Ok(()));
}

case! {
    fn ports_need_a_permission() {
        // The first makes the thread that ends what nobody sends to.
        drop(PortRange::port_of(0, 0));
        let before = mapped();
        for (code, port, other) in [(WRITES, 0x80, 0x81), (WRITES_LAST, 0xffff, 0)] {
            for allowed in [None, Some(other)] {
                let (task, thread) = prepare(code);
                if let Some(other) = allowed {
                    permit(&task, other, other, Permission::Allowed);
                }
                resume(&thread);
                drop((task, thread));
                until_ended(before);
            }
            let (task, thread) = prepare(code);
            permit(&task, port, port, Permission::Allowed);
            resume(&thread);
            until_counted(&thread);
            task.terminate();
            drop((task, thread));
            until_ended(before);
        }
    }

    fn ports_are_given_and_taken_while_threads_run() {
        drop(PortRange::port_of(0, 0));
        let before = mapped();
        let all: [_; 4] = core::array::from_fn(|_| prepare(WRITES));
        for (task, thread) in &all {
            permit(task, 0, u16::MAX, Permission::Allowed);
            resume(thread);
        }
        for (_, thread) in &all {
            until_counted(thread);
        }
        // Of the others only.
        for (task, _) in &all {
            permit(task, 0x81, u16::MAX, Permission::Denied);
            permit(task, 0, 0x7f, Permission::Denied);
        }
        for (_, thread) in &all {
            until_counted(thread);
        }
        for (task, _) in &all {
            permit(task, 0x80, 0x80, Permission::Denied);
        }
        drop(all);
        until_ended(before);
    }

    fn ports_of_the_dead_are_nobodys() {
        drop(PortRange::port_of(0, 0));
        let before = mapped();
        for _ in 0..8 {
            let (task, thread) = prepare(WRITES);
            permit(&task, 0x80, 0x80, Permission::Allowed);
            resume(&thread);
            until_counted(&thread);
            task.terminate();
            drop((task, thread));
            let (task, thread) = prepare(WRITES);
            resume(&thread);
            drop((task, thread));
            until_ended(before);
        }
    }

    fn segments_are_the_threads_own() {
        let before = mapped();
        let with = [prepare(READS_GS), prepare(READS_FS), prepare(READS_GS)];
        for (number, (_, thread)) in with.iter().enumerate() {
            match number {
                1 => in_ldt(thread, 4, data_at(CODE.as_u32())),
                _ => in_gdt(thread, data_at(CODE.as_u32())),
            }
            resume(thread);
        }
        for (_, thread) in &with {
            until_counted(thread);
        }
        assert_eq!(until_counted(&with[0].1), FIRST_WORD);
        // Between them others run, to whom these segments are nothing.
        for code in [READS_GS, READS_FS] {
            let running = mapped();
            for _ in 0..8 {
                let (task, thread) = prepare(code);
                resume(&thread);
                drop((task, thread));
                until_ended(running);
            }
        }
        for (_, thread) in &with {
            until_counted(thread);
        }
        for (task, _) in &with {
            task.terminate();
        }
        drop(with);
        until_ended(before);
    }

    /// A segment that a register holds is taken away: the kernel does not mind, and
    /// the thread ends for its next use.
    fn segments_may_go_while_they_are_used() {
        let before = mapped();
        for _ in 0..8 {
            let (first, second) = (prepare(READS_GS), prepare(READS_FS));
            in_gdt(&first.1, data_at(CODE.as_u32()));
            in_ldt(&second.1, 4, data_at(CODE.as_u32()));
            resume(&first.1);
            resume(&second.1);
            until_counted(&first.1);
            until_counted(&second.1);
            in_gdt(&first.1, Descriptor::EMPTY);
            in_ldt(&second.1, 4, Descriptor::EMPTY);
            drop((first, second));
            until_ended(before);
        }
    }

    fn tables_have_an_end() {
        let (task, thread) = prepare(READS_GS);
        let last = OwnSegments::with_ldt(None, 8190, [Descriptor::EMPTY].into_iter());
        assert!(last.is_ok_and(|own| own.ldt().is_some_and(|ldt| ldt.len() == 8191)));
        for first in [0, 3, 8191, usize::MAX] {
            assert!(OwnSegments::with_ldt(None, first, [Descriptor::EMPTY].into_iter()).is_err());
        }
        task.terminate();
        drop((task, thread));
    }
}
