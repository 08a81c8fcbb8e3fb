//! Names and rights: what was seen on the reference, and nothing leaks.

use kernel_core::ipc::message::{Body, Header};
use kernel_core::ipc::port::{Effect, Effects, Message, PortId, Ports, Remains, SpaceId};
use kernel_core::ipc::right::{DEAD, Right};
use kernel_core::ipc::space::{HeaderRefusal, ReceiveRefusal, Space};
use kernel_core::ipc::{Carried, Disposition, Refusal};
use proptest::prelude::*;

pub(super) struct World {
    pub(super) ports: Ports,
    pub(super) spaces: Vec<Space>,
    pub(super) notes: Vec<Effect>,
}

impl World {
    pub(super) fn new(spaces: u32) -> Self {
        Self {
            ports: Ports::default(),
            spaces: (0..spaces).map(|id| Space::new(SpaceId(id))).collect(),
            notes: Vec::new(),
        }
    }

    /// Runs an operation, delivers what it asks for to nobody.
    pub(super) fn run<R>(
        &mut self,
        op: impl FnOnce(&mut Ports, &mut [Space], &mut Effects) -> R,
    ) -> R {
        let mut effects = Effects::new();
        let result = op(&mut self.ports, &mut self.spaces, &mut effects);
        for effect in effects.as_slice() {
            self.deliver(*effect);
        }
        while let Some(remains) = self.ports.reap() {
            match remains {
                Remains::Effect(effect) => self.deliver(effect),
                Remains::Message(_) => {}
            }
        }
        result
    }

    pub(super) fn deliver(&mut self, effect: Effect) {
        self.notes.push(effect);
        let (Effect::PortDeleted { notify, .. }
        | Effect::MessageAccepted { notify, .. }
        | Effect::PortDestroyed { notify, .. }
        | Effect::NoSenders { notify, .. }
        | Effect::SendOnce { notify }
        | Effect::DeadName { notify, .. }) = effect;
        self.ports.drop_used_send_once(notify);
        if let Effect::PortDestroyed { port, .. } = effect {
            self.run(|ports, _, effects| ports.drop_receive(port, effects));
        }
    }

    pub(super) fn receive(&mut self) -> u32 {
        self.run(|p, s, _| s[0].allocate(p, Right::Receive))
            .expect("memory")
    }

    pub(super) fn send(&mut self, name: u32) -> Result<(), Refusal> {
        self.insert(name, name, Disposition::MakeSend)
    }

    pub(super) fn insert(&mut self, at: u32, name: u32, how: Disposition) -> Result<(), Refusal> {
        self.run(|p, s, e| {
            let right = s[0].take(p, name, how, e)?;
            let inserted = s[0].insert_right(p, at, right, e);
            if inserted.is_err() {
                p.drop_right(right, e);
            }
            inserted
        })
    }

    pub(super) fn modify(&mut self, name: u32, right: Right, delta: i32) -> Result<(), Refusal> {
        self.run(|p, s, e| s[0].mod_refs(p, name, right, delta, e))
    }

    pub(super) fn refs(&mut self, name: u32, right: Right) -> Result<u32, Refusal> {
        self.run(|p, s, _| s[0].refs(p, name, right))
    }

