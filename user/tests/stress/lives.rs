//! Threads and tasks, created and ended at random while they exchange rights.
//!
//! Owns both. Everybody sends to the same few ports, whose receive rights may go
//! as well; the first thread, which nobody ends, sees to it that they come back.

use user_rt::abi::layout::task::TASK_BOOTSTRAP_PORT;
use user_rt::abi::message::{Options, TypeName};
use user_rt::abi::port::{PortName, PortRight};
use user_rt::abi::wire::{AnyRight, CopySend};
use user_rt::data::Data;
use user_rt::message::Buffer;
use user_rt::rpc::{mach, mach_port};
use user_rt::trap;
use user_tests::random::Random;

use super::letter::{self, Letter};
use super::worker::{self, STACK};
use super::{Orders, pause};

/// Ports that everybody knows, under names from here on.
const MEETING: PortName = PortName(1000);
const MEETINGS: u32 = 4;
/// Threads of this task at most, and tasks, and threads of each.
const THREADS: usize = 6;
const TASKS: usize = 3;
const TASK_THREADS: usize = 3;
const LIMITS: Options = Options::SEND_TIMEOUT.with(Options::RCV_TIMEOUT);

struct Town {
    random: Random,
    task: PortName,
    /// The stacks of `threads`, then those that tasks get with all memory.
    stacks: u32,
    threads: [Option<PortName>; THREADS],
    tasks: [Option<PortName>; TASKS],
    made: u32,
}

pub(super) fn stress(orders: Orders) -> u32 {
    let steps = orders.steps(50);
    let mut town = Town {
        random: orders.random,
        task: trap::mach_task_self(),
        stacks: worker::stacks((THREADS + TASK_THREADS) as u32),
        threads: [None; THREADS],
        tasks: [None; TASKS],
        made: 0,
    };
    for _ in steps {
        town.see_to_meetings();
        town.step();
    }
    for place in 0..THREADS {
        town.end_thread(place);
    }
    for place in 0..TASKS {
        town.end_task(place);
    }
    town.made
}

fn meeting(number: u32) -> PortName {
    PortName(MEETING.0 + number)
}

impl Town {
    fn step(&mut self) {
        let thread = self.random.below(THREADS as u32) as usize;
        let task = self.random.below(TASKS as u32) as usize;
        match self.random.below(16) {
            0..=3 => match self.threads[thread] {
                None => self.begin_thread(thread),
                Some(_) => self.end_thread(thread),
            },
            4 | 5 => match self.tasks[task] {
                None => self.begin_task(task),
                Some(_) => self.end_task(task),
            },
            6 | 7 => self.disturb_thread(thread),
            8 | 9 => self.disturb_task(task),
            10 | 11 => self.look_into(task),
            12 => pause(self.random.below(3)),
            _ => {
                let from = meeting(self.random.below(MEETINGS));
                let _ = letter::receive(from, LIMITS, self.random.below(2));
            }
        }
    }

    /// Ports whose receive right has gone are made again.
    fn see_to_meetings(&mut self) {
        let number = self.random.below(MEETINGS);
        let name = meeting(number);
        let status = mach_port::mach_port_get_receive_status(self.task, name);
        if status.is_ok() {
            return;
        }
        let _ = mach_port::mach_port_destroy(self.task, name);
        // A thread may have been given a right by this name in between: later then.
        if trap::mach_port_allocate_name(self.task, PortRight::RECEIVE, name).is_ok() {
            let made = TypeName::MAKE_SEND;
            let _ = trap::mach_port_insert_right(self.task, name, name, made);
        }
    }

    fn begin_thread(&mut self, place: usize) {
        let stack = self.stacks + place as u32 * STACK;
        worker::prepare(stack, self.random.word());
        let thread = worker::begin(self.task, stack, live).expect("a thread");
        self.threads[place] = Some(thread);
        self.made += 1;
    }

    fn end_thread(&mut self, place: usize) {
        let Some(thread) = self.threads[place].take() else {
            return;
        };
        // It may have ended itself.
        let _ = mach::thread_terminate(thread);
        worker::bury(thread);
    }

    fn begin_task(&mut self, place: usize) {
        let stacks = self.stacks + THREADS as u32 * STACK;
        let threads = 1 + self.random.below(TASK_THREADS as u32);
        for number in 0..threads {
            worker::prepare(stacks + number * STACK, self.random.word());
        }
        let child = mach::task_create(self.task, true).expect("a task");
        let child = PortName(child.child_task.port);
        for number in 0..MEETINGS {
            let name = meeting(number);
            let right = AnyRight::with(name.0, TypeName::COPY_SEND);
            let _ = mach_port::mach_port_insert_right(child, name, right);
        }
        for number in 0..threads {
            let thread = worker::begin(child, stacks + number * STACK, live);
            // One of its threads may have ended the task.
            if let Ok(thread) = thread {
                let _ = trap::mach_port_deallocate(self.task, thread);
            }
        }
        self.tasks[place] = Some(child);
        self.made += 1;
    }

    fn end_task(&mut self, place: usize) {
        let Some(child) = self.tasks[place].take() else {
            return;
        };
        let _ = mach::task_terminate(child);
        worker::bury(child);
    }

