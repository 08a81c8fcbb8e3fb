//! A fault for each linter to find.
//!
//! Owns the faulty files. They stand here and not in the tree, where other
//! people's scanners would find them too.

use super::{Lint, Planted};

/// The file planted for a linter.
pub(super) fn of(lint: Lint) -> Planted {
    match lint {
        Lint::Hadolint => Planted {
            name: "Dockerfile",
            text: "FROM debian:latest\nCMD [\"true\"]\n",
            finding: "DL3007",
        },
        Lint::Jactionlint => Planted {
            name: "planted.yml",
            text: WORKFLOW,
            finding: "property \"nothing\" is not defined",
        },
        Lint::Zizmor => Planted {
            name: "planted.yml",
            text: WORKFLOW,
            finding: "template-injection",
        },
        Lint::Shellcheck => Planted {
            name: "planted",
            text: "#!/bin/sh\nrm $1\n",
            finding: "SC2086",
        },
        Lint::Compose => Planted {
            name: "compose.yaml",
            text: "services:\n  planted:\n    image: debian\n    comand: [\"true\"]\n",
            finding: "comand",
        },
        Lint::Bake => Planted {
            name: "docker-bake.hcl",
            text: "target \"default\" { dockerfile = NOWHERE }\n",
            finding: "Unknown variable",
        },
    }
}

/// Runs the title of a pull request, and names a property that is not there.
const WORKFLOW: &str = "\
name: planted
on: pull_request
permissions: {}
jobs:
  greet:
    runs-on: ubuntu-24.04
    steps:
      - run: echo \"${{ github.event.pull_request.title }} ${{ matrix.nothing }}\"
";
