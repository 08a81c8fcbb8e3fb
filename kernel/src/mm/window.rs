//! Physical memory for parsers of firmware tables and boot modules: the direct
//! map, or a window.
//!
//! Firmware tables lie near the end of RAM, which the direct map may not
//! reach. A [`PhysicalWindow`] maps what is asked for and keeps it mapped for
//! as long as it lives; it is made at boot and dropped once the tables are
//! read.

use core::cell::OnceCell;
use core::slice;

use kernel_core::addr::{FrameRange, PAGE_SIZE, PhysAddr, VirtAddr};
use kernel_core::firmware::PhysicalMemory;

use super::direct;
use super::kernel_map::{Mapping, Use, translate};

/// Windows that can be open at a time; the firmware has fewer tables that
/// anyone reads.
const WINDOWS: usize = 16;
/// No table of a PC is larger, nor any boot module that is worth its memory:
/// half of the addresses that there are for this.
const LARGEST: usize = boot::layout::MAPPINGS_SIZE as usize / 2;

struct Window {
    frames: FrameRange,
    mapping: Mapping,
}

/// A view of physical memory, read only.
pub(crate) struct PhysicalWindow {
    windows: [OnceCell<Window>; WINDOWS],
}

impl PhysicalWindow {
    /// A view with no window open.
    pub(crate) const fn new() -> PhysicalWindow {
        PhysicalWindow {
            windows: [const { OnceCell::new() }; WINDOWS],
        }
    }

    fn window(&self, frames: FrameRange) -> Option<VirtAddr> {
        let open = self.windows.iter().map_while(OnceCell::get);
        if let Some(found) = open.clone().find(|window| window.frames == frames) {
            return Some(found.mapping.address(0));
        }
        let unused = self.windows.get(open.count())?;
        let mapping = Mapping::of(frames, Use::ReadOnly).ok()?;
        Some(
            unused
                .get_or_init(|| Window { frames, mapping })
                .mapping
                .address(0),
        )
    }
}

impl PhysicalMemory for PhysicalWindow {
    fn bytes(&self, address: u64, length: usize) -> Option<&[u8]> {
        let first = PhysAddr::from_u64(address)?;
        let last = PhysAddr::from_u64(address.checked_add(length as u64)?.checked_sub(1)?)?;
        if length == 0 || length > LARGEST {
            return None;
        }
        let start = match (direct(first), direct(last)) {
            (Some(start), Some(end)) if is_mapped(start, end) => start,
            _ => {
                let frames = FrameRange::covering(address, length as u64);
                self.window(frames)?.checked_add(first.offset_in_page())?
            }
        };
        // SAFETY: the whole range is mapped, and stays so while `self` lives.
        // Nothing writes to firmware tables while the parsers run: that is
        // early in boot, on one processor.
        Some(unsafe { slice::from_raw_parts(start.as_usize() as *const u8, length) })
    }
}

fn is_mapped(start: VirtAddr, end: VirtAddr) -> bool {
    let pages = start.page().number()..=end.page().number();
    let mut addresses = pages.map(|number| VirtAddr::new(number * PAGE_SIZE));
    addresses.all(|address| translate(address).is_some())
}
