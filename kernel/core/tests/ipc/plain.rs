//! The short way of a message against the long one: both leave the same behind.

use kernel_core::ipc::Disposition;
use kernel_core::ipc::message::Header;
use kernel_core::ipc::port::{Effects, Message, Ports, SpaceId, Via};
use kernel_core::ipc::right::{Carried, Right};
use kernel_core::ipc::space::Space;
use proptest::prelude::*;

const COPY_SEND: u32 = Disposition::CopySend as u32;
const MOVE_SEND_ONCE: u32 = Disposition::MoveSendOnce as u32;
const MAKE_SEND_ONCE: u32 = Disposition::MakeSendOnce as u32;

/// What a receiver sees: bits, remote and local name, sequence number.
type Seen = [u32; 4];

/// A client and a server with a port of the server's that the client may send to.
struct World {
    ports: Ports,
    client: Space,
    server: Space,
    /// The client's names of the server's port, and of its own for replies.
    to: u32,
    reply: u32,
    /// The server's name of its port.
    own: u32,
}

/// Who sends.
#[derive(Clone, Copy, Debug)]
enum From {
    Client,
    Server,
}

impl World {
    fn new(others: u8, payload: Option<u32>) -> Self {
        let mut ports = Ports::default();
        let mut client = Space::new(SpaceId(1));
        let mut server = Space::new(SpaceId(2));
        for _ in 0..others {
            for space in [&mut client, &mut server] {
                space
                    .allocate(&mut ports, Right::DeadName)
                    .expect("there is memory");
            }
        }
        let own = server.allocate(&mut ports, Right::Receive).expect("memory");
        let reply = client.allocate(&mut ports, Right::Receive).expect("memory");
        let (port, place) = server.received(&mut ports, own).expect("it receives");
        place.payload = payload;
        let right = ports.make_send(port);
        let to = client
            .give(&mut ports, right, &mut Effects::new())
            .expect("memory");
        Self {
            ports,
            client,
            server,
            to,
            reply,
            own,
        }
    }

    fn parties(&mut self, from: From) -> (&mut Ports, &mut Space, &mut Space) {
        match from {
            From::Client => (&mut self.ports, &mut self.client, &mut self.server),
            From::Server => (&mut self.ports, &mut self.server, &mut self.client),
        }
    }

    /// By way of a queue.
    fn send_long(&mut self, from: From, [bits, remote, local]: [u32; 3]) -> Option<Seen> {
        let (ports, sender, receiver) = self.parties(from);
        let mut effects = Effects::new();
        let mut bytes = Vec::new();
        for word in [bits, 24, remote, local, 0, 7] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        let header = Header::parse(&bytes).ok()?;
        let (remote, local) = sender.take_header(ports, &header, &mut effects).ok()?;
        let (Carried::Send(port) | Carried::SendOnce(port)) = remote else {
            return None;
        };
        ports.enqueue(port, Message(0), Via::Forced).ok()?;
        let (_, sequence) = ports.dequeue(port, &mut effects)?;
        let kind = |right| match right {
            Carried::Send(_) => 17,
            Carried::SendOnce(_) => 18,
            _ => 0,
        };
        let name = receiver.give(ports, local, &mut effects).ok()?;
        let seen = match ports.at(port).and_then(|port| port.payload) {
            Some(payload) => (23, payload),
            None => (kind(remote), receiver.received_as(ports, port)),
        };
        match remote {
            Carried::SendOnce(port) => ports.drop_used_send_once(port),
            right => ports.drop_right(right, &mut effects),
        }
        assert!(effects.as_slice().is_empty(), "somebody hears of it");
        let bits = bits & !0xffff | kind(local) | seen.0 << 8;
        Some([bits, name, seen.1, sequence])
    }

    /// Into the receiver's hands.
    fn send_plain(&mut self, from: From, [bits, remote, local]: [u32; 3]) -> Option<Seen> {
        let (ports, sender, receiver) = self.parties(from);
        let to = sender.addressed(ports, bits, remote)?;
        let plain = sender.plain(ports, to, bits, local)?;
        let reply = receiver.plain_given(&plain)?;
        let arrived = sender.plain_sent(&plain, bits, reply);
        let seen = [
            arrived.bits,
            arrived.remote,
            arrived.local,
            arrived.sequence,
        ];
        Some(seen)
    }

