//! `MACH_SEND_NOTIFY`: forced messages, and who hears that they were accepted.

use kernel_core::ipc::port::{Effect, Message, PortId, Remains, Unnotified, Unqueued, Via};
use kernel_core::ipc::right::{Right, TYPE_MAREQUEST};
use kernel_core::ipc::{Carried, Disposition};

use super::space::World;

/// A world, a port with a full queue that space 0 calls `a` and may send to,
/// and a port for notifications.
fn full() -> (World, u32, PortId, u32) {
    let mut world = World::new(2);
    let (a, b) = (world.receive(), world.receive());
    world.send(a).expect("a send right");
    let (port, _) = world.spaces[0]
        .received(&mut world.ports, a)
        .expect("a receive right");
    for number in 0..5 {
        let queued = world.ports.enqueue(port, Message(number), Via::Send);
        assert_eq!(queued, Ok(()));
    }
    let queued = world.ports.enqueue(port, Message(5), Via::Send);
    assert_eq!(queued, Err(Unqueued::Full));
    (world, a, port, b)
}

fn force(world: &mut World, port: PortId, b: u32) -> (PortId, Result<(), Unnotified>) {
    let notify = world.notify(b);
    let forced = world.run(|p, s, _| s[0].force(p, port, Message(9), notify));
    if forced.is_err() {
        world.ports.drop_used_send_once(notify);
    }
    (notify, forced)
}

/// Receives as many messages.
fn receive(world: &mut World, port: PortId, count: usize) {
    for _ in 0..count {
        let received = world.run(|p, _, e| p.dequeue(port, e));
        assert!(received.is_some());
    }
}

fn waits(world: &mut World, a: u32) -> bool {
    let kind = world.run(|p, s, _| s[0].port_type(p, a));
    kind.expect("a right") & TYPE_MAREQUEST != 0
}

#[test]
fn one_message_at_a_time_is_forced() {
    let (mut world, a, port, b) = full();
    let (notify, forced) = force(&mut world, port, b);
    assert_eq!((forced, waits(&mut world, a)), (Ok(()), true));
    let (_, again) = force(&mut world, port, b);
    assert_eq!(again, Err(Unnotified::InProgress));
    receive(&mut world, port, 5);
    assert_eq!(world.notes, []);
    receive(&mut world, port, 1);
    assert_eq!(world.notes, [Effect::MessageAccepted { notify, name: a }]);
    assert!(!waits(&mut world, a));
    let (_, again) = force(&mut world, port, b);
    assert_eq!(again, Ok(()));
    world.end();
}

#[test]
fn a_renamed_right_is_notified_by_its_new_name() {
    let (mut world, a, port, b) = full();
    let (notify, forced) = force(&mut world, port, b);
    assert_eq!(forced, Ok(()));
    world
        .run(|p, s, _| s[0].rename(p, a, 0x70))
        .expect("a name");
    assert!(waits(&mut world, 0x70));
    receive(&mut world, port, 6);
    assert_eq!(
        world.notes,
        [Effect::MessageAccepted { notify, name: 0x70 }]
    );
    world.end();
}

/// Seen: the request is the name's. The send right may go and come back while
/// the receive right keeps the name.
#[test]
fn a_send_right_may_go_and_come_back() {
    let (mut world, a, port, b) = full();
    let (notify, forced) = force(&mut world, port, b);
    assert_eq!(forced, Ok(()));
    world.modify(a, Right::Send, -1).expect("the last one");
    let kind = world.run(|p, s, _| s[0].port_type(p, a));
    assert_eq!(kind, Ok(Right::Receive.type_bit() | TYPE_MAREQUEST));
    world.send(a).expect("another send right");
    let (_, again) = force(&mut world, port, b);
    assert_eq!(again, Err(Unnotified::InProgress));
    receive(&mut world, port, 6);
    assert_eq!(world.notes, [Effect::MessageAccepted { notify, name: a }]);
    world.end();
}

/// A name that comes later may force at once.
#[test]
fn a_name_that_is_gone_is_null() {
    let (mut world, a, port, b) = full();
    let (notify, forced) = force(&mut world, port, b);
    assert_eq!(forced, Ok(()));
    world.run(|p, s, e| {
        let right = s[0].take(p, a, Disposition::MoveReceive, e);
        let right = right.expect("the receive right");
        s[1].give(p, right, e).expect("a name");
        s[0].destroy(p, a, e).expect("the send right");
        let right = s[1].take(p, 1, Disposition::MoveReceive, e);
        s[0].insert_right(p, a, right.expect("it"), e)
            .expect("free");
    });
    assert!(!waits(&mut world, a));
    world.send(a).expect("another send right");
    let (second, forced) = force(&mut world, port, b);
    assert_eq!(forced, Ok(()));
    receive(&mut world, port, 7);
    let told = |notify, name| Effect::MessageAccepted { notify, name };
    assert_eq!(world.notes, [told(notify, 0), told(second, a)]);
    world.end();
}

#[test]
fn a_port_that_dies_ends_the_wait() {
    let (mut world, a, port, b) = full();
    let (notify, forced) = force(&mut world, port, b);
    assert_eq!(forced, Ok(()));
    let mut effects = kernel_core::ipc::port::Effects::new();
    let right = Right::Receive;
    world.spaces[0]
        .mod_refs(&mut world.ports, a, right, -1, &mut effects)
        .expect("the port dies");
    let mut left = Vec::new();
    while let Some(remains) = world.ports.reap() {
        left.push(remains);
    }
    let (told, messages): (Vec<_>, Vec<_>) = left
        .into_iter()
        .partition(|remains| matches!(remains, Remains::Effect(_)));
    assert_eq!(told, [Remains::Effect(Effect::SendOnce { notify })]);
    assert_eq!(messages.len(), 6);
    world.ports.drop_used_send_once(notify);
    let (_, late) = force(&mut world, port, b);
    assert_eq!(late, Err(Unnotified::Dead));
    world.end();
}

/// The only right was moved away by the very message that is to be forced.
#[test]
fn a_moved_right_is_forced_without_a_name() {
    let (mut world, a, port, b) = full();
    world.run(|p, s, e| {
        let right = s[0].take(p, a, Disposition::MoveReceive, e);
        s[1].give(p, right.expect("it"), e).expect("a name");
    });
    let moved = world.run(|p, s, e| s[0].take(p, a, Disposition::MoveSend, e));
    assert_eq!(moved, Ok(Carried::Send(port)));
    let (notify, forced) = force(&mut world, port, b);
    assert_eq!(forced, Ok(()));
    receive(&mut world, port, 6);
    assert_eq!(world.notes, [Effect::MessageAccepted { notify, name: 0 }]);
    world.run(|p, _, e| p.drop_send(port, e));
    world.end();
}
