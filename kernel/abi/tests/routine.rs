//! The tables of routines against MIG's sizes and ids, and messages there and back.

use abi::kern_return::KernReturn;
use abi::message::Header;
use abi::routine::{self, *};
use abi::wire::{CopySend, Form};
use proptest::prelude::*;

/// Facts of MIG's output, so that the test needs no MIG.
const SIZES: &str = include_str!("mig_sizes.txt");

#[test]
fn ids_and_sizes_are_those_of_mig() {
    let mut count = 0_usize;
    for line in SIZES.lines().filter(|line| !line.starts_with('#')) {
        let [name, id, facts @ ..] = &line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        let row = routine::by_id(id.parse().expect("an id")).expect(line);
        let (least, most) = row.request_bytes();
        let reply = row
            .reply_bytes()
            .map_or(["-".into(), "-".into()], |(least, most)| {
                [least.to_string(), most.to_string()]
            });
        let ours = [&[least.to_string(), most.to_string()], &reply[..]].concat();
        assert_eq!(
            (&row.name, &ours[..]),
            (
                name,
                &facts.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>()[..]
            )
        );
        count += 1;
    }
    assert_eq!(
        count,
        SUBSYSTEMS
            .iter()
            .map(|subsystem| subsystem.routines.len())
            .sum::<usize>()
    );
}

#[test]
fn vm_allocate_goes_there_and_back() {
    let mut buffer = [0; 64];
    let request = mach::vm_allocate::Request {
        address: 0x1000,
        size: 0x2000,
        anywhere: true,
    };
    let size = encode_request(&request, 7, 9, Form::Received, &mut buffer).expect("room");
    assert_eq!(size, 48);
    let header = Header::read(&buffer).expect("a header");
    let read: mach::vm_allocate::Request = decode_request(&buffer[..size]).expect("valid");
    assert_eq!(
        (header.id, header.remote_port, read.size, read.anywhere),
        (2021, 7, 0x2000, true)
    );
    let size = encode_refusal(KernReturn::NO_SPACE, &header, &mut buffer).expect("room");
    let reply = decode_reply::<mach::vm_allocate::Reply>(&buffer[..size]);
    assert_eq!(reply.err(), Some(Failure::Refused(KernReturn::NO_SPACE)));
}

#[test]
fn a_right_in_the_body_makes_a_message_complex() {
    let mut buffer = [0; 64];
    let request = mach::task_set_special_port::Request {
        which_port: 4,
        special_port: CopySend::new(5),
    };
    let size = encode_request(&request, 1, 2, Form::Received, &mut buffer).expect("room");
    assert!(decode_request::<mach::task_set_special_port::Request>(&buffer[..size]).is_ok());
    buffer[3] &= 0x7f;
    assert!(decode_request::<mach::task_set_special_port::Request>(&buffer[..size]).is_err());
}

proptest! {
    #[test]
    fn hostile_bytes_are_refused_or_read(mut bytes in prop::collection::vec(any::<u8>(), 24..200), flip in any::<bool>()) {
        let size = u32::try_from(bytes.len()).expect("small");
        bytes[4..8].copy_from_slice(&size.to_le_bytes());
        bytes[20..24].copy_from_slice(&3803_u32.to_le_bytes());
        bytes[3] = if flip { 0x80 } else { 0 };
        let _ = decode_request::<mach_i386::i386_set_ldt::Request>(&bytes);
    }
}
