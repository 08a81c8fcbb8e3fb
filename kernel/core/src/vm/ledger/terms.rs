//! What a ledger is asked, and what it answers.
//!
//! Plain values. Source of the numbers: `mach/memory_object.h`.

use crate::vm::map::Protection;

/// How an object's memory is copied (`memory_object_copy_strategy_t`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Strategy {
    /// At once: its pager changes it whenever it likes.
    None,
    /// The pager is told of each copy.
    Call,
    /// When somebody writes.
    Delay,
    /// The same, and nobody else is to see what is written.
    Temporary,
}

impl Strategy {
    /// The one with Mach's number.
    pub const fn from_number(number: i32) -> Option<Self> {
        Some(match number {
            0 => Self::None,
            1 => Self::Call,
            2 => Self::Delay,
            3 => Self::Temporary,
            _ => return None,
        })
    }

    /// Mach's number.
    pub const fn number(self) -> i32 {
        self as i32
    }
}

/// Whether a page can be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Want {
    /// It is resident and may be used so.
    Use,
    /// It is to be made of zeroes.
    Zero,
    /// The thread waits from now on, and this is to be asked first.
    Wait(Option<Ask>),
    /// There will be none.
    Over,
}

/// What to ask a pager for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ask {
    /// The page (`memory_object_data_request`).
    Data(Protection),
    /// More access to it (`memory_object_data_unlock`).
    Unlock(Protection),
}

/// How a wait ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Left {
    /// Something has changed: look again.
    LookAgain,
    /// The pager said that it cannot.
    Failed,
}

/// What becomes of a page that is supplied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Supplied {
    /// It is taken.
    Taken,
    /// There is one already, which stays.
    Present,
}

/// Which pages a pager wants back (`memory_object_return_t`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Return {
    /// None.
    None,
    /// Those that were written to.
    Dirty,
    /// These, and precious ones.
    All,
}

impl Return {
    /// The one with Mach's number.
    pub const fn from_number(number: i32) -> Option<Self> {
        Some(match number {
            0 => Self::None,
            1 => Self::Dirty,
            2 => Self::All,
            _ => return None,
        })
    }
}

/// What is done with a resident page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Due {
    /// Its number.
    pub page: u32,
    /// Whether it goes to the pager.
    pub returned: bool,
    /// Whether it was written to.
    pub dirty: bool,
}
