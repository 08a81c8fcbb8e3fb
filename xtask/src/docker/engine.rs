//! The container engine: which one, where it is, and whether it works.
//!
//! Owns the search. Whoever wants containers calls [`Engine::find`] once and
//! then [`Engine::command`]; nobody else starts `docker` or `podman`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::diagnosis::{Trouble, diagnose};
use crate::choice;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::run;
use crate::setup::{self, daemon};

choice! {
    /// The program that talks to an engine.
    pub enum Client {
        /// Docker's, with a daemon behind it.
        Docker = "docker",
        /// Podman, which needs none.
        Podman = "podman",
    }
}

choice! {
    /// What an image is for.
    pub enum Platform {
        /// 32-bit PCs; every x86-64 machine runs it as it is.
        Linux386 = "linux/386",
        /// 64-bit PCs.
        LinuxAmd64 = "linux/amd64",
    }
}

impl Platform {
    /// Debian's name of the architecture.
    pub const fn debian_arch(self) -> &'static str {
        match self {
            Platform::Linux386 => "i386",
            Platform::LinuxAmd64 => "amd64",
        }
    }

    /// The engines' name of the architecture.
    pub const fn goarch(self) -> &'static str {
        match self {
            Platform::Linux386 => "386",
            Platform::LinuxAmd64 => "amd64",
        }
    }

    /// The image that everything else starts from.
    pub const fn default_base(self) -> &'static str {
        match self {
            Platform::Linux386 => "i386/debian:bookworm",
            Platform::LinuxAmd64 => "debian:bookworm",
        }
    }

    /// How many bits a pointer has.
    pub const fn word_size(self) -> u32 {
        match self {
            Platform::Linux386 => 32,
            Platform::LinuxAmd64 => 64,
        }
    }

    /// Whether a machine that an engine calls `host` runs it untranslated.
    pub fn is_native_on(self, host: &str) -> bool {
        match self {
            Platform::Linux386 => matches!(host, "386" | "i386" | "amd64" | "x86_64"),
            Platform::LinuxAmd64 => matches!(host, "amd64" | "x86_64"),
        }
    }
}

/// How long an engine may take to say that it is there.
const ANSWER: Duration = Duration::from_secs(10);

/// A container engine that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    /// Whose client it is.
    pub client: Client,
    /// The client.
    program: PathBuf,
    /// The engine's version, which need not be the client's.
    pub version: String,
    /// The machine the engine runs on, as it calls it: `amd64`.
    pub host: String,
}

impl Engine {
    /// The engine to use: the one that is asked for, else Docker's, else
    /// podman where Docker has no client here.
    ///
    /// In a dry run nothing is asked, so that the command lines can be seen on
    /// a machine without any engine.
    ///
    /// # Errors
    /// [`Exit::Missing`](crate::failure::Exit::Missing) with what mends it, if
    /// there is none that works.
    pub fn find(cx: &Context, want: Option<Client>) -> Result<Self> {
        if cx.dry_run {
            return Ok(Self::supposed(want));
        }
        match look(cx, want)? {
            Ok(engine) => Ok(engine),
            Err(trouble) if cx.setup_allowed && !cx.offline && is_setups(&trouble) => {
                cx.ui
                    .say(format_args!("{}: setting it up", trouble.failure().what));
                setup::docker(cx)?;
                look(cx, want)?.map_err(|trouble| trouble.failure())
            }
            Err(trouble) => Err(trouble.failure()),
        }
    }

    /// The engine that would be asked, without asking it.
    fn supposed(want: Option<Client>) -> Self {
        let client = want.unwrap_or(Client::Docker);
        Engine {
            client,
            program: client.word().into(),
            version: String::new(),
            host: String::new(),
        }
    }

    /// Its client, ready for arguments.
    pub fn command(&self) -> Command {
        command(self.client, &self.program)
    }
}

/// Whether `setup --docker` mends this.
fn is_setups(trouble: &Trouble) -> bool {
    match trouble {
        Trouble::NoClient(Client::Docker) | Trouble::NoBuildx => true,
        trouble => daemon::is_ours(trouble),
    }
}

/// Looks for a working engine, changing nothing: one, or what is in the way.
///
/// # Errors
/// When a client cannot even be started, or time ran out.
pub fn look(cx: &Context, want: Option<Client>) -> Result<std::result::Result<Engine, Trouble>> {
    let first = want.unwrap_or(Client::Docker);
    match (ask(cx, first)?, want) {
        (Err(Trouble::NoClient(Client::Docker)), None) => Ok(match ask(cx, Client::Podman)? {
            Ok(podman) => Ok(podman),
            // Docker is what setup brings.
            Err(_) => Err(Trouble::NoClient(Client::Docker)),
        }),
        (answer, _) => Ok(answer),
    }
}

