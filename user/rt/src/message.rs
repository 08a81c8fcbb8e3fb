//! Messages: room for one, and the trap that sends and receives it.
//!
//! Owns nothing but the call. What a message makes the kernel do to the memory
//! of its own task is out of the language's sight, as what a debugger does: who
//! sends memory away, or asks for it to be taken, must not use it any more.

use core::ptr;

use abi::message::{HEADER_BYTES, Header, MsgReturn, Options};
use abi::port::PortName;
use abi::trap::MACH_MSG_TRAP;

use crate::arch::gate;

/// Room for a message of so many bytes.
#[derive(Clone, Debug)]
#[repr(C, align(4))]
pub struct Buffer<const BYTES: usize>(pub [u8; BYTES]);

impl<const BYTES: usize> Buffer<BYTES> {
    /// Room, all zero.
    #[must_use]
    pub const fn new() -> Self {
        Buffer([0; BYTES])
    }
}

impl<const BYTES: usize> Default for Buffer<BYTES> {
    fn default() -> Self {
        Buffer::new()
    }
}

/// One call of `mach_msg`: what to do beside the message itself.
#[derive(Clone, Copy, Debug)]
pub struct Exchange {
    /// What to do.
    pub options: Options,
    /// Bytes to send.
    pub send_bytes: usize,
    /// From which port or set to receive.
    pub from: PortName,
    /// For the options with a time limit.
    pub timeout_ms: u32,
    /// For the options that notify.
    pub notify: PortName,
}

impl Exchange {
    /// Sends so many bytes, and waits as long as it takes.
    #[must_use]
    pub const fn send(bytes: usize) -> Exchange {
        Exchange {
            options: Options::SEND_MSG,
            send_bytes: bytes,
            from: PortName::NULL,
            timeout_ms: 0,
            notify: PortName::NULL,
        }
    }

    /// Receives, and waits as long as it takes.
    #[must_use]
    pub const fn receive(from: PortName) -> Exchange {
        Exchange {
            options: Options::RCV_MSG,
            from,
            ..Exchange::send(0)
        }
    }

    /// Sends, then receives.
    #[must_use]
    pub const fn rpc(bytes: usize, from: PortName) -> Exchange {
        Exchange {
            options: Options::SEND_MSG.with(Options::RCV_MSG),
            from,
            ..Exchange::send(bytes)
        }
    }

    /// The same with a limit for each half, in milliseconds.
    #[must_use]
    pub const fn within(self, timeout_ms: u32) -> Exchange {
        let limits = Options::SEND_TIMEOUT.with(Options::RCV_TIMEOUT);
        Exchange {
            options: self.options.with(limits),
            timeout_ms,
            ..self
        }
    }

    /// Calls `mach_msg` with the message in `buffer`, which is also the room for
    /// what is received.
    pub fn run(self, buffer: &mut [u8]) -> MsgReturn {
        let limit = buffer.len();
        let send_bytes = self.send_bytes.min(limit);
        let words = [
            ptr::from_mut(buffer).cast::<u8>().expose_provenance() as u32,
            self.options.0,
            send_bytes as u32,
            limit as u32,
            self.from.0,
            self.timeout_ms,
            self.notify.0,
        ];
        // SAFETY: the kernel reads and writes the buffer, which is borrowed, and
        // no more of it than there is; see the module for what it is asked to do.
        MsgReturn(unsafe { gate(MACH_MSG_TRAP, words) } as u32)
    }
}

/// The message that was received into `buffer`: as much as its header says.
#[must_use]
pub fn received(buffer: &[u8]) -> &[u8] {
    let header = Header::read(buffer).unwrap_or_default();
    let size = usize::try_from(header.size).unwrap_or(0);
    &buffer[..size.clamp(HEADER_BYTES.min(buffer.len()), buffer.len())]
}
