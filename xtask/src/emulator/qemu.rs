//! QEMU's command line, from the description of a machine.
//!
//! Owns every argument that is ever given to QEMU. Pure, but for the question
//! whether KVM is there: the words are tested, not the runs.

use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::os::fd::RawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use crate::failure::{Failure, Result};
use crate::image::Module;
use crate::machine::{Accel, Display, Firmware, Net, Pc};

use super::spec::{Boot, Clock, Debugger, Leaving, MachineSpec};

/// The program.
pub const PROGRAM: &str = "qemu-system-i386";

/// The descriptors that a session gives QEMU to talk over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wiring {
    /// A socket for QMP.
    pub control: RawFd,
    /// A socket for the serial console, when standard input and output belong
    /// to the screen.
    pub console: Option<RawFd>,
    /// A listening socket for gdb.
    pub debugger: Option<RawFd>,
}

/// The machine: what a person can paste into a shell.
pub fn machine(spec: &MachineSpec) -> Vec<OsString> {
    let mut words = Words(Vec::new());
    words.pair("-machine", spec.pc.word());
    words.pair("-accel", spec.accel.word());
    words.pair("-cpu", spec.cpu.word());
    words.pair("-m", spec.memory.to_string());
    words.pair("-smp", spec.smp.to_string());
    if spec.firmware == Firmware::Qboot {
        // QEMU finds it in its own data folder.
        words.pair("-bios", "qboot.rom");
    }
    if spec.clock == Clock::Instructions {
        words.pair("-icount", "shift=0,sleep=off");
    }
    // No floppy, network or VGA whose firmware costs 24 ms before the kernel.
    words.one("-nodefaults");
    words.pair("-vga", spec.vga.word());
    words.pair("-display", spec.display.word());
    // On a curses screen Alt-2 and `quit` is the only way out.
    let monitor = if spec.display == Display::Curses {
        "vc"
    } else {
        "none"
    };
    words.pair("-monitor", monitor);
    // A triple fault must not boot again and again.
    words.one("-no-reboot");
    if spec.display == Display::Curses {
        // Standard input and output are the screen; see `wiring`.
        words.pair("-parallel", "none");
    } else {
        // Without signal=off a Ctrl-C typed for the guest would end QEMU.
        words.pair("-chardev", "stdio,id=com1,signal=off");
        words.pair("-serial", "chardev:com1");
    }
    if spec.leaving == Leaving::ExitPort {
        words.pair("-device", "isa-debug-exit,iobase=0xf4,iosize=0x04");
    }
    boot(spec, &mut words);
    if let Some(disk) = &spec.disk {
        words.with_path("-drive", "if=ide,index=0,media=disk,format=raw,file=", disk);
    }
    network(spec, &mut words);
    if let Debugger::Port(port) = spec.debugger {
        words.pair("-gdb", format!("tcp:127.0.0.1:{port}"));
    }
    if spec.debugger != Debugger::None {
        words.one("-S");
    }
    words.0.extend(spec.extra.iter().cloned());
    words.0
}

/// What a session adds to the machine so that it can talk to QEMU. It does
/// not change what the guest sees.
pub fn wiring(wiring: &Wiring) -> Vec<OsString> {
    let mut words = Words(Vec::new());
    // With the control connection the registers of a reset machine can be
    // read, so QEMU waits for us to do that.
    words.one("-no-shutdown");
    words.pair(
        "-chardev",
        format!("socket,id=control,fd={}", wiring.control),
    );
    words.pair("-mon", "chardev=control,mode=control");
    if let Some(console) = wiring.console {
        words.pair("-chardev", format!("socket,id=com1,fd={console}"));
        words.pair("-serial", "chardev:com1");
    }
    if let Some(debugger) = wiring.debugger {
        words.pair(
            "-chardev",
            format!("socket,id=gdb,fd={debugger},server=on,wait=off"),
        );
        words.pair("-gdb", "chardev:gdb");
    }
    words.0
}

fn boot(spec: &MachineSpec, words: &mut Words) {
    match &spec.boot {
        Boot::Kernel(file) => {
            words.pair("-kernel", file);
        }
        Boot::Iso(file) => {
            words.with_path(
                "-drive",
                "if=ide,index=2,media=cdrom,format=raw,readonly=on,file=",
                file,
            );
            words.pair("-boot", "d");
        }
    }
    if let Some(append) = &spec.append {
        words.pair("-append", append);
    }
    if !spec.modules.is_empty() {
        words.pair("-initrd", initrd(&spec.modules));
    }
}

