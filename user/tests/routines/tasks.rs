//! `mach`, `mach_host`, `gnumach`: tasks.

use user_rt::abi::layout::Plain;
use user_rt::abi::layout::task::*;
use user_rt::abi::message::TypeName;
use user_rt::abi::port::{PortName, PortRight};
use user_rt::abi::wire::{CString, CopySend, OutOfLine, SendRight};
use user_rt::data::Data;
use user_rt::message::Buffer;
use user_rt::rpc::{gnumach, mach, mach_port};
use user_rt::trap;

use crate::Ports;
use crate::memory::poke;
use crate::row::{NOBODY, PAGE, holds, pages, port, row, value};

pub(super) fn rows(ports: &Ports) {
    creation(ports);
    suspension(ports);
    information(ports);
    counters(ports);
    special_ports(ports);
    registered_ports(ports);
    emulation(ports);
    names(ports);
}

/// A new task without memory; null if there is none to be had.
pub(super) fn child() -> PortName {
    let made = mach::task_create(trap::mach_task_self(), false);
    PortName(made.map_or(0, |reply| reply.child_task.port))
}

fn creation(ports: &Ports) {
    let task = ports.task;
    let routine = "task_create";
    let made = mach::task_create(task, false);
    let made = value(routine, "without memory", made, |reply| {
        reply.child_task.port != 0
    });
    let empty = PortName(made.map_or(0, |reply| reply.child_task.port));
    let at = pages(1);
    let made = mach::task_create(task, true);
    let made = value(routine, "with memory", made, |reply| {
        reply.child_task.port != 0
    });
    let heir = PortName(made.map_or(0, |reply| reply.child_task.port));
    row(routine, "of the host", mach::task_create(ports.host, false));
    row(
        routine,
        "of a thread",
        mach::task_create(ports.thread, false),
    );
    value(
        "vm_region",
        "of an heir",
        mach::vm_region(heir, at),
        |reply| {
            let has = reply.address <= at && at - reply.address < reply.size;
            (has, reply.protection, reply.inheritance)
        },
    );
    row("vm_region", "of an empty task", mach::vm_region(empty, 0));
    let routine = "task_terminate";
    row(routine, "a child", mach::task_terminate(empty));
    row(routine, "again", mach::task_terminate(empty));
    row(routine, "another", mach::task_terminate(heir));
    row(routine, "the host", mach::task_terminate(ports.host));
    let answer = mach_port::mach_port_type(task, heir);
    value("mach_port_type", "of a task that ended", answer, |reply| {
        reply.ptype
    });
    let routine = "task_threads";
    // SAFETY: they came in a reply, and are claimed once.
    let threads =
        |task| mach::task_threads(task).map(|reply| unsafe { Data::claim(reply.thread_list) });
    value(routine, "of this task", threads(task), |list| {
        (
            list.len(),
            list.iter().all(|thread| thread.port == ports.thread.0),
        )
    });
    let empty = child();
    value(routine, "of a new task", threads(empty), Data::len);
    row(routine, "of the host", threads(ports.host));
    row(
        "task_terminate",
        "the new task",
        mach::task_terminate(empty),
    );
}

fn suspension(ports: &Ports) {
    let child = child();
    let count = || {
        let mut room = Buffer::<512>::new();
        let reply = mach::task_info(child, TASK_BASIC_INFO, TaskBasicInfo::COUNT, &mut room.0);
        reply
            .ok()
            .and_then(|reply| reply.task_info_out.iter().next())
    };
    let routine = "task_suspend";
    row(routine, "once", mach::task_suspend(child));
    row(routine, "twice", mach::task_suspend(child));
    value(routine, "is counted", Ok(()), |()| count());
    row(routine, "the host", mach::task_suspend(ports.host));
    let routine = "task_resume";
    row(routine, "once", mach::task_resume(child));
    row(routine, "twice", mach::task_resume(child));
    value(routine, "is counted", Ok(()), |()| count());
    row(routine, "once too often", mach::task_resume(child));
    row(routine, "the host", mach::task_resume(ports.host));
    let _ = mach::task_terminate(child);
    row(routine, "what has ended", mach::task_resume(child));
}

