//! The order of all locks in the kernel, lowest first.
//!
//! A processor that holds a lock may take one that stands below it in this
//! list, never one above. Locks for interrupt handlers come last: a handler
//! interrupts tasks whatever they hold. Each lock is a type here: its place and its name are
//! known when the kernel is compiled, so that a lock holds nothing but its
//! state and one that is unlocked may lie in .bss.

use kernel_core::rank::{Rank, RankedLock};

/// A lock's place in the order.
pub(crate) trait Ranked {
    /// Place and name.
    const IDENTITY: RankedLock;
}

macro_rules! order {
    ($($(#[$about:meta])* $lock:ident $name:literal;)*) => {
        /// The places, counted in the order of the list.
        #[derive(Clone, Copy)]
        enum Place { $($lock),* }

        $(
            $(#[$about])*
            #[derive(Debug)]
            pub(crate) enum $lock {}

            impl Ranked for $lock {
                const IDENTITY: RankedLock =
                    RankedLock { rank: Rank(Place::$lock as u8), name: $name };
            }
        )*
    };
}

order! {
    /// The monitor's line editor, held while a command runs.
    Monitor "monitor";
    /// What is typed, and who reads it.
    Terminal "terminal";
    /// Which task is told of which interrupt.
    Interrupts "interrupts";
    /// All tasks.
    Tasks "tasks";
    /// A task's threads, and what it keeps for itself.
    Task "task";
    /// What a thread keeps for itself.
    Thread "thread";
    /// Which memory object each port stands for.
    MemoryObjects "memory objects";
    /// The ports of a memory object.
    MemoryObject "memory object";
    /// Who makes room for maps of I/O ports.
    RoomForPorts "room for ports";
    /// Which port names which memory object.
    ObjectNames "object names";
    /// Ports and names.
    Ipc "ipc";
    /// Who waits at a word of memory.
    Words "words";
    /// What a task has allocated.
    Space "space";
    /// Memory objects, and what is mapped where.
    Memory "memory";
    /// A task's page tables.
    Pmap "pmap";
    /// The kernel's own mappings.
    KernelMap "kernel map";
    /// The kernel heap.
    Heap "heap";
    /// Free physical frames.
    Frames "frames";
    /// Whose turn it is to have a function run by the other processors.
    Call "call";
    /// Console output: the last task lock, so that anyone may report.
    Console "console";
    /// Who takes bytes from the serial port.
    Receiver "receiver";
    /// Who waits for an event.
    Event "event";
    /// What time it is.
    Clock "clock";
    /// Who runs where.
    Scheduler "scheduler";
    /// Where a task or thread was.
    Samples "samples";
    /// Which I/O ports a task may use.
    Ports "ports";
    /// Interrupt controllers.
    InterruptController "interrupt controller";
}
