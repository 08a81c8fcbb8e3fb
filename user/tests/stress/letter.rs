//! Messages that carry rights and memory: written, sent, and taken apart.
//!
//! Owns how a body is laid out. Nothing here allocates or waits for a reply: a
//! thread may be ended at any instruction.

use core::sync::atomic::Ordering;

use user_rt::abi::layout::Plain;
use user_rt::abi::message::{Bits, Descriptor, HEADER_BYTES, Header, MsgReturn, Options, TypeName};
use user_rt::abi::port::{PortName, PortRight};
use user_rt::abi::routine::mach_port::mach_port_mod_refs;
use user_rt::message::{Buffer, Exchange, received};
use user_rt::{rpc, trap};

use super::MESSAGES;

/// Bytes of a message at most.
const ROOM: usize = 512;

/// A message that is being written.
pub(crate) struct Letter {
    header: Header,
    room: Buffer<ROOM>,
    length: usize,
}

/// How a message got into a buffer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Came {
    /// It was received.
    In,
    /// It was given back to its sender.
    Back,
}

impl Letter {
    /// To a port, by a right that is made as `how` says.
    pub(crate) fn to(port: PortName, how: TypeName) -> Letter {
        Letter {
            header: Header {
                bits: Bits::new(how, TypeName(0)),
                remote_port: port.0,
                id: 4711,
                ..Header::default()
            },
            room: Buffer::new(),
            length: HEADER_BYTES,
        }
    }

    /// With a right to reply to.
    pub(crate) fn reply_to(mut self, port: PortName, how: TypeName) -> Letter {
        self.header.bits.0 |= u32::from(how.0) << 8;
        self.header.local_port = port.0;
        self
    }

    /// With a right in its body.
    pub(crate) fn right(&mut self, name: PortName, how: TypeName) {
        self.item(how, 32, 1, true, false, name.0);
    }

    /// With rights in memory.
    pub(crate) fn rights_at(&mut self, address: u32, count: u32, how: TypeName) {
        self.item(how, 32, count, false, false, address);
    }

    /// With bytes in memory, which stay or go.
    pub(crate) fn memory(&mut self, address: u32, bytes: u32, deallocate: bool) {
        self.item(TypeName::BYTE, 8, bytes, false, deallocate, address);
    }

    /// With so many words that mean nothing.
    pub(crate) fn words(&mut self, count: usize) {
        let count = count.min((ROOM - self.length) / 4 - 4);
        for _ in 0..count {
            self.item(TypeName::INTEGER_32, 32, 1, true, false, 7);
        }
    }

    fn item(
        &mut self,
        name: TypeName,
        size_bits: u16,
        number: u32,
        is_inline: bool,
        deallocate: bool,
        word: u32,
    ) {
        let descriptor = Descriptor {
            name: name.0.into(),
            size_bits,
            number,
            is_inline,
            is_long: !is_inline,
            deallocate,
        };
        let Some((bytes, length)) = descriptor.to_bytes() else {
            return;
        };
        let Some(place) = self.room.0.get_mut(self.length..self.length + length + 4) else {
            return;
        };
        place[..length].copy_from_slice(&bytes[..length]);
        word.write(&mut place[length..]);
        self.length += length + 4;
        if name.is_right() || !is_inline {
            self.header.bits = self.header.bits.complex();
        }
    }

    /// Sends it; what comes back is given up.
    pub(crate) fn send(mut self, options: Options, timeout_ms: u32, notify: PortName) -> MsgReturn {
        self.header.size = self.length as u32;
        self.room.0[..HEADER_BYTES].copy_from_slice(&self.header.to_bytes());
        let exchange = Exchange {
            options: Options::SEND_MSG.with(options),
            timeout_ms,
            notify,
            ..Exchange::send(self.length)
        };
        let code = exchange.run(&mut self.room.0);
        match MsgReturn(code.0 & !MORE) {
            MsgReturn::SUCCESS => _ = MESSAGES.fetch_add(1, Ordering::Relaxed),
            // One that will notify is on its way, and has not come back.
            MsgReturn::SEND_TIMED_OUT
            | MsgReturn::SEND_INTERRUPTED
            | MsgReturn::SEND_NOTIFY_IN_PROGRESS => give_up(&self.room.0, Came::Back),
            _ => {}
        }
        code
    }
}

