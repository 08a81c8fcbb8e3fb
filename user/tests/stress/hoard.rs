//! What can be used up, and how: one kind of thing, until there is no more.
//!
//! Runs in a task of its own, which may be ended at any moment and dies when it
//! touches memory that is not to be had. Nothing here allocates memory of the
//! program's: names that a task is given are the lowest free ones, one after another.

use user_rt::abi::kern_return::KernReturn;
use user_rt::abi::layout::vm::{PAGE_SIZE, VM_PROT_ALL, VM_PROT_DEFAULT};
use user_rt::abi::message::{Header, MsgReturn, NotifyId, Options, TypeName};
use user_rt::abi::port::{PortName, PortRight, QLIMIT_MAX};
use user_rt::abi::trap::SYSCALL_VM_ALLOCATE;
use user_rt::abi::wire::{Array, CopySend, SendOnceRight, SendRight};
use user_rt::message::{Buffer, Exchange};
use user_rt::rpc::{mach, mach_port, mach4};
use user_rt::trap::{self, Result};
use user_tests::random::Random;

use super::letter::Letter;
use super::wait_until;

/// One kind of thing.
pub(super) struct Kind {
    pub(super) name: &'static str,
    /// Gets one more.
    more: fn(&mut Hoard) -> Result,
    /// Gives what came with a number back, if that is more than a right.
    less: fn(&mut Hoard, PortName),
    /// Codes that say that there is no more.
    pub(super) refusals: &'static [u32],
    /// Whether it stays when its task has ended.
    pub(super) must_give_back: bool,
}

/// A routine may be refused itself, or its request, or the names in its reply.
const REFUSALS: &[u32] = &[
    KernReturn::RESOURCE_SHORTAGE.0 as u32,
    KernReturn::NO_SPACE.0 as u32,
    MsgReturn::SEND_NO_BUFFER.0,
    MsgReturn::SEND_INVALID_MEMORY.0 | MsgReturn::VM_KERNEL,
];
/// All of them.
pub(super) const KINDS: [Kind; 13] = [
    kind("memory", touch),
    kind("ports", port),
    kind("port sets", set),
    kind("names", name),
    kind("threads", thread),
    Kind {
        less: end_task,
        must_give_back: true,
        ..kind("tasks", task)
    },
    kind("messages", message),
    kind("memory in messages", memory_in_message),
    kind("rights in messages", rights_in_message),
    kind("notifications", notification),
    kind("regions", region),
    kind("memory objects", object),
    kind("proxies", proxy),
];

const fn kind(name: &'static str, more: fn(&mut Hoard) -> Result) -> Kind {
    Kind {
        name,
        more,
        less: |_, _| {},
        refusals: REFUSALS,
        must_give_back: false,
    }
}

/// What was got.
pub(super) struct Hoard {
    task: PortName,
    random: Random,
    seed: u32,
    /// How many.
    got: u32,
    /// The first name that it was given, and the last.
    first: PortName,
    last: PortName,
    /// Two pages to send.
    pages: u32,
    /// A port of its own.
    own: PortName,
}

/// Where memory is allocated, one piece after the other.
const FIELD: u32 = 0x1000_0000;
const FIELD_END: u32 = 0xb000_0000;

impl Hoard {
    /// Of a task that was just made by inheritance. `None` if there is nothing.
    pub(super) fn new(seed: u32) -> Option<Hoard> {
        let task = trap::mach_task_self();
        let own = trap::mach_port_allocate(task, PortRight::RECEIVE).ok()?;
        trap::mach_port_insert_right(task, own, own, TypeName::MAKE_SEND).ok()?;
        // Reply ports of the task that this one was made by are nobody's here: as
        // many calls fail.
        let mut calls = 0..16;
        calls.find(|_| mach_port::mach_port_type(task, own).is_ok())?;
        let pages = trap::vm_allocate(task, 2 * PAGE_SIZE).ok()?;
        write(pages);
        write(pages + PAGE_SIZE);
        let first = trap::mach_port_allocate(task, PortRight::DEAD_NAME).ok()?;
        trap::mach_port_deallocate(task, first).ok()?;
        Some(Hoard {
            task,
            random: Random::new(seed, 0),
            seed,
            got: 0,
            first,
            last: first,
            pages,
            own,
        })
    }

