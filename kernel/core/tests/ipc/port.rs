//! Queues, sets and circles.

use kernel_core::ipc::port::{
    DEPTH_MAX, Effects, Message, PortId, Ports, Receiver, Remains, SpaceId, Unqueued, Via,
};

fn ports(count: usize) -> (Ports, Vec<PortId>) {
    let mut ports = Ports::default();
    let ids = (0..count).map(|_| ports.allocate(Receiver::Kernel(0)));
    let ids: Result<_, _> = ids.collect();
    (ports, ids.expect("memory"))
}

#[test]
fn a_queue_keeps_order_limit_and_sequence() {
    let (mut ports, ids) = ports(1);
    for number in 0..5 {
        assert_eq!(ports.enqueue(ids[0], Message(number), Via::Send), Ok(()));
    }
    assert_eq!(
        ports.enqueue(ids[0], Message(5), Via::Send),
        Err(Unqueued::Full)
    );
    assert_eq!(ports.enqueue(ids[0], Message(6), Via::Forced), Ok(()));
    assert_eq!(ports.front(ids[0]), Some(Message(0)));
    let mut none = Effects::new();
    let taken: Vec<_> = std::iter::from_fn(|| ports.dequeue(ids[0], &mut none)).collect();
    let expected = [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (6, 5)];
    assert_eq!(
        taken,
        expected.map(|(message, seq)| (Message(message), seq))
    );
    let port = ports.at_mut(ids[0]).expect("alive");
    assert!(port.set_queue_limit(0).is_ok() && port.set_queue_limit(16).is_ok());
    assert!(port.set_queue_limit(17).is_err());
}

#[test]
fn members_of_a_set_take_turns() {
    let (mut ports, ids) = ports(3);
    let set = ports.allocate_set(SpaceId(3), 9).expect("memory");
    assert_eq!(ports.name_of_set(set), Some((SpaceId(3), 9)));
    ports.enqueue(ids[1], Message(10), Via::Send).expect("room");
    for id in &ids {
        ports.join_set(*id, set);
    }
    ports.enqueue(ids[1], Message(11), Via::Send).expect("room");
    ports.enqueue(ids[0], Message(0), Via::Send).expect("room");
    assert_eq!(ports.members(set).collect::<Vec<_>>(), ids);
    let (mut order, mut none) = (Vec::new(), Effects::new());
    while let Some(member) = ports.ready_member(set) {
        order.push(ports.dequeue(member, &mut none).expect("ready").0.0);
    }
    assert_eq!(order, [10, 0, 11]);
    ports.leave_set(ids[1]);
    assert_eq!(ports.members(set).collect::<Vec<_>>(), [ids[0], ids[2]]);
    ports.destroy_set(set);
    assert_eq!((ports.sets(), ports.set_of(ids[0])), (0, None));
    assert_eq!(ports.name_of_set(set), None);
}

/// Each port's receive right waits in a message at the next; the last one's, at
/// the first, would close the circle. Destroying that message destroys all.
#[test]
fn a_circle_is_found_and_unwinds_without_recursion() {
    const LENGTH: usize = DEPTH_MAX as usize;
    let (mut ports, ids) = ports(LENGTH);
    for pair in ids.windows(2) {
        assert!(!ports.closes_circle(pair[1], pair[0]));
        let message = Message(pair[0].index() as usize);
        ports.enqueue(pair[1], message, Via::Send).expect("room");
        ports.depart(pair[0], Some(pair[1]));
    }
    let (first, last) = (ids[0], ids[LENGTH - 1]);
    assert!(ports.closes_circle(first, last) && ports.closes_circle(last, last));
    let mut effects = Effects::new();
    ports.drop_receive(last, &mut effects);
    while let Some(remains) = ports.reap() {
        let Remains::Message(Message(carried)) = remains else {
            panic!("{remains:?}");
        };
        let carried = PortId::from_index(carried as u32).expect("an index");
        ports.drop_receive(carried, &mut effects);
    }
    assert!(ports.is_empty() && effects.as_slice().is_empty());
}

/// Who nests deeper than the bound is told that he closes a circle, and pays
/// for no more steps than the bound.
#[test]
fn depth_is_bounded() {
    let (mut ports, ids) = ports(DEPTH_MAX as usize + 1);
    let outside = ports.allocate(Receiver::Kernel(0)).expect("memory");
    for pair in ids.windows(2) {
        ports.depart(pair[0], Some(pair[1]));
    }
    assert!(!ports.closes_circle(ids[1], outside), "as deep as may be");
    assert!(ports.closes_circle(ids[0], outside), "one deeper");
}
