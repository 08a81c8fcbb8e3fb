//! Copies from and to the memory of the task whose turn it is.
//!
//! Owns `user_memory.s`, the only code of the kernel that may touch addresses
//! which a user named. It may fault: the trap layer asks [`goes_on_at`] where
//! the copy that failed goes on, and it says so to its caller.

use core::arch::{asm, global_asm};
use core::mem::MaybeUninit;

use boot::layout::KERNEL_BASE;

global_asm!(include_str!("user_memory.s"));

unsafe extern "C" {
    fn user_copy(to: *mut u8, from: *const u8, length: usize) -> usize;
    fn user_copy_end();
    fn user_copy_failed();
    fn user_copy_words();
    fn user_copy_words_end();
}

/// Copies `count` words; tells how many are left that it could not.
///
/// # Safety
///
/// One of the addresses is a user's, all in user space; the other names words of
/// the kernel's own, for `to` its to write.
#[inline(always)]
unsafe fn copy_words(to: *mut u32, from: *const u32, count: usize) -> usize {
    let left;
    // SAFETY: the caller vouches for the addresses; in user space a fault has a way
    // out. The function keeps all registers but those named here, and the flag of
    // the direction is clear. ESI is not to be had as an operand.
    unsafe {
        asm!(
            "xchg esi, {from}",
            "call {copy}",
            "xchg esi, {from}",
            from = inout(reg) from => _,
            copy = sym user_copy_words,
            inout("edi") to => _,
            inout("ecx") count => left,
        );
    }
    left
}

/// An address is not the task's, or not to be used like that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadAddress;

/// Values that are any bits and nothing but.
///
/// # Safety
///
/// Every pattern of bits is a value, and no byte is padding.
pub(crate) unsafe trait Plain: Copy {}

// SAFETY: integers are their bits.
unsafe impl Plain for u8 {}
// SAFETY: integers are their bits.
unsafe impl Plain for u32 {}

/// Some words that came from a user or are for one: a short message. Room for
/// more costs nothing until it is used.
pub(crate) struct Words {
    /// **Invariant**: the first `length` of `words` have been written.
    length: usize,
    words: [MaybeUninit<u32>; Words::MOST],
}

impl Words {
    /// So many at most.
    pub(crate) const MOST: usize = 64;

    /// None yet.
    pub(crate) const fn new() -> Words {
        Words {
            length: 0,
            words: [MaybeUninit::uninit(); Words::MOST],
        }
    }

    /// They are now the `length` words at the user's address `from`; what they are
    /// if that leads nowhere is nobody's business.
    ///
    /// # Panics
    ///
    /// If `length` is more than there is room for.
    #[inline(always)]
    pub(crate) fn copy_in(&mut self, from: u32, length: usize) -> Result<(), BadAddress> {
        assert!(length <= Words::MOST, "more words than there is room for");
        check(from, length * size_of::<u32>())?;
        // SAFETY: the source is in user space, where a fault has a way out; the
        // target is room for so many words.
        let left = unsafe {
            copy_words(
                self.words.as_mut_ptr().cast(),
                from as usize as *const u32,
                length,
            )
        };
        result(left)?;
        self.length = length;
        Ok(())
    }

    /// Copies them to the user's address `to`.
    #[inline(always)]
    pub(crate) fn copy_out(&self, to: u32) -> Result<(), BadAddress> {
        check(to, self.length * size_of::<u32>())?;
        // SAFETY: the target is in user space, where a fault has a way out; by the
        // invariant so many words have been written.
        result(unsafe {
            copy_words(
                to as usize as *mut u32,
                self.words.as_ptr().cast(),
                self.length,
            )
        })
    }

