//! The page of code where another processor starts.
//!
//! Owns `ap.s` and the parameters that it reads. Used by the layer that starts
//! processors, one at a time.

use core::arch::global_asm;
use core::mem::{offset_of, size_of};

use kernel_core::addr::PAGE_SIZE;

/// Where the parameters are in the page.
const PARAMETERS: usize = 0x800;
const CR0_PE: u32 = 1;
const CR0_PG_WP: u32 = 1 << 31 | 1 << 16;
/// Caches off, as INIT leaves them (Intel SDM 3A table 9-1).
const CR0_CD_NW: u32 = 1 << 30 | 1 << 29;
const CR4_PSE: u32 = 1 << 4;
/// The start page's own GDT: flat code and data, in use for a few instructions.
const GDT: [u64; 3] = [0, 0x00cf_9a00_0000_ffff, 0x00cf_9200_0000_ffff];
const CODE: u16 = 0x08;
const DATA: u16 = 0x10;

/// What `ap.s` reads.
#[repr(C, packed)]
struct Parameters {
    gdt: [u64; 3],
    /// The operand of LGDT: limit and physical address.
    gdt_limit: u16,
    gdt_base: u32,
    /// The operand of the far jump: offset and selector.
    protected: u32,
    code: u16,
    page_directory: u32,
    stack_top: u32,
    argument: u32,
    entry: u32,
}

global_asm!(
    include_str!("ap.s"),
    GDT_LIMIT = const PARAMETERS + offset_of!(Parameters, gdt_limit),
    PROTECTED = const PARAMETERS + offset_of!(Parameters, protected),
    PAGE_DIRECTORY = const PARAMETERS + offset_of!(Parameters, page_directory),
    STACK_TOP = const PARAMETERS + offset_of!(Parameters, stack_top),
    ARGUMENT = const PARAMETERS + offset_of!(Parameters, argument),
    ENTRY = const PARAMETERS + offset_of!(Parameters, entry),
    DATA = const DATA,
    CR0_PE = const CR0_PE,
    CR0_PG_WP = const CR0_PG_WP,
    CR0_CACHES = const !CR0_CD_NW,
    CR4_PSE = const CR4_PSE,
);

unsafe extern "C" {
    static ap_start: u8;
    static ap_protected: u8;
    static ap_end: u8;
}

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

/// Makes `page`, the page at physical address `base`, ready for one processor
/// to start in.
pub(crate) fn write_start_page(page: &mut [u8; PAGE_SIZE as usize], base: u32, state: &StartState) {
    let start = &raw const ap_start;
    let length = (&raw const ap_end).addr() - start.addr();
    assert!(
        length <= PARAMETERS,
        "the start code does not run into its parameters"
    );
    // SAFETY: `ap.s` lays the two symbols out around its code.
    let code = unsafe { core::slice::from_raw_parts(start, length) };
    page[..length].copy_from_slice(code);

    let protected = (&raw const ap_protected).addr() - start.addr();
    let parameters = Parameters {
        gdt: GDT,
        gdt_limit: (size_of_val(&GDT) - 1) as u16,
        gdt_base: base + (PARAMETERS + offset_of!(Parameters, gdt)) as u32,
        protected: base + protected as u32,
        code: CODE,
        page_directory: state.page_directory,
        stack_top: state.stack_top,
        argument: state.argument,
        entry: state.entry as usize as u32,
    };
    let place = page[PARAMETERS..][..size_of::<Parameters>()].as_mut_ptr();
    // SAFETY: the slice has room for them, and they are packed.
    unsafe { place.cast::<Parameters>().write(parameters) };
}
