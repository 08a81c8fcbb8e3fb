//! Each processor's own area, reached through FS.
//!
//! Owns what belongs to one processor: its number, its segments, its lock and
//! interrupt bookkeeping. Anyone may ask for [`current`]; the area of another
//! processor is only read, through atomics.
//!
//! **Invariants**: FS:0 holds the area's own address from [`PerCpu::install`]
//! on; [`current`] relies on it. The boot processor installs its area before
//! any other code of the kernel runs. A processor's `id` is its index in the
//! registry, and no two processors share one: whoever starts processors lets
//! only one at a time come as far as [`PerCpu::publish`].

use alloc::boxed::Box;
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering};

use kernel_core::rank::HeldLocks;

use super::door::Door;
use super::interrupts;
use super::own_segments::OwnSegments;
use super::segments::{DoubleFault, Segments, WIDE_WORDS};
use x86::bits32::task::TaskStateSegment;

/// Processors the kernel can drive.
pub(crate) const MAX_CPUS: usize = kernel_core::topology::MAX_CPUS;

/// What a processor does, seen from an interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A user program.
    User,
    /// The kernel.
    Kernel,
}

/// One processor's area. The two pointers must stay first: FS leads to them, and no
/// further.
#[repr(C)]
pub(crate) struct PerCpu {
    this: AtomicPtr<PerCpu>,
    /// What the scheduler keeps here.
    thread: AtomicPtr<()>,
    id: AtomicU32,
    apic_id: AtomicU32,
    /// Interrupts being handled, nested.
    interrupt_depth: AtomicU32,
    /// Interrupts taken since start.
    interrupts: AtomicU32,
    segments: UnsafeCell<Segments>,
    held_locks: UnsafeCell<HeldLocks>,
    /// Memory for a map of ports, which this area owns for good once it has any.
    room_for_ports: AtomicPtr<u64>,
    /// For the scheduler: whether it is to choose again before user mode goes on
    /// here. Others set it, too.
    pub(crate) chooses_again: AtomicBool,
    /// For the scheduler: whether there is something to free here.
    pub(crate) is_untidy: AtomicBool,
    door: Door,
    /// Whether the last interrupt came from user mode.
    was_user: AtomicBool,
}

// SAFETY: `segments` is written before the area is published; afterwards only
// the owning processor reads it, or writes where its kernel stack is. `held_locks` is touched by the owning
// processor alone, with interrupts off. Everything else is atomic.
unsafe impl Sync for PerCpu {}

impl PerCpu {
    /// An area for processor `id`, not yet in use.
    pub(crate) const fn new(id: u32, apic_id: u32) -> PerCpu {
        PerCpu {
            this: AtomicPtr::new(core::ptr::null_mut()),
            thread: AtomicPtr::new(core::ptr::null_mut()),
            id: AtomicU32::new(id),
            apic_id: AtomicU32::new(apic_id),
            interrupt_depth: AtomicU32::new(0),
            interrupts: AtomicU32::new(0),
            segments: UnsafeCell::new(Segments::new()),
            held_locks: UnsafeCell::new(HeldLocks::new()),
            room_for_ports: AtomicPtr::new(core::ptr::null_mut()),
            chooses_again: AtomicBool::new(false),
            is_untidy: AtomicBool::new(false),
            door: Door::new(),
            was_user: AtomicBool::new(false),
        }
    }

    /// Makes this the area of the processor that calls.
    ///
    /// # Safety
    ///
    /// Called once for each area, on the processor it is for, before anything
    /// on that processor asks for [`current`]; `double_fault` as for
    /// [`Segments::load`].
    pub(crate) unsafe fn install(&'static self, double_fault: DoubleFault) {
        let address = core::ptr::from_ref(self).cast_mut();
        self.this.store(address, Ordering::Relaxed);
        // SAFETY: the area is not published yet, so nobody else looks at its
        // segments; it is static, so they stay.
        unsafe { (*self.segments.get()).load(address.addr() as u32, double_fault) };
        // SAFETY: the area is static, and the kernel is mapped whatever runs.
        unsafe { self.door.open() };
    }

