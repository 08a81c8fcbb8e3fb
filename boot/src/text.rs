//! Text that a loader left in memory, copied into a place of bounded length.
//!
//! Owns the copy, so that nobody depends on memory the loader did not reserve.
//! The protocol parsers fill it; whoever reads it sees printable ASCII.
//!
//! **Invariants**: the first `length <= N` bytes are printable ASCII, kept by
//! [`Text::push`], the only writer; otherwise [`Text::as_str`] is empty.

#![forbid(unsafe_code)]

use core::fmt;

use kernel_core::firmware::PhysicalMemory;

/// Up to `N` bytes of text.
#[derive(Clone, Copy)]
pub struct Text<const N: usize> {
    bytes: [u8; N],
    length: usize,
    truncated: bool,
}

/// Bytes read at a time: never across a page, and a line of most caches.
const CHUNK: u64 = 64;

impl<const N: usize> Text<N> {
    /// No text.
    pub const EMPTY: Self = Self {
        bytes: [0; N],
        length: 0,
        truncated: false,
    };

    /// The text.
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..self.length).unwrap_or_default();
        core::str::from_utf8(bytes).unwrap_or_default()
    }

    /// The loader's text went on, or into memory that can't be read.
    pub const fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// Makes it no text.
    pub fn clear(&mut self) {
        self.length = 0;
        self.truncated = false;
    }

    /// Copies the zero-terminated text at physical `address`. Bytes that are
    /// not printable ASCII become `?`, tabs a space. Reads at most `N` bytes
    /// and the chunk they end in.
    pub fn copy_from(&mut self, memory: &impl PhysicalMemory, address: u64) {
        self.clear();
        let mut from = address;
        loop {
            let aligned = (CHUNK - from % CHUNK) as usize;
            // Recorded memory may end inside a chunk: then byte by byte.
            let chunk = memory
                .bytes(from, aligned)
                .or_else(|| memory.bytes(from, 1));
            let Some(chunk) = chunk else {
                self.truncated = true;
                return;
            };
            for &byte in chunk {
                if byte == 0 {
                    return;
                }
                if !self.push(byte) {
                    self.truncated = true;
                    return;
                }
            }
            let Some(next) = from.checked_add(chunk.len() as u64) else {
                self.truncated = true;
                return;
            };
            from = next;
        }
    }

    /// Appends a byte of foreign text; says whether there was room.
    fn push(&mut self, byte: u8) -> bool {
        let Some(place) = self.bytes.get_mut(self.length) else {
            return false;
        };
        *place = match byte {
            b' '..=b'~' => byte,
            b'\t' => b' ',
            _ => b'?',
        };
        self.length += 1;
        true
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Text;
    use kernel_core::firmware::Recorded;

    fn copy(bytes: &[u8], address: u64) -> Text<8> {
        let mut text = Text::EMPTY;
        text.copy_from(&Recorded(&[(0x103e, bytes)]), address);
        text
    }

    #[test]
    fn text_ends_at_the_zero_byte() {
        let text = copy(b"a=1 b\0junk", 0x103e);
        assert_eq!(text.as_str(), "a=1 b");
        assert!(!text.is_truncated());
        assert_eq!(copy(b"\0", 0x103e).as_str(), "");
    }

    #[test]
    fn what_does_not_fit_is_noted() {
        let text = copy(b"123456789\0", 0x103e);
        assert_eq!(text.as_str(), "12345678");
        assert!(text.is_truncated());
        assert!(!copy(b"12345678\0", 0x103e).is_truncated());
    }

    #[test]
    fn memory_may_end_first() {
        let text = copy(b"1234", 0x103e);
        assert_eq!((text.as_str(), text.is_truncated()), ("1234", true));
        let text = copy(b"1234\0", 0x2000);
        assert_eq!((text.as_str(), text.is_truncated()), ("", true));
        let text = copy(b"1234\0", u64::MAX);
        assert_eq!((text.as_str(), text.is_truncated()), ("", true));
    }

    #[test]
    fn foreign_bytes_are_replaced() {
        assert_eq!(copy("é\t\x1b\0".as_bytes(), 0x103e).as_str(), "?? ?");
    }
}