    /// All that can be asked of names and rights.
    fn state(&mut self) -> Vec<(u32, u32, u32)> {
        let mut all = Vec::new();
        for space in [&mut self.client, &mut self.server] {
            let mut name = 0;
            while let Some(next) = space.name_from(name) {
                let kinds = space.port_type(&mut self.ports, next).expect("a name");
                let sends = space.refs(&mut self.ports, next, Right::Send);
                all.push((next, kinds, sends.expect("a name")));
                name = next + 1;
            }
            all.push((0, space.len(), 0));
        }
        for (space, name) in [(&mut self.server, self.own), (&mut self.client, self.reply)] {
            let (port, place) = space.received(&mut self.ports, name).expect("it receives");
            let counts = (place.make_send_count, place.sequence());
            let (send, once) = self.ports.rights(port);
            all.push((send, once, counts.0));
            all.push((counts.1, 0, 0));
        }
        all
    }
}

/// One message: who sends, which of its send-once rights or `to` it goes through,
/// whether a reply is asked for, and bits that mean nothing.
fn message() -> impl Strategy<Value = (bool, u8, bool, u32)> {
    (any::<bool>(), 0..3u8, any::<bool>(), 0..0x4000u32)
}

proptest! {
    #[test]
    fn both_ways_leave_the_same(
        others in 0..40u8,
        payload in proptest::option::of(any::<u32>()),
        messages in prop::collection::vec(message(), 1..60),
    ) {
        let mut long = World::new(others, payload);
        let mut short = World::new(others, payload);
        // Send-once rights that the server has; in both worlds the same.
        let mut replies: Vec<u32> = Vec::new();
        for (is_reply, which, asks, other) in messages {
            let (from, header) = match replies.get(usize::from(which)) {
                Some(&name) if is_reply => (From::Server, [other << 16 | MOVE_SEND_ONCE, name, 0]),
                _ if asks => {
                    let bits = other << 16 | COPY_SEND | MAKE_SEND_ONCE << 8;
                    (From::Client, [bits, long.to, long.reply])
                }
                _ => (From::Client, [other << 16 | COPY_SEND, long.to, 0]),
            };
            let seen = long.send_long(from, header);
            prop_assert!(seen.is_some());
            // The short way may be refused, for want of a place that costs nothing.
            let other = short.send_plain(from, header);
            match other {
                Some(_) => prop_assert_eq!(seen, other),
                None => prop_assert_eq!(short.send_long(from, header), seen),
            }
            prop_assert_eq!(long.state(), short.state());
            match (from, header) {
                (From::Server, [_, name, _]) => replies.retain(|&reply| reply != name),
                (From::Client, [.., reply]) if reply != 0 => replies.extend(seen.map(|seen| seen[1])),
                _ => {}
            }
        }
    }
}

#[test]
fn refuses_what_is_not_usual() {
    let mut world = World::new(0, None);
    let (to, reply) = (world.to, world.reply);
    let usual = COPY_SEND | MAKE_SEND_ONCE << 8;
    let before = world.state();
    let move_send = Disposition::MoveSend as u32;
    let make_send = Disposition::MakeSend as u32;
    for header in [
        // Complex, circular.
        [usual | 1 << 31, to, reply],
        [usual | 1 << 30, to, reply],
        // Other types of rights, or none.
        [move_send, to, 0],
        [make_send | MAKE_SEND_ONCE << 8, to, reply],
        [COPY_SEND | make_send << 8, to, reply],
        [0, to, 0],
        // Names that denote nothing, or something else.
        [usual, to + 100, reply],
        [usual, to, reply + 100],
        [usual, to, to],
        [usual, reply, reply],
        [usual, 0, reply],
        [usual, u32::MAX, reply],
        [COPY_SEND, to, reply],
        [MOVE_SEND_ONCE, to, 0],
    ] {
        assert_eq!(world.send_plain(From::Client, header), None, "{header:x?}");
        assert_eq!(world.state(), before);
    }
    // Messages that wait come first.
    let (port, _) = world
        .server
        .received(&mut world.ports, world.own)
        .expect("a port");
    assert_eq!(world.ports.enqueue(port, Message(1), Via::Send), Ok(()));
    assert_eq!(world.send_plain(From::Client, [usual, to, reply]), None);
}