    pub(super) fn notify(&mut self, name: u32) -> PortId {
        let made = self.run(|p, s, e| s[0].take(p, name, Disposition::MakeSendOnce, e));
        match made {
            Ok(Carried::SendOnce(port)) => port,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn destroy(&mut self, name: u32) {
        self.run(|p, s, e| s[0].destroy(p, name, e))
            .expect("a name");
    }

    pub(super) fn end(mut self) {
        for space in 0..self.spaces.len() {
            while let Some(name) = self.spaces[space].name_from(0) {
                self.run(|p, s, e| s[space].destroy(p, name, e))
                    .expect("a name");
            }
        }
        assert_eq!((self.ports.len(), self.ports.sets()), (0, 0), "leaked");
        assert_eq!(self.ports.accepted_requests(), 0, "leaked");
    }
}

#[test]
fn names_as_seen() {
    let mut world = World::new(1);
    let (a, b) = (world.receive(), world.receive());
    assert_eq!((a, b), (1, 2));
    let dead = world
        .run(|p, s, _| s[0].allocate(p, Right::DeadName))
        .expect("name");
    let set = world
        .run(|p, s, _| s[0].allocate(p, Right::PortSet))
        .expect("name");
    let mut named = |right, name| world.run(|p, s, _| s[0].allocate_name(p, right, name));
    assert_eq!(named(Right::Receive, 0), Err(Refusal::InvalidValue));
    assert_eq!(named(Right::Receive, DEAD), Err(Refusal::InvalidValue));
    assert_eq!(named(Right::Send, 77), Err(Refusal::InvalidValue));
    assert_eq!(named(Right::Receive, a), Err(Refusal::NameExists));
    assert_eq!(named(Right::Receive, 0x8000_1234), Ok(()));
    let mut rename = |old, new| world.run(|p, s, _| s[0].rename(p, old, new));
    assert_eq!(rename(a, a), Err(Refusal::NameExists));
    assert_eq!(rename(0x7777, 0), Err(Refusal::InvalidValue));
    assert_eq!(rename(0x7777, b), Err(Refusal::NameExists));
    assert_eq!(rename(0x7777, 0x7778), Err(Refusal::InvalidName));
    assert_eq!((rename(a, 99), rename(99, a)), (Ok(()), Ok(())));
    let mut give_up = |name| world.run(|p, s, e| s[0].deallocate(p, name, e));
    assert_eq!(give_up(a), Err(Refusal::InvalidRight));
    assert_eq!(give_up(set), Err(Refusal::InvalidRight));
    assert_eq!(give_up(0), Err(Refusal::InvalidName));
    assert_eq!(give_up(DEAD), Err(Refusal::InvalidName));
    assert_eq!(
        (give_up(dead), give_up(dead)),
        (Ok(()), Err(Refusal::InvalidName))
    );
    assert_eq!(world.receive(), dead, "the lowest free name");
    world.end();
}

#[test]
fn references_as_seen() {
    let mut world = World::new(1);
    let a = world.receive();
    assert_eq!(
        world.modify(a, Right::Receive, 1),
        Err(Refusal::InvalidValue)
    );
    assert_eq!(world.modify(a, Right::Receive, 0), Ok(()));
    assert_eq!(
        world.modify(a, Right::Receive, -2),
        Err(Refusal::InvalidValue)
    );
    assert_eq!(world.modify(a, Right::Send, 0), Err(Refusal::InvalidRight));
    let dead = world
        .run(|p, s, _| s[0].allocate(p, Right::DeadName))
        .expect("name");
    assert_eq!(
        world.modify(dead, Right::DeadName, i32::MAX),
        Err(Refusal::UrefsOverflow)
    );
    assert_eq!(world.modify(dead, Right::DeadName, 65_534), Ok(()));
    assert_eq!(
        world.modify(dead, Right::DeadName, 1),
        Err(Refusal::UrefsOverflow)
    );
    assert_eq!(world.send(a), Ok(()));
    assert_eq!(world.modify(a, Right::Send, 65_533), Ok(()));
    assert_eq!(world.send(a), Err(Refusal::UrefsOverflow));
    assert_eq!(world.refs(a, Right::Send), Ok(65_534));
    world.end();
}

#[test]
fn inserting_as_seen() {
    let mut world = World::new(1);
    let (a, b) = (world.receive(), world.receive());
    let (make, once) = (Disposition::MakeSend, Disposition::MakeSendOnce);
    assert_eq!(world.send(a), Ok(()));
    assert_eq!(world.insert(b, a, make), Err(Refusal::RightExists));
    assert_eq!(world.insert(0x555, a, make), Err(Refusal::RightExists));
    assert_eq!(world.insert(0, a, make), Err(Refusal::InvalidValue));
    assert_eq!(world.insert(a, a, once), Err(Refusal::NameExists));
    assert_eq!(world.insert(0x555, a, once), Ok(()));
    assert_eq!(world.insert(0x556, 0x7777, make), Err(Refusal::InvalidName));
    let kind = world.run(|p, s, _| s[0].port_type(p, a));
    assert_eq!(kind, Ok(Right::Send.type_bit() | Right::Receive.type_bit()));
    world.destroy(a);
    assert_eq!(world.refs(0x555, Right::DeadName), Ok(1));
    world.end();
}

#[test]
fn a_notified_death_adds_a_reference() {
    let mut world = World::new(1);
    let (a, b) = (world.receive(), world.receive());
    world.send(a).expect("a send right");
    let notify = world.notify(b);
    let request = world.run(|p, s, e| s[0].request_dead_name(p, a, 0, Some(notify), e));
    assert_eq!(request, Ok(None));
    world.modify(a, Right::Receive, -1).expect("the port dies");
    assert_eq!(world.notes, [Effect::DeadName { notify, name: a }]);
    assert_eq!(world.refs(a, Right::DeadName), Ok(2));
    let again = world.run(|p, s, e| s[0].request_dead_name(p, a, 0, None, e));
    assert_eq!(again, Err(Refusal::InvalidArgument));
    world.end();
}

#[test]
fn a_deleted_name_and_the_last_sender_are_notified() {
    let mut world = World::new(1);
    let (a, b) = (world.receive(), world.receive());
    world.send(a).expect("a send right");
    let first = world.notify(b);
    let second = world.notify(b);
    let wanted = world.run(|p, s, e| s[0].request_dead_name(p, a, 0, Some(first), e));
    assert_eq!(wanted, Ok(None));
    world.run(|p, s, e| {
        let (port, _) = s[0].received(p, a).expect("a receive right");
        p.request_no_senders(port, 9, Some(second), e)
    });
    world.destroy(a);
    let deleted = Effect::PortDeleted {
        notify: first,
        name: a,
    };
    let none = Effect::NoSenders {
        notify: second,
        count: 1,
    };
    assert_eq!(
        world.notes,
        [deleted, none],
        "seen: the send right goes first"
    );
    world.end();
}

/// Manual 4.2.7.
#[test]
fn a_header_is_taken_at_once() {
    let mut world = World::new(1);
    let a = world.receive();
    world.send(a).expect("a send right");
    let header = |remote, local| Header {
        remote,
        remote_name: a,
        local: Some((local, a)),
        body: Body::Plain,
        other_bits: 0,
        id: 0,
    };
    let (copy, moved) = (Disposition::CopySend, Disposition::MoveSend);
    let both = world.run(|p, s, e| s[0].take_header(p, &header(moved, moved), e));
    assert_eq!(both, Err(HeaderRefusal::Reply));
    for (remote, local) in [(moved, copy), (copy, moved)] {
        let taken = world.run(|p, s, e| s[0].take_header(p, &header(remote, local), e));
        let (one, other) = taken.expect("one reference copied and moved");
        assert_eq!(world.refs(a, Right::Send), Ok(0));
        assert_eq!(one, other);
        world.run(|p, s, e| {
            assert_eq!(s[0].give(p, one, e), Ok(a));
            p.drop_right(other, e);
        });
    }
    world.end();
}

/// `MACH_SEND_CANCEL` (manual 4.2.5): the request goes with the right, unheard.
#[test]
fn a_cancelled_request_is_not_notified() {
    let mut world = World::new(1);
    let (a, b) = (world.receive(), world.receive());
    for (canceller, is_cancelled) in [(a, false), (b, true)] {
        world
            .insert(0x40, a, Disposition::MakeSendOnce)
            .expect("a name");
        let notify = world.notify(b);
        let request = world.run(|p, s, e| s[0].request_dead_name(p, 0x40, 0, Some(notify), e));
        assert_eq!(request, Ok(None));
        world.notes.clear();
        world.run(|p, s, e| {
            let (canceller, _) = s[0].received(p, canceller).expect("a receive right");
            let moved = s[0].take(p, 0x40, Disposition::MoveSendOnce, e);
            if let Some(unused) = e.cancel_deleted(canceller, 0x40) {
                p.drop_used_send_once(unused);
            }
            p.drop_right(moved.expect("a right"), e);
        });
        let deleted = Effect::PortDeleted { notify, name: 0x40 };
        assert_eq!(world.notes.contains(&deleted), !is_cancelled);
        assert_eq!(world.notes.len(), if is_cancelled { 1 } else { 2 });
    }
    world.end();
}

#[test]
fn a_status_names_the_set() {
    let mut world = World::new(1);
    let a = world.receive();
    let set = world.run(|p, s, _| s[0].allocate(p, Right::PortSet));
    let set = set.expect("a name");
    let status = |world: &mut World| {
        let status = world.run(|p, s, _| s[0].status(p, a));
        status.expect("a receive right").set
    };
    assert_eq!(status(&mut world), 0);
    world
        .run(|p, s, _| s[0].move_member(p, a, set))
        .expect("a member");
    assert_eq!(status(&mut world), set);
    world
        .run(|p, s, _| s[0].rename(p, set, 0x99))
        .expect("a name");
    assert_eq!(status(&mut world), 0x99);
    world.destroy(0x99);
    assert_eq!(status(&mut world), 0);
    world.end();
}

#[test]
fn receiving_from_a_member_or_a_bogus_name_as_seen() {
    let mut world = World::new(1);
    let a = world.receive();
    let set = world
        .run(|p, s, _| s[0].allocate(p, Right::PortSet))
        .expect("name");
    let mut moved = |name, after| world.run(|p, s, _| s[0].move_member(p, name, after));
    assert_eq!((moved(a, set), moved(a, set)), (Ok(()), Ok(())));
    let inside = world.run(|p, s, _| s[0].receive_from(p, a));
    assert_eq!(inside, Err(ReceiveRefusal::InSet));
    let mut moved = |name, after| world.run(|p, s, _| s[0].move_member(p, name, after));
    assert_eq!((moved(a, 0), moved(a, 0)), (Ok(()), Err(Refusal::NotInSet)));
    assert_eq!(moved(a, a), Err(Refusal::InvalidRight));
    assert_eq!(moved(a, 0x7777), Err(Refusal::InvalidName));
    let bogus = world.run(|p, s, _| s[0].receive_from(p, 0));
    assert_eq!(bogus, Err(ReceiveRefusal::InvalidName));
    world.end();
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Allocate(u32),
    Move(u32, u32, usize),
    Modify(u32, u32, i32),
    Destroy(u32),
    Rename(u32, u32),
    Request(u32, u32, u32),
    Join(u32, u32),
    Force(u32, u32),
    Receive(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let name = || 0..12u32;
    prop_oneof![
        (0..5u32).prop_map(Step::Allocate),
        (name(), 16..22u32, 0..2usize).prop_map(|(n, how, to)| Step::Move(n, how, to)),
        (name(), 0..5u32, -2..3i32).prop_map(|(n, right, by)| Step::Modify(n, right, by)),
        name().prop_map(Step::Destroy),
        (name(), name()).prop_map(|(old, new)| Step::Rename(old, new)),
        (name(), name(), 0..3u32).prop_map(|(n, to, kind)| Step::Request(n, to, kind)),
        (name(), name()).prop_map(|(n, set)| Step::Join(n, set)),
        (name(), name()).prop_map(|(n, to)| Step::Force(n, to)),
        name().prop_map(Step::Receive),
    ]
}

fn do_step(world: &mut World, from: usize, step: Step) {
    world.run(|p, s, e| {
        let right = |number| Right::from_number(number).expect("a right");
        match step {
            Step::Allocate(number) => {
                let _ = s[from].allocate(p, right(number));
            }
            Step::Move(name, how, to) => {
                let how = Disposition::from_number(how).expect("a disposition");
                if let Ok(right) = s[from].take(p, name, how, e) {
                    assert!(s[to].give(p, right, e).is_ok());
                }
            }
            Step::Modify(name, number, by) => {
                let _ = s[from].mod_refs(p, name, right(number), by, e);
            }
            Step::Destroy(name) => {
                let _ = s[from].destroy(p, name, e);
            }
            Step::Rename(old, new) => {
                let _ = s[from].rename(p, old, new);
            }
            Step::Request(name, to, kind) => {
                let Ok(made) = s[from].take(p, to, Disposition::MakeSendOnce, e) else {
                    return;
                };
                let Carried::SendOnce(notify) = made else {
                    return;
                };
                let port = s[from].received(p, name).map(|(port, _)| port);
                let old = match (kind, port) {
                    (0, _) => s[from].request_dead_name(p, name, 1, Some(notify), e),
                    (1, Ok(port)) => Ok(p.request_no_senders(port, 0, Some(notify), e)),
                    (2, Ok(port)) => Ok(p.request_port_destroyed(port, Some(notify))),
                    _ => Err(Refusal::InvalidRight),
                };
                match old {
                    Ok(None) => {}
                    Ok(Some(old)) => p.drop_used_send_once(old),
                    Err(_) => p.drop_used_send_once(notify),
                }
            }
            Step::Join(name, set) => {
                let _ = s[from].move_member(p, name, set);
            }
            Step::Force(name, to) => {
                // A copy finds the port of any name that may be sent to.
                let Ok(sent) = s[from].take(p, name, Disposition::CopySend, e) else {
                    return;
                };
                let Carried::Send(port) = sent else {
                    return;
                };
                let made = s[from].take(p, to, Disposition::MakeSendOnce, e);
                if let Ok(Carried::SendOnce(notify)) = made {
                    if s[from].force(p, port, Message(0), notify).is_err() {
                        p.drop_used_send_once(notify);
                    }
                }
                p.drop_right(sent, e);
            }
            Step::Receive(name) => {
                if let Ok((port, _)) = s[from].received(p, name) {
                    let _ = p.dequeue(port, e);
                }
            }
        }
    });
}

proptest! {
    /// One name a port, in whatever order rights come and go; in the end no
    /// port and no set is left.
    #[test]
    fn nothing_leaks(steps in prop::collection::vec((0..2usize, step()), 1..120)) {
        let mut world = World::new(2);
        for (from, step) in steps {
            do_step(&mut world, from, step);
            for number in 0..2 {
                let mut name = 0;
                while let Some(next) = world.spaces[number].name_from(name + 1) {
                    name = next;
                    let kind = world.run(|p, s, _| s[number].port_type(p, name));
                    prop_assert!(kind.is_ok_and(|kind| kind & 0x1f_0000 != 0));
                    if let Ok((port, _)) = world.spaces[number].received(&mut world.ports, name) {
                        prop_assert_eq!(world.spaces[number].name_of(&world.ports, port), Some(name));
                    }
                }
            }
        }
        world.end();
    }
}