    /// Gets all there is; the code with which there was no more, and how many.
    pub(super) fn fill(&mut self, kind: &Kind) -> (u32, u32) {
        loop {
            if let Err(code) = (kind.more)(self) {
                return (code.0 as u32, self.got);
            }
            self.got += 1;
        }
    }

    /// Gives it back.
    pub(super) fn empty(&mut self, kind: &Kind) {
        for name in self.first.0..=self.last.0 {
            (kind.less)(self, PortName(name));
            let _ = mach_port::mach_port_destroy(self.task, PortName(name));
        }
        let mut random = Random::new(self.seed, 0);
        if kind.name == "names" {
            for _ in 0..self.got {
                let name = PortName(random.word());
                let _ = mach_port::mach_port_destroy(self.task, name);
            }
        }
        // SAFETY: nothing is there but what was allocated to be given back.
        let _ = unsafe { trap::vm_deallocate(self.task, FIELD, FIELD_END - FIELD) };
    }

    /// A name that it was given.
    fn named(&mut self, name: PortName) -> PortName {
        self.last = name.max(self.last);
        name
    }

    fn new_port(&mut self) -> Result<PortName> {
        let port = trap::mach_port_allocate(self.task, PortRight::RECEIVE)?;
        Ok(self.named(port))
    }

    /// A port to which `new` messages are sent, until its queue is full.
    fn queue(&mut self, mut send: impl FnMut(&Hoard, PortName) -> MsgReturn) -> Result {
        let port = self.new_port()?;
        mach_port::mach_port_set_qlimit(self.task, port, QLIMIT_MAX)?;
        for _ in 0..QLIMIT_MAX {
            user_rt::rpc::checked(send(self, port))?;
        }
        Ok(())
    }

    /// Memory at the next place of the field.
    fn allocate(&mut self, step: u32, bytes: u32) -> Result<u32> {
        let mut address = FIELD + self.got * step;
        if address >= FIELD_END {
            return Err(KernReturn::NO_SPACE);
        }
        let at = core::ptr::from_mut(&mut address).expose_provenance() as u32;
        // SAFETY: the kernel writes to the variable; there is no other memory there.
        let code = unsafe { trap::raw(SYSCALL_VM_ALLOCATE, [self.task.0, at, bytes, 0]) };
        match code {
            KernReturn::SUCCESS => Ok(address),
            code => Err(code),
        }
    }
}

fn write(address: u32) {
    let at = core::ptr::with_exposed_provenance_mut::<u32>(address as usize);
    // SAFETY: memory of this task's alone. Where there is none, the task ends.
    unsafe { at.write_volatile(0x5a5a_5a5a) };
}

fn touch(hoard: &mut Hoard) -> Result {
    let address = hoard.allocate(PAGE_SIZE, PAGE_SIZE)?;
    write(address);
    Ok(())
}

fn port(hoard: &mut Hoard) -> Result {
    hoard.new_port().map(drop)
}

fn set(hoard: &mut Hoard) -> Result {
    let set = trap::mach_port_allocate(hoard.task, PortRight::PORT_SET)?;
    hoard.named(set);
    Ok(())
}

fn name(hoard: &mut Hoard) -> Result {
    let name = PortName(hoard.random.word());
    match trap::mach_port_allocate_name(hoard.task, PortRight::DEAD_NAME, name) {
        Err(KernReturn::NAME_EXISTS | KernReturn::INVALID_VALUE) => Ok(()),
        other => other,
    }
}

