//! The kernel as a server: requests to its own ports, answered at once.
//!
//! Owns which routine does what. A routine is one arm of a `match` on its id;
//! decoding and encoding follow from its definition in `abi`. What cannot be
//! decoded is `MIG_BAD_ARGUMENTS`, what is no routine of the port's, or is not
//! served yet, `MIG_BAD_ID`; as MIG's servers do.

use abi::kern_return::KernReturn;
use abi::message::{Header, NotifyId, TypeName};
use abi::port::PortStatus;
use abi::routine::mach;
use abi::routine::mach_port::*;
use abi::routine::{ReplyBody, RequestBody, decode_request, encode_refusal, encode_reply};
use abi::wire::{AnyRight, Form, MoveSendOnce};
use kernel_core::arena::Handle;
use kernel_core::ipc::port::{Effects, PortId, Ports, QUEUE_LIMIT_MAX};
use kernel_core::ipc::right::{Carried, Disposition, NULL, Refusal, Right};
use kernel_core::ipc::space::Space;
use kernel_core::vm::map::{Inheritance, Limit, MapError, Protection};

use super::message::Kmsg;
use super::{Ipc, Memory, Served};

/// The most bytes of a reply that is made here.
const REPLY: usize = 128;

/// A reply: bytes, and the right that its body carries, if it carries one.
struct Reply {
    bytes: [u8; REPLY],
    length: usize,
    right: Option<Carried>,
}

impl Ipc {
    /// Does what a message asks of the kernel's port that it was sent to, and
    /// answers it.
    pub(super) fn serve(&mut self, mut kmsg: Kmsg, object: &Served) {
        let mut right = kmsg.take_carried();
        let request = kmsg.as_received();
        let header = Header::read(request).unwrap_or_default();
        let done = match object {
            Served::Task(_, memory) if mach::SUBSYSTEM.base == subsystem_of(header.id) => {
                serve_memory(&Call { request, header }, memory)
            }
            Served::Task(space, _) => self.serve_names(request, header, *space, &mut right),
            Served::Other => Err(KernReturn::MIG_BAD_ID),
        };
        let reply = done.unwrap_or_else(|code| refuse(code, &header));
        // What nobody took is given up, with the rest of the request.
        kmsg.put_carried(right);
        let answer = kmsg.answer(&reply.bytes[..reply.length], reply.right);
        kmsg.destroy(&mut self.post);
        match (answer, reply.right) {
            (Some(answer), _) => self.post.reply(answer),
            (None, Some(right)) => self.drop_right(right),
            (None, None) => {}
        }
        self.post.settle(&Effects::new());
    }

    fn drop_right(&mut self, right: Carried) {
        let mut effects = Effects::new();
        self.post.ports.drop_right(right, &mut effects);
        self.post.notify_all(&effects);
    }

