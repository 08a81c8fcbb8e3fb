//! The kernel's arguments in what a loader passes as its command line.
//!
//! Owns the one difference between loaders: QEMU's `-kernel` puts the kernel's
//! path in front (as GRUB did before version 2), GRUB and v86 do not. Modules'
//! strings keep theirs: Mach programs look for their file name there.

#![forbid(unsafe_code)]

/// The arguments: `command_line` without a leading word that is a file's path,
/// that is, one without `=` that contains `/` or ends in `.elf`. Options never
/// look like that: those with a path for a value have a `=`.
pub fn arguments(command_line: &str) -> &str {
    let trimmed = command_line.trim_matches(' ');
    let (first, rest) = trimmed.split_once(' ').unwrap_or((trimmed, ""));
    let is_path = !first.contains('=') && (first.contains('/') || first.ends_with(".elf"));
    if is_path {
        rest.trim_start_matches(' ')
    } else {
        trimmed
    }
}

#[cfg(test)]
mod tests {
    use super::arguments;

    #[test]
    fn a_leading_path_goes() {
        assert_eq!(arguments("/tmp/k ktest loglevel=3"), "ktest loglevel=3");
        assert_eq!(arguments("kernel.elf  ktest"), "ktest");
        assert_eq!(arguments("target/kernel"), "");
        assert_eq!(arguments("kernel.elf"), "");
        assert_eq!(arguments(" ./k "), "");
    }

    #[test]
    fn options_stay() {
        assert_eq!(arguments("ktest panic=exit"), "ktest panic=exit");
        assert_eq!(arguments("root=/dev/hd0 x"), "root=/dev/hd0 x");
        assert_eq!(arguments("file=k.elf"), "file=k.elf");
        assert_eq!(arguments("ktest a/b"), "ktest a/b");
        assert_eq!(arguments(""), "");
        assert_eq!(arguments("  "), "");
    }
}
