//! Segment descriptors that a user may have (Intel SDM 3A 3.4.5).
//!
//! Pure values: which descriptors are of user mode and nothing else, and what a
//! selector of one may be used for. The kernel puts no other into a table that a
//! user asked for.

/// A descriptor as it lies in a table.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(transparent)]
pub struct Descriptor(u64);

/// What a segment register holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Use {
    /// DS, ES, FS and GS.
    Data,
    /// SS.
    Stack,
    /// CS.
    Code,
}

/// First bit of the access byte.
const ACCESS: u32 = 40;
/// Bits of the access byte: writable data, or readable code.
const WRITABLE: u64 = 1 << (ACCESS + 1);
const CODE: u64 = 1 << (ACCESS + 3);
/// A segment, not a gate or what the processor has for itself.
const SEGMENT: u64 = 1 << (ACCESS + 4);
const RING_3: u64 = 3 << (ACCESS + 5);
const PRESENT: u64 = 1 << (ACCESS + 7);
const WHOLE_ACCESS: u64 = 0xff << ACCESS;

impl Descriptor {
    /// No segment.
    pub const EMPTY: Self = Self(0);

    /// Of its lower and its upper half.
    pub const fn from_words(low: u32, high: u32) -> Self {
        Self(low as u64 | (high as u64) << 32)
    }

    /// Its lower and its upper half.
    pub const fn words(self) -> (u32, u32) {
        (self.0 as u32, (self.0 >> 32) as u32)
    }

    /// Whether it stands for nothing.
    pub const fn is_empty(self) -> bool {
        self.0 & WHOLE_ACCESS == 0
    }

    /// Whether it is a segment of user mode, present or not.
    pub const fn is_users(self) -> bool {
        self.0 & (SEGMENT | RING_3) == SEGMENT | RING_3
    }

    /// Whether it is a segment that is there.
    pub const fn is_present(self) -> bool {
        self.0 & PRESENT != 0
    }

    /// Whether the processor takes it for that in user mode.
    pub const fn allows(self, purpose: Use) -> bool {
        if !self.is_users() || !self.is_present() {
            return false;
        }
        let (is_code, is_writable) = (self.0 & CODE != 0, self.0 & WRITABLE != 0);
        match purpose {
            Use::Data => !is_code || is_writable,
            Use::Stack => !is_code && is_writable,
            Use::Code => is_code,
        }
    }
}
