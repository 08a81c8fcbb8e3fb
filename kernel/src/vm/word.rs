//! Words of memory at which threads meet.
//!
//! Owns what makes two words the same one, whoever sees them where. Called for
//! `gsync_wait` and its kind, which also read and write them here.

use kernel_core::addr::{PAGE_SIZE, VirtAddr};
use kernel_core::vm::map::{Inheritance, MapError};

use super::backing::Backing;
use super::fault::{Touch, Who, access};
use super::space::Space;
use super::{MEMORY, shortage};
use crate::mm::page;

/// Bytes of a word.
const WORD: u32 = 4;

/// Who else may mean the same word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Nobody but the task.
    Task,
    /// All who share the memory.
    Memory,
}

/// The same for all who mean the same word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// Of one task's own: of the page tables there, at this address. Means
    /// nothing after the task.
    Own { pmap: usize, address: u32 },
    /// Of what several maps share: so many bytes into it.
    Shared { cell: u64, offset: u32 },
    /// Of the object of a pager's with this serial number.
    Managed { object: u32, offset: u32 },
}

impl Space {
    /// Which word is at an address, which must be a multiple of 4.
    ///
    /// # Errors
    /// `InvalidAddress` if it is none, or nothing is there that the task may look
    /// at.
    pub(crate) fn identify(&self, address: u32, scope: Scope) -> Result<Word, MapError> {
        if address % WORD != 0 {
            return Err(MapError::InvalidAddress);
        }
        let own = Word::Own {
            pmap: core::ptr::from_ref(&**self.pmap()).addr(),
            address,
        };
        let mut map = self.map.lock();
        let entry = map.lookup(address).ok_or(MapError::InvalidAddress)?;
        if access(entry.attributes.protection).is_none() {
            return Err(MapError::InvalidAddress);
        }
        if scope == Scope::Task {
            return Ok(own);
        }
        let range = entry.range;
        let mut memory = MEMORY.lock();
        let memory = &mut *memory;
        let backing = match entry.backing {
            Backing::Shared { .. } => entry.backing,
            Backing::Object { object, offset } if memory.strategy(object).is_some() => {
                return Ok(match memory.pages.managed.at(object.index()) {
                    Some(managed) => Word::Managed {
                        object: managed.serial,
                        offset: offset.wrapping_mul(PAGE_SIZE) + (address - range.start),
                    },
                    None => own,
                });
            }
            // Who comes to share it is to mean the same word.
            backing if entry.attributes.inheritance == Inheritance::Share => {
                let (shared, _) = self.share(&mut map, memory, range)?;
                debug_assert_ne!(shared, backing);
                memory.release(shared);
                shared
            }
            _ => return Ok(own),
        };
        match backing {
            Backing::Shared { cell, offset } => {
                let cell = memory.cells.at(cell).ok_or(MapError::InvalidAddress)?;
                Ok(Word::Shared {
                    cell: cell.serial,
                    offset: offset * PAGE_SIZE + (address - range.start),
                })
            }
            _ => Ok(own),
        }
    }

    /// What the word at an address holds.
    ///
    /// # Errors
    /// As of a read by the task.
    pub(crate) fn word(&self, address: u32) -> Result<u32, MapError> {
        let at = VirtAddr::new(address);
        let mut word = 0;
        self.with_page(at, Touch::Read, Who::Task, &mut |frame| {
            word = page::word(frame, at.offset_in_page() as usize)?;
            Ok(())
        })?;
        Ok(word)
    }

    /// The same for who may not wait for a pager: none if that must be asked, or
    /// nobody has touched the page.
    pub(crate) fn resident_word(&self, address: u32) -> Result<Option<u32>, MapError> {
        let at = VirtAddr::new(address);
        let map = self.map.lock();
        let entry = map.lookup(address).ok_or(MapError::InvalidAddress)?;
        let number = (address - entry.range.start) / PAGE_SIZE;
        // Looked at under the lock: whose frame it is does not change.
        let memory = MEMORY.lock();
        let frame = memory.frame_of(entry.backing, number);
        let word = frame.map(|frame| page::word(frame, at.offset_in_page() as usize));
        word.transpose().map_err(shortage)
    }

    /// Replaces the word at an address.
    ///
    /// # Errors
    /// As of a write by the task.
    pub(crate) fn set_word(&self, address: u32, value: u32) -> Result<(), MapError> {
        let at = VirtAddr::new(address);
        self.with_page(at, Touch::Write, Who::Task, &mut |frame| {
            page::set_word(frame, at.offset_in_page() as usize, value)
        })
    }
}
