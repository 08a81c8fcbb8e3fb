//! The shortcuts for port names and rights.

use user_rt::abi::message::TypeName;
use user_rt::abi::port::{PortName, PortRight};
use user_rt::println;
use user_rt::trap::{
    self, mach_port_allocate, mach_port_allocate_name, mach_port_deallocate,
    mach_port_insert_right, mach_task_self,
};

use super::{holds, tell};

/// A name that nobody has.
const NOBODY: PortName = PortName(0x7777);

pub(super) fn cases() {
    allocate();
    allocate_name();
    deallocate();
    insert_right();
}

fn allocate() {
    let task = mach_task_self();
    for right in [
        PortRight::RECEIVE,
        PortRight::PORT_SET,
        PortRight::DEAD_NAME,
    ] {
        let answer = mach_port_allocate(task, right);
        let what = right.name().unwrap_or_default();
        println!("traps: mach_port_allocate {what}");
        holds("gives a name", answer.is_ok_and(PortName::is_valid));
    }
    for right in [0, 2, 5, 9, u32::MAX] {
        let answer = mach_port_allocate(task, PortRight(right));
        println!("traps: mach_port_allocate {right:#x}");
        tell("without such a right", answer.map(drop));
    }
}

fn allocate_name() {
    let task = mach_task_self();
    let name = PortName(0x1234);
    let receive = PortRight::RECEIVE;
    for (what, right, name) in [
        ("allocate_name", receive, name),
        ("allocate_name twice", receive, name),
        ("allocate_name of null", receive, PortName::NULL),
        ("allocate_name of dead", receive, PortName::DEAD),
        ("allocate_name of a send right", PortRight::SEND, NOBODY),
        ("allocate_name of right 9", PortRight(9), NOBODY),
        (
            "allocate_name of a set",
            PortRight::PORT_SET,
            PortName(0x1235),
        ),
        (
            "allocate_name of a dead name",
            PortRight::DEAD_NAME,
            PortName(0x1236),
        ),
    ] {
        tell(what, mach_port_allocate_name(task, right, name));
    }
}

fn deallocate() {
    let task = mach_task_self();
    let new = |right| mach_port_allocate(task, right).unwrap_or(PortName::NULL);
    let dead = new(PortRight::DEAD_NAME);
    for (what, name) in [
        ("deallocate a dead name", dead),
        ("deallocate it again", dead),
        ("deallocate a receive right", new(PortRight::RECEIVE)),
        ("deallocate a set", new(PortRight::PORT_SET)),
        ("deallocate a name of nobody", NOBODY),
        ("deallocate null", PortName::NULL),
        ("deallocate dead", PortName::DEAD),
        ("deallocate a send right", trap::mach_host_self()),
    ] {
        tell(what, mach_port_deallocate(task, name));
    }
}

fn insert_right() {
    let task = mach_task_self();
    let port = mach_port_allocate(task, PortRight::RECEIVE).unwrap_or(PortName::NULL);
    let set = mach_port_allocate(task, PortRight::PORT_SET).unwrap_or(PortName::NULL);
    let make = TypeName::MAKE_SEND;
    for (what, name, from, how) in [
        ("insert_right, make send", port, port, make),
        ("insert_right, make send again", port, port, make),
        ("insert_right, copy send", port, port, TypeName::COPY_SEND),
        ("insert_right, move send", port, port, TypeName::MOVE_SEND),
        ("insert_right under another name", NOBODY, port, make),
        ("insert_right under null", PortName::NULL, port, make),
        ("insert_right under dead", PortName::DEAD, port, make),
        ("insert_right as type 99", port, port, TypeName(99)),
        ("insert_right as an integer", port, port, TypeName(2)),
        ("insert_right of null", port, PortName::NULL, make),
        ("insert_right of dead", port, PortName::DEAD, make),
        ("insert_right of nobody", port, NOBODY, make),
        ("insert_right of a set", set, set, make),
    ] {
        let answer = mach_port_insert_right(task, name, from, how);
        tell(what, answer);
    }
    tell(
        "deallocate what was inserted",
        mach_port_deallocate(task, port),
    );
}
