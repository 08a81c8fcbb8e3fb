//! The kernel's page tables: direct map, image, and mappings made one by one.
//!
//! Owns the kernel's page directory (the one `boot` built, refined here) and
//! the region above the direct map. Device registers, guarded stacks and
//! windows on high memory come from here.
//!
//! **Invariants**: text, rodata and the names behind the image are never
//! writable through any mapping: the image lies in the direct map and is mapped
//! there once, page by page; link.ld keeps it within its one table. A page
//! of the region is mapped exactly while its bit in `used` is set, guards
//! excepted. A table once made for the region stays, and all of them
//! are made before the first task's tables, which share them. Tables are written under [`MAP`] only, or before other
//! processors run.

use boot::layout::{DIRECT_MAP_SIZE, IMAGE_START, KERNEL_BASE, MAPPINGS_SIZE, MAPPINGS_START};
use kernel_core::addr::{Frame, FrameRange, PAGE_SIZE, PhysAddr, VirtAddr};
use kernel_core::frames::Zone;
use kernel_core::runs::RunBitmap;

use super::{OutOfMemory, direct, frames, physical};
use crate::arch::paging::{self, ENTRIES, Entry, Flags, LARGE_PAGE_SIZE, TableAt};
use crate::arch::processor::{self, Feature};
use crate::ipi::shootdown;
use crate::symbols;
use crate::sync::{TaskLock, rank};

unsafe extern "C" {
    static boot_page_directory: u8;
    static boot_image_table: u8;
    static boot_stack_bottom: u8;
    static rodata_end: u8;
    static data_end: u8;
}

/// Pages in the region for mappings.
const REGION_PAGES: usize = (MAPPINGS_SIZE / PAGE_SIZE) as usize;

struct KernelMap {
    used: RunBitmap<{ REGION_PAGES / 32 }>,
}

static MAP: TaskLock<rank::KernelMap, KernelMap> = TaskLock::new(KernelMap {
    used: RunBitmap::new(),
});

/// How mapped memory is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// RAM, read and write.
    Memory,
    /// RAM or ROM, read only.
    ReadOnly,
    /// Device registers: never cached.
    Device,
}

impl Use {
    fn flags(self) -> Flags {
        let access = match self {
            Use::Memory => Flags::WRITABLE,
            Use::ReadOnly => Flags::empty(),
            Use::Device => Flags::WRITABLE | Flags::UNCACHED | Flags::WRITE_THROUGH,
        };
        Flags::PRESENT | access | global()
    }
}

/// Refines what `boot` mapped: the image page by page with the protection of
/// each section, no memory from frame `ram_end` on, a guard below the boot
/// stack, nothing in user space.
pub(crate) fn init(ram_end: u32) {
    let table_address = VirtAddr::new((&raw const boot_image_table).addr() as u32);
    // SAFETY: the boot layer reserved this frame for the table.
    let table = unsafe { TableAt::new(table_address) };
    let image_end = (KERNEL_BASE + symbols::image_end()) as usize;
    let (readonly, memory) = (Use::ReadOnly.flags(), Use::Memory.flags());
    for number in 0..ENTRIES {
        let entry = match image_page(number, image_end) {
            ImagePage::Guard => Entry::EMPTY,
            ImagePage::ReadOnly(frame) => Entry::new(frame, readonly),
            ImagePage::Memory(frame) => Entry::new(frame, memory),
        };
        // SAFETY: the table is not in use yet.
        unsafe { table.write(number, entry) };
    }
    let table_frame = physical(table_address)
        .expect("the kernel image lies in the direct map")
        .frame();
    let directory = directory();
    let first = directory_index(KERNEL_BASE);
    let covered = ram_end.div_ceil(ENTRIES as u32) as usize;
    let large_page = memory | Flags::LARGE;
    for number in 0..directory_index(MAPPINGS_START) - first {
        let large = PhysAddr::new(number as u32 * LARGE_PAGE_SIZE).frame();
        let refined = if number == 0 {
            Entry::new(table_frame, Flags::PRESENT | Flags::WRITABLE)
        } else if number < covered {
            Entry::new(large, large_page)
        } else {
            Entry::EMPTY
        };
        // SAFETY: the same memory stays mapped at the same addresses, less
        // what is no RAM; the image gets the protection it was linked for.
        unsafe { directory.write(first + number, refined) };
    }
    // SAFETY: the entry code left the low half behind.
    unsafe { directory.write(0, Entry::EMPTY) };
    processor::init_paging_features();
    paging::flush_all();
}

/// What one page of the first 4 MiB is.
enum ImagePage {
    /// Below the boot stack: not mapped.
    Guard,
    /// Headers, text, rodata, symbol table.
    ReadOnly(Frame),
    /// Data, and the memory around the image.
    Memory(Frame),
}

