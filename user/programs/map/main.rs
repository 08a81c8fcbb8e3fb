//! Maps a memory object, reads its pages, and writes to them.
//!
//! `map NAME [PAGES]`: the object that `pager` has registered under NAME. Says what
//! word each page begins with, and adds one to it: who maps the object later finds
//! that.

#![no_std]
#![no_main]

use user_programs::names;
use user_rt::abi::layout::vm::PAGE_SIZE;
use user_rt::memory::Mapped;
use user_rt::trap::Result;
use user_rt::{Arguments, println};

user_rt::program!(main);

/// Pages, if nobody says otherwise, and at most.
const USUAL: u32 = 4;
const MOST: u32 = 1024;

fn main(arguments: Arguments) {
    let Some(name) = arguments.word(1) else {
        return println!("map: usage: map NAME [PAGES]");
    };
    let pages = arguments.number(2).unwrap_or(USUAL).clamp(1, MOST);
    if let Err(code) = map(name.to_bytes(), pages) {
        println!("map: {}", code.name().unwrap_or("a message failed"));
    }
}

fn map(name: &[u8], pages: u32) -> Result {
    let object = names::look_up_soon(names::server()?, name)?;
    let mut mapped = Mapped::new(object, pages * PAGE_SIZE)?;
    for page in 0..pages {
        let at = page * PAGE_SIZE;
        let word = mapped.word(at)?;
        println!("map: page {page} begins with {word}");
        mapped.set_word(at, word.wrapping_add(1))?;
    }
    Ok(())
}
