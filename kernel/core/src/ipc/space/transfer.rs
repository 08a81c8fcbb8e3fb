//! Rights out of a space and into one: as messages carry them.
//!
//! Owns nothing; it is the part of [`Space`] that `mach_msg`,
//! `mach_port_insert_right` and `mach_port_extract_right` share.

use super::super::message::Header;
use super::super::port::{Accepted, Message, Unnotified};
use super::super::right::{Carried, DEAD, Disposition, NULL, Refusal, UREFS_MAX};
use super::{Effects, Entry, PortId, Ports, Receiver, Rights, Space};

/// User references that a right comes to by being given: one less than the most,
/// as was seen. A notified death adds one.
const MOST_GIVEN: u32 = UREFS_MAX - 1;

/// Why the rights of a header could not be taken; nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeaderRefusal {
    /// `MACH_SEND_INVALID_DEST`.
    Destination = 0x1000_0003,
    /// `MACH_SEND_INVALID_REPLY`.
    Reply = 0x1000_0009,
}

impl Space {
    /// Takes a right out, as a message's body and `mach_port_extract_right` do.
    /// Null and dead names of the body are the caller's to see to.
    ///
    /// # Errors
    /// [`Refusal::InvalidName`], [`Refusal::InvalidRight`];
    /// `MACH_SEND_INVALID_RIGHT` in a message.
    pub fn take(
        &mut self,
        ports: &mut Ports,
        name: u32,
        how: Disposition,
        effects: &mut Effects,
    ) -> Result<Carried, Refusal> {
        let entry = self.look(ports, name)?;
        Self::may_take(entry, how)?;
        match (entry, how) {
            (Entry::Rights(rights), Disposition::MakeSend) => Ok(ports.make_send(rights.port)),
            (Entry::Rights(rights), Disposition::MakeSendOnce) => {
                Ok(ports.make_send_once(rights.port))
            }
            (Entry::Rights(rights), Disposition::CopySend) => Ok(ports.copy_send(rights.port)),
            (Entry::Rights(mut rights), Disposition::MoveSend) => {
                if rights.urefs > 1 {
                    rights.urefs -= 1;
                    self.put(name, Entry::Rights(rights))?;
                    return Ok(ports.copy_send(rights.port));
                }
                // The space's own send right goes on its way.
                self.sends.remove(rights.port.index());
                rights.urefs = 0;
                self.leave(ports, name, rights, effects);
                Ok(Carried::Send(rights.port))
            }
            (Entry::Rights(mut rights), Disposition::MoveReceive) => {
                rights.receives = false;
                self.leave(ports, name, rights, effects);
                ports.depart(rights.port, None);
                Ok(Carried::Receive(rights.port))
            }
            (Entry::SendOnce { port, .. }, _) => {
                self.remove_once(name);
                self.give_up_request(ports, name, entry, effects);
                Ok(Carried::SendOnce(port))
            }
            (Entry::Dead { urefs }, Disposition::MoveSend | Disposition::MoveSendOnce) => {
                if urefs > 1 {
                    self.put(name, Entry::Dead { urefs: urefs - 1 })?;
                } else {
                    self.remove(name);
                }
                Ok(Carried::Dead)
            }
            _ => Ok(Carried::Dead),
        }
    }

    /// Takes the rights of a header, both or none: destination and reply port
    /// (manual 4.2.7). Copies come before moves, so that one reference may be
    /// copied and moved at once.
    ///
    /// # Errors
    /// [`HeaderRefusal`].
    pub fn take_header(
        &mut self,
        ports: &mut Ports,
        header: &Header,
        effects: &mut Effects,
    ) -> Result<(Carried, Carried), HeaderRefusal> {
        let (name, how) = (header.remote_name, header.remote);
        let remote = self
            .look(ports, name)
            .map_err(|_| HeaderRefusal::Destination)?;
        if matches!(remote, Entry::Dead { .. }) || Self::may_take(remote, how).is_err() {
            return Err(HeaderRefusal::Destination);
        }
        let destination = HeaderRefusal::Destination;
        let (reply_how, reply) = match header.local {
            None | Some((_, NULL)) => {
                let taken = self.take(ports, name, how, effects);
                return Ok((taken.map_err(|_| destination)?, Carried::Null));
            }
            Some((_, DEAD)) => {
                let taken = self.take(ports, name, how, effects);
                return Ok((taken.map_err(|_| destination)?, Carried::Dead));
            }
            Some(local) => local,
        };
        let local = self.look(ports, reply).map_err(|_| HeaderRefusal::Reply)?;
        Self::may_take(local, reply_how).map_err(|_| HeaderRefusal::Reply)?;
        let moves = |how| matches!(how, Disposition::MoveSend | Disposition::MoveSendOnce);
        if reply == name && moves(how) && moves(reply_how) {
            match local {
                Entry::Rights(rights) if rights.urefs >= 2 => {}
                _ => return Err(HeaderRefusal::Reply),
            }
        }
        if moves(how) {
            let local = self.take(ports, reply, reply_how, effects);
            let local = local.map_err(|_| HeaderRefusal::Reply)?;
            let remote = self.take(ports, name, how, effects);
            Ok((remote.map_err(|_| destination)?, local))
        } else {
            let remote = self.take(ports, name, how, effects);
            let remote = remote.map_err(|_| destination)?;
            let local = self.take(ports, reply, reply_how, effects);
            Ok((remote, local.map_err(|_| HeaderRefusal::Reply)?))
        }
    }

