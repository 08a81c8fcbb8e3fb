//! `mach`: virtual memory.

use core::ptr;

use user_rt::abi::layout::vm::*;
use user_rt::abi::wire::{CopySend, OutOfLine};
use user_rt::data::Data;
use user_rt::rpc::mach;

use crate::Ports;
use crate::row::{PAGE, holds, pages, row, value};

/// Far from everything that a program has.
pub(super) const FREE: u32 = 0x4000_0000;
/// Beyond the end of user space.
pub(super) const KERNEL: u32 = 0xc000_0000;

pub(super) fn rows(ports: &Ports) {
    allocation(ports);
    attributes(ports);
    transfer(ports);
    regions(ports);
    mapping(ports);
}

fn allocation(ports: &Ports) {
    let task = ports.task;
    let routine = "vm_allocate";
    for (case, address, size, anywhere) in [
        ("anywhere", 0, PAGE, true),
        ("at an address", FREE + 5, PAGE, false),
        ("where something is", FREE, PAGE, false),
        ("of nothing", FREE, 0, false),
        ("of nothing, anywhere", FREE, 0, true),
        ("beyond the end", KERNEL, PAGE, false),
        ("over the end", KERNEL - PAGE, 2 * PAGE, false),
        ("of too much", 0, 0xf000_0000, true),
        ("around the end", 0xffff_f000, 2 * PAGE, false),
    ] {
        let answer = mach::vm_allocate(task, address, size, anywhere);
        value(routine, case, answer, |reply| match anywhere {
            true => reply.address % PAGE,
            false => reply.address,
        });
    }
    row(
        routine,
        "of the host",
        mach::vm_allocate(ports.host, 0, PAGE, true),
    );
    let routine = "vm_deallocate";
    for (case, address, size) in [
        ("a page", FREE, PAGE),
        ("again", FREE, PAGE),
        ("of nothing", FREE, 0),
        ("beyond the end", KERNEL, PAGE),
        ("around the end", 0xffff_f000, 2 * PAGE),
    ] {
        row(routine, case, mach::vm_deallocate(task, address, size));
    }
    row(
        routine,
        "of the host",
        mach::vm_deallocate(ports.host, FREE, PAGE),
    );
}

fn attributes(ports: &Ports) {
    let task = ports.task;
    let at = pages(3);
    let routine = "vm_protect";
    for (case, address, size, maximum, protection) in [
        ("read", at, PAGE, false, VM_PROT_READ),
        ("none", at, PAGE, false, VM_PROT_NONE),
        ("default", at, PAGE, false, VM_PROT_DEFAULT),
        ("all", at, PAGE, false, VM_PROT_ALL),
        ("maximum read", at, PAGE, true, VM_PROT_READ),
        ("default over maximum", at, PAGE, false, VM_PROT_DEFAULT),
        ("of nothing", at, 0, false, VM_PROT_READ),
        ("bits that are none", at, PAGE, false, 0x100),
        ("where nothing is", FREE, PAGE, false, VM_PROT_READ),
        ("beyond the end", KERNEL, PAGE, false, VM_PROT_READ),
        ("around the end", 0xffff_f000, 2 * PAGE, false, VM_PROT_READ),
    ] {
        row(
            routine,
            case,
            mach::vm_protect(task, address, size, maximum, protection),
        );
    }
    row(
        routine,
        "of the host",
        mach::vm_protect(ports.host, at, PAGE, false, 1),
    );
    let routine = "vm_inherit";
    for (case, address, inheritance) in [
        ("share", at, VM_INHERIT_SHARE),
        ("copy", at, VM_INHERIT_COPY),
        ("none", at, VM_INHERIT_NONE),
        ("3", at, 3),
        ("4", at, 4),
        ("-1", at, -1),
        ("where nothing is", FREE, VM_INHERIT_NONE),
        ("beyond the end", KERNEL, VM_INHERIT_NONE),
    ] {
        row(
            routine,
            case,
            mach::vm_inherit(task, address, PAGE, inheritance),
        );
    }
    row(
        routine,
        "of the host",
        mach::vm_inherit(ports.host, at, PAGE, 1),
    );
    let routine = "vm_machine_attribute";
    for (case, address, attribute, what) in [
        ("get cache", at, MATTR_CACHE, MATTR_VAL_GET),
        ("cache off", at, MATTR_CACHE, MATTR_VAL_OFF),
        ("flush", at, MATTR_CACHE, MATTR_VAL_CACHE_FLUSH),
        ("attribute 99", at, 99, MATTR_VAL_GET),
        ("beyond the end", KERNEL, MATTR_CACHE, MATTR_VAL_GET),
    ] {
        row(
            routine,
            case,
            mach::vm_machine_attribute(task, address, PAGE, attribute, what),
        );
    }
    let foreign = mach::vm_machine_attribute(ports.host, at, PAGE, MATTR_CACHE, MATTR_VAL_GET);
    row(routine, "of the host", foreign);
}

/// The word at an address of this program's.
fn peek(address: u32) -> u32 {
    let word = ptr::with_exposed_provenance::<u32>(address as usize);
    // SAFETY: the callers allocated it.
    unsafe { word.read_volatile() }
}

