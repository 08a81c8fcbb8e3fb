//! Which of the cases run: filter, ring, machine, partition.
//!
//! Owns the meaning of `FILTER`, `--ring`, `--cpu`, `--smp` and
//! `--partition`. Pure; called by the test command before anything runs.

use super::case::Label;
use crate::cli::{Partition, Ring};
use crate::machine::Cpu;

/// What the person asked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Part of the name; the whole name of a case means that case alone.
    pub filter: Option<String>,
    /// The rings, all if empty.
    pub rings: Vec<Ring>,
    /// Only machines with this CPU.
    pub cpu: Option<Cpu>,
    /// Only machines with this many processors.
    pub smp: Option<u32>,
    /// Which share of what remains.
    pub partition: Option<Partition>,
}

impl Wanted {
    /// Whether a ring has to be listed at all: a filter that begins with
    /// another ring's name needs none of this one's builds.
    pub fn may_want(&self, ring: Ring) -> bool {
        if !self.rings.is_empty() && !self.rings.contains(&ring) {
            return false;
        }
        let named = self
            .filter
            .as_deref()
            .and_then(|filter| filter.split_once("::"));
        match named.and_then(|(head, _)| Ring::ALL.iter().find(|ring| ring.word() == head)) {
            Some(only) => *only == ring,
            None => true,
        }
    }

    /// The indices into `all` of the cases to run, in order.
    pub fn select(&self, all: &[Label]) -> Vec<usize> {
        let chosen = self.select_whole(all);
        match self.partition {
            Some(part) => part_of(&chosen, part),
            None => chosen,
        }
    }

    /// The same for all parts together.
    pub fn select_whole(&self, all: &[Label]) -> Vec<usize> {
        let filter = self.filter.as_deref().unwrap_or("");
        let whole_name = all.iter().any(|case| case.name == filter);
        let named = |case: &Label| match whole_name {
            true => case.name == filter,
            false => case.name.contains(filter),
        };
        let chosen = all.iter().enumerate().filter(|(_, case)| {
            named(case) && self.may_want(case.ring) && self.wants_machine(case.machine)
        });
        chosen.map(|(index, _)| index).collect()
    }

    /// Whether a case on this machine may be chosen; one without always may.
    pub fn wants_machine(&self, machine: Option<(Cpu, u32)>) -> bool {
        let Some((cpu, smp)) = machine else {
            return true;
        };
        self.cpu.is_none_or(|wanted| wanted == cpu) && self.smp.is_none_or(|wanted| wanted == smp)
    }
}

/// The `part.index`-th of `part.count` shares: every `count`-th case, so that
/// each share gets its portion of every ring. The shares are disjoint and
/// together complete.
fn part_of(chosen: &[usize], part: Partition) -> Vec<usize> {
    let (first, step) = (
        part.index.saturating_sub(1) as usize,
        part.count.max(1) as usize,
    );
    chosen.iter().copied().skip(first).step_by(step).collect()
}

/// Up to three names somebody who wrote `filter` may have meant.
pub fn near<'a>(filter: &str, all: &'a [Label]) -> Vec<&'a str> {
    let wanted: Vec<String> = words(filter);
    let mut scored: Vec<(usize, &str)> = all
        .iter()
        .map(|case| {
            (
                distance_to_words(&wanted, &words(&case.name)),
                case.name.as_str(),
            )
        })
        .collect();
    scored.sort_by_key(|(distance, _)| *distance);
    let limit = filter.chars().count() / 2;
    let close = scored
        .into_iter()
        .filter(|(distance, _)| *distance <= limit);
    close.take(3).map(|(_, name)| name).collect()
}

fn words(name: &str) -> Vec<String> {
    let words = name
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

/// For each wanted word the distance to the nearest word of the name, summed.
fn distance_to_words(wanted: &[String], name: &[String]) -> usize {
    let nearest = |word: &String| {
        let distances = name.iter().map(|other| edit_distance(word, other));
        distances.min().unwrap_or(word.chars().count())
    };
    wanted.iter().map(nearest).sum()
}

/// Levenshtein's distance.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn label(name: &str, machine: Option<(Cpu, u32)>) -> Label {
        let ring = name
            .split("::")
            .next()
            .expect("split yields one part at least");
        Label {
            name: name.to_owned(),
            ring: ring.parse().expect("a ring"),
            machine,
        }
    }

    fn labels() -> Vec<Label> {
        vec![
            label("host::xtask::cli::reads", None),
            label("host::xtask::cli::reads_twice", None),
            label(
                "ktest::pentium-smp1-dev::frames::reads",
                Some((Cpu::Pentium, 1)),
            ),
            label("system::boot::pentium3-smp2", Some((Cpu::Pentium3, 2))),
        ]
    }

    fn wanted(filter: &str) -> Wanted {
        Wanted {
            filter: Some(filter.to_owned()),
            ..Wanted::default()
        }
    }

    #[test]
    fn a_filter_is_part_of_the_name() {
        assert_eq!(wanted("reads").select(&labels()), [0, 1, 2]);
        assert_eq!(wanted("nothing").select(&labels()), [0; 0]);
        assert_eq!(Wanted::default().select(&labels()), [0, 1, 2, 3]);
    }

    #[test]
    fn a_whole_name_is_that_case_alone() {
        assert_eq!(wanted("host::xtask::cli::reads").select(&labels()), [0]);
    }

    #[test]
    fn rings_and_machines_narrow() {
        let rings = vec![Ring::Host, Ring::System];
        assert_eq!(
            Wanted {
                rings,
                ..Wanted::default()
            }
            .select(&labels()),
            [0, 1, 3]
        );
        let cpu = Some(Cpu::Pentium);
        assert_eq!(
            Wanted {
                cpu,
                ..Wanted::default()
            }
            .select(&labels()),
            [0, 1, 2]
        );
        let smp = Some(2);
        assert_eq!(
            Wanted {
                cpu,
                smp,
                ..Wanted::default()
            }
            .select(&labels()),
            [0, 1]
        );
    }

    #[test]
    fn a_filter_that_names_a_ring_needs_no_other() {
        assert!(wanted("host::xtask").may_want(Ring::Host));
        assert!(!wanted("host::xtask").may_want(Ring::Ktest));
        assert!(wanted("xtask::cli").may_want(Ring::Ktest));
    }

    #[test]
    fn near_names_are_offered() {
        assert_eq!(
            near("sytem::bot", &labels()),
            ["system::boot::pentium3-smp2"]
        );
        assert!(near("zzzzzz", &labels()).is_empty());
        assert_eq!(edit_distance("kitten", "sitting"), 3);
    }

    proptest! {
        #[test]
        fn partitions_are_disjoint_and_complete(
            cases in prop::collection::btree_set(0usize..10_000, 0..200),
            count in 1u32..20,
        ) {
            let chosen: Vec<usize> = cases.into_iter().collect();
            let part = |index| part_of(&chosen, Partition { index, count });
            let mut together: Vec<usize> = (1..=count).flat_map(part).collect();
            let pieces: Vec<usize> = (1..=count).map(|index| part(index).len()).collect();
            together.sort_unstable();
            prop_assert_eq!(together, chosen);
            let spread = pieces.iter().max().zip(pieces.iter().min());
            prop_assert!(spread.is_none_or(|(most, least)| most - least <= 1));
        }
    }
}
