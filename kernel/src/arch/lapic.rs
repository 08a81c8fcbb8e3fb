//! The local APIC: a processor's own interrupts, and those to other processors.
//!
//! Every processor sees its own one at the same address (Intel SDM 3A 10.4).
//! Used by the interrupt layer; the functions that only touch the caller's own
//! APIC need no lock.

use spin::Once;

use super::mmio::Registers;
use super::processor;
use super::trap::{APIC_ERROR_VECTOR, SPURIOUS_VECTOR, TIMER_VECTOR};

/// Register offsets, Intel SDM 3A table 10-1.
mod register {
    pub(super) const ID: u16 = 0x20;
    pub(super) const VERSION: u16 = 0x30;
    pub(super) const TASK_PRIORITY: u16 = 0x80;
    pub(super) const END_OF_INTERRUPT: u16 = 0xb0;
    pub(super) const SPURIOUS: u16 = 0xf0;
    pub(super) const ERROR_STATUS: u16 = 0x280;
    pub(super) const COMMAND_LOW: u16 = 0x300;
    pub(super) const COMMAND_HIGH: u16 = 0x310;
    pub(super) const TIMER: u16 = 0x320;
    pub(super) const LINT0: u16 = 0x350;
    pub(super) const LINT1: u16 = 0x360;
    pub(super) const ERROR: u16 = 0x370;
    pub(super) const TIMER_INITIAL: u16 = 0x380;
    pub(super) const TIMER_CURRENT: u16 = 0x390;
    pub(super) const TIMER_DIVIDE: u16 = 0x3e0;
}

const SOFTWARE_ENABLE: u32 = 1 << 8;
const MASKED: u32 = 1 << 16;
const DELIVERY_NMI: u32 = 0b100 << 8;
const DELIVERY_INIT: u32 = 0b101 << 8;
const DELIVERY_START_UP: u32 = 0b110 << 8;
const DELIVERY_EXT_INT: u32 = 0b111 << 8;
const DELIVERY_PENDING: u32 = 1 << 12;
const LEVEL_ASSERT: u32 = 1 << 14;
const TRIGGER_LEVEL: u32 = 1 << 15;
const TO_ALL_BUT_SELF: u32 = 0b11 << 18;
const TIMER_PERIODIC: u32 = 1 << 17;
const DIVIDE_BY_16: u32 = 0b0011;
/// Versions below this are the 82489DX, a chip of its own with other rules.
const FIRST_INTEGRATED: u32 = 0x10;
/// IA32_APIC_BASE and its global enable bit (Intel SDM 3A 10.4.4).
const APIC_BASE_MSR: u32 = 0x1b;
const GLOBAL_ENABLE: u64 = 1 << 11;

/// The highest task priority: nothing gets through. To see whether it stays.
const HIGHEST_PRIORITY: u32 = 0xf0;
/// What reads where no device answers.
const ABSENT: u32 = u32::MAX;

static REGISTERS: Once<Registers> = Once::new();

/// Takes the registers over if an APIC answers there; nothing else here works
/// before. Returns whether one does: firmware may describe what is not there.
pub(crate) fn probe(registers: Registers) -> bool {
    let version = registers.read(register::VERSION);
    if version == ABSENT || version == 0 {
        return false;
    }
    registers.write(register::TASK_PRIORITY, HIGHEST_PRIORITY);
    let holds = registers.read(register::TASK_PRIORITY) == HIGHEST_PRIORITY;
    registers.write(register::TASK_PRIORITY, 0);
    if holds {
        REGISTERS.call_once(|| registers);
    }
    holds
}

/// Whether the kernel uses local APICs.
pub(crate) fn is_in_use() -> bool {
    REGISTERS.get().is_some()
}

fn registers() -> Option<Registers> {
    REGISTERS.get().copied()
}

fn write(offset: u16, value: u32) {
    if let Some(registers) = registers() {
        // Early Pentiums lose one of two writes without a read in between
        // (Pentium specification update, erratum 11AP).
        let _ = registers.read(register::ID);
        registers.write(offset, value);
    }
}

fn read(offset: u16) -> u32 {
    registers().map_or(0, |registers| registers.read(offset))
}

/// What is on the two local inputs of the processor being set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LegacyInput {
    /// The PIC's interrupts come through LINT0: the boot processor without an
    /// I/O APIC. NMI comes through LINT1.
    Pic,
    /// NMI comes through the input of this number, 0 or 1: the boot processor
    /// beside an I/O APIC.
    Nmi(u8),
    /// Nothing comes that way.
    Nothing,
}

