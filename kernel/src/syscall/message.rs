//! `mach_msg`, the trap.
//!
//! Owns the order of its halves: what can be done at once is, by the short way of a
//! message; the rest goes the long way.

use core::mem::MaybeUninit;

use abi::message::{MsgReturn, Options};

use super::{Arguments, NULL};
use crate::arch::user_memory::{BadAddress, Words};
use crate::ipc::{Asked, Direct, MsgArguments, Patience, Receive, Send, Sent};
use crate::mm::OutOfMemory;
use crate::server::{self, Room};
use crate::task::UserThread;

/// `mach_msg`: sends, receives, or both.
#[inline(never)]
pub(super) fn message(user: &UserThread, arguments: &Arguments) -> Result<MsgReturn, BadAddress> {
    let mut place = MaybeUninit::uninit();
    let words = MsgArguments::read(&mut place, arguments.first()?)?;
    let mut direct = user.task.names().send_directly(&user.waiter, words);
    if let Direct::ToKernel = direct {
        direct = ask(user, words);
    }
    if !matches!(direct, Direct::NotSent) {
        user.task.events.sent_message();
    }
    match direct {
        Direct::Received(code) => {
            user.task.events.received_message();
            Ok(code)
        }
        direct => long_message(user, arguments, words, direct),
    }
}

/// Has the kernel do what it is asked for, by the words that the waiter has.
#[inline(never)]
fn ask(user: &UserThread, arguments: MsgArguments<'_>) -> Direct {
    let names = user.task.names();
    let mut room = Room::Short(Words::new());
    let served = user.waiter.with_words(|words| {
        let asked = Asked::new(names, words, arguments)?;
        Some(server::serve_at_once(asked, words, &mut room))
    });
    let Some(served) = served.flatten() else {
        return Direct::NotSent;
    };
    let code = match (served, &mut room) {
        (Ok(Some(asked)), Room::Short(answer)) => asked.answer(names, answer, arguments),
        (Ok(_), _) => None,
        // Nor is it to be waited for.
        (Err(OutOfMemory), _) => Some(MsgReturn::SEND_NO_BUFFER),
    };
    code.map_or(Direct::Sent, Direct::Received)
}

/// What is left to do when a message went as far as `direct` says.
#[inline(never)]
fn long_message(
    user: &UserThread,
    arguments: &Arguments,
    words: MsgArguments<'_>,
    direct: Direct,
) -> Result<MsgReturn, BadAddress> {
    let (options, time) = (words.options(), words.timeout());
    let patience = |limited| match options.has(limited) {
        true => Patience::Milliseconds(time),
        false => Patience::Endless,
    };
    /// Any of them makes the last argument count.
    const NOTIFYING: u32 = Options::SEND_NOTIFY.0 | Options::SEND_CANCEL.0 | Options::RCV_NOTIFY.0;
    let notify = match options.0 & NOTIFYING {
        0 => NULL,
        _ => arguments.word(6)?,
    };
    let notified = |asked| options.has(asked).then_some(notify);
    let (names, memory) = (user.task.names(), user.task.space());
    if options.has(Options::SEND_MSG) && matches!(direct, Direct::NotSent) {
        let send = Send {
            address: words.address(),
            size: words.send_size(),
            patience: patience(Options::SEND_TIMEOUT),
            accepted: notified(Options::SEND_NOTIFY),
            cancel: notified(Options::SEND_CANCEL),
        };
        match names.send(memory, &user.waiter, send) {
            Sent::Over(MsgReturn::SUCCESS) => {}
            Sent::Over(code) => return Ok(code),
            Sent::Request(request) => {
                // A reply that does not come is not to be waited for.
                if server::serve(request).is_err() {
                    return Ok(MsgReturn::SEND_NO_BUFFER);
                }
            }
        }
        user.task.events.sent_message();
    }
    if !options.has(Options::RCV_MSG) {
        return Ok(MsgReturn::SUCCESS);
    }
    let receive = Receive {
        address: words.address(),
        size: words.receive_size(),
        name: words.receive_name(),
        patience: patience(Options::RCV_TIMEOUT),
        keeps_large: options.has(Options::RCV_LARGE),
        dead_name: notified(Options::RCV_NOTIFY),
    };
    let woken = match direct {
        Direct::Woken(why) => Some(why),
        _ => None,
    };
    let code = names.receive(memory, &user.waiter, receive, woken);
    if code == MsgReturn::SUCCESS {
        user.task.events.received_message();
    }
    Ok(code)
}
