//! Every routine's messages, there and back, and with bytes gone wrong.
//!
//! Messages are made from the rows' shapes, not by the encoder, so that what is
//! read and written is compared with a third party.

use abi::layout::Plain;
use abi::message::{Bits, Descriptor, Header, TypeName};
use abi::routine::{self, *};
use abi::wire::{Field, Form, Placement, Shape};
use proptest::prelude::*;

/// Reads a message and writes what was read; nothing if either is refused.
type Again = fn(&[u8]) -> Option<Vec<u8>>;

struct Row {
    routine: &'static Routine,
    request: Again,
    reply: Option<Again>,
}

fn request_again<'a, B: RequestBody<'a>>(message: &'a [u8]) -> Option<Vec<u8>> {
    let body: B = decode_request(message).ok()?;
    let header = Header::read(message)?;
    let (target, reply_port) = (header.remote_port, header.local_port);
    let mut written = vec![0xee; 1 << 14];
    let size = encode_request(&body, target, reply_port, Form::Received, &mut written);
    written.truncate(size.ok()?);
    Some(written)
}

fn reply_again<'a, B: ReplyBody<'a>>(message: &'a [u8]) -> Option<Vec<u8>> {
    let body: B = decode_reply(message).ok()?;
    let mut request = Header::read(message)?;
    request.id -= REPLY_OFFSET;
    let mut written = vec![0xee; 1 << 14];
    let size = encode_reply(&body, &request, Form::Received, &mut written);
    written.truncate(size.ok()?);
    Some(written)
}

macro_rules! rows {
    (subsystem $subsystem:ident $base:literal;
     $($id:literal $routine:ident $target:ident: $sent:ident
        $(<$request_life:lifetime>)? ($($request:tt)*)
        $(-> $(<$reply_life:lifetime>)? ($($reply:tt)*))?;)*) => {
        vec![$(Row {
            routine: &routine::$subsystem::$routine::ROUTINE,
            request: |message| request_again::<routine::$subsystem::$routine::Request>(message),
            reply: rows!(@reply $subsystem $routine $(($($reply)*))?),
        },)*]
    };
    (@reply $subsystem:ident $routine:ident) => {
        None
    };
    (@reply $subsystem:ident $routine:ident ($($reply:tt)*)) => {
        Some(|message| reply_again::<routine::$subsystem::$routine::Reply>(message))
    };
}

/// All routines, in the order of their table.
fn all() -> Vec<Row> {
    let mut all = Vec::new();
    all.extend(abi::mach_port_routines!(rows));
    all.extend(abi::mach_routines!(rows));
    all.extend(abi::mach_host_routines!(rows));
    all.extend(abi::mach4_routines!(rows));
    all.extend(abi::gnumach_routines!(rows));
    all.extend(abi::memory_object_routines!(rows));
    all.extend(abi::memory_object_default_routines!(rows));
    all.extend(abi::device_routines!(rows));
    all.extend(abi::device_reply_routines!(rows));
    all.extend(abi::mach_i386_routines!(rows));
    all.extend(abi::mach_debug_routines!(rows));
    all.extend(abi::notify_routines!(rows));
    all.extend(abi::exc_routines!(rows));
    all.extend(abi::task_notify_routines!(rows));
    all.extend(abi::experimental_routines!(rows));
    all
}

/// Numbers that look random, the same for the same seed (Marsaglia's xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::from_le_bytes(*self.0.to_le_bytes().first_chunk().expect("8 bytes"))
    }

    /// Below `end`, which is not 0.
    fn below(&mut self, end: u32) -> u32 {
        self.roll() % end
    }
}

/// What the receiver sees of an argument whose type is left open.
fn taken(shape: &Shape, dice: &mut Dice) -> u8 {
    match (TypeName(shape.sent), TypeName(shape.taken)) {
        (TypeName::POLYMORPHIC, TypeName::POLYMORPHIC) => 16 + dice.below(3) as u8,
        (sent, TypeName::POLYMORPHIC) => sent.received().0,
        (_, taken) => taken.0,
    }
}

