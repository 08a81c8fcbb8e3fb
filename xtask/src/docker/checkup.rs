//! What `doctor` says of container engines: each cause by itself, with its mend.
//!
//! Only looks, and gives each question a few seconds: an engine that hangs, or a
//! machine without any, must not keep anybody from reading the rest.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::diagnosis::{Trouble, diagnose};
use super::engine::{self, Client, Engine, Platform};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::run;

/// How long an engine may take for an answer.
const ENGINE: Duration = Duration::from_secs(5);
/// How long a registry may take.
const REGISTRY: Duration = Duration::from_secs(5);
/// An image that no registry has: asking for it moves nothing, and tells a
/// registry that answers from one that does not.
const NO_IMAGE: &str = "docker.io/library/debian@sha256:\
    0000000000000000000000000000000000000000000000000000000000000000";
/// Where Linux lists its translators for foreign programs.
const BINFMT: &str = "/proc/sys/fs/binfmt_misc";

/// What was found of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// docker, docker-buildx, podman, a platform, or registry.
    pub what: &'static str,
    /// Whether it works.
    pub ok: bool,
    /// What there is, or what is wrong.
    pub about: String,
    /// The name of what is wrong.
    pub trouble: Option<&'static str>,
    /// What mends it.
    pub mend: Option<String>,
}

impl Finding {
    fn good(what: &'static str, about: impl Into<String>) -> Self {
        Finding {
            what,
            ok: true,
            about: about.into(),
            trouble: None,
            mend: None,
        }
    }

    fn bad(what: &'static str, trouble: Option<&'static str>, failure: Failure) -> Self {
        Finding {
            what,
            ok: false,
            about: failure.what,
            trouble,
            mend: failure.mend,
        }
    }

    fn of(what: &'static str, trouble: &Trouble) -> Self {
        Self::bad(what, Some(trouble.word()), trouble.failure())
    }
}

/// Looks at everything that containers need here.
pub fn examine(cx: &Context) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut working = Vec::new();
    for client in Client::ALL {
        let asked = engine::ask_daemon(cx, *client, ENGINE);
        findings.push(of_engine(*client, &asked));
        if *client == Client::Docker && !matches!(asked, Ok(Err(Trouble::NoClient(_)))) {
            findings.push(of_buildx(cx));
        }
        if let Ok(Ok(engine)) = asked {
            working.push(engine);
        }
    }
    if let Some(engine) = working.first() {
        let platforms = Platform::ALL.iter();
        findings.extend(
            platforms.map(|platform| of_platform(*platform, &engine.host, Path::new(BINFMT))),
        );
        findings.push(of_registry(cx, engine));
    }
    findings
}

fn of_engine(client: Client, asked: &Result<std::result::Result<Engine, Trouble>>) -> Finding {
    match asked {
        Ok(Ok(engine)) => Finding::good(
            client.word(),
            format!("engine {} on {}", engine.version, engine.host),
        ),
        Ok(Err(trouble)) => Finding::of(client.word(), trouble),
        Err(failure) => Finding::bad(client.word(), None, failure.clone()),
    }
}

fn of_buildx(cx: &Context) -> Finding {
    let what = "docker-buildx";
    match engine::has_buildx(cx, Path::new(Client::Docker.word())) {
        Ok(true) => Finding::good(what, "builds images"),
        Ok(false) => Finding::of(what, &Trouble::NoBuildx),
        Err(failure) => Finding::bad(what, None, failure),
    }
}

/// Whether the engine's machine, if it is this one, runs a platform's programs.
fn of_platform(platform: Platform, host: &str, binfmt: &Path) -> Finding {
    if platform.is_native_on(host) {
        return Finding::good(
            platform.word(),
            format!("native on {host}: neither binfmt nor emulation"),
        );
    }
    let translator = match platform {
        Platform::Linux386 => "qemu-i386",
        Platform::LinuxAmd64 => "qemu-x86_64",
    };
    let file = binfmt.join(translator);
    let is_there = std::fs::read_to_string(&file).is_ok_and(|text| text.starts_with("enabled"));
    match is_there {
        true => Finding::good(
            platform.word(),
            format!("foreign to {host}, translated by {translator}"),
        ),
        false => Finding::of(platform.word(), &Trouble::NoBinfmt(Some(platform))),
    }
}

