//! The message: header, bits, type descriptors, options, returns.
//!
//! Plain values and their bytes, for anyone. Source: `mach/message.h`; the
//! manual's chapter Inter Process Communication.

mod descriptor;
mod header;
mod numbers;

pub use descriptor::{Descriptor, LONG_DESCRIPTOR_BYTES, SHORT_DESCRIPTOR_BYTES};
pub use header::{Bits, HEADER_BYTES, Header};
pub use numbers::{MsgReturn, NotifyId, Options, TypeName};
