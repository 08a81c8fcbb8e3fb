//! Each rule of check-elf: one image that breaks it, and what is said.
//!
//! Here: what loaders and the memory map want. Instructions, names and reports
//! have files of their own.

mod instructions;
mod robustness;
mod sample;
mod sarif;

use sample::{BOOT, LABEL, Sample, Symbol, TEXT, function};
use xtask::elf::finding::Rule;
use xtask::elf::functions::Source;
use xtask::elf::{Input, Report, check};
use xtask::machine::Cpu;

fn report(bytes: &[u8]) -> Report {
    check(&Input {
        bytes,
        debug: None,
        cpu: Cpu::Pentium,
        gates: None,
    })
}

/// The one finding of an image with one fault.
#[track_caller]
fn finds(bytes: &[u8], rule: Rule, words: &[&str]) {
    let report = report(bytes);
    let shown: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
    assert_eq!(shown.len(), 1, "{shown:#?}");
    assert_eq!(report.findings[0].rule, rule, "{shown:?}");
    assert!(!report.findings[0].mend.is_empty());
    for word in words {
        assert!(shown[0].contains(word), "`{word}` is not in: {}", shown[0]);
    }
}

/// A good image with one thing changed.
fn with(change: impl FnOnce(&mut Sample)) -> Vec<u8> {
    let mut sample = Sample::good();
    change(&mut sample);
    sample.bytes()
}

#[test]
fn a_good_image_has_no_findings() {
    let report = report(&Sample::good().bytes());
    assert_eq!(report.findings, []);
    assert_eq!(report.instructions, 2 + 4);
    assert_eq!(report.symbols, Source::None);
}

#[test]
fn files_that_are_no_i386_executable_are_refused() {
    finds(&[], Rule::Header, &["empty"]);
    finds(
        b"#!/bin/sh\necho kernel\n",
        Rule::Header,
        &["file offset 0x0", "text"],
    );
    finds(
        &[0xDE, 0xAD, 0, 0],
        Rule::Header,
        &["begins with [de, ad, 00, 00]"],
    );
    let x86_64 = with(|sample| (sample.class, sample.machine) = (2, 62));
    finds(
        &x86_64,
        Rule::Header,
        &["file offset 0x4", "class 2 for x86-64", "32-bit"],
    );
    finds(
        &with(|sample| sample.order = 2),
        Rule::Header,
        &["file offset 0x5", "byte order 2"],
    );
    finds(
        &with(|sample| sample.machine = 40),
        Rule::Header,
        &["file offset 0x12", "machine 40"],
    );
    finds(
        &with(|sample| sample.kind = 1),
        Rule::Header,
        &["file offset 0x10", "object file"],
    );
    finds(
        &with(|sample| sample.kind = 3),
        Rule::Header,
        &["position independent"],
    );
    finds(
        &with(|sample| sample.parts.clear()),
        Rule::Header,
        &["no segment"],
    );
}

#[test]
fn a_file_cut_anywhere_is_a_finding() {
    let whole = Sample::good().bytes();
    for length in 0..whole.len() {
        let report = report(&whole[..length]);
        assert!(!report.findings.is_empty(), "cut to {length} bytes");
        if length >= 4 {
            let rules: Vec<_> = report.findings.iter().map(|finding| finding.rule).collect();
            assert!(
                rules.contains(&Rule::Truncated),
                "cut to {length} bytes: {rules:?}"
            );
        }
    }
    finds(
        &whole[..whole.len() - 2],
        Rule::Truncated,
        &["ends after", "segment 4", "offset 0x3000"],
    );
    finds(
        &whole[..40],
        Rule::Truncated,
        &["after 40 bytes", "ELF header"],
    );
}

#[test]
fn the_entry_must_be_code_where_it_is_loaded() {
    finds(
        &with(|s| s.entry = 0x10_3000),
        Rule::Entry,
        &["0x00103000", "no executable segment"],
    );
    finds(
        &with(|s| s.entry = TEXT),
        Rule::Entry,
        &["0xc0102000", "paging off"],
    );
    finds(
        &with(|s| s.entry = BOOT + 3),
        Rule::Entry,
        &["no executable segment"],
    );
    // Memory beyond the contents is zero, not code.
    let bss = with(|s| {
        s.parts[2].memory_size = 0x100;
        s.entry = BOOT + 0x80;
    });
    finds(&bss, Rule::Entry, &["no executable segment's contents"]);
}

