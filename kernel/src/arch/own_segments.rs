//! Segments that a thread has for itself: two places of the GDT, and an LDT.
//!
//! Owns a thread's tables; the scheduler puts them into the processor while the
//! thread runs. The routines on descriptor tables make them.
//!
//! **Invariants**: all descriptors that a user set are segments of user mode, or
//! none. The first [`USUAL`] of the LDT are those that every thread has.

use alloc::vec::Vec;

use kernel_core::arena::NoMemory;
use kernel_core::descriptor::{Descriptor, Use};

use super::segments;

/// Places of the GDT that a thread has for itself.
pub(crate) const OWN_PLACES: usize = 2;
/// The first of them.
pub(crate) const FIRST_PLACE: usize = 9;
/// Descriptors of the LDT that are the same for all.
pub(crate) const USUAL: usize = segments::USER_SLOTS;
/// Descriptors that an LDT has at most: seen.
pub(crate) const MOST: usize = 8191;

/// A selector's bit that means the LDT.
const IN_LDT: u32 = 1 << 2;

/// The segments of a thread that has asked for some. Never changed: a change is
/// a new one.
pub(crate) struct OwnSegments {
    places: [Descriptor; OWN_PLACES],
    /// Empty as long as it is the usual one.
    ldt: Vec<Descriptor>,
}

impl OwnSegments {
    /// What `before` are, or those of every thread, with `change` made in the
    /// places of the GDT.
    pub(crate) fn with_place(
        before: Option<&OwnSegments>,
        place: usize,
        descriptor: Descriptor,
    ) -> Result<OwnSegments, NoMemory> {
        debug_assert!(descriptor.is_empty() || descriptor.is_users());
        let mut own = OwnSegments::copy(before, 0)?;
        if let Some(found) = own.places.get_mut(place) {
            *found = descriptor;
        }
        Ok(own)
    }

    /// The same, with `list` in the LDT from descriptor `first` on, which is none
    /// of the usual ones.
    pub(crate) fn with_ldt(
        before: Option<&OwnSegments>,
        first: usize,
        list: impl ExactSizeIterator<Item = Descriptor>,
    ) -> Result<OwnSegments, NoMemory> {
        let end = first.saturating_add(list.len());
        if first < USUAL || end > MOST {
            return Err(NoMemory);
        }
        let mut own = OwnSegments::copy(before, end)?;
        for (place, descriptor) in own.ldt.iter_mut().skip(first).zip(list) {
            debug_assert!(descriptor.is_empty() || descriptor.is_users());
            *place = descriptor;
        }
        Ok(own)
    }

    /// A copy whose LDT has `least` descriptors at least, if it is to have any.
    fn copy(before: Option<&OwnSegments>, least: usize) -> Result<OwnSegments, NoMemory> {
        let old = before.map_or(&[][..], |before| &before.ldt);
        let count = old.len().max(least);
        let mut ldt = Vec::new();
        ldt.try_reserve_exact(count).map_err(|_| NoMemory)?;
        if count > 0 && old.is_empty() {
            ldt.extend_from_slice(&segments::usual());
        }
        ldt.extend_from_slice(old);
        ldt.resize(count, Descriptor::EMPTY);
        Ok(OwnSegments {
            places: before.map_or([Descriptor::EMPTY; OWN_PLACES], |before| before.places),
            ldt,
        })
    }

    /// What is in its places of the GDT.
    pub(crate) fn places(&self) -> &[Descriptor; OWN_PLACES] {
        &self.places
    }

    /// Its LDT, if that is not the usual one.
    pub(crate) fn ldt(&self) -> Option<&[Descriptor]> {
        Some(&*self.ldt).filter(|ldt| !ldt.is_empty())
    }
}

/// The LDT of a thread that asked for no other.
pub(crate) fn usual() -> [Descriptor; USUAL] {
    segments::usual()
}

/// Whether the processor takes `selector` for that in user mode, of a thread with
/// such segments.
pub(crate) fn allows(own: Option<&OwnSegments>, selector: u32, purpose: Use) -> bool {
    // The null selectors are four.
    if selector < 4 {
        return purpose == Use::Data;
    }
    let index = (selector >> 3) as usize;
    let is_low = selector & 3 == 3 || purpose == Use::Data;
    let descriptor = match selector & IN_LDT {
        0 => {
            let place = index.checked_sub(FIRST_PLACE);
            let places = own.map(OwnSegments::places);
            place.and_then(|place| places?.get(place).copied())
        }
        _ => match own.and_then(OwnSegments::ldt) {
            Some(ldt) => ldt.get(index).copied(),
            None => segments::usual().get(index).copied(),
        },
    };
    is_low && selector <= 0xffff && descriptor.is_some_and(|found| found.allows(purpose))
}
