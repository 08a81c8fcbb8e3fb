//! What was measured, as names and numbers, and how that differs from before.
//!
//! Owns the schema `exov6.summary/1`, by which one summary tells the next what
//! it saw, and when a difference counts: bytes and instructions always, times
//! only when their intervals do not touch. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::input::{Input, Report};
use crate::choice;
use crate::sizes::Sizes;

/// The name and version of the schema.
pub const SCHEMA: &str = "exov6.summary/1";

/// The document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// [`SCHEMA`].
    pub schema: String,
    /// All numbers, by name.
    pub numbers: Vec<Number>,
}

/// A number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Number {
    /// What was measured.
    pub name: String,
    /// Its unit.
    pub unit: Unit,
    /// How many.
    pub value: f64,
    /// The ends of its 95 % interval, for a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<(f64, f64)>,
}

choice! {
    /// The units of numbers.
    pub enum Unit {
        /// Bytes.
        Bytes = "bytes",
        /// Instructions of the guest.
        Instructions = "instructions",
        /// Milliseconds.
        Milliseconds = "ms",
    }
}

impl<'de> Deserialize<'de> for Unit {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        word.parse().map_err(serde::de::Error::custom)
    }
}

/// A number that is not what it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What it is now.
    pub now: Number,
    /// What it was.
    pub before: f64,
    /// Whether that is good.
    pub weight: Weight,
}

/// What a difference means. All our numbers are better when smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Less than before.
    Better,
    /// More than before.
    Worse,
    /// Different, but within the noise.
    Noise,
}

/// Now against before.
#[derive(Debug, Default, PartialEq)]
pub struct Comparison {
    /// Numbers that differ.
    pub changes: Vec<Change>,
    /// How many are as they were.
    pub same: usize,
    /// Names that were not there before.
    pub new: Vec<String>,
    /// Names that are not there now.
    pub gone: Vec<String>,
}

impl Number {
    /// The value as people read it.
    pub fn shown(&self) -> String {
        shown(self.value, self.unit)
    }
}

impl Change {
    /// What it was, as people read it.
    pub fn before_shown(&self) -> String {
        shown(self.before, self.now.unit)
    }

    /// The difference in percent of what was.
    pub fn percent(&self) -> String {
        match self.before == 0.0 {
            true => "-".to_owned(),
            false => format!(
                "{:+.1} %",
                (self.now.value - self.before) * 100.0 / self.before
            ),
        }
    }
}

fn shown(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Milliseconds => format!("{value:.2} ms"),
        Unit::Bytes | Unit::Instructions => grouped(value),
    }
}

/// A whole number with its digits in groups of three.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Every number of these documents, each name once, in order.
pub fn of(inputs: &[Input]) -> Vec<Number> {
    let mut numbers: BTreeMap<String, Number> = BTreeMap::new();
    let mut add = |name: String, unit: Unit, value: f64, interval: Option<(f64, f64)>| {
        let number = Number {
            name: name.clone(),
            unit,
            value,
            interval,
        };
        numbers.insert(name, number);
    };
    for input in inputs {
        match &input.report {
            Report::Boot(document) => {
                for count in &document.counts {
                    let unit = match count.name.as_str() {
                        "text" => Unit::Bytes,
                        _ => Unit::Instructions,
                    };
                    add(
                        format!("boot: {}", count.name),
                        unit,
                        count.value as f64,
                        None,
                    );
                }
                for row in &document.rows {
                    let series = [
                        ("first byte", Some(&row.first_byte)),
                        ("ready", row.ready.as_ref()),
                    ];
                    for (what, series) in series {
                        let Some(series) = series else { continue };
                        let summary = series.summary;
                        add(
                            format!("boot: {}: {what}", row.name()),
                            Unit::Milliseconds,
                            summary.median,
                            Some((summary.low, summary.high)),
                        );
                    }
                }
            }
            Report::Images(images) => {
                for image in images.builds.iter().filter_map(|row| row.image.as_ref()) {
                    add(
                        format!("image: {}", image.tag),
                        Unit::Bytes,
                        image.bytes as f64,
                        None,
                    );
                }
            }
            Report::Numbers(document) => {
                for number in &document.numbers {
                    add(
                        number.name.clone(),
                        number.unit,
                        number.value,
                        number.interval,
                    );
                }
            }
            Report::Steps(_) | Report::Tests(_) | Report::Sizes(_) | Report::Manifest(_) => {}
        }
    }
    for (name, sizes) in kernels(inputs) {
        for (part, bytes) in sizes.rows() {
            add(format!("{name}: {part}"), Unit::Bytes, bytes as f64, None);
        }
    }
    numbers.into_values().collect()
}