fn information(ports: &Ports) {
    let task = ports.task;
    let routine = "task_info";
    for (case, flavor, count) in [
        ("basic", TASK_BASIC_INFO, TaskBasicInfo::COUNT),
        ("events", TASK_EVENTS_INFO, TaskEventsInfo::COUNT),
        ("times", TASK_THREAD_TIMES_INFO, TaskThreadTimesInfo::COUNT),
        ("basic, no room", TASK_BASIC_INFO, 3),
        ("times, no room", TASK_THREAD_TIMES_INFO, 1),
        ("flavour 99", 99, 100),
    ] {
        let mut room = Buffer::<1024>::new();
        let answer = mach::task_info(task, flavor, count, &mut room.0);
        value(routine, case, answer, |reply| reply.task_info_out.len());
    }
    let mut room = Buffer::<1024>::new();
    let answer = mach::task_info(task, TASK_BASIC_INFO, TaskBasicInfo::COUNT, &mut room.0);
    value(routine, "is plausible", answer, |reply| {
        let mut bytes = [0; TaskBasicInfo::BYTES];
        for (place, word) in bytes.chunks_exact_mut(4).zip(reply.task_info_out.iter()) {
            word.write(place);
        }
        let info = TaskBasicInfo::read(&bytes);
        let sizes = info.virtual_size >= info.resident_size && info.resident_size > 0;
        (info.suspend_count, info.base_priority, sizes)
    });
    let answer = mach::task_info(ports.host, TASK_BASIC_INFO, 100, &mut room.0);
    row(routine, "of the host", answer.map(drop));
}

/// What happened to this task.
fn events(task: PortName) -> TaskEventsInfo {
    let mut room = Buffer::<512>::new();
    let mut bytes = [0; TaskEventsInfo::BYTES];
    let answer = mach::task_info(task, TASK_EVENTS_INFO, TaskEventsInfo::COUNT, &mut room.0);
    if let Ok(reply) = answer {
        for (place, word) in bytes.chunks_exact_mut(4).zip(reply.task_info_out.iter()) {
            word.write(place);
        }
    }
    TaskEventsInfo::read(&bytes)
}

fn counters(ports: &Ports) {
    const PAGES: u32 = 3;
    let task = ports.task;
    let routine = "task_info";
    let at = pages(PAGES);
    let before = events(task);
    for page in 0..PAGES {
        poke(at + page * PAGE, page);
    }
    let then = events(task);
    let zero_fills = then.zero_fills.wrapping_sub(before.zero_fills);
    holds(
        routine,
        "zero fills are counted",
        (PAGES..100).contains(&zero_fills),
    );
    let faults = then.faults.wrapping_sub(before.faults);
    holds(
        routine,
        "faults are counted",
        (PAGES..100).contains(&faults),
    );
    let heir = mach::task_create(task, true);
    let before = events(task);
    for page in 0..PAGES {
        poke(at + page * PAGE, page);
    }
    let copies = events(task).cow_faults.wrapping_sub(before.cow_faults);
    holds(
        routine,
        "copies are counted",
        (PAGES..100).contains(&copies),
    );
    holds(routine, "nothing came from a pager", then.pageins < 100);
    if let Ok(heir) = heir {
        let _ = mach::task_terminate(PortName(heir.child_task.port));
    }
}

