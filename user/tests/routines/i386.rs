//! `mach_i386`: ports of the processor, and descriptor tables.

use user_rt::abi::layout::thread::SegmentDescriptor;
use user_rt::abi::wire::{Array, CopySend, Flexible};
use user_rt::message::Buffer;
use user_rt::rpc::mach_i386::*;

use crate::Ports;
use crate::row::{row, value};

pub(super) fn rows(ports: &Ports) {
    let routine = "i386_io_perm_create";
    let create =
        |master, from, to| i386_io_perm_create(master, from, to).map(|reply| reply.io_perm.port);
    let made = value(
        routine,
        "of one port",
        create(ports.devices, 0x80, 0x80),
        |port| *port != 0,
    );
    row(routine, "of a range", create(ports.devices, 0x3f8, 0x3ff));
    row(routine, "from above", create(ports.devices, 0x3ff, 0x3f8));
    row(routine, "of all", create(ports.devices, 0, 0xffff));
    row(routine, "by the host", create(ports.host, 0x80, 0x80));
    row(routine, "by the task", create(ports.task, 0x80, 0x80));
    let routine = "i386_io_perm_modify";
    let permission = CopySend::new(made.unwrap_or(0));
    row(
        routine,
        "on",
        i386_io_perm_modify(ports.task, permission, true),
    );
    row(
        routine,
        "off",
        i386_io_perm_modify(ports.task, permission, false),
    );
    row(
        routine,
        "of the host",
        i386_io_perm_modify(ports.host, permission, true),
    );
    tables(ports);
}

/// A segment of data for user mode, of all memory (Intel SDM 3A 3.4.5).
const DATA: SegmentDescriptor = SegmentDescriptor {
    low_word: 0x0000_ffff,
    high_word: 0x00cf_f200,
};

fn tables(ports: &Ports) {
    let thread = ports.thread;
    let routine = "i386_set_ldt";
    let list = [DATA];
    for (case, thread, first) in [
        ("the kernel's", thread, 0x17),
        ("a free one", thread, 0x27),
        ("a later one", thread, 0x47),
        ("far", thread, 0x0001_0007),
        ("of the host", ports.host, 0x27),
    ] {
        let list = Flexible::Inline(Array::new(&list));
        row(routine, case, i386_set_ldt(thread, first, list));
    }
    let routine = "i386_get_ldt";
    let mut room = Buffer::<4608>::new();
    for (case, thread) in [("one", thread), ("of the host", ports.host)] {
        let answer = i386_get_ldt(thread, 0x27, 1, &mut room.0);
        value(routine, case, answer, |reply| match &reply.desc_list {
            Flexible::Inline(list) => list.len(),
            Flexible::Elsewhere(list, _) => list.count as usize,
        });
    }
    let routine = "i386_set_gdt";
    for (case, thread, selector) in [
        ("a free one", thread, -1),
        ("the kernel's", thread, 0x08),
        ("far", thread, 0x1000),
        ("of the host", ports.host, -1),
    ] {
        let answer = i386_set_gdt(thread, selector, DATA);
        value(routine, case, answer, |reply| reply.selector);
    }
    let routine = "i386_get_gdt";
    for (case, thread, selector) in [
        ("the kernel's", thread, 0x08),
        ("the first of threads", thread, 0x4b),
        ("far", thread, 0x1000),
        ("of the host", ports.host, 0x4b),
    ] {
        row(routine, case, i386_get_gdt(thread, selector));
    }
    let routine = "i386_get_xstate_size";
    row(routine, "of the host", i386_get_xstate_size(ports.host));
    row(routine, "by the task", i386_get_xstate_size(ports.task));
}
