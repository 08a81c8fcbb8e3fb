//! The pager: answers what it is asked, or not, or something else.
//!
//! Owns what each object's control port is called. All objects' ports are in one
//! set; what dies with its port is not heard of again.

use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering};

use user_rt::abi::layout::vm::PAGE_SIZE;
use user_rt::abi::port::PortName;
use user_rt::abi::routine::decode_request;
use user_rt::abi::routine::memory_object::*;
use user_rt::abi::wire::{MakeSendOnceOrAny, OutOfLine};
use user_rt::message::{Buffer, Exchange, received};
use user_rt::rpc::{header, mach, mach_port};
use user_rt::trap;
use user_tests::random::Random;

/// What was heard.
pub(crate) static MESSAGES: AtomicU32 = AtomicU32::new(0);

/// Pages of data that it has to offer.
const DATA: u32 = 4;

/// Serves all ports of `set`, for ever.
pub(crate) fn serve(set: PortName, random: Random) {
    let task = trap::mach_task_self();
    let data = trap::vm_allocate(task, DATA * PAGE_SIZE).expect("memory");
    for page in 0..DATA {
        let at = ptr::with_exposed_provenance_mut::<u32>((data + page * PAGE_SIZE) as usize);
        // SAFETY: new memory.
        unsafe { at.write_volatile(page) };
    }
    let mut pager = Pager { random, data };
    let mut room = Buffer::<512>::new();
    loop {
        if Exchange::receive(set).run(&mut room.0).0 != 0 {
            continue;
        }
        MESSAGES.fetch_add(1, Ordering::Relaxed);
        pager.hear(received(&room.0));
    }
}

struct Pager {
    random: Random,
    data: u32,
}

impl Pager {
    fn hear(&mut self, bytes: &[u8]) {
        let task = trap::mach_task_self();
        match header(bytes).id {
            memory_object_init::ID => {
                if let Ok(of) = decode_request::<memory_object_init::Request>(bytes) {
                    let control = PortName(of.memory_control.port);
                    self.begin(control);
                    give_up(control);
                    give_up(PortName(of.memory_object_name.port));
                }
            }
            memory_object_data_request::ID => {
                if let Ok(of) = decode_request::<memory_object_data_request::Request>(bytes) {
                    let control = PortName(of.memory_control.port);
                    self.supply(control, of.offset, of.length);
                    give_up(control);
                }
            }
            memory_object_data_unlock::ID => {
                if let Ok(of) = decode_request::<memory_object_data_unlock::Request>(bytes) {
                    let control = PortName(of.memory_control.port);
                    self.unlock(control, of.offset, of.length);
                    give_up(control);
                }
            }
            memory_object_data_return::ID => {
                if let Ok(of) = decode_request::<memory_object_data_return::Request>(bytes) {
                    // SAFETY: what came with the message is nobody else's.
                    let _ = unsafe { trap::vm_deallocate(task, of.data.address, of.data.count) };
                    give_up(PortName(of.memory_control.port));
                }
            }
            memory_object_terminate::ID => {
                if let Ok(of) = decode_request::<memory_object_terminate::Request>(bytes) {
                    for right in [of.memory_control, of.memory_object_name] {
                        let _ = mach_port::mach_port_destroy(task, PortName(right.port));
                    }
                }
            }
            memory_object_lock_completed::ID => {
                if let Ok(of) = decode_request::<memory_object_lock_completed::Request>(bytes) {
                    give_up(PortName(of.memory_control.port));
                }
            }
            memory_object_supply_completed::ID => {
                if let Ok(of) = decode_request::<memory_object_supply_completed::Request>(bytes) {
                    give_up(PortName(of.memory_control.port));
                }
            }
            _ => {}
        }
    }

    fn begin(&mut self, control: PortName) {
        let may_cache = self.random.below(4) == 0;
        let strategy = self.random.below(5) as i32;
        match self.random.below(10) {
            // It never says that it is ready.
            0 => {}
            1 => _ = mach::memory_object_destroy(control, 5),
            2 => {
                self.nonsense(control);
                let _ = mach::memory_object_ready(control, may_cache, strategy);
            }
            3 => {
                let nobody = MakeSendOnceOrAny::new(0);
                let _ = mach::memory_object_change_attributes(control, may_cache, 2, nobody);
            }
            _ => _ = mach::memory_object_ready(control, may_cache, strategy % 4),
        }
    }

    fn supply(&mut self, control: PortName, offset: u32, length: u32) {
        let data = |size| OutOfLine::new(self.data, size);
        let nobody = MakeSendOnceOrAny::new(0);
        let give = |offset, size, locked, precious| {
            let _ = mach::memory_object_data_supply(
                control,
                offset,
                data(size),
                locked,
                precious,
                nobody,
            );
        };
        match self.random.below(14) {
            // It stalls.
            0 => {}
            1 => _ = mach::memory_object_data_error(control, offset, length, 5),
            2 => _ = mach::memory_object_data_unavailable(control, offset, length),
            // Not what was asked for.
            3 => {
                give(offset ^ PAGE_SIZE, length, 0, false);
                give(offset + 1, length, 0, false);
            }
            // Too much, twice, and parts of pages.
            4 => {
                give(offset, DATA * PAGE_SIZE, 0, false);
                give(offset, DATA * PAGE_SIZE, 0, true);
            }
            5 => {
                give(offset, 100, 0, false);
                give(offset, PAGE_SIZE + 100, 0, false);
            }
            6 => give(offset, length, 2, false),
            7 => give(offset, length, 7, true),
            8 => give(offset, length, 99, true),
            9 => {
                self.nonsense(control);
            }
            10 => _ = mach::memory_object_destroy(control, 5),
            _ => give(offset, length, 0, self.random.below(2) == 0),
        }
    }

    fn unlock(&mut self, control: PortName, offset: u32, length: u32) {
        let lock = self.random.below(9) as i32;
        let flush = self.random.below(4) == 0;
        let nobody = MakeSendOnceOrAny::new(0);
        if self.random.below(8) > 0 {
            let _ = mach::memory_object_lock_request(control, offset, length, 0, flush, 0, nobody);
        } else {
            let _ =
                mach::memory_object_lock_request(control, offset, length, 2, flush, lock, nobody);
        }
    }

    /// What a control port hears but never from a pager.
    fn nonsense(&mut self, control: PortName) {
        let nobody = MakeSendOnceOrAny::new(0);
        let (offset, size) = (self.random.word(), self.random.word());
        let page = PAGE_SIZE - 1;
        let _ = mach::memory_object_lock_request(control, offset, size, 3, true, 0, nobody);
        let _ = mach::memory_object_lock_request(control, offset & !page, size, 2, true, 7, nobody);
        let _ = mach::memory_object_data_error(control, offset & !page, size, 5);
        let _ = mach::memory_object_data_unavailable(control, 0, u32::MAX);
        let _ = mach::memory_object_get_attributes(control);
        let nothing = OutOfLine::new(0, 0);
        let _ = mach::memory_object_data_supply(control, !page, nothing, 0, true, nobody);
        let far = OutOfLine::new(self.data, 2 * PAGE_SIZE);
        let _ = mach::memory_object_data_supply(control, !page, far, 0, true, nobody);
    }
}

fn give_up(name: PortName) {
    let _ = trap::mach_port_deallocate(trap::mach_task_self(), name);
}
