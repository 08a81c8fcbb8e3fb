//! Memory that is protected, taken away and written to while it is sent.
//!
//! Owns a piece of memory that threads send parts of to each other, while others
//! change it. Who touches what is not there has it made by the thread that hears of
//! exceptions, and goes on. What has arrived belongs to the receiver alone: it must
//! be all there, hold nothing but what was once written to these pages, and stay.

use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering};

use user_rt::abi::layout::Plain;
use user_rt::abi::layout::task::TASK_EXCEPTION_PORT;
use user_rt::abi::layout::vm::{PAGE_SIZE, VM_PROT_DEFAULT};
use user_rt::abi::message::{Options, TypeName};
use user_rt::abi::port::{PortName, PortRight};
use user_rt::abi::routine::exc::exception_raise;
use user_rt::abi::trap::SYSCALL_VM_ALLOCATE;
use user_rt::abi::wire::{CopySend, OutOfLine};
use user_rt::data::Data;
use user_rt::message::Buffer;
use user_rt::rpc::{mach, mach_port};
use user_rt::server;
use user_rt::thread;
use user_rt::trap;
use user_tests::random::Random;

use super::letter::{self, Letter};
use super::{Orders, wait_until};

/// Where memory lies that is taken away: high, for what others are given is the
/// lowest that is free, and must not lie here in between.
const FIELD: u32 = 0xa000_0000;
const ASIDE: u32 = 0xa800_0000;
const PAGES: u32 = 32;
const PORTS: usize = 2;
/// Threads that send, receive, and write.
const SENDERS: u32 = 2;
const RECEIVERS: u32 = 2;
const WRITERS: u32 = 1;
const LIMITS: Options = Options::SEND_TIMEOUT.with(Options::RCV_TIMEOUT);

static END: AtomicU32 = AtomicU32::new(0);
static ENDED: AtomicU32 = AtomicU32::new(0);
/// Pages that arrived.
static ARRIVED: AtomicU32 = AtomicU32::new(0);

/// What all threads know.
#[derive(Clone, Copy)]
struct Field {
    task: PortName,
    start: u32,
    /// As many pages, which nobody touches.
    aside: u32,
    ports: [PortName; PORTS],
}

pub(super) fn stress(orders: Orders) -> u32 {
    let steps = orders.steps(20);
    let task = trap::mach_task_self();
    let exceptions = port();
    mach::task_set_special_port(task, TASK_EXCEPTION_PORT, CopySend::new(exceptions.0))
        .expect("an exception port");
    let field = Field {
        task,
        start: FIELD,
        aside: ASIDE,
        ports: [port(), port()],
    };
    allocate_at(task, FIELD, PAGES * PAGE_SIZE);
    allocate_at(task, ASIDE, PAGES * PAGE_SIZE);
    thread::spawn(move || make_what_is_touched(field, exceptions)).expect("a thread");
    let (own, seed) = (orders.own, orders.seed);
    for number in 0..SENDERS + RECEIVERS + WRITERS {
        let random = Random::new(seed, own << 8 | number);
        let act = match number {
            0..SENDERS => send,
            SENDERS..4 => receive,
            _ => write,
        };
        thread::spawn(move || until_the_end(field, random, act)).expect("a thread");
    }
    let mut random = orders.random;
    for _ in steps {
        field.change(&mut random);
    }
    END.store(1, Ordering::Relaxed);
    wait_until(|| ENDED.load(Ordering::Relaxed) == SENDERS + RECEIVERS + WRITERS);
    for port in field.ports {
        let _ = mach_port::mach_port_destroy(task, port);
    }
    ARRIVED.load(Ordering::Relaxed)
}

/// A new port with a send right under the same name.
fn port() -> PortName {
    let task = trap::mach_task_self();
    let port = trap::mach_port_allocate(task, PortRight::RECEIVE).expect("a port");
    trap::mach_port_insert_right(task, port, port, TypeName::MAKE_SEND).expect("a right");
    port
}

fn until_the_end(field: Field, mut random: Random, act: fn(Field, &mut Random)) {
    while END.load(Ordering::Relaxed) == 0 {
        act(field, &mut random);
    }
    ENDED.fetch_add(1, Ordering::Relaxed);
}

/// What stands in each word of a page: which page it is, and some number.
const MARK: u32 = 0x5a00_0000;

fn mark(page: u32, random: &mut Random) -> u32 {
    MARK | page << 16 | random.below(1 << 16)
}

fn word(address: u32) -> *mut u32 {
    ptr::with_exposed_provenance_mut(address as usize)
}

impl Field {
    /// Some of its pages: the first, and how many.
    fn part(self, random: &mut Random) -> (u32, u32) {
        let first = random.below(PAGES);
        (first, 1 + random.below((PAGES - first).min(8)))
    }

