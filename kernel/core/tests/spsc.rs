//! The byte queue against a queue, and between two threads.

use std::collections::VecDeque;
use std::thread;

use kernel_core::spsc::{ByteQueue, Full};
use proptest::prelude::*;

proptest! {
    #[test]
    fn agrees_with_a_queue(steps in prop::collection::vec(prop::option::weighted(0.6, any::<u8>()), 0..200)) {
        let queue = ByteQueue::<8>::new();
        let mut model = VecDeque::new();
        let mut lost = 0;
        for step in steps {
            match step {
                Some(byte) if model.len() < 8 => {
                    prop_assert_eq!(queue.push(byte), Ok(()));
                    model.push_back(byte);
                }
                Some(byte) => {
                    prop_assert_eq!(queue.push(byte), Err(Full));
                    lost += 1;
                }
                None => prop_assert_eq!(queue.pop(), model.pop_front()),
            }
            prop_assert_eq!(queue.is_empty(), model.is_empty());
        }
        prop_assert_eq!(queue.take_lost(), lost);
        prop_assert_eq!(queue.take_lost(), 0);
    }
}

#[test]
fn bytes_cross_threads_in_order() {
    const BYTES: u32 = 100_000;
    let queue = ByteQueue::<64>::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..BYTES {
                while queue.push(number as u8).is_err() {
                    thread::yield_now();
                }
            }
        });
        for number in 0..BYTES {
            let byte = loop {
                match queue.pop() {
                    Some(byte) => break byte,
                    None => thread::yield_now(),
                }
            };
            assert_eq!(byte, number as u8);
        }
    });
    assert!(queue.is_empty());
}
