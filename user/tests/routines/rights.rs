//! `mach_port`: rights inserted and extracted, and notifications asked for.

use user_rt::abi::message::{MsgReturn, NotifyId, TypeName};
use user_rt::abi::port::{PortName, PortRight};
use user_rt::abi::wire::{AnyRight, SendOnceRight};
use user_rt::message::Exchange;
use user_rt::rpc::header;
use user_rt::rpc::mach_port::*;
use user_rt::trap;

use crate::Ports;
use crate::row::{NOBODY, holds, port, receive_right, row, value};

pub(super) fn rows(ports: &Ports) {
    insert(ports);
    extract(ports);
    notifications(ports);
}

fn insert(ports: &Ports) {
    let task = ports.task;
    let routine = "mach_port_insert_right";
    let own = receive_right();
    for (case, name, from, how) in [
        ("make send", own, own, TypeName::MAKE_SEND),
        ("copy send", own, own, TypeName::COPY_SEND),
        ("move send", own, own, TypeName::MOVE_SEND),
        ("make send once", NOBODY, own, TypeName::MAKE_SEND_ONCE),
        ("over that", NOBODY, own, TypeName::MAKE_SEND_ONCE),
        (
            "under another name",
            PortName(0x7778),
            own,
            TypeName::MAKE_SEND,
        ),
        ("under null", PortName::NULL, own, TypeName::MAKE_SEND),
        ("under dead", PortName::DEAD, own, TypeName::MAKE_SEND),
        ("null", own, PortName::NULL, TypeName::MAKE_SEND),
        ("nobody's", own, PortName(0x7779), TypeName::MAKE_SEND),
    ] {
        let right = AnyRight::with(from.0, how);
        row(routine, case, mach_port_insert_right(task, name, right));
    }
    let right = AnyRight::with(own.0, TypeName::MAKE_SEND);
    row(
        routine,
        "of the host",
        mach_port_insert_right(ports.host, own, right),
    );
}

fn extract(ports: &Ports) {
    let task = ports.task;
    let routine = "mach_port_extract_right";
    let own = port();
    let kind = |name: PortName, how: TypeName| mach_port_extract_right(task, name, how.0.into());
    for (case, name, how) in [
        ("copy send", own, TypeName::COPY_SEND),
        ("make send", own, TypeName::MAKE_SEND),
        ("make send once", own, TypeName::MAKE_SEND_ONCE),
        ("move send", own, TypeName::MOVE_SEND),
        ("move receive", own, TypeName::MOVE_RECEIVE),
        ("of nobody", NOBODY, TypeName::COPY_SEND),
        ("move send once of none", own, TypeName::MOVE_SEND_ONCE),
        ("as type 99", own, TypeName(99)),
        ("move receive of the task", task, TypeName::MOVE_RECEIVE),
    ] {
        value(routine, case, kind(name, how), |reply| {
            let valid = reply.poly.port != 0;
            (valid, reply.poly.disposition.0)
        });
    }
    let copy = TypeName::COPY_SEND.0.into();
    row(
        routine,
        "of the host",
        mach_port_extract_right(ports.host, own, copy),
    );
}

/// The id of the message that a port has, if it has one.
fn notified(at: PortName) -> Option<i32> {
    let mut room = [0; 256];
    let code = Exchange::receive(at).within(0).run(&mut room);
    (code == MsgReturn::SUCCESS).then(|| header(&room).id)
}

fn notifications(ports: &Ports) {
    let task = ports.task;
    let routine = "mach_port_request_notification";
    let at = receive_right();
    let ask = |name: PortName, id: NotifyId, sync: u32| {
        let right = SendOnceRight::with(at.0, TypeName::MAKE_SEND_ONCE);
        mach_port_request_notification(task, name, id.0, sync, right)
    };
    let (own, other, third) = (port(), port(), port());
    let (dead, gone, none) = (
        NotifyId::DEAD_NAME,
        NotifyId::PORT_DESTROYED,
        NotifyId::NO_SENDERS,
    );
    let previous =
        |reply: &user_rt::abi::routine::mach_port::mach_port_request_notification::Reply| {
            reply.previous.port != 0
        };
    for (case, name, id, sync) in [
        ("dead name", own, dead, 0),
        ("dead name again", own, dead, 0),
        ("port destroyed", other, gone, 0),
        ("port destroyed at 1", other, gone, 1),
        ("no senders", third, none, 5),
        ("dead name of nobody", PortName(0x777a), dead, 0),
        ("no senders of nobody", NOBODY, none, 0),
        ("no senders of the task", task, none, 0),
        ("id 99", own, NotifyId(99), 0),
        ("send once", own, NotifyId::SEND_ONCE, 0),
        ("dead name of a set", set(), dead, 0),
    ] {
        value(routine, case, ask(name, id, sync), previous);
    }
    let right = SendOnceRight::with(at.0, TypeName::MAKE_SEND_ONCE);
    let foreign = mach_port_request_notification(ports.host, own, dead.0, 0, right);
    row(routine, "of the host", foreign);
    let cancel = SendOnceRight::with(0, TypeName::MOVE_SEND_ONCE);
    let answer = mach_port_request_notification(task, own, dead.0, 0, cancel);
    value(routine, "no more", answer, previous);
    row(routine, "dead name, once more", ask(own, dead, 0).map(drop));
    // What the refused requests brought was destroyed, which is told too.
    while notified(at).is_some() {}
    // Each of the three comes.
    let died = trap::mach_port_deallocate(task, third);
    holds(
        routine,
        "no senders comes",
        died.is_ok() && notified(at) == Some(none.0),
    );
    let minus = mach_port_mod_refs(task, other, PortRight::RECEIVE.0, -1);
    holds(
        routine,
        "port destroyed comes",
        minus.is_ok() && notified(at) == Some(gone.0),
    );
    let minus = mach_port_mod_refs(task, own, PortRight::RECEIVE.0, -1);
    holds(
        routine,
        "dead name comes",
        minus.is_ok() && notified(at) == Some(dead.0),
    );
    value(routine, "of what is dead", ask(own, dead, 0), previous);
    value(
        routine,
        "of what is dead, at once",
        ask(own, dead, 1),
        previous,
    );
    holds(
        routine,
        "and it comes",
        [notified(at), notified(at)].contains(&Some(dead.0)),
    );
}

fn set() -> PortName {
    let set = trap::mach_port_allocate(trap::mach_task_self(), PortRight::PORT_SET);
    set.unwrap_or(PortName::NULL)
}