fn of_registry(cx: &Context, engine: &Engine) -> Finding {
    let what = "registry";
    if cx.offline {
        return Finding::good(what, "not asked, because of --offline");
    }
    let mut command = engine.command();
    command.args(["pull", "--quiet", NO_IMAGE]);
    match run::output_within(cx, &mut command, REGISTRY) {
        Err(failure) => Finding::bad(what, None, failure),
        Ok(None) => Finding::of(what, &Trouble::NoRegistry("docker.io".to_owned())),
        Ok(Some(output)) => judge_registry(&output.stderr),
    }
}

/// A registry that knows enough to say no is one.
fn judge_registry(said: &str) -> Finding {
    match diagnose(said) {
        Some(trouble @ Trouble::NoRegistry(_)) => {
            let mut finding = Finding::of("registry", &trouble);
            // Nobody asked for an image.
            finding.about = finding
                .about
                .replace(", and the image is not on this machine", "");
            finding
        }
        _ => Finding::good("registry", "docker.io answers"),
    }
}

/// The findings as people read them.
pub fn table(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return String::new();
    }
    let mut text = "\ncontainers (optional)\n".to_owned();
    for finding in findings {
        let state = if finding.ok { "ok" } else { "absent" };
        let about = finding.about.replace('\n', "\n           ");
        text.push_str(&format!("  {state:8} {:14} {about}\n", finding.what));
        for line in finding.mend.iter().flat_map(|mend| mend.lines()) {
            text.push_str(&format!("  {:8} {:14}   {line}\n", "", ""));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_any_engine_is_told_how_to_get_one() {
        let none = of_engine(Client::Docker, &Ok(Err(Trouble::NoClient(Client::Docker))));
        assert_eq!(none.trouble, Some("no-client"));
        let text = table(&[none]);
        assert!(
            text.contains("  absent   docker         docker is not there\n"),
            "{text}"
        );
        assert!(text.contains("cargo xtask setup --docker\n"), "{text}");
        assert_eq!(table(&[]), "");
    }

    #[test]
    fn a_client_that_does_not_even_run_is_reported_and_not_fatal() {
        let broken = of_engine(
            Client::Podman,
            &Err(Failure::failed("podman does not work")),
        );
        assert_eq!((broken.ok, broken.trouble), (false, None));
    }

    #[test]
    fn a_foreign_platform_needs_a_translator() {
        let native = of_platform(Platform::Linux386, "amd64", Path::new("/nowhere"));
        assert!(native.ok, "{native:?}");
        let lacking = of_platform(Platform::Linux386, "arm64", Path::new("/nowhere"));
        assert_eq!(lacking.trouble, Some("no-binfmt"));
        let folder = std::env::temp_dir().join(format!("exov6-binfmt-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("/tmp is writable");
        let file = folder.join("qemu-i386");
        std::fs::write(&file, "enabled\ninterpreter /usr/bin/qemu-i386-static\n").expect("ours");
        assert!(of_platform(Platform::Linux386, "arm64", &folder).ok);
        std::fs::write(&file, "disabled\n").expect("ours");
        assert!(!of_platform(Platform::Linux386, "arm64", &folder).ok);
        std::fs::remove_dir_all(&folder).expect("it was made above");
    }

    #[test]
    fn a_registry_that_says_no_is_there() {
        let unreachable = "Error response from daemon: Get \"https://registry.invalid/v2/\": \
                           dial tcp: lookup registry.invalid on 192.0.2.53:53: no such host";
        let finding = judge_registry(unreachable);
        assert_eq!(finding.trouble, Some("no-registry"));
        assert_eq!(
            finding.about,
            "the registry registry.invalid cannot be reached"
        );
        assert!(judge_registry("Error response from daemon: manifest unknown").ok);
    }
}