#[test]
fn the_multiboot_header_must_be_near_valid_and_modest() {
    let moved = with(|s| {
        s.multiboot_at = 8192;
        s.parts[3].offset = 0x4000;
    });
    finds(&moved, Rule::Multiboot, &["at byte 8192", "first 8192"]);
    let across = with(|s| {
        s.multiboot_at = 8184;
        s.parts[3].offset = 0x4000;
    });
    finds(&across, Rule::Multiboot, &["at byte 8184"]);
    let last = with(|s| {
        s.multiboot_at = 8180;
        s.parts[3].offset = 0x4000;
    });
    assert_eq!(report(&last).findings, []);
    finds(
        &with(|s| s.multiboot = [0; 3]),
        Rule::Multiboot,
        &["no Multiboot header"],
    );
    finds(
        &with(|s| s.multiboot[2] ^= 1),
        Rule::Multiboot,
        &["file offset 0x208", "must be 0xe4524ffb"],
    );
    let sum = |flags: u32| {
        [
            0x1BAD_B002,
            flags,
            0x1BAD_B002_u32.wrapping_add(flags).wrapping_neg(),
        ]
    };
    finds(
        &with(|s| s.multiboot = sum(0x1_0003)),
        Rule::Multiboot,
        &["flag 16"],
    );
    finds(
        &with(|s| s.multiboot = sum(0x83)),
        Rule::Multiboot,
        &["flags 0x80"],
    );
    // Not aligned to four bytes is not there.
    finds(
        &with(|s| s.multiboot_at = 0x302),
        Rule::Multiboot,
        &["no Multiboot header"],
    );
}

#[test]
fn the_pvh_note_must_name_code() {
    finds(&with(|s| s.parts[1].kind = 0), Rule::Pvh, &["no PVH note"]);
    finds(
        &with(|s| s.parts[1].data[8] = 17),
        Rule::Pvh,
        &["no PVH note"],
    );
    finds(
        &with(|s| s.parts[1].data[16] = 0x80),
        Rule::Pvh,
        &["PVH entry", "no executable"],
    );
    finds(&with(|s| s.parts[1].data[0] = 200), Rule::Pvh, &["damaged"]);
}

#[test]
fn memory_is_writable_or_executable_never_both() {
    finds(
        &with(|s| s.parts[3].flags = 7),
        Rule::WriteExecute,
        &["segment 3", "0xc0102000", "writable and executable"],
    );
}

#[test]
fn segments_have_their_place_in_memory() {
    finds(
        &with(|s| {
            s.parts[0].virtual_address = 0x9_0000;
            s.parts[0].physical_address = 0x9_0000;
        }),
        Rule::Map,
        &["segment 0", "0x00090000", "below 1 MiB"],
    );
    finds(
        &with(|s| s.parts[4].memory_size = 8 << 20),
        Rule::Map,
        &["beyond the 8 MiB"],
    );
    finds(
        &with(|s| s.parts[4].physical_address += 4096),
        Rule::Map,
        &["neither the same"],
    );
    finds(
        &with(|s| s.parts[2].memory_size = 0x1001),
        Rule::Map,
        &["segments 2 and 3 share physical memory at 0x00102000"],
    );
    finds(
        &with(|s| s.parts[4].memory_size = 2),
        Rule::Map,
        &["4 bytes in the file but only 2"],
    );
}

#[test]
fn nothing_is_left_to_a_linker() {
    let undefined = with(|s| {
        s.symbols.push(function("kernel_main", TEXT, 5));
        s.symbols.push(Symbol {
            name: "_ZN4core9panicking5panic17h0123456789abcdefE",
            value: 0,
            size: 0,
            kind: LABEL,
            section: 0,
        });
    });
    finds(
        &undefined,
        Rule::Undefined,
        &["`core::panicking::panic", "defined nowhere"],
    );
    let relocations = with(|s| s.relocations = vec![0; 8]);
    finds(&relocations, Rule::Relocations, &["8 bytes of relocations"]);
    let dynamic = with(|s| s.parts[0].kind = 2);
    finds(
        &dynamic,
        Rule::Relocations,
        &["segment 0", "dynamic linking"],
    );
}
