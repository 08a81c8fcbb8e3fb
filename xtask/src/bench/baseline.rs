//! What changed since an earlier measurement.
//!
//! Pure; called with the document of `--baseline` and the new one. A wall
//! time counts as changed only when the two intervals do not touch; an
//! instruction count when it differs at all.

use super::document::{Document, Row, Series};

/// One line of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What was measured.
    pub what: String,
    /// Then.
    pub before: f64,
    /// Now.
    pub after: f64,
    /// Its unit.
    pub unit: &'static str,
    /// Whether it is more than noise.
    pub weight: Weight,
}

/// What a difference means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// The intervals overlap, or the counts are equal.
    Noise,
    /// Less than before.
    Better,
    /// More than before.
    Worse,
}

/// Everything that both documents measured.
pub fn changes(before: &Document, after: &Document) -> Vec<Change> {
    let mut changes = Vec::new();
    for row in &after.rows {
        let same = |old: &&Row| old.name() == row.name();
        let Some(old) = before.rows.iter().find(same) else {
            continue;
        };
        let pairs = [
            ("first byte", Some(&old.first_byte), Some(&row.first_byte)),
            ("ready", old.ready.as_ref(), row.ready.as_ref()),
        ];
        for (what, old, new) in pairs {
            if let (Some(old), Some(new)) = (old, new) {
                changes.push(of_series(format!("{}: {what}", row.name()), old, new));
            }
        }
    }
    for count in &after.counts {
        let same = before.counts.iter().find(|old| old.name == count.name);
        let Some(old) = same else { continue };
        let weight = match count.value.cmp(&old.value) {
            std::cmp::Ordering::Less => Weight::Better,
            std::cmp::Ordering::Equal => Weight::Noise,
            std::cmp::Ordering::Greater => Weight::Worse,
        };
        changes.push(Change {
            what: count.name.clone(),
            before: old.value as f64,
            after: count.value as f64,
            unit: "",
            weight,
        });
    }
    changes
}

fn of_series(what: String, before: &Series, after: &Series) -> Change {
    let (old, new) = (before.summary, after.summary);
    let weight = if new.high < old.low {
        Weight::Better
    } else if new.low > old.high {
        Weight::Worse
    } else {
        Weight::Noise
    };
    Change {
        what,
        before: old.median,
        after: new.median,
        unit: " ms",
        weight,
    }
}

impl Change {
    /// The change in percent of what was.
    pub fn percent(&self) -> f64 {
        if self.before == 0.0 {
            0.0
        } else {
            (self.after - self.before) * 100.0 / self.before
        }
    }

    /// The line of the table.
    pub fn line(&self) -> String {
        let digits = if self.unit.is_empty() { 0 } else { 2 };
        let weight = match self.weight {
            Weight::Noise => "",
            Weight::Better => "  better",
            Weight::Worse => "  WORSE",
        };
        format!(
            "{}: {:.digits$} -> {:.digits$}{} ({:+.1} %){weight}",
            self.what,
            self.before,
            self.after,
            self.unit,
            self.percent()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::document::tests::{example, series};

    #[test]
    fn only_what_exceeds_its_interval_has_changed() {
        let before = example();
        let mut after = example();
        after.rows[1].ready = Some(series(&[60.0, 61.0, 62.0]));
        after.rows[0].first_byte = series(&[1.0, 1.0, 1.0]);
        after.counts[0].value = 500_001;
        let changes = changes(&before, &after);
        let weights: Vec<Weight> = changes.iter().map(|change| change.weight).collect();
        assert_eq!(
            weights,
            [Weight::Better, Weight::Noise, Weight::Worse, Weight::Worse]
        );
        assert_eq!(
            changes[3].line(),
            "ready/16M/qboot: 500000 -> 500001 (+0.0 %)  WORSE"
        );
        assert!(
            changes[2]
                .line()
                .ends_with("33.00 -> 61.00 ms (+84.8 %)  WORSE"),
            "{}",
            changes[2].line()
        );
    }

    #[test]
    fn what_only_one_side_has_is_left_out() {
        let mut after = example();
        after.rows[0].kernel = "other".into();
        after.counts.clear();
        assert_eq!(changes(&example(), &after).len(), 2);
    }
}