pub(super) fn poke(address: u32, value: u32) {
    let word = ptr::with_exposed_provenance_mut::<u32>(address as usize);
    // SAFETY: the callers allocated it.
    unsafe { word.write_volatile(value) };
}

fn transfer(ports: &Ports) {
    let task = ports.task;
    let (from, to) = (pages(2), pages(2));
    poke(from, 7);
    poke(from + PAGE, 8);
    let routine = "vm_read";
    for (case, address, size) in [
        ("two pages", from, 2 * PAGE),
        ("some bytes", from, 10),
        ("nothing", from, 0),
        ("where nothing is", FREE, PAGE),
        ("beyond the end", KERNEL, PAGE),
        ("around the end", 0xffff_f000, 2 * PAGE),
    ] {
        // SAFETY: it came in a reply, and is claimed once.
        let answer =
            mach::vm_read(task, address, size).map(|reply| unsafe { Data::claim(reply.data) });
        value(routine, case, answer, |data| {
            (data.len(), data.iter().next())
        });
    }
    row(
        routine,
        "of the host",
        mach::vm_read(ports.host, from, PAGE).map(drop),
    );
    let routine = "vm_write";
    for (case, address, data, size) in [
        ("a page", to, from, PAGE),
        ("nothing", to, from, 0),
        ("half a page", to, from, PAGE / 2),
        ("where nothing is", FREE, from, PAGE),
        ("from where nothing is", to, FREE, PAGE),
        ("beyond the end", KERNEL, from, PAGE),
    ] {
        row(
            routine,
            case,
            mach::vm_write(task, address, OutOfLine::new(data, size)),
        );
    }
    holds(routine, "is seen", peek(to) == 7);
    row(
        routine,
        "of the host",
        mach::vm_write(ports.host, to, OutOfLine::new(from, PAGE)),
    );
    let routine = "vm_copy";
    for (case, source, size, target) in [
        ("a page", from + PAGE, PAGE, to),
        ("some bytes", from, 10, to + PAGE),
        ("nothing", from, 0, to),
        ("from where nothing is", FREE, PAGE, to),
        ("to where nothing is", from, PAGE, FREE),
        ("beyond the end", KERNEL, PAGE, to),
    ] {
        row(routine, case, mach::vm_copy(task, source, size, target));
    }
    holds(routine, "is seen", peek(to) == 8);
    row(
        routine,
        "of the host",
        mach::vm_copy(ports.host, from, PAGE, to),
    );
}

fn regions(ports: &Ports) {
    let task = ports.task;
    let routine = "vm_region";
    let at = mach::vm_allocate(task, FREE, 2 * PAGE, false);
    row("vm_allocate", "for a region", at);
    row(
        "vm_inherit",
        "of the region",
        mach::vm_inherit(task, FREE, PAGE, VM_INHERIT_NONE),
    );
    for (case, address) in [
        ("of a page", FREE),
        ("below it", FREE - 1),
        ("beyond the end", KERNEL),
    ] {
        value(routine, case, mach::vm_region(task, address), |reply| {
            let attributes = (reply.protection, reply.max_protection, reply.inheritance);
            (
                reply.address,
                reply.size,
                attributes,
                reply.is_shared,
                reply.offset,
            )
        });
    }
    row(routine, "of the host", mach::vm_region(ports.host, FREE));
}

fn mapping(ports: &Ports) {
    let task = ports.task;
    let routine = "vm_map";
    let none = CopySend::new(0);
    let all = (VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_COPY);
    let map = |address, size, mask, anywhere, object, (now, most, inherit)| {
        mach::vm_map(
            task, address, size, mask, anywhere, object, 0, false, now, most, inherit,
        )
    };
    let at = FREE + 0x0010_0000;
    for (case, address, size, mask, anywhere) in [
        ("nothing's memory, at", at, PAGE, 0, false),
        ("where something is", at, PAGE, 0, false),
        ("anywhere, aligned", 0, PAGE, 0xf_ffff, true),
        ("no bytes", 0, 0, 0, true),
        ("beyond the end", KERNEL, PAGE, 0, false),
        ("too much", 0, 0xf000_0000, 0, true),
    ] {
        let answer = map(address, size, mask, anywhere, none, all);
        value(routine, case, answer, |reply| match anywhere {
            true => reply.address & mask,
            false => reply.address,
        });
    }
    for (case, attributes) in [
        (
            "more than the maximum",
            (VM_PROT_ALL, VM_PROT_READ, VM_INHERIT_COPY),
        ),
        ("bits that are none", (0x100, 0x100, VM_INHERIT_COPY)),
        ("inheritance 9", (VM_PROT_READ, VM_PROT_ALL, 9)),
    ] {
        row(routine, case, map(0, PAGE, 0, true, none, attributes));
    }
    row(
        routine,
        "of the task",
        map(0, PAGE, 0, true, CopySend::new(task.0), all),
    );
    let foreign = mach::vm_map(ports.host, 0, PAGE, 0, true, none, 0, false, 3, 7, 1);
    row(routine, "for the host", foreign);
}
