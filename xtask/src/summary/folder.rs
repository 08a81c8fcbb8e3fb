//! Reading folders full of other jobs' documents.
//!
//! Owns which files count (`*.json` and `*.xml`, at any depth) and what is
//! wrong with those that cannot be read. A JUnit file beside a JSON document of
//! the same name is the same run: it must agree, and is not counted twice.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::input::{self, Input, Report, Tests};
use super::junit;

/// More than any report of ours has.
const LARGEST: u64 = 64 * 1024 * 1024;
/// Folders in folders; a loop of links ends here.
const DEEPEST: usize = 12;

/// What was in the folders.
#[derive(Debug, Default)]
pub struct Contents {
    /// Documents, in order of their names.
    pub inputs: Vec<Input>,
    /// What could not be read, each with its name.
    pub troubles: Vec<String>,
    /// Folders without a single document.
    pub empty: Vec<String>,
}

/// Reads folders. Names are relative to a folder if there is but one.
pub fn read(folders: &[PathBuf]) -> Contents {
    let mut contents = Contents::default();
    for folder in folders {
        let mut files = Vec::new();
        walk(folder, DEEPEST, &mut files, &mut contents.troubles);
        if files.is_empty() {
            contents.empty.push(folder.display().to_string());
        }
        files.sort();
        let prefix = match folders {
            [_] => folder.as_path(),
            _ => Path::new(""),
        };
        read_all(&files, prefix, &mut contents);
    }
    contents
}

fn walk(dir: &Path, depth: usize, files: &mut Vec<PathBuf>, troubles: &mut Vec<String>) {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) => {
            troubles.push(format!("{}: it cannot be read: {error}", dir.display()));
            return;
        }
    };
    for entry in entries.flatten() {
        let path = entry.path();
        // Links are not followed: what is inside is there by itself.
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth > 0 => walk(&path, depth - 1, files, troubles),
            Ok(kind) if kind.is_file() && is_document(&path) => files.push(path),
            _ => {}
        }
    }
}

fn is_document(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "json" || extension == "xml")
}

fn read_all(files: &[PathBuf], prefix: &Path, contents: &mut Contents) {
    let mut runs: BTreeMap<PathBuf, Tests> = BTreeMap::new();
    // JSON first, for JUnit is held against it.
    let (xml, json): (Vec<&PathBuf>, Vec<&PathBuf>) = files
        .iter()
        .partition(|path| path.extension().is_some_and(|extension| extension == "xml"));
    for path in json.into_iter().chain(xml) {
        let name = path
            .strip_prefix(prefix)
            .unwrap_or(path)
            .display()
            .to_string();
        let read = text(path).and_then(|text| match path.extension() {
            Some(extension) if extension == "xml" => junit::tests(&text).map(Report::Tests),
            _ => input::json(&text),
        });
        match read {
            Err(why) => contents.troubles.push(format!("{name}: it {why}")),
            Ok(Report::Tests(tests)) => {
                let stem = path.with_extension("");
                match runs.get(&stem) {
                    Some(of_json) => contents.troubles.extend(disagree(&name, of_json, &tests)),
                    None => {
                        runs.insert(stem, tests.clone());
                        let report = Report::Tests(tests);
                        contents.inputs.push(Input { name, report });
                    }
                }
            }
            Ok(report) => contents.inputs.push(Input { name, report }),
        }
    }
}

/// How a JUnit document contradicts the JSON document of the same run.
fn disagree(name: &str, json: &Tests, junit: &Tests) -> Option<String> {
    let mut expected = json.counts;
    // JUnit has no word for it.
    expected.flaky = 0;
    (junit.counts != expected).then(|| {
        format!(
            "{name}: it says {:?}, and the JSON document beside it {expected:?}",
            junit.counts
        )
    })
}

fn text(path: &Path) -> Result<String, String> {
    let size = fs::metadata(path)
        .map_err(|error| format!("cannot be read: {error}"))?
        .len();
    if size > LARGEST {
        return Err(format!("is {size} bytes long, which no report of ours is"));
    }
    let bytes = fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    String::from_utf8(bytes).map_err(|error| format!("is garbled: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::input::Counts;

    struct Place(PathBuf);

    impl Place {
        fn new(name: &str, files: &[(&str, &str)]) -> Self {
            let dir =
                std::env::temp_dir().join(format!("exov6-summary-{}-{name}", std::process::id()));
            for (file, text) in files {
                let path = dir.join(file);
                fs::create_dir_all(path.parent().expect("below dir")).expect("a folder");
                fs::write(path, text).expect("a file");
            }
            Place(dir)
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    const RUN: &str = r#"{"schema":"exov6.test/1","counts":{"passed":1,"flaky":0,"failed":0,
        "infrastructure":0,"skipped":0},"not_run":0,
        "cases":[{"name":"host::a","status":"passed","seconds":0.5}]}"#;
    const JUNIT: &str = r#"<?xml version="1.0"?><testsuites><testsuite name="host">
        <testcase name="a" time="0.5"/></testsuite></testsuites>"#;

    #[test]
    fn documents_are_found_at_any_depth_and_other_files_are_not_read() {
        let place = Place::new(
            "deep",
            &[("a/b/test.json", RUN), ("a/kernel.elf", "\u{7f}ELF")],
        );
        let contents = read(std::slice::from_ref(&place.0));
        assert_eq!(contents.troubles, [] as [&str; 0]);
        assert_eq!(contents.inputs[0].name, "a/b/test.json");
    }

    #[test]
    fn a_run_in_both_forms_counts_once_and_must_agree() {
        let place = Place::new("both", &[("test.json", RUN), ("test.xml", JUNIT)]);
        let contents = read(std::slice::from_ref(&place.0));
        assert_eq!((contents.inputs.len(), contents.troubles.len()), (1, 0));
        let two = JUNIT.replace(
            "</testsuite>",
            "<testcase name=\"b\" time=\"0\"/></testsuite>",
        );
        let place = Place::new("disagree", &[("test.json", RUN), ("test.xml", &two)]);
        let contents = read(std::slice::from_ref(&place.0));
        assert!(
            contents.troubles[0].starts_with("test.xml: it says"),
            "{contents:?}"
        );
    }

    #[test]
    fn a_junit_file_alone_is_a_run() {
        let place = Place::new("junit", &[("other.xml", JUNIT)]);
        let contents = read(std::slice::from_ref(&place.0));
        let Report::Tests(tests) = &contents.inputs[0].report else {
            panic!("{contents:?}")
        };
        assert_eq!(
            tests.counts,
            Counts {
                passed: 1,
                ..Counts::default()
            }
        );
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let half = &RUN[..RUN.len() / 2];
        let place = Place::new(
            "bad",
            &[("x/test.json", half), ("odd.json", "{}"), ("t.xml", "<a>")],
        );
        let contents = read(std::slice::from_ref(&place.0));
        let text = contents.troubles.join("\n");
        assert!(text.contains("x/test.json: it is truncated"), "{text}");
        assert!(
            text.contains("odd.json: it is no document of this tool"),
            "{text}"
        );
        assert!(text.contains("t.xml: it is truncated"), "{text}");
        assert!(contents.inputs.is_empty() && contents.empty.is_empty());
    }

    #[test]
    fn folders_that_are_not_there_or_empty_are_named() {
        let place = Place::new("empty", &[("notes.txt", "x")]);
        let contents = read(&[place.0.clone(), "/nowhere/at/all".into()]);
        assert_eq!(contents.empty.len(), 2);
        assert!(contents.troubles[0].starts_with("/nowhere/at/all: it cannot be read"));
    }
}
