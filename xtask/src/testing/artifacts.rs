//! The kernels and images that the rings boot, each built once a run.
//!
//! Owns the cache and nothing about how they are built: that is `cmd/build`
//! and `cmd/image`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::matrix::{Loader, Row};
use crate::cli::{ImageKind, Ktest, Profile};
use crate::cmd::{build, image};
use crate::context::Context;
use crate::emulator::spec::{Boot, Leaving, MachineSpec};
use crate::failure::Result;
use crate::flags;
use crate::machine::{Cpu, Emulator};
use crate::tools::{self, Tool};

/// What was built so far.
#[derive(Debug, Default)]
pub struct Artifacts {
    kernels: Mutex<BTreeMap<(Profile, Ktest), PathBuf>>,
    iso: OnceLock<PathBuf>,
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

    /// The CD image with the kernel that people boot.
    pub fn iso(&self, cx: &Context) -> Result<PathBuf> {
        if let Some(iso) = self.iso.get() {
            return Ok(iso.clone());
        }
        let iso = cx.project.target().join("exov6").join("test.iso");
        let kind = ImageKind::Iso;
        let flags = flags::Image {
            json: false,
            kind,
            root: None,
            output: Some(iso.clone()),
        };
        image::run(cx, flags)?;
        Ok(self.iso.get_or_init(|| iso).clone())
    }

    /// What `row` boots; `profile` is that of its kernel.
    pub fn boot(&self, cx: &Context, row: &Row, profile: Profile) -> Result<Boot> {
        match row.loader {
            Loader::Kernel => self.kernel(cx, profile, Ktest::Without).map(Boot::Kernel),
            Loader::Iso => self.iso(cx).map(Boot::Iso),
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
