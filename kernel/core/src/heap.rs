//! Size classes of the kernel heap, and what is in use of each.
//!
//! Owns the numbers; the kernel's heap owns the memory and keeps a list of free
//! blocks a class. A run is one page, cut into blocks of one class from its
//! start, with [`RUN_TRAILER`] bytes of the heap's own at its end; what needs
//! more than the largest class gets whole pages.
//!
//! **Invariants**: every class size is a multiple of 16, and blocks start at
//! multiples of the size in a page: the lowest set bit of the size is
//! therefore an alignment all blocks of the class have. `class_of` trusts it.

use crate::addr::PAGE_SIZE;

/// Block sizes in bytes, ascending: powers of two and their halves in between
/// up to 512, then what divides a run with its trailer into 6, 5, 3 and 2.
const SIZES: [u16; CLASSES] = [
    16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 672, 816, 1360, 2032,
];

/// How many classes there are.
pub const CLASSES: usize = 14;

/// Largest block; more is given in pages.
pub const LARGEST: usize = 2032;

/// Bytes at the end of a run that hold no block.
pub const RUN_TRAILER: usize = 16;

/// Per 16 bytes of size, the smallest class that holds it.
const CLASS_OF_UNITS: [u8; LARGEST / 16 + 1] = {
    let mut table = [0; LARGEST / 16 + 1];
    let mut class = 0;
    let mut units = 0;
    while units < table.len() {
        if units * 16 > SIZES[class] as usize {
            class += 1;
        }
        table[units] = class as u8;
        units += 1;
    }
    table
};

/// A size class, by number: 0 to `CLASSES - 1`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Class(u8);

impl Class {
    /// All classes, smallest blocks first.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..CLASSES as u8).map(Self)
    }

    /// The number, an index below [`CLASSES`].
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Bytes in a block.
    pub const fn size(self) -> usize {
        SIZES[self.index()] as usize
    }

    /// What every block's address is a multiple of.
    pub const fn align(self) -> usize {
        1 << self.size().trailing_zeros()
    }

    /// Blocks in a run.
    pub const fn blocks_per_run(self) -> usize {
        (PAGE_SIZE as usize - RUN_TRAILER) / self.size()
    }
}

/// How a request is met.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Plan {
    /// By a block.
    Block(Class),
    /// By this many pages, the first at a multiple of `align_pages`.
    Pages {
        /// How many.
        count: u32,
        /// Alignment in pages.
        align_pages: u32,
    },
}

/// The smallest class whose blocks hold `size` bytes at a multiple of `align`.
/// `None` if there is none, and if `align` is not a power of two.
pub fn class_of(size: usize, align: usize) -> Option<Class> {
    if !align.is_power_of_two() {
        return None;
    }
    let units = size.max(align).checked_add(15)? / 16;
    let smallest = *CLASS_OF_UNITS.get(units)?;
    let classes = (smallest..CLASSES as u8).map(Class);
    classes.into_iter().find(|class| class.align() >= align)
}

/// How to meet a request. `None` if it cannot be in 32 bits of address, and if
/// `align` is not a power of two.
pub fn plan(size: usize, align: usize) -> Option<Plan> {
    if let Some(class) = class_of(size, align) {
        return Some(Plan::Block(class));
    }
    if !align.is_power_of_two() {
        return None;
    }
    let page = PAGE_SIZE as usize;
    let count = u32::try_from(size.div_ceil(page).max(1)).ok()?;
    let align_pages = u32::try_from(align.div_ceil(page)).ok()?;
    if count >= crate::addr::PAGES || align_pages >= crate::addr::PAGES {
        return None;
    }
    Some(Plan::Pages { count, align_pages })
}

/// What is in use. All zero when new.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    blocks: [u32; CLASSES],
    pages: u32,
}

/// More was given back than had been handed out: a free without its
/// allocation, or with another size.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotInUse(pub Plan);

impl Usage {
    /// Nothing in use.
    pub const fn new() -> Self {
        Self {
            blocks: [0; CLASSES],
            pages: 0,
        }
    }

    /// Notes what was handed out.
    pub fn allocated(&mut self, plan: Plan) {
        let (count, more) = self.counter(plan);
        *count = count.saturating_add(more);
    }

    /// Notes what was given back.
    pub fn freed(&mut self, plan: Plan) -> Result<(), NotInUse> {
        let (count, less) = self.counter(plan);
        *count = count.checked_sub(less).ok_or(NotInUse(plan))?;
        Ok(())
    }

    /// Blocks of `class` in use.
    pub const fn blocks(&self, class: Class) -> u32 {
        self.blocks[class.index()]
    }

    /// Whole pages in use, runs not counted.
    pub const fn pages(&self) -> u32 {
        self.pages
    }

    /// Bytes in use, as rounded up to blocks and pages.
    pub fn bytes(&self) -> usize {
        let blocks =
            Class::all().map(|class| class.size().saturating_mul(self.blocks(class) as usize));
        let pages = (PAGE_SIZE as usize).saturating_mul(self.pages as usize);
        blocks.fold(pages, usize::saturating_add)
    }

    fn counter(&mut self, plan: Plan) -> (&mut u32, u32) {
        match plan {
            Plan::Block(class) => (&mut self.blocks[class.index()], 1),
            Plan::Pages { count, .. } => (&mut self.pages, count),
        }
    }
}