    /// Lets the other processors know this one, which is ready to take what
    /// they send.
    pub(crate) fn publish(&'static self) {
        let address = core::ptr::from_ref(self).cast_mut();
        REGISTRY[self.id() as usize].store(address, Ordering::Release);
        ONLINE.fetch_add(1, Ordering::Release);
    }

    /// Index of this processor, 0 for the boot processor.
    pub(crate) fn id(&self) -> u32 {
        self.id.load(Ordering::Relaxed)
    }

    /// The local APIC's number; 0 where there is none.
    pub(crate) fn apic_id(&self) -> u32 {
        self.apic_id.load(Ordering::Relaxed)
    }

    /// Notes the local APIC's number, once it is known.
    pub(crate) fn set_apic_id(&self, apic_id: u32) {
        self.apic_id.store(apic_id, Ordering::Relaxed);
    }

    /// Interrupts taken since start.
    pub(crate) fn interrupts(&self) -> u32 {
        self.interrupts.load(Ordering::Relaxed)
    }

    /// Whether this processor is handling an interrupt.
    pub(crate) fn in_interrupt(&self) -> bool {
        self.interrupt_depth.load(Ordering::Relaxed) != 0
    }

    /// What the last interrupt met.
    pub(crate) fn interrupted(&self) -> Mode {
        match self.was_user.load(Ordering::Relaxed) {
            true => Mode::User,
            false => Mode::Kernel,
        }
    }

    /// Notes that an interrupt handler begins.
    pub(crate) fn enter_interrupt(&self, interrupted: Mode) {
        self.was_user
            .store(interrupted == Mode::User, Ordering::Relaxed);
        self.interrupt_depth.fetch_add(1, Ordering::Relaxed);
        self.interrupts.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that an interrupt handler ends.
    pub(crate) fn leave_interrupt(&self) {
        self.interrupt_depth.fetch_sub(1, Ordering::Relaxed);
    }

    /// Says where this processor goes on when it comes from user mode.
    ///
    /// # Safety
    ///
    /// `self` is the area of the processor that calls; the stack below `top`
    /// is free whenever it is in user mode.
    pub(crate) unsafe fn set_kernel_stack(&self, top: u32) {
        self.door.leads_to(top);
        // SAFETY: passed on to the caller.
        unsafe { Segments::set_kernel_stack(self.segments.get(), top) };
    }

    /// Makes this processor use a thread's own segments, or the usual ones.
    ///
    /// # Safety
    ///
    /// `self` is the area of the processor that calls; as for
    /// [`Segments::load_own`] otherwise.
    pub(crate) unsafe fn load_own_segments(&self, own: Option<&OwnSegments>) {
        // SAFETY: passed on to the caller.
        unsafe { Segments::load_own(self.segments.get(), own) };
    }

    /// Makes it the owner of memory for a map of ports, which it has none of. The
    /// area stays for good, and so does the memory: the processor looks there.
    pub(crate) fn give_room_for_ports(&self, room: Box<[u64; WIDE_WORDS]>) {
        let room = Box::into_raw(room).cast();
        self.room_for_ports.store(room, Ordering::Release);
    }

    /// Whether it was given memory for a map of ports.
    pub(crate) fn has_room_for_ports(&self) -> bool {
        !self.room_for_ports.load(Ordering::Relaxed).is_null()
    }

    /// Makes this processor let user mode use the ports of a map, with its serial
    /// number, or none.
    ///
    /// # Safety
    ///
    /// `self` is the area of the processor that calls, and interrupts are off.
    pub(crate) unsafe fn set_ports(&self, map: Option<(&[u64], u64)>) {
        let segments = self.segments.get();
        let room = self.room_for_ports.load(Ordering::Acquire);
        // SAFETY: passed on to the caller; the room was given for good.
        unsafe {
            if !room.is_null() && !Segments::is_wide(segments) {
                Segments::widen(segments, room);
            }
            Segments::set_ports(segments, map);
        }
    }

    /// The state that a double fault's task switch saved.
    pub(crate) fn before_double_fault(&self) -> TaskStateSegment {
        // SAFETY: only read on the owning processor, in its double-fault task,
        // when nothing else runs on it.
        unsafe { Segments::interrupted(self.segments.get()) }
    }
}

/// Gives `use_locks` the list of locks that this processor holds.
pub(crate) fn with_held_locks<R>(use_locks: impl FnOnce(&mut HeldLocks) -> R) -> R {
    let saved = interrupts::disable();
    // SAFETY: interrupts are off and the list is this processor's own, so this
    // is the only reference while it lives.
    let result = use_locks(unsafe { &mut *current().held_locks.get() });
    interrupts::restore(saved);
    result
}

/// The area of the processor that calls.
pub(crate) fn current() -> &'static PerCpu {
    let area: *const PerCpu;
    // SAFETY: FS:0 is the area's own address (the module's invariant), and
    // areas are never freed.
    unsafe {
        core::arch::asm!(
            "mov {area}, fs:[0]",
            area = out(reg) area,
            options(nostack, preserves_flags, readonly),
        );
        &*area
    }
}

