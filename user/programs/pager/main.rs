//! A pager: supplies a memory object page by page, and keeps what is written to it.
//!
//! `pager NAME [PAGES [aloud]]`: the object is registered under NAME at the name
//! server, `map` maps it. At first each of its words is its own offset. Aloud it
//! says what it is asked and told (manual, chapter 6).

#![no_std]
#![no_main]

use user_programs::{names, service};
use user_rt::abi::kern_return::KernReturn;
use user_rt::abi::layout::vm::{MEMORY_OBJECT_COPY_DELAY, PAGE_SIZE};
use user_rt::abi::port::PortName;
use user_rt::abi::routine::decode_request;
use user_rt::abi::routine::memory_object::{
    memory_object_data_request, memory_object_data_return, memory_object_init,
    memory_object_terminate,
};
use user_rt::abi::wire::MakeSendOnceOrAny;
use user_rt::data::Data;
use user_rt::memory::Pages;
use user_rt::message::Buffer;
use user_rt::rpc::mach;
use user_rt::server::{self, Incoming, Next};
use user_rt::trap::{self, Result};
use user_rt::{Arguments, println};

user_rt::program!(main);

/// Pages, if nobody says otherwise, and at most.
const USUAL: u32 = 4;
const MOST: u32 = 1024;

fn main(arguments: Arguments) {
    let Some(name) = arguments.word(1) else {
        return println!("pager: usage: pager NAME [PAGES [aloud]]");
    };
    let pages = arguments.number(2).unwrap_or(USUAL).clamp(1, MOST);
    let voice = match arguments.word(3) {
        Some(_) => Voice::Aloud,
        None => Voice::Quiet,
    };
    let served = Store::new(pages, voice).and_then(|store| serve(name.to_bytes(), store));
    if let Err(code) = served {
        println!("pager: {}", code.name().unwrap_or("a message failed"));
    }
}

/// Serves an object until the task is ended.
fn serve(name: &[u8], mut store: Store) -> Result {
    let object = service::new()?;
    names::register(names::server()?, name, object)?;
    let (mut one, mut other) = (Buffer::<512>::new(), Buffer::<512>::new());
    server::serve(object, &mut one.0, &mut other.0, |incoming, room| {
        store.obey(&incoming, room)
    })
}

/// Whether it says what it does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Voice {
    Quiet,
    Aloud,
}

/// What the object is made of.
struct Store {
    pages: Pages,
    voice: Voice,
}

impl Store {
    fn new(count: u32, voice: Voice) -> Result<Store> {
        let mut pages = Pages::new(count * PAGE_SIZE)?;
        let words = pages.bytes_mut().chunks_exact_mut(4);
        for (word, at) in words.zip((0_u32..).step_by(4)) {
            word.copy_from_slice(&at.to_le_bytes());
        }
        Ok(Store { pages, voice })
    }

    fn say(&self, what: core::fmt::Arguments<'_>) {
        if self.voice == Voice::Aloud {
            println!("pager: {what}");
        }
    }

    /// What the kernel asks and tells. Whoever has a right to the object can say
    /// the same, and harms those who map it, and nobody else.
    fn obey(&mut self, incoming: &Incoming<'_>, room: &mut [u8]) -> Next {
        let bytes = incoming.bytes;
        let known = match incoming.header.id {
            memory_object_init::ID => decode_request(bytes).map(|of| self.begin(&of)),
            memory_object_data_request::ID => decode_request(bytes).map(|of| self.supply(&of)),
            memory_object_data_return::ID => {
                return match decode_request(bytes) {
                    Ok(of) => self.take(&of),
                    Err(_) => incoming.drop_all(),
                };
            }
            memory_object_terminate::ID => {
                decode_request(bytes).map(|_: memory_object_terminate::Request| {
                    self.say(format_args!("nobody maps it any more"));
                })
            }
            _ => return incoming.refuse(KernReturn::MIG_BAD_ID, room),
        };
        // With what the ports that came with it were for, they go.
        let _ = known;
        incoming.drop_all()
    }

    fn begin(&self, of: &memory_object_init::Request) {
        self.say(format_args!("somebody maps it"));
        let control = PortName(of.memory_control.port);
        let _ = mach::memory_object_ready(control, false, MEMORY_OBJECT_COPY_DELAY);
    }

    fn supply(&self, of: &memory_object_data_request::Request) {
        let control = PortName(of.memory_control.port);
        let page = of.offset / PAGE_SIZE;
        let nobody = MakeSendOnceOrAny::new(0);
        let _ = match self.pages.part(of.offset, of.length) {
            Some(data) => {
                self.say(format_args!("page {page} is asked for"));
                mach::memory_object_data_supply(control, of.offset, data, 0, false, nobody)
            }
            None => {
                self.say(format_args!("there is no page {page}"));
                let code = KernReturn::INVALID_ADDRESS.0;
                mach::memory_object_data_error(control, of.offset, of.length, code)
            }
        };
    }

    fn take(&mut self, of: &memory_object_data_return::Request) -> Next {
        // SAFETY: it came with this message, and nobody else claims it.
        let data = unsafe { Data::claim(of.data) };
        let begin = of.offset as usize;
        let end = begin.saturating_add(data.bytes().len());
        if let Some(place) = self.pages.bytes_mut().get_mut(begin..end) {
            place.copy_from_slice(data.bytes());
            let pages = data.bytes().chunks(PAGE_SIZE as usize);
            for (page, _) in (of.offset / PAGE_SIZE..).zip(pages) {
                self.say(format_args!("page {page} comes back"));
            }
        }
        let own = trap::mach_task_self();
        let _ = trap::mach_port_deallocate(own, PortName(of.memory_control.port));
        Next::Receive
    }
}
