//! The event ring against a queue, and under writers on other threads.

use std::collections::VecDeque;
use std::thread;

use kernel_core::trace::{Event, Ring, in_order};
use proptest::prelude::*;

fn event() -> impl Strategy<Value = Event> {
    (
        any::<u64>(),
        any::<u8>(),
        any::<u16>(),
        any::<u32>(),
        any::<u32>(),
    )
        .prop_map(|(tsc, cpu, kind, a, b)| Event {
            tsc,
            cpu,
            kind,
            a,
            b,
        })
}

proptest! {
    #[test]
    fn keeps_the_last_sixteen(events in prop::collection::vec(event(), 0..60)) {
        let ring = Ring::<16>::new();
        let mut model = VecDeque::new();
        prop_assert_eq!(ring.snapshot().count(), 0);
        for event in events {
            ring.record(event);
            model.push_back(event);
            if model.len() > 16 {
                model.pop_front();
            }
            prop_assert!(ring.snapshot().eq(model.iter().copied()));
        }
    }

    #[test]
    fn joins_rings_by_time(steps in prop::collection::vec((0..3u8, 0..5u64), 0..80)) {
        let rings = [Ring::<32>::new(), Ring::new(), Ring::new()];
        let mut tsc = 0;
        for (cpu, pause) in steps {
            tsc += pause;
            rings[usize::from(cpu)].record(Event { tsc, cpu, ..Event::default() });
        }
        let joined: Vec<Event> = in_order(&rings.each_ref()).collect();
        prop_assert!(joined.is_sorted_by_key(|event| event.tsc));
        for (cpu, ring) in rings.iter().enumerate() {
            let own = joined.iter().copied().filter(|event| usize::from(event.cpu) == cpu);
            prop_assert!(own.eq(ring.snapshot()));
        }
    }
}

/// Reads a ring of `N` slots while another thread writes it as fast as it can.
fn read_while_written<const N: usize>() {
    const EVENTS: u32 = 300_000;
    let ring = Ring::<N>::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..EVENTS {
                ring.record(Event {
                    tsc: u64::from(number) << 32 | u64::from(!number),
                    cpu: number as u8,
                    kind: number as u16,
                    a: number,
                    b: !number,
                });
            }
        });
        let mut last = 0;
        while last < EVENTS - 1 {
            let mut before = None;
            for event in ring.snapshot() {
                let number = event.a;
                assert_eq!(
                    (event.b, event.kind, event.cpu),
                    (!number, number as u16, number as u8)
                );
                assert_eq!(event.tsc, u64::from(number) << 32 | u64::from(!number));
                assert!(before.is_none_or(|before| before < number), "order");
                before = Some(number);
                last = number;
            }
        }
    });
}

#[test]
fn readers_see_whole_events_while_another_thread_writes() {
    // The fewer slots, the more often reader and writer meet in one.
    read_while_written::<64>();
    read_while_written::<2>();
    read_while_written::<1>();
}

#[test]
fn more_rings_than_can_be_joined_are_left_out() {
    let rings: Vec<Ring<2>> = (0..10).map(|_| Ring::new()).collect();
    for ring in &rings {
        ring.record(Event::default());
    }
    let rings: Vec<&Ring<2>> = rings.iter().collect();
    assert_eq!(in_order(&rings).count(), 8);
}
