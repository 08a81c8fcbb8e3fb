//! What the task was started with: arguments and environment.
//!
//! Owns the reading of what Mach left on the first stack. A boot module's
//! arguments are the words of its line in the boot script, its file first; ports
//! among them are names in decimal digits.
//!
//! **Invariants**: stated beside the fields of [`Words`].

use core::ffi::{CStr, c_char};
use core::iter::FusedIterator;

use abi::port::PortName;

/// Arguments and environment of this task.
#[derive(Clone, Debug)]
pub struct Arguments {
    arguments: Words,
    environment: Words,
}

/// Words of a vector, one after the other.
#[derive(Clone, Debug)]
pub struct Words {
    /// The address of a word, and behind it more, up to a null one; each points
    /// to a string that ends with a zero byte and is never changed.
    /// [`Arguments::at`] has it promised; else reading would be reading anything.
    next: *const *const c_char,
}

impl Arguments {
    /// What is on the first stack.
    ///
    /// # Safety
    ///
    /// `stack` is the stack pointer with which Mach started this task, and
    /// nobody changes what is there.
    pub(crate) unsafe fn at(stack: *const u32) -> Arguments {
        // SAFETY: the count, as many addresses, a null, more addresses, and a
        // null stand there.
        unsafe {
            let count = *stack as usize;
            let arguments = stack.add(1).cast::<*const c_char>();
            Arguments {
                arguments: Words { next: arguments },
                environment: Words {
                    next: arguments.add(count + 1),
                },
            }
        }
    }

    /// The words, the program's file first.
    #[must_use]
    pub fn words(&self) -> Words {
        self.arguments.clone()
    }

    /// The word at a place; the program's file is at 0.
    #[must_use]
    pub fn word(&self, place: usize) -> Option<&'static CStr> {
        self.words().nth(place)
    }

    /// The environment: words of the form `name=value`.
    #[must_use]
    pub fn environment(&self) -> Words {
        self.environment.clone()
    }

    /// The number that the word at a place is, in decimal digits.
    #[must_use]
    pub fn number(&self, place: usize) -> Option<u32> {
        self.word(place)?.to_str().ok()?.parse().ok()
    }

    /// The port that the word at a place names, as a boot script's `${host-port}`
    /// leaves it.
    #[must_use]
    pub fn port(&self, place: usize) -> Option<PortName> {
        self.number(place)
            .map(PortName)
            .filter(|name| name.is_valid())
    }
}

impl Iterator for Words {
    type Item = &'static CStr;

    fn next(&mut self) -> Option<&'static CStr> {
        // SAFETY: the invariant of `next`; past the null word nothing is read.
        unsafe {
            let word = *self.next;
            if word.is_null() {
                return None;
            }
            self.next = self.next.add(1);
            Some(CStr::from_ptr(word))
        }
    }
}

impl FusedIterator for Words {}
