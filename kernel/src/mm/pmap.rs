//! The page tables of one task: what the processor sees of its memory.
//!
//! Owns the lower half of a page directory; the upper half is the kernel's and
//! the same in all. With them goes what else the processor lets the task reach:
//! I/O ports. Called by the address space above, which decides what is
//! mapped; everything here can be thrown away and made again from there.
//!
//! **Invariants**: stand beside the fields.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering, fence};

use boot::layout::KERNEL_BASE;
use kernel_core::addr::{Frame, PAGE_SIZE, PhysAddr, VirtAddr};
use kernel_core::frames::Zone;
use kernel_core::port_map::{Permission, PortMap};

use super::{OutOfMemory, direct, frames, kernel_map};
use crate::arch::interrupts;
use crate::arch::paging::{self, ENTRIES, Entry, Flags, LARGE_PAGE_SIZE, TableAt};
use crate::arch::percpu;
use crate::ipi::{self, call, shootdown};
use crate::sync::{IrqLock, TaskLock, rank};

/// Entries of a directory that are user space.
const USER_ENTRIES: usize = (KERNEL_BASE / LARGE_PAGE_SIZE) as usize;

/// What user mode may do with a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Read, and run: the processors this kernel is for cannot tell the two
    /// apart.
    Read,
    /// Read, run and write.
    Write,
}

impl Access {
    fn flags(self) -> Flags {
        let read = Flags::PRESENT | Flags::USER;
        match self {
            Access::Read => read,
            Access::Write => read | Flags::WRITABLE,
        }
    }
}

/// The page tables of a task.
pub(crate) struct Pmap {
    /// A low frame. Its tables are low frames too, each named by one entry of
    /// the lower half; `tables` serialises writes to all of them.
    directory: Frame,
    /// One bit a processor that has this directory loaded, set before it is and
    /// cleared after another is; changes are told to these.
    loaded: AtomicU32,
    /// Its task is no more: whoever has it loaded without need is to unload it.
    is_over: AtomicBool,
    tables: TaskLock<rank::Pmap, ()>,
    /// How many pages are mapped; changes under `tables`.
    pages: AtomicU32,
    /// The I/O ports that the task may use, if any, under a number that no other
    /// map has or will have. Whoever changes it tells the processors in `loaded`.
    ports: IrqLock<rank::Ports, Option<(PortMap, u64)>>,
    /// Whether there is a map; changes under `ports`, to be looked at without.
    has_ports: AtomicBool,
}

/// How many maps of ports there have been.
static MAPS: IrqLock<rank::Ports, u64> = IrqLock::new(0);

impl Pmap {
    /// Tables that map the kernel and nothing else.
    pub(crate) fn new() -> Result<Pmap, OutOfMemory> {
        let directory = empty_table()?;
        let pmap = Pmap {
            directory,
            loaded: AtomicU32::new(0),
            is_over: AtomicBool::new(false),
            tables: TaskLock::new(()),
            pages: AtomicU32::new(0),
            ports: IrqLock::new(None),
            has_ports: AtomicBool::new(false),
        };
        kernel_map::share_with(pmap.top())?;
        Ok(pmap)
    }

