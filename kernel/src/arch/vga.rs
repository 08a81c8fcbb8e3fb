//! The VGA text screen, where there is one.
//!
//! Owns the text memory at 0xb8000 and the cursor registers; what is drawn is
//! decided by `kernel_core::text_screen`.

use core::fmt;

use boot::layout::KERNEL_BASE;
use kernel_core::text_screen::{CELLS, Display, TextScreen};

use super::port::Port;

/// Text memory, in the direct map.
const TEXT_MEMORY: *mut u16 = (KERNEL_BASE as usize + 0xb_8000) as *mut u16;

// SAFETY: the kernel owns the display adapter. The same holds below.
const CRTC_INDEX: Port = unsafe { Port::new(0x3d4) };
// SAFETY: as above.
const CRTC_DATA: Port = unsafe { Port::new(0x3d5) };
/// Cursor position registers of the CRT controller.
const CURSOR_HIGH: u8 = 0x0e;
const CURSOR_LOW: u8 = 0x0f;

/// The screen, after [`Screen::probe`].
pub(crate) struct Screen {
    text: TextScreen,
}

impl Screen {
    /// A console without a screen, until one is probed.
    pub(crate) const fn new() -> Screen {
        Screen {
            text: TextScreen::new(),
        }
    }

    /// Whether there is a screen; if so it is cleared.
    pub(crate) fn probe(&mut self) -> bool {
        if !Adapter::is_there() {
            return false;
        }
        self.text.clear(&mut Adapter);
        true
    }

    /// Shows bytes, control sequences included.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.text.write(bytes, &mut Adapter);
    }
}

impl fmt::Write for Screen {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.write(text.as_bytes());
        Ok(())
    }
}

/// The device.
struct Adapter;

impl Adapter {
    /// The cursor's register and text memory both hold what is written to
    /// them. Memory alone proves nothing: without an adapter it may be RAM.
    fn is_there() -> bool {
        Adapter::has_cursor() && Adapter::has_text_memory()
    }

    fn has_cursor() -> bool {
        CRTC_INDEX.write8(CURSOR_LOW);
        let saved = CRTC_DATA.read8();
        let holds = [0x55, 0xaa].iter().all(|&pattern| {
            CRTC_DATA.write8(pattern);
            CRTC_DATA.read8() == pattern
        });
        CRTC_DATA.write8(saved);
        holds
    }

    fn has_text_memory() -> bool {
        const PATTERNS: [u16; 2] = [0x0755, 0x07aa];
        // SAFETY: the range belongs to the display adapter and is in the
        // direct map; the cell is put back.
        unsafe {
            let saved = TEXT_MEMORY.read_volatile();
            let holds = PATTERNS.iter().all(|&pattern| {
                TEXT_MEMORY.write_volatile(pattern);
                TEXT_MEMORY.read_volatile() == pattern
            });
            TEXT_MEMORY.write_volatile(saved);
            holds
        }
    }
}

impl Display for Adapter {
    fn show(&mut self, index: usize, cell: u16) {
        if index < CELLS {
            // SAFETY: inside text memory, which is the adapter's alone.
            unsafe { TEXT_MEMORY.add(index).write_volatile(cell) };
        }
    }

    fn place_cursor(&mut self, index: usize) {
        let [low, high, ..] = index.to_le_bytes();
        for (register, value) in [(CURSOR_HIGH, high), (CURSOR_LOW, low)] {
            CRTC_INDEX.write8(register);
            CRTC_DATA.write8(value);
        }
    }
}
