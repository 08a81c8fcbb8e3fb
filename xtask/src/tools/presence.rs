//! Whether a tool is on this machine. Looks, never installs.
//!
//! A tool can be there and yet be useless: grub-mkrescue without GRUB's files
//! for a PC writes an image that does not boot. So each is asked for all that
//! the commands use of it.

use std::path::{Path, PathBuf};

use super::Tool;
use crate::context::Context;
use crate::docker::engine;
use crate::failure::Result;
use crate::run;
use crate::toolchain::{self, Origin};

/// Whether a tool is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// It is.
    Here {
        /// Its program.
        path: PathBuf,
    },
    /// It is not.
    Missing {
        /// Which part is not.
        why: String,
    },
}

impl Presence {
    /// Whether it has to be installed first.
    pub fn is_missing(&self) -> bool {
        matches!(self, Presence::Missing { .. })
    }
}

/// Looks for a tool.
pub fn look(cx: &Context, tool: Tool) -> Result<Presence> {
    match tool {
        Tool::KernelRust => kernel_rust(cx),
        Tool::Clippy => clippy(cx),
        Tool::Rustfmt => rustfmt(cx),
        Tool::PythonVenv => python_venv(cx),
        Tool::Qemu => Ok(program(&cx.settings.qemu.value)),
        Tool::Docker => Ok(docker()),
        Tool::Buildx => buildx(cx),
        Tool::QemuGtk => qemu_gtk(cx),
        _ => Ok(with_files(program(Path::new(tool.program())), files(tool))),
    }
}

/// Files a tool needs beside its program; each is a choice of places. `*` in a
/// place stands for one folder of any name.
fn files(tool: Tool) -> &'static [&'static [&'static str]] {
    match tool {
        Tool::GrubMkrescue => &[&["/usr/lib/grub/i386-pc/multiboot.mod"]],
        Tool::Bochs => &[
            &[
                "/usr/lib/*/bochs/plugins/libbx_term_gui.so",
                "/usr/lib/bochs/plugins/libbx_term_gui.so",
            ],
            &["/usr/share/bochs/BIOS-bochs-latest"],
            &[
                "/usr/share/bochs/VGABIOS-lgpl-latest",
                "/usr/share/vgabios/vgabios.bin",
            ],
        ],
        _ => &[],
    }
}

fn program(name: &Path) -> Presence {
    match run::program(name) {
        Some(path) => Presence::Here { path },
        None => Presence::Missing {
            why: format!("{} is not there", name.display()),
        },
    }
}

fn with_files(found: Presence, files: &[&[&str]]) -> Presence {
    let lacking = files
        .iter()
        .find(|places| !places.iter().any(|place| exists(place)));
    match (found, lacking) {
        (Presence::Here { path }, Some(places)) => {
            let place = places.first().copied().unwrap_or_default();
            Presence::Missing {
                why: format!("{} is there, but not {place}", path.display()),
            }
        }
        (found, _) => found,
    }
}

fn exists(place: &str) -> bool {
    let Some((before, after)) = place.split_once("/*/") else {
        return Path::new(place).exists();
    };
    let Ok(folders) = std::fs::read_dir(before) else {
        return false;
    };
    folders
        .flatten()
        .any(|folder| folder.path().join(after).exists())
}

/// The client, and the daemon unless it is elsewhere.
fn docker() -> Presence {
    let client = program(Path::new(Tool::Docker.program()));
    let is_elsewhere = std::env::var_os("DOCKER_HOST").is_some();
    match program(Path::new("dockerd")) {
        missing if missing.is_missing() && !client.is_missing() && !is_elsewhere => missing,
        _ => client,
    }
}

fn buildx(cx: &Context) -> Result<Presence> {
    let client = program(Path::new(Tool::Buildx.program()));
    if let Presence::Here { path } = &client {
        if !engine::has_buildx(cx, path)? {
            return Ok(Presence::Missing {
                why: format!("{} has no plugin buildx", path.display()),
            });
        }
    }
    Ok(client)
}

