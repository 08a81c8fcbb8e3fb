//! A request to the kernel that is answered at once, and one more reference of a
//! right: against what queues and gifts do.

use kernel_core::ipc::Disposition;
use kernel_core::ipc::port::{Effects, Message, PortId, Ports, Receiver, SpaceId, Via};
use kernel_core::ipc::right::{Right, UREFS_MAX};
use kernel_core::ipc::space::{Addressed, Space};

const USUAL: u32 = Disposition::CopySend as u32 | (Disposition::MakeSendOnce as u32) << 8;

/// A task that may send to a port of the kernel's, with a port for replies.
struct World {
    ports: Ports,
    space: Space,
    kernel: PortId,
    to: u32,
    reply: u32,
}

impl World {
    fn new() -> Self {
        let mut ports = Ports::default();
        let mut space = Space::new(SpaceId(1));
        let kernel = ports.allocate(Receiver::Kernel(7)).expect("memory");
        let right = ports.make_send(kernel);
        let to = space.give(&mut ports, right, &mut Effects::new());
        let reply = space.allocate(&mut ports, Right::Receive);
        Self {
            kernel,
            to: to.expect("memory"),
            reply: reply.expect("memory"),
            ports,
            space,
        }
    }

    fn asks(&self, bits: u32) -> Option<PortId> {
        let to = self.space.addressed(&self.ports, bits, self.to)?;
        assert_eq!(to.receiver(), Receiver::Kernel(7));
        self.space.asks(&self.ports, to, bits, self.reply)
    }

    fn reply_port(&mut self) -> PortId {
        let received = self.space.received(&mut self.ports, self.reply);
        received.expect("it receives").0
    }
}

#[test]
fn a_request_holds_its_rights_until_it_is_answered() {
    let mut world = World::new();
    let before = world.ports.rights(world.kernel);
    let reply = world.asks(USUAL).expect("a usual request");
    assert_eq!(reply, world.reply_port());
    assert_eq!(world.ports.rights(world.kernel).0, before.0 + 1);
    assert_eq!(world.ports.rights(reply), (0, 1));
    let name = world.reply;
    let arrived = world.space.answered(&world.ports, reply, name);
    let arrived = arrived.expect("nothing else waits");
    // As received by a send-once right.
    assert_eq!((arrived.bits, arrived.remote), (18 << 8, 0));
    assert_eq!((arrived.local, arrived.sequence), (name, 0));
    assert_eq!(world.ports.rights(reply), (0, 0));
    world.ports.drop_send(world.kernel, &mut Effects::new());
    assert_eq!(world.ports.rights(world.kernel), before);
    assert_eq!(Addressed::ASKED, 18 | 17 << 8);
}

#[test]
fn an_answer_waits_behind_what_came_before() {
    let mut world = World::new();
    let name = world.reply;
    let reply = world.asks(USUAL).expect("a usual request");
    let once = world.ports.make_send_once(reply);
    assert_eq!(world.ports.enqueue(reply, Message(1), Via::Forced), Ok(()));
    assert_eq!(world.space.answered(&world.ports, reply, name), None);
    // Nor is there a place to wait for another.
    assert_eq!(world.asks(USUAL), None);
    assert!(world.ports.dequeue(reply, &mut Effects::new()).is_some());
    world.ports.drop_used_send_once(reply);
    assert!(matches!(
        once,
        kernel_core::ipc::right::Carried::SendOnce(_)
    ));
    assert!(world.space.answered(&world.ports, reply, name).is_some());
}

#[test]
fn an_answer_is_not_received_elsewhere() {
    let mut world = World::new();
    let name = world.reply;
    let reply = world.asks(USUAL).expect("a usual request");
    // Another port, a set around it, another name, none.
    let other = world.space.allocate(&mut world.ports, Right::Receive);
    let other = other.expect("memory");
    assert_eq!(world.space.answered(&world.ports, reply, other), None);
    let set = world.space.allocate(&mut world.ports, Right::PortSet);
    let set = set.expect("memory");
    let moved = world.space.move_member(&mut world.ports, name, set);
    assert_eq!(moved, Ok(()));
    assert_eq!(world.space.answered(&world.ports, reply, name), None);
    assert_eq!(world.space.move_member(&mut world.ports, name, 0), Ok(()));
    assert_eq!(world.space.rename(&mut world.ports, name, 77), Ok(()));
    assert_eq!(world.space.answered(&world.ports, reply, name), None);
    assert!(world.space.answered(&world.ports, reply, 77).is_some());
}

#[test]
fn only_the_usual_types_ask() {
    let world = World::new();
    let make = Disposition::MakeSend as u32;
    for bits in [
        USUAL | 1 << 31,
        USUAL & 0xff,
        Disposition::CopySend as u32 | make << 8,
        Disposition::MoveSend as u32 | (Disposition::MakeSendOnce as u32) << 8,
    ] {
        assert_eq!(world.asks(bits), None, "{bits:x}");
    }
}

#[test]
fn one_more_reference_is_what_a_copy_gives() {
    let mut world = World::new();
    for most in [5, UREFS_MAX - 1] {
        let (ports, space) = (&mut world.ports, &mut world.space);
        let had = space.refs(ports, world.to, Right::Send).expect("a name");
        let delta = (most - 2 - had) as i32;
        let added = space.mod_refs(ports, world.to, Right::Send, delta, &mut Effects::new());
        assert_eq!(added, Ok(()));
        let rights = ports.rights(world.kernel);
        assert_eq!(space.give_again(ports, world.kernel), Some(world.to));
        assert_eq!(space.refs(ports, world.to, Right::Send), Ok(most - 1));
        let copy = ports.copy_send(world.kernel);
        let given = space.give(ports, copy, &mut Effects::new());
        assert_eq!(given, Ok(world.to));
        assert_eq!(space.refs(ports, world.to, Right::Send), Ok(most));
        assert_eq!(ports.rights(world.kernel), rights);
    }
    // No room for another; a right it never had; a dead port.
    let (ports, space) = (&mut world.ports, &mut world.space);
    assert_eq!(space.give_again(ports, world.kernel), None);
    let reply = space.received(ports, world.reply).expect("a port").0;
    assert_eq!(space.give_again(ports, reply), None);
    let less = space.mod_refs(ports, world.to, Right::Send, -9, &mut Effects::new());
    assert_eq!(less, Ok(()));
    ports.kill(world.kernel);
    assert_eq!(space.give_again(ports, world.kernel), None);
}