fn special_ports(ports: &Ports) {
    let task = ports.task;
    let own = port();
    let routine = "task_set_special_port";
    for (case, which, name) in [
        ("exception", TASK_EXCEPTION_PORT, own),
        ("bootstrap", TASK_BOOTSTRAP_PORT, own),
        ("number 2", 2, own),
        ("number 99", 99, own),
        ("to nobody's", TASK_BOOTSTRAP_PORT, NOBODY),
    ] {
        row(
            routine,
            case,
            mach::task_set_special_port(task, which, CopySend::new(name.0)),
        );
    }
    let right = CopySend::new(own.0);
    let foreign = mach::task_set_special_port(ports.host, TASK_BOOTSTRAP_PORT, right);
    row(routine, "of the host", foreign);
    let routine = "task_get_special_port";
    for (case, which, name) in [
        ("kernel", TASK_KERNEL_PORT, task),
        ("exception", TASK_EXCEPTION_PORT, own),
        ("bootstrap", TASK_BOOTSTRAP_PORT, own),
        ("number 2", 2, own),
        ("number 99", 99, own),
    ] {
        let answer = mach::task_get_special_port(task, which);
        value(routine, case, answer, |reply| {
            reply.special_port.port == name.0
        });
    }
    row(
        routine,
        "of the host",
        mach::task_get_special_port(ports.host, TASK_KERNEL_PORT),
    );
    let child = child();
    for (case, which) in [
        ("is inherited", TASK_BOOTSTRAP_PORT),
        ("exception, inherited", TASK_EXCEPTION_PORT),
    ] {
        let answer = mach::task_get_special_port(child, which);
        value(routine, case, answer, |reply| {
            reply.special_port.port == own.0
        });
    }
    let answer = mach::task_get_special_port(child, TASK_KERNEL_PORT);
    value(routine, "kernel, of a child", answer, |reply| {
        reply.special_port.port == child.0
    });
    let answer = mach::task_set_special_port(task, TASK_EXCEPTION_PORT, CopySend::new(0));
    row("task_set_special_port", "exception, null", answer);
    let _ = mach::task_terminate(child);
}

fn registered_ports(ports: &Ports) {
    let task = ports.task;
    let routine = "mach_ports_register";
    let (one, other) = (port(), port());
    let names = [one.0, other.0, 0, 0, 0];
    let at = core::ptr::from_ref(&names).expose_provenance() as u32;
    for (case, count) in [
        ("two", 2),
        ("with null", 4),
        ("five", 5),
        ("none", 0),
        ("two again", 2),
    ] {
        row(
            routine,
            case,
            mach::mach_ports_register(task, OutOfLine::new(at, count)),
        );
    }
    row(
        routine,
        "of the host",
        mach::mach_ports_register(ports.host, OutOfLine::new(at, 2)),
    );
    let routine = "mach_ports_lookup";
    let found = |task| {
        let answer = mach::mach_ports_lookup(task);
        // SAFETY: they came in a reply, and are claimed once.
        answer.map(|reply| unsafe { Data::claim(reply.init_port_set) })
    };
    value(routine, "of this task", found(task), |list| {
        let mut list = list.iter();
        (
            list.next().map(|name| name.port == one.0),
            list.next().map(|name| name.port == other.0),
            list.count(),
        )
    });
    let child = child();
    value(routine, "of a child", found(child), |list| {
        list.iter().filter(|name| name.port == one.0).count()
    });
    let _ = mach::task_terminate(child);
    row(routine, "of the host", found(ports.host));
}

