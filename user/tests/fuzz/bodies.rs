//! Messages: requests of the tables with odd arguments, and mere noise.

use user_rt::abi::layout::Plain;
use user_rt::abi::message::{Bits, Descriptor, HEADER_BYTES, Header, TypeName};
use user_rt::abi::port::PortName;
use user_rt::abi::routine::{Routine, SUBSYSTEMS};
use user_rt::abi::wire::{Placement, Shape};

use user_tests::random::Random;

/// Routines that would end the program, stop it, spoil its memory, or leave tasks
/// behind that nobody ends.
const DEADLY: [&str; 13] = [
    "task_create",
    "thread_create",
    "gsync_wait",
    "task_terminate",
    "task_suspend",
    "thread_terminate",
    "thread_terminate_release",
    "thread_suspend",
    "vm_deallocate",
    "vm_protect",
    "vm_write",
    "vm_copy",
    "vm_map",
];

/// Writes a message into `room`; how long it is.
pub(crate) fn fill(random: &mut Random, task: PortName, scratch: u32, room: &mut [u8]) -> usize {
    let size = match random.below(3) {
        0 => noise(random, room),
        _ => request(random, scratch, room),
    };
    let header = header(random, task, room, size);
    room[..HEADER_BYTES].copy_from_slice(&header.to_bytes());
    size
}

fn header(random: &mut Random, task: PortName, room: &[u8], size: usize) -> Header {
    let (id, complex) = match Header::read(room) {
        Some(header) => (header.id, header.bits.is_complex()),
        None => (0, false),
    };
    let right = |random: &mut Random| match random.below(6) {
        0 => TypeName(random.word().to_le_bytes()[0]),
        _ => TypeName(TypeName::MOVE_SEND.0 + random.below(5) as u8),
    };
    let to_task = random.below(2) == 0;
    let (remote, target) = match to_task {
        true => (TypeName::COPY_SEND, task.0),
        false => (right(random), random.below(40)),
    };
    let bits = Bits::new(remote, right(random));
    let flip = random.below(16) == 0;
    let bits = match complex != flip {
        true => bits.complex(),
        false => bits,
    };
    let bits = match random.below(32) {
        0 => Bits(bits.0 | random.word()),
        _ => bits,
    };
    Header {
        bits,
        size: size as u32,
        remote_port: target,
        local_port: random.below(40),
        seqno: random.word(),
        id,
    }
}

/// Anything: descriptors as they come.
fn noise(random: &mut Random, room: &mut [u8]) -> usize {
    let words = 6 + random.below(40) as usize;
    for place in room.chunks_exact_mut(4).take(words) {
        let word = match random.below(3) {
            0 => random.word(),
            1 => random.below(64),
            _ => {
                let name = match random.below(2) {
                    0 => 16 + random.below(6),
                    _ => random.below(32),
                };
                let place = [0x1000_0000, 0x3000_0000, 0, 0x8000_0000][random.below(4) as usize];
                place | random.below(6) << 16 | 32 << 8 | name
            }
        };
        word.write(place);
    }
    let id = match random.below(2) {
        0 => random.word(),
        _ => routine(random).map_or(0, |routine| routine.id as u32),
    };
    id.write(&mut room[20..24]);
    words * 4
}

fn routine(random: &mut Random) -> Option<&'static Routine> {
    let subsystem = SUBSYSTEMS.get(random.below(SUBSYSTEMS.len() as u32) as usize)?;
    let routines = subsystem.routines;
    let routine = routines.get(random.below(routines.len() as u32) as usize)?;
    (!DEADLY.contains(&routine.name)).then_some(routine)
}

/// A request with the descriptors that its definition wants, nearly always.
fn request(random: &mut Random, scratch: u32, room: &mut [u8]) -> usize {
    let Some(routine) = routine(random) else {
        return noise(random, room);
    };
    let mut at = HEADER_BYTES;
    let mut complex = false;
    for field in routine.request {
        let shape = &field.shape;
        let mut what = descriptor(random, shape);
        if random.below(40) == 0 {
            what.number = random.word() & 0xfff;
        }
        if random.below(40) == 0 {
            what.name = random.word() as u16 & 0xff;
        }
        complex |= what.carries_rights() || !what.is_inline;
        let Some((bytes, length)) = what.to_bytes() else {
            break;
        };
        let data = match what.is_inline {
            true => (what.number as usize * usize::from(what.size_bits) / 8).next_multiple_of(4),
            false => 4,
        };
        let Some(place) = room.get_mut(at..at + length + data) else {
            break;
        };
        place[..length].copy_from_slice(&bytes[..length]);
        for word in place[length..].chunks_exact_mut(4) {
            let value = match what.is_inline {
                true => value(random, scratch),
                false => scratch + random.below(8) * 4096,
            };
            value.write(word);
        }
        at += length + data;
    }
    let bits = match complex {
        true => Bits(0).complex(),
        false => Bits(0),
    };
    let header = Header {
        bits,
        id: routine.id,
        ..Header::default()
    };
    room[..HEADER_BYTES].copy_from_slice(&header.to_bytes());
    at
}

fn descriptor(random: &mut Random, shape: &Shape) -> Descriptor {
    let is_inline = match shape.placement {
        Placement::Fixed | Placement::UpTo => true,
        Placement::OutOfLine => false,
        Placement::Flexible => random.below(2) == 0,
    };
    let number = match shape.placement {
        Placement::Fixed => shape.number,
        _ => shape.per_element * random.below(6),
    };
    let name = match shape.sent {
        255 => u16::from(TypeName::MOVE_RECEIVE.0) + random.below(6) as u16,
        sent => sent.into(),
    };
    Descriptor {
        name,
        size_bits: shape.size_bits,
        number,
        is_inline,
        is_long: shape.is_long,
        deallocate: shape.deallocate,
    }
}

fn value(random: &mut Random, scratch: u32) -> u32 {
    match random.below(10) {
        0 => random.word(),
        1 => u32::MAX,
        2 => 0xc000_0000 + random.below(4096),
        3 => scratch + random.below(16) * 4096,
        4 => random.below(16) * 4096,
        5 => 1 << random.below(32),
        _ => random.below(40),
    }
}
