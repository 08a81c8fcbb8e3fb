//! Bringing images to a registry.
//!
//! Owns the question whether there is one, asked before anything is built: a
//! push that fails after minutes of building is a nuisance.

use super::call;
use super::engine::{Client, Engine};
use super::plan::{self, Facts, Request, Target};
use super::running::refused;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::run;

/// What a registry's client says when the registry answered, but has nothing
/// under the name, or does not show it to everybody.
const ANSWERED: [&str; 8] = [
    "not found",
    "manifest unknown",
    "name unknown",
    "unauthorized",
    "authorization failed",
    "insufficient_scope",
    "denied",
    "no such manifest",
];

/// Asks the registry of `--push` anything at all.
///
/// # Errors
/// When it does not answer.
pub fn check(cx: &Context, engine: &Engine, request: &Request) -> Result<()> {
    let Some(name) = &request.push else {
        return Ok(());
    };
    if cx.dry_run {
        return Ok(());
    }
    if cx.offline {
        return Err(Failure::usage(
            "--push needs the network, which --offline forbids",
            "leave one of them out",
        ));
    }
    let mut command = engine.command();
    match engine.client {
        Client::Docker => command.args(["buildx", "imagetools", "inspect", &name.0]),
        Client::Podman => command.args(["manifest", "inspect", &name.0]),
    };
    let output = run::output(cx, &mut command)?;
    if output.status.success() || answered(&output.stderr) {
        return Ok(());
    }
    let failure = refused(&output.stderr);
    Err(Failure {
        what: format!("{} cannot be pushed: {}", name.0, failure.what),
        ..failure
    })
}

fn answered(said: &str) -> bool {
    let said = said.to_lowercase();
    ANSWERED.iter().any(|word| said.contains(word))
}

/// Pushes each platform's image, and joins them under the name that was asked
/// for if there are several; the names that are there now.
pub fn push(
    cx: &Context,
    engine: &Engine,
    request: &Request,
    facts: &Facts,
    targets: &[Target],
) -> Result<Vec<String>> {
    let Some(name) = &request.push else {
        return Ok(Vec::new());
    };
    let mut pushed = Vec::new();
    let mut calls = Vec::new();
    for target in targets {
        let (words, part) = plan::push(request, facts, target, name, targets.len());
        calls.extend(words);
        pushed.push(part);
    }
    if targets.len() > 1 {
        calls.extend(plan::join(facts, name, &pushed));
        pushed.push(name.0.clone());
    }
    for words in calls {
        let mut command = engine.command();
        command.args(words);
        cx.ui.echo(&command);
        if cx.dry_run {
            continue;
        }
        let mut said = String::new();
        let status = call::listen(cx, command, |line| {
            cx.ui.detail(line);
            said.push_str(line);
            said.push('\n');
        })?;
        if !status.success() {
            return Err(refused(&said));
        }
    }
    Ok(pushed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_that_says_no_has_answered() {
        for said in [
            "ERROR: ghcr.io/me/exov6:1: not found",
            "error: unauthorized: access token has insufficient scopes",
            "pull access denied, repository does not exist",
        ] {
            assert!(answered(said), "{said}");
        }
        for said in [
            "ERROR: failed to do request: Head \"https://ghcr.io/v2/\": dial tcp: lookup ghcr.io: no such host",
            "dial tcp 10.0.0.1:443: i/o timeout",
        ] {
            assert!(!answered(said), "{said}");
        }
    }
}