/// Appends a valid argument of this shape; says whether it makes the message
/// complex.
fn put(shape: &Shape, dice: &mut Dice, message: &mut Vec<u8>) -> bool {
    let is_inline = match shape.placement {
        Placement::Fixed | Placement::UpTo => true,
        Placement::Flexible => dice.below(2) == 0,
        Placement::OutOfLine => false,
    };
    let is_text = shape.taken == TypeName::STRING.0;
    let elements = shape.number / shape.per_element;
    let number = match shape.placement {
        Placement::Fixed => shape.number,
        // A string has at least its zero.
        Placement::UpTo if is_text => 1 + dice.below(shape.number),
        Placement::UpTo | Placement::Flexible if is_inline => {
            dice.below(elements + 1) * shape.per_element
        }
        _ => dice.below(5000) * shape.per_element,
    };
    let what = Descriptor {
        name: taken(shape, dice).into(),
        size_bits: shape.size_bits,
        number,
        is_inline,
        is_long: shape.is_long,
        deallocate: shape.deallocate && !is_inline,
    };
    let (bytes, length) = what.to_bytes().expect("it fits the form");
    message.extend(&bytes[..length]);
    let size = match is_inline {
        true => (number * u32::from(shape.size_bits) / 8) as usize,
        false => 4,
    };
    let start = message.len();
    for at in 0..size.next_multiple_of(4) {
        message.push(match () {
            () if at >= size => 0,
            () if is_text && at + 1 < size => b'a' + (at % 26) as u8,
            () if is_text => 0,
            // Truth values are 0 or 1.
            () if what.name == u16::from(TypeName::BOOLEAN.0) && is_inline => {
                u8::from(at % 4 == 0) & dice.roll() as u8
            }
            () => dice.roll() as u8,
        });
    }
    // A fixed string may be short, with nothing behind its zero.
    if is_text && shape.placement == Placement::Fixed {
        let text = dice.below(size as u32) as usize;
        message[start + text..].fill(0);
    }
    what.carries_rights() || !is_inline
}

fn message(mut header: Header, head: &[u8], fields: &[Field], dice: &mut Dice) -> Vec<u8> {
    let mut message = [&header.to_bytes()[..], head].concat();
    let mut complex = false;
    for field in fields {
        complex |= put(&field.shape, dice, &mut message);
    }
    header.size = message.len() as u32;
    if complex {
        header.bits = header.bits.complex();
    }
    message[..24].copy_from_slice(&header.to_bytes());
    message
}

fn request(routine: &Routine, dice: &mut Dice) -> Vec<u8> {
    let target = match routine.target_sent {
        TypeName::POLYMORPHIC => TypeName::MOVE_SEND_ONCE,
        sent => sent.received(),
    };
    let local = match routine.reply {
        Some(_) => TypeName::MOVE_SEND_ONCE,
        None => TypeName(0),
    };
    let header = Header {
        bits: Bits::new(target, local),
        remote_port: dice.roll(),
        local_port: dice.roll(),
        id: routine.id,
        ..Header::default()
    };
    message(header, &[], routine.request, dice)
}

fn reply(routine: &Routine, fields: &[Field], dice: &mut Dice) -> Vec<u8> {
    let header = Header {
        bits: Bits::new(TypeName::MOVE_SEND_ONCE, TypeName(0)),
        remote_port: dice.roll(),
        id: routine.id + REPLY_OFFSET,
        ..Header::default()
    };
    // KERN_SUCCESS as the return code: one 32-bit integer.
    let mut head = [0; 8];
    0x1001_2002_u32.write(&mut head);
    message(header, &head, fields, dice)
}

