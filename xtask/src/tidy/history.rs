//! Rules about commits.

use super::tree::Tree;
use super::{Place, Severity};

const LENGTH: usize = 72;

/// Subjects fit into one line of a log.
pub(super) fn subjects(tree: &Tree) -> Vec<Place> {
    let mut places = Vec::new();
    for commit in &tree.commits {
        let length = commit.subject.chars().count();
        let message = if length > LENGTH {
            format!("{length} characters: {}", commit.subject)
        } else if commit.subject.ends_with('.') {
            format!("a full stop: {}", commit.subject)
        } else {
            continue;
        };
        places.push(Place {
            path: format!("commit {}", commit.hash),
            line: 0,
            message,
            severity: Severity::Violation,
        });
    }
    places
}