    /// Maps the page at `page` to `frame`; what was there before is returned
    /// and no longer seen by any processor.
    pub(crate) fn enter(
        &self,
        page: VirtAddr,
        frame: Frame,
        access: Access,
    ) -> Result<Option<Frame>, OutOfMemory> {
        assert!(page.is_page_aligned() && page.as_u32() < KERNEL_BASE);
        let _tables = self.tables.lock();
        let (directory, slot) = (self.top(), page.page().directory_index());
        if !directory.read(slot).is_present() {
            let access = Flags::PRESENT | Flags::WRITABLE | Flags::USER;
            let entry = Entry::new(empty_table()?, access);
            // SAFETY: the entry was empty, and the table maps nothing.
            unsafe { directory.write(slot, entry) };
        }
        let table = table_in(directory.read(slot));
        let index = page.page().table_index();
        let old = table.read(index);
        // SAFETY: user memory: the kernel holds no reference to any.
        unsafe { table.write(index, Entry::new(frame, access.flags())) };
        match old.is_present() {
            true => self.forget(page, 1),
            false => {
                self.pages.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(old.is_present().then_some(old.frame()))
    }

    /// How many pages are mapped.
    pub(crate) fn resident(&self) -> u32 {
        self.pages.load(Ordering::Relaxed)
    }

    /// Unmaps `pages` pages from `first` on; `gone` gets what was mapped, when
    /// no processor sees it any more. Costs nothing for what never was mapped,
    /// in steps of 4 MiB.
    pub(crate) fn remove(
        &self,
        first: VirtAddr,
        pages: u32,
        mut gone: impl FnMut(VirtAddr, Frame),
    ) {
        /// Frames remembered between two shootdowns.
        const BATCH: usize = 64;
        let _tables = self.tables.lock();
        let end = first.page().number() + pages;
        assert!(end <= KERNEL_BASE / PAGE_SIZE);
        let mut next = first.page().number();
        while next < end {
            let start = next;
            let mut batch = [None; BATCH];
            let mut count = 0;
            while next < end && count < BATCH {
                let page = VirtAddr::new(next * PAGE_SIZE).page();
                let entry = self.top().read(page.directory_index());
                if !entry.is_present() {
                    next = (page.directory_index() as u32 + 1) * ENTRIES as u32;
                    continue;
                }
                let table = table_in(entry);
                let old = table.read(page.table_index());
                if old.is_present() {
                    // SAFETY: user memory: the kernel holds no reference to any.
                    unsafe { table.write(page.table_index(), Entry::EMPTY) };
                    batch[count] = Some((VirtAddr::new(next * PAGE_SIZE), old.frame()));
                    count += 1;
                }
                next += 1;
            }
            if count > 0 {
                self.pages.fetch_sub(count as u32, Ordering::Relaxed);
                let span = next.min(end) - start;
                self.forget(VirtAddr::new(start * PAGE_SIZE), span);
            }
            for (page, frame) in batch.into_iter().flatten() {
                gone(page, frame);
            }
        }
    }

    /// Makes `pages` pages from `first` on read-only for all processors.
    pub(crate) fn restrict(&self, first: VirtAddr, pages: u32) {
        let _tables = self.tables.lock();
        let end = first.page().number() + pages;
        assert!(end <= KERNEL_BASE / PAGE_SIZE);
        let mut next = first.page().number();
        let mut changed = false;
        while next < end {
            let page = VirtAddr::new(next * PAGE_SIZE).page();
            let entry = self.top().read(page.directory_index());
            if !entry.is_present() {
                next = (page.directory_index() as u32 + 1) * ENTRIES as u32;
                continue;
            }
            let table = table_in(entry);
            let old = table.read(page.table_index());
            if old.flags().contains(Flags::WRITABLE) {
                let restricted = Entry::new(old.frame(), Access::Read.flags());
                // SAFETY: user memory: the kernel holds no reference to any.
                unsafe { table.write(page.table_index(), restricted) };
                changed = true;
            }
            next += 1;
        }
        if changed {
            self.forget(first, pages);
        }
    }

    /// Whether any processor has used the page since this was last asked.
    pub(crate) fn take_accessed(&self, page: VirtAddr) -> bool {
        let _tables = self.tables.lock();
        let entry = self.top().read(page.page().directory_index());
        if !entry.is_present() {
            return false;
        }
        let table = table_in(entry);
        let leaf = table.read(page.page().table_index());
        let is_accessed = leaf.is_present() && leaf.flags().contains(Flags::ACCESSED);
        if is_accessed {
            let cleared = Entry::new(leaf.frame(), leaf.flags() - Flags::ACCESSED);
            // SAFETY: user memory: the kernel holds no reference to any.
            unsafe { table.write(page.page().table_index(), cleared) };
            // Who remembers the page does not say that it uses it.
            self.forget(page, 1);
        }
        is_accessed
    }

    /// The frame of the page at `page`, and how it is mapped.
    pub(crate) fn lookup(&self, page: VirtAddr) -> Option<(Frame, Access)> {
        let _tables = self.tables.lock();
        let entry = self.top().read(page.page().directory_index());
        if page.as_u32() >= KERNEL_BASE || !entry.is_present() {
            return None;
        }
        let leaf = table_in(entry).read(page.page().table_index());
        let access = match leaf.flags() {
            flags if flags.contains(Flags::WRITABLE) => Access::Write,
            _ => Access::Read,
        };
        leaf.is_present().then_some((leaf.frame(), access))
    }

    /// Makes the processor that calls use these tables instead of `before`.
    ///
    /// # Safety
    ///
    /// They stay for as long as it does; interrupts are off.
    pub(crate) unsafe fn load(&self, before: Option<&Pmap>) {
        let own = 1 << percpu::current().id();
        self.loaded.fetch_or(own, Ordering::SeqCst);
        // SAFETY: the upper half maps everything of the kernel.
        unsafe { paging::switch_to(self.directory_address()) };
        if let Some(before) = before {
            before.loaded.fetch_and(!own, Ordering::SeqCst);
        }
        // Either a map that is made now is seen here, or this processor in `loaded`.
        let had_ports = before.is_none_or(|before| before.has_ports.load(Ordering::SeqCst));
        if had_ports || self.has_ports.load(Ordering::SeqCst) {
            self.load_ports();
        }
    }

    /// Lets the task use the I/O ports from `first` to `last`, or not, on every
    /// processor that runs it.
    pub(crate) fn permit_ports(
        &self,
        first: u16,
        last: u16,
        permission: Permission,
    ) -> Result<(), OutOfMemory> {
        let new = match permission {
            Permission::Allowed => Some(PortMap::new().map_err(|_| OutOfMemory)?),
            Permission::Denied => None,
        };
        let serial = {
            let mut maps = MAPS.lock();
            *maps += 1;
            *maps
        };
        let mut ports = self.ports.lock();
        let (map, spare) = match (ports.take(), new) {
            (Some((map, _)), new) => (Some(map), new),
            (None, new) => (new, None),
        };
        let spare = match map {
            Some(mut map) => {
                map.set(first, last, permission);
                match map.is_empty() {
                    true => Some(map),
                    false => {
                        *ports = Some((map, serial));
                        spare
                    }
                }
            }
            None => spare,
        };
        self.has_ports.store(ports.is_some(), Ordering::SeqCst);
        drop(ports);
        drop(spare);
        let own = core::ptr::from_ref(self).addr() as u32;
        let saved = interrupts::disable();
        ports_changed(own, 0);
        interrupts::restore(saved);
        let loaded = self.loaded.load(Ordering::SeqCst);
        call::on_some(loaded, ports_changed, own, 0);
        Ok(())
    }

    /// The map of the first ports, as many as there are bits in `into`.
    pub(crate) fn first_ports(&self, into: &mut [u32]) {
        let ports = self.ports.lock();
        let words = ports.as_ref().map_or(&[][..], |(map, _)| map.words());
        for (number, place) in into.iter_mut().enumerate() {
            let word = words.get(number / 2).copied().unwrap_or(u64::MAX);
            *place = (word >> (32 * (number % 2))) as u32;
        }
    }

    /// Makes the processor that calls, which has it loaded, let user mode use its
    /// ports. Interrupts are off.
    fn load_ports(&self) {
        let ports = self.ports.lock();
        let map = ports.as_ref().map(|(map, serial)| (map.words(), *serial));
        // SAFETY: the processor's own, and interrupts are off: under the lock.
        unsafe { percpu::current().set_ports(map) };
    }

    /// Makes the processor that calls use the kernel's own tables.
    pub(crate) fn unload(&self) {
        // SAFETY: the kernel's tables map everything of the kernel.
        unsafe { paging::switch_to(kernel_map::directory_address()) };
        let own = 1 << percpu::current().id();
        self.loaded.fetch_and(!own, Ordering::SeqCst);
    }

    /// Has every processor that still has it loaded unload it when it next can.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
        if self.loaded.load(Ordering::SeqCst) != 0 {
            ipi::wake_others();
        }
    }

    /// Whether [`Pmap::end`] was called.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    fn directory_address(&self) -> PhysAddr {
        self.directory.start()
    }

