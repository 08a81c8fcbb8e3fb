//! Address kinds as types: physical, virtual, and the pages they lie in.
//!
//! Owns the page size and all rounding, so that no one else shifts by twelve.
//! Anyone may call it. An address is never converted into the other kind here:
//! that takes a map, and maps belong to the memory layer.
//!
//! **Invariants**: a [`Frame`] or [`Page`] number is below [`PAGES`]; its only
//! constructors see to it, and tables indexed by it rely on it. A
//! [`FrameRange`] has `start <= end <= PAGES`.

use core::fmt;

/// Bytes in a page and in a frame.
pub const PAGE_SIZE: u32 = 4096;

/// `1 << PAGE_SHIFT` is [`PAGE_SIZE`].
pub const PAGE_SHIFT: u32 = 12;

/// Pages in a 32-bit address space, and frames below 4 GiB.
pub const PAGES: u32 = 1 << (32 - PAGE_SHIFT);

macro_rules! address_kind {
    ($address:ident, $page:ident, $page_of:ident, $kind:literal, $unit:literal) => {
        #[doc = concat!("A ", $kind, " address in bytes.")]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[repr(transparent)]
        pub struct $address(u32);

        impl $address {
            /// The address `raw`.
            pub const fn new(raw: u32) -> Self {
                Self(raw)
            }

            /// The address `raw`, or `None` at 4 GiB and beyond.
            pub const fn from_u64(raw: u64) -> Option<Self> {
                if raw >> 32 == 0 {
                    Some(Self((raw & 0xffff_ffff) as u32))
                } else {
                    None
                }
            }

            /// The number of this address, in bytes from zero.
            pub const fn as_u32(self) -> u32 {
                self.0
            }

            /// This address as an index or pointer value.
            pub const fn as_usize(self) -> usize {
                self.0 as usize
            }

            #[doc = concat!("The ", $unit, " this address lies in.")]
            pub const fn $page_of(self) -> $page {
                $page(self.0 >> PAGE_SHIFT)
            }

            /// Bytes between the start of the page and this address.
            pub const fn offset_in_page(self) -> u32 {
                self.0 & (PAGE_SIZE - 1)
            }

            /// Whether a page starts here.
            pub const fn is_page_aligned(self) -> bool {
                self.offset_in_page() == 0
            }

            /// The start of the page this address lies in.
            pub const fn round_down(self) -> Self {
                Self(self.0 & !(PAGE_SIZE - 1))
            }

            /// The first page start at or above; `None` if that is 4 GiB.
            pub const fn round_up(self) -> Option<Self> {
                match self.0.checked_add(PAGE_SIZE - 1) {
                    Some(sum) => Some(Self(sum & !(PAGE_SIZE - 1))),
                    None => None,
                }
            }

            /// This address plus `bytes`, unless that passes 4 GiB.
            pub const fn checked_add(self, bytes: u32) -> Option<Self> {
                match self.0.checked_add(bytes) {
                    Some(sum) => Some(Self(sum)),
                    None => None,
                }
            }

            /// This address less `bytes`, unless that passes zero.
            pub const fn checked_sub(self, bytes: u32) -> Option<Self> {
                match self.0.checked_sub(bytes) {
                    Some(rest) => Some(Self(rest)),
                    None => None,
                }
            }

            /// Bytes from `lower` up to here; `None` if `lower` is above.
            pub const fn distance_from(self, lower: Self) -> Option<u32> {
                self.0.checked_sub(lower.0)
            }
        }

        impl fmt::Display for $address {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:#010x}", self.0)
            }
        }

        impl fmt::Debug for $address {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        #[doc = concat!("A ", $unit, ", by number: its address divided by the page size.")]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[repr(transparent)]
        pub struct $page(u32);

        impl $page {
            #[doc = concat!("The last ", $unit, " below 4 GiB.")]
            pub const LAST: Self = Self(PAGES - 1);

            #[doc = concat!("The ", $unit, " of this number, if it is below 4 GiB.")]
            pub const fn new(number: u32) -> Option<Self> {
                if number < PAGES {
                    Some(Self(number))
                } else {
                    None
                }
            }

            /// The number, below [`PAGES`].
            pub const fn number(self) -> u32 {
                self.0
            }

            /// The address of the first byte.
            pub const fn start(self) -> $address {
                $address(self.0 << PAGE_SHIFT)
            }

            #[doc = concat!("The ", $unit, " `count` further on, if it is below 4 GiB.")]
            pub const fn checked_add(self, count: u32) -> Option<Self> {
                match self.0.checked_add(count) {
                    Some(number) => Self::new(number),
                    None => None,
                }
            }

            #[doc = concat!("The ", $unit, " `count` before this one, if there is one.")]
            pub const fn checked_sub(self, count: u32) -> Option<Self> {
                match self.0.checked_sub(count) {
                    Some(number) => Some(Self(number)),
                    None => None,
                }
            }
        }

        impl fmt::Display for $page {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.start(), f)
            }
        }

        impl fmt::Debug for $page {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.start(), f)
            }
        }
    };
}

