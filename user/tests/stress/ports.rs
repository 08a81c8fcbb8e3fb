//! Ports destroyed under their senders and receivers.
//!
//! Owns ports and sets under names of its own, which one thread makes, moves and
//! destroys while others send to them and receive from them, some without a limit:
//! all must be told when their port is no more, or the run never ends.

use core::sync::atomic::{AtomicU32, Ordering};

use user_rt::abi::message::{NotifyId, Options, TypeName};
use user_rt::abi::port::{PortName, PortRight};
use user_rt::abi::wire::SendOnceRight;
use user_rt::data::Data;
use user_rt::rpc::mach_port;
use user_rt::thread::{self, Thread};
use user_rt::trap;
use user_tests::random::Random;

use super::letter::{self, Letter};
use super::{Orders, pause, wait_until};

/// Names of ports, and behind them names of sets.
const FIRST: u32 = 1000;
const PORTS: u32 = 6;
const SETS: u32 = 2;
const SENDERS: u32 = 3;
const RECEIVERS: u32 = 3;

/// Whether threads are to end, and how many have.
static END: AtomicU32 = AtomicU32::new(0);
static ENDED: AtomicU32 = AtomicU32::new(0);

struct Harbour {
    random: Random,
    task: PortName,
    made: u32,
}

pub(super) fn stress(orders: Orders) -> u32 {
    let steps = orders.steps(200);
    let mut harbour = Harbour {
        random: orders.random,
        task: trap::mach_task_self(),
        made: 0,
    };
    for number in 0..PORTS + SETS {
        harbour.make(number);
    }
    let (own, seed) = (orders.own, orders.seed);
    let begin = |number: u32| -> Thread {
        let random = Random::new(seed, own << 8 | number);
        let begun = match number < SENDERS {
            true => thread::spawn(move || until_the_end(random, send)),
            false => thread::spawn(move || until_the_end(random, receive)),
        };
        begun.expect("a thread")
    };
    let threads = [0, 1, 2, 3, 4, 5].map(begin);
    for _ in steps {
        harbour.step();
    }
    END.store(1, Ordering::Relaxed);
    wait_until(|| {
        for number in 0..PORTS + SETS {
            harbour.destroy(number);
        }
        ENDED.load(Ordering::Relaxed) == SENDERS + RECEIVERS
    });
    for thread in threads {
        thread.join().expect("an end");
    }
    harbour.made
}

fn name(number: u32) -> PortName {
    PortName(FIRST + number)
}

fn until_the_end(mut random: Random, act: fn(&mut Random)) {
    while END.load(Ordering::Relaxed) == 0 {
        act(&mut random);
    }
    ENDED.fetch_add(1, Ordering::Relaxed);
}

impl Harbour {
    fn make(&mut self, number: u32) {
        let name = name(number);
        if number >= PORTS {
            let _ = trap::mach_port_allocate_name(self.task, PortRight::PORT_SET, name);
            return;
        }
        if trap::mach_port_allocate_name(self.task, PortRight::RECEIVE, name).is_ok() {
            let made = TypeName::MAKE_SEND;
            let _ = trap::mach_port_insert_right(self.task, name, name, made);
            self.made += 1;
        }
    }

    fn destroy(&mut self, number: u32) {
        let _ = mach_port::mach_port_destroy(self.task, name(number));
    }

    fn step(&mut self) {
        let (task, random) = (self.task, &mut self.random);
        let (number, other) = (random.below(PORTS), random.below(PORTS));
        let set = PORTS + random.below(SETS);
        match random.below(16) {
            0 | 1 => {
                self.destroy(number);
                self.make(number);
            }
            2 => {
                // The send right stays, as a dead name.
                letter::drop_receive(name(number));
                let _ = mach_port::mach_port_destroy(task, name(number));
                self.make(number);
            }
            3 => {
                self.destroy(set);
                self.make(set);
            }
            4..=6 => _ = mach_port::mach_port_move_member(task, name(number), name(set)),
            7 => _ = mach_port::mach_port_move_member(task, name(number), PortName::NULL),
            8..=10 => self.ask(number, other),
            11 => {
                let limit = random.below(17);
                let _ = mach_port::mach_port_set_qlimit(task, name(number), limit);
            }
            12 => {
                if let Ok(members) = mach_port::mach_port_get_set_status(task, name(set)) {
                    // SAFETY: it came in a reply, once.
                    drop(unsafe { Data::claim(members.members) });
                }
            }
            13 => self.send_away(number, other),
            14 => self.rename(number),
            _ => pause(random.below(2)),
        }
        // Who received a right, or sent one away, may have left a name without.
        self.make(number);
        self.make(set);
    }