    fn disturb_thread(&mut self, place: usize) {
        let Some(thread) = self.threads[place] else {
            return;
        };
        let mut room = Buffer::<256>::new();
        match self.random.below(4) {
            0 => _ = mach::thread_abort(thread),
            1 => {
                let _ = mach::thread_suspend(thread);
                let _ = mach::thread_get_state(thread, 1, 17, &mut room.0);
                let _ = mach::thread_resume(thread);
            }
            2 => _ = mach::thread_info(thread, 1, 16, &mut room.0),
            _ => _ = trap::thread_switch(thread, 0, 0),
        }
    }

    fn disturb_task(&mut self, place: usize) {
        let Some(child) = self.tasks[place] else {
            return;
        };
        match self.random.below(4) {
            0 => {
                let _ = mach::task_suspend(child);
                pause(self.random.below(2));
                let _ = mach::task_resume(child);
            }
            1 => {
                let meeting = CopySend::new(meeting(self.random.below(MEETINGS)).0);
                let _ = mach::task_set_special_port(child, TASK_BOOTSTRAP_PORT, meeting);
            }
            _ => self.end_threads_of(child),
        }
    }

    /// Ends some of its threads, whoever they are.
    fn end_threads_of(&mut self, child: PortName) {
        let Ok(threads) = mach::task_threads(child) else {
            return;
        };
        // SAFETY: it came in a reply, once.
        let threads = unsafe { Data::claim(threads.thread_list) };
        for thread in threads.iter() {
            let thread = PortName(thread.port);
            match self.random.below(4) {
                0 => _ = mach::thread_terminate(thread),
                1 => _ = mach::thread_abort(thread),
                _ => {}
            }
            if thread.is_valid() {
                let _ = trap::mach_port_deallocate(self.task, thread);
            }
        }
    }

    /// Gives a task rights, takes some from it, and some away.
    fn look_into(&mut self, place: usize) {
        let Some(child) = self.tasks[place] else {
            return;
        };
        let name = PortName(self.random.below(24));
        match self.random.below(4) {
            0 => {
                let kind = TypeName::MOVE_RECEIVE.0 + self.random.below(6) as u8;
                let taken = mach_port::mach_port_extract_right(child, name, kind.into());
                if let Ok(taken) = taken {
                    letter::drop_right(PortName(taken.poly.port), TypeName(kind));
                }
            }
            1 => {
                // No right that could be used against this task.
                let meeting = meeting(self.random.below(MEETINGS));
                let right = AnyRight::with(meeting.0, TypeName::COPY_SEND);
                let _ = mach_port::mach_port_insert_right(child, name, right);
            }
            2 => _ = mach_port::mach_port_destroy(child, name),
            _ => {
                if let Ok(names) = mach_port::mach_port_names(child) {
                    // SAFETY: both came in a reply, once.
                    unsafe {
                        drop(Data::claim(names.names));
                        drop(Data::claim(names.types));
                    }
                }
            }
        }
    }
}

/// What a thread does until it is ended, in whichever task.
extern "C" fn live(seed: u32) -> ! {
    let mut random = Random::new(seed, 1);
    let task = trap::mach_task_self();
    let own = trap::mach_reply_port();
    loop {
        live_on(&mut random, task, own);
    }
}

fn live_on(random: &mut Random, task: PortName, own: PortName) {
    let other = meeting(random.below(MEETINGS));
    match random.below(16) {
        0..=6 => {
            let mut letter = match random.below(3) {
                0 => Letter::to(other, TypeName::COPY_SEND).reply_to(own, TypeName::MAKE_SEND_ONCE),
                1 => Letter::to(own, TypeName::MAKE_SEND),
                _ => Letter::to(other, TypeName::COPY_SEND),
            };
            for _ in 0..random.below(4) {
                enclose(random, task, own, other, &mut letter);
            }
            let _ = letter.send(LIMITS, random.below(3), PortName::NULL);
        }
        7..=10 => {
            let from = match random.below(2) {
                0 => own,
                _ => other,
            };
            let _ = letter::receive(from, LIMITS, random.below(3));
        }
        11 => {
            if let Ok(address) = trap::vm_allocate(task, 2 * STACK) {
                let at = core::ptr::with_exposed_provenance_mut::<u32>(address as usize);
                // SAFETY: it is new, and nobody else's.
                unsafe {
                    at.write_volatile(1);
                    let _ = trap::vm_deallocate(task, address, 2 * STACK);
                }
            }
        }
        12 if random.below(64) == 0 => {
            let thread = trap::mach_thread_self();
            let _ = mach::thread_terminate(thread);
        }
        13 => pause(random.below(2)),
        _ => _ = trap::swtch(),
    }
}

/// Puts a right into a letter.
fn enclose(
    random: &mut Random,
    task: PortName,
    own: PortName,
    other: PortName,
    letter: &mut Letter,
) {
    match random.below(6) {
        0 => letter.right(own, TypeName::MAKE_SEND),
        1 => letter.right(own, TypeName::MAKE_SEND_ONCE),
        2 => letter.right(other, TypeName::COPY_SEND),
        3 if random.below(16) == 0 => letter.right(other, TypeName::MOVE_RECEIVE),
        _ => {
            if let Ok(port) = trap::mach_port_allocate(task, PortRight::RECEIVE) {
                letter.right(port, TypeName::MAKE_SEND);
                letter.right(port, TypeName::MOVE_RECEIVE);
            }
        }
    }
}