fn emulation(ports: &Ports) {
    let task = ports.task;
    let routine = "task_set_emulation";
    row(
        routine,
        "number 5",
        mach::task_set_emulation(task, 0x0804_8000, 5),
    );
    row(
        routine,
        "of the host",
        mach::task_set_emulation(ports.host, 0x0804_8000, 5),
    );
    let routine = "task_set_emulation_vector";
    let entries = [0x0804_8000_u32; 2];
    let at = core::ptr::from_ref(&entries).expose_provenance() as u32;
    row(
        routine,
        "two",
        mach::task_set_emulation_vector(task, 5, OutOfLine::new(at, 2)),
    );
    row(
        routine,
        "of the host",
        mach::task_set_emulation_vector(ports.host, 5, OutOfLine::new(at, 2)),
    );
    let routine = "task_get_emulation_vector";
    value(
        routine,
        "of this task",
        mach::task_get_emulation_vector(task),
        |reply| (reply.vector_start, reply.emulation_vector.count),
    );
    row(
        "task_set_emulation",
        "a number apart",
        mach::task_set_emulation(task, 0, 9),
    );
    row(
        "task_set_emulation",
        "a trap's number",
        mach::task_set_emulation(task, 0x0804_8010, -3),
    );
    let child = child();
    for (case, of) in [("with numbers between", task), ("of a child", child)] {
        let answer = mach::task_get_emulation_vector(of);
        value(routine, case, answer, |reply| {
            // SAFETY: they came in a reply, and are claimed once.
            let entries = unsafe { Data::claim(reply.emulation_vector) };
            let empty = entries.iter().filter(|&entry| entry == 0).count();
            (reply.vector_start, entries.len(), empty)
        });
    }
    let _ = mach::task_terminate(child);
    row(
        routine,
        "of the host",
        mach::task_get_emulation_vector(ports.host),
    );
    let routine = "task_ras_control";
    for (case, start, end, flavor) in [
        ("purge", 0, 0, RAS_PURGE_ALL),
        ("install", 0x0804_8000, 0x0804_8010, RAS_INSTALL_ONE),
        ("purge one", 0x0804_8000, 0x0804_8010, RAS_PURGE_ONE),
        ("flavour 99", 0, 0, 99),
    ] {
        row(
            routine,
            case,
            mach::task_ras_control(task, start, end, flavor),
        );
    }
    row(
        routine,
        "of the host",
        mach::task_ras_control(ports.host, 0, 0, RAS_PURGE_ALL),
    );
}

fn names(ports: &Ports) {
    let task = ports.task;
    let routine = "task_set_name";
    row(
        routine,
        "of this task",
        gnumach::task_set_name(task, CString(b"tester")),
    );
    row(
        routine,
        "of the host",
        gnumach::task_set_name(ports.host, CString(b"tester")),
    );
    row(
        routine,
        "of nobody",
        gnumach::task_set_name(NOBODY, CString(b"tester")),
    );
    row(
        routine,
        "too long",
        gnumach::task_set_name(task, CString(&[b'x'; 64])),
    );
    let routine = "task_set_essential";
    row(routine, "yes", gnumach::task_set_essential(task, true));
    row(routine, "no", gnumach::task_set_essential(task, false));
    row(
        routine,
        "of the host",
        gnumach::task_set_essential(ports.host, true),
    );
    row(
        routine,
        "of nobody",
        gnumach::task_set_essential(NOBODY, true),
    );
    let routine = "register_new_task_notification";
    let own = port();
    let right = SendRight::with(own.0, TypeName::COPY_SEND);
    row(
        routine,
        "by the host's name",
        gnumach::register_new_task_notification(ports.host, right),
    );
    row(
        routine,
        "by the task",
        gnumach::register_new_task_notification(task, right),
    );
    row(
        routine,
        "once",
        gnumach::register_new_task_notification(ports.host_priv, right),
    );
    row(
        routine,
        "again",
        gnumach::register_new_task_notification(ports.host_priv, right),
    );
    row(
        routine,
        "null",
        gnumach::register_new_task_notification(
            ports.host_priv,
            SendRight::with(0, TypeName::COPY_SEND),
        ),
    );
    let child = child();
    let mut room = [0; 256];
    let heard = user_rt::message::Exchange::receive(own)
        .within(0)
        .run(&mut room);
    holds(
        routine,
        "tells of a new task",
        heard.0 == 0 && user_rt::rpc::header(&room).id == 4400,
    );
    let _ = mach::task_terminate(child);
    let _ = mach_port::mach_port_mod_refs(task, own, PortRight::RECEIVE.0, -1);
}
