//! Which files each linter reads. Pure.
//!
//! A file that is named here and is not there is an error: a linter with
//! nothing to read is content with everything.

use super::Lint;
use crate::failure::{Failure, Result};
use crate::tidy::tree::Tree;

const DOCKERFILE: &str = "ci/Dockerfile.i386";
const COMPOSE: &str = "ci/compose.yaml";
const BAKE: &str = "ci/docker-bake.hcl";
const WORKFLOW: &str = ".github/workflows/qemu-docker-i386.yml";
const SCRIPT: &str = ".ci/run";

/// The files of a linter, from the root.
pub(super) fn of(lint: Lint, tree: &Tree) -> Result<Vec<String>> {
    let (named, wanted): (&str, fn(&Tree) -> Vec<String>) = match lint {
        Lint::Hadolint => (DOCKERFILE, dockerfiles),
        Lint::Jactionlint | Lint::Zizmor => (WORKFLOW, workflows),
        Lint::Shellcheck => (SCRIPT, scripts),
        Lint::Compose => (COMPOSE, |_| vec![COMPOSE.to_owned()]),
        Lint::Bake => (BAKE, |_| vec![BAKE.to_owned()]),
    };
    if !tree.files.contains_key(named) {
        let what = format!("{named} is not there, and {lint} is to read it");
        return Err(Failure::failed(what).mend("name its new place in xtask/src/lint/subjects.rs"));
    }
    Ok(wanted(tree))
}

fn paths(tree: &Tree, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    tree.files
        .keys()
        .filter(|path| wanted(path))
        .cloned()
        .collect()
}

fn dockerfiles(tree: &Tree) -> Vec<String> {
    paths(tree, |path| {
        let name = path.rsplit('/').next().unwrap_or_default();
        name == "Dockerfile" || name.starts_with("Dockerfile.")
    })
}

fn workflows(tree: &Tree) -> Vec<String> {
    paths(tree, |path| {
        let is_yaml = path.ends_with(".yml") || path.ends_with(".yaml");
        path.starts_with(".github/workflows/") && is_yaml
    })
}

fn scripts(tree: &Tree) -> Vec<String> {
    let files = tree.files.values().filter(|file| file.is_shell());
    files.map(|file| file.path.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::File;

    fn tree() -> Tree {
        let sh = "#!/bin/sh\nexec cargo xtask test\n";
        Tree::of([
            File::new(DOCKERFILE, "FROM x\n"),
            File::new("ci/Dockerfile.other", "FROM x\n"),
            File::new(WORKFLOW, "on: push\n"),
            File::new(".github/workflows/more.yaml", "on: push\n"),
            File::new(".github/workflows/README.md", "text\n"),
            File::new(SCRIPT, "#!/usr/bin/env bash\nexec cargo xtask test\n"),
            File::new("tools/x.sh", sh),
            File::new("tools/in", sh),
            File::new("tools/x.py", "#!/usr/bin/python3\n"),
        ])
    }

    #[test]
    fn each_reads_all_files_of_its_kind() {
        let of = |lint| of(lint, &tree()).expect("its file is there");
        assert_eq!(of(Lint::Hadolint), [DOCKERFILE, "ci/Dockerfile.other"]);
        assert_eq!(of(Lint::Zizmor), [".github/workflows/more.yaml", WORKFLOW]);
        assert_eq!(of(Lint::Shellcheck), [SCRIPT, "tools/in", "tools/x.sh"]);
    }

    #[test]
    fn a_file_that_is_gone_is_an_error() {
        for lint in [Lint::Compose, Lint::Bake] {
            let failure = of(lint, &tree()).expect_err("neither is in this tree");
            assert!(failure.what.contains("is not there"), "{failure}");
        }
    }
}