/// QEMU separates modules by commas, and reads two commas as one.
fn initrd(modules: &[Module]) -> OsString {
    let mut list = OsString::new();
    for (index, module) in modules.iter().enumerate() {
        if index > 0 {
            list.push(",");
        }
        list.push(doubled(module.file.as_os_str()));
        if !module.arguments.is_empty() {
            list.push(" ");
            list.push(doubled(OsStr::new(&module.arguments)));
        }
    }
    list
}

fn network(spec: &MachineSpec, words: &mut Words) {
    if spec.net == Net::None {
        return;
    }
    let mut user = OsString::from("user,id=net0");
    for rule in &spec.hostfwd {
        user.push(",hostfwd=");
        user.push(doubled(OsStr::new(rule)));
    }
    words.pair("-netdev", user);
    words.pair(
        "-device",
        if spec.pc == Pc::Isapc {
            "ne2k_isa,netdev=net0"
        } else {
            "ne2k_pci,netdev=net0"
        },
    );
    if let Some(pcap) = &spec.pcap {
        words.with_path("-object", "filter-dump,id=dump0,netdev=net0,file=", pcap);
    }
}

/// A comma in a value would begin the next option; doubled it is a comma.
fn doubled(value: &OsStr) -> OsString {
    let mut bytes = Vec::with_capacity(value.len());
    for &byte in value.as_bytes() {
        bytes.push(byte);
        if byte == b',' {
            bytes.push(byte);
        }
    }
    OsString::from_vec(bytes)
}

struct Words(Vec<OsString>);

impl Words {
    fn one(&mut self, word: &str) {
        self.0.push(word.into());
    }

    fn pair(&mut self, flag: &str, value: impl AsRef<OsStr>) {
        self.0.extend([flag.into(), value.as_ref().to_owned()]);
    }

    fn with_path(&mut self, flag: &str, options: &str, path: &Path) {
        let mut value = OsString::from(options);
        value.push(doubled(path.as_os_str()));
        self.pair(flag, value);
    }
}

/// Who will execute the guest's instructions, and why, for people to read.
///
/// # Errors
/// If KVM was asked for and cannot be had: it is never replaced silently, for
/// the two differ by far in speed and in what they check.
pub fn accelerator(spec: &MachineSpec) -> Result<&'static str> {
    match spec.accel {
        Accel::Tcg => Ok("accelerator: tcg, the default (--accel kvm asks for KVM)"),
        Accel::Kvm => match OpenOptions::new().read(true).write(true).open("/dev/kvm") {
            Ok(_) => Ok("accelerator: kvm, as asked for"),
            Err(error) => Err(Failure::failed(format!(
                "KVM was asked for, but /dev/kvm cannot be opened: {error}"
            ))
            .mend("use --accel tcg, or give this user and this container /dev/kvm")),
        },
    }
}

/// Refuses a file that QEMU would only call "Error while loading elf kernel".
pub fn check_kernel(file: &Path, bytes: &[u8]) -> Result<()> {
    const ELF_MAGIC: &[u8] = b"\x7FELF";
    /// Where a Linux image says that it is one.
    const LINUX_MAGIC_AT: usize = 0x202;
    let name = file.display();
    let wrong = |what: String| Err(Failure::failed(what).mend("build one with: cargo xtask build"));
    if bytes.is_empty() {
        return wrong(format!("{name} is empty: there is no kernel in it"));
    }
    if !bytes.starts_with(ELF_MAGIC) {
        if bytes.get(LINUX_MAGIC_AT..LINUX_MAGIC_AT + 4) == Some(b"HdrS") {
            return Ok(());
        }
        return wrong(format!(
            "{name} is not a kernel: it does not begin as an ELF file (7f 45 4c 46)"
        ));
    }
    match (bytes.get(4), bytes.get(18..20)) {
        (Some(1), Some([3, 0])) => Ok(()),
        (Some(2), _) => wrong(format!(
            "{name} is a 64-bit ELF file; an i386 PC starts 32-bit ones"
        )),
        (Some(1), Some([low, high])) => {
            let machine = u16::from_le_bytes([*low, *high]);
            wrong(format!(
                "{name} is an ELF file for machine {machine}; an i386 is machine 3"
            ))
        }
        _ => wrong(format!("{name} ends within its ELF header")),
    }
}

#[cfg(test)]
#[path = "qemu_tests.rs"]
mod tests;
