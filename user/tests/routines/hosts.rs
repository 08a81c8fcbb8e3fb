//! `mach_host`: the host, its processors and its clock.

use user_rt::abi::layout::host::*;
use user_rt::abi::layout::time::{TimeValue, TimeValue64};
use user_rt::abi::port::PortName;
use user_rt::abi::wire::{Array, CopySend};
use user_rt::data::Data;
use user_rt::message::Buffer;
use user_rt::rpc::mach_host::*;

use crate::Ports;
use crate::row::{holds, row, value};

pub(super) fn rows(ports: &Ports) {
    information(ports);
    versions(ports);
    clock(ports);
    processors(ports);
    reboot(ports);
}

fn information(ports: &Ports) {
    let routine = "host_info";
    for (case, flavor, count) in [
        ("basic", HOST_BASIC_INFO, HostBasicInfo::COUNT),
        ("slots", HOST_PROCESSOR_SLOTS, 1024),
        ("sched", HOST_SCHED_INFO, HostSchedInfo::COUNT),
        ("load", HOST_LOAD_INFO, HostLoadInfo::COUNT),
        ("basic, no room", HOST_BASIC_INFO, 2),
        ("load, no room", HOST_LOAD_INFO, 2),
        ("flavour 99", 99, 100),
    ] {
        let mut room = Buffer::<4608>::new();
        let answer = host_info(ports.host, flavor, count, &mut room.0);
        value(routine, case, answer, |reply| {
            !reply.host_info_out.is_empty()
        });
    }
    let mut room = Buffer::<4608>::new();
    let count = HostBasicInfo::COUNT;
    let answer = host_info(ports.host_priv, HOST_BASIC_INFO, count, &mut room.0);
    value(routine, "one processor", answer, |reply| {
        reply.host_info_out.iter().nth(1)
    });
    let answer = host_info(ports.task, HOST_BASIC_INFO, count, &mut room.0);
    row(routine, "of the task", answer.map(drop));
}

fn versions(ports: &Ports) {
    let mut room = Buffer::<1024>::new();
    let routine = "host_kernel_version";
    let answer = host_kernel_version(ports.host, &mut room.0);
    value(routine, "of the host", answer, |reply| {
        !reply.kernel_version.0.is_empty()
    });
    row(
        routine,
        "of the task",
        host_kernel_version(ports.task, &mut room.0).map(drop),
    );
    let routine = "host_get_kernel_version";
    let answer = host_get_kernel_version(ports.host, &mut room.0);
    value(routine, "of the host", answer, |reply| {
        !reply.kernel_version.0.is_empty()
    });
    row(
        routine,
        "of the task",
        host_get_kernel_version(ports.task, &mut room.0).map(drop),
    );
}

