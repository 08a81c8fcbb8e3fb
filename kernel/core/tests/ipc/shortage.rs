//! Every operation that allocates, when there is no memory: nothing changes.

use kernel_core::arena::BLOCK;
use kernel_core::ipc::port::{Message, PortId, Unnotified, Unqueued, Via};
use kernel_core::ipc::right::Right;
use kernel_core::ipc::{Carried, Disposition, Refusal};

use super::allocator::{measured, with_allocations};
use super::space::World;

/// All names of all spaces with what they denote, all counts of a port.
type Picture = (Vec<(u32, u32, [u32; 5])>, Vec<u32>);

fn picture(world: &mut World, port: PortId) -> Picture {
    let mut names = Vec::new();
    for space in 0..world.spaces.len() {
        let mut at = 0;
        while let Some(name) = world.spaces[space].name_from(at) {
            let kind = world.run(|p, s, _| s[space].port_type(p, name));
            let refs = [0, 1, 2, 3, 4].map(|number| {
                let right = Right::from_number(number).expect("a right");
                let refs = world.run(|p, s, _| s[space].refs(p, name, right));
                refs.expect("a name")
            });
            names.push((name, kind.expect("a name"), refs));
            at = name + 1;
        }
    }
    let (send, once) = world.ports.rights(port);
    let queued = world.ports.at(port).expect("a port").queued();
    let counts = vec![
        send,
        once,
        queued,
        world.ports.len(),
        world.ports.sets(),
        world.ports.accepted_requests(),
    ];
    (names, counts)
}

/// What is done to a world in which space 0 has a send and the receive right
/// of a port, and a port for notifications: whether there was memory.
type Operation = fn(&mut World, PortId) -> bool;

fn enough<T: std::fmt::Debug>(result: Result<T, Refusal>) -> bool {
    assert!(
        !matches!(&result, Err(refusal) if *refusal != Refusal::ResourceShortage),
        "{result:?}"
    );
    result.is_ok()
}

const NAME: u32 = 1;
const FAR: u32 = 0xfffe_0000;

fn allocate(world: &mut World, right: Right) -> bool {
    enough(world.run(|p, s, _| s[0].allocate(p, right)))
}

fn allocate_far(world: &mut World, right: Right) -> bool {
    enough(world.run(|p, s, _| s[0].allocate_name(p, right, FAR)))
}

/// Into space 1, which knows nothing yet; what cannot be given goes back.
fn hand_over(world: &mut World, how: Disposition) -> bool {
    world.run(|p, s, e| {
        let right = s[0].take(p, NAME, how, e).expect("a right");
        let given = s[1].give(p, right, e);
        if given.is_err() {
            match right {
                Carried::SendOnce(port) => p.drop_used_send_once(port),
                Carried::Receive(_) => assert_eq!(s[0].give(p, right, e), Ok(NAME)),
                _ => p.drop_right(right, e),
            }
        }
        enough(given)
    })
}

const OPERATIONS: [(&str, Operation); 14] = [
    ("allocate receive", |world, _| {
        allocate(world, Right::Receive)
    }),
    ("allocate set", |world, _| allocate(world, Right::PortSet)),
    ("allocate dead", |world, _| allocate(world, Right::DeadName)),
    ("name receive", |world, _| {
        allocate_far(world, Right::Receive)
    }),
    ("name set", |world, _| allocate_far(world, Right::PortSet)),
    ("name dead", |world, _| allocate_far(world, Right::DeadName)),
    ("rename", |world, _| {
        enough(world.run(|p, s, _| s[0].rename(p, NAME, FAR)))
    }),
    ("give send", |world, _| {
        hand_over(world, Disposition::CopySend)
    }),
    ("give once", |world, _| {
        hand_over(world, Disposition::MakeSendOnce)
    }),
    ("give receive", |world, _| {
        hand_over(world, Disposition::MoveReceive)
    }),
    ("insert", |world, _| {
        world.run(|p, s, e| {
            let right = s[0].take(p, NAME, Disposition::MakeSendOnce, e);
            let right = right.expect("a right");
            let inserted = s[1].insert_right(p, FAR, right, e);
            if let (Err(_), Carried::SendOnce(port)) = (inserted, right) {
                p.drop_used_send_once(port);
            }
            enough(inserted)
        })
    }),
    ("request", |world, _| {
        let notify = world.notify(2);
        let asked = world.run(|p, s, e| s[0].request_dead_name(p, NAME, 0, Some(notify), e));
        if asked.is_err() {
            world.ports.drop_used_send_once(notify);
        }
        enough(asked)
    }),
    ("enqueue", |world, port| {
        match world.ports.enqueue(port, Message(1), Via::Send) {
            Err(Unqueued::NoBuffer) => false,
            other => other == Ok(()),
        }
    }),
    ("force", |world, port| {
        let notify = world.notify(2);
        let forced = world.run(|p, s, _| s[0].force(p, port, Message(1), notify));
        if forced.is_err() {
            world.ports.drop_used_send_once(notify);
        }
        match forced {
            Err(Unnotified::NoNotify) => false,
            other => other == Ok(()),
        }
    }),
];

fn world() -> (World, PortId) {
    let mut world = World::new(2);
    assert_eq!((world.receive(), world.receive()), (NAME, 2));
    world.send(NAME).expect("a send right");
    let received = world.spaces[0].received(&mut world.ports, NAME);
    let (port, _) = received.expect("a receive right");
    (world, port)
}

/// Fills what was allocated ahead, so that each operation needs memory.
fn use_up(world: &mut World, port: PortId, fill: usize) {
    for _ in 0..fill {
        assert!(allocate(world, Right::Receive));
    }
    for number in 0..fill % 4 {
        let queued = world.ports.enqueue(port, Message(number), Via::Send);
        assert_eq!(queued, Ok(()));
    }
}

#[test]
fn nothing_changes_without_memory() {
    for (name, operation) in OPERATIONS {
        let mut refused = 0;
        for fill in 0..80 {
            let (mut world, port) = world();
            use_up(&mut world, port, fill);
            let before = picture(&mut world, port);
            let mut allowed = 0;
            loop {
                let done = with_allocations(allowed, || operation(&mut world, port));
                if done {
                    break;
                }
                assert_eq!(
                    picture(&mut world, port),
                    before,
                    "{name}, {fill}, {allowed}"
                );
                refused += 1;
                allowed += 1;
                assert!(allowed < 20, "{name} never ends");
            }
            world.end();
        }
        assert!(refused > 0, "{name} allocates nothing");
    }
}

#[test]
fn a_large_space_takes_small_blocks_and_gives_them_back() {
    let (left, largest) = measured(|| {
        let mut world = World::new(1);
        for _ in 0..20_000 {
            world.receive();
        }
        world.end();
    });
    assert!(largest <= BLOCK, "{largest} bytes in one piece");
    assert_eq!(left, 0, "bytes not given back");
}
