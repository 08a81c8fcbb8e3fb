//! Each rule of check-elf: one image that breaks it, and what is said.

mod sample;

use proptest::prelude::*;
use sample::{BOOT, LABEL, Sample, Symbol, TEXT, TEXT_OFFSET, function};
use xtask::elf::finding::Rule;
use xtask::elf::functions::Source;
use xtask::elf::{Input, Report, check, sarif};
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

/// push ebp; cmovne eax, ecx; pop ebp; ret
const WITH_CMOV: [u8; 6] = [0x55, 0x0F, 0x45, 0xC1, 0x5D, 0xC3];

fn named(text: &[u8]) -> Sample {
    let mut sample = Sample::new(text);
    let size = u32::try_from(text.len()).expect("small");
    sample
        .symbols
        .push(function("_RNvNtCs1234_6kernel4sync6choose", TEXT, size));
    sample
}

#[test]
fn one_cmov_in_a_pentium_build_is_found_where_it_is() {
    let plain = Sample::new(&WITH_CMOV).bytes();
    finds(
        &plain,
        Rule::Cpu,
        &[
            "0xc0102001 (file offset 0x2001)",
            "cmovne eax,ecx",
            "0f 45 c1",
            "CMOV",
            "pentium lacks",
        ],
    );
    let named = named(&WITH_CMOV).bytes();
    finds(
        &named,
        Rule::Cpu,
        &["kernel::sync::choose+0x1 (0xc0102001, file offset 0x2001)"],
    );
    for cpu in [Cpu::Pentium2, Cpu::Pentium3, Cpu::Qemu32] {
        let report = check(&Input {
            bytes: &plain,
            debug: None,
            cpu,
            gates: None,
        });
        assert_eq!(report.findings, [], "{cpu}");
    }
}

#[test]
fn every_family_of_newer_instructions_is_found() {
    let cases: [(&[u8], &str, Rule); 8] = [
        (&[0x0F, 0x1F, 0x00], "MULTIBYTENOP", Rule::Cpu),
        (&[0x0F, 0x34], "SEP", Rule::Cpu),
        (&[0x0F, 0x6F, 0xC1], "MMX", Rule::Cpu),
        (&[0x0F, 0x58, 0xC1], "SSE", Rule::Cpu),
        (&[0xF3, 0x0F, 0x1E, 0xFB], "CET_IBT", Rule::Cpu),
        (&[0xF3, 0x0F, 0xBD, 0xC1], "LZCNT", Rule::Cpu),
        (&[0x0F, 0xAE, 0x00], "FXSR", Rule::Cpu),
        (&[0xD9, 0xE8], "FPU", Rule::UserRegisters),
    ];
    for (instruction, feature, rule) in cases {
        let mut text = instruction.to_vec();
        text.push(0xC3);
        finds(&Sample::new(&text).bytes(), rule, &[feature]);
    }
    // pause is `rep nop`, F3 0F BC is bsf, ud2 is invalid on purpose.
    let text = [
        0xF3, 0x90, 0xF3, 0x0F, 0xBC, 0xC1, 0x0F, 0xC7, 0x0F, 0x0F, 0x31, 0x0F, 0x0B,
    ];
    assert_eq!(report(&Sample::new(&text).bytes()).findings, []);
}

fn gated(sample: &Sample, list: &str) -> Vec<String> {
    let report = check(&Input {
        bytes: &sample.bytes(),
        debug: None,
        cpu: Cpu::Pentium,
        gates: Some(("gated.list", list)),
    });
    report.findings.iter().map(ToString::to_string).collect()
}

#[test]
fn a_listed_function_may_use_what_its_line_names() {
    let sample = named(&WITH_CMOV);
    let line = "kernel::sync::choose  CMOV  CPUID.1:EDX bit 15";
    assert_eq!(gated(&sample, line), [""; 0]);
    let other = gated(&sample, "kernel::sync::choose  FXSR  CPUID.1:EDX bit 24");
    assert_eq!(
        other.len(),
        2,
        "the CMOV, and the line nothing needs: {other:?}"
    );
    assert!(other[1].contains("gated.list:1") && other[1].contains("no FXSR instruction any more"));
    let gone = gated(
        &sample,
        &format!("# the gates\n{line}\nkernel::gone  CMOV  why"),
    );
    assert_eq!(
        gone,
        ["gated-list: gated.list:3: there is no function `kernel::gone`"]
    );
    // Another program's functions are no business of a file without it.
    assert_eq!(
        gated(&sample, &format!("{line}\nuser::gone  CMOV  why")),
        [""; 0]
    );
    // x87 goes by the same list.
    let saves = named(&[0xDD, 0x30, 0xC3]); // fnsave [eax]; ret
    assert_eq!(
        gated(&saves, "kernel::sync::choose  FPU  saves a thread's state"),
        [""; 0]
    );
}

