//! The default pager: keeps a word of each page, and few pages as they are.
//!
//! Owns what went out, by the name of each object's port and the page's number.
//! Its tables do not grow: what it needs is there from the beginning.

use core::ptr;

use user_rt::abi::layout::vm::{PAGE_SIZE, VM_WIRE_ALL};
use user_rt::abi::port::{PortName, PortRight};
use user_rt::abi::routine::decode_request;
use user_rt::abi::routine::memory_object::*;
use user_rt::abi::routine::memory_object_default::*;
use user_rt::abi::wire::{CopySend, MakeSend, MakeSendOnceOrAny, OutOfLine};
use user_rt::message::{Buffer, Exchange, received};
use user_rt::rpc::{gnumach, header, mach, mach_port};
use user_rt::{println, trap};

/// Objects that it can keep, and pages of each.
const MOST_OBJECTS: usize = 12;
const MOST_PAGES: usize = 12 << 10;
/// Pages that it can keep as they are.
const MOST_ODD: usize = 64;
/// Words of a page.
const WORDS: usize = PAGE_SIZE as usize / 4;

struct Kept {
    /// The object's port; 0 for none.
    port: u32,
    words: [u32; MOST_PAGES],
}

/// A page that holds more than one word.
struct Odd {
    /// The object's port; 0 for none.
    port: u32,
    number: usize,
    words: [u32; WORDS],
}

/// Becomes the default pager, for ever.
pub(crate) fn begin(host: PortName) {
    let task = trap::mach_task_self();
    let set = trap::mach_port_allocate(task, PortRight::PORT_SET).expect("a port set");
    let port = trap::mach_port_allocate(task, PortRight::RECEIVE).expect("a port");
    mach_port::mach_port_move_member(task, port, set).expect("a member of the set");
    let data = trap::vm_allocate(task, PAGE_SIZE).expect("memory");
    let kept = table::<Kept>(MOST_OBJECTS);
    let odd = table::<Odd>(MOST_ODD);
    let mut pager = Pager {
        set,
        data,
        kept,
        odd,
        went_out: 0,
        came_back: 0,
    };
    gnumach::vm_wire_all(host, CopySend::new(task.0), VM_WIRE_ALL).expect("to be wired");
    let before = mach::vm_set_default_memory_manager(host, MakeSend::new(port.0));
    before.expect("to be the default pager");
    let mut room = Buffer::<512>::new();
    loop {
        if Exchange::receive(set).run(&mut room.0).0 == 0 {
            pager.hear(received(&room.0));
        }
    }
}

/// So many of a type that may be all zero, for one owner.
fn table<T>(count: usize) -> &'static mut [T] {
    let size = (size_of::<T>() * count) as u32;
    let memory = trap::vm_allocate(trap::mach_task_self(), size).expect("memory");
    let first = ptr::with_exposed_provenance_mut::<T>(memory as usize);
    // SAFETY: new memory of this size, all zero, which integers may be.
    unsafe { core::slice::from_raw_parts_mut(first, count) }
}

struct Pager {
    set: PortName,
    /// A page to supply from.
    data: u32,
    kept: &'static mut [Kept],
    odd: &'static mut [Odd],
    went_out: u32,
    came_back: u32,
}

