//! The kernels and images that the rings boot, each built once a run.
//!
//! Owns the cache and nothing about how they are built: that is `cmd/build`
//! and `cmd/image`.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::matrix::{Loader, Row};
use crate::cli::{Ktest, Profile};
use crate::cmd::build;
use crate::compile::write_whole;
use crate::context::Context;
use crate::elf::loader;
use crate::emulator::spec::{Boot, Leaving, MachineSpec};
use crate::failure::{Doing, Failure, Result};
use crate::image::iso::{self, Iso};
use crate::machine::{Cpu, Emulator};
use crate::programs::Program;
use crate::system;
use crate::tools::{self, Tool};

/// What the kernel of the system ring is told, to be found in its banner.
pub const COMMAND_LINE: &str = "loglevel=6";

/// What was built so far.
#[derive(Debug, Default)]
pub struct Artifacts {
    kernels: Mutex<BTreeMap<(Profile, Ktest), PathBuf>>,
    isos: Mutex<BTreeMap<Profile, PathBuf>>,
    pvhs: Mutex<BTreeMap<Profile, PathBuf>>,
    programs: Mutex<BTreeMap<(Profile, Program), PathBuf>>,
}

impl Artifacts {
    /// The kernel of this kind, for every CPU.
    pub fn kernel(&self, cx: &Context, profile: Profile, ktest: Ktest) -> Result<PathBuf> {
        let mut kernels = self.kernels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(elf) = kernels.get(&(profile, ktest)) {
            return Ok(elf.clone());
        }
        tools::require(cx, &[Tool::KernelRust])?;
        let request = build::Request {
            profile,
            cpu: Cpu::Pentium,
            ktest,
            toolchain: None,
        };
        let elf = build::kernel(cx, &request)?.elf;
        kernels.insert((profile, ktest), elf.clone());
        Ok(elf)
    }

    /// The CD image with this kernel and [`COMMAND_LINE`] in its menu.
    pub fn iso(&self, cx: &Context, profile: Profile) -> Result<PathBuf> {
        let kernel = self.kernel(cx, profile, Ktest::Without)?;
        let mut isos = self.isos.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(iso) = isos.get(&profile) {
            return Ok(iso.clone());
        }
        tools::require(cx, &[Tool::GrubMkrescue, Tool::Xorriso, Tool::Mtools])?;
        let path = cx
            .project
            .target()
            .join("exov6")
            .join(format!("test-{profile}.iso"));
        let content = Iso {
            kernel: &kernel,
            append: COMMAND_LINE,
            modules: &[],
            root: None,
        };
        iso::write(cx, &content, &path)?;
        isos.insert(profile, path.clone());
        Ok(path)
    }

    /// The kernel that QEMU enters by its PVH note: QEMU takes Multiboot first
    /// where a file offers both, so the header's magic number is spoilt.
    fn pvh(&self, cx: &Context, profile: Profile) -> Result<PathBuf> {
        let kernel = self.kernel(cx, profile, Ktest::Without)?;
        let mut pvhs = self.pvhs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = pvhs.get(&profile) {
            return Ok(path.clone());
        }
        let path = kernel.with_file_name("kernel-pvh.elf");
        if !cx.dry_run {
            let mut bytes =
                fs::read(&kernel).doing(format_args!("reading {}", kernel.display()))?;
            let header = loader::multiboot_header(&bytes).ok_or_else(|| {
                let what = format!("{}: no Multiboot header to spoil", kernel.display());
                Failure::failed(what)
            })?;
            bytes[header] ^= 1;
            // Whole at once: another run's emulator may have it mapped.
            write_whole(&path, &bytes)?;
        }
        pvhs.insert(profile, path.clone());
        Ok(path)
    }

    /// A user program of this kind, for every CPU.
    pub fn program(&self, cx: &Context, profile: Profile, program: Program) -> Result<PathBuf> {
        let mut programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = programs.get(&(profile, program)) {
            return Ok(file.clone());
        }
        tools::require(cx, &[Tool::KernelRust])?;
        let request = build::Request {
            profile,
            ..build::Request::default()
        };
        let built = build::programs(cx, &request, [program])?;
        let file = built.into_iter().next();
        let file = file.ok_or_else(|| Failure::failed(format!("no program {}", program.name)))?;
        programs.insert((profile, program), file.clone());
        Ok(file)
    }

    /// The shell and its programs, for every CPU.
    pub fn system(&self, cx: &Context, profile: Profile) -> Result<()> {
        let _one_at_a_time = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        tools::require(cx, &[Tool::KernelRust])?;
        let request = build::Request {
            profile,
            ..build::Request::default()
        };
        system::build(cx, &request)
    }

    /// What `row` boots; `profile` is that of its kernel.
    pub fn boot(&self, cx: &Context, row: &Row, profile: Profile) -> Result<Boot> {
        match row.loader {
            Loader::Kernel => self.kernel(cx, profile, Ktest::Without).map(Boot::Kernel),
            Loader::Iso => self.iso(cx, profile).map(Boot::Iso),
            Loader::Pvh => self.pvh(cx, profile).map(Boot::Kernel),
        }
    }
}

impl Row {
    /// The machine of this row, with `boot` in it.
    pub fn machine(&self, boot: Boot) -> MachineSpec {
        MachineSpec {
            cpu: self.cpu,
            smp: self.smp,
            memory: self.memory,
            firmware: self.firmware,
            vga: self.vga,
            pc: self.pc,
            emulator: self.emulator,
            ..MachineSpec::new(boot)
        }
    }

    /// How that machine can leave.
    pub fn leaves(&self) -> Leaving {
        match self.emulator {
            Emulator::Qemu => Leaving::ExitPort,
            Emulator::Bochs => Leaving::Marker,
        }
    }

    /// The programs this row needs.
    pub fn tools(&self) -> &'static [Tool] {
        match self.emulator {
            Emulator::Qemu => &[Tool::Qemu],
            Emulator::Bochs => &[Tool::Bochs],
        }
    }
}