    /// The routines on a task's names.
    fn serve_names(
        &mut self,
        request: &[u8],
        header: Header,
        space: Handle<Space>,
        right: &mut Option<Carried>,
    ) -> Result<Reply, KernReturn> {
        let mut effects = Effects::new();
        let names = self.spaces.at_mut(space).ok_or(KernReturn::INVALID_TASK)?;
        let ports = &mut self.post.ports;
        let call = Call { request, header };
        let effects_of_it = &mut effects;
        let reply = match header.id {
            mach_port_type::ID => call.answer(|of: mach_port_type::Request| {
                let ptype = names.port_type(ports, of.name.0)?;
                Ok(mach_port_type::Reply { ptype })
            }),
            mach_port_rename::ID => call.answer(|of: mach_port_rename::Request| {
                names.rename(ports, of.old_name.0, of.new_name.0)?;
                Ok(mach_port_rename::Reply {})
            }),
            mach_port_allocate_name::ID => call.answer(|of: mach_port_allocate_name::Request| {
                names.allocate_name(ports, Right::from_number(of.right)?, of.name.0)?;
                Ok(mach_port_allocate_name::Reply {})
            }),
            mach_port_allocate::ID => call.answer(|of: mach_port_allocate::Request| {
                let name = names.allocate(ports, Right::from_number(of.right)?)?;
                Ok(mach_port_allocate::Reply {
                    name: abi::port::PortName(name),
                })
            }),
            mach_port_destroy::ID => call.answer(|of: mach_port_destroy::Request| {
                names.destroy(ports, of.name.0, effects_of_it)?;
                Ok(mach_port_destroy::Reply {})
            }),
            mach_port_deallocate::ID => call.answer(|of: mach_port_deallocate::Request| {
                names.deallocate(ports, of.name.0, effects_of_it)?;
                Ok(mach_port_deallocate::Reply {})
            }),
            mach_port_get_refs::ID => call.answer(|of: mach_port_get_refs::Request| {
                let refs = names.refs(ports, of.name.0, Right::from_number(of.right)?)?;
                Ok(mach_port_get_refs::Reply { refs })
            }),
            mach_port_mod_refs::ID => call.answer(|of: mach_port_mod_refs::Request| {
                let right = Right::from_number(of.right)?;
                names.mod_refs(ports, of.name.0, right, of.delta, effects_of_it)?;
                Ok(mach_port_mod_refs::Reply {})
            }),
            mach_port_get_receive_status::ID => {
                call.answer(|of: mach_port_get_receive_status::Request| {
                    let status = names.status(ports, of.name.0)?;
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
                let (_, port) = names.received(ports, of.name.0)?;
                port.set_queue_limit(of.qlimit)?;
                Ok(mach_port_set_qlimit::Reply {})
            }),
            mach_port_set_mscount::ID => call.answer(|of: mach_port_set_mscount::Request| {
                names.received(ports, of.name.0)?.1.make_send_count = of.mscount;
                Ok(mach_port_set_mscount::Reply {})
            }),
            mach_port_set_seqno::ID => call.answer(|of: mach_port_set_seqno::Request| {
                names.received(ports, of.name.0)?.1.sequence = of.seqno;
                Ok(mach_port_set_seqno::Reply {})
            }),
            mach_port_set_protected_payload::ID => {
                call.answer(|of: mach_port_set_protected_payload::Request| {
                    names.received(ports, of.name.0)?.1.payload = Some(of.payload);
                    Ok(mach_port_set_protected_payload::Reply {})
                })
            }
            mach_port_clear_protected_payload::ID => {
                call.answer(|of: mach_port_clear_protected_payload::Request| {
                    names.received(ports, of.name.0)?.1.payload = None;
                    Ok(mach_port_clear_protected_payload::Reply {})
                })
            }
            mach_port_move_member::ID => call.answer(|of: mach_port_move_member::Request| {
                names.move_member(ports, of.member.0, of.after.0)?;
                Ok(mach_port_move_member::Reply {})
            }),
            mach_port_request_notification::ID => {
                call.answer_with_right(|of: mach_port_request_notification::Request| {
                    let notify = match right.take() {
                        Some(Carried::SendOnce(port)) => Some(port),
                        Some(Carried::Dead) => return Err(Refusal::InvalidCapability.into()),
                        _ => None,
                    };
                    let asked = Asked {
                        name: of.name.0,
                        id: of.id,
                        sync: of.sync,
                        notify,
                    };
                    let before = asked
                        .register(names, ports, effects_of_it)
                        .inspect_err(|_| *right = notify.map(Carried::SendOnce))?;
                    let reply = mach_port_request_notification::Reply {
                        previous: MoveSendOnce::new(NULL),
                    };
                    Ok((reply, before.map_or(Carried::Null, Carried::SendOnce)))
                })
            }
            mach_port_extract_right::ID => {
                call.answer_with_right(|of: mach_port_extract_right::Request| {
                    let how = Disposition::from_number(of.msgt_name);
                    let how = how.ok_or(Refusal::InvalidValue)?;
                    let right = names.take(ports, of.name.0, how, effects_of_it)?;
                    let disposition = TypeName(how.received() as u8);
                    let poly = AnyRight::with(NULL, disposition);
                    Ok((mach_port_extract_right::Reply { poly }, right))
                })
            }
            mach_port_insert_right::ID => call.answer(|of: mach_port_insert_right::Request| {
                let given = right.take().unwrap_or(Carried::Null);
                names
                    .insert_right(ports, of.name.0, given, effects_of_it)
                    .inspect_err(|_| *right = Some(given))?;
                Ok(mach_port_insert_right::Reply {})
            }),
            _ => Err(KernReturn::MIG_BAD_ID),
        };
        // Receivers look whether what they wait at is still theirs.
        self.post.waiters.wake_all();
        self.post.notify_all(&effects);
        reply
    }
}

/// What an id counts from.
fn subsystem_of(id: i32) -> i32 {
    /// Bases of subsystems are multiples of this, or more.
    const APART: i32 = 100;
    id - id.rem_euclid(APART)
}

/// The routines on a task's memory.
fn serve_memory(call: &Call<'_>, memory: &Memory) -> Result<Reply, KernReturn> {
    match call.header.id {
        mach::vm_allocate::ID => call.answer(|of: mach::vm_allocate::Request| {
            let address = allocate(memory, of.address, of.size, of.anywhere)?;
            Ok(mach::vm_allocate::Reply { address })
        }),
        mach::vm_deallocate::ID => call.answer(|of: mach::vm_deallocate::Request| {
            memory.deallocate(of.address, of.size)?;
            Ok(mach::vm_deallocate::Reply {})
        }),
        mach::vm_protect::ID => call.answer(|of: mach::vm_protect::Request| {
            let limit = match of.set_maximum {
                true => Limit::Maximum,
                false => Limit::Current,
            };
            let protection = Protection::from_bits(of.new_protection as u32);
            let protection = protection.ok_or(MapError::InvalidArgument)?;
            memory.protect(of.address, of.size, limit, protection)?;
            Ok(mach::vm_protect::Reply {})
        }),
        mach::vm_inherit::ID => call.answer(|of: mach::vm_inherit::Request| {
            let inheritance = Inheritance::from_number(of.new_inheritance as u32);
            let inheritance = inheritance.ok_or(MapError::InvalidArgument)?;
            memory.inherit(of.address, of.size, inheritance)?;
            Ok(mach::vm_inherit::Reply {})
        }),
        _ => Err(KernReturn::MIG_BAD_ID),
    }
}

/// `vm_allocate`; no memory is at address 0.
pub(crate) fn allocate(
    memory: &Memory,
    address: u32,
    size: u32,
    anywhere: bool,
) -> Result<u32, MapError> {
    match (size, anywhere) {
        (0, _) => Ok(0),
        (size, true) => memory.allocate_anywhere(size),
        (size, false) => memory.allocate_at(address, size, Protection::DEFAULT),
    }
}

/// Why a routine was not done, whoever says so.
struct Refused(KernReturn);

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Refused {
        Refused(KernReturn(refusal as i32))
    }
}

