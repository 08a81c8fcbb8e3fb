//! The whole command line, in one block that reads as its documentation.
//!
//! Owns the flags and nothing else: parsing of values lives in the types named
//! here, behaviour in `cmd/`. `--help`, the shell completions and the command
//! lines in docs/xtask.md are checked against this block. The structs are made
//! by the macro: `cmd check-elf` becomes `CheckElf`, `--target-cpu` a field
//! `target_cpu`.

#![expect(
    missing_docs,
    reason = "xflags turns the doc comments below into help, not into docs"
)]

use std::path::PathBuf;

use crate::cli::{Color, ConfigAction, ImageKind, Partition, Ring, Shell, Timeout};
use crate::docker::base::recipe::{Mirror, Suite};
use crate::docker::choices::{Cache, ImageName, Platforms, Stage, Steps};
use crate::docker::engine::{Client, Platform};
use crate::machine::{Accel, Cpu, Display, Emulator, Firmware, Memory, Net, Pc, Port, Vga};
use crate::peer::Peer;
use crate::product::Stated;
use crate::summary::{Job, Kind};

xflags::xflags! {
    /// ExoV6: a Mach microkernel for i386 PCs, and the tool around it.
    ///
    /// Example: cargo xtask qemu --cpu pentium3
    ///
    /// Exit codes: 0 done; 1 failed; 2 wrong usage; 3 a tool is missing;
    /// 4 nothing matched; 100 tests failed; 101 build failed; 124 deadline;
    /// 130 interrupted.
    cmd xtask {
        /// Say more: every command line and its output. Twice: everything.
        repeated -v, --verbose
        /// Say less: only the result and errors.
        optional -q, --quiet
        /// auto, always or never; NO_COLOR is honoured.
        optional --color color: Color
        /// Print the exact command lines, run nothing.
        optional --dry-run
        /// Never touch the network.
        optional --offline
        /// Never install a missing tool; exit 3 and say what is missing.
        optional --no-setup
        /// End the whole command after this long: 90s, 15m, 1h.
        optional --timeout timeout: Timeout

        /// Install what the commands need. Example: cargo xtask setup
        cmd setup {
            /// One versioned JSON document on stdout; everything else on stderr.
            optional --json
            /// Also Docker's engine and buildx, and start the engine.
            optional --docker
            /// Also the oldest supported compiler, into target/toolchains.
            optional --oldest
            /// Also the linters of ci/lint/requirements.txt, into target/lint.
            optional --lint
            /// Answer: install even if only optional tools are missing.
            optional --all
        }

        /// Report what is here and what is missing. Example: cargo xtask doctor --json
        cmd doctor {
            /// One versioned JSON document on stdout; everything else on stderr.
            optional --json
        }

        /// Build kernel.elf. Example: cargo xtask build --dev
        cmd build {
            /// One versioned JSON document on stdout; everything else on stderr.
            optional --json
            /// Optimised, without run-time checks (the default).
            optional --release
            /// With overflow checks, debug assertions and lock-order checks.
            optional --dev
            /// pentium, pentium2 or pentium3: the CPU the code may assume.
            optional --target-cpu cpu: Cpu
            /// With the in-kernel tests.
            optional --ktest
            /// A compiler to use: the folder above its bin/.
            optional --toolchain dir: PathBuf
            /// Leave kernel, symbols, sizes and manifest.json in this folder.
            optional --output dir: PathBuf
            /// The commit of sources that git cannot be asked about, for the manifest.
            optional --commit id: Stated
        }

        /// Check a kernel image against loader and CPU. Example: cargo xtask check-elf --cpu pentium
        cmd check-elf {
            /// One versioned JSON document on stdout; everything else on stderr.
            optional --json
            /// The file; the built kernel if not given.
            optional path: PathBuf
            /// The CPU whose instructions are allowed.
            optional --cpu cpu: Cpu
            /// Write the findings as SARIF 2.1.0.
            optional --sarif file: PathBuf
        }

        /// Make a bootable ISO or an ext2 image. Example: cargo xtask image iso
        cmd image {
            /// One versioned JSON document on stdout; everything else on stderr.
            optional --json
            /// iso or ext2.
            required kind: ImageKind
            /// The folder whose files go into the image.
            optional --root dir: PathBuf
            /// A kernel file instead of the built one.
            optional --kernel file: PathBuf
            /// Kernel command line on the ISO.
            optional --append text: String
            /// Where to write it.
            optional --output file: PathBuf
        }

        /// Boot the kernel with a shell. Example: cargo xtask qemu --cpu pentium3 --expect 'exov6[$] ' --send ps
        cmd qemu {
            /// One versioned JSON document on stdout; everything else on stderr.
            optional --json
            /// A kernel file instead of the built one.
            optional --kernel file: PathBuf
            /// pentium, pentium2, pentium3, qemu32.
            optional --cpu cpu: Cpu
            /// 8M to 3G.
            optional --memory memory: Memory
            /// 1 to 8 processors.
            optional --smp count: u32
            /// tcg, or kvm which must then be there.
            optional --accel accel: Accel
            /// seabios or qboot.
            optional --firmware firmware: Firmware
            /// pc, isapc or q35.
            optional --machine machine: Pc
            /// qemu or bochs.
            optional --emulator emulator: Emulator
            /// Boot through GRUB from the ISO instead of -kernel.
            optional --iso
            /// A raw disk image for the first drive.
            optional --disk file: PathBuf
            /// none or user.
            optional --net net: Net
            /// A port forwarded to the guest: tcp::8080-:80.
            repeated --hostfwd rule: String
            /// Capture the guest's packets to a file.
            optional --pcap file: PathBuf
            /// none, gtk or curses.
            optional --display display: Display
            /// none or std.
            optional --vga vga: Vga
            /// Write the screen as PNG or PPM when the run ends.
            optional --screenshot file: PathBuf
            /// A boot module: 'FILE args'.
            repeated --module module: String
            /// A program of ours in place of the shell: 'NAME args', or none.
            repeated --program program: String
            /// Kernel command line.
            optional --append text: String
            /// Stop at entry and wait for gdb on this port (1234 if none is named).
            optional --gdb port: Port
            /// Wait for this regular expression on the console, in order.
            repeated --expect regex: String
            /// Send this line after the --expect before it.
            repeated --send text: String
            /// Write the serial console to a file as well.
            optional --log file: PathBuf
            /// Arguments for the emulator itself, after --.
            repeated extra: String
        }

        /// Run the tests. Example: cargo xtask test --ring host
        cmd test {
            /// Run the cases whose name contains this.
            optional filter: String
            /// host, ktest, kernels, system or docker; all if not given.
            repeated --ring ring: Ring
            /// Name the cases, run none.
            optional --list
            /// Only machines with this CPU.
            optional --cpu cpu: Cpu
            /// Only machines with this many processors.
            optional --smp count: u32
            /// Run a failed case this many times more.
            optional --retries count: u32
            /// The i-th of n equal parts: 1/4.
            optional --partition part: Partition
            /// Write JUnit XML.
            optional --junit file: PathBuf
            /// Write the JSON document to a file (- for stdout).
            optional --json file: PathBuf
            /// Print TAP version 14 on stdout.
            optional --tap
            /// The long setting: the whole machine matrix, more property cases.
            optional --nightly
            /// gnumach: run the programs of the system ring on this kernel as well.
            optional --peer kernel: Peer
            /// Write down what routines are like instead of comparing: docs/mach.md.
            optional --bless
            /// Judge a saved serial log instead of running anything.
            optional --from-log file: PathBuf
        }

        /// Debug the kernel: QEMU stopped at entry, gdb with symbols. Example: cargo xtask gdb
        cmd gdb {
            /// Run this gdb script and exit with its verdict.
            optional --batch script: PathBuf
            /// A kernel with its symbols, instead of the built one.
            optional --kernel file: PathBuf
            /// As for qemu.
            optional --cpu cpu: Cpu
            /// As for qemu.
            optional --memory memory: Memory
            /// As for qemu.
            optional --smp count: u32
            /// Kernel command line.
            optional --append text: String
        }

        /// Measure the boot. Example: cargo xtask bench-boot --runs 15 --html boot.html
        cmd bench-boot {
            /// Counted runs (15).
            optional --runs count: u32
            /// Runs before, not counted (2).
            optional --warmup count: u32
            /// CPU model.
            optional --cpu cpu: Cpu
            /// Write the JSON document to a file (- for stdout).
            optional --json file: PathBuf
            /// Write a page with plots.
            optional --html file: PathBuf
            /// Compare with an earlier JSON document.
            optional --baseline file: PathBuf
            /// Guest instruction counts, gated by ci/budgets.toml.
            optional --count
        }

        /// Measure traps, messages, memory and tasks. Example: cargo xtask bench-ipc --peer gnumach
        cmd bench-ipc {
            /// gnumach: measure this kernel in the same run.
            optional --peer kernel: Peer
            /// Timed runs (5); instructions are counted once.
            optional --runs count: u32
            /// CPU model.
            optional --cpu cpu: Cpu
            /// Write the JSON document to a file (- for stdout).
            optional --json file: PathBuf
            /// Write a page.
            optional --html file: PathBuf
        }

        /// Prove that the same sources give the same bytes. Example: cargo xtask reproduce --host
        cmd reproduce {
            /// One versioned JSON document on stdout; everything else on stderr.
            optional --json
            /// linux/386, linux/amd64 or both (the default): containers that build too.
            optional --platform platforms: Platforms
            /// Only on this host, without containers.
            optional --host
            /// docker or podman.
            optional --engine client: Client
            /// Fail if anything could not be compared, an engine that is missing included.
            optional --require-docker
            /// The kernel with checks; containers do not build that.
            optional --dev
            /// A compiler for this host's builds: the folder above its bin/.
            optional --toolchain dir: PathBuf
        }

        /// Check the rules of the house that a program can check. Example: cargo xtask tidy
        cmd tidy {
            /// One versioned JSON document on stdout; everything else on stderr.
            optional --json
        }

        /// Everything CI runs. Example: cargo xtask ci
        cmd ci {
            /// One versioned JSON document on stdout; everything else on stderr.
            optional --json
            /// Only the steps whose name contains this.
            optional --only step: String
            /// Write the JSON document to a file as well.
            optional --report file: PathBuf
        }

        /// Summarise other jobs' reports. Example: cargo xtask ci-summary --input results
        cmd ci-summary {
            /// A folder with the reports of jobs, at any depth.
            repeated --input dir: PathBuf
            /// The same of the base branch, or what --json wrote there.
            optional --baseline dir: PathBuf
            /// How a job ended: NAME=success, failure, cancelled or skipped.
            repeated --job result: Job
            /// steps, tests, boot or build: fail if no input is of this kind.
            repeated --require kind: Kind
            /// Write a static page.
            optional --html file: PathBuf
            /// Write the numbers, for the next run's --baseline.
            optional --json file: PathBuf
            /// Write the Markdown to a file (- for stdout) instead of $GITHUB_STEP_SUMMARY.
            optional --output file: PathBuf
        }

        /// Build image and kernel in a container. Example: cargo xtask docker-build
        cmd docker-build {
            /// One versioned JSON document on stdout; everything else on stderr.
            optional --json
            /// linux/386, linux/amd64, or both with a comma.
            optional --platform platforms: Platforms
            /// toolchain, build, test or export: how far to go (build).
            optional --target stage: Stage
            /// docker or podman.
            optional --engine client: Client
            /// A builder of buildx instead of the engine's own.
            optional --builder name: String
            /// The base image, by tag or by digest.
            optional --base ref: ImageName
            /// none, local, gha or registry=REF: where layers are kept as well.
            optional --cache where: Cache
            /// Use no layer that is there.
            optional --no-cache
            /// Ask the registry for a newer base image.
            optional --pull
            /// auto, plain or rawjson.
            optional --progress steps: Steps
            /// Where the kernel's files go; a folder for each of several platforms.
            optional --output dir: PathBuf
            /// Push the image under this name.
            optional --push ref: ImageName
            /// Write down what is in the image; needs a builder of its own.
            optional --sbom
        }

        /// Make the base images from Debian's packages. Example: cargo xtask docker-base
        cmd docker-base {
            /// One versioned JSON document on stdout; everything else on stderr.
            optional --json
            /// linux/386, linux/amd64, or both with a comma (both).
            optional --platform platforms: Platforms
            /// The release of Debian (bookworm).
            optional --suite suite: Suite
            /// The archive, if not the one of this machine.
            optional --mirror address: Mirror
            /// docker or podman.
            optional --engine client: Client
            /// Make them anew, also over images that this tool did not make.
            optional --replace
        }

        /// Run a command of this tool in a container. Example: cargo xtask docker-run -- test
        cmd docker-run {
            /// linux/386 or linux/amd64.
            optional --platform platform: Platform
            /// docker or podman.
            optional --engine client: Client
            /// Give the container /dev/kvm; the command must ask for it too.
            optional --kvm
            /// The command and its flags, after --.
            repeated words: String
        }

        /// Boot the smallest machine in a container. Example: cargo xtask docker-smoke
        cmd docker-smoke {
            /// One versioned JSON document on stdout; everything else on stderr.
            optional --json
            /// linux/386 or linux/amd64.
            optional --platform platform: Platform
            /// docker or podman.
            optional --engine client: Client
        }

        /// Boot two processors in a container. Example: cargo xtask docker-integration
        cmd docker-integration {
            /// One versioned JSON document on stdout; everything else on stderr.
            optional --json
            /// linux/386 or linux/amd64.
            optional --platform platform: Platform
            /// docker or podman.
            optional --engine client: Client
        }

        /// Show the settings and where each came from. Example: cargo xtask config show
        cmd config {
            /// One versioned JSON document on stdout; everything else on stderr.
            optional --json
            /// show.
            required action: ConfigAction
        }

        /// Print a completion script. Example: cargo xtask completions bash
        cmd completions {
            /// bash, zsh or fish.
            required shell: Shell
        }
    }
}

/// The whole help text as xflags wrote it; [`crate::grammar`] takes it apart.
pub const HELP: &str = Xtask::HELP_;
