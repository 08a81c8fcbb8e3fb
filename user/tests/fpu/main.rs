//! Keeps numbers in the x87 and SSE registers while others do the same.
//!
//! Its argument is a number that no other task of its kind has. A new task must
//! find the registers as if nobody had used them before; what it puts there must
//! stay, whether it gives the processor away or has it taken.

#![no_std]
#![no_main]

use user_rt::{Arguments, println, trap};
use user_tests::arch::fpu::{self, Sse, X87};
use user_tests::arch::time_stamp;

/// How often the processor is given away.
const ROUNDS: u32 = 2000;
/// For how many cycles it is not: some turns long on any machine.
const CYCLES: u64 = 1 << 30;

user_rt::program!(main);

fn main(arguments: Arguments) {
    let own = arguments.number(1).expect("a number as argument");
    let sse = fpu::has_sse();
    match of_others(sse) {
        None => println!("fpu {own}: found the registers new"),
        Some(what) => println!("fpu {own}: WRONG: found {what} of others"),
    }
    let given = (0..ROUNDS).find(|round| {
        let away = || {
            trap::swtch();
        };
        !keeps(own.wrapping_mul(ROUNDS).wrapping_add(*round), sse, away)
    });
    match given {
        None => println!("fpu {own}: kept them over {ROUNDS} switches"),
        Some(round) => println!("fpu {own}: WRONG after switch {round}"),
    }
    let taken = || {
        let begin = time_stamp();
        while time_stamp().wrapping_sub(begin) < CYCLES {}
    };
    match keeps(own, sse, taken) {
        true => println!("fpu {own}: kept them while it was busy"),
        false => println!("fpu {own}: WRONG after it was busy"),
    }
    println!("fpu {own}: done");
}

/// Which registers are not as a new task must find them.
fn of_others(sse: bool) -> Option<&'static str> {
    let (control, tags) = fpu::control_and_tags();
    if control != fpu::NEW_CONTROL {
        return Some("the control word");
    }
    if tags != fpu::EMPTY_TAGS {
        return Some("x87 registers");
    }
    if sse && fpu::mxcsr() != fpu::NEW_MXCSR {
        return Some("MXCSR");
    }
    (sse && fpu::read_sse() != Sse::default()).then_some("SSE registers")
}

/// Whether numbers made of `seed` are still there after `meanwhile`.
fn keeps(seed: u32, sse: bool, meanwhile: impl FnOnce()) -> bool {
    /// The bits of the control word that say how to round (Intel SDM 1, 8.1.5).
    const ROUNDING: u32 = 10;
    let x87 = X87 {
        values: core::array::from_fn(|place| (seed as i32).wrapping_mul(8) + place as i32),
        control: fpu::NEW_CONTROL | ((seed % 4) as u16) << ROUNDING,
    };
    let wide: Sse = core::array::from_fn(|place| [seed, !seed, place as u32, seed ^ place as u32]);
    fpu::load_x87(&x87);
    if sse {
        fpu::load_sse(&wide);
    }
    meanwhile();
    let kept_wide = !sse || fpu::read_sse() == wide;
    fpu::take_x87() == x87 && kept_wide
}
