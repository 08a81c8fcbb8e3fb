//! An ext2 root file system, made without root and the same every time.
//!
//! mke2fs copies the tree; then debugfs overwrites what leaks from this
//! machine: the owner of the copies, and their ctime, which no program can set
//! on the host (seen with e2fsprogs 1.47).

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use crate::context::Context;
use crate::failure::{Doing, Result};
use crate::image::stage::{self, Partial, Stage};
use crate::image::{Epoch, Written, epoch, publish, tool_failed, tree};
use crate::run;
use crate::tools::{self, Tool};

/// A block of the file system: a page, so that a page is read by one request.
const BLOCK: u64 = 4096;
const MIB: u64 = 1 << 20;
/// ext2 reserves the inodes below; the root is 2, lost+found 11.
const ROOT_INODE: u64 = 2;
const FIRST_INODE: u64 = 11;
/// An inode of 256 bytes: sixteen in a block.
const INODES_PER_BLOCK: u64 = BLOCK / 256;
/// The file system's identifier and hash seed: fixed, for there is one.
const UUID: &str = "45786f56-3600-4d61-8368-65787432726f";

/// What goes into the file system.
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    /// The files of a folder.
    Folder(&'a Path),
    /// A kernel, as boot/kernel.elf, and nothing else.
    Kernel(&'a Path),
}

/// Writes the file system, checks it, reads it back, and only then gives it
/// its name.
///
/// With `--dry-run` it prints the command lines, and the result is all zero.
pub fn write(cx: &Context, content: Content<'_>, output: &Path) -> Result<Written> {
    let epoch = epoch()?;
    if cx.dry_run {
        let stage = Stage::planned(cx);
        let plan = match content {
            Content::Folder(root) => Plan::of(root)?,
            Content::Kernel(_) => Plan::EMPTY,
        };
        cx.ui
            .echo(&make(&stage.path().join("root"), plan, epoch, output));
        cx.ui
            .echo(&normalise(&stage.path().join("script"), epoch, output));
        cx.ui.echo(&check(output));
        return Ok(Written {
            path: output.to_owned(),
            sha256: String::new(),
            bytes: 0,
            files: 0,
            loader: None,
        });
    }
    tools::require(cx, &[Tool::Mke2fs, Tool::E2fsck, Tool::Debugfs])?;
    let stage = Stage::new(cx)?;
    match content {
        Content::Folder(root) => stage.copy_tree(root, "root")?,
        Content::Kernel(kernel) => stage.copy(kernel, "root/boot/kernel.elf")?,
    }
    stage.set_dates(epoch)?;
    let staged = stage.path().join("root");
    let files = tree::count_files(&staged)?;
    let plan = Plan::of(&staged)?;

    let partial = Partial::beside(output)?;
    succeed(cx, &mut make(&staged, plan, epoch, partial.path()))?;
    let script = stage.path().join("script");
    stage.put("script", plan.script(epoch).as_bytes())?;
    succeed(cx, &mut normalise(&script, epoch, partial.path()))?;
    succeed(cx, &mut check(partial.path()))?;
    read_back(cx, &stage, partial.path())?;
    publish(&partial, output, files)
}

/// How big the file system must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Plan {
    /// Files, folders and links, with the root.
    entries: u64,
    /// Blocks of their content.
    blocks: u64,
}

impl Plan {
    /// The root alone.
    const EMPTY: Plan = Plan {
        entries: 1,
        blocks: 0,
    };

    fn of(dir: &Path) -> Result<Self> {
        let mut plan = Plan::EMPTY;
        plan.add(dir)?;
        Ok(plan)
    }

    fn add(&mut self, dir: &Path) -> Result<()> {
        let mut directory_bytes: u64 = 24;
        for name in stage::sorted_names(dir)? {
            let path = dir.join(&name);
            let meta =
                fs::symlink_metadata(&path).doing(format_args!("reading {}", path.display()))?;
            self.entries += 1;
            // An entry is at most its name and 12 bytes; what is left of a
            // block is less than a longest one, hence the doubling.
            directory_bytes += 2 * (name.len() as u64 + 12);
            if meta.is_dir() {
                self.add(&path)?;
            } else {
                let data = meta.size().div_ceil(BLOCK);
                // One indirect block for each 1,024, and one above for each of those.
                self.blocks += data + data.div_ceil(1024) + data.div_ceil(1024 * 1024);
            }
        }
        self.blocks += directory_bytes.div_ceil(BLOCK);
        Ok(())
    }

    /// Inodes to make: those there are and room for as many more.
    fn inodes(self) -> u64 {
        2 * self.entries + 32
    }

