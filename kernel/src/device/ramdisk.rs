//! Disks in memory: boot modules whose line says `$(name=ramdisk-create)`.
//!
//! Owns their memory from when the boot script is run. Called by that, and by the
//! routines on devices. Names, sizes and codes are as seen on the reference
//! kernel: `rd0` is the first, a size is in whole pages, a record is a sector.

use core::fmt;
use core::iter;
use core::ops::Range;

use alloc::vec::Vec;

use kernel_core::addr::{Frame, PAGE_SIZE, PhysAddr};
use spin::Once;

use crate::console::{Level, log, println};
use crate::ipc::KernelPort;
use crate::mm::{OutOfMemory, page};

/// Bytes of a record.
pub(crate) const RECORD: u32 = 512;
/// Bytes that one read gives at most: a bound on what is copied for it.
const AT_ONCE: u32 = 64 << 10;
/// How many disks there can be: as many as modules.
const MOST: usize = kernel_core::bootscript::MAX_COMMANDS;

/// Which disk it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number(u8);

/// A disk.
pub(crate) struct Disk {
    number: usize,
    /// Where it is; whole pages of a boot module, which nobody else uses.
    first: Frame,
    pages: u32,
}

static DISKS: [Once<Disk>; MOST] = [const { Once::new() }; MOST];
static PORTS: [Once<KernelPort>; MOST] = [const { Once::new() }; MOST];

/// Why a module is no disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoDisk {
    /// It does not begin with a page, so that its pages are not its own.
    NotAligned,
    /// It has no bytes.
    Empty,
    /// There are as many as there can be.
    TooMany,
    /// Its last page cannot be reached.
    Unreachable,
}

impl fmt::Display for NoDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoDisk::NotAligned => f.write_str("it does not begin with a page"),
            NoDisk::Empty => f.write_str("it is empty"),
            NoDisk::TooMany => write!(f, "there are {MOST} already"),
            NoDisk::Unreachable => f.write_str("its memory is out of reach"),
        }
    }
}

impl fmt::Display for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rd{}: {} bytes", self.number, self.size())
    }
}

/// The module `file` becomes the next disk; tells on the console whether it did.
pub(crate) fn add_module(file: &str, module: Range<u64>) {
    match add(module) {
        Ok(disk) => println!("{disk}"),
        Err(why) => log(Level::Warning, format_args!("`{file}` is no disk: {why}")),
    }
}

/// A module becomes the next disk; what its last page has behind it is zero.
fn add(module: Range<u64>) -> Result<&'static Disk, NoDisk> {
    let first = PhysAddr::from_u64(module.start).ok_or(NoDisk::Unreachable)?;
    if first.offset_in_page() != 0 {
        return Err(NoDisk::NotAligned);
    }
    let size = u32::try_from(module.end - module.start).map_err(|_| NoDisk::Unreachable)?;
    let pages = size.div_ceil(PAGE_SIZE);
    if pages == 0 {
        return Err(NoDisk::Empty);
    }
    let is_free = |place: &&Once<Disk>| place.get().is_none();
    let number = DISKS.iter().position(|place| is_free(&place));
    let number = number.ok_or(NoDisk::TooMany)?;
    let disk = Disk {
        number,
        first: first.frame(),
        pages,
    };
    let rest = &[0; PAGE_SIZE as usize][..(pages * PAGE_SIZE - size) as usize];
    disk.write(size, rest).map_err(|_| NoDisk::Unreachable)?;
    Ok(DISKS[number].call_once(|| disk))
}

/// The disk with this name: `rd`, and its number; the first, without one.
pub(crate) fn by_name(name: &[u8]) -> Option<Number> {
    let number = match name.strip_prefix(b"rd")? {
        b"" => 0,
        digits => core::str::from_utf8(digits).ok()?.parse::<u8>().ok()?,
    };
    let number = Number(number);
    disk(number).map(|_| number)
}

/// The disk.
pub(crate) fn disk(number: Number) -> Option<&'static Disk> {
    DISKS.get(usize::from(number.0))?.get()
}

/// Where its port is, once it has one.
pub(super) fn port(number: Number) -> Option<&'static Once<KernelPort>> {
    PORTS.get(usize::from(number.0))
}

impl Disk {
    /// Bytes, in whole pages.
    pub(crate) const fn size(&self) -> u32 {
        self.pages * PAGE_SIZE
    }

    /// Where a record begins; none, if it is not on the disk.
    pub(crate) fn offset_of(&self, record: u32) -> Option<u32> {
        let offset = record.checked_mul(RECORD)?;
        (offset < self.size()).then_some(offset)
    }

    /// Up to `wanted` bytes from `offset` on: as many as there are, and as one
    /// read gives.
    pub(crate) fn read(&self, offset: u32, wanted: u32) -> Result<Vec<u8>, OutOfMemory> {
        let count = wanted.min(AT_ONCE).min(self.size().saturating_sub(offset));
        let mut bytes = Vec::new();
        let room = bytes.try_reserve_exact(count as usize);
        room.map_err(|_| OutOfMemory)?;
        bytes.resize(count as usize, 0);
        for (frame, inside, part) in self.parts(offset, bytes.len()) {
            page::read(frame?, inside, &mut bytes[part])?;
        }
        Ok(bytes)
    }

    /// Writes bytes from `offset` on, as far as the disk goes; how many.
    pub(crate) fn write(&self, offset: u32, bytes: &[u8]) -> Result<u32, OutOfMemory> {
        let count = (self.size().saturating_sub(offset) as usize).min(bytes.len());
        for (frame, inside, part) in self.parts(offset, count) {
            page::write(frame?, inside, &bytes[part])?;
        }
        Ok(count as u32)
    }

    /// `count` bytes from `offset` on, frame by frame: where in it a part begins, and
    /// which of the bytes that is.
    fn parts(
        &self,
        offset: u32,
        count: usize,
    ) -> impl Iterator<Item = (Result<Frame, OutOfMemory>, usize, Range<usize>)> + '_ {
        let mut done = 0;
        iter::from_fn(move || {
            let at = offset + done as u32;
            let inside = (at % PAGE_SIZE) as usize;
            let size = (count - done).min(PAGE_SIZE as usize - inside);
            let part = done..done + size;
            done += size;
            (size > 0).then(|| (self.frame(at), inside, part))
        })
    }

    fn frame(&self, offset: u32) -> Result<Frame, OutOfMemory> {
        let number = self.first.number() + offset / PAGE_SIZE;
        Frame::new(number).ok_or(OutOfMemory)
    }
}
