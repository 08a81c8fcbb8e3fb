//! `mach_port`: names, types, references, and the state of receive rights.

use user_rt::abi::port::{PortName, PortRight};
use user_rt::data::Data;
use user_rt::rpc::mach_port::*;
use user_rt::trap;

use crate::Ports;
use crate::row::{NOBODY, port, receive_right, row, value};

const RECEIVE: u32 = PortRight::RECEIVE.0;
const SEND: u32 = PortRight::SEND.0;
const SEND_ONCE: u32 = PortRight::SEND_ONCE.0;
const SET: u32 = PortRight::PORT_SET.0;
const DEAD: u32 = PortRight::DEAD_NAME.0;

pub(super) fn rows(ports: &Ports) {
    names(ports);
    types(ports);
    allocation(ports);
    references(ports);
    state(ports);
    sets(ports);
}

fn new_set() -> PortName {
    let set = trap::mach_port_allocate(trap::mach_task_self(), PortRight::PORT_SET);
    set.unwrap_or(PortName::NULL)
}

fn dead_name() -> PortName {
    let dead = trap::mach_port_allocate(trap::mach_task_self(), PortRight::DEAD_NAME);
    dead.unwrap_or(PortName::NULL)
}

fn names(ports: &Ports) {
    let routine = "mach_port_names";
    let own = receive_right();
    // SAFETY: they came in a reply, and are claimed once.
    let lists = mach_port_names(ports.task)
        .map(|reply| unsafe { (Data::claim(reply.names), Data::claim(reply.types)) });
    value(
        routine,
        "has a new receive right",
        lists,
        |(names, types)| {
            let mut both = names.iter().zip(types.iter());
            let found = both.find(|(name, _)| *name == own);
            (names.len() == types.len(), found.map(|(_, kind)| kind))
        },
    );
    row(
        routine,
        "of the host",
        mach_port_names(ports.host).map(drop),
    );
}

fn types(ports: &Ports) {
    let routine = "mach_port_type";
    let task = ports.task;
    for (case, name) in [
        ("of a receive right", receive_right()),
        ("of receive and send", port()),
        ("of a set", new_set()),
        ("of a dead name", dead_name()),
        ("of the task", task),
        ("of null", PortName::NULL),
        ("of dead", PortName::DEAD),
        ("of nobody", NOBODY),
    ] {
        value(routine, case, mach_port_type(task, name), |reply| {
            reply.ptype
        });
    }
    row(routine, "of the host", mach_port_type(ports.host, task));
}

fn allocation(ports: &Ports) {
    let task = ports.task;
    let routine = "mach_port_allocate";
    for (case, right) in [
        ("receive", RECEIVE),
        ("set", SET),
        ("dead name", DEAD),
        ("send", SEND),
        ("send once", SEND_ONCE),
        ("right 5", 5),
    ] {
        let answer = mach_port_allocate(task, right);
        value(routine, case, answer, |reply| reply.name.is_valid());
    }
    row(
        routine,
        "of the host",
        mach_port_allocate(ports.host, RECEIVE),
    );
    let routine = "mach_port_allocate_name";
    let own = PortName(0x4321);
    for (case, right, name) in [
        ("receive", RECEIVE, own),
        ("again", RECEIVE, own),
        ("set", SET, PortName(0x4322)),
        ("null", RECEIVE, PortName::NULL),
        ("dead", RECEIVE, PortName::DEAD),
        ("send", SEND, NOBODY),
    ] {
        row(routine, case, mach_port_allocate_name(task, right, name));
    }
    row(
        routine,
        "of the host",
        mach_port_allocate_name(ports.host, RECEIVE, own),
    );
    let routine = "mach_port_rename";
    for (case, from, to) in [
        ("a receive right", own, PortName(0x5321)),
        ("the old name", own, PortName(0x5322)),
        ("to itself", PortName(0x5321), PortName(0x5321)),
        ("to another", PortName(0x5321), task),
        ("to null", PortName(0x5321), PortName::NULL),
        ("to dead", PortName(0x5321), PortName::DEAD),
        ("null", PortName::NULL, own),
    ] {
        row(routine, case, mach_port_rename(task, from, to));
    }
    row(
        routine,
        "of the host",
        mach_port_rename(ports.host, own, NOBODY),
    );
}

fn references(ports: &Ports) {
    let task = ports.task;
    let routine = "mach_port_get_refs";
    let both = port();
    for (case, name, right) in [
        ("receive", both, RECEIVE),
        ("send", both, SEND),
        ("send once", both, SEND_ONCE),
        ("set", both, SET),
        ("of a set", new_set(), SET),
        ("of a dead name", dead_name(), DEAD),
        ("right 5", both, 5),
        ("of nobody", NOBODY, SEND),
    ] {
        value(
            routine,
            case,
            mach_port_get_refs(task, name, right),
            |reply| reply.refs,
        );
    }
    row(
        routine,
        "of the host",
        mach_port_get_refs(ports.host, both, SEND),
    );
    let routine = "mach_port_mod_refs";
    for (case, name, right, delta) in [
        ("send + 2", both, SEND, 2),
        ("send + 0", both, SEND, 0),
        ("send - 4", both, SEND, -4),
        ("send - 3", both, SEND, -3),
        ("send - 1 of none", both, SEND, -1),
        ("send + 1 of none", both, SEND, 1),
        ("receive + 1", both, RECEIVE, 1),
        ("set - 1", both, SET, -1),
        ("right 5", both, 5, 1),
        ("of nobody", NOBODY, SEND, 1),
        ("send + 65535", port(), SEND, 65535),
        ("receive - 1", both, RECEIVE, -1),
        ("receive - 1 again", both, RECEIVE, -1),
        ("receive - 2", receive_right(), RECEIVE, -2),
    ] {
        row(routine, case, mach_port_mod_refs(task, name, right, delta));
    }
    row(
        routine,
        "of the host",
        mach_port_mod_refs(ports.host, both, SEND, 1),
    );
    let routine = "mach_port_deallocate";
    let both = port();
    for (case, name) in [
        ("send", both),
        ("receive", both),
        ("a dead name", dead_name()),
        ("a set", new_set()),
        ("nobody", NOBODY),
    ] {
        row(routine, case, mach_port_deallocate(task, name));
    }
    row(
        routine,
        "of the host",
        mach_port_deallocate(ports.host, both),
    );
    let routine = "mach_port_destroy";
    let both = port();
    for (case, name) in [
        ("send and receive", both),
        ("again", both),
        ("a dead name", dead_name()),
        ("a set", new_set()),
        ("null", PortName::NULL),
    ] {
        row(routine, case, mach_port_destroy(task, name));
    }
    row(routine, "of the host", mach_port_destroy(ports.host, both));
}

