//! The story of a boot, from `boot`'s hand to the monitor's prompt.
//!
//! Each step needs the ones before it; the comments say what for.

use kernel_core::options::{self, Options};
use kernel_core::topology::Topology;

use crate::arch::percpu::{self, PerCpu};
use crate::arch::segments::DoubleFault;
use crate::arch::trap::{self, Frame, Handlers};
use crate::arch::{exit, interrupts, lapic, tsc};
use crate::console::{self, Level, println};
use crate::hand_off::{self, HandOff};
use crate::machine::{self, Machine};
use crate::mm::{self, kernel_map, window::PhysicalWindow};
use crate::panic::{self, Aftermath};
use crate::{irq, monitor, smp, time};

static BOOT_CPU: PerCpu = PerCpu::new(0, 0);

static HANDLERS: Handlers = Handlers {
    exception: on_exception,
    interrupt: irq::dispatch,
    double_fault: panic::on_double_fault,
};

/// Where `boot` enters: paging on, on the boot stack, interrupts off.
#[unsafe(no_mangle)]
extern "Rust" fn kernel_main(boot: boot::hand_off::HandOff<'static>) -> ! {
    // A processor's own area comes first: locks and panics use it. Then traps,
    // so that whatever goes wrong from here on is told.
    init_boot_processor();
    trap::init(&HANDLERS);

    let hand_off = HandOff::take(boot);
    let options = Options::parse(hand_off.command_line);
    console::init(options.console);
    console::set_level(options.log_level.number());
    panic::set_aftermath(aftermath(options.after_panic), monitor::run_after_panic);
    println!("ExoV6 {} i386 Mach microkernel", env!("CARGO_PKG_VERSION"));

    mm::init(hand_off.usable());

    // Interrupts need to know how they are wired; processors, too.
    let mut topology = discover(&hand_off);
    let interrupts = irq::init(&topology).expect("device registers fit into an empty map");
    if lapic::is_in_use() {
        topology.boot_processor_is(lapic::id() as u8);
    }
    time::init();
    console::enable_input();
    // SAFETY: the table is loaded, and `irq` leaves masked what has no handler.
    unsafe { interrupts::enable() };
    let missing = smp::start(&topology);

    let machine = Machine { hand_off: &hand_off, topology: &topology, interrupts, missing };
    machine::print_banner(&machine, &options);
    println!("exov6: ready in {} instructions", tsc::now() - hand_off.entry_tsc);
    go_on(&options)
}
