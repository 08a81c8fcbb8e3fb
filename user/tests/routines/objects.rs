//! `mach` and `mach4`: what a pager asks of the kernel, and proxies.

use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering};

use user_rt::abi::layout::vm::*;
use user_rt::abi::message::TypeName;
use user_rt::abi::port::PortName;
use user_rt::abi::routine::decode_request;
use user_rt::abi::routine::memory_object::{memory_object_data_request, memory_object_init};
use user_rt::abi::wire::{
    Array, CopySend, LongString, MakeSend, MakeSendOnceOrAny, OutOfLine, SendRight,
};
use user_rt::message::{Buffer, Exchange, received};
use user_rt::rpc::{device, gnumach, header, mach, mach4};
use user_rt::thread;

use crate::Ports;
use crate::row::{NOBODY, PAGE, holds, pages, port, row, value};

pub(super) fn rows(ports: &Ports) {
    pager(ports);
    refusals(ports);
    proxies(ports);
}

/// Receives within a second.
fn heard(at: PortName, room: &mut Buffer<512>) -> bool {
    Exchange::receive(at).within(1000).run(&mut room.0).0 == 0
}

/// What a second thread read from the pager's memory, plus one.
static SEEN: AtomicU32 = AtomicU32::new(0);

fn pager(ports: &Ports) {
    let task = ports.task;
    let own = port();
    let object = CopySend::new(own.0);
    let mapped = mach::vm_map(task, 0, 4 * PAGE, 0, true, object, 0, false, 3, 7, 1);
    let mapped = row(
        "vm_map",
        "of a pager's object",
        mapped.map(|reply| reply.address),
    );
    let mut room = Buffer::<512>::new();
    let control = match heard(own, &mut room) {
        true => decode_request::<memory_object_init::Request>(received(&room.0)).ok(),
        false => None,
    };
    holds("vm_map", "the pager is asked", control.is_some());
    let control = PortName(control.map_or(0, |request| request.memory_control.port));
    let routine = "memory_object_get_attributes";
    let attributes = |case| {
        let answer = mach::memory_object_get_attributes(control);
        value(routine, case, answer, |reply| {
            (reply.object_ready, reply.may_cache, reply.copy_strategy)
        });
    };
    attributes("before it is ready");
    let ready = mach::memory_object_ready(control, false, MEMORY_OBJECT_COPY_DELAY);
    row("memory_object_ready", "of an object", ready);
    attributes("when it is ready");
    let change = |strategy| {
        let nobody = MakeSendOnceOrAny::new(0);
        mach::memory_object_change_attributes(control, true, strategy, nobody)
    };
    row(
        "memory_object_change_attributes",
        "to none",
        change(MEMORY_OBJECT_COPY_NONE),
    );
    attributes("when they have changed");
    row("memory_object_change_attributes", "to 99", change(99));
    attributes("when they have not");
    let routine = "memory_object_data_supply";
    let read = |address: u32| {
        thread::spawn(move || {
            let word = ptr::with_exposed_provenance::<u32>(address as usize);
            // SAFETY: the pager's memory, which is mapped there.
            SEEN.store(unsafe { word.read_volatile() } + 1, Ordering::Relaxed);
        })
    };
    let reader = mapped.and_then(|address| read(address).ok());
    let asked = reader.is_some() && heard(own, &mut room);
    let request = decode_request::<memory_object_data_request::Request>(received(&room.0)).ok();
    let request = request.filter(|_| asked);
    holds(routine, "a page is asked for", request.is_some());
    let data = pages(1);
    // SAFETY: a new page.
    unsafe { ptr::with_exposed_provenance_mut::<u32>(data as usize).write(41) };
    let data = OutOfLine::new(data, PAGE);
    let nobody = MakeSendOnceOrAny::new(0);
    let supplied = mach::memory_object_data_supply(control, 0, data, 0, false, nobody);
    row(routine, "of a page", supplied);
    let ended = reader.is_some_and(|thread| request.is_some() && thread.join().is_ok());
    holds(
        routine,
        "it is read",
        ended && SEEN.load(Ordering::Relaxed) == 42,
    );
    let routine = "memory_object_data_unavailable";
    row(
        routine,
        "of a page",
        mach::memory_object_data_unavailable(control, PAGE, PAGE),
    );
    let routine = "memory_object_data_error";
    row(
        routine,
        "of a page",
        mach::memory_object_data_error(control, 2 * PAGE, PAGE, 5),
    );
    let routine = "memory_object_lock_request";
    let answer_at = port();
    let lock = mach::memory_object_lock_request(
        control,
        0,
        PAGE,
        MEMORY_OBJECT_RETURN_NONE,
        true,
        VM_PROT_NO_CHANGE,
        MakeSendOnceOrAny::new(answer_at.0),
    );
    row(routine, "flush", lock);
    let answered = heard(answer_at, &mut room);
    holds(
        routine,
        "is answered",
        answered && header(&room.0).id == 2206,
    );
    let routine = "memory_object_destroy";
    row(
        routine,
        "of an object",
        mach::memory_object_destroy(control, 5),
    );
    let ended = heard(own, &mut room) && header(&room.0).id == 2201;
    holds(routine, "the pager is told", ended);
}

