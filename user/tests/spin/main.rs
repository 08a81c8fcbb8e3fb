//! Is busy for a while without ever giving the processor away.
//!
//! Its argument is a name. It prints a line from time to time; two of them on
//! one processor show whether both get their turns.

#![no_std]
#![no_main]

use user_rt::{Arguments, println};
use user_tests::arch::time_stamp;

/// Lines that it prints.
const LINES: u32 = 10;
/// Cycles between two: a turn or so.
const CYCLES: u64 = 1 << 28;

user_rt::program!(main);

fn main(arguments: Arguments) {
    let name = arguments.word(1).expect("a name as argument");
    let name = name.to_str().expect("a name of letters");
    for line in 1..=LINES {
        let begin = time_stamp();
        while time_stamp().wrapping_sub(begin) < CYCLES {}
        println!("spin {name}: {line}");
    }
    println!("spin {name}: done");
}