    fn change(self, random: &mut Random) {
        let (first, pages) = self.part(random);
        let (address, size) = (self.start + first * PAGE_SIZE, pages * PAGE_SIZE);
        let task = self.task;
        match random.below(12) {
            0..=2 => {
                let protection = random.below(4) as i32;
                let _ = mach::vm_protect(task, address, size, false, protection);
            }
            3 => {
                let _ = mach::vm_protect(task, address, size, false, VM_PROT_DEFAULT);
            }
            4 | 5 => {
                // SAFETY: threads that use it have what is missing made.
                let _ = unsafe { trap::vm_deallocate(task, address, size) };
            }
            6 => {
                // SAFETY: as above.
                let _ = unsafe { trap::vm_deallocate(task, address, size) };
                allocate_at(task, address, size);
            }
            7 => _ = mach::vm_inherit(task, address, size, random.below(3) as i32),
            8 => {
                let aside = self.aside + first * PAGE_SIZE;
                let _ = match random.below(2) {
                    0 => mach::vm_copy(task, address, size, aside),
                    _ => mach::vm_copy(task, aside, size, address),
                };
            }
            9 => {
                if let Ok(read) = mach::vm_read(task, address, size) {
                    // SAFETY: it came in a reply, once.
                    let data = unsafe { Data::claim(read.data) };
                    check(data.bytes());
                    // The same pages, and so nothing else than was there.
                    let data = OutOfLine::new(data.bytes().as_ptr().addr() as u32, size);
                    let _ = mach::vm_write(task, address, data);
                }
            }
            10 => {
                if let Ok(child) = mach::task_create(task, true) {
                    let child = PortName(child.child_task.port);
                    let _ = mach::task_terminate(child);
                    let _ = trap::mach_port_deallocate(task, child);
                }
            }
            _ => _ = trap::swtch(),
        }
    }
}

fn allocate_at(task: PortName, address: u32, size: u32) {
    let mut address = address;
    let at = ptr::from_mut(&mut address).expose_provenance() as u32;
    // SAFETY: the kernel writes to the variable; what it allocates was nobody's.
    let _ = unsafe { trap::raw(SYSCALL_VM_ALLOCATE, [task.0, at, size, 0]) };
}

/// Sends some pages, which stay or go.
fn send(field: Field, random: &mut Random) {
    let to = field.ports[random.below(PORTS as u32) as usize];
    let mut letter = Letter::to(to, TypeName::COPY_SEND);
    for _ in 0..1 + random.below(2) {
        let (first, pages) = field.part(random);
        let (begin, end) = match random.below(3) {
            0 => (
                random.below(PAGE_SIZE / 4) * 4,
                random.below(PAGE_SIZE / 4) * 4,
            ),
            _ => (0, PAGE_SIZE),
        };
        let size = (pages - 1) * PAGE_SIZE + end;
        if size > begin {
            let address = field.start + first * PAGE_SIZE + begin;
            letter.memory(address, size - begin, random.below(4) == 0);
        }
    }
    let _ = letter.send(LIMITS, random.below(3), PortName::NULL);
}

/// Receives pages, and looks at them.
fn receive(field: Field, random: &mut Random) {
    let from = field.ports[random.below(PORTS as u32) as usize];
    let _ = letter::receive_and(from, LIMITS, random.below(3), |message| {
        letter::for_each_item(message, |descriptor, words| {
            if descriptor.is_inline || descriptor.number == 0 {
                return;
            }
            let start = ptr::with_exposed_provenance::<u8>(u32::read(words) as usize);
            // SAFETY: it came with the message, and nobody else knows of it.
            check(unsafe { core::slice::from_raw_parts(start, descriptor.number as usize) });
            ARRIVED.fetch_add(descriptor.number.div_ceil(PAGE_SIZE), Ordering::Relaxed);
        });
    });
}

/// What arrived is what was written, in the order of pages, and does not change.
fn check(bytes: &[u8]) {
    /// Words between two that are looked at.
    const STEP: usize = 61;
    let start = bytes.as_ptr().addr() as u32;
    let sum = || {
        let (mut sum, mut page) = (0_u32, 0);
        for at in (0..bytes.len() / 4).step_by(STEP) {
            // SAFETY: within the bytes, which were sent from a multiple of four.
            let value = unsafe { word(start + at as u32 * 4).read_volatile() };
            sum = sum.wrapping_mul(31).wrapping_add(value);
            if value != 0 {
                let now = value >> 16 & 0xff;
                assert!(value & 0xff00_0000 == MARK, "{value:#x} was never written");
                assert!(now >= page, "{value:#x} is of another page");
                page = now;
            }
        }
        sum
    };
    assert!(sum() == sum(), "memory changed after it had arrived");
}

/// Writes to some page.
fn write(field: Field, random: &mut Random) {
    let page = random.below(PAGES);
    let at = field.start + page * PAGE_SIZE + random.below(PAGE_SIZE / 4) * 4;
    let value = mark(page, random);
    // SAFETY: memory that nobody relies on; what is missing is made.
    unsafe { word(at).write_volatile(value) };
}

/// Makes the page that somebody touched in vain, and lets him go on.
fn make_what_is_touched(field: Field, exceptions: PortName) {
    let (mut one, mut other) = (Buffer::<256>::new(), Buffer::<256>::new());
    let _ = server::serve(exceptions, &mut one.0, &mut other.0, |incoming, room| {
        incoming.answer(room, |raised: exception_raise::Request| {
            let page = raised.subcode as u32 & !(PAGE_SIZE - 1);
            let end = field.start + PAGES * PAGE_SIZE;
            assert!((field.start..end).contains(&page), "a fault at {page:#x}");
            allocate_at(field.task, page, PAGE_SIZE);
            let _ = mach::vm_protect(field.task, page, PAGE_SIZE, false, VM_PROT_DEFAULT);
            for name in [raised.thread.port, raised.task.port] {
                let _ = trap::mach_port_deallocate(field.task, PortName(name));
            }
            Ok(exception_raise::Reply {})
        })
    });
}
