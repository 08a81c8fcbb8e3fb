//! The page of code where another processor starts.
//!
//! Owns `ap.s` and the knowledge of what must be filled in. Used by the layer
//! that starts processors, one at a time.

use core::arch::global_asm;

use kernel_core::addr::PAGE_SIZE;

const CR4_PSE: u32 = 1 << 4;
const CR0_PG_WP: u32 = 1 << 31 | 1 << 16;

global_asm!(
    include_str!("ap.s"),
    CR4_PSE = const CR4_PSE,
    CR0_PG_WP = const CR0_PG_WP,
);

unsafe extern "C" {
    static ap_start: u8;
    static ap_gdt_pointer: u8;
    static ap_protected_pointer: u8;
    static ap_page_directory: u8;
    static ap_stack_top: u8;
    static ap_argument: u8;
    static ap_entry: u8;
    static ap_end: u8;
}

/// The first bytes of a page, ready for a processor to start in.
#[derive(Debug)]
pub(crate) struct StartPage<'a>(&'a mut [u8]);

/// What the processor gets: paging, a stack and a function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StartState {
    /// Physical address of a directory that maps the start page one to one.
    pub(crate) page_directory: u32,
    /// Top of its stack.
    pub(crate) stack_top: u32,
    /// Called with [`argument`](Self::argument), must not return.
    pub(crate) entry: extern "C" fn(u32) -> !,
    /// What `entry` is given.
    pub(crate) argument: u32,
}

impl<'a> StartPage<'a> {
    /// Writes the code into `page`, the page at physical address `base`.
    pub(crate) fn new(page: &'a mut [u8; PAGE_SIZE as usize], base: u32) -> StartPage<'a> {
        // SAFETY: `ap.s` lays these symbols out one after the other.
        let code = unsafe {
            let start = &raw const ap_start;
            core::slice::from_raw_parts(start, (&raw const ap_end).addr() - start.addr())
        };
        let page = &mut page[..code.len()];
        page.copy_from_slice(code);
        let mut start = StartPage(page);
        // The pointer to the GDT follows its 16-bit limit.
        start.add(offset(&raw const ap_gdt_pointer) + 2, base);
        start.add(offset(&raw const ap_protected_pointer), base);
        start
    }

    /// Fills in what the next processor gets.
    pub(crate) fn prepare(&mut self, state: &StartState) {
        self.put(offset(&raw const ap_page_directory), state.page_directory);
        self.put(offset(&raw const ap_stack_top), state.stack_top);
        self.put(offset(&raw const ap_argument), state.argument);
        self.put(offset(&raw const ap_entry), state.entry as usize as u32);
    }

    fn put(&mut self, at: usize, value: u32) {
        self.0[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }

    fn add(&mut self, at: usize, value: u32) {
        let old = &self.0[at..at + 4];
        let old = u32::from_le_bytes([old[0], old[1], old[2], old[3]]);
        self.put(at, old + value);
    }
}

fn offset(symbol: *const u8) -> usize {
    symbol.addr() - (&raw const ap_start).addr()
}