fn image_page(number: usize, image_end: usize) -> ImagePage {
    let offset = number as u32 * PAGE_SIZE;
    let address = (KERNEL_BASE + offset) as usize;
    let frame = PhysAddr::new(offset).frame();
    let code = (KERNEL_BASE + IMAGE_START) as usize..(&raw const rodata_end).addr();
    let symbols = (&raw const data_end).addr()..image_end;
    if address == (&raw const boot_stack_bottom).addr() {
        ImagePage::Guard
    } else if code.contains(&address) || symbols.contains(&address) {
        ImagePage::ReadOnly(frame)
    } else {
        ImagePage::Memory(frame)
    }
}

/// Kernel mappings are the same in every address space.
fn global() -> Flags {
    if processor::has(Feature::GlobalPages) {
        Flags::GLOBAL
    } else {
        Flags::empty()
    }
}

fn directory_index(address: u32) -> usize {
    (address / LARGE_PAGE_SIZE) as usize
}

fn directory() -> TableAt {
    let address = VirtAddr::new((&raw const boot_page_directory).addr() as u32);
    // SAFETY: the boot layer defines it; writes are serialised (invariant).
    unsafe { TableAt::new(address) }
}

/// Physical address of the kernel's page directory.
pub(crate) fn directory_address() -> PhysAddr {
    PhysAddr::new((&raw const boot_page_directory).addr() as u32 - KERNEL_BASE)
}

/// A run of mapped pages in the region, unmapped when dropped. What it maps
/// belongs to whoever made it.
#[derive(Debug)]
pub(crate) struct Mapping {
    first: usize,
    pages: usize,
}

impl Mapping {
    /// Maps `frames`, in their order.
    pub(crate) fn of(frames: FrameRange, usage: Use) -> Result<Mapping, OutOfMemory> {
        let mapping = Mapping::reserve(frames.len() as usize)?;
        for number in 0..frames.len() {
            let frame = Frame::new(frames.start() + number).ok_or(OutOfMemory)?;
            mapping.put(number as usize, frame, usage)?;
        }
        Ok(mapping)
    }

    /// Takes `pages` pages of address space that map nothing yet.
    pub(crate) fn reserve(pages: usize) -> Result<Mapping, OutOfMemory> {
        let first = MAP.lock().used.take(pages).ok_or(OutOfMemory)?;
        Ok(Mapping { first, pages })
    }

    /// Maps page `number` of the run to `frame`.
    pub(crate) fn put(&self, number: usize, frame: Frame, usage: Use) -> Result<(), OutOfMemory> {
        assert!(number < self.pages);
        let _map = MAP.lock();
        let address = self.address(number);
        let table = region_table(address)?;
        // SAFETY: the page is this mapping's own and mapped nothing.
        unsafe {
            table.write(
                address.page().table_index(),
                Entry::new(frame, usage.flags()),
            )
        };
        Ok(())
    }

    /// Maps page `number` of the run to another frame, on every processor.
    #[cfg(feature = "ktest")]
    pub(crate) fn replace(
        &self,
        number: usize,
        frame: Frame,
        usage: Use,
    ) -> Result<(), OutOfMemory> {
        self.put(number, frame, usage)?;
        shootdown::flush(self.address(number), 1);
        Ok(())
    }

    /// Address of page `number` of the run.
    pub(crate) fn address(&self, number: usize) -> VirtAddr {
        VirtAddr::new(MAPPINGS_START + (self.first + number) as u32 * PAGE_SIZE)
    }

    /// How many pages.
    pub(crate) fn pages(&self) -> usize {
        self.pages
    }

    /// Keeps it mapped for as long as the machine runs.
    pub(crate) fn leak(self) -> VirtAddr {
        let address = self.address(0);
        core::mem::forget(self);
        address
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        {
            let _map = MAP.lock();
            for number in 0..self.pages {
                let address = self.address(number);
                if let Some(table) = table_of(address) {
                    // SAFETY: nobody uses the mapping any more.
                    unsafe { table.write(address.page().table_index(), Entry::EMPTY) };
                }
            }
        }
        // Only when no processor remembers the old entries may the addresses
        // be used again.
        shootdown::flush(self.address(0), self.pages);
        MAP.lock()
            .used
            .put_back(self.first, self.pages)
            .expect("a mapping holds the pages it took");
    }
}

/// Maps the `span` bytes of device registers that the firmware says are at
/// `address`, for good. Its word is taken neither for memory, the kernel's own
/// above all, nor for what is not as aligned as registers are.
pub(crate) fn map_registers(address: PhysAddr, span: u32) -> Option<VirtAddr> {
    const ALIGNMENT: u32 = 16;
    let offset = address.offset_in_page();
    if super::is_memory(address.frame()) || offset % ALIGNMENT != 0 || offset + span > PAGE_SIZE {
        return None;
    }
    let frames = FrameRange::from_first(address.frame(), 1)?;
    let page = Mapping::of(frames, Use::Device).ok()?;
    page.leak().checked_add(offset)
}

