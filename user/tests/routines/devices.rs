//! `device`: opening, reading, writing, mapping, and the state of devices.

use user_rt::abi::layout::Plain;
use user_rt::abi::layout::host::*;
use user_rt::abi::layout::time::MappedTimeValue;
use user_rt::abi::layout::vm::VM_PROT_READ;
use user_rt::abi::message::{Header, MsgReturn, TypeName};
use user_rt::abi::port::{PortName, PortRight};
use user_rt::abi::wire::{Array, Char, CopySend, FixedString, LongString, OutOfLine, SendRight};
use user_rt::message::{Buffer, Exchange};
use user_rt::rpc::device::*;
use user_rt::rpc::{mach, mach_host, mach_i386};
use user_rt::trap;
use user_tests::arch::ports as io;

use crate::Ports;
use crate::row::{PAGE, holds, pages, port, row, value};

pub(super) fn rows(ports: &Ports) {
    let (clock, console) = opening(ports);
    transfer(ports, clock, console);
    status(ports, clock, console);
    mapping(ports, clock, console);
    mapped_time(ports, clock);
    interrupts(ports, clock);
    closing(ports, clock);
}

fn opening(ports: &Ports) -> (PortName, PortName) {
    let routine = "device_open";
    let open = |master, name| {
        let opened = device_open(master, D_READ | D_WRITE, LongString(name));
        opened.map(|reply| PortName(reply.device.port))
    };
    let clock = value(routine, "time", open(ports.devices, b"time"), |name| {
        name.is_valid()
    });
    let console = value(
        routine,
        "console",
        open(ports.devices, b"console"),
        |name| name.is_valid(),
    );
    row(routine, "time again", open(ports.devices, b"time"));
    row(routine, "nosuch", open(ports.devices, b"nosuch"));
    row(routine, "nothing", open(ports.devices, b""));
    row(routine, "by the host", open(ports.host, b"time"));
    row(routine, "by the task", open(ports.task, b"time"));
    let routine = "device_open_new";
    let open_new = |master, name| {
        let opened = device_open_new(master, 0, FixedString(name));
        opened.map(|reply| PortName(reply.device.port))
    };
    row(routine, "time", open_new(ports.devices, b"time"));
    row(routine, "nosuch", open_new(ports.devices, b"nosuch"));
    row(routine, "by the host", open_new(ports.host, b"time"));
    (
        clock.unwrap_or(PortName::NULL),
        console.unwrap_or(PortName::NULL),
    )
}

fn transfer(ports: &Ports, clock: PortName, console: PortName) {
    let routine = "device_write_inband";
    let text = b"written\r\n".map(Char);
    let write = |device| device_write_inband(device, 0, 0, Array::new(&text));
    value(routine, "console", write(console), |reply| {
        reply.bytes_written
    });
    row(routine, "time", write(clock));
    row(routine, "of the host", write(ports.host));
    let long = [Char(b'x'); 129];
    let answer = device_write_inband(console, 0, 0, Array::new(&long));
    row(routine, "too much", answer);
    let routine = "device_write";
    // In a page of its own: the reference never lets go of it.
    let at = pages(1);
    let text = core::ptr::with_exposed_provenance_mut::<[u8; 9]>(at as usize);
    // SAFETY: a new page.
    unsafe { text.write(*b"written\r\n") };
    let write = |device| device_write(device, 0, 0, OutOfLine::new(at, 9));
    value(routine, "console", write(console), |reply| {
        reply.bytes_written
    });
    row(routine, "time", write(clock));
    row(routine, "of the host", write(ports.host));
    let mut room = Buffer::<512>::new();
    let routine = "device_read_inband";
    // Nobody types; and the reference answers no request to read what is no
    // device, and panics over a device that cannot be read.
    let dead = trap::mach_port_allocate(ports.task, PortRight::DEAD_NAME);
    let dead = dead.unwrap_or(PortName::NULL);
    let answer = device_read_inband(dead, 0, 0, 10, &mut room.0);
    row(routine, "of what is dead", answer.map(drop));
    let routine = "device_read";
    row(routine, "of what is dead", device_read(dead, 0, 0, 10));
}