    /// Asks to be told of something, at another port.
    fn ask(&mut self, number: u32, other: u32) {
        let ids = [
            NotifyId::DEAD_NAME,
            NotifyId::NO_SENDERS,
            NotifyId::PORT_DESTROYED,
        ];
        let id = ids[self.random.below(3) as usize];
        let notify = match self.random.below(8) {
            0 => SendOnceRight::with(0, TypeName::MAKE_SEND_ONCE),
            _ => SendOnceRight::with(name(other).0, TypeName::MAKE_SEND_ONCE),
        };
        let asked = mach_port::mach_port_request_notification(
            self.task,
            name(number),
            id.0,
            self.random.below(2),
            notify,
        );
        if let Ok(asked) = asked {
            letter::drop_right(PortName(asked.previous.port), TypeName::MOVE_SEND_ONCE);
        }
    }

    /// A port goes into another one's queue, or its own.
    fn send_away(&mut self, number: u32, other: u32) {
        let mut letter = Letter::to(name(other), TypeName::COPY_SEND);
        letter.right(name(number), TypeName::MOVE_RECEIVE);
        let _ = letter.send(Options::SEND_TIMEOUT, 0, PortName::NULL);
        self.destroy(number);
        self.make(number);
    }

    fn rename(&mut self, number: u32) {
        let aside = PortName(FIRST + 500);
        let renamed = mach_port::mach_port_rename(self.task, name(number), aside);
        if renamed.is_ok() {
            let _ = mach_port::mach_port_rename(self.task, aside, name(number));
            let _ = mach_port::mach_port_destroy(self.task, aside);
        }
    }
}

/// Sends to some port, in one of the ways that there are.
fn send(random: &mut Random) {
    let (to, other) = (name(random.below(PORTS)), name(random.below(PORTS)));
    let how = match random.below(4) {
        0 => TypeName::MAKE_SEND_ONCE,
        1 => TypeName::MAKE_SEND,
        _ => TypeName::COPY_SEND,
    };
    let mut letter = Letter::to(to, how);
    match random.below(4) {
        0 => letter = letter.reply_to(other, TypeName::MAKE_SEND_ONCE),
        1 => letter = letter.reply_to(other, TypeName::COPY_SEND),
        _ => {}
    }
    match random.below(6) {
        0 => letter.right(other, TypeName::MAKE_SEND),
        1 => letter.right(other, TypeName::COPY_SEND),
        2 if random.below(8) == 0 => letter.right(other, TypeName::MOVE_RECEIVE),
        3 => letter.words(random.below(40) as usize),
        4 => {
            // Three words of this task's memory, as names of rights.
            let names = [other.0, to.0, other.0];
            let at = names.as_ptr().expose_provenance() as u32;
            letter.rights_at(at, 3, TypeName::MAKE_SEND);
            let _ = letter.send(Options::SEND_TIMEOUT, 0, PortName::NULL);
            return;
        }
        _ => {}
    }
    let (options, notify) = match random.below(8) {
        0 => (Options::SEND_NOTIFY.with(Options::SEND_TIMEOUT), other),
        1 => (Options::SEND_CANCEL.with(Options::SEND_TIMEOUT), other),
        // Somebody receives, or the port dies.
        2 => (Options(0), PortName::NULL),
        _ => (Options::SEND_TIMEOUT, PortName::NULL),
    };
    let _ = letter.send(options, random.below(3), notify);
}

/// Receives from a port or a set, at times for as long as it is there.
fn receive(random: &mut Random) {
    let from = name(random.below(PORTS + SETS));
    let options = match random.below(8) {
        0 => Options(0),
        1 => Options::RCV_LARGE.with(Options::RCV_TIMEOUT),
        _ => Options::RCV_TIMEOUT,
    };
    let _ = letter::receive(from, options, random.below(3));
}
