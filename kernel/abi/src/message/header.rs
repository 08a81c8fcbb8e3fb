//! The header of 24 bytes that every message begins with.
//!
//! Plain values and their bytes, for anyone. Source: `mach/message.h`.

use super::TypeName;
use crate::layout::Plain;

/// Size of a [`Header`].
pub const HEADER_BYTES: usize = 24;

/// `msgh_bits`: what becomes of the header's two ports, and flags.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Bits(pub u32);

impl Bits {
    /// `MACH_MSGH_BITS_COMPLEX`: the body carries rights or out-of-line data.
    pub const COMPLEX: u32 = 0x8000_0000;
    /// `MACH_MSGH_BITS_CIRCULAR`, the kernel's own.
    pub const CIRCULAR: u32 = 0x4000_0000;
    /// `MACH_MSGH_BITS_COMPLEX_PORTS`, the kernel's own.
    pub const COMPLEX_PORTS: u32 = 0x2000_0000;
    /// `MACH_MSGH_BITS_COMPLEX_DATA`, the kernel's own.
    pub const COMPLEX_DATA: u32 = 0x1000_0000;
    /// `MACH_MSGH_BITS_MIGRATED`, the kernel's own.
    pub const MIGRATED: u32 = 0x0800_0000;
    /// `MACH_MSGH_BITS_UNUSED`: to be zero.
    pub const UNUSED: u32 = 0x07ff_0000;

    /// Both dispositions, nothing else.
    #[must_use]
    pub const fn new(remote: TypeName, local: TypeName) -> Self {
        Self(remote.0 as u32 | (local.0 as u32) << 8)
    }

    /// The same, marked as complex.
    #[must_use]
    pub const fn complex(self) -> Self {
        Self(self.0 | Self::COMPLEX)
    }

    /// What becomes of the remote port.
    #[must_use]
    pub const fn remote(self) -> TypeName {
        TypeName(self.0.to_le_bytes()[0])
    }

    /// What becomes of the local port.
    #[must_use]
    pub const fn local(self) -> TypeName {
        TypeName(self.0.to_le_bytes()[1])
    }

    /// Whether the body carries rights or out-of-line data.
    #[must_use]
    pub const fn is_complex(self) -> bool {
        self.0 & Self::COMPLEX != 0
    }
}

/// `mach_msg_header_t`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Header {
    /// Dispositions and flags.
    pub bits: Bits,
    /// Bytes of header and body.
    pub size: u32,
    /// Where to: the destination when sent, the reply port when received.
    pub remote_port: u32,
    /// The reply port when sent; when received the destination, or the
    /// payload that protects it.
    pub local_port: u32,
    /// The number of the message in its port, set on receipt.
    pub seqno: u32,
    /// What the message means.
    pub id: i32,
}

impl Header {
    /// The header of `message`; `None` if it is shorter than one.
    #[must_use]
    pub fn read(message: &[u8]) -> Option<Self> {
        let bytes = message.get(..HEADER_BYTES)?;
        let [bits, size, remote_port, local_port, seqno, id] = <[u32; 6]>::read(bytes);
        Some(Self {
            bits: Bits(bits),
            size,
            remote_port,
            local_port,
            seqno,
            id: i32::from_le_bytes(id.to_le_bytes()),
        })
    }

    /// The 24 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        [
            self.bits.0,
            self.size,
            self.remote_port,
            self.local_port,
            self.seqno,
            u32::from_le_bytes(self.id.to_le_bytes()),
        ]
        .write(&mut bytes);
        bytes
    }
}
