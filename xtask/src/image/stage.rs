//! A folder that holds exactly what goes into an image, and nothing else does.
//!
//! Copies fix what would leak from the host: modes, dates, and files changing
//! while a tool reads them. Also owns the temporary name of an unfinished image.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use crate::context::Context;
use crate::failure::{Doing, Failure, Result};
use crate::image::Epoch;
use crate::process;

/// A staging folder; gone when dropped.
#[derive(Debug)]
pub(super) struct Stage {
    dir: PathBuf,
}

/// Names of this process's folders and files, so that threads do not share any.
fn unique() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{}-{number}", process::own_name())
}

impl Stage {
    /// An empty folder below `target/`.
    pub(super) fn new(cx: &Context) -> Result<Self> {
        let stage = Stage::planned(cx);
        create_dir(&stage.dir)?;
        Ok(stage)
    }

    /// The folder that [`Stage::new`] would make: what `--dry-run` shows.
    pub(super) fn planned(cx: &Context) -> Self {
        let dir = cx.project.target().join("image").join(unique());
        Stage { dir }
    }

    pub(super) fn path(&self) -> &Path {
        &self.dir
    }

    /// Puts bytes at a place inside, making the folders on the way.
    pub(super) fn put(&self, inside: &str, bytes: &[u8]) -> Result<()> {
        let to = self.prepare(inside)?;
        fs::write(&to, bytes).doing(format_args!("writing {}", to.display()))?;
        set_mode(&to, 0o644)
    }

    /// Copies one file to a place inside.
    pub(super) fn copy(&self, from: &Path, inside: &str) -> Result<()> {
        let to = self.prepare(inside)?;
        copy_file(from, &to)
    }

    /// Copies a whole folder: files, folders and symbolic links.
    ///
    /// # Errors
    /// A usage failure for anything else in it: a device or a socket has no
    /// bytes to put into an image.
    pub(super) fn copy_tree(&self, from: &Path, inside: &str) -> Result<()> {
        if !from.is_dir() {
            return Err(Failure::usage(
                format!("there is no folder {}", from.display()),
                "give the folder of the files with --root",
            ));
        }
        copy_tree(from, &self.dir.join(inside))
    }

    /// Gives everything inside the same date, and folders the same mode.
    pub(super) fn set_dates(&self, epoch: Epoch) -> Result<()> {
        set_dates(&self.dir, epoch)
    }

    fn prepare(&self, inside: &str) -> Result<PathBuf> {
        let to = self.dir.join(inside);
        if let Some(parent) = to.parent() {
            create_dir(parent)?;
        }
        Ok(to)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Nothing is lost if it stays: target/ is for such things.
        let _ = remove_tree(&self.dir);
    }
}

/// Removes a folder, also one that a tool has made read-only: files out of a
/// CD image come with the modes they have on it, and only root gets past them.
fn remove_tree(dir: &Path) -> std::io::Result<()> {
    make_writable(dir)?;
    fs::remove_dir_all(dir)
}

fn make_writable(dir: &Path) -> std::io::Result<()> {
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            make_writable(&entry.path())?;
        }
    }
    Ok(())
}

/// A file that is not finished yet, beside the one it will be; gone when
/// dropped before it was renamed.
#[derive(Debug)]
pub(super) struct Partial {
    path: PathBuf,
}

impl Partial {
    /// A name in the folder of `output`: a rename must not cross file systems.
    pub(super) fn beside(output: &Path) -> Result<Self> {
        let parent = output
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        let Some(name) = output.file_name() else {
            return Err(Failure::usage(
                format!("`{}` is not a file name", output.display()),
                "give --output a file",
            ));
        };
        if let Some(parent) = parent {
            create_dir(parent)?;
        }
        let name = format!(".{}.{}.partial", name.to_string_lossy(), unique());
        Ok(Partial {
            path: parent.unwrap_or(Path::new(".")).join(name),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the finished file its name.
    pub(super) fn rename(&self, output: &Path) -> Result<()> {
        let file = fs::File::open(&self.path);
        file.and_then(|file| file.sync_all())
            .doing(format_args!("writing {}", self.path.display()))?;
        fs::rename(&self.path, output).doing(format_args!("renaming to {}", output.display()))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // After a rename there is nothing under this name, and that is fine.
        let _ = fs::remove_file(&self.path);
    }
}

pub(super) fn create_dir(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).doing(format_args!("making the folder {}", dir.display()))
}

fn set_mode(path: &Path, mode: u32) -> Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .doing(format_args!("setting the mode of {}", path.display()))
}

fn copy_file(from: &Path, to: &Path) -> Result<()> {
    let copying = || format!("copying {} to {}", from.display(), to.display());
    let mode = fs::metadata(from).doing(copying())?.permissions().mode();
    fs::copy(from, to).doing(copying())?;
    // The umask of who checked it out is not part of the input.
    set_mode(to, if mode & 0o100 != 0 { 0o755 } else { 0o644 })
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    create_dir(to)?;
    set_mode(to, 0o755)?;
    for name in sorted_names(from)? {
        let (from, to) = (from.join(&name), to.join(&name));
        let reading = || format!("reading {}", from.display());
        let kind = fs::symlink_metadata(&from).doing(reading())?.file_type();
        if kind.is_dir() {
            copy_tree(&from, &to)?;
        } else if kind.is_symlink() {
            let target = fs::read_link(&from).doing(reading())?;
            std::os::unix::fs::symlink(&target, &to)
                .doing(format_args!("making the link {}", to.display()))?;
        } else if kind.is_file() {
            copy_file(&from, &to)?;
        } else {
            return Err(Failure::usage(
                format!(
                    "{} is neither file, folder nor symbolic link",
                    from.display()
                ),
                "take it out of the folder given with --root",
            ));
        }
    }
    Ok(())
}

/// The names in a folder, in an order that no file system has a say in.
pub(super) fn sorted_names(dir: &Path) -> Result<Vec<std::ffi::OsString>> {
    let reading = || format!("reading the folder {}", dir.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).doing(reading())? {
        names.push(entry.doing(reading())?.file_name());
    }
    names.sort();
    Ok(names)
}

fn set_dates(path: &Path, epoch: Epoch) -> Result<()> {
    let setting = || format!("setting the date of {}", path.display());
    if fs::symlink_metadata(path).doing(setting())?.is_dir() {
        // A folder made here has the umask of whoever runs this.
        set_mode(path, 0o755)?;
        for name in sorted_names(path)? {
            set_dates(&path.join(name), epoch)?;
        }
    }
    let date = Timespec {
        tv_sec: epoch.seconds().into(),
        tv_nsec: 0,
    };
    let dates = Timestamps {
        last_access: date,
        last_modification: date,
    };
    utimensat(CWD, path, &dates, AtFlags::SYMLINK_NOFOLLOW).doing(setting())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Root with all its capabilities may remove anything; in a container, and
    /// as everybody else, this shows something.
    #[test]
    fn folders_that_a_tool_made_read_only_go_as_well() {
        let dir = std::env::temp_dir().join(format!("exov6-stage-{}", unique()));
        let deep = dir.join("out/boot");
        fs::create_dir_all(&deep).expect("a temporary folder");
        fs::write(deep.join("grub.cfg"), "").expect("a file in it");
        for dir in [&deep, &dir] {
            fs::set_permissions(dir, fs::Permissions::from_mode(0o555)).expect("ours");
        }
        drop(Stage { dir: dir.clone() });
        assert!(!dir.exists(), "it is still there");
    }
}