    /// Gives the space a right that arrived; the name, [`DEAD`] if the port
    /// died on the way, [`NULL`] for no right. A send right whose references
    /// would overflow is merged without one more (manual 4.2.3).
    ///
    /// # Errors
    /// [`Refusal::NoSpace`] (`MACH_MSG_IPC_SPACE`),
    /// [`Refusal::ResourceShortage`] (`MACH_MSG_IPC_KERNEL`): the caller still
    /// has the right.
    pub fn give(
        &mut self,
        ports: &mut Ports,
        right: Carried,
        effects: &mut Effects,
    ) -> Result<u32, Refusal> {
        let port = match right {
            Carried::Null => return Ok(NULL),
            Carried::Dead => return Ok(DEAD),
            Carried::Send(port) | Carried::SendOnce(port) | Carried::Receive(port) => port,
        };
        if ports.is_dead(port) {
            ports.drop_right(right, effects);
            return Ok(DEAD);
        }
        let known = match right {
            Carried::SendOnce(_) => None,
            _ => self.name_of(ports, port),
        };
        let name = match known {
            Some(name) => name,
            None => self.free_name()?,
        };
        match self.give_as(ports, name, right, effects) {
            Err(Refusal::UrefsOverflow) => ports.drop_right(right, effects),
            other => other?,
        }
        Ok(name)
    }

    /// Gives the space one more reference of a send right that it has already: what
    /// [`Space::give`] does with a copy of one. Its name; `None` if it has none, or
    /// the port is dead, or there is no room for another reference.
    pub fn give_again(&mut self, ports: &Ports, port: PortId) -> Option<u32> {
        let name = *self.sends.at(port.index())?;
        match self.names.at_mut(name.checked_sub(1)?)? {
            Entry::Rights(rights)
                if rights.port == port
                    && (1..MOST_GIVEN).contains(&rights.urefs)
                    && !ports.is_dead(port) =>
            {
                rights.urefs += 1;
                Some(name)
            }
            _ => None,
        }
    }

    /// `mach_port_insert_right`: gives the space a right under a name.
    ///
    /// # Errors
    /// [`Refusal::InvalidValue`], [`Refusal::InvalidCapability`],
    /// [`Refusal::NameExists`], [`Refusal::RightExists`],
    /// [`Refusal::UrefsOverflow`], [`Refusal::ResourceShortage`]: the caller
    /// still has the right.
    pub fn insert_right(
        &mut self,
        ports: &mut Ports,
        name: u32,
        right: Carried,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        if name == NULL || name == DEAD {
            return Err(Refusal::InvalidValue);
        }
        let port = match right {
            Carried::Null | Carried::Dead => return Err(Refusal::InvalidCapability),
            Carried::Send(port) | Carried::SendOnce(port) | Carried::Receive(port) => port,
        };
        let known = match right {
            Carried::SendOnce(_) => None,
            _ => self.name_of(ports, port),
        };
        match known {
            Some(known) if known != name => Err(Refusal::RightExists),
            None if self.entry(name).is_some() => Err(Refusal::NameExists),
            _ => self.give_as(ports, name, right, effects),
        }
    }

    /// Whether the space may queue a message beyond the port's limit: seen to be
    /// asked before the name of the notify port is looked at.
    ///
    /// # Errors
    /// [`Unnotified::InProgress`].
    pub fn may_force(&self, ports: &Ports, port: PortId) -> Result<(), Unnotified> {
        match self.rights_of(ports, port) {
            Some((name, rights)) if ports.accepting(rights.accepted, self.id, name).is_some() => {
                Err(Unnotified::InProgress)
            }
            _ => Ok(()),
        }
    }

