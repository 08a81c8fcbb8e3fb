//! What a region of an address map is: its attributes and its backing.
//!
//! Values of the map, and the interface by which it hands backings around.

use core::ops::{BitAnd, BitOr};

/// Bytes in a page.
pub const PAGE: u32 = 4096;

/// A set of accesses (`vm_prot_t`, `mach/vm_prot.h`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Protection(u8);

impl Protection {
    /// `VM_PROT_NONE`.
    pub const NONE: Self = Self(0);
    /// `VM_PROT_READ`.
    pub const READ: Self = Self(1);
    /// `VM_PROT_WRITE`.
    pub const WRITE: Self = Self(2);
    /// `VM_PROT_EXECUTE`.
    pub const EXECUTE: Self = Self(4);
    /// `VM_PROT_DEFAULT`.
    pub const DEFAULT: Self = Self(3);
    /// `VM_PROT_ALL`.
    pub const ALL: Self = Self(7);

    /// The set with these bits; `None` if any other than the three is set.
    pub const fn from_bits(bits: u32) -> Option<Self> {
        match bits {
            0..=7 => Some(Self(bits as u8)),
            _ => None,
        }
    }

    /// As Mach's number.
    pub const fn bits(self) -> u32 {
        self.0 as u32
    }

    /// Whether all of `other` is in the set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitAnd for Protection {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitOr for Protection {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What a child task gets of a region (`vm_inherit_t`, `mach/vm_inherit.h`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Inheritance {
    /// `VM_INHERIT_SHARE`.
    Share,
    /// `VM_INHERIT_COPY`.
    Copy,
    /// `VM_INHERIT_NONE`.
    None,
}

impl Inheritance {
    /// The value of Mach's number; `None` if it has none.
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Share),
            1 => Some(Self::Copy),
            2 => Some(Self::None),
            _ => None,
        }
    }
}

/// What the pages of a region have in common besides their backing. Regions
/// that differ in any of it are not coalesced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Attributes {
    /// What is permitted now; part of `max_protection`.
    pub protection: Protection,
    /// What may be permitted.
    pub max_protection: Protection,
    /// What a child task gets.
    pub inheritance: Inheritance,
    /// A write must first put a copy in the place of the backing.
    pub needs_copy: bool,
    /// Other maps see what is written here.
    pub is_shared: bool,
    /// The accesses that must not fault, by `vm_wire`; it does not stack.
    pub wired: Protection,
    /// How often the kernel itself has wired the region; it stacks.
    pub holds: u16,
}

impl Attributes {
    /// Those of memory from `vm_allocate` (manual 5.1).
    pub const ALLOCATED: Self = Self {
        protection: Protection::DEFAULT,
        max_protection: Protection::ALL,
        inheritance: Inheritance::Copy,
        needs_copy: false,
        is_shared: false,
        wired: Protection::NONE,
        holds: 0,
    };

    /// Whether anyone has wired the region.
    pub fn is_wired(&self) -> bool {
        self.holds > 0 || self.wired != Protection::NONE
    }
}

/// Page-aligned addresses from `start` up to and without `end`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Range {
    /// The first address.
    pub start: u32,
    /// The address after the last.
    pub end: u32,
}

impl Range {
    /// The pages that `size` bytes from `address` on touch: the start rounded
    /// down, the end up. `None` if they go beyond the last address.
    pub fn covering(address: u32, size: u32) -> Option<Self> {
        let end = address.checked_add(size)?.checked_add(PAGE - 1)? & !(PAGE - 1);
        let start = address & !(PAGE - 1);
        Some(Self { start, end })
    }

    /// In bytes.
    pub const fn size(self) -> u32 {
        self.end.saturating_sub(self.start)
    }
}

/// A region of a map: adjacent pages with the same attributes and one backing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry<B> {
    /// Where it lies; not empty.
    pub range: Range,
    /// How it may be used.
    pub attributes: Attributes,
    /// What its first byte, and by counting on all others, stands for.
    pub backing: B,
}

/// Whoever knows what backings mean: typically the table of memory objects,
/// which counts references. None of its methods may fail.
pub trait Keeper<B> {
    /// The backing of what begins `at` bytes after what `backing` stands for.
    /// Both stay in use.
    fn split(&mut self, backing: &B, at: u32) -> B;

    /// Whether `next` stands for what follows the `size` bytes of `first`, so
    /// that `first` alone would do.
    fn continues(&self, first: &B, size: u32, next: &B) -> bool;

    /// Makes `first` stand for what `next` does as well, which follows it;
    /// `next` is no longer in use.
    fn merge(&mut self, first: &mut B, next: B);

    /// A region, or the part of one, has left the map.
    fn removed(&mut self, entry: Entry<B>);
}

/// Why an operation on a map was refused. It changed nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MapError {
    /// `KERN_INVALID_ADDRESS`: outside of the map, or not allocated.
    InvalidAddress,
    /// `KERN_PROTECTION_FAILURE`: beyond the maximum protection.
    ProtectionFailure,
    /// `KERN_NO_SPACE`: in use, or nothing free is large enough; by `vm_wire`
    /// also memory that is not there.
    NoSpace,
    /// `KERN_INVALID_ARGUMENT`: an empty range, or inconsistent attributes.
    InvalidArgument,
    /// `KERN_RESOURCE_SHORTAGE`: no kernel memory, or a count would overflow.
    ResourceShortage,
    /// `KERN_MEMORY_ERROR`: its pager does not supply it.
    MemoryError,
    /// `KERN_ABORTED`: somebody ended the wait for a pager.
    Aborted,
}

impl MapError {
    /// The number of `mach/kern_return.h`.
    pub const fn code(self) -> i32 {
        match self {
            Self::InvalidAddress => 1,
            Self::ProtectionFailure => 2,
            Self::NoSpace => 3,
            Self::InvalidArgument => 4,
            Self::ResourceShortage => 6,
            Self::MemoryError => 10,
            Self::Aborted => 14,
        }
    }
}