impl From<MapError> for Refused {
    fn from(error: MapError) -> Refused {
        Refused(KernReturn(error.code()))
    }
}

/// A request to be answered.
struct Call<'m> {
    request: &'m [u8],
    header: Header,
}

impl<'m> Call<'m> {
    /// Decodes the request, does it, and encodes what comes of it.
    fn answer<Q, R>(&self, does: impl FnOnce(Q) -> Result<R, Refused>) -> Result<Reply, KernReturn>
    where
        Q: RequestBody<'m>,
        R: for<'r> ReplyBody<'r>,
    {
        self.answer_with_right(|request| Ok((does(request)?, Carried::Null)))
    }

    /// The same, for a reply whose one argument is a right.
    fn answer_with_right<Q, R>(
        &self,
        does: impl FnOnce(Q) -> Result<(R, Carried), Refused>,
    ) -> Result<Reply, KernReturn>
    where
        Q: RequestBody<'m>,
        R: for<'r> ReplyBody<'r>,
    {
        let request = decode_request(self.request).map_err(|_| KernReturn::MIG_BAD_ARGUMENTS)?;
        let (done, right) = does(request).map_err(|Refused(code)| code)?;
        let mut bytes = [0; REPLY];
        let length = encode_reply(&done, &self.header, Form::Received, &mut bytes);
        let length = length.map_err(|_| KernReturn::RESOURCE_SHORTAGE)?;
        Ok(Reply {
            bytes,
            length,
            right: Some(right),
        })
    }
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

fn refuse(code: KernReturn, request: &Header) -> Reply {
    let mut bytes = [0; REPLY];
    // A refusal has a fixed size, which there is room for.
    let length = encode_refusal(code, request, &mut bytes).unwrap_or(0);
    Reply {
        bytes,
        length,
        right: None,
    }
}