#[test]
fn code_is_decoded_function_by_function() {
    // Data between functions that would swallow the start of the next one.
    let mut sample = Sample::new(&[0xC3, 0xCC, 0xCC, 0x0F, 0x0F, 0x45, 0xC1, 0xC3]);
    sample.symbols.push(function("first", TEXT, 1));
    sample.symbols.push(function("second", TEXT + 4, 4));
    let shown = gated(&sample, "");
    assert!(
        shown
            .iter()
            .any(|line| line.contains("second+0x0") && line.contains("CMOV")),
        "{shown:?}"
    );
    assert!(
        shown
            .iter()
            .any(|line| line.contains("instruction-invalid: first+0x3")),
        "{shown:?}"
    );
    // Padding is no finding, data is.
    let padded = Sample::new(&[0xC3, 0xCC, 0xCC, 0x90, 0x00]);
    assert_eq!(report(&padded.bytes()).findings, []);
    finds(
        &Sample::new(&[0xC3, 0x0F, 0xFF]).bytes(),
        Rule::Invalid,
        &["0xc0102001", "0f ff"],
    );
}

#[test]
fn names_come_from_the_kernel_beside_it_if_it_is_the_same() {
    let debug = named(&WITH_CMOV);
    let mut stripped = debug.clone();
    stripped.symbols.clear();
    let look = |debug: &[u8]| {
        check(&Input {
            bytes: &stripped.bytes(),
            debug: Some(debug),
            cpu: Cpu::Pentium,
            gates: None,
        })
    };
    let report = look(&debug.bytes());
    assert_eq!(report.symbols, Source::DebugFile);
    assert!(
        report.findings[0]
            .to_string()
            .contains("kernel::sync::choose+0x1")
    );
    let another = named(&[0x55, 0x89, 0xE5, 0x5D, 0xC3]);
    assert_eq!(look(&another.bytes()).symbols, Source::None);
    assert_eq!(look(b"no ELF").symbols, Source::None);
}

#[test]
fn names_come_from_the_table_for_backtraces() {
    let mut sample = Sample::new(&WITH_CMOV);
    let table = kernel_core::symbols::encode(&[kernel_core::symbols::Function {
        address: TEXT,
        size: 6,
        name: "kernel::sync::choose",
    }]);
    let last = sample.parts.len() - 1;
    sample.parts[last].memory_size = u32::try_from(table.len()).expect("small");
    sample.parts[last].data = table;
    let report = report(&sample.bytes());
    assert_eq!(report.symbols, Source::Backtraces);
    assert!(
        report.findings[0]
            .to_string()
            .contains("kernel::sync::choose+0x1")
    );
}

#[test]
fn sarif_has_the_shape_that_services_read() {
    let mut sample = named(&WITH_CMOV);
    sample.multiboot = [0; 3];
    sample.parts[1].kind = 0;
    let report = check(&Input {
        bytes: &sample.bytes(),
        debug: None,
        cpu: Cpu::Pentium,
        gates: Some(("kernel/gated.list", "nonsense")),
    });
    let document = sarif::document(&report, "a b.elf");
    assert_eq!(document["version"], "2.1.0");
    assert!(
        document["$schema"]
            .as_str()
            .is_some_and(|uri| uri.contains("sarif-2.1.0"))
    );
    let run = &document["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    let results = run["results"].as_array().expect("results");
    assert_eq!(results.len(), 4);
    for result in results {
        let index = result["ruleIndex"].as_u64().expect("an index");
        assert_eq!(
            rules[usize::try_from(index).expect("small")]["id"],
            result["ruleId"]
        );
        assert!(!result["message"]["text"].as_str().expect("text").is_empty());
        let place = &result["locations"][0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().expect("a URI");
        assert!(["a%20b.elf", "kernel/gated.list"].contains(&uri), "{uri}");
    }
    let cmov = results
        .iter()
        .find(|result| result["ruleId"] == "instruction-cpu")
        .expect("it");
    let place = &cmov["locations"][0];
    assert_eq!(
        place["physicalLocation"]["region"]["byteOffset"],
        TEXT_OFFSET + 1
    );
    assert_eq!(place["physicalLocation"]["region"]["byteLength"], 3);
    assert_eq!(
        place["physicalLocation"]["address"]["absoluteAddress"],
        TEXT + 1
    );
    assert_eq!(
        place["logicalLocations"][0]["fullyQualifiedName"],
        "kernel::sync::choose"
    );
    let list = results
        .iter()
        .find(|result| result["ruleId"] == "gated-list")
        .expect("it");
    assert_eq!(
        list["locations"][0]["physicalLocation"]["region"]["startLine"],
        1
    );
}

proptest! {
    #[test]
    fn no_file_makes_it_panic(
        changes in prop::collection::vec((0_usize..0x3000, any::<u8>()), 0..40),
        header in prop::collection::vec((0_usize..220, any::<u8>()), 0..12),
        length in 0_usize..0x3100,
    ) {
        let mut sample = named(&WITH_CMOV);
        sample.relocations = vec![0; 8];
        let mut bytes = sample.bytes();
        for (at, byte) in changes.into_iter().chain(header) {
            bytes[at] = byte;
        }
        bytes.truncate(length.max(0x2000));
        let _ = report(&bytes);
        let _ = check(&Input { bytes: &Sample::good().bytes(), debug: Some(&bytes), cpu: Cpu::Pentium, gates: None });
    }

    #[test]
    fn no_code_makes_it_panic(text in prop::collection::vec(any::<u8>(), 1..300)) {
        let _ = report(&named(&text).bytes());
        let _ = report(&Sample::new(&text).bytes());
    }
}