fn clock(ports: &Ports) {
    let (host, privileged, task) = (ports.host, ports.host_priv, ports.task);
    let own = TimeValue {
        seconds: 1_000_000_000,
        microseconds: 5,
    };
    let routine = "host_set_time";
    row(routine, "in 2001", host_set_time(privileged, own));
    row(routine, "by the host's name", host_set_time(host, own));
    row(routine, "by the task", host_set_time(task, own));
    let routine = "host_get_time";
    value(routine, "soon after", host_get_time(host), |reply| {
        (0..60).contains(&(reply.current_time.seconds - own.seconds))
    });
    row(routine, "by the task", host_get_time(task));
    let routine = "host_adjust_time";
    let step = TimeValue {
        seconds: 1,
        microseconds: 0,
    };
    value(
        routine,
        "a second",
        host_adjust_time(privileged, step),
        |reply| reply.old_adjustment,
    );
    row(routine, "by the host's name", host_adjust_time(host, step));
    row(routine, "by the task", host_adjust_time(task, step));
    let own = TimeValue64 {
        seconds: 1_100_000_000,
        nanoseconds: 7,
    };
    let routine = "host_set_time64";
    row(routine, "in 2004", host_set_time64(privileged, own));
    row(routine, "by the host's name", host_set_time64(host, own));
    row(routine, "by the task", host_set_time64(task, own));
    let routine = "host_get_time64";
    value(routine, "soon after", host_get_time64(host), |reply| {
        (0..60).contains(&(reply.current_time.seconds - own.seconds))
    });
    row(routine, "by the task", host_get_time64(task));
    let routine = "host_adjust_time64";
    let none = TimeValue64::default();
    row(routine, "nothing", host_adjust_time64(privileged, none));
    row(
        routine,
        "by the host's name",
        host_adjust_time64(host, none),
    );
    row(routine, "by the task", host_adjust_time64(task, none));
    let routine = "host_get_uptime64";
    let first = host_get_uptime64(host);
    let first = value(routine, "is short", first, |reply| {
        (0..3600).contains(&reply.uptime.seconds)
    });
    let then = host_get_uptime64(host).ok();
    let rises = first.zip(then).is_some_and(|(first, then)| {
        let of = |time: TimeValue64| (time.seconds, time.nanoseconds);
        of(then.uptime) >= of(first.uptime)
    });
    holds(routine, "does not fall", rises);
    row(routine, "by the task", host_get_uptime64(task));
}

fn processors(ports: &Ports) {
    let routine = "host_processors";
    // SAFETY: they came in a reply, and are claimed once.
    let all =
        |host| host_processors(host).map(|reply| unsafe { Data::claim(reply.processor_list) });
    let mut first = PortName::NULL;
    value(routine, "of the host", all(ports.host_priv), |list| {
        first = PortName(list.iter().next().map_or(0, |right| right.port));
        list.len()
    });
    row(routine, "by the host's name", all(ports.host));
    row(routine, "by the task", all(ports.task));
    let routine = "processor_info";
    let mut room = Buffer::<4608>::new();
    for (case, flavor, count) in [
        ("basic", PROCESSOR_BASIC_INFO, ProcessorBasicInfo::COUNT),
        ("basic, no room", PROCESSOR_BASIC_INFO, 2),
        ("flavour 99", 99, 100),
    ] {
        let answer = processor_info(first, flavor, count, &mut room.0);
        value(routine, case, answer, |reply| {
            (reply.host.port != 0, reply.processor_info_out.len())
        });
    }
    let count = ProcessorBasicInfo::COUNT;
    let answer = processor_info(ports.task, PROCESSOR_BASIC_INFO, count, &mut room.0);
    row(routine, "of the task", answer.map(drop));
    let routine = "processor_control";
    row(
        routine,
        "nothing",
        processor_control(first, Array::new(&[])),
    );
    row(
        routine,
        "of the task",
        processor_control(ports.task, Array::new(&[0])),
    );
    let routine = "processor_start";
    row(routine, "of the task", processor_start(ports.task));
    row(routine, "one that runs", processor_start(first));
    let routine = "processor_exit";
    row(routine, "of the task", processor_exit(ports.task));
    let routine = "processor_get_assignment";
    let set = processor_get_assignment(first);
    let set = value(routine, "of the first", set, |reply| {
        reply.assigned_set.port != 0
    });
    row(routine, "of the task", processor_get_assignment(ports.task));
    let routine = "processor_assign";
    let set = CopySend::new(set.map_or(0, |reply| reply.assigned_set.port));
    row(
        routine,
        "to where it is",
        processor_assign(first, set, true),
    );
    row(
        routine,
        "of the task",
        processor_assign(ports.task, set, true),
    );
    row(
        routine,
        "to no set",
        processor_assign(first, CopySend::new(ports.task.0), true),
    );
}

fn reboot(ports: &Ports) {
    // The success is the end of the machine.
    let routine = "host_reboot";
    row(routine, "by the host's name", host_reboot(ports.host, 0));
    row(routine, "by the task", host_reboot(ports.task, 0));
}