/// Asks one engine whether it is there and can build.
///
/// # Errors
/// As for [`look`].
pub fn ask(cx: &Context, client: Client) -> Result<std::result::Result<Engine, Trouble>> {
    let engine = match ask_daemon(cx, client, ANSWER)? {
        Ok(engine) => engine,
        trouble => return Ok(trouble),
    };
    if client == Client::Docker && !has_buildx(cx, &engine.program)? {
        return Ok(Err(Trouble::NoBuildx));
    }
    Ok(Ok(engine))
}

/// Asks one engine whether it is there; one that says nothing for `longest` is
/// not.
///
/// # Errors
/// As for [`look`].
pub fn ask_daemon(
    cx: &Context,
    client: Client,
    longest: Duration,
) -> Result<std::result::Result<Engine, Trouble>> {
    let Some(program) = run::program(Path::new(client.word())) else {
        return Ok(Err(Trouble::NoClient(client)));
    };
    let question: &[&str] = match client {
        Client::Docker => &[
            "version",
            "--format",
            "{{.Server.Version}} {{.Server.Os}}/{{.Server.Arch}}",
        ],
        Client::Podman => &[
            "info",
            "--format",
            "{{.Version.Version}} {{.Version.OsArch}}",
        ],
    };
    let mut asked = command(client, &program);
    asked.args(question);
    let Some(answer) = run::output_within(cx, &mut asked, longest)? else {
        let where_it_is = std::env::var("DOCKER_HOST").unwrap_or_else(|_| "its socket".to_owned());
        return Ok(Err(Trouble::NoDaemon(where_it_is)));
    };
    if !answer.status.success() {
        return match diagnose(&answer.stderr) {
            Some(trouble) => Ok(Err(trouble)),
            None => Err(Failure::missing(
                format!("{client} does not work:\n{}", answer.stderr.trim_end()),
                "run: cargo xtask doctor",
            )),
        };
    }
    let Some((version, host)) = read_answer(&answer.stdout) else {
        return Err(Failure::missing(
            format!(
                "{client} says only `{}` of its engine",
                answer.stdout.trim()
            ),
            "this tool needs an engine for Linux containers; run: cargo xtask doctor -v",
        ));
    };
    Ok(Ok(Engine {
        client,
        program,
        version,
        host,
    }))
}

/// `20.10.24+dfsg1 linux/amd64`: the version, and the machine without Linux.
fn read_answer(answer: &str) -> Option<(String, String)> {
    let (version, platform) = answer.trim().rsplit_once(' ')?;
    let host = platform.strip_prefix("linux/")?;
    Some((version.to_owned(), host.to_owned()))
}

/// Whether Docker's client has the plugin; it answers without the daemon.
pub fn has_buildx(cx: &Context, docker: &Path) -> Result<bool> {
    let mut asked = command(Client::Docker, docker);
    asked.args(["buildx", "version"]);
    let answer = run::output_within(cx, &mut asked, ANSWER)?;
    Ok(answer.is_some_and(|answer| answer.status.success()))
}

fn command(client: Client, program: &Path) -> Command {
    let mut command = Command::new(program);
    match client {
        // Its old builder is what an engine of 2022 still takes unasked.
        Client::Docker => command.env("DOCKER_BUILDKIT", "1"),
        Client::Podman => &mut command,
    };
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_version_and_a_machine() {
        let read = |text| read_answer(text).map(|(version, host)| format!("{version}|{host}"));
        assert_eq!(
            read("20.10.24+dfsg1 linux/amd64\n").as_deref(),
            Some("20.10.24+dfsg1|amd64")
        );
        assert_eq!(read("4.3.1 linux/amd64\n").as_deref(), Some("4.3.1|amd64"));
        assert_eq!(read("24.0 windows/amd64"), None);
        assert_eq!(read(""), None);
    }

    #[test]
    fn a_64_bit_pc_needs_no_translator() {
        for platform in Platform::ALL {
            assert!(platform.is_native_on("amd64"), "{platform}");
            assert!(!platform.is_native_on("arm64"), "{platform}");
        }
        assert!(!Platform::LinuxAmd64.is_native_on("386"));
    }

    #[test]
    fn a_dry_run_asks_nobody() {
        let cx = Context {
            dry_run: true,
            ..Context::of_a_test(None)
        };
        let engine = Engine::find(&cx, Some(Client::Podman)).expect("nothing is asked");
        assert_eq!(engine.command().get_program(), "podman");
        let engine = Engine::find(&cx, None).expect("nothing is asked");
        assert_eq!(engine.client, Client::Docker);
    }
}
