//! Every instruction of the kernel against the CPU model, by disassembly. Pure.
//!
//! Each function is decoded from its start to the next one's: a sweep across
//! functions would lose its way at the first data between them. What lies
//! outside of functions is swept as well, so that no byte of code is skipped.

use iced_x86::{CpuidFeature, Decoder, DecoderOptions, Formatter, Instruction, IntelFormatter};

use super::cpu;
use super::finding::{Finding, Place, Rule};
use super::functions::{Function, Functions};
use super::gates::Gates;
use super::image::{Image, Segment};
use crate::machine::Cpu;

/// What fills the space between functions: int3, nop, zero.
const PADDING: [u8; 3] = [0xCC, 0x90, 0x00];

/// Checks all code of `image`; returns how many instructions that is.
pub fn check(
    image: &Image<'_>,
    functions: &Functions,
    cpu: Cpu,
    gates: &mut Gates,
    findings: &mut Vec<Finding>,
) -> u64 {
    let mut sweep = Sweep {
        functions,
        cpu,
        gates,
        findings,
        formatter: IntelFormatter::new(),
        count: 0,
    };
    sweep.formatter.options_mut().set_uppercase_hex(false);
    sweep.formatter.options_mut().set_hex_prefix("0x");
    sweep.formatter.options_mut().set_hex_suffix("");
    for segment in image.segments.iter().filter(|segment| segment.is_code()) {
        sweep.segment(segment);
    }
    sweep.count
}

struct Sweep<'a> {
    functions: &'a Functions,
    cpu: Cpu,
    gates: &'a mut Gates,
    findings: &'a mut Vec<Finding>,
    formatter: IntelFormatter,
    count: u64,
}

impl Sweep<'_> {
    fn segment(&mut self, segment: &Segment<'_>) {
        let begin = segment.virtual_address;
        let end = u64::from(begin) + segment.data.len() as u64;
        let functions: Vec<Function> = self.functions.between(begin, end).to_vec();
        let first = functions.first().map_or(end, |first| first.start.into());
        self.range(segment, begin, first);
        for (index, function) in functions.iter().enumerate() {
            let next = functions
                .get(index + 1)
                .map_or(end, |next| next.start.into());
            // A label inside a function ends it, and begins what follows.
            let own_end = function.end.map_or(next, u64::from).min(next);
            self.range(segment, function.start, own_end);
            if let Ok(own_end) = u32::try_from(own_end) {
                self.range(segment, own_end, next);
            }
        }
    }

    /// Decodes from `from` to `to`, which lie inside the segment's contents.
    fn range(&mut self, segment: &Segment<'_>, from: u32, to: u64) {
        let length = to.saturating_sub(u64::from(from));
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let Some(bytes) = segment.at(from).and_then(|rest| rest.get(..length)) else {
            return;
        };
        let mut decoder = Decoder::with_ip(32, bytes, from.into(), DecoderOptions::NONE);
        let mut instruction = Instruction::default();
        while decoder.can_decode() {
            let position = decoder.position();
            decoder.decode_out(&mut instruction);
            let rest = bytes.get(position..).unwrap_or_default();
            if !instruction.is_invalid() {
                self.count += 1;
                self.instruction(segment, &instruction, rest);
                continue;
            }
            if !rest.iter().all(|byte| PADDING.contains(byte)) {
                self.invalid(segment, &instruction, rest);
            }
            // Whatever follows would be decoded out of step: one finding will do.
            return;
        }
    }

    fn place(&self, segment: &Segment<'_>, address: u32, length: usize) -> Place {
        Place::Code {
            address,
            offset: segment.offset_of(address),
            length: u32::try_from(length).unwrap_or(u32::MAX),
            inside: self.functions.inside(address),
        }
    }

    fn instruction(&mut self, segment: &Segment<'_>, instruction: &Instruction, bytes: &[u8]) {
        for feature in cpu::needed(instruction) {
            // Asked in any case: on a newer model a listed function still needs
            // its line, for the older ones.
            let listed = self.ask(instruction, feature);
            let lacking = !cpu::has(self.cpu, feature);
            if !listed && (lacking || cpu::uses_user_registers(feature)) {
                self.needs(segment, instruction, feature, bytes);
            }
        }
    }

    fn ask(&mut self, instruction: &Instruction, feature: CpuidFeature) -> bool {
        let inside = self.functions.inside(instruction.ip32());
        inside.is_some_and(|inside| self.gates.allow(&inside.function, feature))
    }

    fn needs(
        &mut self,
        segment: &Segment<'_>,
        instruction: &Instruction,
        feature: CpuidFeature,
        bytes: &[u8],
    ) {
        let mut text = String::new();
        self.formatter.format(instruction, &mut text);
        let address = instruction.ip32();
        let shown = hex(&bytes[..instruction.len().min(bytes.len())]);
        let function = self
            .functions
            .inside(address)
            .map_or("path::of::function".to_owned(), |inside| inside.function);
        let gate = format!(
            "gate it by CPUID in an #[inline(never)] function, listed in kernel/src/arch/gated.list: {function}  {feature:?}  <the gate>"
        );
        let (rule, message, mend) = if cpu::has(self.cpu, feature) {
            (
                Rule::UserRegisters,
                format!(
                    "`{text}` ({shown}) uses {feature:?} registers, which hold a user program's state"
                ),
                format!("use integers; if it saves or restores that state, list it: {gate}"),
            )
        } else {
            (
                Rule::Cpu,
                format!(
                    "`{text}` ({shown}) needs {feature:?}, which {} lacks",
                    self.cpu
                ),
                format!("build with --target-cpu {}, or {gate}", self.cpu),
            )
        };
        let place = self.place(segment, address, instruction.len());
        self.findings.push(Finding::new(rule, place, message, mend));
    }

    fn invalid(&mut self, segment: &Segment<'_>, instruction: &Instruction, rest: &[u8]) {
        let address = instruction.ip32();
        let shown = hex(&rest[..rest.len().min(8)]);
        let place = self.place(segment, address, instruction.len().max(1));
        self.findings.push(Finding::new(
            Rule::Invalid,
            place,
            format!("{shown} is no instruction, or one that runs into the next function"),
            "put data into .rodata, and give code that follows data a symbol of its own",
        ));
    }
}

fn hex(bytes: &[u8]) -> String {
    let bytes: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.join(" ")
}