/// The bits of a code that say what could not be handled.
const MORE: u32 = MsgReturn::MASK;

/// Receives, and gives up all that came.
pub(crate) fn receive(from: PortName, options: Options, timeout_ms: u32) -> MsgReturn {
    receive_and(from, options, timeout_ms, |_| {})
}

/// The same; `look` sees the message first.
pub(crate) fn receive_and(
    from: PortName,
    options: Options,
    timeout_ms: u32,
    look: impl FnOnce(&[u8]),
) -> MsgReturn {
    let mut room = Buffer::<{ ROOM * 2 }>::new();
    let exchange = Exchange {
        options: Options::RCV_MSG.with(options),
        timeout_ms,
        ..Exchange::receive(from)
    };
    let code = exchange.run(&mut room.0);
    if code.0 & !MORE == 0 || code.0 & !MORE == MsgReturn::RCV_BODY_ERROR.0 {
        MESSAGES.fetch_add(1, Ordering::Relaxed);
        look(received(&room.0));
        give_up(&room.0, Came::In);
    }
    code
}

/// Gives up every right and all memory of a message.
pub(crate) fn give_up(room: &[u8], came: Came) {
    let message = received(room);
    let header = rpc::header(message);
    drop_right(PortName(header.remote_port), header.bits.remote());
    if came == Came::Back {
        drop_right(PortName(header.local_port), header.bits.local());
    }
    if !header.bits.is_complex() {
        return;
    }
    for_each_item(message, |descriptor, words| {
        let name = TypeName(descriptor.name.to_le_bytes()[0]);
        if descriptor.is_inline {
            if name.is_right() {
                for word in words.chunks_exact(4) {
                    drop_right(PortName(u32::read(word)), name);
                }
            }
            return;
        }
        let address = u32::read(words);
        let bytes = descriptor.number * u32::from(descriptor.size_bits) / 8;
        if address == 0 || bytes == 0 {
            return;
        }
        if name.is_right() {
            for number in 0..descriptor.number {
                let at = (address + number * 4) as usize;
                // SAFETY: it came with the message and is nobody else's.
                let word = unsafe { core::ptr::with_exposed_provenance::<u32>(at).read_volatile() };
                drop_right(PortName(word), name);
            }
        }
        if came == Came::In || descriptor.deallocate {
            // SAFETY: as above.
            let _ = unsafe { trap::vm_deallocate(trap::mach_task_self(), address, bytes) };
        }
    });
}

/// Calls `each` with every descriptor of a message, and what follows it.
pub(crate) fn for_each_item(message: &[u8], mut each: impl FnMut(Descriptor, &[u8])) {
    let mut at = HEADER_BYTES;
    while let Some((descriptor, length)) = message.get(at..).and_then(Descriptor::read) {
        let bits = descriptor.number as usize * usize::from(descriptor.size_bits);
        let bytes = match descriptor.is_inline {
            true => bits.div_ceil(8).next_multiple_of(4),
            false => 4,
        };
        let Some(words) = message.get(at + length..at + length + bytes) else {
            return;
        };
        each(descriptor, words);
        at += length + bytes;
    }
}

/// Gives up a right that came.
pub(crate) fn drop_right(name: PortName, kind: TypeName) {
    if !name.is_valid() || !kind.is_right() {
        return;
    }
    match kind.received() {
        TypeName::MOVE_RECEIVE => drop_receive(name),
        _ => _ = trap::mach_port_deallocate(trap::mach_task_self(), name),
    }
}

/// Gives up a receive right, without waiting for a reply.
pub(crate) fn drop_receive(name: PortName) {
    let request = mach_port_mod_refs::Request {
        name,
        right: PortRight::RECEIVE.0,
        delta: -1,
    };
    let _ = rpc::send(trap::mach_task_self(), &request, &mut [0; 128]);
}
