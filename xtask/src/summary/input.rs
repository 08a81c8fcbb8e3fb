//! The documents of the other jobs, recognised and read.
//!
//! Owns which document is which: each says its schema, or has keys that no
//! other has. Pure: text in, a [`Report`] or the reason why it is none out.

use serde::Deserialize;
use serde_json::Value;

use super::numbers;
use crate::bench;
use crate::product::Manifest;
use crate::sizes::Sizes;
use crate::testing::report::json::{self, Part};

/// A document, and where it was.
#[derive(Debug)]
pub struct Input {
    /// Its path, for people.
    pub name: String,
    /// What it says.
    pub report: Report,
}

/// What a document says.
#[derive(Debug)]
pub enum Report {
    /// `ci --report`: steps.
    Steps(Steps),
    /// `test --json`, or JUnit: cases.
    Tests(Tests),
    /// `bench-boot --json`.
    Boot(Box<bench::document::Document>),
    /// `sizes.json` of a build.
    Sizes(Sizes),
    /// `manifest.json` of a build.
    Manifest(Manifest),
    /// `docker-build --json`.
    Images(Images),
    /// The numbers of an earlier summary.
    Numbers(numbers::Document),
}

/// The steps of `cargo xtask ci`.
#[derive(Debug, Deserialize)]
pub struct Steps {
    /// Those that ran.
    pub steps: Vec<Step>,
    /// Those that were not reached.
    #[serde(default)]
    pub not_run: Vec<String>,
}

/// A step.
#[derive(Debug, Deserialize)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// `passed`, `failed` or `skipped`.
    pub status: String,
    /// How long it took.
    pub seconds: f64,
    /// Why it did not pass.
    pub reason: Option<String>,
}

/// The cases of a run of tests.
#[derive(Debug, Clone, Deserialize)]
pub struct Tests {
    /// How many ended how.
    pub counts: Counts,
    /// Which share of the cases it is, if not all.
    pub part: Option<Part>,
    /// Cases that never ran.
    #[serde(default)]
    pub not_run: usize,
    /// Those that did.
    pub cases: Vec<Case>,
}

/// How many cases ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct Counts {
    /// Passed, flaky ones included.
    pub passed: usize,
    /// Passed after a retry.
    #[serde(default)]
    pub flaky: usize,
    /// Failed.
    pub failed: usize,
    /// Could not be judged.
    #[serde(default)]
    pub infrastructure: usize,
    /// Did not run, for a reason.
    pub skipped: usize,
}

/// A case.
#[derive(Debug, Clone, Deserialize)]
pub struct Case {
    /// `ring::group::name`.
    pub name: String,
    /// `passed`, `flaky`, `failed`, `infrastructure` or `skipped`.
    pub status: String,
    /// How long it took.
    pub seconds: f64,
    /// The word for why it did not pass.
    pub kind: Option<String>,
    /// The sentence for it.
    pub reason: Option<String>,
    /// What it said.
    #[serde(default)]
    pub output: Vec<String>,
    /// The processors' registers at its end.
    pub registers: Option<String>,
    /// The command that runs it again.
    pub rerun: Option<String>,
}

impl Case {
    /// Whether somebody has to look at it.
    pub fn is_bad(&self) -> bool {
        !["passed", "flaky", "skipped"].contains(&self.status.as_str())
    }
}

impl Tests {
    /// What the cases themselves say; `counts` must agree.
    pub fn counted(&self) -> Counts {
        let count = |status: &str| {
            let cases = self.cases.iter();
            cases.filter(|case| case.status == status).count()
        };
        let (flaky, infrastructure, skipped) =
            (count("flaky"), count("infrastructure"), count("skipped"));
        Counts {
            passed: count("passed") + flaky,
            flaky,
            // A word that nobody knows is no pass.
            failed: self.cases.iter().filter(|case| case.is_bad()).count() - infrastructure,
            infrastructure,
            skipped,
        }
    }
}

/// What `docker-build` made.
#[derive(Debug, Deserialize)]
pub struct Images {
    /// The stage.
    pub stage: String,
    /// How long all of it took.
    pub elapsed_ms: f64,
    /// A row a platform.
    pub builds: Vec<Image>,
}

/// An image.
#[derive(Debug, Deserialize)]
pub struct Image {
    /// The platform.
    pub platform: String,
    /// What the engine calls it; none for a stage that leaves files alone.
    pub image: Option<Identity>,
    /// How many layers were made and how many were there.
    pub layers: Option<Layers>,
}

/// What the engine says of an image.
#[derive(Debug, Deserialize)]
pub struct Identity {
    /// Its tag.
    pub tag: String,
    /// Its digest.
    pub digest: String,
    /// Its size.
    pub bytes: u64,
}

/// The layers of a build.
#[derive(Debug, Deserialize)]
pub struct Layers {
    /// Found in a cache.
    pub cached: u64,
    /// Made.
    pub built: u64,
}

