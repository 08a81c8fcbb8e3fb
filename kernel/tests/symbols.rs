//! The symbol table that the build put behind the image.

use kernel_core::addr::VirtAddr;

use crate::arch::registers::Registers;
use crate::ktest::case;
use crate::mm::heap;
use crate::panic::backtrace;
use crate::symbols::{self, Named};

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

    fn names_the_calls_of_a_backtrace() {
        let here = Registers::here();
        let mut text = Text(alloc::string::String::new());
        backtrace::write(&mut text, here.eip, here.ebp).expect("there is memory");
        for name in ["names_the_calls_of_a_backtrace", "kernel::ktest::", "kernel_main"] {
            assert!(text.0.contains(name), "no {name} in:\n{}", text.0);
        }
    }
}