    /// The bytes of the words.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        let written = &self.words[..self.length];
        let bytes = size_of_val(written);
        // SAFETY: by the invariant; a written word is as many bytes.
        unsafe { core::slice::from_raw_parts(written.as_ptr().cast(), bytes) }
    }

    /// They are now so many bytes of zeroes, to be changed; `None` if those are not
    /// whole words, or too many.
    pub(crate) fn zeroed(&mut self, bytes: usize) -> Option<&mut [u8]> {
        if bytes % size_of::<u32>() != 0 {
            return None;
        }
        let length = bytes / size_of::<u32>();
        let words = self.words.get_mut(..length)?;
        words.fill(MaybeUninit::zeroed());
        self.length = length;
        // SAFETY: the words have just been written, and are as many bytes.
        Some(unsafe { core::slice::from_raw_parts_mut(self.words.as_mut_ptr().cast(), bytes) })
    }

    /// They are fewer now: the first so many bytes, whole words.
    pub(crate) fn truncate(&mut self, bytes: usize) {
        self.length = self.length.min(bytes / size_of::<u32>());
    }

    /// The words.
    pub(crate) fn as_mut_slice(&mut self) -> &mut [u32] {
        let written = &mut self.words[..self.length];
        // SAFETY: by the invariant; a written word has the form of a word.
        unsafe { core::slice::from_raw_parts_mut(written.as_mut_ptr().cast(), written.len()) }
    }
}

/// Fills `to` from the user's address `from`.
pub(crate) fn copy_in<T: Plain>(from: u32, to: &mut [T]) -> Result<(), BadAddress> {
    let length = check(from, size_of_val(to))?;
    // SAFETY: the source is in user space, where a fault has a way out; the
    // target is a slice of plain values.
    let failed = unsafe { user_copy(to.as_mut_ptr().cast(), from as usize as *const u8, length) };
    result(failed)
}

/// Copies `from` to the user's address `to`.
pub(crate) fn copy_out<T: Plain>(from: &[T], to: u32) -> Result<(), BadAddress> {
    let length = check(to, size_of_val(from))?;
    // SAFETY: the target is in user space, where a fault has a way out.
    let failed = unsafe { user_copy(to as usize as *mut u8, from.as_ptr().cast(), length) };
    result(failed)
}

/// Some words from the user's address `from`, in `place`, whatever that is.
#[inline(always)]
pub(crate) fn read_words<const COUNT: usize>(
    place: &mut MaybeUninit<[u32; COUNT]>,
    from: u32,
) -> Result<&[u32; COUNT], BadAddress> {
    check(from, COUNT * size_of::<u32>())?;
    // SAFETY: the source is in user space, where a fault has a way out; the target
    // is room for so many words.
    let left = unsafe {
        copy_words(
            place.as_mut_ptr().cast(),
            from as usize as *const u32,
            COUNT,
        )
    };
    result(left)?;
    // SAFETY: every word was written; any bits are a word.
    Ok(unsafe { place.assume_init_ref() })
}

/// One value from the user's address `from`.
pub(crate) fn read<T: Plain>(from: u32) -> Result<T, BadAddress> {
    let mut value = MaybeUninit::<T>::zeroed();
    // SAFETY: zeroes are a plain value.
    let place = unsafe { value.assume_init_mut() };
    copy_in(from, core::slice::from_mut(place))?;
    Ok(*place)
}

fn check(address: u32, length: usize) -> Result<usize, BadAddress> {
    let end = address.checked_add(length as u32).ok_or(BadAddress)?;
    (end <= KERNEL_BASE).then_some(length).ok_or(BadAddress)
}

fn result(failed: usize) -> Result<(), BadAddress> {
    (failed == 0).then_some(()).ok_or(BadAddress)
}

/// Where the kernel goes on after a page fault at `eip` that nobody can mend;
/// nowhere, unless that is in a copy.
pub(crate) fn goes_on_at(eip: u32) -> Option<u32> {
    let bytes = user_copy as *const () as u32..user_copy_end as *const () as u32;
    let words = user_copy_words as *const () as u32..user_copy_words_end as *const () as u32;
    if bytes.contains(&eip) {
        Some(user_copy_failed as *const () as u32)
    } else {
        words.contains(&eip).then_some(words.end)
    }
}