fn status(ports: &Ports, clock: PortName, console: PortName) {
    let mut room = Buffer::<4608>::new();
    let routine = "device_get_status";
    for (case, device, flavor, count) in [
        ("console, tty", console, TTY_STATUS, TtyStatus::COUNT),
        ("console, tty, no room", console, TTY_STATUS, 1),
        ("console, size", console, DEV_GET_SIZE, 2),
        ("console, flavour 99", console, 99, 10),
        ("time, size", clock, DEV_GET_SIZE, 2),
        ("of the host", ports.host, TTY_STATUS, 10),
    ] {
        let answer = device_get_status(device, flavor, count, &mut room.0);
        value(routine, case, answer, |reply| reply.status.len());
    }
    let mut words = [0; TtyStatus::COUNT as usize];
    let count = TtyStatus::COUNT;
    if let Ok(reply) = device_get_status(console, TTY_STATUS, count, &mut room.0) {
        for (place, word) in words.iter_mut().zip(reply.status.iter()) {
            *place = word;
        }
    }
    let routine = "device_set_status";
    for (case, device, flavor) in [
        ("console, as it is", console, TTY_STATUS),
        ("console, flavour 99", console, 99),
        ("time", clock, TTY_STATUS),
        ("of the host", ports.host, TTY_STATUS),
    ] {
        row(
            routine,
            case,
            device_set_status(device, flavor, Array::new(&words)),
        );
    }
    let routine = "device_set_filter";
    let own = SendRight::with(port().0, TypeName::COPY_SEND);
    for (case, device) in [
        ("console", console),
        ("time", clock),
        ("of the host", ports.host),
    ] {
        row(
            routine,
            case,
            device_set_filter(device, own, 1, Array::new(&[])),
        );
    }
}

fn mapping(ports: &Ports, clock: PortName, console: PortName) {
    let routine = "device_map";
    for (case, device, offset, size) in [
        ("time", clock, 0, PAGE),
        ("time, nothing", clock, 0, 0),
        ("time, beyond", clock, 16 * PAGE, PAGE),
        ("console", console, 0, PAGE),
        ("of the host", ports.host, 0, PAGE),
    ] {
        let answer = device_map(device, VM_PROT_READ, offset, size, 0);
        value(routine, case, answer, |reply| reply.pager.port != 0);
    }
}

/// The page with the time: it goes on, and is what the host says.
fn mapped_time(ports: &Ports, clock: PortName) {
    let map = |offset, size, protection| {
        let object = device_map(clock, VM_PROT_READ, 0, PAGE, 0)?.pager;
        let object = CopySend::new(object.port);
        let mapped = mach::vm_map(
            ports.task, 0, size, 0, true, object, offset, false, protection, protection, 1,
        );
        mapped.map(|reply| reply.address)
    };
    let routine = "vm_map";
    let page = row(routine, "of the time", map(0, PAGE, VM_PROT_READ));
    let Some(page) = page else {
        return;
    };
    let place = core::ptr::with_exposed_provenance::<[u8; MappedTimeValue::BYTES]>(page as usize);
    let time = || {
        // SAFETY: a page that is mapped, of bytes that others write to.
        let bytes = unsafe { place.read_volatile() };
        MappedTimeValue::read(&bytes)
    };
    let now = || {
        let reply = mach_host::host_get_time(ports.host);
        reply.map_or(0, |reply| reply.current_time.seconds)
    };
    let before = now();
    let (first, after) = (time(), now());
    // The page is as of the last tick.
    holds(
        routine,
        "is the host's time",
        (before - 1..=after).contains(&first.seconds),
    );
    holds(
        routine,
        "agrees with itself",
        first.seconds == first.check_seconds
            && i64::from(first.seconds) == first.time_value.seconds
            && first.time_value.seconds == first.check_seconds64
            && first.time_value.nanoseconds / 1000 == i64::from(first.microseconds)
            && first.uptime_value.seconds == first.check_upseconds64,
    );
    let goes_on = (0..200).any(|_| {
        let _ = trap::thread_switch(PortName::NULL, 2, 10);
        let (now, since) = (time().uptime_value, first.uptime_value);
        (now.seconds, now.nanoseconds) > (since.seconds, since.nanoseconds)
    });
    holds(routine, "the time goes on", goes_on);
    let read = mach::vm_read(ports.task, page, PAGE);
    value("vm_read", "of the time", read, |reply| reply.data.count);
    row(
        "vm_write",
        "of the time",
        mach::vm_write(ports.task, page, OutOfLine::new(pages(1), PAGE)),
    );
    row(
        "vm_deallocate",
        "of the time",
        mach::vm_deallocate(ports.task, page, PAGE),
    );
}