/// Turns on the APIC of the processor that calls.
pub(crate) fn enable(legacy: LegacyInput) {
    write(register::TASK_PRIORITY, 0);
    write(register::SPURIOUS, SOFTWARE_ENABLE | SPURIOUS_VECTOR);
    let (lint0, lint1) = match legacy {
        LegacyInput::Pic => (DELIVERY_EXT_INT, DELIVERY_NMI),
        LegacyInput::Nmi(0) => (DELIVERY_NMI, MASKED),
        LegacyInput::Nmi(_) => (MASKED, DELIVERY_NMI),
        LegacyInput::Nothing => (MASKED, MASKED),
    };
    write(register::LINT0, lint0);
    write(register::LINT1, lint1);
    write(register::ERROR, APIC_ERROR_VECTOR);
    write(register::TIMER, MASKED);
    // The error register shows what it gathered before the first write.
    write(register::ERROR_STATUS, 0);
    end_of_interrupt();
}

/// Whether the firmware left the APIC switched on in the MSR, where there is
/// one; a Pentium's cannot be switched off.
pub(crate) fn is_globally_enabled() -> bool {
    let identity = processor::cpuid(1);
    let family = identity.eax >> 8 & 0xf;
    if family < 6 || !processor::has(processor::Feature::Msr) {
        return true;
    }
    // SAFETY: family 6 has IA32_APIC_BASE wherever it has an APIC.
    unsafe { processor::read_msr(APIC_BASE_MSR) & GLOBAL_ENABLE != 0 }
}

/// The number of the calling processor's APIC.
pub(crate) fn id() -> u32 {
    read(register::ID) >> 24
}

/// Errors since the last call; bits as in Intel SDM 3A 10.5.3.
pub(crate) fn take_errors() -> u32 {
    write(register::ERROR_STATUS, 0);
    read(register::ERROR_STATUS)
}

/// Says that the interrupt being handled is done.
pub(crate) fn end_of_interrupt() {
    write(register::END_OF_INTERRUPT, 0);
}

/// Sends `vector` to the processor with this APIC number.
pub(crate) fn send(apic_id: u32, vector: u32) {
    command(apic_id, vector | LEVEL_ASSERT);
}

/// Sends a non-maskable interrupt to every other processor. For a panic, which
/// may come in the middle of another command: that one is let out first.
pub(crate) fn send_nmi_to_others() {
    wait_until_sent();
    write(
        register::COMMAND_LOW,
        TO_ALL_BUT_SELF | DELIVERY_NMI | LEVEL_ASSERT,
    );
}

/// Resets a processor, so that it waits for a start-up message.
pub(crate) fn send_init(apic_id: u32) {
    command(apic_id, DELIVERY_INIT | TRIGGER_LEVEL | LEVEL_ASSERT);
    // Old processors want the level taken back (MP specification B.4).
    command(apic_id, DELIVERY_INIT | TRIGGER_LEVEL);
}

/// Whether the APIC is part of the processor: only such understand start-up
/// messages (MP specification B.4).
pub(crate) fn is_integrated() -> bool {
    read(register::VERSION) & 0xff >= FIRST_INTEGRATED
}

/// Starts a processor that waits, in real mode at `page << 12`.
pub(crate) fn send_start_up(apic_id: u32, page: u8) {
    command(apic_id, DELIVERY_START_UP | LEVEL_ASSERT | u32::from(page));
}

fn command(apic_id: u32, low: u32) {
    // Interrupts off: an interrupt's own command must not come in between.
    let saved = super::interrupts::disable();
    wait_until_sent();
    write(register::COMMAND_HIGH, apic_id << 24);
    write(register::COMMAND_LOW, low);
    wait_until_sent();
    super::interrupts::restore(saved);
}

fn wait_until_sent() {
    // The bus accepts a command within microseconds; a count bounds the wait
    // should an APIC be broken.
    const PATIENCE: u32 = 1_000_000;
    for _ in 0..PATIENCE {
        if read(register::COMMAND_LOW) & DELIVERY_PENDING == 0 {
            return;
        }
        processor::relax();
    }
}

/// Lets the timer interrupt every `ticks` of its clock divided by 16.
pub(crate) fn start_timer(ticks: u32) {
    write(register::TIMER_DIVIDE, DIVIDE_BY_16);
    write(register::TIMER, TIMER_PERIODIC | TIMER_VECTOR);
    write(register::TIMER_INITIAL, ticks);
}

/// The timer interrupts no more.
pub(crate) fn stop_timer() {
    write(register::TIMER, MASKED);
    write(register::TIMER_INITIAL, 0);
}

/// Lets the timer count down from the top without interrupting, so that its
/// clock can be measured by [`timer_count`].
pub(crate) fn free_run_timer() {
    write(register::TIMER_DIVIDE, DIVIDE_BY_16);
    write(register::TIMER, MASKED);
    write(register::TIMER_INITIAL, u32::MAX);
}

/// What the timer has left to count.
pub(crate) fn timer_count() -> u32 {
    read(register::TIMER_CURRENT)
}
