//! Port sets: several receive rights, received from in turns.
//!
//! Owns which ports are members and which of these have messages. A set
//! belongs to one space; its members' receive rights belong to the same.
//!
//! **Invariants**: members hang on one ring-less list of the set, those with
//! messages on another; `join`, `leave_set`, `make_ready` and `was_served` are
//! the only ones to change links.

use super::{Port, PortId, Ports, SpaceId};
use crate::arena::Handle;
use crate::ipc::Refusal;

/// Names a port set.
pub type SetId = Handle<PortSet>;

/// A port set.
#[derive(Debug)]
pub struct PortSet {
    owner: SpaceId,
    name: u32,
    members: Ends,
    ready: Ends,
}

impl PortSet {
    pub(super) const fn first_ready(&self) -> Option<PortId> {
        self.ready.first
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Ends {
    first: Option<PortId>,
    last: Option<PortId>,
}

/// A port's place in a list.
#[derive(Clone, Copy, Debug, Default)]
struct Links {
    previous: Option<PortId>,
    next: Option<PortId>,
}

/// What a port knows of its set.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Member {
    set: Option<SetId>,
    all: Links,
    ready: Links,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum List {
    All,
    Ready,
}

impl Port {
    /// The set that the port is in.
    pub const fn set(&self) -> Option<SetId> {
        self.member.set
    }
}

impl Ports {
    /// An empty set of the space `owner`, which calls it `name`.
    ///
    /// # Errors
    /// [`Refusal::ResourceShortage`].
    pub fn allocate_set(&mut self, owner: SpaceId, name: u32) -> Result<SetId, Refusal> {
        let set = PortSet {
            owner,
            name,
            members: Ends::default(),
            ready: Ends::default(),
        };
        self.sets.insert(set).map_err(|_| Refusal::ResourceShortage)
    }

    /// Whose a set is, and its name there.
    pub fn name_of_set(&self, set: SetId) -> Option<(SpaceId, u32)> {
        self.sets.at(set).map(|set| (set.owner, set.name))
    }

    /// The set has another name now.
    pub(in crate::ipc) fn rename_set(&mut self, set: SetId, name: u32) {
        if let Some(set) = self.sets.at_mut(set) {
            set.name = name;
        }
    }

    /// How many sets there are.
    pub const fn sets(&self) -> u32 {
        self.sets.len()
    }

    /// The set goes; one member after the other leaves it.
    pub fn destroy_set(&mut self, set: SetId) {
        while let Some(first) = self.sets.at(set).and_then(|set| set.members.first) {
            self.leave_set(first);
        }
        self.sets.remove(set);
    }

    /// The set that a port is in.
    pub fn set_of(&self, port: PortId) -> Option<SetId> {
        self.ports.at(port)?.member.set
    }

    /// The members, the latest last.
    pub fn members(&self, set: SetId) -> impl Iterator<Item = PortId> {
        let first = self.sets.at(set).and_then(|set| set.members.first);
        core::iter::successors(first, |at| self.ports.at(*at)?.member.all.next)
    }

    /// The port joins a set, and leaves the one it is in.
    pub fn join_set(&mut self, id: PortId, set: SetId) {
        self.leave_set(id);
        let Some(port) = self.ports.at_mut(id) else {
            return;
        };
        port.member.set = Some(set);
        let waits = !port.queue.is_empty();
        self.link(id, set, List::All);
        if waits {
            self.link(id, set, List::Ready);
        }
    }

    /// The port leaves its set, if it is in one.
    pub fn leave_set(&mut self, id: PortId) {
        let Some(port) = self.ports.at(id) else {
            return;
        };
        let Some(set) = port.member.set else {
            return;
        };
        if !port.queue.is_empty() {
            self.unlink(id, set, List::Ready);
        }
        self.unlink(id, set, List::All);
        if let Some(port) = self.ports.at_mut(id) {
            port.member = Member::default();
        }
    }

    /// The port's queue has its first message.
    pub(super) fn make_ready(&mut self, id: PortId) {
        if let Some(set) = self.set_of(id) {
            self.link(id, set, List::Ready);
        }
    }

    /// A message was taken: it is the others' turn.
    pub(super) fn was_served(&mut self, id: PortId) {
        let Some(set) = self.set_of(id) else {
            return;
        };
        self.unlink(id, set, List::Ready);
        if self.ports.at(id).is_some_and(|port| !port.queue.is_empty()) {
            self.link(id, set, List::Ready);
        }
    }

    fn link(&mut self, id: PortId, set: SetId, list: List) {
        let Some(ends) = self.ends(set, list) else {
            return;
        };
        let previous = ends.last.replace(id);
        if ends.first.is_none() {
            ends.first = Some(id);
        }
        if let Some(links) = self.links(previous, list) {
            links.next = Some(id);
        }
        if let Some(links) = self.links(Some(id), list) {
            *links = Links {
                previous,
                next: None,
            };
        }
    }

    fn unlink(&mut self, id: PortId, set: SetId, list: List) {
        let Some(links) = self.links(Some(id), list) else {
            return;
        };
        let Links { previous, next } = core::mem::take(links);
        if let Some(links) = self.links(previous, list) {
            links.next = next;
        }
        if let Some(links) = self.links(next, list) {
            links.previous = previous;
        }
        if let Some(ends) = self.ends(set, list) {
            if ends.first == Some(id) {
                ends.first = next;
            }
            if ends.last == Some(id) {
                ends.last = previous;
            }
        }
    }

    fn ends(&mut self, set: SetId, list: List) -> Option<&mut Ends> {
        let set = self.sets.at_mut(set)?;
        Some(match list {
            List::All => &mut set.members,
            List::Ready => &mut set.ready,
        })
    }

    fn links(&mut self, port: Option<PortId>, list: List) -> Option<&mut Links> {
        let member = &mut self.ports.at_mut(port?)?.member;
        Some(match list {
            List::All => &mut member.all,
            List::Ready => &mut member.ready,
        })
    }
}
