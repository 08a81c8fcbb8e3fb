//! A task's names for rights: the `mach_port` routines on names.
//!
//! Owns which name denotes which right. A name for a dead port turns into a
//! dead name when it is next looked at, so that a port's death costs nothing
//! for each task that knew it. New names are the lowest free ones, as on the
//! reference kernel. Source: manual 4.3; the order of checks was seen.
//!
//! **Invariants**
//! - One name a port for send and receive rights: `sends` maps each port of
//!   which the space has a send right (or had, when it died unseen) to that
//!   name; the port itself knows the name of its receive right.
//! - A [`Rights`] entry has a send right or the receive right, and one of the
//!   port's `send_rights` exactly if `urefs > 0`. `insert_*` and `release_*` in
//!   this folder keep these. Broken, ports would leak.

use super::port::{
    AcceptedId, Effect, Effects, PortId, Ports, Receiver, RequestId, SetId, SpaceId,
};
use super::right::{DEAD, NULL, Refusal, Right, TYPE_DNREQUEST, TYPE_MAREQUEST, UREFS_MAX};
use crate::radix::Radix;

mod plain;
mod receive;
mod transfer;

pub use plain::{Addressed, Arrived, Plain};
pub use receive::{ReceiveRefusal, Source, Status};
pub use transfer::HeaderRefusal;

/// What a name denotes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Entry {
    Rights(Rights),
    SendOnce {
        port: PortId,
        request: Option<RequestId>,
    },
    Set(SetId),
    Dead {
        urefs: u32,
    },
}

/// Send and receive rights of one port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Rights {
    port: PortId,
    /// User references of the send right; none without one.
    urefs: u32,
    /// Whether the receive right is here.
    receives: bool,
    request: Option<RequestId>,
    /// The last message that was forced. Seen: of the name, not of the send
    /// right, which may go and come back.
    accepted: Option<AcceptedId>,
}

/// A task's name space.
pub struct Space {
    id: SpaceId,
    names: Radix<Entry>,
    sends: Radix<u32>,
}

impl Space {
    /// A space without names.
    pub const fn new(id: SpaceId) -> Self {
        Self {
            id,
            names: Radix::new(),
            sends: Radix::new(),
        }
    }

    /// How many names denote something.
    pub const fn len(&self) -> u32 {
        self.names.len()
    }

    /// Whether none does.
    pub const fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// `mach_port_allocate`: a receive right, port set or dead name.
    ///
    /// # Errors
    /// [`Refusal::InvalidValue`], [`Refusal::NoSpace`],
    /// [`Refusal::ResourceShortage`].
    pub fn allocate(&mut self, ports: &mut Ports, right: Right) -> Result<u32, Refusal> {
        if matches!(right, Right::Send | Right::SendOnce) {
            return Err(Refusal::InvalidValue);
        }
        let name = self.free_name()?;
        self.allocate_name(ports, right, name)?;
        Ok(name)
    }

    /// `mach_port_allocate_name`.
    ///
    /// # Errors
    /// [`Refusal::InvalidValue`], [`Refusal::NameExists`],
    /// [`Refusal::ResourceShortage`].
    pub fn allocate_name(
        &mut self,
        ports: &mut Ports,
        right: Right,
        name: u32,
    ) -> Result<(), Refusal> {
        if name == NULL || name == DEAD || matches!(right, Right::Send | Right::SendOnce) {
            return Err(Refusal::InvalidValue);
        }
        if self.entry(name).is_some() {
            return Err(Refusal::NameExists);
        }
        self.put(name, Entry::Dead { urefs: 1 })?;
        let made = match right {
            Right::PortSet => ports.allocate_set(self.id, name).map(Entry::Set),
            Right::Receive => ports
                .allocate(Receiver::Space(self.id, name))
                .map(Entry::receive_only),
            _ => return Ok(()),
        };
        match made {
            Ok(entry) => self.put(name, entry),
            Err(refusal) => {
                self.remove(name);
                Err(refusal)
            }
        }
    }

    /// `mach_port_type`: bits of `MACH_PORT_TYPE_*`.
    ///
    /// # Errors
    /// [`Refusal::InvalidName`].
    pub fn port_type(&mut self, ports: &mut Ports, name: u32) -> Result<u32, Refusal> {
        let entry = self.look(ports, name)?;
        let mut bits = 0;
        for right in [
            Right::Send,
            Right::Receive,
            Right::SendOnce,
            Right::PortSet,
            Right::DeadName,
        ] {
            if entry.refs(right) > 0 {
                bits |= right.type_bit();
            }
        }
        if entry.request().is_some() {
            bits |= TYPE_DNREQUEST;
        }
        if ports.accepting(entry.accepted(), self.id, name).is_some() {
            bits |= TYPE_MAREQUEST;
        }
        Ok(bits)
    }

    /// The lowest name in use from `from` on: `mach_port_names`, one by one.
    pub fn name_from(&self, from: u32) -> Option<u32> {
        let (key, _) = self.names.first_from(from.saturating_sub(1))?;
        key.checked_add(1)
    }

