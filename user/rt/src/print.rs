//! Text on the kernel's console: `print!` and `println!`.
//!
//! Owns how text is cut into strings for `mach_print`. Each goes out with one
//! trap; a line that fits into one is not torn by what other tasks print.
//!
//! **Invariants**: stated beside the fields of [`Chunk`].

use core::ffi::CStr;
use core::fmt::{self, Write};

use crate::trap::mach_print;

/// Bytes of a string, its end included. The kernels read so many at once where
/// they begin at a multiple of it.
const SIZE: usize = 64;

/// A string that is not printed yet.
#[repr(align(64))]
struct Chunk {
    /// From `length` on there are zeros, and there is one at least: it is what
    /// ends the string. [`Chunk::push`] keeps it so.
    bytes: [u8; SIZE],
    length: usize,
}

impl Chunk {
    const fn new() -> Chunk {
        Chunk {
            bytes: [0; SIZE],
            length: 0,
        }
    }

    fn push(&mut self, byte: u8) {
        // A zero byte ends a string; nobody can see one anyway.
        if byte == 0 {
            return;
        }
        self.bytes[self.length] = byte;
        self.length += 1;
        if byte == b'\n' || self.length == SIZE - 1 {
            self.print();
        }
    }

    fn print(&mut self) {
        // A console that cannot be printed to has nobody to be told about it.
        if let Ok(text) = CStr::from_bytes_until_nul(&self.bytes) {
            let _ = mach_print(text);
        }
        *self = Chunk::new();
    }
}

impl Write for Chunk {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(|byte| self.push(byte));
        Ok(())
    }
}

/// Prints what `print!` and `println!` are given.
pub fn write(text: fmt::Arguments<'_>) {
    let mut chunk = Chunk::new();
    // Only a formatter can fail; what it wrote before that is printed.
    let _ = chunk.write_fmt(text);
    if chunk.length > 0 {
        chunk.print();
    }
}

/// Prints to the kernel's console. Zero bytes are left out.
#[macro_export]
macro_rules! print {
    ($($argument:tt)*) => { $crate::print::write(::core::format_args!($($argument)*)) };
}

/// Prints a line to the kernel's console.
#[macro_export]
macro_rules! println {
    () => { $crate::print!("\n") };
    ($($argument:tt)*) => {
        $crate::print::write(::core::format_args!("{}\n", ::core::format_args!($($argument)*)))
    };
}