/// Reads a JSON document.
///
/// # Errors
/// Why it is none of those above, in words that follow its name.
pub fn json(text: &str) -> Result<Report, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| garbled(text, &error))?;
    let schema = value.get("schema").and_then(Value::as_str);
    let has = |key: &str| value.get(key).is_some();
    let is_docker_build = value.get("command").and_then(Value::as_str) == Some("docker-build");
    match schema {
        Some("exov6.ci/1") => of(value).map(Report::Steps),
        Some(json::SCHEMA) => tests(of(value)?).map(Report::Tests),
        Some(bench::document::SCHEMA) => of(value).map(Box::new).map(Report::Boot),
        Some("exov6-build") => Manifest::parse(text).map(Report::Manifest),
        Some(numbers::SCHEMA) => of(value).map(Report::Numbers),
        Some(other) => Err(format!("has the schema {other:?}, which nobody here knows")),
        None if is_docker_build => of(value).map(Report::Images),
        None if has("rodata") && has("bss") => of(value).map(Report::Sizes),
        // `build --json` has the same inside.
        None if has("sizes") => of(value["sizes"].clone()).map(Report::Sizes),
        None => Err("is no document of this tool".to_owned()),
    }
}

fn garbled(text: &str, error: &serde_json::Error) -> String {
    if text.trim().is_empty() {
        return "is empty".to_owned();
    }
    match error.is_eof() {
        true => format!("is truncated: {error}"),
        false => format!("is garbled: {error}"),
    }
}

fn of<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| format!("is incomplete: {error}"))
}

fn tests(tests: Tests) -> Result<Tests, String> {
    let (said, counted) = (tests.counts, tests.counted());
    if said != counted {
        return Err(format!(
            "contradicts itself: it says {said:?} and has {counted:?}"
        ));
    }
    Ok(tests)
}

#[cfg(test)]
mod tests_of_this_file {
    use super::*;

    const TESTS: &str = r#"{"schema":"exov6.test/1","counts":{"passed":1,"flaky":0,"failed":1,
        "infrastructure":0,"skipped":0},"not_run":0,"cases":[
        {"name":"host::a","ring":"host","status":"passed","seconds":0.5,"rerun":"x"},
        {"name":"host::b","ring":"host","status":"failed","seconds":1,"kind":"panicked","reason":"boom"}]}"#;

    #[test]
    fn documents_are_told_apart() {
        let kind = |text: &str| match json(text).expect("a document") {
            Report::Steps(_) => "steps",
            Report::Tests(_) => "tests",
            Report::Boot(_) => "boot",
            Report::Sizes(_) => "sizes",
            Report::Manifest(_) => "manifest",
            Report::Images(_) => "images",
            Report::Numbers(_) => "numbers",
        };
        assert_eq!(kind(TESTS), "tests");
        assert_eq!(kind(r#"{"schema":"exov6.ci/1","steps":[]}"#), "steps");
        let sizes = r#"{"version":1,"text":1,"rodata":2,"data":3,"bss":4,"symbols":5,"file":6}"#;
        assert_eq!(kind(sizes), "sizes");
        assert_eq!(
            kind(&format!(r#"{{"version":1,"kernel":"k","sizes":{sizes}}}"#)),
            "sizes"
        );
        let images = r#"{"version":1,"command":"docker-build","stage":"build","elapsed_ms":12,
            "builds":[{"platform":"linux/386","image":null,"layers":{"cached":1,"built":2}}]}"#;
        assert_eq!(kind(images), "images");
        assert_eq!(
            kind(r#"{"schema":"exov6.summary/1","numbers":[]}"#),
            "numbers"
        );
    }

    #[test]
    fn what_is_wrong_with_a_document_is_said() {
        let why = |text: &str| json(text).expect_err("no document");
        assert_eq!(why(" \n"), "is empty");
        for end in [10, TESTS.len() / 2, TESTS.len() - 1] {
            assert!(why(&TESTS[..end]).starts_with("is truncated: "), "{end}");
        }
        assert!(why("{]").starts_with("is garbled: "));
        assert!(why(&TESTS.replace("test/1", "test/2")).contains("test/2"));
        assert!(why(&TESTS.replace("\"cases\"", "\"case\"")).starts_with("is incomplete: "));
        assert!(why("[1]").contains("no document of this tool"));
    }

    #[test]
    fn a_run_that_contradicts_itself_is_refused() {
        let why = json(&TESTS.replace("\"passed\":1", "\"passed\":2")).err();
        assert!(why.is_some_and(|why| why.starts_with("contradicts itself")));
        // A status from another version of the tool is no pass.
        let odd = TESTS.replace("\"status\":\"passed\"", "\"status\":\"splendid\"");
        assert!(json(&odd).is_err());
    }
}