    fn top(&self) -> TableAt {
        table_at(self.directory)
    }

    /// No processor remembers what these pages were.
    fn forget(&self, first: VirtAddr, pages: u32) {
        // Either a processor that loads the directory now sees the new entries,
        // or it is seen here.
        fence(Ordering::SeqCst);
        let loaded = self.loaded.load(Ordering::SeqCst);
        if loaded != 0 {
            shootdown::flush_on(loaded, first, pages as usize);
        }
    }
}

/// The ports of the page tables at `pmap`, which whoever asks keeps, have changed:
/// for the processors that have those loaded.
fn ports_changed(pmap: u32, _: u32) {
    // SAFETY: whoever asks waits until this is done, and borrows it.
    let pmap = unsafe { &*(pmap as usize as *const Pmap) };
    let own = 1 << percpu::current().id();
    // With interrupts off one alone has the bit.
    if pmap.loaded.load(Ordering::SeqCst) & own != 0 {
        pmap.load_ports();
    }
}

impl Drop for Pmap {
    fn drop(&mut self) {
        debug_assert_eq!(self.loaded.load(Ordering::SeqCst), 0);
        for slot in 0..USER_ENTRIES {
            let entry = self.top().read(slot);
            if entry.is_present() {
                frames::free(entry.frame());
            }
        }
        frames::free(self.directory);
    }
}

fn table_in(entry: Entry) -> TableAt {
    table_at(entry.frame())
}

fn table_at(frame: Frame) -> TableAt {
    let address = direct(frame.start()).expect("low frames are in the direct map");
    // SAFETY: a table's frame, in the direct map for good; writes are
    // serialised by `tables`.
    unsafe { TableAt::new(address) }
}

fn empty_table() -> Result<Frame, OutOfMemory> {
    let frame = frames::allocate(Zone::Low)?;
    let table = table_at(frame);
    for number in 0..ENTRIES {
        // SAFETY: the frame was free; nobody uses it as a table yet.
        unsafe { table.write(number, Entry::EMPTY) };
    }
    Ok(frame)
}
