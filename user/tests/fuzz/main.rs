//! Throws random traps, messages and descriptors at the kernel.
//!
//! Arguments: a number that no other task of its kind has, a seed, and how many
//! calls to make. It has no port but its own. It says how far it is, and at the
//! end what the calls were; the same seed makes the same calls, though not the
//! same answers.

#![no_std]
#![no_main]

mod bodies;

use user_rt::abi::layout::task::TASK_BOOTSTRAP_PORT;
use user_rt::abi::message::{HEADER_BYTES, Options};
use user_rt::abi::port::PortName;
use user_rt::abi::trap as number;
use user_rt::message::Buffer;
use user_rt::{Arguments, println, trap};
use user_tests::random::Random;

/// Room for a message, with what a wild size may add.
const ROOM: usize = 4096;
/// Calls between two lines.
const STEP: u32 = 1 << 14;

user_rt::program!(main);

fn main(arguments: Arguments) {
    let argument = |place| arguments.number(place).expect("a number as argument");
    let (own, seed, calls) = (argument(1), argument(2), argument(3));
    let mut fuzzer = Fuzzer {
        random: Random::new(seed, own),
        task: trap::mach_task_self(),
        room: Buffer::new(),
        scratch: trap::vm_allocate(trap::mach_task_self(), SCRATCH).unwrap_or(0),
    };
    let (mut traps, mut messages) = (0_u32, 0_u32);
    for call in 0..calls {
        match fuzzer.random.below(3) {
            0 => {
                fuzzer.trap();
                traps += 1;
            }
            _ => {
                fuzzer.message();
                messages += 1;
            }
        }
        if call % 64 == 0 {
            // It may have given its last right to itself away.
            fuzzer.task = trap::mach_task_self();
        }
        if call % STEP == STEP - 1 {
            println!("fuzz {own}: {} calls", call + 1);
        }
    }
    println!("fuzz {own}: {calls} calls: {traps} traps, {messages} messages");
}

/// Bytes that calls may do with what they like.
const SCRATCH: u32 = 16 << 12;

struct Fuzzer {
    random: Random,
    task: PortName,
    room: Buffer<ROOM>,
    /// Where the scratch pages are.
    scratch: u32,
}

impl Fuzzer {
    /// A word that some call may take for something.
    fn word(&mut self) -> u32 {
        let random = &mut self.random;
        match random.below(14) {
            0 => 0,
            1 => u32::MAX,
            2 => 0xc000_0000 + random.below(8192),
            3 => random.word(),
            4 => 0xbfff_ffff - random.below(64),
            5 => self.task.0,
            6 => self.scratch + random.below(SCRATCH),
            7 => 1 << random.below(32),
            8 => random.below(16) * 4096,
            _ => random.below(32),
        }
    }

    /// Memory that a call may take away or write to.
    fn memory(&mut self) -> u32 {
        match self.random.below(8) {
            0 => self.word_not_ours(),
            _ => self.scratch + self.random.below(SCRATCH),
        }
    }

    /// An address that is not of this program's code, data or stack.
    fn word_not_ours(&mut self) -> u32 {
        match self.random.below(4) {
            0 => 0,
            1 => 0xc000_0000 | self.random.word(),
            2 => 0x4000_0000 + self.random.below(64) * 4096,
            _ => u32::MAX - self.random.below(4096),
        }
    }

    /// A trap with arguments that may be right.
    fn trap(&mut self) {
        let traps = number::TRAPS;
        let place = self.random.below(traps.len() as u32 + 4) as usize;
        let number = match traps.get(place) {
            Some(trap) => trap.number,
            None => -1 - self.random.below(129) as i32,
        };
        let task = match self.random.below(3) {
            0 => self.word(),
            _ => self.task.0,
        };
        let mut words = [0; 11];
        for word in &mut words {
            *word = self.word();
        }
        words[0] = task;
        match number {
            // That one is made by `message`.
            number::MACH_MSG_TRAP => return,
            // The program would end, wait for ever, or leave tasks behind.
            number::SYSCALL_TASK_TERMINATE
            | number::SYSCALL_TASK_SUSPEND
            | number::SYSCALL_TASK_CREATE
            | number::THREAD_SET_SELF_STATE => return,
            number::THREAD_SWITCH => {
                words = [task, words[1] % 4, words[2] % 2, 0, 0, 0, 0, 0, 0, 0, 0]
            }
            // Of memory that is there it would print noise.
            number::MACH_PRINT => words[0] = 0xc000_0000 | self.random.word(),
            number::SYSCALL_VM_ALLOCATE => {
                words[1] = self.memory();
                words[2] %= 1 << 20;
            }
            number::SYSCALL_VM_DEALLOCATE => {
                words[1] = 0x4000_0000 + self.random.below(64) * 4096;
                words[2] = self.random.below(16) * 4096;
            }
            // It needs its own port to end, and nobody answers its exceptions.
            number::SYSCALL_TASK_SET_SPECIAL_PORT => {
                words[1] = TASK_BOOTSTRAP_PORT as u32 + self.random.below(4);
            }
            number::SYSCALL_VM_MAP => {
                words[1] = self.memory();
                words[2] %= 1 << 20;
                // Not in the place of the program: where there is room.
                words[4] = 1;
            }
            number::SYSCALL_MACH_PORT_ALLOCATE => {
                words[2] = self.memory();
                words[1] = self.random.below(6);
            }
            _ => {}
        }
        // SAFETY: what the trap may write to or take away is the scratch pages,
        // memory of nobody's, or what the kernel must refuse.
        let _ = unsafe { trap::raw(number, words) };
    }

    /// A message that may make sense, sent or received with options that may.
    fn message(&mut self) {
        let size = bodies::fill(&mut self.random, self.task, self.scratch, &mut self.room.0);
        let random = &mut self.random;
        let mut options = Options::SEND_TIMEOUT.with(Options::RCV_TIMEOUT).0;
        options |= u32::from(random.below(8) > 0) * Options::SEND_MSG.0;
        options |= u32::from(random.below(2) > 0) * Options::RCV_MSG.0;
        options |= match random.below(4) {
            0 => random.word() & 0x1_0fe0,
            _ => 0,
        };
        // No matter what came of the coins: nothing waits for ever.
        options |= Options::SEND_TIMEOUT.with(Options::RCV_TIMEOUT).0;
        let send = match random.below(16) {
            0 => random.below(ROOM as u32),
            1 => random.word(),
            _ => size as u32,
        };
        let receive = match random.below(3) {
            0 => random.below(HEADER_BYTES as u32 * 4),
            _ => ROOM as u32,
        };
        let address = match random.below(50) {
            0 => self.word_not_ours(),
            _ => core::ptr::from_mut(&mut self.room.0).expose_provenance() as u32,
        };
        let words = [
            address,
            options,
            send,
            receive,
            self.random.below(40),
            u32::from(self.random.below(256) == 0),
            self.word(),
        ];
        // SAFETY: no more than the room is received, and what the message may
        // take away is the scratch pages or memory of nobody's.
        let _ = unsafe { trap::raw(number::MACH_MSG_TRAP, words) };
    }
}