/// A string or an array may be as long as its definition says, not longer.
#[test]
fn what_is_longer_than_its_definition_is_refused() {
    for (row, length) in [
        (&gnumach::task_set_name::ROUTINE, 64),
        (&device::device_set_status::ROUTINE, 1024),
    ] {
        let again = all().into_iter().find(|one| one.routine.id == row.id);
        let again = again.expect("in the table").request;
        let mut sent = request(row, &mut Dice(1));
        let last = row.request.last().expect("an argument").shape;
        let before = row.request_bytes().0 - 4;
        for (number, is_taken) in [(length, true), (length + 1, false)] {
            sent.truncate(before);
            let what = Descriptor {
                name: last.taken.into(),
                size_bits: last.size_bits,
                number,
                is_inline: true,
                is_long: false,
                deallocate: false,
            };
            sent.extend(&what.to_bytes().expect("short").0[..4]);
            let size = number as usize * usize::from(last.size_bits) / 8;
            sent.resize(before + 4 + size.next_multiple_of(4), 0);
            (sent.len() as u32).write(&mut sent[4..8]);
            assert_eq!(again(&sent).is_some(), is_taken, "{} {number}", row.name);
        }
    }
}

#[test]
fn every_routine_has_a_row() {
    let listed: Vec<i32> = all().iter().map(|row| row.routine.id).collect();
    let routines = SUBSYSTEMS.iter().flat_map(|subsystem| subsystem.routines);
    let known: Vec<i32> = routines.map(|routine| routine.id).collect();
    assert_eq!(listed, known);
    assert_eq!(listed.len(), 189);
    let replies = all().iter().filter(|row| row.reply.is_some()).count();
    assert_eq!(
        replies,
        all()
            .iter()
            .filter(|row| row.routine.reply.is_some())
            .count()
    );
}

/// Some bytes are wrong, some are missing, some are too many.
fn spoil(message: &mut Vec<u8>, dice: &mut Dice) {
    for _ in 0..dice.below(4) {
        let at = dice.below(message.len() as u32) as usize;
        message[at] = match dice.below(3) {
            0 => 0xff,
            1 => message[at] ^ 1 << dice.below(8),
            _ => dice.roll() as u8,
        };
    }
    match dice.below(4) {
        0 => message.truncate(dice.below(message.len() as u32 + 1) as usize),
        1 => message.extend([0; 4]),
        _ => {}
    }
    if dice.below(2) == 0 && message.len() >= 8 {
        let size = message.len() as u32;
        size.write(&mut message[4..8]);
    }
}

proptest! {
    #[test]
    fn every_message_goes_there_and_back(seed in 1..u64::MAX) {
        let mut dice = Dice(seed);
        for row in all() {
            let name = row.routine.name;
            let sent = request(row.routine, &mut dice);
            let (least, most) = row.routine.request_bytes();
            prop_assert!((least..=most).contains(&sent.len()), "{}: {}", name, sent.len());
            prop_assert_eq!((row.request)(&sent), Some(sent), "request of {}", name);
            let (Some(again), Some(fields)) = (row.reply, row.routine.reply) else {
                continue;
            };
            let sent = reply(row.routine, fields, &mut dice);
            prop_assert_eq!(again(&sent), Some(sent), "reply of {}", name);
        }
    }

    /// What is read of any bytes can be read again, if it can be written.
    #[test]
    fn wrong_bytes_are_refused_or_read(seed in 1..u64::MAX) {
        let mut dice = Dice(seed);
        for row in all() {
            let mut sent = request(row.routine, &mut dice);
            spoil(&mut sent, &mut dice);
            if let Some(written) = (row.request)(&sent) {
                let (least, most) = row.routine.request_bytes();
                prop_assert!((least..=most).contains(&sent.len()), "{}", row.routine.name);
                prop_assert_eq!((row.request)(&written), Some(written), "{}", row.routine.name);
            }
            let (Some(again), Some(fields)) = (row.reply, row.routine.reply) else {
                continue;
            };
            let mut sent = reply(row.routine, fields, &mut dice);
            spoil(&mut sent, &mut dice);
            if let Some(written) = again(&sent) {
                prop_assert_eq!(again(&written), Some(written), "{}", row.routine.name);
            }
        }
    }

    #[test]
    fn any_bytes_are_refused_or_read(mut bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for row in all() {
            for (id, again) in [(0, Some(row.request)), (REPLY_OFFSET, row.reply)] {
                let Some(again) = again else { continue };
                if bytes.len() >= 24 {
                    let size = bytes.len() as u32;
                    size.write(&mut bytes[4..8]);
                    (row.routine.id + id).write(&mut bytes[20..24]);
                }
                let _ = again(&bytes);
            }
        }
    }
}
