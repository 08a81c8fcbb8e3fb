//! The routines on a task's names, of `mach_port.defs`.
//!
//! Owns no state; called by the dispatch. Each routine is one change under the
//! lock of all names.

use alloc::vec::Vec;

use abi::kern_return::KernReturn;
use abi::message::{NotifyId, TypeName};
use abi::port::{PortName, PortStatus};
use abi::routine::mach_port::*;
use abi::wire::{AnyRight, MoveSendOnce, OutOfLine};
use kernel_core::ipc::port::{Effects, PortId, Ports, QUEUE_LIMIT_MAX};
use kernel_core::ipc::right::{Carried, Disposition, NULL, Refusal, Right};
use kernel_core::ipc::space::Space;

use super::{Call, Done, known};
use crate::ipc::{HeldRight, Names};
use crate::mm::shared::Any;
use crate::task::Task;

pub(super) fn serve(call: &mut Call<'_>, object: &Any) -> Option<Done> {
    let names = known(object, KernReturn::INVALID_TASK).map(Task::names);
    match call.header.id {
        mach_port_names::ID => call.answer_along(|_: mach_port_names::Request, mut along| {
            let (listed, types) = names?.change(list)?;
            along.give_words(&listed)?;
            along.give_words(&types)?;
            Ok(mach_port_names::Reply {
                names: OutOfLine::new(0, listed.len() as u32),
                types: OutOfLine::new(0, types.len() as u32),
            })
        }),
        mach_port_get_set_status::ID => {
            call.answer_along(|of: mach_port_get_set_status::Request, mut along| {
                let members = names?.change(|space, ports, _| members(space, ports, of.name.0))?;
                along.give_words(&members)?;
                Ok(mach_port_get_set_status::Reply {
                    members: OutOfLine::new(0, members.len() as u32),
                })
            })
        }
        mach_port_type::ID => call.answer(|of: mach_port_type::Request| {
            let ptype = names?.change(|space, ports, _| space.port_type(ports, of.name.0))?;
            Ok(mach_port_type::Reply { ptype })
        }),
        mach_port_rename::ID => call.answer(|of: mach_port_rename::Request| {
            names?.change_receivers(|space, ports, _| {
                space.rename(ports, of.old_name.0, of.new_name.0)
            })?;
            Ok(mach_port_rename::Reply {})
        }),
        mach_port_allocate_name::ID => call.answer(|of: mach_port_allocate_name::Request| {
            names?.allocate_name(Right::from_number(of.right)?, of.name.0)?;
            Ok(mach_port_allocate_name::Reply {})
        }),
        mach_port_allocate::ID => call.answer(|of: mach_port_allocate::Request| {
            let name = names?.allocate(Right::from_number(of.right)?)?;
            Ok(mach_port_allocate::Reply {
                name: PortName(name),
            })
        }),
        mach_port_destroy::ID => call.answer(|of: mach_port_destroy::Request| {
            names?.destroy(of.name.0)?;
            Ok(mach_port_destroy::Reply {})
        }),
        mach_port_deallocate::ID => call.answer(|of: mach_port_deallocate::Request| {
            names?.deallocate(of.name.0)?;
            Ok(mach_port_deallocate::Reply {})
        }),
        mach_port_get_refs::ID => call.answer(|of: mach_port_get_refs::Request| {
            let right = Right::from_number(of.right)?;
            let refs = names?.change(|space, ports, _| space.refs(ports, of.name.0, right))?;
            Ok(mach_port_get_refs::Reply { refs })
        }),
        mach_port_mod_refs::ID => call.answer(|of: mach_port_mod_refs::Request| {
            let right = Right::from_number(of.right)?;
            names?.change_receivers(|space, ports, effects| {
                space.mod_refs(ports, of.name.0, right, of.delta, effects)
            })?;
            Ok(mach_port_mod_refs::Reply {})
        }),
        mach_port_get_receive_status::ID => {
            call.answer(|of: mach_port_get_receive_status::Request| {
                let status = names?.change(|space, ports, _| space.status(ports, of.name.0))?;
                Ok(mach_port_get_receive_status::Reply {
                    status: PortStatus {
                        pset: status.set,
                        seqno: status.sequence,
                        mscount: status.make_send_count,
                        qlimit: status.queue_limit,
                        msgcount: status.queued,
                        sorights: status.send_once_rights,
                        srights: status.has_send_rights.into(),
                        pdrequest: status.has_port_destroyed.into(),
                        nsrequest: status.has_no_senders.into(),
                    },
                })
            })
        }
        mach_port_set_qlimit::ID => call.answer(|of: mach_port_set_qlimit::Request| {
            // Before the name is looked at: seen.
            if of.qlimit > QUEUE_LIMIT_MAX {
                return Err(Refusal::InvalidValue.into());
            }
            names?.change_receivers(|space, ports, _| {
                let (_, port) = space.received(ports, of.name.0)?;
                port.set_queue_limit(of.qlimit)
            })?;
            Ok(mach_port_set_qlimit::Reply {})
        }),
        mach_port_set_mscount::ID => call.answer(|of: mach_port_set_mscount::Request| {
            names?.change(|space, ports, _| {
                space.received(ports, of.name.0)?.1.make_send_count = of.mscount;
                Ok(())
            })?;
            Ok(mach_port_set_mscount::Reply {})
        }),
        mach_port_set_seqno::ID => call.answer(|of: mach_port_set_seqno::Request| {
            names?.change(|space, ports, _| {
                space.received(ports, of.name.0)?.1.set_sequence(of.seqno);
                Ok(())
            })?;
            Ok(mach_port_set_seqno::Reply {})
        }),
        mach_port_set_protected_payload::ID => {
            call.answer(|of: mach_port_set_protected_payload::Request| {
                set_payload(names?, of.name.0, Some(of.payload))?;
                Ok(mach_port_set_protected_payload::Reply {})
            })
        }
        mach_port_clear_protected_payload::ID => {
            call.answer(|of: mach_port_clear_protected_payload::Request| {
                set_payload(names?, of.name.0, None)?;
                Ok(mach_port_clear_protected_payload::Reply {})
            })
        }
        mach_port_move_member::ID => call.answer(|of: mach_port_move_member::Request| {
            names?.change_receivers(|space, ports, _| {
                space.move_member(ports, of.member.0, of.after.0)
            })?;
            Ok(mach_port_move_member::Reply {})
        }),
        mach_port_request_notification::ID => {
            call.answer_along(|of: mach_port_request_notification::Request, along| {
                let notify = match along.given.right().into_carried() {
                    Carried::SendOnce(port) => Some(port),
                    Carried::Dead => return Err(Refusal::InvalidCapability.into()),
                    _ => None,
                };
                let asked = Asked {
                    name: of.name.0,
                    id: of.id,
                    sync: of.sync,
                    notify,
                };
                let before = names?.change(|space, ports, effects| {
                    let before = asked.register(space, ports, effects);
                    before.inspect_err(|_| {
                        if let Some(notify) = notify {
                            ports.drop_right(Carried::SendOnce(notify), effects);
                        }
                    })
                })?;
                let before = before.map_or(Carried::Null, Carried::SendOnce);
                along.gives.right(HeldRight::new(before));
                Ok(mach_port_request_notification::Reply {
                    previous: MoveSendOnce::new(NULL),
                })
            })
        }
        mach_port_extract_right::ID => {
            call.answer_along(|of: mach_port_extract_right::Request, along| {
                let how = Disposition::from_number(of.msgt_name);
                let how = how.ok_or(Refusal::InvalidValue)?;
                let right = names?.change_receivers(|space, ports, effects| {
                    space.take(ports, of.name.0, how, effects)
                })?;
                along.gives.right(HeldRight::new(right));
                let poly = AnyRight::with(NULL, TypeName(how.received() as u8));
                Ok(mach_port_extract_right::Reply { poly })
            })
        }
        mach_port_insert_right::ID => {
            call.answer_along(|of: mach_port_insert_right::Request, along| {
                names?.insert_right(of.name.0, along.given.right())?;
                Ok(mach_port_insert_right::Reply {})
            })
        }
        _ => None,
    }
}