address_kind!(PhysAddr, Frame, frame, "physical", "frame of memory");
address_kind!(VirtAddr, Page, page, "virtual", "page of address space");

impl Page {
    /// Index into the page directory (Intel SDM 3A 4.3), 0 to 1023.
    pub const fn directory_index(self) -> usize {
        (self.0 >> 10) as usize
    }

    /// Index into the page table, 0 to 1023.
    pub const fn table_index(self) -> usize {
        (self.0 & 0x3ff) as usize
    }
}

/// Frames `start..end` by number, half open: `end` may be [`PAGES`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameRange {
    start: u32,
    end: u32,
}

impl FrameRange {
    /// No frame at all.
    pub const EMPTY: Self = Self { start: 0, end: 0 };

    /// Frames number `start` to `end - 1`; `None` unless
    /// `start <= end <= PAGES`.
    pub const fn new(start: u32, end: u32) -> Option<Self> {
        if start <= end && end <= PAGES {
            Some(Self { start, end })
        } else {
            None
        }
    }

    /// `count` frames from `first` on, if they end at or below 4 GiB.
    pub const fn from_first(first: Frame, count: u32) -> Option<Self> {
        match first.0.checked_add(count) {
            Some(end) => Self::new(first.0, end),
            None => None,
        }
    }

    /// The whole frames inside `length` bytes from `base` on: what of a piece
    /// of RAM can be used. Whatever lies above 4 GiB is left out.
    pub const fn inside(base: u64, length: u64) -> Self {
        let start = clip(base.saturating_add(PAGE_SIZE as u64 - 1));
        let end = clip(base.saturating_add(length));
        if start < end {
            Self { start, end }
        } else {
            Self::EMPTY
        }
    }

    /// Every frame that `length` bytes from `base` on touch: what must be kept
    /// from use. Whatever lies above 4 GiB is left out.
    pub const fn covering(base: u64, length: u64) -> Self {
        let start = clip(base);
        let end = clip(
            base.saturating_add(length)
                .saturating_add(PAGE_SIZE as u64 - 1),
        );
        if length != 0 && start < end {
            Self { start, end }
        } else {
            Self::EMPTY
        }
    }

    /// Number of the first frame.
    pub const fn start(self) -> u32 {
        self.start
    }

    /// Number after the last frame.
    pub const fn end(self) -> u32 {
        self.end
    }

    /// The first frame, if there is any.
    pub const fn first(self) -> Option<Frame> {
        if self.is_empty() {
            None
        } else {
            Some(Frame(self.start))
        }
    }

    /// How many frames.
    pub const fn len(self) -> u32 {
        self.end - self.start
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// Whether `frame` is one of these.
    pub const fn contains(self, frame: Frame) -> bool {
        self.start <= frame.0 && frame.0 < self.end
    }

    /// The frames in both.
    pub const fn intersection(self, other: Self) -> Self {
        let start = if self.start > other.start {
            self.start
        } else {
            other.start
        };
        let end = if self.end < other.end {
            self.end
        } else {
            other.end
        };
        if start < end {
            Self { start, end }
        } else {
            Self::EMPTY
        }
    }

    /// The frames of `self` below and above those of `other`: what is left
    /// when `other` is cut out.
    pub const fn without(self, other: Self) -> [Self; 2] {
        let cut = self.intersection(other);
        if cut.is_empty() {
            return [self, Self::EMPTY];
        }
        [
            Self {
                start: self.start,
                end: cut.start,
            },
            Self {
                start: cut.end,
                end: self.end,
            },
        ]
    }
}

/// The frame number of byte `address`, at most [`PAGES`].
const fn clip(address: u64) -> u32 {
    let number = address >> PAGE_SHIFT;
    if number < PAGES as u64 {
        (number & (PAGES as u64 - 1)) as u32
    } else {
        PAGES
    }
}

impl fmt::Display for FrameRange {
    /// The bytes, first and last: `0x00100000-0x001fffff`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        let last = Frame(self.end - 1).start().0 | (PAGE_SIZE - 1);
        write!(f, "{}-{}", Frame(self.start), PhysAddr(last))
    }
}

impl fmt::Debug for FrameRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