fn thread(hoard: &mut Hoard) -> Result {
    let thread = mach::thread_create(hoard.task)?.child_thread.port;
    hoard.named(PortName(thread));
    Ok(())
}

fn task(hoard: &mut Hoard) -> Result {
    let task = mach::task_create(hoard.task, false)?.child_task.port;
    hoard.named(PortName(task));
    Ok(())
}

/// Ends a task of which there is a right by this name. Others may have used
/// everything up for now: again and again, until it is no more.
fn end_task(hoard: &mut Hoard, name: PortName) {
    wait_until(|| {
        let _ = mach::task_terminate(name);
        match mach_port::mach_port_type(hoard.task, name) {
            Ok(reply) => reply.ptype & PortRight::SEND.type_bit() == 0,
            Err(code) => code == KernReturn::INVALID_NAME,
        }
    });
}

fn message(hoard: &mut Hoard) -> Result {
    hoard.queue(|_, port| {
        let mut room = Buffer::<4096>::new();
        let header = Header {
            bits: user_rt::abi::message::Bits::new(TypeName::MAKE_SEND, TypeName(0)),
            size: 4096,
            remote_port: port.0,
            ..Header::default()
        };
        let bytes = header.to_bytes();
        room.0[..bytes.len()].copy_from_slice(&bytes);
        Exchange::send(4096).within(0).run(&mut room.0)
    })
}

fn memory_in_message(hoard: &mut Hoard) -> Result {
    hoard.queue(|hoard, port| {
        let mut letter = Letter::to(port, TypeName::MAKE_SEND);
        letter.memory(hoard.pages + 100, PAGE_SIZE, false);
        // What was sent is the receiver's: this page is to be another.
        let code = letter.send(Options::SEND_TIMEOUT, 0, PortName::NULL);
        write(hoard.pages);
        code
    })
}

fn rights_in_message(hoard: &mut Hoard) -> Result {
    hoard.queue(|hoard, port| {
        let mut letter = Letter::to(port, TypeName::MAKE_SEND);
        for _ in 0..8 {
            letter.right(hoard.own, TypeName::MAKE_SEND_ONCE);
        }
        letter.send(Options::SEND_TIMEOUT, 0, PortName::NULL)
    })
}

fn notification(hoard: &mut Hoard) -> Result {
    let port = hoard.new_port()?;
    trap::mach_port_insert_right(hoard.task, port, port, TypeName::MAKE_SEND)?;
    for id in [NotifyId::DEAD_NAME, NotifyId::NO_SENDERS] {
        let right = SendOnceRight::with(hoard.own.0, TypeName::MAKE_SEND_ONCE);
        mach_port::mach_port_request_notification(hoard.task, port, id.0, 1, right)?;
    }
    Ok(())
}

fn region(hoard: &mut Hoard) -> Result {
    hoard.allocate(2 * PAGE_SIZE, PAGE_SIZE).map(drop)
}

fn object(hoard: &mut Hoard) -> Result {
    let port = hoard.new_port()?;
    trap::mach_port_insert_right(hoard.task, port, port, TypeName::MAKE_SEND)?;
    let at = FIELD + hoard.got * PAGE_SIZE;
    let right = CopySend::new(port.0);
    let (now, most) = (VM_PROT_DEFAULT, VM_PROT_ALL);
    let size = PAGE_SIZE;
    mach::vm_map(
        hoard.task, at, size, 0, false, right, 0, false, now, most, 1,
    )?;
    Ok(())
}

fn proxy(hoard: &mut Hoard) -> Result {
    let of = [SendRight::with(hoard.own.0, TypeName::COPY_SEND)];
    let (zero, page) = ([0], [PAGE_SIZE]);
    let proxy = mach4::memory_object_create_proxy(
        hoard.task,
        VM_PROT_ALL,
        Array::new(&of),
        Array::new(&zero),
        Array::new(&zero),
        Array::new(&page),
    )?;
    hoard.named(PortName(proxy.proxy.port));
    Ok(())
}
