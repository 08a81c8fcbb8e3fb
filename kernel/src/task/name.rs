//! What tasks and threads are called, for people to read.
//!
//! Pure values, for anyone.

use core::fmt;

/// A name; what is too long is cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name([u8; Name::LENGTH]);

impl Name {
    /// Bytes, with one for the zero that ends it.
    const LENGTH: usize = 32;

    /// The beginning of `text`.
    pub(crate) fn new(text: &[u8]) -> Name {
        let mut name = [0; Name::LENGTH];
        for (place, &byte) in name[..Name::LENGTH - 1].iter_mut().zip(text) {
            *place = byte;
        }
        Name(name)
    }

    /// What a task is called that was made by the one with this name.
    pub(crate) fn of_child(&self) -> Name {
        let own = self.bytes();
        let own = &own[..own.len().min(Name::LENGTH - 3)];
        let mut name = Name::new(b"(");
        name.0[1..][..own.len()].copy_from_slice(own);
        name.0[1 + own.len()] = b')';
        name
    }

    /// Its bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.split(|&byte| byte == 0).next().unwrap_or_default()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.bytes().escape_ascii())
    }
}
