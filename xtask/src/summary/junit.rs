//! JUnit XML, read back as cases.
//!
//! Pure. Understands what test runners agree on: suites, cases, `failure`,
//! `error`, `skipped` and what was printed. A document that ends in the middle
//! is an error, whatever it has said by then.

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};

use super::input::{Case, Tests};

/// The cases of a document.
///
/// # Errors
/// Why it is none, in words that follow its name.
pub(super) fn tests(text: &str) -> Result<Tests, String> {
    if text.trim().is_empty() {
        return Err("is empty".to_owned());
    }
    let mut reader = Reader::from_str(text);
    let mut walk = Walk::default();
    loop {
        let event = reader.read_event().map_err(|error| {
            let at = reader.error_position();
            format!("is garbled: {error} at byte {at}")
        })?;
        match event {
            Event::Eof => break,
            Event::Start(tag) => walk.start(&tag)?,
            Event::Empty(tag) => {
                walk.start(&tag)?;
                walk.end();
            }
            Event::End(_) => walk.end(),
            Event::Text(bytes) => walk.said(&bytes.decode().map_err(|error| error.to_string())?),
            Event::CData(bytes) => walk.said(&bytes.decode().map_err(|error| error.to_string())?),
            Event::GeneralRef(name) => {
                let name = name.decode().map_err(|error| error.to_string())?;
                let text = unescape(&format!("&{name};"))
                    .map_err(|error| format!("is garbled: {error}"))?
                    .into_owned();
                walk.said(&text);
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    match walk.open.last() {
        Some(open) => Err(format!("is truncated: <{open}> is never closed")),
        None if !walk.is_junit => Err("is no JUnit document".to_owned()),
        None => Ok(walk.tests()),
    }
}

#[derive(Default)]
struct Walk {
    open: Vec<String>,
    suites: Vec<String>,
    case: Option<Case>,
    cases: Vec<Case>,
    is_junit: bool,
}

impl Walk {
    fn start(&mut self, tag: &BytesStart<'_>) -> Result<(), String> {
        let name = String::from_utf8_lossy(tag.name().as_ref()).into_owned();
        match name.as_str() {
            "testsuites" => self.is_junit = true,
            "testsuite" => {
                self.is_junit = true;
                self.suites
                    .push(attribute(tag, "name")?.unwrap_or_default());
            }
            "testcase" => self.case = Some(self.begin(tag)?),
            "failure" | "error" | "skipped" => {
                let status = match name.as_str() {
                    "failure" => "failed",
                    "error" => "infrastructure",
                    _ => "skipped",
                };
                let (kind, reason) = (attribute(tag, "type")?, attribute(tag, "message")?);
                if let Some(case) = &mut self.case {
                    case.status = status.to_owned();
                    (case.kind, case.reason) = (kind, reason);
                }
            }
            _ => {}
        }
        self.open.push(name);
        Ok(())
    }

    fn begin(&self, tag: &BytesStart<'_>) -> Result<Case, String> {
        let name = attribute(tag, "name")?.ok_or("is incomplete: a case has no name")?;
        let name = match self.suites.last() {
            Some(suite) => format!("{suite}::{name}"),
            None => name,
        };
        let time = attribute(tag, "time")?.unwrap_or_default();
        Ok(Case {
            name,
            status: "passed".to_owned(),
            seconds: time.parse().unwrap_or(0.0),
            kind: None,
            reason: None,
            output: Vec::new(),
            registers: None,
            rerun: None,
        })
    }

    fn end(&mut self) {
        match self.open.pop().as_deref() {
            Some("testcase") => self.cases.extend(self.case.take()),
            Some("testsuite") => drop(self.suites.pop()),
            _ => {}
        }
    }

    fn said(&mut self, text: &str) {
        let Some(case) = &mut self.case else { return };
        match self.open.last().map(String::as_str) {
            Some("system-out") => append(&mut case.output, text),
            Some("system-err") => case.registers.get_or_insert_default().push_str(text),
            // What some runners put here is the reason, or more of it.
            Some("failure" | "error" | "skipped") if !text.trim().is_empty() => {
                append(&mut case.output, text);
            }
            _ => {}
        }
    }

    fn tests(self) -> Tests {
        let mut tests = Tests {
            counts: super::input::Counts::default(),
            part: None,
            not_run: 0,
            cases: self.cases,
        };
        tests.counts = tests.counted();
        tests
    }
}

/// Text comes in pieces, which end where an entity stands.
fn append(lines: &mut Vec<String>, text: &str) {
    let mut pieces = text.split('\n');
    let first = pieces.next().unwrap_or_default();
    match lines.last_mut() {
        Some(last) => last.push_str(first),
        None => lines.push(first.to_owned()),
    }
    lines.extend(pieces.map(str::to_owned));
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, String> {
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| format!("is garbled: {error}"))?;
        if attribute.key.as_ref() == name.as_bytes() {
            let value = attribute
                .unescape_value()
                .map_err(|error| format!("is garbled: {error}"))?;
            return Ok(Some(value.into_owned()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests_of_this_file {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::testing::case::{Report, Status};
    use crate::testing::report::junit::render;
    use crate::testing::verdict::{Cause, Fault, Verdict};

    fn document() -> String {
        let failed = Status::of(&Verdict::Failed(Cause::Panicked(
            "a < b & \"c\"".to_owned(),
        )));
        let broken = Status::of(&Verdict::Infrastructure(Fault::Killed(9)));
        let mut bad = Report::new("ktest::m::bad", failed, Duration::from_millis(1500));
        bad.output = vec!["one <1>".to_owned(), "two & 2".to_owned()];
        let reports = [
            Report::new("host::a::good", Status::Passed, Duration::ZERO),
            bad,
            Report::new("system::m::b", broken, Duration::ZERO),
            Report::new(
                "system::m::c",
                Status::Skipped("why".to_owned()),
                Duration::ZERO,
            ),
        ];
        render(&reports).expect("plain text")
    }

    #[test]
    fn what_we_write_is_read_back() {
        let tests = tests(&document()).expect("our own");
        let counts = tests.counts;
        assert_eq!((counts.passed, counts.failed), (1, 1));
        assert_eq!((counts.infrastructure, counts.skipped), (1, 1));
        let bad = tests
            .cases
            .iter()
            .find(|case| case.status == "failed")
            .expect("one");
        assert_eq!(bad.name, "ktest::m::bad");
        assert_eq!(bad.output, ["one <1>", "two & 2"]);
        assert!(
            bad.reason
                .as_deref()
                .is_some_and(|why| why.contains("a < b & \"c\"")),
            "{bad:?}"
        );
        assert!((bad.seconds - 1.5).abs() < 1e-9);
    }

    #[test]
    fn a_document_cut_anywhere_is_no_document() {
        let text = document();
        let end = text.trim_end().len();
        for cut in (0..end).filter(|cut| text.is_char_boundary(*cut)) {
            assert!(tests(&text[..cut]).is_err(), "cut at {cut} of {end}");
        }
        assert!(tests("<html></html>").is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = tests(&text);
            let _ = tests(&format!("<testsuites><testsuite>{text}</testsuite></testsuites>"));
        }
    }
}