    /// Its size in whole MiB: the content, the tables, and an eighth to spare.
    fn mib(self) -> u64 {
        let tables = self.inodes().div_ceil(INODES_PER_BLOCK) + 64;
        let blocks = self.blocks + tables + self.blocks / 8;
        (blocks * BLOCK).div_ceil(MIB)
    }

    /// What debugfs shall do: inodes are given out one after the other, so
    /// they are reached by number, whatever characters their names have.
    fn script(self, epoch: Epoch) -> String {
        let date = epoch.seconds();
        let last = FIRST_INODE + self.entries - 1;
        let mut script = String::new();
        for inode in std::iter::once(ROOT_INODE).chain(FIRST_INODE..=last) {
            for field in ["atime", "ctime", "mtime", "crtime"] {
                script.push_str(&format!("set_inode_field <{inode}> {field} @{date}\n"));
                script.push_str(&format!("set_inode_field <{inode}> {field}_extra 0\n"));
            }
            for field in ["uid", "gid"] {
                script.push_str(&format!("set_inode_field <{inode}> {field} 0\n"));
            }
        }
        script
    }
}

/// A tool of e2fsprogs, which live in sbin and take the date from us.
fn tool(name: &str, epoch: Epoch) -> Command {
    let program = run::program(Path::new(name)).unwrap_or_else(|| name.into());
    let mut command = Command::new(program);
    command
        .env("E2FSPROGS_FAKE_TIME", epoch.seconds().to_string())
        .env("MKE2FS_CONFIG", "/dev/null")
        .env("LC_ALL", "C");
    command
}

fn make(staged: &Path, plan: Plan, epoch: Epoch, output: &Path) -> Command {
    let mut command = tool("mke2fs", epoch);
    command
        .args([
            "-q", "-F", "-t", "ext2", "-b", "4096", "-I", "256", "-m", "0",
        ])
        // Only what a small reader can do without a journal of exceptions.
        .args(["-O", "none,filetype,sparse_super,large_file"])
        .args(["-N", &plan.inodes().to_string()])
        .args(["-L", "exov6-root", "-U", UUID])
        .args(["-E", &format!("hash_seed={UUID},root_owner=0:0")])
        .arg("-d")
        .arg(staged)
        .arg(output)
        .arg(format!("{}M", plan.mib()));
    command
}

fn normalise(script: &Path, epoch: Epoch, image: &Path) -> Command {
    let mut command = tool("debugfs", epoch);
    command.args(["-w", "-f"]).arg(script).arg(image);
    command
}

fn check(image: &Path) -> Command {
    let program = run::program(Path::new("e2fsck")).unwrap_or_else(|| "e2fsck".into());
    let mut command = Command::new(program);
    command.args(["-f", "-n"]).arg(image);
    command
}

fn succeed(cx: &Context, command: &mut Command) -> Result<()> {
    let ended = run::output(cx, command)?;
    let name = command.get_program().to_string_lossy().into_owned();
    let complaints = ended
        .stderr
        .lines()
        // debugfs and e2fsck greet on stderr, and debugfs exits 0 after errors.
        .any(|line| name.ends_with("debugfs") && !line.starts_with("debugfs "));
    if !ended.status.success() || complaints {
        return Err(tool_failed(&name, &ended));
    }
    Ok(())
}

/// Takes every file out again and compares.
fn read_back(cx: &Context, stage: &Stage, image: &Path) -> Result<()> {
    let out = stage.path().join("out");
    stage::create_dir(&out)?;
    let program = run::program(Path::new("debugfs")).unwrap_or_else(|| "debugfs".into());
    let mut command = Command::new(program);
    command
        .args(["-R", "rdump / ."])
        // The folder's own name may hold what debugfs takes for quotes.
        .current_dir(&out)
        .arg(fs::canonicalize(image).doing(format_args!("finding {}", image.display()))?);
    let ended = run::output(cx, &mut command)?;
    if !ended.status.success() {
        return Err(tool_failed("debugfs", &ended));
    }
    tree::same(&stage.path().join("root"), &out, &["lost+found"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_trees_get_one_mib_and_big_ones_what_they_need() {
        let size = |entries, blocks| Plan { entries, blocks }.mib();
        assert_eq!(size(1, 1), 1);
        assert_eq!(size(10, 25_600), 113);
        assert!(size(100_000, 100_000) > 450, "inodes take room as well");
    }

    #[test]
    fn the_script_covers_the_root_and_every_inode_in_use() {
        let plan = Plan {
            entries: 3,
            blocks: 1,
        };
        let epoch = crate::image::epoch().expect("a date");
        let script = plan.script(epoch);
        // The root, lost+found (11), and two entries below the root.
        for inode in [2, 11, 12, 13] {
            assert!(script.contains(&format!("<{inode}> ctime @")), "{inode}");
        }
        assert!(!script.contains("<14>") && !script.contains("<3>"));
    }
}