impl Pager {
    fn hear(&mut self, bytes: &[u8]) {
        let port = header(bytes).local_port;
        match header(bytes).id {
            memory_object_create::ID => {
                if let Ok(of) = decode_request::<memory_object_create::Request>(bytes) {
                    let port = of.new_memory_object.port;
                    self.begin(port);
                    give_up(of.new_control_port.port);
                    give_up(of.new_name.port);
                }
            }
            memory_object_data_initialize::ID => {
                if let Ok(of) = decode_request::<memory_object_data_initialize::Request>(bytes) {
                    self.keep(port, of.offset, of.data.address, of.data.count);
                    give_up(of.memory_control_port.port);
                }
            }
            memory_object_data_return::ID => {
                if let Ok(of) = decode_request::<memory_object_data_return::Request>(bytes) {
                    self.keep(port, of.offset, of.data.address, of.data.count);
                    give_up(of.memory_control.port);
                }
            }
            memory_object_data_request::ID => {
                if let Ok(of) = decode_request::<memory_object_data_request::Request>(bytes) {
                    self.supply(port, PortName(of.memory_control.port), of.offset);
                    give_up(of.memory_control.port);
                }
            }
            memory_object_terminate::ID => {
                if let Ok(of) = decode_request::<memory_object_terminate::Request>(bytes) {
                    let ports = [port, of.memory_control.port, of.memory_object_name.port];
                    let task = trap::mach_task_self();
                    for port in ports {
                        let _ = mach_port::mach_port_destroy(task, PortName(port));
                    }
                    for odd in self.odd.iter_mut().filter(|odd| odd.port == port) {
                        odd.port = 0;
                    }
                    if let Some(kept) = self.kept_of(port) {
                        kept.port = 0;
                    }
                    if self.kept.iter().all(|kept| kept.port == 0) {
                        let both = self.went_out > 0 && self.came_back > 0;
                        println!("paging: pages went out and came back: {both}");
                    }
                }
            }
            id => println!("paging: message {id} was not expected"),
        }
    }

    fn kept_of(&mut self, port: u32) -> Option<&mut Kept> {
        self.kept.iter_mut().find(|kept| kept.port == port)
    }

    fn begin(&mut self, port: u32) {
        let task = trap::mach_task_self();
        let _ = mach_port::mach_port_move_member(task, PortName(port), self.set);
        match self.kept_of(0) {
            Some(kept) => kept.port = port,
            None => println!("paging: one object too many"),
        }
    }

    fn keep(&mut self, port: u32, offset: u32, address: u32, size: u32) {
        for page in 0..size / PAGE_SIZE {
            let at =
                ptr::with_exposed_provenance::<[u32; WORDS]>((address + page * PAGE_SIZE) as usize);
            // SAFETY: what came with the message, whole pages.
            let words = unsafe { &*at };
            let number = (offset / PAGE_SIZE + page) as usize;
            let was = |odd: &Odd| odd.port == port && odd.number == number;
            if let Some(odd) = self.odd.iter_mut().find(|odd| was(odd)) {
                odd.port = 0;
            }
            if words.iter().any(|word| *word != words[0]) {
                match self.odd.iter_mut().find(|odd| odd.port == 0) {
                    Some(odd) => {
                        (odd.port, odd.number) = (port, number);
                        odd.words.copy_from_slice(words);
                    }
                    None => println!("paging: one page too many that is not of one word"),
                }
            }
            if let Some(place) = self
                .kept_of(port)
                .and_then(|kept| kept.words.get_mut(number))
            {
                *place = words[0];
                self.went_out += 1;
            }
        }
        // SAFETY: nobody uses it any more.
        let _ = unsafe { trap::vm_deallocate(trap::mach_task_self(), address, size) };
    }

    fn supply(&mut self, port: u32, control: PortName, offset: u32) {
        let number = (offset / PAGE_SIZE) as usize;
        let word = self
            .kept_of(port)
            .and_then(|kept| kept.words.get(number).copied());
        let Some(word) = word else {
            let _ = mach::memory_object_data_error(control, offset, PAGE_SIZE, 5);
            return;
        };
        let at = ptr::with_exposed_provenance_mut::<[u32; WORDS]>(self.data as usize);
        // SAFETY: this thread's own page.
        let words = unsafe { &mut *at };
        let is_it = |odd: &&Odd| odd.port == port && odd.number == number;
        match self.odd.iter().find(is_it) {
            Some(odd) => words.copy_from_slice(&odd.words),
            None => words.fill(word),
        }
        self.came_back += 1;
        let nobody = MakeSendOnceOrAny::new(0);
        let data = OutOfLine::new(self.data, PAGE_SIZE);
        let supplied = mach::memory_object_data_supply(control, offset, data, 0, false, nobody);
        if let Err(code) = supplied {
            println!("paging: supplying answers {code:?}");
        }
    }
}

fn give_up(name: u32) {
    let _ = trap::mach_port_deallocate(trap::mach_task_self(), PortName(name));
}
