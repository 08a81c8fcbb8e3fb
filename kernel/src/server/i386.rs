//! The routines on what only this processor has, of `mach_i386.defs`.
//!
//! Owns no state; called by the dispatch. What a user may have in descriptor
//! tables is decided here: segments of user mode, and nothing else.

use alloc::vec::Vec;

use abi::kern_return::KernReturn;
use abi::layout::Plain;
use abi::layout::thread::SegmentDescriptor;
use abi::routine::mach_i386::*;
use abi::wire::{Flexible, MoveSend};
use kernel_core::descriptor::Descriptor;
use kernel_core::ipc::right::NULL;
use kernel_core::port_map::Permission;

use super::{Along, Call, Done, Refused, known, thread_state};
use crate::arch::own_segments::{self, FIRST_PLACE, MOST, OWN_PLACES, OwnSegments, USUAL};
use crate::mm::shared::{Any, Shared};
use crate::sched::Thread;
use crate::task::Task;
use crate::task::host::Host;
use crate::task::io_ports::PortRange;
use crate::task::segments::{self, Unchanged, change};

const INVALID: Refused = Refused(KernReturn::INVALID_ARGUMENT);
const SHORTAGE: Refused = Refused(KernReturn::RESOURCE_SHORTAGE);
/// Descriptors that a message has room for.
const IN_MESSAGE: u32 = 256;

pub(super) fn serve(call: &mut Call<'_>, object: &Any) -> Option<Done> {
    let thread = call.object.downcast::<Thread>().ok_or(INVALID);
    let host = object.downcast_ref::<Host>();
    match call.header.id {
        i386_io_perm_create::ID => call.answer_along(|of: i386_io_perm_create::Request, along| {
            if host != Some(&Host::DeviceMaster) || of.from > of.to {
                return Err(INVALID);
            }
            along.gives.right(PortRange::port_of(of.from, of.to)?);
            Ok(i386_io_perm_create::Reply {
                io_perm: MoveSend::new(NULL),
            })
        }),
        i386_io_perm_modify::ID => call.answer_along(|of: i386_io_perm_modify::Request, along| {
            let task = known::<Task>(object, KernReturn::INVALID_ARGUMENT)?;
            let range = along.given.right().object();
            let range = range.and_then(|range| range.downcast::<PortRange>());
            let permission = match of.enable {
                true => Permission::Allowed,
                false => Permission::Denied,
            };
            range.ok_or(INVALID)?.permit(task, permission)?;
            Ok(i386_io_perm_modify::Reply {})
        }),
        i386_set_ldt::ID => call.answer_along(|of: i386_set_ldt::Request<'_>, along| {
            set_ldt(&thread?, &of, along)?;
            Ok(i386_set_ldt::Reply {})
        }),
        i386_get_ldt::ID => call.answer_by(|of: i386_get_ldt::Request, mut along, reply| {
            let list = ldt(&thread?, of.first_selector, of.selector_count)?;
            reply.with(&i386_get_ldt::Reply {
                desc_list: along.array(&list, IN_MESSAGE)?,
            })
        }),
        i386_set_gdt::ID => call.answer(|of: i386_set_gdt::Request| {
            let selector = set_gdt(&thread?, of.selector, of.desc)?;
            Ok(i386_set_gdt::Reply { selector })
        }),
        i386_get_gdt::ID => call.answer(|of: i386_get_gdt::Request| {
            let place = place(of.selector)?;
            let own = own(&thread?)?;
            let found = own.as_ref().map(|own| own.places()[place]);
            Ok(i386_get_gdt::Reply {
                desc: in_message(found.unwrap_or(Descriptor::EMPTY)),
            })
        }),
        i386_get_xstate_size::ID => call.answer(|_: i386_get_xstate_size::Request| match host {
            Some(Host::Name | Host::Control) => Ok(i386_get_xstate_size::Reply {
                size: thread_state::MOST_BYTES as u32,
            }),
            _ => Err(INVALID),
        }),
        _ => None,
    }
}

/// The place of a thread's own in the GDT that a selector means.
fn place(selector: i32) -> Result<usize, Refused> {
    (0..OWN_PLACES)
        .find(|place| selector_of(*place) == selector)
        .ok_or(INVALID)
}

fn selector_of(place: usize) -> i32 {
    ((FIRST_PLACE + place) << 3 | 3) as i32
}

