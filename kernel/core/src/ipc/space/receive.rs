//! Receive rights, port sets and requests: `mach_port` routines on ports.
//!
//! Owns nothing; it is the part of [`Space`] that looks through a name at the
//! port behind it (manual 4.3.6 to 4.3.8).

use super::super::port::{Effect, Port, SetId};
use super::super::right::{DEAD, NULL, Refusal, UREFS_MAX};
use super::{Effects, Entry, PortId, Ports, Receiver, Rights, Space};

/// `mach_port_status_t`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status {
    /// The name of the containing set; null without one.
    pub set: u32,
    /// The next sequence number.
    pub sequence: u32,
    /// The make-send count.
    pub make_send_count: u32,
    /// The queue limit.
    pub queue_limit: u32,
    /// Messages in the queue.
    pub queued: u32,
    /// Send-once rights that exist.
    pub send_once_rights: u32,
    /// Whether send rights exist.
    pub has_send_rights: bool,
    /// Whether a port-destroyed request stands.
    pub has_port_destroyed: bool,
    /// Whether a no-senders request stands.
    pub has_no_senders: bool,
}

impl Space {
    /// The port whose receive right the name denotes; what
    /// `mach_port_set_qlimit`, `_mscount`, `_seqno` and the payload change.
    ///
    /// # Errors
    /// [`Refusal::InvalidName`], [`Refusal::InvalidRight`].
    pub fn received<'a>(
        &mut self,
        ports: &'a mut Ports,
        name: u32,
    ) -> Result<(PortId, &'a mut Port), Refusal> {
        let id = match self.look(ports, name)? {
            Entry::Rights(rights) if rights.receives => rights.port,
            _ => return Err(Refusal::InvalidRight),
        };
        let port = ports.at_mut(id).ok_or(Refusal::InvalidRight)?;
        Ok((id, port))
    }

    /// The set that the name denotes.
    ///
    /// # Errors
    /// [`Refusal::InvalidName`], [`Refusal::InvalidRight`].
    pub fn set(&mut self, ports: &mut Ports, name: u32) -> Result<SetId, Refusal> {
        match self.look(ports, name)? {
            Entry::Set(set) => Ok(set),
            _ => Err(Refusal::InvalidRight),
        }
    }

    /// `mach_port_get_receive_status`.
    ///
    /// # Errors
    /// [`Refusal::InvalidName`], [`Refusal::InvalidRight`].
    pub fn status(&mut self, ports: &mut Ports, name: u32) -> Result<Status, Refusal> {
        let (id, port) = self.received(ports, name)?;
        let (sequence, make_send_count) = (port.sequence(), port.make_send_count);
        let (queue_limit, queued) = (port.queue_limit(), port.queued());
        let (send, send_once_rights) = ports.rights(id);
        let (has_port_destroyed, has_no_senders) = ports.requested(id);
        let set = ports.set_of(id).and_then(|set| ports.name_of_set(set));
        Ok(Status {
            set: set.map_or(NULL, |(_, name)| name),
            sequence,
            make_send_count,
            queue_limit,
            queued,
            send_once_rights,
            has_send_rights: send > 0,
            has_port_destroyed,
            has_no_senders,
        })
    }

    /// `mach_port_move_member`; out of any set if `after` is null.
    ///
    /// # Errors
    /// [`Refusal::InvalidName`], [`Refusal::InvalidRight`],
    /// [`Refusal::NotInSet`].
    pub fn move_member(&mut self, ports: &mut Ports, name: u32, after: u32) -> Result<(), Refusal> {
        let (port, _) = self.received(ports, name)?;
        if after != NULL {
            let set = self.set(ports, after)?;
            ports.join_set(port, set);
            return Ok(());
        }
        if ports.set_of(port).is_none() {
            return Err(Refusal::NotInSet);
        }
        ports.leave_set(port);
        Ok(())
    }

    /// `mach_port_request_notification` with `MACH_NOTIFY_DEAD_NAME`. Takes the
    /// send-once right `notify`, gives back the one of before.
    ///
    /// # Errors
    /// [`Refusal::InvalidName`], [`Refusal::InvalidRight`],
    /// [`Refusal::InvalidArgument`], [`Refusal::UrefsOverflow`],
    /// [`Refusal::ResourceShortage`]: the caller still has `notify`.
    pub fn request_dead_name(
        &mut self,
        ports: &mut Ports,
        name: u32,
        sync: u32,
        notify: Option<PortId>,
        effects: &mut Effects,
    ) -> Result<Option<PortId>, Refusal> {
        let mut entry = self.look(ports, name)?;
        let (port, request) = match &mut entry {
            Entry::Rights(Rights { port, request, .. }) => (*port, request),
            Entry::SendOnce { port, request } => (*port, request),
            Entry::Set(_) => return Err(Refusal::InvalidRight),
            Entry::Dead { urefs } => {
                let notify = notify
                    .filter(|_| sync != 0)
                    .ok_or(Refusal::InvalidArgument)?;
                if *urefs >= UREFS_MAX {
                    return Err(Refusal::UrefsOverflow);
                }
                *urefs += 1;
                self.put(name, entry)?;
                effects.add(Effect::DeadName { notify, name });
                return Ok(None);
            }
        };
        let previous = match (*request, notify) {
            (Some(old), Some(notify)) => return Ok(ports.swap_request(old, notify)),
            (Some(old), None) => {
                *request = None;
                ports.cancel_request(old).map(|request| request.notify)
            }
            (None, Some(notify)) => {
                *request = Some(ports.add_request(port, self.id, name, notify)?);
                None
            }
            (None, None) => None,
        };
        self.put(name, entry)?;
        Ok(previous)
    }

    /// The port or set to receive from.
    ///
    /// # Errors
    /// [`ReceiveRefusal`].
    pub fn receive_from(&mut self, ports: &mut Ports, name: u32) -> Result<Source, ReceiveRefusal> {
        match self.look(ports, name) {
            Ok(Entry::Set(set)) => Ok(Source::Set(set)),
            Ok(Entry::Rights(rights)) if rights.receives => match ports.set_of(rights.port) {
                None => Ok(Source::Port(rights.port)),
                Some(_) => Err(ReceiveRefusal::InSet),
            },
            _ => Err(ReceiveRefusal::InvalidName),
        }
    }

    /// What a received header calls the port that the message came from: its
    /// name, null if another has the receive right by now, dead if none has.
    pub fn received_as(&self, ports: &Ports, port: PortId) -> u32 {
        match ports.receiver(port) {
            Receiver::Space(space, name) if space == self.id => name,
            Receiver::Dead => DEAD,
            _ => NULL,
        }
    }
}

/// What to receive from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// One port.
    Port(PortId),
    /// A set.
    Set(SetId),
}

/// Why a name cannot be received from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReceiveRefusal {
    /// `MACH_RCV_INVALID_NAME`.
    InvalidName = 0x1000_4002,
    /// `MACH_RCV_IN_SET`.
    InSet = 0x1000_400a,
}
