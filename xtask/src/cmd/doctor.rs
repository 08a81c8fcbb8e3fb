//! `cargo xtask doctor`: reports what is here and what is missing.
//!
//! Only looks: it installs nothing, and uses the network only to let the
//! container engine ask for its registry. Exits 3 if a required tool is missing,
//! with the command that brings it.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Serialize;

use crate::context::Context;
use crate::docker::checkup::{self, Finding};
use crate::failure::{Failure, Result};
use crate::flags;
use crate::run;
use crate::setup::{self, apt, oldest, packages::Privilege};
use crate::toolchain::{self, Origin, Version};
use crate::tools::{self, Need, Presence, Tool};

/// The document of `--json`.
#[derive(Debug, Serialize)]
struct Document {
    version: u32,
    healthy: bool,
    system: String,
    tools: Vec<ToolReport>,
    compilers: Vec<CompilerReport>,
    /// The compiler a build would use.
    kernel_compiler: Option<PathBuf>,
    oldest_compiler: Option<PathBuf>,
    kvm: KvmReport,
    /// Container engines and what they need; none of it is required.
    containers: Vec<Finding>,
    setup: SetupReport,
}

#[derive(Debug, Serialize)]
struct ToolReport {
    tool: Tool,
    need: Need,
    path: Option<PathBuf>,
    /// The first line of what it says about itself.
    says: Option<String>,
    missing: Option<String>,
    used_by: &'static [&'static str],
}

#[derive(Debug, Serialize)]
struct CompilerReport {
    origin: Origin,
    dir: PathBuf,
    version: Option<Version>,
    unfit: Option<String>,
}

#[derive(Debug, Serialize)]
struct KvmReport {
    usable: bool,
    why: String,
}

#[derive(Debug, Serialize)]
struct SetupReport {
    /// root, sudo or nobody; `None` without apt.
    installs_as: Option<&'static str>,
    /// The command that brings what is missing.
    command: Option<String>,
}

/// Runs the command.
pub fn run(cx: &Context, flags: flags::Doctor) -> Result<()> {
    let document = examine(cx)?;
    if flags.json {
        cx.ui.json(&document)?;
    } else {
        cx.ui.print(table(&document));
    }
    let missing: Vec<_> = document
        .missing(Need::Required)
        .map(|tool| tool.word())
        .collect();
    if missing.is_empty() {
        cx.ui.result(format_args!(
            "everything that is required is here ({} tools)",
            document.tools.len()
        ));
        return Ok(());
    }
    let mut mend = "mend it with: cargo xtask setup".to_owned();
    if let Some(command) = &document.setup.command {
        mend.push_str(&format!("\nor by hand: {command}"));
    }
    Err(Failure::missing(
        format!("missing: {}", missing.join(", ")),
        mend,
    ))
}

impl Document {
    fn missing(&self, need: Need) -> impl Iterator<Item = Tool> {
        self.tools
            .iter()
            .filter(move |tool| tool.need == need && tool.missing.is_some())
            .map(|tool| tool.tool)
    }
}

fn examine(cx: &Context) -> Result<Document> {
    let mut tools = Vec::new();
    for &tool in Tool::ALL {
        tools.push(report(cx, tool)?);
    }
    let candidates = toolchain::candidates(cx, None)?;
    let compilers = candidates.iter().map(|candidate| CompilerReport {
        origin: candidate.origin,
        dir: candidate.dir.clone(),
        version: candidate.rustc.clone().ok(),
        unfit: candidate.verdict().err().map(|unfit| unfit.to_string()),
    });
    let oldest = oldest::dir(cx);
    let mut document = Document {
        version: 1,
        healthy: false,
        system: system(),
        tools,
        compilers: compilers.collect(),
        kernel_compiler: toolchain::choose(&candidates).map(|(candidate, _)| candidate.dir.clone()),
        oldest_compiler: toolchain::find(cx, Some(&oldest))
            .ok()
            .map(|toolchain| toolchain.dir),
        kvm: kvm(Path::new("/dev/kvm")),
        containers: checkup::examine(cx),
        setup: SetupReport {
            installs_as: None,
            command: None,
        },
    };
    let healthy = document.missing(Need::Required).next().is_none();
    document.healthy = healthy;
    // One line to type: what is required, else what is only useful.
    let required: Vec<_> = document.missing(Need::Required).collect();
    let missing = if required.is_empty() {
        document.missing(Need::Optional).collect()
    } else {
        required
    };
    if apt::is_here() {
        document.setup.installs_as = Some(match apt::privilege(cx)? {
            Privilege::Root => "root",
            Privilege::Sudo => "sudo",
            Privilege::Nobody => "nobody",
        });
    }
    if !missing.is_empty() {
        document.setup.command = Some(setup::by_hand(cx, &missing)?);
    }
    Ok(document)
}

fn report(cx: &Context, tool: Tool) -> Result<ToolReport> {
    let facts = tool.facts();
    let (path, missing) = match tools::look(cx, tool)? {
        Presence::Here { path } => (Some(path), None),
        Presence::Missing { why } => (None, Some(why)),
    };
    let says = match &path {
        Some(path) => version_line(cx, tool, path)?,
        None => None,
    };
    Ok(ToolReport {
        tool,
        need: facts.need,
        path,
        says,
        missing,
        used_by: facts.used_by,
    })
}

