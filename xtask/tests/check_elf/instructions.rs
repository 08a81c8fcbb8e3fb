//! Instructions against the CPU model, gates, and the names in findings.

use xtask::elf::finding::Rule;
use xtask::elf::functions::Source;
use xtask::elf::{Input, check};
use xtask::machine::Cpu;

use crate::sample::{Sample, TEXT, WITH_CMOV, function, named};
use crate::{finds, report};

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
