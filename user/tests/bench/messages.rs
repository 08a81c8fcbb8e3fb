//! Messages: to oneself, to another thread, to another task.

use user_rt::abi::kern_return::KernReturn;
use user_rt::abi::layout::Plain;
use user_rt::abi::message::{Bits, Descriptor, HEADER_BYTES, TypeName};
use user_rt::abi::port::{PortName, PortRight};
use user_rt::abi::wire::AnyRight;
use user_rt::message::{Buffer, Exchange};
use user_rt::rpc::{checked, mach_port};
use user_rt::thread;
use user_rt::trap::{self, Result};

use crate::server::{self, END, NAME};
use crate::{not_served, row};

const MEGABYTE: u32 = 1 << 20;

pub(crate) fn rows(server: PortName) {
    let Ok(port) = own_port() else { return };
    to_oneself(port);
    let thread = own_port().and_then(|port| {
        let thread = thread::spawn(move || server::run(port))?;
        Ok((thread, port))
    });
    match thread {
        Err(code) => not_served("rpc-one-task", code),
        Ok((thread, port)) => {
            calls(
                port,
                ["rpc-one-task", "rpc-one-task-64", "rpc-one-task-4096"],
            );
            end(port);
            let _ = thread.join();
        }
    }
    match given(server) {
        Err(code) => not_served("rpc-two-tasks", code),
        Ok(port) => {
            calls(
                port,
                ["rpc-two-tasks", "rpc-two-tasks-64", "rpc-two-tasks-4096"],
            );
            end(port);
        }
    }
}

/// A new port with a send right to it.
pub(crate) fn own_port() -> Result<PortName> {
    let task = trap::mach_task_self();
    let port = trap::mach_port_allocate(task, PortRight::RECEIVE)?;
    trap::mach_port_insert_right(task, port, port, TypeName::MAKE_SEND)?;
    Ok(port)
}

/// A port whose receive right the other task has.
fn given(server: PortName) -> Result<PortName> {
    let port = own_port()?;
    let right = AnyRight::with(port.0, TypeName::MOVE_RECEIVE);
    mach_port::mach_port_insert_right(server, PortName(NAME), right)?;
    Ok(port)
}

/// Puts a header before what is in the buffer. By words: it is measured with the
/// message.
fn put_header<const BYTES: usize>(buffer: &mut Buffer<BYTES>, header: [u32; 6]) {
    const { assert!(BYTES >= HEADER_BYTES) };
    let place = core::ptr::from_mut(buffer).cast::<[u32; 6]>();
    // SAFETY: the buffer is as long as a header, and aligned to words.
    unsafe { place.write(header) };
}

/// A descriptor of `bytes` bytes behind the header.
fn put_bytes(buffer: &mut [u8], bytes: usize) {
    let what = Descriptor {
        name: TypeName::BYTE.0.into(),
        size_bits: 8,
        number: bytes as u32,
        is_inline: true,
        is_long: false,
        deallocate: false,
    };
    if let Some((words, length)) = what.to_bytes() {
        buffer[HEADER_BYTES..HEADER_BYTES + length].copy_from_slice(&words[..length]);
    }
}

/// A round trip without a body to `port`, whose answer comes to `reply`.
pub(crate) fn round_trip(buffer: &mut Buffer<64>, port: PortName, reply: PortName) -> Result {
    let bits = Bits::new(TypeName::COPY_SEND, TypeName::MAKE_SEND_ONCE);
    let size = HEADER_BYTES;
    put_header(buffer, [bits.0, size as u32, port.0, reply.0, 0, 1]);
    checked(Exchange::rpc(size, reply).run(&mut buffer.0))
}

/// Round trips without a body, with 64 and with 4,096 bytes.
fn calls(port: PortName, names: [&str; 3]) {
    let reply = trap::mach_reply_port();
    for (name, bytes) in names.into_iter().zip([0, 64, 4096]) {
        let mut buffer = Buffer::<8192>::new();
        let size = match bytes {
            0 => HEADER_BYTES,
            bytes => HEADER_BYTES + 4 + bytes,
        };
        put_bytes(&mut buffer.0, bytes);
        let bits = Bits::new(TypeName::COPY_SEND, TypeName::MAKE_SEND_ONCE);
        let bits = bits.0;
        row(name, 1000, || {
            put_header(&mut buffer, [bits, size as u32, port.0, reply.0, 0, 1]);
            checked(Exchange::rpc(size, reply).run(&mut buffer.0))
        });
    }
}

fn end(port: PortName) {
    let mut buffer = Buffer::<64>::new();
    let bits = Bits::new(TypeName::COPY_SEND, TypeName(0));
    put_header(
        &mut buffer,
        [bits.0, HEADER_BYTES as u32, port.0, 0, 0, END as u32],
    );
    let _ = Exchange::send(HEADER_BYTES).run(&mut buffer.0);
}

fn to_oneself(port: PortName) {
    let mut buffer = Buffer::<256>::new();
    let exchange = |buffer: &mut Buffer<256>, size: usize, bits: Bits| {
        put_header(buffer, [bits.0, size as u32, port.0, 0, 0, 0]);
        checked(Exchange::rpc(size, port).run(&mut buffer.0))
    };
    let plain = Bits::new(TypeName::COPY_SEND, TypeName(0));
    row("self-send", 1000, || {
        exchange(&mut buffer, HEADER_BYTES, plain)
    });
    let task = trap::mach_task_self();
    row("right-transfer", 500, || {
        put_word(
            &mut buffer.0,
            TypeName::COPY_SEND,
            32,
            1,
            Place::Inline,
            task.0,
        );
        exchange(&mut buffer, HEADER_BYTES + 8, plain.complex())?;
        // What came is one reference more.
        trap::mach_port_deallocate(task, task)
    });
    let Ok(memory) = trap::vm_allocate(task, MEGABYTE) else {
        return not_served("megabyte", KernReturn::RESOURCE_SHORTAGE);
    };
    row("megabyte", 200, || {
        put_word(
            &mut buffer.0,
            TypeName::BYTE,
            8,
            MEGABYTE,
            Place::Elsewhere,
            memory,
        );
        exchange(&mut buffer, HEADER_BYTES + 16, plain.complex())?;
        let arrived = u32::read(&buffer.0[HEADER_BYTES + 12..]);
        // SAFETY: what arrived is nobody else's.
        unsafe { trap::vm_deallocate(task, arrived, MEGABYTE) }
    });
}

/// Where a word's data is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Inline,
    Elsewhere,
}

/// A descriptor behind the header, and a word behind it.
fn put_word(buffer: &mut [u8], name: TypeName, bits: u16, number: u32, place: Place, word: u32) {
    let what = Descriptor {
        name: name.0.into(),
        size_bits: bits,
        number,
        is_inline: place == Place::Inline,
        is_long: place == Place::Elsewhere,
        deallocate: false,
    };
    if let Some((words, length)) = what.to_bytes() {
        buffer[HEADER_BYTES..HEADER_BYTES + length].copy_from_slice(&words[..length]);
        word.write(&mut buffer[HEADER_BYTES + length..]);
    }
}
