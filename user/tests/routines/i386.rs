//! `mach_i386`: ports of the processor, and descriptor tables.

use user_rt::abi::layout::thread::SegmentDescriptor;
use user_rt::abi::wire::{Array, CopySend, Flexible};
use user_rt::message::Buffer;
use user_rt::rpc::mach_i386::*;

use user_tests::arch::segments::word_in;

use crate::Ports;
use crate::row::{PAGE, pages, row, value};

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
    // A display for errors, if anything.
    user_tests::arch::ports::write(0x80, 0);
    row(
        routine,
        "on again",
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

/// A segment of data for user mode, of all memory.
const DATA: SegmentDescriptor = of_all_memory(0xf2);
/// The same of the kernel's.
const KERNEL_DATA: SegmentDescriptor = of_all_memory(0x92);
/// The same that is not there.
const ABSENT: SegmentDescriptor = of_all_memory(0x72);

/// Nothing.
const EMPTY: SegmentDescriptor = SegmentDescriptor {
    low_word: 0,
    high_word: 0,
};

/// All memory, with a byte that says what for and for whom (Intel SDM 3A 3.4.5).
const fn of_all_memory(access: u8) -> SegmentDescriptor {
    SegmentDescriptor {
        low_word: 0x0000_ffff,
        high_word: 0x00cf_0000 | (access as u32) << 8,
    }
}

/// A page of data from `base` on.
const fn data_at(base: u32) -> SegmentDescriptor {
    SegmentDescriptor {
        low_word: base << 16 | 0xfff,
        high_word: base & 0xff00_0000 | 0x0040_f200 | base >> 16 & 0xff,
    }
}

fn tables(ports: &Ports) {
    let thread = ports.thread;
    let at = pages(2);
    // SAFETY: new pages.
    unsafe { core::ptr::with_exposed_provenance_mut::<u32>((at + PAGE) as usize).write(77) };
    let routine = "i386_set_ldt";
    for (case, descriptor) in [
        ("the kernel's data", KERNEL_DATA),
        ("what is not there", ABSENT),
        ("nothing", EMPTY),
        ("a page", data_at(at + PAGE)),
    ] {
        let list = [descriptor];
        let list = Flexible::Inline(Array::new(&list));
        let answer = i386_set_ldt(thread, 0x27, list);
        value(routine, case, answer, |_| match case {
            "a page" => word_in(0x27),
            _ => 0,
        });
    }
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
    for (case, first, count) in [
        ("none", 0x27, 0),
        ("the usual", 0x17, 2),
        ("as many as there are", 0x27, 1000),
        ("far", 0x0001_0007, 1),
        ("too many", 0x27, 9000),
    ] {
        let answer = i386_get_ldt(thread, first, count, &mut room.0);
        value(routine, case, answer, |reply| match &reply.desc_list {
            Flexible::Inline(list) => list.len(),
            Flexible::Elsewhere(list, _) => list.count as usize,
        });
    }
    let routine = "i386_set_gdt";
    for (case, selector, descriptor) in [
        ("a page", 0x53, data_at(at + PAGE)),
        ("the kernel's data", 0x53, KERNEL_DATA),
        ("what is not there", 0x53, ABSENT),
        ("nothing", 0x53, EMPTY),
        ("of the kernel's privilege", 0x50, DATA),
    ] {
        let answer = i386_set_gdt(thread, selector, descriptor);
        value(routine, case, answer, |reply| match case {
            "a page" => word_in(0x53),
            _ => reply.selector as u32,
        });
    }
    for (case, thread, selector) in [
        ("a free one", thread, -1),
        ("the kernel's", thread, 0x08),
        ("far", thread, 0x1000),
        ("of the host", ports.host, -1),
    ] {
        let answer = i386_set_gdt(thread, selector, DATA);
        value(routine, case, answer, |reply| reply.selector);
    }
    row(routine, "the last", i386_set_gdt(thread, -1, DATA));
    row(routine, "one more", i386_set_gdt(thread, -1, DATA));
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