/// Each with a port that is no object's, and with none.
fn refusals(ports: &Ports) {
    let data = OutOfLine::new(pages(1), PAGE);
    let nobody = MakeSendOnceOrAny::new(0);
    for (case, name) in [("of the host", ports.host), ("of nobody", NOBODY)] {
        row(
            "memory_object_get_attributes",
            case,
            mach::memory_object_get_attributes(name),
        );
        row(
            "memory_object_ready",
            case,
            mach::memory_object_ready(name, false, 0),
        );
        let answer = mach::memory_object_change_attributes(name, false, 0, nobody);
        row("memory_object_change_attributes", case, answer);
        let answer = mach::memory_object_data_supply(name, 0, data, 0, false, nobody);
        row("memory_object_data_supply", case, answer);
        let answer = mach::memory_object_data_unavailable(name, 0, PAGE);
        row("memory_object_data_unavailable", case, answer);
        row(
            "memory_object_data_error",
            case,
            mach::memory_object_data_error(name, 0, PAGE, 5),
        );
        let answer = mach::memory_object_lock_request(name, 0, PAGE, 0, true, 8, nobody);
        row("memory_object_lock_request", case, answer);
        row(
            "memory_object_destroy",
            case,
            mach::memory_object_destroy(name, 5),
        );
    }
    let routine = "vm_set_default_memory_manager";
    let none = MakeSend::new(0);
    let ask = |host| mach::vm_set_default_memory_manager(host, none);
    value(routine, "which there is", ask(ports.host_priv), |reply| {
        reply.default_manager.port
    });
    row(routine, "by the host's name", ask(ports.host));
    row(routine, "by the task", ask(ports.task));
}

fn proxies(ports: &Ports) {
    let task = ports.task;
    // The clock's page is a memory object on every kernel.
    let clock = device::device_open(ports.devices, 0, LongString(b"time"));
    let clock = clock.map(|reply| PortName(reply.device.port));
    let clock = row("device_open", "for proxies", clock).unwrap_or(PortName::NULL);
    let object = device::device_map(clock, VM_PROT_READ, 0, PAGE, 0);
    let object = object.map(|reply| PortName(reply.pager.port));
    let object = row("device_map", "for proxies", object).unwrap_or(PortName::NULL);
    let routine = "memory_object_create_proxy";
    let of = |name: PortName| SendRight::with(name.0, TypeName::COPY_SEND);
    let create = |task, protection, objects: &[SendRight], start: u32, length: u32| {
        let (offset, start, length) = ([0], [start], [length]);
        let (offset, start) = (Array::new(&offset), Array::new(&start));
        let objects = Array::new(objects);
        let length = Array::new(&length);
        let made =
            mach4::memory_object_create_proxy(task, protection, objects, offset, start, length);
        made.map(|reply| reply.proxy.port)
    };
    let proxy = create(task, VM_PROT_READ, &[of(object)], 0, PAGE);
    let proxy = value(routine, "of the clock", proxy, |port| *port != 0);
    row(
        routine,
        "of two, with one range",
        create(task, VM_PROT_READ, &[of(object); 2], 0, PAGE),
    );
    row(routine, "of none", create(task, VM_PROT_READ, &[], 0, PAGE));
    row(
        routine,
        "at an offset",
        create(task, VM_PROT_READ, &[of(object)], PAGE, PAGE),
    );
    row(
        routine,
        "of null",
        create(task, VM_PROT_READ, &[of(PortName::NULL)], 0, PAGE),
    );
    row(
        routine,
        "of the host",
        create(ports.host, VM_PROT_READ, &[of(object)], 0, PAGE),
    );
    let proxy = PortName(proxy.unwrap_or(0));
    let map = |name: PortName, protection| {
        let object = CopySend::new(name.0);
        let mapped = mach::vm_map(
            task, 0, PAGE, 0, true, object, 0, false, protection, protection, 2,
        );
        mapped.map(|reply| reply.address)
    };
    let at = row("vm_map", "of a proxy", map(proxy, VM_PROT_READ));
    row(
        "vm_map",
        "of a proxy, to write",
        map(proxy, VM_PROT_DEFAULT),
    );
    let at = at.unwrap_or(0);
    let word = ptr::with_exposed_provenance::<u32>(at as usize);
    // SAFETY: the clock's page, which is mapped there if anything is.
    holds(
        "vm_map",
        "the clock is seen",
        at != 0 && unsafe { word.read_volatile() } > 0,
    );
    let routine = "vm_region_create_proxy";
    let region = |task, protection, length| {
        let made = mach4::vm_region_create_proxy(task, at, protection, length);
        made.map(|reply| reply.proxy.port)
    };
    value(
        routine,
        "of the clock",
        region(task, VM_PROT_READ, PAGE),
        |port| *port != 0,
    );
    row(routine, "to write", region(task, VM_PROT_DEFAULT, PAGE));
    row(routine, "of nothing", region(task, VM_PROT_READ, 0));
    row(
        routine,
        "longer than it is",
        region(task, VM_PROT_READ, 64 * PAGE),
    );
    row(
        routine,
        "of the host",
        region(ports.host, VM_PROT_READ, PAGE),
    );
    let routine = "vm_object_sync";
    let sync = |name| gnumach::vm_object_sync(name, 0, PAGE, true, true, true);
    row(routine, "of the clock", sync(object));
    row(routine, "of nobody", sync(NOBODY));
}