/// All names, and what each denotes.
fn list(
    space: &mut Space,
    ports: &mut Ports,
    _: &mut Effects,
) -> Result<(Vec<u32>, Vec<u32>), Refusal> {
    let count = space.len() as usize;
    let (mut names, mut types) = (Vec::new(), Vec::new());
    let reserved = names
        .try_reserve_exact(count)
        .and_then(|()| types.try_reserve_exact(count));
    reserved.map_err(|_| Refusal::ResourceShortage)?;
    let mut next = space.name_from(0);
    while let Some(name) = next {
        // The table says how many there are.
        if names.len() == count {
            break;
        }
        names.push(name);
        types.push(space.port_type(ports, name)?);
        next = name.checked_add(1).and_then(|from| space.name_from(from));
    }
    Ok((names, types))
}

/// The names of the ports in a set.
fn members(space: &mut Space, ports: &mut Ports, name: u32) -> Result<Vec<u32>, Refusal> {
    let set = space.set(ports, name)?;
    let mut names = Vec::new();
    for port in ports.members(set) {
        names
            .try_reserve(1)
            .map_err(|_| Refusal::ResourceShortage)?;
        names.extend(space.name_of(ports, port));
    }
    Ok(names)
}

fn set_payload(names: &Names, name: u32, payload: Option<u32>) -> Result<(), Refusal> {
    names.change(|space, ports, _| {
        space.received(ports, name)?.1.payload = payload;
        Ok(())
    })
}

/// A `mach_port_request_notification`.
struct Asked {
    name: u32,
    id: i32,
    sync: u32,
    notify: Option<PortId>,
}

impl Asked {
    /// Registers it; gives back who was registered before.
    fn register(
        self,
        names: &mut Space,
        ports: &mut Ports,
        effects: &mut Effects,
    ) -> Result<Option<PortId>, Refusal> {
        let Asked {
            name, sync, notify, ..
        } = self;
        match NotifyId(self.id) {
            NotifyId::DEAD_NAME => names.request_dead_name(ports, name, sync, notify, effects),
            NotifyId::PORT_DESTROYED if sync == 0 => {
                let (port, _) = names.received(ports, name)?;
                Ok(ports.request_port_destroyed(port, notify))
            }
            NotifyId::NO_SENDERS => {
                let (port, _) = names.received(ports, name)?;
                Ok(ports.request_no_senders(port, sync, notify, effects))
            }
            _ => Err(Refusal::InvalidValue),
        }
    }
}
