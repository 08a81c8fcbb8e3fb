//! Commands that send messages.

use alloc::vec::Vec;

use user_rt::abi::kern_return::KernReturn;
use user_rt::abi::message::{Bits, HEADER_BYTES, Header, MsgReturn, TypeName};
use user_rt::message::{Buffer, Exchange};

use super::{Outcome, Shell, failed, naming};

/// Words that a message may have behind its header.
const MOST_WORDS: usize = 32;

pub(super) fn send(shell: &mut Shell, words: &[&str]) -> Outcome {
    let [port, words @ ..] = words else {
        return Outcome::Usage;
    };
    let numbers: Option<Vec<u32>> = words.iter().copied().map(number).collect();
    let Some([id, rest @ ..]) = numbers.as_deref() else {
        return Outcome::Usage;
    };
    // It lives until the message is sent.
    let found;
    let name = match number(port) {
        Some(name) => name,
        None => match naming::find(shell, port) {
            Ok(port) => {
                found = port;
                found.0.0
            }
            Err(outcome) => return outcome,
        },
    };
    if rest.len() > MOST_WORDS {
        return Outcome::Failed(alloc::format!("{MOST_WORDS} words at most"));
    }
    let size = HEADER_BYTES + size_of_val(rest);
    let header = Header {
        bits: Bits::new(TypeName::COPY_SEND, TypeName(0)),
        size: size as u32,
        remote_port: name,
        id: *id as i32,
        ..Header::default()
    };
    let mut message = Buffer::<256>::new();
    message.0[..HEADER_BYTES].copy_from_slice(&header.to_bytes());
    for (place, word) in message.0[HEADER_BYTES..].chunks_exact_mut(4).zip(rest) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    let sent = Exchange::send(size).within(1000).run(&mut message.0);
    match sent {
        MsgReturn::SUCCESS => {
            shell.say(format_args!("sent"));
            Outcome::Done
        }
        MsgReturn(code) => failed(KernReturn(code as i32)),
    }
}

/// A word that is a number.
fn number(word: &str) -> Option<u32> {
    match word.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    }
}