    /// `mach_port_rename`.
    ///
    /// # Errors
    /// [`Refusal::InvalidValue`], [`Refusal::NameExists`],
    /// [`Refusal::InvalidName`] in this order; [`Refusal::ResourceShortage`].
    pub fn rename(&mut self, ports: &mut Ports, old: u32, new: u32) -> Result<(), Refusal> {
        if new == NULL || new == DEAD {
            return Err(Refusal::InvalidValue);
        }
        if self.entry(new).is_some() {
            return Err(Refusal::NameExists);
        }
        let entry = self.look(ports, old)?;
        self.put(new, entry)?;
        self.remove(old);
        if let Some(request) = entry.request() {
            ports.rename_request(request, new);
        }
        if let Some(request) = ports.accepting(entry.accepted(), self.id, old) {
            ports.rename_accepted(request, new);
        }
        if let Entry::Set(set) = entry {
            ports.rename_set(set, new);
        }
        if let Entry::Rights(rights) = entry {
            if rights.receives {
                ports.arrive(rights.port, Receiver::Space(self.id, new));
            }
            if let Some(name) = self.sends.at_mut(rights.port.index()) {
                *name = new;
            }
        }
        Ok(())
    }

    /// `mach_port_get_refs`.
    ///
    /// # Errors
    /// [`Refusal::InvalidName`].
    pub fn refs(&mut self, ports: &mut Ports, name: u32, right: Right) -> Result<u32, Refusal> {
        Ok(self.look(ports, name)?.refs(right))
    }

    /// `mach_port_deallocate`: one reference less of a right to send or a dead
    /// name.
    ///
    /// # Errors
    /// [`Refusal::InvalidName`], [`Refusal::InvalidRight`].
    pub fn deallocate(
        &mut self,
        ports: &mut Ports,
        name: u32,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        let right = match self.look(ports, name)? {
            Entry::Rights(rights) if rights.urefs > 0 => Right::Send,
            Entry::SendOnce { .. } => Right::SendOnce,
            Entry::Dead { .. } => Right::DeadName,
            Entry::Rights(_) | Entry::Set(_) => return Err(Refusal::InvalidRight),
        };
        self.mod_refs(ports, name, right, -1, effects)
    }

    /// `mach_port_mod_refs`.
    ///
    /// # Errors
    /// [`Refusal::InvalidName`], [`Refusal::InvalidRight`] if there is no such
    /// right under the name, [`Refusal::InvalidValue`] for a count that the
    /// right cannot have, [`Refusal::UrefsOverflow`].
    pub fn mod_refs(
        &mut self,
        ports: &mut Ports,
        name: u32,
        right: Right,
        delta: i32,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        let mut entry = self.look(ports, name)?;
        let refs = entry.refs(right);
        if refs == 0 {
            return Err(Refusal::InvalidRight);
        }
        let new = refs.checked_add_signed(delta).ok_or(if delta < 0 {
            Refusal::InvalidValue
        } else {
            Refusal::UrefsOverflow
        })?;
        let most = match right {
            Right::Send | Right::DeadName => UREFS_MAX,
            Right::Receive | Right::SendOnce | Right::PortSet if new > 1 => {
                return Err(Refusal::InvalidValue);
            }
            _ => 1,
        };
        if new > most {
            return Err(Refusal::UrefsOverflow);
        }
        match (&mut entry, right) {
            _ if new == 0 => {
                self.release(ports, name, entry, right, effects);
                return Ok(());
            }
            (Entry::Rights(rights), Right::Send) => rights.urefs = new,
            (Entry::Dead { urefs }, _) => *urefs = new,
            _ => {}
        }
        self.put(name, entry)
    }

    /// `mach_port_destroy`: every right under the name, the send right first.
    ///
    /// # Errors
    /// [`Refusal::InvalidName`].
    pub fn destroy(
        &mut self,
        ports: &mut Ports,
        name: u32,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        let entry = self.look(ports, name)?;
        self.remove(name);
        self.give_up_request(ports, name, entry, effects);
        match entry {
            Entry::Rights(rights) => {
                if rights.urefs > 0 {
                    self.sends.remove(rights.port.index());
                    ports.drop_send(rights.port, effects);
                }
                if rights.receives {
                    ports.drop_receive(rights.port, effects);
                }
            }
            Entry::SendOnce { port, .. } => ports.drop_send_once(port, effects),
            Entry::Set(set) => ports.destroy_set(set),
            Entry::Dead { .. } => {}
        }
        Ok(())
    }

