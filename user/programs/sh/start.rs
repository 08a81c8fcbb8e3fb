//! A program out of a file into a new task.
//!
//! Owns the order: the task and its memory, its stack with the arguments, its
//! ports, and last its thread. What fails on the way leaves no task.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use kernel_core::addr::{PAGE_SIZE, VirtAddr};
use kernel_core::exec::{Access, ExecError, Executable};
use user_rt::abi::kern_return::KernReturn;
use user_rt::abi::layout::Plain;
use user_rt::abi::layout::thread::{I386_THREAD_STATE, ThreadState};
use user_rt::abi::message::TypeName;
use user_rt::abi::port::PortName;
use user_rt::abi::wire::{AnyRight, Array, NEVER, OutOfLine};
use user_rt::memory::Pages;
use user_rt::message::Buffer;
use user_rt::rpc::{mach, mach_port};
use user_rt::trap::{self, Result};

/// Where user space ends, and the first stack with it.
const USER_END: u32 = 0xc000_0000;
const STACK: u32 = 64 << 10;
const WORD: u32 = size_of::<u32>() as u32;
const STATE_WORDS: usize = ThreadState::COUNT as usize;
/// Protection in bits of `vm_prot_t`.
const READ: i32 = 1;
const WRITE: i32 = 2;
const EXECUTE: i32 = 4;

/// Why there is no new task.
pub(crate) enum Failure {
    /// The file is no program.
    NotLoaded(ExecError),
    /// The arguments do not fit onto the stack.
    TooLong,
    /// A call did not succeed.
    Refused(KernReturn),
}

impl From<KernReturn> for Failure {
    fn from(code: KernReturn) -> Failure {
        Failure::Refused(code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::NotLoaded(error) => error.fmt(f),
            Failure::TooLong => f.write_str("its arguments are too long"),
            Failure::Refused(code) => f.write_str(&name_of(*code)),
        }
    }
}

/// What a code is called.
pub(crate) fn name_of(code: KernReturn) -> String {
    let message = user_rt::abi::message::MsgReturn(code.0 as u32).name();
    match code.name().or(message) {
        Some(name) => name.to_string(),
        None => alloc::format!("{:#x}", code.0),
    }
}

/// Starts the program in `file` with these words, the first of which is its name;
/// its task. Ports in `ports` are given to it under the names that the words
/// `${0}`, `${1}`, … stand for; `prepare` may give it more before it runs.
pub(crate) fn start(
    file: &[u8],
    words: &[&str],
    ports: &[PortName],
    prepare: impl FnOnce(PortName) -> Result,
) -> core::result::Result<PortName, Failure> {
    let program = Executable::parse(file, VirtAddr::new(USER_END)).map_err(Failure::NotLoaded)?;
    let own = trap::mach_task_self();
    let task = PortName(mach::task_create(own, false)?.child_task.port);
    let begun = begin(task, &program, words, ports, prepare);
    if begun.is_err() {
        let _ = mach::task_terminate(task);
        let _ = trap::mach_port_deallocate(own, task);
    }
    begun.map(|()| task)
}

fn begin(
    task: PortName,
    program: &Executable<'_>,
    words: &[&str],
    ports: &[PortName],
    prepare: impl FnOnce(PortName) -> Result,
) -> core::result::Result<(), Failure> {
    for run in program.runs() {
        let (start, size) = (run.first.start().as_u32(), run.count * PAGE_SIZE);
        let mut image = Image::new(size)?;
        for segment in program.segments() {
            image.put(start, segment.start.as_u32(), segment.bytes);
        }
        mach::vm_allocate(task, start, size, false)?;
        mach::vm_write(task, start, image.data())?;
        mach::vm_protect(task, start, size, false, protection(run.access))?;
    }
    let mut names = Vec::new();
    for &port in ports.iter().filter(|port| port.is_valid()) {
        names.push(give(task, port)?);
    }
    let bottom = USER_END - STACK;
    let mut image = Image::new(STACK)?;
    let stack = put_words(&mut image, bottom, words, &names).ok_or(Failure::TooLong)?;
    mach::vm_allocate(task, bottom, STACK, false)?;
    mach::vm_write(task, bottom, image.data())?;
    let thread = PortName(mach::thread_create(task)?.child_thread.port);
    let begun = set_registers(thread, program.entry().as_u32(), stack)
        .and_then(|()| prepare(task))
        .and_then(|()| mach::thread_resume(thread));
    let _ = trap::mach_port_deallocate(trap::mach_task_self(), thread);
    Ok(begun.map(drop)?)
}

