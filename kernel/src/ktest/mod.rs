//! Tests inside the running kernel: `ktest[=FILTER]` on the command line.
//!
//! Each case is a function in `kernel/tests/`, declared by [`case!`], which puts
//! it into a section of its own. A case fails by panicking: the boot ends there,
//! and whoever runs the tests starts another one behind it (`ktest-skip=N`). A
//! case that leaves frames allocated, or heap in use, fails as well.
//!
//! What is printed is what `cargo xtask test` reads; docs/testing.md has it.

mod cases;

use kernel_core::options::{Options, Tests};

use crate::arch::exit::Verdict;
use crate::console::println;
use crate::machine;
use crate::mm::{self, heap, kernel_map};
use crate::sched;
use crate::trace::{self, Kind};

/// A test case.
pub(crate) struct Case {
    /// Module path and function name.
    pub(crate) name: &'static str,
    /// Fails by panicking.
    pub(crate) run: fn(),
}

impl Case {
    /// The name as the outside sees it: `heap::gives_back_what_it_took`.
    fn short_name(&self) -> &'static str {
        self.name
            .strip_prefix(concat!(module_path!(), "::cases::"))
            .unwrap_or(self.name)
    }
}

/// Declares test cases: `case! { fn name() { … } }`.
macro_rules! case {
    ($($(#[$about:meta])* fn $name:ident() $body:block)*) => {
        $(
            $(#[$about])*
            fn $name() $body

            const _: () = {
                #[used]
                #[unsafe(link_section = ".ktests")]
                static CASE: $crate::ktest::Case = $crate::ktest::Case {
                    name: concat!(module_path!(), "::", stringify!($name)),
                    run: $name,
                };
            };
        )*
    };
}
pub(crate) use case;

unsafe extern "C" {
    static ktests_start: u8;
    static ktests_end: u8;
}

fn cases() -> &'static [Case] {
    let start = &raw const ktests_start;
    let bytes = (&raw const ktests_end).addr() - start.addr();
    // SAFETY: the linker script collects the cases, and nothing else, between
    // the two symbols.
    unsafe { core::slice::from_raw_parts(start.cast(), bytes / size_of::<Case>()) }
}

/// Runs or lists the cases that `options` asks for and ends the machine;
/// returns if it asks for none.
pub(crate) fn run_if_asked(options: &Options<'_>) {
    let selected = || {
        cases()
            .iter()
            .filter(|case| case.short_name().contains(options.test_filter))
    };
    match options.tests {
        Tests::Off => {}
        Tests::List => {
            for case in selected() {
                println!("ktest: list {}", case.short_name());
            }
            machine::power_off(Verdict::Success)
        }
        Tests::Run => {
            println!("ktest: plan {}", selected().count());
            let failed = selected()
                .enumerate()
                .skip(options.test_skip as usize)
                .filter(|(number, case)| !passes(*number, case))
                .count();
            machine::power_off(if failed == 0 {
                Verdict::Success
            } else {
                Verdict::Failure
            })
        }
    }
}

/// What a case must leave as it was.
#[derive(PartialEq, Eq)]
struct InUse {
    /// But for those that the heap cuts into blocks: its bytes say more.
    frames: u32,
    heap_bytes: usize,
    mapped_pages: usize,
}

impl InUse {
    fn now() -> InUse {
        let counts = mm::counts();
        InUse {
            frames: counts.total - counts.free - heap::slabs(),
            heap_bytes: heap::used_bytes(),
            mapped_pages: kernel_map::region_usage().0,
        }
    }

    /// Whether no more is in use now, or soon: threads that ended on other
    /// processors are freed there.
    fn is_back(&self) -> bool {
        const PATIENCE_TICKS: u32 = 20;
        (0..PATIENCE_TICKS).any(|_| {
            let is_back = *self == InUse::now();
            if !is_back {
                sched::assert_wait();
                sched::block_for(1);
            }
            is_back
        })
    }
}

/// How often a case may leave more in use than before: tables grow to what was
/// used at a time, which differs where threads race. What leaks does so always.
const ATTEMPTS: u32 = 4;

fn passes(number: usize, case: &Case) -> bool {
    let name = case.short_name();
    trace::record(Kind::Test, number as u32, 0);
    println!("ktest: run {name}");
    let mut attempts = ATTEMPTS;
    let before = loop {
        let before = InUse::now();
        (case.run)();
        if before.is_back() {
            println!("ktest: ok {name}");
            return true;
        }
        attempts -= 1;
        if attempts == 0 {
            break before;
        }
    };
    let after = InUse::now();
    println!(
        "ktest: failed {name}: leaks: frames {} -> {}, heap bytes {} -> {}, mapped pages {} -> {}",
        before.frames,
        after.frames,
        before.heap_bytes,
        after.heap_bytes,
        before.mapped_pages,
        after.mapped_pages
    );
    false
}
