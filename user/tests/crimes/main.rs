//! Commits a crime: its argument is the name of one.
//!
//! The kernel is to end its thread and say why. A crime that has no such effect
//! is told as `not punished`.

#![no_std]
#![no_main]

use user_rt::{Arguments, println};
use user_tests::arch::crime;

user_rt::program!(main);

fn main(arguments: Arguments) {
    let name = arguments.word(1).expect("a name as argument");
    let crime = crime::ALL
        .iter()
        .chain(crime::OF_DOORS)
        .find(|(known, _)| known.as_bytes() == name.to_bytes());
    let (name, commit) = crime.expect("the name of a crime");
    println!("crimes: {name}");
    commit();
    println!("crimes: {name} not punished");
}
