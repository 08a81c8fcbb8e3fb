//! `mach_host`: processor sets, and what is assigned to them.

use user_rt::abi::layout::host::*;
use user_rt::abi::layout::thread::{POLICY_FIXEDPRI, POLICY_TIMESHARE};
use user_rt::abi::port::PortName;
use user_rt::abi::wire::CopySend;
use user_rt::data::Data;
use user_rt::message::Buffer;
use user_rt::rpc::mach_host::*;

use crate::Ports;
use crate::row::{row, value};

/// The default set: its name and its privileged port.
struct Set {
    name: PortName,
    control: PortName,
}

pub(super) fn rows(ports: &Ports) {
    let set = default(ports);
    let made = creation(ports);
    information(ports, &set);
    members(ports, &set);
    assignment(ports, &set, made);
    policies(ports, &set);
}

fn default(ports: &Ports) -> Set {
    let routine = "processor_set_default";
    let name = processor_set_default(ports.host);
    let name = value(routine, "of the host", name, |reply| {
        reply.default_set.port != 0
    });
    let name = PortName(name.map_or(0, |reply| reply.default_set.port));
    row(routine, "by the task", processor_set_default(ports.task));
    let routine = "host_processor_set_priv";
    let own = CopySend::new(name.0);
    let control = host_processor_set_priv(ports.host_priv, own);
    let control = value(routine, "of the default", control, |reply| {
        reply.set.port != 0
    });
    row(
        routine,
        "by the host's name",
        host_processor_set_priv(ports.host, own),
    );
    let task = CopySend::new(ports.task.0);
    row(
        routine,
        "of the task",
        host_processor_set_priv(ports.host_priv, task),
    );
    let control = PortName(control.map_or(0, |reply| reply.set.port));
    Set { name, control }
}

fn creation(ports: &Ports) -> PortName {
    let routine = "processor_set_create";
    let made = processor_set_create(ports.host);
    let made = value(routine, "by the host's name", made, |reply| {
        (reply.new_set.port != 0, reply.new_name.port != 0)
    });
    row(routine, "by the task", processor_set_create(ports.task));
    let made = PortName(made.map_or(0, |reply| reply.new_set.port));
    let routine = "host_processor_sets";
    // SAFETY: they came in a reply, and are claimed once.
    let all =
        |host| host_processor_sets(host).map(|reply| unsafe { Data::claim(reply.processor_sets) });
    value(routine, "of the host", all(ports.host), Data::len);
    row(routine, "by the task", all(ports.task));
    made
}

fn information(ports: &Ports, set: &Set) {
    let routine = "processor_set_info";
    let mut room = Buffer::<4608>::new();
    for (case, name, flavor, count) in [
        (
            "basic",
            set.name,
            PROCESSOR_SET_BASIC_INFO,
            ProcessorSetBasicInfo::COUNT,
        ),
        (
            "sched",
            set.name,
            PROCESSOR_SET_SCHED_INFO,
            ProcessorSetSchedInfo::COUNT,
        ),
        ("basic, no room", set.name, PROCESSOR_SET_BASIC_INFO, 2),
        ("sched, no room", set.name, PROCESSOR_SET_SCHED_INFO, 1),
        ("flavour 99", set.name, 99, 100),
        (
            "of the control port",
            set.control,
            PROCESSOR_SET_BASIC_INFO,
            5,
        ),
        ("of the task", ports.task, PROCESSOR_SET_BASIC_INFO, 5),
    ] {
        let answer = processor_set_info(name, flavor, count, &mut room.0);
        value(routine, case, answer, |reply| {
            (reply.host.port != 0, reply.info_out.len())
        });
    }
}

fn members(ports: &Ports, set: &Set) {
    let routine = "processor_set_tasks";
    // SAFETY: they came in a reply, and are claimed once.
    let tasks = |set| processor_set_tasks(set).map(|reply| unsafe { Data::claim(reply.task_list) });
    value(routine, "of the default", tasks(set.control), |list| {
        list.iter().any(|task| task.port == ports.task.0)
    });
    row(routine, "by the set's name", tasks(set.name));
    row(routine, "by the task", tasks(ports.task));
    let routine = "processor_set_threads";
    // SAFETY: they came in a reply, and are claimed once.
    let threads =
        |set| processor_set_threads(set).map(|reply| unsafe { Data::claim(reply.thread_list) });
    value(routine, "of the default", threads(set.control), |list| {
        list.iter().any(|thread| thread.port == ports.thread.0)
    });
    row(routine, "by the set's name", threads(set.name));
    row(routine, "by the task", threads(ports.task));
}