fn state(ports: &Ports) {
    let task = ports.task;
    let own = port();
    let routine = "mach_port_get_receive_status";
    let answer = mach_port_get_receive_status(task, own);
    value(routine, "of a new port", answer, |reply| reply.status);
    row(
        routine,
        "of a set",
        mach_port_get_receive_status(task, new_set()),
    );
    row(
        routine,
        "of nobody",
        mach_port_get_receive_status(task, NOBODY),
    );
    row(
        routine,
        "of the task",
        mach_port_get_receive_status(task, task),
    );
    row(
        routine,
        "of the host",
        mach_port_get_receive_status(ports.host, own),
    );
    let routine = "mach_port_set_qlimit";
    for (case, name, limit) in [
        ("0", own, 0),
        ("16", own, 16),
        ("17", own, 17),
        ("17 of nobody", NOBODY, 17),
        ("1 of nobody", NOBODY, 1),
        ("1 of the task", task, 1),
    ] {
        row(routine, case, mach_port_set_qlimit(task, name, limit));
    }
    row(
        routine,
        "of the host",
        mach_port_set_qlimit(ports.host, own, 1),
    );
    let routine = "mach_port_set_mscount";
    row(routine, "7", mach_port_set_mscount(task, own, 7));
    row(routine, "of nobody", mach_port_set_mscount(task, NOBODY, 7));
    row(routine, "of the task", mach_port_set_mscount(task, task, 7));
    row(
        routine,
        "of the host",
        mach_port_set_mscount(ports.host, own, 7),
    );
    let routine = "mach_port_set_seqno";
    row(routine, "9", mach_port_set_seqno(task, own, 9));
    row(routine, "of nobody", mach_port_set_seqno(task, NOBODY, 9));
    row(routine, "of the task", mach_port_set_seqno(task, task, 9));
    row(
        routine,
        "of the host",
        mach_port_set_seqno(ports.host, own, 9),
    );
    let routine = "mach_port_get_receive_status";
    let answer = mach_port_get_receive_status(task, own);
    value(routine, "of that port", answer, |reply| reply.status);
    let routine = "mach_port_set_protected_payload";
    row(
        routine,
        "1234",
        mach_port_set_protected_payload(task, own, 1234),
    );
    row(
        routine,
        "of nobody",
        mach_port_set_protected_payload(task, NOBODY, 1),
    );
    row(
        routine,
        "of the task",
        mach_port_set_protected_payload(task, task, 1),
    );
    row(
        routine,
        "of the host",
        mach_port_set_protected_payload(ports.host, own, 1),
    );
    let routine = "mach_port_clear_protected_payload";
    row(
        routine,
        "once",
        mach_port_clear_protected_payload(task, own),
    );
    row(
        routine,
        "again",
        mach_port_clear_protected_payload(task, own),
    );
    row(
        routine,
        "of nobody",
        mach_port_clear_protected_payload(task, NOBODY),
    );
    row(
        routine,
        "of the host",
        mach_port_clear_protected_payload(ports.host, own),
    );
}

fn sets(ports: &Ports) {
    let task = ports.task;
    let (set, other, member) = (new_set(), new_set(), port());
    let routine = "mach_port_move_member";
    for (case, member, after) in [
        ("into a set", member, set),
        ("into it again", member, set),
        ("into another", member, other),
        ("out", member, PortName::NULL),
        ("out again", member, PortName::NULL),
        ("into a port", member, member),
        ("into nobody", member, NOBODY),
        ("a set", other, set),
        ("nobody", NOBODY, set),
        ("the task", task, set),
    ] {
        row(routine, case, mach_port_move_member(task, member, after));
    }
    row(
        routine,
        "of the host",
        mach_port_move_member(ports.host, member, set),
    );
    let routine = "mach_port_get_set_status";
    row(
        "mach_port_move_member",
        "back",
        mach_port_move_member(task, member, set),
    );
    let list = |set| {
        let answer = mach_port_get_set_status(task, set);
        // SAFETY: they came in a reply, and are claimed once.
        answer.map(|reply| unsafe { Data::claim(reply.members) })
    };
    value(routine, "of one member", list(set), |members| {
        (members.len(), members.iter().all(|name| name == member))
    });
    value(routine, "of none", list(other), Data::len);
    row(routine, "of a port", list(member));
    row(routine, "of nobody", list(NOBODY));
    row(
        routine,
        "of the host",
        mach_port_get_set_status(ports.host, set),
    );
}