/// The table for `address` in the region, made if there is none. Under `MAP`.
fn region_table(address: VirtAddr) -> Result<TableAt, OutOfMemory> {
    if let Some(table) = table_of(address) {
        return Ok(table);
    }
    let frame = frames::allocate(Zone::Low)?;
    let table_address = direct(frame.start()).expect("low frames are in the direct map");
    // SAFETY: the frame was free and is mapped by the direct map.
    let table = unsafe { TableAt::new(table_address) };
    for number in 0..ENTRIES {
        // SAFETY: the table is not in use yet.
        unsafe { table.write(number, Entry::EMPTY) };
    }
    let entry = Entry::new(frame, Flags::PRESENT | Flags::WRITABLE);
    // SAFETY: the entry was empty, and the table maps nothing.
    unsafe { directory().write(address.page().directory_index(), entry) };
    Ok(table)
}

/// Gives a task's directory the kernel's half of ours. The region's tables are
/// all made by then, so that this half never changes again.
pub(crate) fn share_with(other: TableAt) -> Result<(), OutOfMemory> {
    let _map = MAP.lock();
    for start in (MAPPINGS_START..MAPPINGS_START + MAPPINGS_SIZE).step_by(LARGE_PAGE_SIZE as usize)
    {
        region_table(VirtAddr::new(start))?;
    }
    for number in directory_index(KERNEL_BASE)..ENTRIES {
        // SAFETY: the other directory is not in use yet.
        unsafe { other.write(number, directory().read(number)) };
    }
    Ok(())
}

/// The page table behind `address`, if there is one.
fn table_of(address: VirtAddr) -> Option<TableAt> {
    let entry = directory().read(address.page().directory_index());
    if !entry.is_present() || entry.flags().contains(Flags::LARGE) {
        return None;
    }
    let table = direct(entry.frame().start())?;
    // SAFETY: the kernel's tables are low frames, in the direct map for good.
    Some(unsafe { TableAt::new(table) })
}

/// Where `address` leads in the kernel's tables, and whether it may be written.
/// For the monitor and for backtraces: it takes no lock.
pub(crate) fn translate(address: VirtAddr) -> Option<(PhysAddr, Flags)> {
    let page = address.page();
    let entry = directory().read(page.directory_index());
    if !entry.is_present() {
        return None;
    }
    if entry.flags().contains(Flags::LARGE) {
        let base = entry.frame().start().as_u32() & !(LARGE_PAGE_SIZE - 1);
        let offset = address.as_u32() % LARGE_PAGE_SIZE;
        return Some((PhysAddr::new(base + offset), entry.flags()));
    }
    let leaf = table_of(address)?.read(page.table_index());
    let physical = PhysAddr::new(leaf.frame().start().as_u32() + address.offset_in_page());
    leaf.is_present().then_some((physical, leaf.flags()))
}

/// A copy of the kernel's directory that maps the first 4 MiB one to one as
/// well, to be read and run: where another processor turns paging on. It goes
/// over to the kernel's own at once, for the copy does not follow its changes.
#[derive(Debug)]
pub(crate) struct StartDirectory(Frame);

impl StartDirectory {
    /// Copies what the kernel maps now.
    pub(crate) fn new() -> Result<StartDirectory, OutOfMemory> {
        let copy = StartDirectory(frames::allocate(Zone::Low)?);
        let address = direct(copy.address()).expect("low frames are in the direct map");
        // SAFETY: the frame was free and is mapped by the direct map.
        let table = unsafe { TableAt::new(address) };
        let _map = MAP.lock();
        for number in 0..ENTRIES {
            // SAFETY: the copy is not in use yet.
            unsafe { table.write(number, directory().read(number)) };
        }
        let lowest = Entry::new(PhysAddr::new(0).frame(), Flags::PRESENT | Flags::LARGE);
        // SAFETY: as above.
        unsafe { table.write(0, lowest) };
        Ok(copy)
    }

    /// Its physical address.
    pub(crate) fn address(&self) -> PhysAddr {
        self.0.start()
    }
}

impl Drop for StartDirectory {
    fn drop(&mut self) {
        frames::free(self.0);
    }
}

/// How many pages of the region are in use, and how many there are.
pub(crate) fn region_usage() -> (usize, usize) {
    (MAP.lock().used.taken(), REGION_PAGES)
}

const _: () = assert!(DIRECT_MAP_SIZE % LARGE_PAGE_SIZE == 0);
