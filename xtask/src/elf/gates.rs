//! The list of functions that may use newer instructions, behind a gate. Pure.
//!
//! One line a function and feature, fields apart by two blanks or a tab:
//! `path  FEATURE  how the gate makes sure`. Text after `#` at the start of a
//! line is for people.

use iced_x86::CpuidFeature;

use super::cpu;
use super::finding::{Finding, Place, Rule};
use super::functions::{Functions, Source};

/// The list, with what has been used of it.
#[derive(Debug, Default)]
pub struct Gates {
    file: String,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    line: u32,
    function: String,
    feature: CpuidFeature,
    used: Use,
}

#[derive(Debug, PartialEq, Eq)]
enum Use {
    Unused,
    Used,
}

impl Gates {
    /// Reads a list; `file` is what people call it.
    pub fn parse(file: &str, text: &str, findings: &mut Vec<Finding>) -> Self {
        let mut entries: Vec<Entry> = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match parse_line(line) {
                Ok((function, feature)) => {
                    let known = entries
                        .iter()
                        .find(|entry| entry.function == function && entry.feature == feature);
                    if let Some(first) = known {
                        findings.push(in_line(
                            file,
                            number,
                            format!("`{function}` and {feature:?} stand in line {} already", first.line),
                            "remove one of the two",
                        ));
                        continue;
                    }
                    entries.push(Entry {
                        line: number,
                        function: function.to_owned(),
                        feature,
                        used: Use::Unused,
                    });
                }
                Err(why) => findings.push(in_line(
                    file,
                    number,
                    why,
                    "write: path::of::function  FEATURE  how the gate makes sure (two blanks between)",
                )),
            }
        }
        Gates {
            file: file.to_owned(),
            entries,
        }
    }

    /// Whether `function` is listed for `feature`; remembers that it was asked.
    pub fn allow(&mut self, function: &str, feature: CpuidFeature) -> bool {
        let entry = self
            .entries
            .iter_mut()
            .find(|entry| entry.function == function && entry.feature == feature);
        match entry {
            Some(entry) => {
                entry.used = Use::Used;
                true
            }
            None => false,
        }
    }

    /// Findings for entries that no instruction needed.
    ///
    /// An entry is about the crate its path begins with: a file without that
    /// crate is another program, and the list says nothing about it.
    pub fn unused(&self, functions: &Functions, findings: &mut Vec<Finding>) {
        for entry in self
            .entries
            .iter()
            .filter(|entry| entry.used == Use::Unused)
        {
            let path = entry.function.trim_start_matches(['<', '&']);
            let of = path.split("::").next().unwrap_or_default();
            if functions.source == Source::None || !functions.has_crate(of) {
                continue;
            }
            let Entry {
                function, feature, ..
            } = entry;
            let (message, mend) = if functions.has(function) {
                (
                    format!("`{function}` has no {feature:?} instruction any more"),
                    "remove the line",
                )
            } else {
                (
                    format!("there is no function `{function}`"),
                    "mend the path or remove the line; a gated function must be #[inline(never)]",
                )
            };
            findings.push(in_line(&self.file, entry.line, message, mend));
        }
    }
}

fn parse_line(line: &str) -> Result<(&str, CpuidFeature), String> {
    let fields =
        |text: &str| -> Option<usize> { text.find("  ").into_iter().chain(text.find('\t')).min() };
    let end = fields(line).ok_or("only one field")?;
    let (function, rest) = line.split_at(end);
    let rest = rest.trim_start();
    let end = fields(rest).ok_or_else(|| format!("nothing says what gates `{function}`"))?;
    let (name, gate) = rest.split_at(end);
    if gate.trim().is_empty() {
        return Err(format!("nothing says what gates `{function}`"));
    }
    let feature = cpu::feature(name).ok_or_else(|| {
        format!("`{name}` is no feature's name, as findings print them (CMOV, FXSR)")
    })?;
    Ok((function, feature))
}

fn in_line(file: &str, line: u32, message: impl Into<String>, mend: &str) -> Finding {
    let place = Place::List {
        file: file.to_owned(),
        line,
    };
    Finding::new(Rule::Gates, place, message, mend)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn entries_are_read_and_asked() {
        let mut findings = Vec::new();
        let text =
            "# people\n\n<kernel::A as kernel::B>::f  CMOV  cpuid bit 15\na::b\tFXSR\twhy not\n";
        let mut gates = Gates::parse("g", text, &mut findings);
        assert_eq!(findings, []);
        assert!(gates.allow("<kernel::A as kernel::B>::f", CpuidFeature::CMOV));
        assert!(gates.allow("a::b", CpuidFeature::FXSR));
        assert!(!gates.allow("a::b", CpuidFeature::CMOV));
    }

    #[test]
    fn each_bad_line_is_named_with_its_number() {
        for (line, complaint) in [
            ("a::b", "only one field"),
            ("a::b  CMOV", "nothing says what gates `a::b`"),
            ("a::b  cmov  why", "`cmov` is no feature's name"),
            ("a::b CMOV why", "only one field"),
        ] {
            let mut findings = Vec::new();
            Gates::parse("list", &format!("# x\n{line}\n"), &mut findings);
            assert_eq!(findings.len(), 1, "{line}");
            let text = findings[0].to_string();
            assert!(
                text.starts_with("gated-list: list:2: ") && text.contains(complaint),
                "{text}"
            );
        }
        let mut findings = Vec::new();
        Gates::parse("list", "a::b  CMOV  x\na::b  CMOV  y", &mut findings);
        assert!(
            findings[0].to_string().contains("line 1 already"),
            "{findings:?}"
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,80}\n?.{0,40}") {
            let _ = Gates::parse("list", &text, &mut Vec::new());
        }
    }
}