/// What a tool says about its version, without starting anything long.
fn version_line(cx: &Context, tool: Tool, path: &Path) -> Result<Option<String>> {
    let argument = match tool {
        Tool::Mke2fs | Tool::E2fsck | Tool::Debugfs => "-V",
        // Its answer to --help is a banner, and its exit code an error.
        Tool::Bochs => "--help",
        // A linter run as such lints; the compiler's line says enough.
        Tool::Clippy => return Ok(None),
        _ => "--version",
    };
    let mut command = Command::new(path);
    match tool {
        // The plugin's own line, and not that of its client.
        Tool::Buildx => command.args(["buildx", "version"]),
        _ => command.arg(argument),
    };
    let output = run::output(cx, &mut command)?;
    let said = output
        .stdout
        .lines()
        .chain(output.stderr.lines())
        .map(str::trim);
    let line = said
        .into_iter()
        .find(|line| line.bytes().any(|byte| byte.is_ascii_digit()));
    Ok(line.map(str::to_owned))
}

fn system() -> String {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="));
    let name = name.map_or("an unknown system", |name| name.trim_matches('"'));
    format!("{name} on {}", std::env::consts::ARCH)
}

/// Whether this person can use the host's processor for guests.
fn kvm(device: &Path) -> KvmReport {
    let report = |usable, why: &str| KvmReport {
        usable,
        why: format!("{}: {why}", device.display()),
    };
    match OpenOptions::new().read(true).write(true).open(device) {
        Ok(_) => report(
            true,
            "can be opened; used only when asked for with --accel kvm",
        ),
        Err(error) if error.kind() == ErrorKind::NotFound => report(false, "not there"),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => report(
            false,
            "no permission; a member of its group (usually kvm) has it",
        ),
        Err(error) => report(false, &error.to_string()),
    }
}

fn table(document: &Document) -> String {
    let mut text = format!("{}\n\n", document.system);
    for tool in &document.tools {
        let state = match (&tool.missing, tool.need) {
            (None, _) => "ok",
            (Some(_), Need::Required) => "MISSING",
            (Some(_), Need::Optional | Need::Docker) => "absent",
        };
        let path = tool.path.as_ref().map(|path| path.display().to_string());
        let about = match (&tool.missing, path, &tool.says) {
            (Some(why), _, _) => format!(
                "{}; for {}",
                why.lines().next().unwrap_or_default().trim_end_matches(':'),
                tool.used_by.join(", ")
            ),
            (None, Some(path), Some(says)) => format!("{path} ({says})"),
            (None, path, _) => path.unwrap_or_default(),
        };
        text.push_str(&format!("  {state:8} {:14} {about}\n", tool.tool));
    }
    text.push_str("\ncompilers for the kernel\n");
    for compiler in &document.compilers {
        let is_used = document.kernel_compiler.as_ref() == Some(&compiler.dir);
        let state = match (&compiler.unfit, is_used) {
            (_, true) => "used",
            (None, false) => "fit",
            (Some(_), false) => "unfit",
        };
        let version = compiler
            .version
            .map(|version| version.to_string())
            .unwrap_or_default();
        let why = compiler
            .unfit
            .as_ref()
            .map(|why| format!(" ({why})"))
            .unwrap_or_default();
        text.push_str(&format!(
            "  {state:8} {:14} {version:8} {}{why}\n",
            compiler.origin,
            compiler.dir.display()
        ));
    }
    if let Some(oldest) = &document.oldest_compiler {
        text.push_str(&format!(
            "  {:8} {:14} {:8} {}\n",
            "fit",
            "oldest",
            Version::OLDEST,
            oldest.display()
        ));
    }
    let kvm = if document.kvm.usable { "ok" } else { "absent" };
    text.push_str(&format!("\n  {kvm:8} {:14} {}\n", "kvm", document.kvm.why));
    text.push_str(&checkup::table(&document.containers));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(missing: Option<&str>) -> Document {
        Document {
            version: 1,
            healthy: missing.is_none(),
            system: "Debian".into(),
            tools: vec![ToolReport {
                tool: Tool::Gdb,
                need: Need::Required,
                path: missing.is_none().then(|| "/usr/bin/gdb".into()),
                says: None,
                missing: missing.map(str::to_owned),
                used_by: &["gdb"],
            }],
            compilers: vec![CompilerReport {
                origin: Origin::System,
                dir: "/usr".into(),
                version: None,
                unfit: Some("no rustc".into()),
            }],
            kernel_compiler: None,
            oldest_compiler: None,
            kvm: kvm(Path::new("/nowhere/kvm")),
            containers: Vec::new(),
            setup: SetupReport {
                installs_as: None,
                command: None,
            },
        }
    }

    #[test]
    fn the_table_shouts_what_is_missing_and_who_wants_it() {
        let text = table(&document(Some("gdb is not there")));
        assert!(
            text.contains("  MISSING  gdb            gdb is not there; for gdb\n"),
            "{text}"
        );
        assert!(
            text.contains("  unfit    system                  /usr (no rustc)\n"),
            "{text}"
        );
        assert!(text.contains("/nowhere/kvm: not there"), "{text}");
        assert!(table(&document(None)).contains("  ok       gdb            /usr/bin/gdb\n"));
    }

    #[test]
    fn only_what_is_required_and_missing_counts() {
        let lacking = document(Some("gone"));
        assert_eq!(
            lacking.missing(Need::Required).collect::<Vec<_>>(),
            [Tool::Gdb]
        );
        assert_eq!(lacking.missing(Need::Optional).count(), 0);
        assert_eq!(document(None).missing(Need::Required).count(), 0);
    }

    #[test]
    fn the_document_has_a_version() {
        let json = serde_json::to_value(document(None)).expect("JSON");
        assert_eq!(json["version"], 1);
        assert_eq!(json["tools"][0]["tool"], "gdb");
    }
}
