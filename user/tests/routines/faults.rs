//! `exc`: what the kernel tells an exception port, and what its answer does.
//!
//! A thread commits a crime; this one receives the exception, and ends it or
//! mends it.

use user_rt::abi::kern_return::KernReturn;
use user_rt::abi::layout::Plain;
use user_rt::abi::layout::task::TASK_EXCEPTION_PORT;
use user_rt::abi::layout::thread::{I386_THREAD_STATE, ThreadState};
use user_rt::abi::port::PortName;
use user_rt::abi::routine::decode_request;
use user_rt::abi::routine::exc::exception_raise;
use user_rt::abi::wire::{Array, CopySend};
use user_rt::message::{Buffer, Exchange, received};
use user_rt::rpc::mach;
use user_rt::server::{Incoming, Next};
use user_rt::thread::{self, Thread};
use user_rt::trap::Result;
use user_tests::arch::crime::{ALL, Crime};

use crate::Ports;
use crate::row::{holds, port, row, value};

const ROUTINE: &str = "exception_raise";
/// Bytes of the instruction of the crime `ud2` (Intel SDM 2B, UD).
const UD2: u32 = 2;
const WORDS: usize = ThreadState::COUNT as usize;

pub(super) fn rows(ports: &Ports) {
    let handler = port();
    let set =
        mach::task_set_special_port(ports.task, TASK_EXCEPTION_PORT, CopySend::new(handler.0));
    if row("task_set_special_port", "for exceptions", set).is_none() {
        // A crime would end this task.
        return;
    }
    for crime in ALL {
        ended(handler, crime);
    }
    if let Some(crime) = ALL.iter().find(|(name, _)| *name == "ud2") {
        mended(handler, crime);
    }
    let none = mach::task_set_special_port(ports.task, TASK_EXCEPTION_PORT, CopySend::new(0));
    row("task_set_special_port", "for exceptions no more", none);
}

/// Begins a thread that commits a crime, and receives what is told of it.
fn committed(
    handler: PortName,
    (_, commit): &'static Crime,
    room: &mut Buffer<512>,
) -> Result<Thread> {
    let criminal = thread::spawn(commit)?;
    match Exchange::receive(handler).within(2000).run(&mut room.0).0 {
        0 => Ok(criminal),
        code => {
            let _ = mach::thread_terminate(criminal.port());
            let _ = criminal.join();
            Err(KernReturn(code as i32))
        }
    }
}

/// The thread is ended instead of an answer.
fn ended(handler: PortName, crime: &'static Crime) {
    let mut room = Buffer::<512>::new();
    let criminal = committed(handler, crime, &mut room);
    let told = criminal.and_then(|criminal| {
        let told = decode_request::<exception_raise::Request>(received(&room.0));
        let own = told.is_ok_and(|told| told.thread.port == criminal.port().0);
        mach::thread_terminate(criminal.port())?;
        criminal.join()?;
        told.map(|told| (told, own))
            .map_err(|_| KernReturn::MIG_BAD_ARGUMENTS)
    });
    value(ROUTINE, crime.0, told, |(told, own)| {
        (told.exception, told.code, told.subcode, *own)
    });
}

/// The thread goes on behind its crime.
fn mended(handler: PortName, crime: &'static Crime) {
    let mut room = Buffer::<512>::new();
    let answered = committed(handler, crime, &mut room).and_then(|criminal| {
        skip(criminal.port(), UD2)?;
        // SAFETY: it was received there, and is answered here alone.
        let incoming = unsafe { Incoming::new(&room.0) };
        let mut answer = Buffer::<256>::new();
        let next = incoming.answer(&mut answer.0, |_: exception_raise::Request| {
            Ok(exception_raise::Reply {})
        });
        let Next::Reply(size) = next else {
            return Err(KernReturn::MIG_BAD_ARGUMENTS);
        };
        user_rt::rpc::checked(Exchange::send(size).run(&mut answer.0))?;
        criminal.join()
    });
    holds(ROUTINE, "an answer lets it go on", answered.is_ok());
    row(ROUTINE, "and it ends", answered);
}

/// Moves a thread's instruction pointer.
fn skip(thread: PortName, bytes: u32) -> Result {
    let mut room = Buffer::<256>::new();
    let flavor = I386_THREAD_STATE;
    let reply = mach::thread_get_state(thread, flavor, ThreadState::COUNT, &mut room.0)?;
    let mut bytes_of = [0; WORDS * 4];
    for (place, word) in bytes_of.chunks_exact_mut(4).zip(reply.old_state.iter()) {
        word.write(place);
    }
    let mut state = ThreadState::read(&bytes_of);
    state.eip += bytes;
    state.write(&mut bytes_of);
    let words: [u32; WORDS] = Plain::read(&bytes_of);
    mach::thread_set_state(thread, flavor, Array::new(&words)).map(drop)
}
