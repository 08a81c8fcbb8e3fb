//! The symbol table that the build put behind the image.

use core::sync::atomic::{AtomicU32, Ordering};

use kernel_core::addr::VirtAddr;

use crate::arch::percpu;
use crate::arch::registers::Registers;
use crate::ipi::call;
use crate::ktest::case;
use crate::mm::heap;
use crate::panic::backtrace;
use crate::symbols::{self, Named};

/// On how many processors the loop was found.
static FOUND: AtomicU32 = AtomicU32::new(0);

/// Where other processors wait. No letter of it is its first one again, so a
/// search may begin anew wherever it fails.
const IDLE_LOOP: &[u8] = b"sched::idle";

/// Looks for [`IDLE_LOOP`] in what goes by, for it comes in pieces.
struct Search {
    matched: usize,
}

impl core::fmt::Write for Search {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        for &byte in text.as_bytes() {
            match IDLE_LOOP.get(self.matched) {
                Some(&next) if next == byte => self.matched += 1,
                Some(_) => self.matched = usize::from(byte == IDLE_LOOP[0]),
                None => {}
            }
        }
        Ok(())
    }
}

fn look_for_the_idle_loop(_: u32, _: u32) {
    let here = Registers::here();
    let mut search = Search { matched: 0 };
    let written = backtrace::write(&mut search, here.eip, here.ebp);
    let found = written.is_ok() && search.matched == IDLE_LOOP.len();
    FOUND.fetch_add(u32::from(found), Ordering::Relaxed);
}

/// Text gathered on the heap.
struct Text(alloc::string::String);

impl core::fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.0
            .try_reserve(text.len())
            .map_err(|_| core::fmt::Error)?;
        self.0.push_str(text);
        Ok(())
    }
}

case! {
    fn names_functions_both_ways() {
        let address = symbols::address_of("kernel::monitor::run").expect("the table has it");
        let mut text = Text(alloc::string::String::new());
        core::fmt::write(&mut text, format_args!("{}", Named(VirtAddr::new(address + 1))))
            .expect("there is memory");
        assert_eq!(text.0, "kernel::monitor::run+0x1");
        assert!(heap::used_bytes() > 0);
    }

    /// A backtrace in an interrupt goes on through what was interrupted.
    fn names_what_an_interrupt_interrupted() {
        call::on_others(look_for_the_idle_loop, 0, 0);
        assert_eq!(FOUND.swap(0, Ordering::Relaxed) as usize, percpu::online() - 1);
    }

    fn names_the_calls_of_a_backtrace() {
        let here = Registers::here();
        let mut text = Text(alloc::string::String::new());
        backtrace::write(&mut text, here.eip, here.ebp).expect("there is memory");
        for name in ["names_the_calls_of_a_backtrace", "kernel::ktest::", "kernel_thread_begins"] {
            assert!(text.0.contains(name), "no {name} in:\n{}", text.0);
        }
    }
}
