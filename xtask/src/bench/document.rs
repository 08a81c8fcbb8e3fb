//! What a measurement amounts to, as one versioned JSON document.
//!
//! Owns the schema `exov6.bench-boot/1`: fields are added, never changed,
//! until the number changes. `--baseline` reads it back. Pure.

use serde::{Deserialize, Serialize};

use super::budgets::Count;
use super::stats::{Difference, Summary};
use crate::failure::{Failure, Result};

/// The name and version of the schema.
pub const SCHEMA: &str = "exov6.bench-boot/1";

/// The whole document.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Document {
    /// [`SCHEMA`].
    pub schema: String,
    /// Where it was measured.
    pub environment: Environment,
    /// The seed of the order, which repeats it.
    pub seed: u64,
    /// Rounds that counted.
    pub runs: u32,
    /// Rounds that did not.
    pub warmup: u32,
    /// Wall times, a row a configuration and kernel.
    #[serde(default)]
    pub rows: Vec<Row>,
    /// How far ExoV6 is above the floor, an entry a configuration.
    #[serde(default)]
    pub over_floor: Vec<OverFloor>,
    /// Guest instructions.
    #[serde(default)]
    pub counts: Vec<Count>,
    /// What emulation costs by class of work.
    #[serde(default)]
    pub work: Vec<Work>,
}

/// Where something was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// The emulator's version.
    pub qemu: String,
    /// Who executed the guest's instructions.
    pub accelerator: String,
    /// The guest's CPU model.
    pub cpu: String,
    /// The host's processor.
    pub host_cpu: String,
    /// How many of its processors we may use.
    pub host_cores: usize,
    /// The host's kernel.
    pub host_kernel: String,
    /// The measured commit, `-dirty` if the tree differs from it.
    pub commit: String,
    /// When, in UTC.
    pub date: String,
}

/// The wall times of one kernel in one configuration, in milliseconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    /// `pc, qboot`...
    pub configuration: String,
    /// `floor` or `exov6`.
    pub kernel: String,
    /// Emulator start to the first byte on the console.
    pub first_byte: Series,
    /// First byte to the ready line; none for the floor.
    #[serde(default)]
    pub first_byte_to_ready: Option<Series>,
    /// Emulator start to the ready line; none for the floor.
    #[serde(default)]
    pub ready: Option<Series>,
}

/// Samples and what is reported about them, in milliseconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Series {
    /// In the order they were taken.
    pub samples: Vec<f64>,
    /// What is reported.
    pub summary: Summary,
}

/// ExoV6 less the floor of the same run, in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OverFloor {
    /// The configuration.
    pub configuration: String,
    /// Of the first bytes.
    pub first_byte: Difference,
    /// Of ExoV6's ready line and the floor's first byte.
    pub ready: Difference,
}

/// What one iteration of a loop costs, in nanoseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// The class of work.
    pub class: String,
    /// In the guest.
    pub guest_ns: f64,
    /// The same instructions on the host; none if it may not run them.
    pub native_ns: Option<f64>,
}

impl Work {
    /// How many times slower the guest is.
    pub fn ratio(&self) -> Option<f64> {
        self.native_ns
            .filter(|native| *native > 0.0)
            .map(|native| self.guest_ns / native)
    }
}

impl Row {
    /// The row's name in tables and plots.
    pub fn name(&self) -> String {
        format!("{}, {}", self.kernel, self.configuration)
    }
}

impl Document {
    /// Reads a document; `name` is for messages.
    pub fn parse(text: &str, name: &str) -> Result<Document> {
        let mend = || "write one with `cargo xtask bench-boot --json FILE`".to_owned();
        let document: Document = serde_json::from_str(text).map_err(|error| {
            Failure::failed(format!("{name} is no bench-boot document: {error}")).mend(mend())
        })?;
        if document.schema != SCHEMA {
            let found = &document.schema;
            let what = format!("{name} has the schema {found:?}, this version reads {SCHEMA:?}");
            return Err(Failure::failed(what).mend(mend()));
        }
        Ok(document)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::bench::stats::Random;

    pub(in crate::bench) fn series(samples: &[f64]) -> Series {
        let summary = Summary::of(samples, &mut Random::new(1)).expect("not empty");
        Series {
            samples: samples.to_vec(),
            summary,
        }
    }

    pub(in crate::bench) fn example() -> Document {
        let environment = Environment {
            qemu: "7.2".into(),
            accelerator: "tcg".into(),
            cpu: "pentium".into(),
            host_cpu: "a <host> & co".into(),
            host_cores: 2,
            host_kernel: "6.1".into(),
            commit: "0123abc".into(),
            date: "2026-01-02T03:04:05Z".into(),
        };
        let row = |kernel: &str, first: &[f64], ready: Option<&[f64]>| Row {
            configuration: "pc, qboot".into(),
            kernel: kernel.into(),
            first_byte: series(first),
            first_byte_to_ready: ready.map(series),
            ready: ready.map(series),
        };
        Document {
            schema: SCHEMA.into(),
            environment,
            seed: 7,
            runs: 3,
            warmup: 1,
            rows: vec![
                row("floor", &[27.0, 28.0, 29.0], None),
                row("exov6", &[28.0, 29.0, 31.0], Some(&[30.0, 33.0, 34.0])),
            ],
            over_floor: Vec::new(),
            counts: vec![Count {
                name: "ready/16M/qboot".into(),
                value: 500_000,
            }],
            work: vec![Work {
                class: "alu".into(),
                guest_ns: 3.0,
                native_ns: Some(0.5),
            }],
        }
    }

    #[test]
    fn a_document_is_read_again() {
        let text = serde_json::to_string(&example()).expect("plain data");
        let again = Document::parse(&text, "x.json").expect("it was just written");
        assert_eq!(
            again.rows[1].first_byte.summary,
            example().rows[1].first_byte.summary
        );
        assert_eq!(again.work[0].ratio(), Some(6.0));
    }

    #[test]
    fn other_schemas_are_refused_by_name() {
        let text = serde_json::to_string(&example()).expect("plain data");
        let other = text.replace(SCHEMA, "exov6.bench-boot/2");
        let failure = Document::parse(&other, "x.json").expect_err("another schema");
        assert!(failure.what.contains("bench-boot/2"), "{failure}");
        assert!(Document::parse("{}", "x.json").is_err());
    }
}
