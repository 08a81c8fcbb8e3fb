//! What a message carries, given up unused.
//!
//! Owns the walk over a message's body: rights and memory that came with what
//! nobody wants would stay with the task for ever. What `mach_msg_destroy` is in C.

use core::{ptr, slice};

use abi::layout::Plain;
use abi::message::{Descriptor, HEADER_BYTES, Header, TypeName};
use abi::port::PortName;

use crate::{rpc, trap};

/// As [`body`], and the right to the port that the message is to, or its reply.
///
/// # Safety
///
/// As of [`body`].
pub(crate) unsafe fn whole(message: &[u8]) {
    // SAFETY: passed on to the caller.
    unsafe { body(message) };
    let header = Header::read(message).unwrap_or_default();
    right(PortName(header.remote_port), header.bits.remote());
}

/// Gives up the rights and the memory in a message's body, and not those of its
/// header. Of a message that was not sent it takes what would have been moved.
///
/// # Safety
///
/// This task received the message, or wrote it to give away what it names, and
/// nobody has taken anything of it.
pub(crate) unsafe fn body(message: &[u8]) {
    let is_complex = Header::read(message).is_some_and(|header| header.bits.is_complex());
    let mut rest = message.get(HEADER_BYTES..).unwrap_or_default();
    while let Some((what, size)) = Descriptor::read(rest).filter(|_| is_complex) {
        let bytes = u64::from(what.size_bits) * u64::from(what.number) / 8;
        // Longer than the address space is nothing that arrived.
        let Ok(bytes) = u32::try_from(bytes) else {
            return;
        };
        let held = match what.is_inline {
            true => bytes.next_multiple_of(4) as usize,
            false => 4,
        };
        let Some((data, behind)) = rest[size..].split_at_checked(held) else {
            return;
        };
        rest = behind;
        if what.is_inline {
            rights(&what, data);
        } else if bytes > 0 {
            let address = u32::read(data);
            let start = ptr::with_exposed_provenance(address as usize);
            if what.carries_rights() {
                // SAFETY: names arrived there, as many bytes; see the caller.
                rights(&what, unsafe {
                    slice::from_raw_parts(start, bytes as usize)
                });
            }
            // SAFETY: as above: nobody uses it.
            let _ = unsafe { trap::vm_deallocate(trap::mach_task_self(), address, bytes) };
        }
    }
}

/// Gives up what the names in `data` denote, if it is rights.
fn rights(what: &Descriptor, data: &[u8]) {
    let kind = u8::try_from(what.name).map_or(TypeName(0), TypeName);
    for name in data.chunks_exact(4).map(u32::read) {
        right(PortName(name), kind);
    }
}

/// Gives up one right that was received, or was to be moved; what would have been
/// copied or made stays.
fn right(name: PortName, kind: TypeName) {
    if !name.is_valid() {
        return;
    }
    let _ = match kind {
        TypeName::MOVE_RECEIVE => rpc::destroy(name),
        TypeName::MOVE_SEND | TypeName::MOVE_SEND_ONCE => {
            trap::mach_port_deallocate(trap::mach_task_self(), name)
        }
        _ => Ok(()),
    };
}