fn protection(access: Access) -> i32 {
    let parts = [
        (access.read, READ),
        (access.write, WRITE),
        (access.execute, EXECUTE),
    ];
    let allowed = parts.into_iter().filter(|(is_allowed, _)| *is_allowed);
    allowed.fold(0, |all, (_, part)| all | part)
}

/// Gives the task a send right; under the lowest name that is free there.
fn give(task: PortName, port: PortName) -> Result<PortName> {
    let right = AnyRight::with(port.0, TypeName::COPY_SEND);
    let mut name = PortName(1);
    loop {
        match mach_port::mach_port_insert_right(task, name, right) {
            Ok(_) => return Ok(name),
            Err(KernReturn::NAME_EXISTS) => name = PortName(name.0 + 1),
            Err(code) => return Err(code),
        }
    }
}

/// Puts the arguments at the end of the stack, and the vectors that lead to them
/// below; the stack pointer.
fn put_words(image: &mut Image, bottom: u32, words: &[&str], names: &[PortName]) -> Option<u32> {
    let texts: Vec<String> = words.iter().map(|word| spelled(word, names)).collect();
    let length: usize = texts.iter().map(|text| text.len() + 1).sum();
    let vectors = texts.len() as u32 + 3;
    let needed = u32::try_from(length).ok()?.checked_add(vectors * WORD)?;
    if needed > STACK / 2 {
        return None;
    }
    let mut at = (USER_END - length as u32) & !(WORD - 1);
    let stack = (at - vectors * WORD) & !15;
    let mut vector = alloc::vec![texts.len() as u32];
    for text in &texts {
        vector.push(at);
        image.put(bottom, at, text.as_bytes());
        at += text.len() as u32 + 1;
    }
    // The ends of the arguments and of the environment, which is empty.
    vector.extend([0, 0]);
    for (place, word) in (0..).zip(vector) {
        image.put(bottom, stack + place * WORD, &word.to_le_bytes());
    }
    Some(stack)
}

/// A word as the program sees it.
fn spelled(word: &str, names: &[PortName]) -> String {
    let number = word
        .strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'));
    let number = number.and_then(|number| number.parse::<usize>().ok());
    match number.and_then(|number| names.get(number)) {
        Some(name) => name.0.to_string(),
        None => word.to_string(),
    }
}

fn set_registers(thread: PortName, entry: u32, stack: u32) -> Result {
    let mut room = Buffer::<256>::new();
    let count = ThreadState::COUNT;
    let reply = mach::thread_get_state(thread, I386_THREAD_STATE, count, &mut room.0)?;
    let mut bytes = [0; STATE_WORDS * WORD as usize];
    for (place, word) in bytes.chunks_exact_mut(4).zip(reply.old_state.iter()) {
        word.write(place);
    }
    let mut state = ThreadState::read(&bytes);
    state.eip = entry;
    state.uesp = stack;
    state.write(&mut bytes);
    let words: [u32; STATE_WORDS] = Plain::read(&bytes);
    mach::thread_set_state(thread, I386_THREAD_STATE, Array::new(&words)).map(drop)
}

/// Pages of this task that become another's.
struct Image(Pages);

impl Image {
    fn new(size: u32) -> Result<Image> {
        Pages::new(size).map(Image)
    }

    /// Puts `bytes`, which are for `at`, where they are in the image of what
    /// begins at `start`; what is not of it is left out.
    fn put(&mut self, start: u32, at: u32, bytes: &[u8]) {
        let image = self.0.bytes_mut();
        let end = u64::from(start) + image.len() as u64;
        let first = at.max(start);
        let last = (u64::from(at) + bytes.len() as u64).min(end);
        if u64::from(first) >= last {
            return;
        }
        let count = (last - u64::from(first)) as usize;
        let from = &bytes[(first - at) as usize..][..count];
        image[(first - start) as usize..][..count].copy_from_slice(from);
    }

    /// All of it, for a message that copies it.
    fn data(&self) -> OutOfLine<u8, NEVER> {
        self.0.all()
    }
}