/// A QEMU of one's own may have its window built in: so it is asked.
fn qemu_gtk(cx: &Context) -> Result<Presence> {
    let here = program(&cx.settings.qemu.value);
    let Presence::Here { path } = &here else {
        return Ok(here);
    };
    let mut command = std::process::Command::new(path);
    let displays = run::output(cx, command.args(["-display", "help"]))?;
    if displays.stdout.lines().any(|line| line.trim() == "gtk") {
        return Ok(here);
    }
    Ok(Presence::Missing {
        why: format!("{} knows no display gtk", path.display()),
    })
}

fn kernel_rust(cx: &Context) -> Result<Presence> {
    let found = toolchain::find(cx, None).and_then(|toolchain| {
        toolchain::linker(&toolchain)?;
        Ok(Presence::Here {
            path: toolchain.dir.join("bin/rustc"),
        })
    });
    missing_is_an_answer(found)
}

fn clippy(cx: &Context) -> Result<Presence> {
    let found = toolchain::find(cx, None).map(|toolchain| {
        let here = program(&toolchain.dir.join("bin/cargo-clippy"));
        match (here, toolchain.origin) {
            (Presence::Missing { why }, Origin::Rustup) => Presence::Missing {
                why: format!("{why}; rustup component add clippy"),
            },
            (here, _) => here,
        }
    });
    missing_is_an_answer(found)
}

/// rustup puts a rustfmt on PATH that only says it is not installed.
fn rustfmt(cx: &Context) -> Result<Presence> {
    let Some(path) = run::program(Path::new(Tool::Rustfmt.program())) else {
        return Ok(Presence::Missing {
            why: "rustfmt is not there".to_owned(),
        });
    };
    let mut command = std::process::Command::new(&path);
    command
        .arg("--version")
        .current_dir(cx.project.root())
        .env("RUSTUP_AUTO_INSTALL", "0");
    let output = run::output(cx, &mut command)?;
    if output.status.success() {
        return Ok(Presence::Here { path });
    }
    let why = output
        .stderr
        .lines()
        .next()
        .unwrap_or("it does not run")
        .to_owned();
    Ok(Presence::Missing { why })
}

/// Debian ships Python without what makes an environment.
fn python_venv(cx: &Context) -> Result<Presence> {
    let here = program(Path::new(Tool::PythonVenv.program()));
    let Presence::Here { path } = &here else {
        return Ok(here);
    };
    let mut command = std::process::Command::new(path);
    command.args(["-c", "import ensurepip, venv"]);
    if run::output(cx, &mut command)?.status.success() {
        return Ok(here);
    }
    let why = format!(
        "{} is there, but not its venv and ensurepip",
        path.display()
    );
    Ok(Presence::Missing { why })
}

fn missing_is_an_answer(found: Result<Presence>) -> Result<Presence> {
    match found {
        Err(failure) if failure.exit == crate::failure::Exit::Missing => {
            Ok(Presence::Missing { why: failure.what })
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_one_folder() {
        assert!(
            exists("/usr/*/sh") || exists("/usr/bin"),
            "no machine is without either"
        );
        assert!(exists("/proc/*/cmdline"));
        assert!(!exists("/proc/*/no-such-file"));
        assert!(!exists("/no-such-folder/*/x"));
    }

    #[test]
    fn a_program_without_its_files_is_missing() {
        let here = Presence::Here {
            path: "/bin/sh".into(),
        };
        assert_eq!(with_files(here.clone(), &[&["/", "/nowhere"]]), here);
        let lacking = with_files(here, &[&["/"], &["/nowhere/a", "/nowhere/b"]]);
        assert_eq!(
            lacking,
            Presence::Missing {
                why: "/bin/sh is there, but not /nowhere/a".into()
            }
        );
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        assert_eq!(
            program(Path::new("/nowhere/qemu")),
            Presence::Missing {
                why: "/nowhere/qemu is not there".into()
            }
        );
        assert!(matches!(program(Path::new("sh")), Presence::Here { .. }));
    }
}
