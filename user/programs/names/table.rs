//! The names that are known, and the port of each.
//!
//! Owns a send right for each name, and that the kernel tells of the death of
//! each port.
//!
//! **Invariants**: stated beside the fields of [`Table`].

use alloc::vec::Vec;

use user_programs::names::{LONGEST, MOST};
use user_rt::abi::kern_return::KernReturn;
use user_rt::abi::message::{NotifyId, TypeName};
use user_rt::abi::port::PortName;
use user_rt::abi::wire::SendOnceRight;
use user_rt::rpc::mach_port;
use user_rt::trap::{self, Result};

/// Names with their ports.
pub(crate) struct Table {
    /// Where the kernel is to tell of deaths: nobody else can send there.
    notify: PortName,
    /// No name twice, [`MOST`] at most. Each has a reference of its own to its
    /// port, and the kernel was asked once for each port: a dead one would else
    /// stay for ever. [`Table::register`] and [`Table::forget`] keep it so.
    entries: Vec<Entry>,
}

struct Entry {
    name: Name,
    port: PortName,
}

/// A name, with zeros behind it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Name([u8; LONGEST + 1]);

impl Name {
    /// What can be typed as a word, and is not too long.
    fn of(bytes: &[u8]) -> Option<Name> {
        let is_name = !bytes.is_empty() && bytes.iter().all(u8::is_ascii_graphic);
        let mut name = [0; LONGEST + 1];
        name[..LONGEST]
            .get_mut(..bytes.len())
            .filter(|_| is_name)?
            .copy_from_slice(bytes);
        Some(Name(name))
    }

    /// The name and one zero.
    fn ended(&self) -> impl Iterator<Item = u8> + '_ {
        let length = self.0.iter().position(|&byte| byte == 0);
        self.0.iter().copied().take(length.map_or(0, |end| end + 1))
    }
}

impl Table {
    /// No names.
    ///
    /// # Errors
    /// There is no memory.
    pub(crate) fn new(notify: PortName) -> Result<Table> {
        let mut entries = Vec::new();
        let room = entries.try_reserve_exact(MOST);
        room.map_err(|_| KernReturn::RESOURCE_SHORTAGE)?;
        Ok(Table { notify, entries })
    }

    /// Takes over a send right, unless it fails.
    ///
    /// # Errors
    /// As [`user_programs::names::routines`] has them.
    pub(crate) fn register(&mut self, name: &[u8], port: PortName) -> Result {
        let name = Name::of(name).ok_or(KernReturn::INVALID_ARGUMENT)?;
        if !port.is_valid() {
            return Err(KernReturn::INVALID_RIGHT);
        }
        if self.entries.iter().any(|entry| entry.name == name) {
            return Err(KernReturn::NAME_EXISTS);
        }
        if self.entries.len() == MOST {
            return Err(KernReturn::RESOURCE_SHORTAGE);
        }
        if !self.entries.iter().any(|entry| entry.port == port) {
            // One that is dead by now is told of at once.
            let id = NotifyId::DEAD_NAME.0;
            let right = SendOnceRight::with(self.notify.0, TypeName::MAKE_SEND_ONCE);
            let own = trap::mach_task_self();
            mach_port::mach_port_request_notification(own, port, id, 1, right)?;
        }
        self.entries.push(Entry { name, port });
        Ok(())
    }

    /// The port of a name.
    ///
    /// # Errors
    /// `KERN_INVALID_NAME`.
    pub(crate) fn look_up(&self, name: &[u8]) -> Result<PortName> {
        let name = Name::of(name);
        let mut entries = self.entries.iter();
        let found = entries.find(|entry| Some(entry.name) == name);
        found
            .map(|entry| entry.port)
            .ok_or(KernReturn::INVALID_NAME)
    }

    /// All names, each with a zero behind it.
    pub(crate) fn list(&self) -> Vec<u8> {
        let names = self.entries.iter();
        names.flat_map(|entry| entry.name.ended()).collect()
    }

    /// A port has died, and its right is a dead name now: all names of it go. The
    /// notification came with a reference of its own.
    pub(crate) fn forget(&mut self, port: PortName) {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.port != port);
        for _ in 0..=before - self.entries.len() {
            let _ = trap::mach_port_deallocate(trap::mach_task_self(), port);
        }
    }
}
