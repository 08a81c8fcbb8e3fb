//! The story of a boot, from `boot`'s hand to the monitor's prompt.
//!
//! Each step needs the ones before it; the comments say what for.

#[cfg(not(feature = "ktest"))]
use kernel_core::options::Tests;
use kernel_core::options::{AfterPanic, Options};
use spin::Once;

use boot::loader::Module;

use crate::arch::exit::{self, Verdict};
use crate::arch::percpu::PerCpu;
use crate::arch::segments::DoubleFault;
use crate::arch::trap::{self, Frame, Handlers, exception};
use crate::arch::{fpu, interrupts, lapic, tsc};
use crate::console::{self, Level, log, println};
use crate::device::ramdisk;
use crate::hand_off::HandOff;
use crate::machine::{self, Machine};
use crate::mm::{self, kernel_map, stack};
use crate::panic::{self, Aftermath};
use crate::sched::{self, Thread};
use crate::server::{self, End};
use crate::trace::{self, Kind};
use crate::{irq, monitor, pager, smp, symbols, syscall, task, time};

static BOOT_CPU: PerCpu = PerCpu::new(0, 0);
static BOOT_DOUBLE_FAULT_STACK: stack::StaticStack = stack::StaticStack::new();

/// Steps of the boot that are done, as the trace has them.
#[derive(Clone, Copy)]
enum Step {
    Memory = 1,
    Controllers,
    Interrupts,
    Ready,
}

static HANDLERS: Handlers = Handlers {
    exception: on_exception,
    user_exception: task::on_exception,
    interrupt: irq::dispatch,
    system_call: syscall::on_system_call,
    before_user: |_| task::before_user(),
    thread_begins: task::thread_begins,
    double_fault: panic::on_double_fault,
};

/// For `boot`, which must not hand out the kernel's own memory.
#[unsafe(no_mangle)]
extern "Rust" fn kernel_image_end() -> u32 {
    symbols::image_end()
}

/// What the command line asks for; read once, before there is a console.
static OPTIONS: Once<Options<'static>> = Once::new();
/// The boot modules, for the first thread.
static MODULES: Once<&'static [Module]> = Once::new();

/// Where `boot` comes by as soon as it knows the command line, before it looks
/// at the memory map: a console that is up early can tell what goes wrong.
#[unsafe(no_mangle)]
extern "Rust" fn kernel_first_word(command_line: &'static str) {
    // A processor's own area comes first: locks and panics use it.
    init_boot_processor();
    let options = OPTIONS.call_once(|| Options::parse(command_line));
    panic::set_aftermath(aftermath(options.after_panic), monitor::run_after_panic);
    #[cfg(feature = "ktest")]
    crate::misdeed::before_console(options);
    console::init(options.console);
    console::set_level(options.log_level.number());
    println!("ExoV6 {} i386 Mach microkernel", env!("CARGO_PKG_VERSION"));
}

/// Where `boot` hands over: paging on, on the boot stack, interrupts off.
#[unsafe(no_mangle)]
extern "Rust" fn kernel_main(boot: boot::hand_off::HandOff<'static>) -> ! {
    // Traps, so that a fault is told from here on.
    trap::init(&HANDLERS);
    fpu::init();
    let hand_off = HandOff::take(boot);
    let options = options();
    mm::init(hand_off.usable());
    trace::record(Kind::Boot, Step::Memory as u32, 0);

    // How the interrupts are wired, then the interrupts; they bring the tick
    // and what is typed.
    let mut topology = machine::discover(&hand_off);
    let interrupts = irq::init(&topology);
    if lapic::is_in_use() {
        topology.boot_processor_is(lapic::id() as u8);
    }
    trace::record(Kind::Boot, Step::Controllers as u32, 0);
    for not_wired in [
        time::init(sched::on_tick, sched::on_local_tick),
        console::enable_input(monitor::on_typed),
    ]
    .into_iter()
    .filter_map(Result::err)
    {
        log(Level::Warning, format_args!("{not_wired}"));
    }
    // SAFETY: the table is loaded, and `irq` leaves masked what has no handler.
    unsafe { interrupts::enable() };

    trace::record(Kind::Boot, Step::Interrupts as u32, 0);
    let missing = smp::start(&topology);

    let machine = Machine {
        hand_off: &hand_off,
        topology: &topology,
        interrupts,
        missing,
    };
    machine::print_banner(&machine, options);
    println!(
        "exov6: ready in {} instructions",
        tsc::now() - hand_off.entry_tsc
    );
    trace::record(Kind::Boot, Step::Ready as u32, 0);
    MODULES.call_once(|| hand_off.modules);
    server::END.call_once(|| end);
    let first = Thread::for_kernel(go_on).expect("there is memory for one thread");
    sched::start(&first);
    drop(first);
    sched::idle(|| ())
}

/// The first thread: what this boot is for.
#[cfg(feature = "ktest")]
fn go_on() -> ! {
    let options = options();
    start_pager();
    crate::misdeed::commit(options);
    crate::ktest::run_if_asked(options);
    run_modules(options);
    monitor::run()
}

/// The first thread: what this boot is for.
#[cfg(not(feature = "ktest"))]
fn go_on() -> ! {
    let options = options();
    if options.tests != Tests::Off || options.misdeed.is_some() {
        println!(
            "warning: this kernel has no tests in it; `cargo xtask test --ring ktest` runs one that has"
        );
    }
    start_pager();
    run_modules(options);
    monitor::run()
}

fn start_pager() {
    pager::start().expect("there is memory for a second thread");
}

fn run_modules(options: &Options<'_>) {
    if let Some(modules) = MODULES.get().filter(|modules| !modules.is_empty()) {
        let line = options.line();
        task::load::run_script(modules, line, monitor::wait_for_key, ramdisk::add_module);
    }
}

fn options() -> &'static Options<'static> {
    OPTIONS.get().expect("the first word came before")
}

fn init_boot_processor() {
    // SAFETY: the first thing on the boot processor; area and stack are static.
    unsafe {
        BOOT_CPU.install(DoubleFault {
            stack_top: BOOT_DOUBLE_FAULT_STACK.top(),
            handler: trap::double_fault_address(),
            page_directory: kernel_map::directory_address().as_u32(),
        });
    }
    BOOT_CPU.publish();
}

fn on_exception(frame: &mut Frame) {
    if frame.vector == exception::NMI {
        panic::on_nmi(frame);
    } else if !task::mends_fault(frame) {
        panic::on_exception(frame);
    }
}

fn end(how: End) -> ! {
    match how {
        End::Reboot => exit::reset(),
        End::PowerOff => machine::power_off(Verdict::Success),
    }
}

fn aftermath(option: AfterPanic) -> Aftermath {
    match option {
        AfterPanic::Exit => Aftermath::Exit,
        AfterPanic::Halt => Aftermath::Halt,
        AfterPanic::Monitor => Aftermath::Monitor,
    }
}