    /// Queues a message beyond the limit of a full port, as `MACH_SEND_NOTIFY`
    /// asks for: `notify` is a send-once right for the notification, which says
    /// that the space may do so again. To be called with the message's
    /// destination, after its rights were taken and it would have to wait.
    ///
    /// # Errors
    /// [`Unnotified`]: the caller still has message and `notify`.
    pub fn force(
        &mut self,
        ports: &mut Ports,
        port: PortId,
        message: Message,
        notify: PortId,
    ) -> Result<(), Unnotified> {
        self.may_force(ports, port)?;
        let known = self.rights_of(ports, port);
        let request = Accepted {
            space: self.id,
            name: known.map_or(NULL, |(name, _)| name),
            notify,
        };
        let request = ports.force(port, message, request)?;
        if let Some((name, mut rights)) = known {
            rights.accepted = Some(request);
            // It is there: replacing needs no memory.
            let _ = self.put(name, Entry::Rights(rights));
        }
        Ok(())
    }

    /// The send and receive rights of a port, and their name.
    fn rights_of(&self, ports: &Ports, port: PortId) -> Option<(u32, Rights)> {
        let name = self.name_of(ports, port)?;
        match self.entry(name) {
            Some(Entry::Rights(rights)) => Some((name, *rights)),
            _ => None,
        }
    }

    /// The name of the space's send or receive right of a port.
    pub fn name_of(&self, ports: &Ports, port: PortId) -> Option<u32> {
        match ports.receiver(port) {
            Receiver::Space(space, name) if space == self.id => Some(name),
            _ => self.sends.at(port.index()).copied(),
        }
    }

    /// `name` is free, or denotes send or receive rights of the port.
    fn give_as(
        &mut self,
        ports: &mut Ports,
        name: u32,
        right: Carried,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        let (port, new) = match right {
            Carried::SendOnce(port) => {
                let request = None;
                return self.put(name, Entry::SendOnce { port, request });
            }
            Carried::Send(port) | Carried::Receive(port) => (port, right),
            Carried::Null | Carried::Dead => return Err(Refusal::InvalidCapability),
        };
        let known = self.entry(name).copied();
        let mut rights = match known {
            Some(Entry::Rights(rights)) => rights,
            _ => Rights {
                port,
                urefs: 0,
                receives: false,
                request: None,
                accepted: None,
            },
        };
        if new == Carried::Receive(port) {
            rights.receives = true;
            self.put(name, Entry::Rights(rights))?;
            ports.arrive(port, Receiver::Space(self.id, name));
            return Ok(());
        }
        if rights.urefs >= MOST_GIVEN {
            return Err(Refusal::UrefsOverflow);
        }
        if rights.urefs == 0 {
            let inserted = self.sends.insert(port.index(), name);
            inserted.map_err(|_| Refusal::ResourceShortage)?;
        }
        rights.urefs += 1;
        if let Err(refusal) = self.put(name, Entry::Rights(rights)) {
            if rights.urefs == 1 {
                self.sends.remove(port.index());
            }
            return Err(refusal);
        }
        if rights.urefs > 1 {
            // The space has a send right already: the new one merges with it.
            ports.drop_send(port, effects);
        }
        Ok(())
    }

    /// Writes what is left of an entry, which may be nothing.
    fn leave(&mut self, ports: &mut Ports, name: u32, rights: Rights, effects: &mut Effects) {
        let entry = Entry::Rights(rights);
        if rights.receives || rights.urefs > 0 {
            // It is there: replacing needs no memory.
            let _ = self.put(name, entry);
        } else {
            self.remove(name);
            self.give_up_request(ports, name, entry, effects);
        }
    }

    /// Whether the entry has what the disposition needs.
    fn may_take(entry: Entry, how: Disposition) -> Result<(), Refusal> {
        use Disposition::{CopySend, MakeSend, MakeSendOnce, MoveReceive, MoveSend, MoveSendOnce};
        let has = match (entry, how) {
            (Entry::Rights(rights), MakeSend | MakeSendOnce | MoveReceive) => rights.receives,
            (Entry::Rights(rights), CopySend | MoveSend) => rights.urefs > 0,
            (Entry::SendOnce { .. }, MoveSendOnce) => true,
            (Entry::Dead { .. }, CopySend | MoveSend | MoveSendOnce) => true,
            _ => false,
        };
        if has {
            Ok(())
        } else {
            Err(Refusal::InvalidRight)
        }
    }
}