fn assignment(ports: &Ports, set: &Set, made: PortName) {
    let thread = crate::threads::still();
    let task = crate::tasks::child();
    let control = CopySend::new(set.control.0);
    let routine = "thread_assign";
    row(routine, "to the default", thread_assign(thread, control));
    row(
        routine,
        "to a new set",
        thread_assign(thread, CopySend::new(made.0)),
    );
    row(
        routine,
        "by the set's name",
        thread_assign(thread, CopySend::new(set.name.0)),
    );
    row(routine, "of the host", thread_assign(ports.host, control));
    let routine = "thread_assign_default";
    row(routine, "of a thread", thread_assign_default(thread));
    row(routine, "of the host", thread_assign_default(ports.host));
    let routine = "thread_get_assignment";
    let answer = thread_get_assignment(thread);
    value(routine, "of a thread", answer, |reply| {
        reply.assigned_set.port == set.name.0
    });
    row(routine, "of the host", thread_get_assignment(ports.host));
    let routine = "task_assign";
    row(routine, "to the default", task_assign(task, control, true));
    row(
        routine,
        "to a new set",
        task_assign(task, CopySend::new(made.0), true),
    );
    row(
        routine,
        "by the set's name",
        task_assign(task, CopySend::new(set.name.0), true),
    );
    row(
        routine,
        "of the host",
        task_assign(ports.host, control, true),
    );
    let routine = "task_assign_default";
    row(routine, "of a task", task_assign_default(task, true));
    row(
        routine,
        "of the host",
        task_assign_default(ports.host, true),
    );
    let routine = "task_get_assignment";
    let answer = task_get_assignment(task);
    value(routine, "of a task", answer, |reply| {
        reply.assigned_set.port == set.name.0
    });
    row(routine, "of the host", task_get_assignment(ports.host));
    let routine = "task_priority";
    for (case, priority) in [("30", 30), ("50", 50), ("-1", -1)] {
        row(routine, case, task_priority(task, priority, true));
    }
    row(routine, "of the host", task_priority(ports.host, 30, true));
    let _ = user_rt::rpc::mach::task_terminate(task);
    let _ = user_rt::rpc::mach::thread_terminate(thread);
    let routine = "processor_set_destroy";
    row(routine, "a new one", processor_set_destroy(made));
    row(routine, "again", processor_set_destroy(made));
    row(routine, "the default", processor_set_destroy(set.control));
    row(
        routine,
        "by the set's name",
        processor_set_destroy(set.name),
    );
    row(routine, "of the task", processor_set_destroy(ports.task));
}

fn policies(ports: &Ports, set: &Set) {
    let routine = "processor_set_max_priority";
    row(
        routine,
        "10",
        processor_set_max_priority(set.control, 10, false),
    );
    row(
        routine,
        "50",
        processor_set_max_priority(set.control, 50, false),
    );
    row(
        routine,
        "by the set's name",
        processor_set_max_priority(set.name, 10, false),
    );
    row(
        routine,
        "of the task",
        processor_set_max_priority(ports.task, 10, false),
    );
    let routine = "processor_set_policy_enable";
    row(
        routine,
        "fixed priority",
        processor_set_policy_enable(set.control, POLICY_FIXEDPRI),
    );
    row(
        routine,
        "number 99",
        processor_set_policy_enable(set.control, 99),
    );
    row(
        routine,
        "by the set's name",
        processor_set_policy_enable(set.name, POLICY_FIXEDPRI),
    );
    row(
        routine,
        "of the task",
        processor_set_policy_enable(ports.task, POLICY_FIXEDPRI),
    );
    let routine = "thread_policy";
    row(
        routine,
        "fixed, where it may",
        thread_policy(ports.thread, POLICY_FIXEDPRI, 100),
    );
    row(
        routine,
        "shared again",
        thread_policy(ports.thread, POLICY_TIMESHARE, 0),
    );
    let routine = "processor_set_policy_disable";
    let disable = |set, policy| processor_set_policy_disable(set, policy, false);
    row(
        routine,
        "fixed priority",
        disable(set.control, POLICY_FIXEDPRI),
    );
    row(
        routine,
        "time-sharing",
        disable(set.control, POLICY_TIMESHARE),
    );
    row(
        routine,
        "by the set's name",
        disable(set.name, POLICY_FIXEDPRI),
    );
    row(routine, "of the task", disable(ports.task, POLICY_FIXEDPRI));
}