/// The kernels by name; one name if all are equal, as they should be.
pub fn kernels(inputs: &[Input]) -> Vec<(String, Sizes)> {
    let sizes = inputs.iter().filter_map(|input| match &input.report {
        Report::Sizes(sizes) => Some((input.name.as_str(), *sizes)),
        _ => None,
    });
    let sizes: Vec<(&str, Sizes)> = sizes.collect();
    match sizes.as_slice() {
        [] => Vec::new(),
        [(_, first), rest @ ..] if rest.iter().all(|(_, other)| other == first) => {
            vec![("kernel".to_owned(), *first)]
        }
        all => {
            let named = |(name, sizes): &(&str, Sizes)| (format!("kernel of {name}"), *sizes);
            all.iter().map(named).collect()
        }
    }
}

/// What differs.
pub fn compare(before: &[Number], now: &[Number]) -> Comparison {
    let mut comparison = Comparison::default();
    for number in now {
        let old = before.iter().find(|old| old.name == number.name);
        match old {
            Some(old) if old.unit == number.unit => match weight(old, number) {
                Some(weight) => comparison.changes.push(Change {
                    now: number.clone(),
                    before: old.value,
                    weight,
                }),
                None => comparison.same += 1,
            },
            _ => comparison.new.push(number.name.clone()),
        }
    }
    let gone = before
        .iter()
        .filter(|old| now.iter().all(|number| number.name != old.name));
    comparison.gone = gone.map(|old| old.name.clone()).collect();
    comparison
}

/// What the difference means; none if there is none.
fn weight(before: &Number, now: &Number) -> Option<Weight> {
    if before.value == now.value {
        return None;
    }
    if let (Some(old), Some(new)) = (before.interval, now.interval) {
        return Some(match (new.1 < old.0, new.0 > old.1) {
            (true, _) => Weight::Better,
            (_, true) => Weight::Worse,
            _ => Weight::Noise,
        });
    }
    Some(match now.value < before.value {
        true => Weight::Better,
        false => Weight::Worse,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(name: &str, value: f64, interval: Option<(f64, f64)>) -> Number {
        let unit = match interval {
            Some(_) => Unit::Milliseconds,
            None => Unit::Bytes,
        };
        Number {
            name: name.to_owned(),
            unit,
            value,
            interval,
        }
    }

    #[test]
    fn bytes_count_always_and_times_only_beyond_their_noise() {
        let before = [
            number("text", 100.0, None),
            number("same", 7.0, None),
            number("ready", 30.0, Some((29.0, 31.0))),
            number("first", 10.0, Some((9.0, 11.0))),
            number("gone", 1.0, None),
        ];
        let now = [
            number("text", 101.0, None),
            number("same", 7.0, None),
            number("ready", 30.5, Some((29.5, 31.5))),
            number("first", 5.0, Some((4.0, 6.0))),
            number("fresh", 1.0, None),
        ];
        let comparison = compare(&before, &now);
        let weights: Vec<_> = comparison
            .changes
            .iter()
            .map(|change| (change.now.name.as_str(), change.weight))
            .collect();
        assert_eq!(
            weights,
            [
                ("text", Weight::Worse),
                ("ready", Weight::Noise),
                ("first", Weight::Better)
            ]
        );
        assert_eq!(comparison.changes[0].percent(), "+1.0 %");
        assert_eq!((comparison.same, comparison.new.len()), (1, 1));
        assert_eq!(comparison.gone, ["gone"]);
    }

    #[test]
    fn numbers_are_read_in_groups() {
        for (value, text) in [
            (0.0, "0"),
            (999.0, "999"),
            (1000.0, "1,000"),
            (-1234567.0, "-1,234,567"),
        ] {
            assert_eq!(grouped(value), text);
        }
        assert_eq!(shown(1.2345, Unit::Milliseconds), "1.23 ms");
    }

    #[test]
    fn equal_kernels_are_one_and_others_are_named() {
        let input = |name: &str, text: u64| Input {
            name: name.to_owned(),
            report: Report::Sizes(Sizes {
                text,
                ..Sizes::default()
            }),
        };
        assert_eq!(kernels(&[input("a", 1), input("b", 1)]).len(), 1);
        let two = kernels(&[input("a", 1), input("b", 2)]);
        assert_eq!(two[1].0, "kernel of b");
        let numbers = of(&[input("a", 1), input("b", 1)]);
        assert_eq!(numbers.len(), 6);
        assert!(numbers.iter().any(|number| number.name == "kernel: text"));
    }

    #[test]
    fn the_document_is_read_again() {
        let document = Document {
            schema: SCHEMA.to_owned(),
            numbers: vec![number("ready", 30.0, Some((29.0, 31.0)))],
        };
        let text = serde_json::to_string(&document).expect("plain data");
        assert_eq!(serde_json::from_str::<Document>(&text).ok(), Some(document));
        assert!(serde_json::from_str::<Document>(&text.replace("\"ms\"", "\"miles\"")).is_err());
    }
}