/// What the processor that calls was last given by [`set_thread`]; null at first.
/// One instruction: whoever goes on elsewhere in between gets the right one.
pub(crate) fn thread() -> *mut () {
    let thread: *mut ();
    // SAFETY: FS leads to the area (the module's invariant), and this lies in it.
    unsafe {
        core::arch::asm!(
            "mov {thread}, fs:[{offset}]",
            thread = out(reg) thread,
            offset = const core::mem::offset_of!(PerCpu, thread),
            options(nostack, preserves_flags, readonly),
        );
    }
    thread
}

/// For the processor that calls, with interrupts off.
pub(crate) fn set_thread(thread: *mut ()) {
    current().thread.store(thread, Ordering::Relaxed);
}

/// The number of the processor that calls; 0, the boot processor's, before it
/// has an area. For a panic, which can come at any time.
pub(crate) fn id_or_boot() -> u32 {
    if online() == 0 { 0 } else { current().id() }
}

/// How many processors have installed their area.
pub(crate) fn online() -> usize {
    ONLINE.load(Ordering::Acquire)
}

/// The area of processor `id`, if it has come up.
pub(crate) fn by_id(id: usize) -> Option<&'static PerCpu> {
    let area = REGISTRY.get(id)?.load(Ordering::Acquire);
    // SAFETY: only `install` stores here, addresses of static areas.
    unsafe { area.as_ref() }
}

/// All areas that have come up, in order.
pub(crate) fn all() -> impl Iterator<Item = &'static PerCpu> {
    (0..MAX_CPUS).filter_map(by_id)
}

/// Whether the processor that calls is the only one that still runs, for good.
pub(crate) fn is_alone() -> bool {
    ALONE.load(Ordering::Relaxed)
}

/// Notes that a panic has stopped all other processors. From now on locks open
/// for whoever asks, and calls to other processors reach nobody.
///
/// # Safety
///
/// No other processor runs another instruction of the kernel, and nothing that
/// the caller interrupted or called from will go on: nobody uses what the locks
/// guard any more.
pub(crate) unsafe fn go_on_alone() {
    ALONE.store(true, Ordering::Relaxed);
}

static ALONE: AtomicBool = AtomicBool::new(false);
static REGISTRY: [AtomicPtr<PerCpu>; MAX_CPUS] =
    [const { AtomicPtr::new(core::ptr::null_mut()) }; MAX_CPUS];
static ONLINE: AtomicUsize = AtomicUsize::new(0);