/// Which descriptor of the LDT a selector means, privilege and table aside (seen).
fn index(selector: i32) -> Result<usize, Refused> {
    match selector {
        0..=0xffff => Ok(selector as usize >> 3),
        _ => Err(INVALID),
    }
}

fn from_message(descriptor: SegmentDescriptor) -> Descriptor {
    Descriptor::from_words(descriptor.low_word, descriptor.high_word)
}

fn in_message(descriptor: Descriptor) -> SegmentDescriptor {
    let (low_word, high_word) = descriptor.words();
    SegmentDescriptor {
        low_word,
        high_word,
    }
}

fn set_ldt(
    thread: &Shared<Thread>,
    of: &i386_set_ldt::Request<'_>,
    along: Along<'_, '_>,
) -> Result<(), Refused> {
    let first = index(of.first_selector)?;
    let count = match &of.desc_list {
        Flexible::Inline(list) => list.len(),
        Flexible::Elsewhere(list, _) => list.count as usize,
    };
    if first < USUAL || count > MOST - first.min(MOST) {
        return Err(INVALID);
    }
    let mut list = Vec::new();
    list.try_reserve_exact(count).map_err(|_| SHORTAGE)?;
    match &of.desc_list {
        Flexible::Inline(given) => list.extend(given.iter().map(from_message)),
        Flexible::Elsewhere(..) => {
            let given = along.given.memory();
            for number in 0..count {
                let mut bytes = [0; SegmentDescriptor::BYTES];
                if let Some(given) = &given {
                    let at = (number * SegmentDescriptor::BYTES) as u32;
                    given.read(at, &mut bytes).map_err(|_| SHORTAGE)?;
                }
                list.push(from_message(SegmentDescriptor::read(&bytes)));
            }
        }
    }
    // One that is there only later is refused as well: seen.
    let is_allowed = |one: &Descriptor| one.is_empty() || one.is_users() && one.is_present();
    if !list.iter().all(is_allowed) {
        return Err(INVALID);
    }
    Ok(change(thread, &|before| {
        OwnSegments::with_ldt(before, first, list.iter().copied())
    })?)
}

/// Descriptors of a thread's LDT, as many of those asked for as there are.
fn ldt(
    thread: &Shared<Thread>,
    selector: i32,
    count: i32,
) -> Result<Vec<SegmentDescriptor>, Refused> {
    let first = index(selector)?;
    let count = usize::try_from(count).map_err(|_| INVALID)?;
    if count > MOST - first.min(MOST) {
        return Err(INVALID);
    }
    let own = own(thread)?;
    let usual = own_segments::usual();
    let table = own.as_deref().and_then(OwnSegments::ldt);
    let asked = table.unwrap_or(&usual).iter().skip(first).take(count);
    let mut list = Vec::new();
    list.try_reserve_exact(count.min(MOST))
        .map_err(|_| SHORTAGE)?;
    list.extend(asked.copied().map(in_message));
    Ok(list)
}

/// Puts a descriptor into one of the thread's places of the GDT, or into the first
/// that is empty; its selector.
fn set_gdt(
    thread: &Shared<Thread>,
    selector: i32,
    descriptor: SegmentDescriptor,
) -> Result<i32, Refused> {
    let descriptor = from_message(descriptor);
    if !descriptor.is_empty() && !descriptor.is_users() {
        return Err(INVALID);
    }
    let place = match selector {
        -1 => {
            let own = own(thread)?;
            let is_empty =
                |place: &usize| (own.as_ref()).is_none_or(|own| own.places()[*place].is_empty());
            let empty = (0..OWN_PLACES).find(is_empty);
            empty.ok_or(Refused(KernReturn::NO_SPACE))?
        }
        selector => place(selector)?,
    };
    change(thread, &|before| {
        OwnSegments::with_place(before, place, descriptor)
    })?;
    Ok(selector_of(place))
}

/// The segments of its own that a thread has.
fn own(thread: &Shared<Thread>) -> Result<Option<Shared<OwnSegments>>, Refused> {
    segments::own(thread).ok_or(INVALID)
}

impl From<Unchanged> for Refused {
    fn from(why: Unchanged) -> Refused {
        match why {
            Unchanged::Gone => INVALID,
            Unchanged::NoMemory => SHORTAGE,
        }
    }
}
