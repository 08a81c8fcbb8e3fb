//! The VGA text screen, where there is one.
//!
//! Owns the text memory at 0xb8000 and the cursor registers; what is drawn is
//! decided by `kernel_core::text_screen`.

use core::fmt;

use boot::layout::KERNEL_BASE;
use kernel_core::text_screen::{CELLS, COLUMNS, TextScreen};

use super::port::Port;

/// Text memory, in the direct map.
const TEXT_MEMORY: usize = KERNEL_BASE as usize + 0xb_8000;

// SAFETY: the kernel owns the display adapter. The same holds below.
const CRTC_INDEX: Port = unsafe { Port::new(0x3d4) };
// SAFETY: as above.
const CRTC_DATA: Port = unsafe { Port::new(0x3d5) };
/// Cursor position registers of the CRT controller.
const CURSOR_HIGH: u8 = 0x0e;
const CURSOR_LOW: u8 = 0x0f;

/// The screen, after [`Screen::probe`].
pub(crate) struct Screen {
    screen: TextScreen,
}
