//! `gnumach` and `mach_host`: wired memory, memory in a row, and its counts.

use user_rt::abi::layout::vm::*;
use user_rt::abi::port::PortName;
use user_rt::abi::wire::{CopySend, Flexible};
use user_rt::message::Buffer;
use user_rt::rpc::{gnumach, mach, mach_host};

use crate::Ports;
use crate::memory::{FREE, KERNEL, poke};
use crate::row::{PAGE, pages, port, row, value};

pub(super) fn rows(ports: &Ports) {
    wiring(ports);
    sync(ports);
    statistics(ports);
}

fn wiring(ports: &Ports) {
    let task = ports.task;
    let at = pages(2);
    let own = CopySend::new(task.0);
    let routine = "vm_wire";
    for (case, host, address, access) in [
        ("a page", ports.host_priv, at, VM_PROT_READ),
        ("no more", ports.host_priv, at, VM_PROT_NONE),
        ("by the host's name", ports.host, at, VM_PROT_READ),
        ("bits that are none", ports.host_priv, at, 0x100),
        (
            "where nothing is",
            ports.host_priv,
            FREE + 0x0200_0000,
            VM_PROT_READ,
        ),
        ("by the task", task, at, VM_PROT_READ),
    ] {
        row(
            routine,
            case,
            mach_host::vm_wire(host, own, address, PAGE, access),
        );
    }
    let other = CopySend::new(port().0);
    row(
        routine,
        "of no task",
        mach_host::vm_wire(ports.host_priv, other, at, PAGE, 1),
    );
    let routine = "vm_wire_all";
    for (case, host, flags) in [
        ("current", ports.host_priv, VM_WIRE_CURRENT),
        ("none", ports.host_priv, VM_WIRE_NONE),
        ("flags 99", ports.host_priv, 99),
        ("by the host's name", ports.host, VM_WIRE_NONE),
        ("by the task", task, VM_WIRE_NONE),
    ] {
        row(routine, case, gnumach::vm_wire_all(host, own, flags));
    }
    let routine = "vm_allocate_contiguous";
    let contiguous =
        |host, size, most, align| gnumach::vm_allocate_contiguous(host, own, size, 0, most, align);
    for (case, host, size, most, align) in [
        ("two pages", ports.host_priv, 2 * PAGE, 0x100_0000, 0),
        ("aligned", ports.host_priv, PAGE, 0x1000_0000, 0x1_0000),
        ("nothing", ports.host_priv, 0, 0, 0),
        ("by the host's name", ports.host, PAGE, 0, 0),
        ("aligned by 3", ports.host_priv, PAGE, 0x100_0000, 3),
    ] {
        value(
            routine,
            case,
            contiguous(host, size, most, align),
            |reply| {
                let align = align.max(PAGE.into());
                (
                    reply.vaddr % PAGE,
                    reply.paddr % align,
                    most == 0 || reply.paddr < most,
                )
            },
        );
    }
    row(routine, "by the task", contiguous(task, PAGE, 0, 0));
    let routine = "vm_pages_phys";
    let mut room = Buffer::<4096>::new();
    poke(at, 1);
    for (case, host, address) in [
        ("of two pages", ports.host_priv, at),
        ("by the host's name", ports.host, at),
        ("by the task", task, at),
        ("where nothing is", ports.host_priv, FREE + 0x0200_0000),
        ("beyond the end", ports.host_priv, KERNEL),
    ] {
        let answer = gnumach::vm_pages_phys(host, own, address, 2 * PAGE, &mut room.0);
        value(routine, case, answer, |reply| match &reply.pages {
            Flexible::Inline(pages) => (pages.len(), pages.iter().all(|page| page % 4096 == 0)),
            Flexible::Elsewhere(pages, _) => (pages.count as usize, false),
        });
    }
}

fn sync(ports: &Ports) {
    let task = ports.task;
    let at = pages(1);
    poke(at, 1);
    let routine = "vm_msync";
    for (case, address, flags) in [
        ("synchronous", at, VM_SYNC_SYNCHRONOUS),
        ("invalidate", at, VM_SYNC_SYNCHRONOUS | VM_SYNC_INVALIDATE),
        ("both ways", at, VM_SYNC_SYNCHRONOUS | VM_SYNC_ASYNCHRONOUS),
        ("flags 0", at, 0),
        ("where nothing is", FREE + 0x0200_0000, VM_SYNC_SYNCHRONOUS),
    ] {
        row(routine, case, gnumach::vm_msync(task, address, PAGE, flags));
    }
    row(
        routine,
        "of the host",
        gnumach::vm_msync(ports.host, at, PAGE, VM_SYNC_SYNCHRONOUS),
    );
    let routine = "vm_object_sync";
    let object = mach::vm_region(task, at).map_or(0, |reply| reply.object_name.port);
    for (case, name) in [
        ("of no object", task),
        ("of an object's name", PortName(object)),
    ] {
        let answer = gnumach::vm_object_sync(name, 0, PAGE, true, true, true);
        row(routine, case, answer);
    }
}

fn statistics(ports: &Ports) {
    let routine = "vm_statistics";
    value(
        routine,
        "of the task",
        mach::vm_statistics(ports.task),
        |reply| {
            let of = reply.vm_stats;
            (of.pagesize, of.free_count > 0, of.faults > 0)
        },
    );
    row(
        routine,
        "of the host",
        mach::vm_statistics(ports.host).map(drop),
    );
    let routine = "vm_cache_statistics";
    row(
        routine,
        "of the task",
        gnumach::vm_cache_statistics(ports.task),
    );
    row(
        routine,
        "of the host",
        gnumach::vm_cache_statistics(ports.host),
    );
}
