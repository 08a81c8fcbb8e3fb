//! Every rule can fail: the workflow, broken in one place, and the complaint.

use crate::model::Workflow;
use crate::{rules, text};

/// What stands there, what is put in its place once, and what must be said.
const FAULTS: &[(&str, &str, &str)] = &[
    // Commands.
    (
        "run: cargo xtask docker-smoke",
        "run: docker run exov6 && cargo xtask docker-smoke",
        "more than a call of the tool",
    ),
    (
        "run: cargo xtask docker-smoke",
        "run: make smoke",
        "no call of `cargo xtask`",
    ),
    (
        "docker-smoke --platform linux/386",
        "docker-smoke --platform linux/ppc",
        "the tool does not take it",
    ),
    (
        "docker-smoke --platform",
        "docker-smok --platform",
        "the tool does not take it",
    ),
    (
        "-- test --partition",
        "-- tset --partition",
        "the tool does not take it",
    ),
    (
        "-- bench-boot --count",
        "-- bench-boot --cuont",
        "the tool does not take it",
    ),
    (
        "docker-smoke --platform \"$PLATFORM\"",
        "docker-smoke --platform ${{ matrix.platform }}",
        "$ stands without quotes",
    ),
    (
        "docker-smoke --platform \"$PLATFORM\"",
        "docker-smoke --platform $PLATFORM",
        "$PLATFORM stands without quotes",
    ),
    (
        "docker-smoke --platform \"$PLATFORM\"",
        "docker-smoke --platform \"$HOSTNAME\"",
        "no value that is known",
    ),
    (
        "run: cargo xtask ci --only lint",
        "shell: python\n        run: cargo xtask ci --only lint",
        "not run as others are",
    ),
    // Triggers and inputs.
    ("\"copilot/**\"]", "]", "pushes to"),
    ("  pull_request:\n", "", "it is triggered by"),
    ("tags: [\"v*\"]", "tags: [\"*\"]", "release tags"),
    ("default: false", "default: true", "no switch that is off"),
    (
        "default: \"120\"",
        "default: \"0\"",
        "qemu_timeout is not 120",
    ),
    (
        "inputs.qemu_timeout || '120'",
        "'120'",
        "qemu_timeout does nothing",
    ),
    // Rights and limits.
    (
        "permissions: {}",
        "permissions: write-all",
        "the workflow itself has permissions",
    ),
    (
        "contents: read # to check it out",
        "contents: write",
        "its permissions are",
    ),
    (
        "      id-token: write # to say who signs\n",
        "",
        "its permissions are",
    ),
    (
        "persist-credentials: false",
        "persist-credentials: true",
        "leaves its token behind",
    ),
    (
        "    timeout-minutes: 60\n",
        "",
        "its timeout-minutes is None",
    ),
    (
        "timeout-minutes: 90",
        "timeout-minutes: 900",
        "its timeout-minutes is",
    ),
    (
        "runs-on: ubuntu-24.04",
        "runs-on: ubuntu-latest",
        "which changes by itself",
    ),
    (
        "github.ref }}\n  cancel",
        "github.sha }}\n  cancel",
        "do not replace each other",
    ),
    ("&& inputs.debug_enabled }}", "}}", "a shell opens unasked"),
    (
        "limit-access-to-actor: true",
        "limit-access-to-actor: false",
        "open to anybody",
    ),
    ("        timeout-minutes: 30\n", "", "a shell stays open"),
    // Pins.
    (
        "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1",
        "actions/checkout@v7 # v7.0.1",
        "not pinned by its commit",
    ),
    ("ba90b1 # v7.0.1", "ba90b1", "does not say its version"),
    ("ba90b1 # v7.0.1", "ba90b2 # v7.0.1", "has two versions"),
    // Artifacts.
    (
        "retention-days: 14",
        "retention-days: 90",
        "is kept Some(90) days",
    ),
    (
        "retention-days: 7",
        "retention-days: 14",
        "is kept Some(14) days",
    ),
    (
        "name: results-build",
        "name: other-build",
        "reports and logs are not kept",
    ),
    (
        "name: Keep the kernel\n        if: ${{ always() }}",
        "name: Keep the kernel\n        if: ${{ success() }}",
        "uploaded on success only",
    ),
    // The matrix and what becomes of it.
    (
        "platform: linux/amd64",
        "platform: linux/386",
        "the platforms are",
    ),
    ("part: 2/2", "part: 2/3", "together they are no whole"),
    (
        "slug: linux-amd64",
        "slug: amd64",
        "not named after its platform",
    ),
    ("fail-fast: false", "fail-fast: true", "hides the other"),
    (
        "docker-integration --platform \"$PLATFORM\"",
        "docker-smoke --platform \"$PLATFORM\"",
        "no `docker-integration",
    ),
    (
        "needs: [build-i386-docker, qemu-docker-multiarch, performance-test-i386]",
        "needs: [build-i386-docker, performance-test-i386]",
        "a shard could be lost",
    ),
    (
        "    if: ${{ always() }}\n    needs:",
        "    needs:",
        "no summary of a failure",
    ),
    (
        "          path: target/ci/results\n",
        "          path: target/ci/results\n          name: results-build\n",
        "does not fetch all artifacts",
    ),
    (
        " --job qemu-docker-multiarch=\"$TESTS\"",
        "",
        "not told how qemu-docker-multiarch ended",
    ),
    ("--require tests", "", "a summary without tests would do"),
    (
        "needs.qemu-docker-multiarch.result",
        "needs.build-i386-docker.result",
        "another job's",
    ),
    // Releases.
    (
        "    name: Attest a release's kernel\n    if: ${{ startsWith(github.ref, 'refs/tags/') }}\n",
        "    name: Attest a release's kernel\n",
        "what is no release is attested",
    ),
    (
        "needs: [build-i386-docker, ci-summary]",
        "needs: [build-i386-docker]",
        "nobody looked at",
    ),
    (
        "actions/attest-build-provenance@",
        "actions/attest-nothing@",
        "nothing is attested",
    ),
    (
        "docker-build --platform linux/386 --no-cache",
        "docker-build --platform linux/386 --cache gha",
        "built from a cache",
    ),
    (
        "\n  performance-test-i386:\n",
        "\n  performance:\n",
        "its jobs are",
    ),
];

#[test]
fn every_fault_is_found() {
    let text = text();
    let mut unfound = Vec::new();
    for (there, instead, complaint) in FAULTS {
        if !text.contains(there) {
            unfound.push(format!("{there:?} does not stand in the workflow any more"));
            continue;
        }
        let broken = text.replacen(there, instead, 1);
        let workflow = match Workflow::read(&broken) {
            Ok(workflow) => workflow,
            Err(error) => {
                unfound.push(format!("{instead:?} is no YAML there: {error}"));
                continue;
            }
        };
        let complaints = rules::complaints(&workflow);
        if !complaints.iter().any(|found| found.contains(complaint)) {
            unfound.push(format!(
                "{instead:?}: wanted {complaint:?}, got {complaints:?}"
            ));
        }
    }
    assert!(unfound.is_empty(), "{}", unfound.join("\n"));
}

#[test]
fn what_is_no_yaml_is_no_workflow() {
    let text = text();
    assert!(Workflow::read("a: [").is_err());
    assert!(Workflow::read(&format!("{text}\n---\nmore: 1\n")).is_err());
}