fn interrupts(ports: &Ports, clock: PortName) {
    let opened = device_open(ports.devices, 0, LongString(b"irq"));
    let opened = value("device_open", "irq", opened, |reply| reply.device.port != 0);
    let device = PortName(opened.map_or(0, |reply| reply.device.port));
    let own = SendRight::with(port().0, TypeName::MAKE_SEND);
    let routine = "device_intr_register";
    for (case, device, line) in [
        ("line 5", device, 5),
        ("line 99", device, 99),
        ("line -1", device, -1),
        ("time", clock, 5),
        ("of the host", ports.host, 5),
    ] {
        row(routine, case, device_intr_register(device, line, 0, own));
    }
    let routine = "device_intr_ack";
    for (case, device) in [
        ("of nobody's", device),
        ("time", clock),
        ("of the host", ports.host),
    ] {
        row(routine, case, device_intr_ack(device, own));
    }
    driver(ports, device);
}

/// Drives the battery-backed clock: its ports, and its interrupts.
fn driver(ports: &Ports, device: PortName) {
    /// The line, and where a register is chosen and read.
    const LINE: i32 = 8;
    const CHOICE: u16 = 0x70;
    const DATA: u16 = 0x71;
    let read = |register| {
        io::write(CHOICE, register);
        io::read(DATA)
    };
    let write = |register, value| {
        io::write(CHOICE, register);
        io::write(DATA, value);
    };
    let permission = mach_i386::i386_io_perm_create(ports.devices, CHOICE, DATA);
    let permission = permission.map(|reply| CopySend::new(reply.io_perm.port));
    let permitted = permission
        .and_then(|permission| mach_i386::i386_io_perm_modify(ports.task, permission, true));
    let routine = "device_intr_register";
    if row("i386_io_perm_modify", "of a driver", permitted).is_none() {
        return;
    }
    let own = port();
    let right = SendRight::with(own.0, TypeName::MAKE_SEND);
    row(
        routine,
        "of a driver",
        device_intr_register(device, LINE, 0, right),
    );
    // Eight interrupts a second.
    let (rate, control) = (read(10), read(11));
    write(10, rate & 0xf0 | 13);
    write(11, control | 0x40);
    let mut room = Buffer::<512>::new();
    for _ in 0..3 {
        // What it was about: until then it interrupts no more.
        let _ = read(12);
        let code = Exchange::receive(own).within(3000).run(&mut room.0);
        let words = [
            Header::read(&room.0).map_or(0, |header| header.id),
            word_at(&room.0, 28),
        ];
        row(
            "device_intr_ack",
            "of a driver",
            device_intr_ack(device, SendRight::with(own.0, TypeName::MAKE_SEND)),
        );
        holds(
            routine,
            "it interrupts",
            code == MsgReturn::SUCCESS && words == [DEVICE_INTR_NOTIFY, LINE],
        );
    }
    write(11, control);
    write(10, rate);
    let _ = read(12);
    let ended = trap::mach_port_deallocate(ports.task, own);
    row("mach_port_deallocate", "of a driver", ended);
}

fn word_at(bytes: &[u8], at: usize) -> i32 {
    bytes.get(at..).map_or(0, i32::read)
}

fn closing(ports: &Ports, clock: PortName) {
    let routine = "device_close";
    row(routine, "time", device_close(clock));
    row(routine, "of the host", device_close(ports.host));
    row(routine, "of the task", device_close(ports.task));
}