    /// One right of a name goes, all its references.
    fn release(
        &mut self,
        ports: &mut Ports,
        name: u32,
        entry: Entry,
        right: Right,
        effects: &mut Effects,
    ) {
        let Entry::Rights(mut rights) = entry else {
            // What has one right only.
            let _ = self.destroy(ports, name, effects);
            return;
        };
        if !rights.receives || rights.urefs == 0 {
            let _ = self.destroy(ports, name, effects);
        } else if right == Right::Send {
            rights.urefs = 0;
            let _ = self.put(name, Entry::Rights(rights));
            self.sends.remove(rights.port.index());
            ports.drop_send(rights.port, effects);
        } else {
            rights.receives = false;
            let _ = self.put(name, Entry::Rights(rights));
            ports.drop_receive(rights.port, effects);
        }
    }

    /// The name goes: who asked about its port's death learns that, and who
    /// forced a message will not learn the name.
    fn give_up_request(
        &mut self,
        ports: &mut Ports,
        name: u32,
        entry: Entry,
        effects: &mut Effects,
    ) {
        self.forget_accepted(ports, name, entry);
        let request = entry.request().and_then(|id| ports.cancel_request(id));
        if let Some(request) = request {
            let notify = request.notify;
            effects.add(Effect::PortDeleted { notify, name });
        }
    }

    /// The name is no longer one of the port.
    fn forget_accepted(&self, ports: &mut Ports, name: u32, entry: Entry) {
        if let Some(request) = ports.accepting(entry.accepted(), self.id, name) {
            ports.rename_accepted(request, NULL);
        }
    }

    fn free_name(&self) -> Result<u32, Refusal> {
        match self.names.lowest_free().and_then(|key| key.checked_add(1)) {
            Some(DEAD) | None => Err(Refusal::NoSpace),
            Some(name) => Ok(name),
        }
    }

    #[inline(always)]
    fn entry(&self, name: u32) -> Option<&Entry> {
        self.names.at(name.checked_sub(1)?)
    }

    /// Fails for new names only.
    fn put(&mut self, name: u32, entry: Entry) -> Result<(), Refusal> {
        let key = name.checked_sub(1).ok_or(Refusal::InvalidValue)?;
        self.names
            .insert(key, entry)
            .map_err(|_| Refusal::ResourceShortage)
    }

    fn remove(&mut self, name: u32) {
        if let Some(key) = name.checked_sub(1) {
            self.names.remove(key);
        }
    }

    /// A send-once right is gone: the next one gets the lowest name too.
    #[inline(always)]
    fn remove_once(&mut self, name: u32) {
        if let Some(key) = name.checked_sub(1) {
            self.names.vacate(key);
        }
    }

    /// What the name denotes now: rights of dead ports have become dead names,
    /// with one reference more if their death was notified (manual 4.3.8).
    #[inline]
    fn look(&mut self, ports: &mut Ports, name: u32) -> Result<Entry, Refusal> {
        let entry = *self.entry(name).ok_or(Refusal::InvalidName)?;
        let port = match entry {
            Entry::Rights(Rights { port, .. }) | Entry::SendOnce { port, .. } => port,
            Entry::Set(_) | Entry::Dead { .. } => return Ok(entry),
        };
        match ports.is_dead(port) {
            true => self.becomes_dead(ports, name, entry),
            false => Ok(entry),
        }
    }

    #[cold]
    fn becomes_dead(
        &mut self,
        ports: &mut Ports,
        name: u32,
        entry: Entry,
    ) -> Result<Entry, Refusal> {
        let (port, urefs) = match entry {
            Entry::Rights(rights) => (rights.port, rights.urefs),
            Entry::SendOnce { port, .. } => (port, 1),
            Entry::Set(_) | Entry::Dead { .. } => return Ok(entry),
        };
        let notified = u32::from(entry.request().is_some());
        let urefs = urefs.saturating_add(notified).min(UREFS_MAX);
        let dead = Entry::Dead { urefs };
        self.put(name, dead)?;
        self.forget_accepted(ports, name, entry);
        match entry {
            Entry::SendOnce { .. } => ports.drop_used_send_once(port),
            _ => {
                self.sends.remove(port.index());
                // The port is dead: nobody is notified.
                ports.drop_send(port, &mut Effects::new());
            }
        }
        Ok(dead)
    }
}

impl Entry {
    const fn receive_only(port: PortId) -> Self {
        Self::Rights(Rights {
            port,
            urefs: 0,
            receives: true,
            request: None,
            accepted: None,
        })
    }

    fn refs(&self, right: Right) -> u32 {
        match (self, right) {
            (Self::Rights(rights), Right::Send) => rights.urefs,
            (Self::Rights(rights), Right::Receive) => u32::from(rights.receives),
            (Self::SendOnce { .. }, Right::SendOnce) | (Self::Set(_), Right::PortSet) => 1,
            (Self::Dead { urefs }, Right::DeadName) => *urefs,
            _ => 0,
        }
    }

    const fn accepted(&self) -> Option<AcceptedId> {
        match self {
            Self::Rights(rights) => rights.accepted,
            _ => None,
        }
    }

    const fn request(&self) -> Option<RequestId> {
        match self {
            Self::Rights(Rights { request, .. }) | Self::SendOnce { request, .. } => *request,
            _ => None,
        }
    }
}
