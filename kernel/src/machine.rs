//! What this boot found, as the banner tells it; and how to switch it off.
//!
//! Reads what the layers below know; owns only where ACPI's tables start, for
//! they are read again when the machine is switched off.

use core::fmt;

use boot::loader::{MAX_MODULES, Protocol};
use kernel_core::acpi;
use kernel_core::acpi_power::{FixedHardware, SoftOff};
use kernel_core::addr::PAGE_SIZE;
use kernel_core::cpuid::Identity;
use kernel_core::options::Options;
use kernel_core::topology::{Source, Topology};
use spin::Once;

use crate::arch::exit::{self, Verdict};
use crate::arch::percpu;
use crate::arch::processor::{self, Feature};
use crate::console::{Level, log, print, println};
use crate::hand_off::HandOff;
use crate::irq;
use crate::mm;
use crate::mm::window::PhysicalWindow;

/// The loader's hint, once the machine is known to have ACPI.
static ACPI_ROOT: Once<Option<u64>> = Once::new();

/// What the banner tells.
pub(crate) struct Machine<'a> {
    /// From the boot layer.
    pub(crate) hand_off: &'a HandOff,
    /// From the firmware.
    pub(crate) topology: &'a Topology,
    /// Who brings interrupts.
    pub(crate) interrupts: irq::Mode,
    /// Processors that did not come up.
    pub(crate) missing: usize,
}

/// Reads how the machine is wired, from ACPI or an MP table.
pub(crate) fn discover(hand_off: &HandOff) -> Topology {
    let topology = Topology::discover(&PhysicalWindow::new(), hand_off.rsdp);
    if topology.source == Source::Acpi {
        ACPI_ROOT.call_once(|| hand_off.rsdp);
    }
    topology
}

/// Prints the banner, without its first line, and what is wrong so far.
pub(crate) fn print_banner(machine: &Machine<'_>, options: &Options<'_>) {
    let hand_off = machine.hand_off;
    print_processor();
    println!("in use    {}", InUse(machine.interrupts));
    println!(
        "cpus      {} by {}, interrupts by {}",
        percpu::online(),
        source(machine.topology.source),
        machine.interrupts.name()
    );
    let memory = mm::counts();
    println!(
        "memory    {} KiB free, kernel {} KiB",
        memory.free * (PAGE_SIZE / 1024),
        hand_off.image_bytes.div_ceil(1024)
    );
    println!(
        "loader    {} {}",
        protocol(hand_off.protocol),
        hand_off.loader.loader_name.as_str()
    );
    print_modules(hand_off);
    println!("command   {}", options.line());
    for warning in options.warnings() {
        log(Level::Warning, format_args!("{warning}"));
    }
    warn_of_losses(machine);
}

/// Prints the processor's name and features.
pub(crate) fn print_processor() {
    let identity = Identity::read(processor::cpuid);
    println!(
        "cpu       {} (family {} model {} stepping {})",
        identity.name(),
        identity.family(),
        identity.model(),
        identity.stepping()
    );
    println!("features  {}", identity.features());
}

fn print_modules(hand_off: &HandOff) {
    print!("modules   ");
    if hand_off.modules.is_empty() {
        println!("none");
    }
    for (number, module) in hand_off.modules.iter().enumerate() {
        let indent = if number == 0 { "" } else { "          " };
        let bytes = module.end - module.start;
        println!(
            "{indent}{} ({bytes} bytes at {:#x})",
            module.string.as_str(),
            module.start
        );
    }
}

fn warn_of_losses(machine: &Machine<'_>) {
    let warn = |what: &str, count: u32| {
        if count != 0 {
            log(Level::Warning, format_args!("{count} {what}"));
        }
    };
    let losses = &machine.hand_off.loader.losses;
    let topology = machine.topology;
    warn("entries of the memory map do not fit", losses.regions);
    if losses.modules != 0 {
        log(
            Level::Warning,
            format_args!(
                "{} boot modules make no sense, or are more than the {MAX_MODULES} that are \
                 kept: put several files into one archive, a module with \
                 $(NAME=ramdisk-create)",
                losses.modules
            ),
        );
    }
    warn(
        "memory map cut off by nonsense",
        u32::from(losses.map_damaged),
    );
    warn(
        "firmware table damaged in part",
        u32::from(topology.damaged),
    );
    warn(
        "processors too many",
        u32::from(topology.surplus_processors),
    );
    warn("processors did not start", machine.missing as u32);
}

fn source(source: Source) -> &'static str {
    match source {
        Source::None => "default",
        Source::Acpi => "acpi",
        Source::MpTable => "mp table",
    }
}

fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Multiboot => "multiboot",
        Protocol::Pvh => "pvh",
    }
}

/// The optional features that the kernel turned on.
struct InUse(irq::Mode);

impl fmt::Display for InUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("pse tsc cx8")?;
        if self.0 != irq::Mode::Pic {
            f.write_str(" apic")?;
        }
        if processor::has(Feature::GlobalPages) {
            f.write_str(" pge")?;
        }
        Ok(())
    }
}

/// Ends the machine with `verdict`: through QEMU's exit device, else by ACPI.
pub(crate) fn power_off(verdict: Verdict) -> ! {
    match verdict {
        Verdict::Success => println!("exov6: done ok"),
        Verdict::Failure => println!("exov6: done failed"),
    }
    exit::leave(verdict, soft_off())
}

/// How ACPI switches this machine off. Read only now: it takes the whole DSDT.
fn soft_off() -> Option<SoftOff> {
    let hint = *ACPI_ROOT.get()?;
    let window = PhysicalWindow::new();
    let tables = acpi::Tables::find(&window, hint).ok()?;
    FixedHardware::read(&window, &tables)?.soft_off(&window)
}
