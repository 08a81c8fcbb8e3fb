//! Ends, moves and takes away what others use at that moment, and asks for more
//! than there is.
//!
//! Arguments: a number that no other task of its kind has, a seed, how many steps
//! to make, and what is put under stress: `lives`, `ports`, `memory` or `shortage`.
//! The same seed makes the same steps, though not in the same moments. It says how
//! far it is, and at the end what was done; all it made is gone then. What must not
//! happen is a panic of its own, which leaves its last line unsaid.

#![no_std]
#![no_main]

mod hoard;
mod letter;
mod lives;
mod memory;
mod ports;
mod shortage;
mod worker;

use core::sync::atomic::{AtomicU32, Ordering};

use user_rt::abi::layout::thread::SWITCH_OPTION_WAIT;
use user_rt::abi::port::PortName;
use user_rt::{Arguments, println, trap};
use user_tests::random::Random;

user_rt::program!(main);

/// Messages that all threads sent or received.
static MESSAGES: AtomicU32 = AtomicU32::new(0);

/// What a stress is given.
struct Orders {
    own: u32,
    seed: u32,
    steps: u32,
    random: Random,
    /// The host's port for the privileged, if it was given.
    host: Option<PortName>,
}

fn main(arguments: Arguments) {
    let argument = |place| arguments.number(place).expect("a number as argument");
    let (own, seed, steps) = (argument(1), argument(2), argument(3));
    let orders = Orders {
        own,
        seed,
        steps,
        random: Random::new(seed, own),
        host: arguments.port(5),
    };
    let kind = arguments
        .word(4)
        .map_or("", |word| word.to_str().unwrap_or(""));
    let made = match kind {
        "lives" => lives::stress(orders),
        "ports" => ports::stress(orders),
        "memory" => memory::stress(orders),
        "shortage" => shortage::stress(orders),
        _ => panic!("no stress is called {kind:?}"),
    };
    let messages = MESSAGES.load(Ordering::Relaxed);
    println!("stress {own}: {steps} steps: {made} made, {messages} messages");
}

impl Orders {
    /// The numbers of all steps; says every `line` of them how far it is.
    fn steps(&self, line: u32) -> impl Iterator<Item = u32> + use<> {
        let own = self.own;
        (1..=self.steps).inspect(move |step| {
            if step % line == 0 {
                println!("stress {own}: {step} steps");
            }
        })
    }
}

/// Waits so long.
fn pause(time_ms: u32) {
    let _ = trap::thread_switch(PortName::NULL, SWITCH_OPTION_WAIT as u32, time_ms);
}

/// Waits until it is so: where it never is, the run hangs, and is seen to.
fn wait_until(mut is_so: impl FnMut() -> bool) {
    // Others run meanwhile, and soon without being asked to again and again.
    const HASTY: u32 = 32;
    let mut times = 0;
    while !is_so() {
        times += 1;
        if times > HASTY || !trap::swtch() {
            pause(1);
        }
    }
}
