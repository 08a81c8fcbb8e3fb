//! The README's transcript, held against a real run.
//!
//! Owns the meaning of its ```` ```console ```` block: a line `exov6$ words` is
//! typed, every other line is printed, one `...` alone stands for any lines
//! and within a line for any text; numbers may differ, for no two machines
//! agree on them. Lines before the banner (`$ cargo xtask qemu` and what the
//! tool says) are not compared. Pure.

use regex::Regex;

use super::verdict::{Cause, Verdict};

const OPENING: &str = "```console";
const CLOSING: &str = "```";
const BANNER: &str = "ExoV6 ";
const PROMPT: &str = "exov6$ ";
const ANYTHING: &str = "...";

/// A transcript as a document shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    /// From the banner to the end of the block.
    pub lines: Vec<String>,
}

impl Transcript {
    /// The first console block of `document` with a banner in it.
    pub fn find(document: &str) -> Option<Transcript> {
        let mut lines = document.lines();
        loop {
            lines.find(|line| line.trim() == OPENING)?;
            let block = lines.by_ref().take_while(|line| line.trim() != CLOSING);
            let block: Vec<String> = block.map(|line| line.trim_end().to_owned()).collect();
            if let Some(start) = block.iter().position(|line| line.starts_with(BANNER)) {
                return Some(Transcript {
                    lines: block[start..].to_vec(),
                });
            }
        }
    }

    /// What is typed at the prompt, in order.
    pub fn typed(&self) -> impl Iterator<Item = &str> {
        self.lines
            .iter()
            .filter_map(|line| line.strip_prefix(PROMPT))
            .filter(|line| !line.is_empty())
    }

    /// Whether a real console, from its banner on, reads like this.
    pub fn compare<'a>(&self, console: impl Iterator<Item = &'a str>) -> Verdict {
        let console: Vec<&str> = console
            .skip_while(|line| !line.starts_with(BANNER))
            .map(str::trim_end)
            .collect();
        let mut place = 0;
        let mut may_skip = false;
        for line in &self.lines {
            if line == ANYTHING {
                may_skip = true;
                continue;
            }
            let Some(pattern) = pattern(line) else {
                return Verdict::Failed(Cause::Unexpected(format!("the README's line `{line}`")));
            };
            let rest = console[place..].iter();
            let found = match may_skip {
                true => rest.clone().position(|line| pattern.is_match(line)),
                false => rest.take(1).position(|line| pattern.is_match(line)),
            };
            let Some(found) = found else {
                let real = console.get(place).copied().unwrap_or("(the end)");
                let what = format!("the README says `{line}`, the kernel says `{real}`");
                return Verdict::Failed(Cause::Unexpected(what));
            };
            place += found + 1;
            may_skip = false;
        }
        Verdict::Passed
    }
}

/// The line with its numbers and `...` as wildcards.
fn pattern(line: &str) -> Option<Regex> {
    let mut pattern = String::from("^");
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix(ANYTHING) {
            pattern.push_str(".*");
            rest = after;
            continue;
        }
        if c.is_ascii_digit() {
            // Numbers may be of another length, and columns then shift.
            pattern.push_str(" *[0-9][0-9a-fx]*");
            rest = rest.trim_start_matches(|c: char| c.is_ascii_hexdigit() || c == 'x');
            continue;
        }
        if c == ' ' {
            pattern.push_str(" *");
            rest = rest.trim_start_matches(' ');
            continue;
        }
        pattern.push_str(&regex::escape(&rest[..c.len_utf8()]));
        rest = &rest[c.len_utf8()..];
    }
    pattern.push('$');
    Regex::new(&pattern).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const README: &str = "
```console
$ cargo build
```
Then:
```console
$ cargo xtask qemu
ExoV6 0.1.0 i386 Mach microkernel
cpus      2 (ACPI)
...
exov6: ready in 612345 instructions
exov6$ cpus
cpu0 apic 0 at ...
exov6$
```
";
    const REAL: &str = "SeaBIOS
ExoV6 0.2.0 i386 Mach microkernel
cpus     12 (ACPI)
memory    7
exov6: ready in 99 instructions
exov6$ cpus
cpu0 apic 0 at home";

    fn kind(readme: &str, real: &str) -> &'static str {
        let transcript = Transcript::find(readme).expect("there is one");
        transcript.compare(real.lines().chain(["exov6$ "])).kind()
    }

    #[test]
    fn numbers_and_dots_are_wildcards() {
        assert_eq!(kind(README, REAL), "passed");
        let transcript = Transcript::find(README).expect("there is one");
        assert_eq!(transcript.typed().collect::<Vec<_>>(), ["cpus"]);
    }

    #[test]
    fn every_other_difference_fails() {
        assert_eq!(
            kind(README, &REAL.replace("(ACPI)", "(MP table)")),
            "unexpected"
        );
        assert_eq!(kind(README, &REAL.replace("ready", "up")), "unexpected");
        assert_eq!(kind(&README.replace("...\n", ""), REAL), "unexpected");
        assert_eq!(
            kind(README, "ExoV6 0.2.0 i386 Mach microkernel"),
            "unexpected"
        );
    }

    #[test]
    fn a_document_without_transcript_has_none() {
        assert_eq!(Transcript::find("```console\n$ ls\n```\n"), None);
        assert_eq!(
            Transcript::find("```console\nExoV6 x\n").map(|found| found.lines.len()),
            Some(1)
        );
    }
}
