//! The other side: sends each message back, without its body.

use core::ptr;

use user_rt::abi::message::{Bits, HEADER_BYTES, MsgReturn, TypeName};
use user_rt::abi::port::PortName;
use user_rt::message::{Buffer, Exchange};
use user_rt::trap;

/// The name that the client gives the port at which a task serves.
pub(crate) const NAME: u32 = 42;
/// A message with this id is the last.
pub(crate) const END: i32 = 99;

/// Answers what comes to a port, which may not be there yet.
pub(crate) fn run(port: PortName) {
    let mut room = Buffer::<8192>::new();
    while Exchange::receive(port).run(&mut room.0) == MsgReturn::RCV_INVALID_NAME {
        trap::swtch_pri(0);
    }
    let words = ptr::from_mut(&mut room).cast::<[u32; 6]>();
    loop {
        // SAFETY: the buffer is as long as a header, and aligned to words.
        let [bits, _, remote, _, _, id] = unsafe { words.read() };
        if id == END as u32 {
            return;
        }
        let bits = Bits::new(Bits(bits).remote(), TypeName(0));
        // SAFETY: as above.
        unsafe { words.write([bits.0, HEADER_BYTES as u32, remote, 0, 0, id]) };
        if Exchange::rpc(HEADER_BYTES, port).run(&mut room.0) != MsgReturn::SUCCESS {
            return;
        }
    }
}
