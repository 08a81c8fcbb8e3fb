//! What git knows of this work tree.
//!
//! Asked through xshell, which runs a program without a shell in between. A
//! tree without git, or without a repository of its own, knows nothing: that is
//! no error, for the project is also unpacked from archives.

use xshell::{Shell, cmd};

use crate::context::Context;

/// What `git WORDS` prints; `None` if git cannot say.
pub fn read(cx: &Context, words: &[&str]) -> Option<String> {
    let root = cx.project.root();
    // Without this git would answer for a repository around the tree.
    if !root.join(".git").exists() {
        return None;
    }
    let shell = Shell::new().ok()?;
    shell.change_dir(root);
    cmd!(shell, "git {words...}")
        .quiet()
        .ignore_stderr()
        .read()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::context::Context;

    #[test]
    fn what_git_cannot_say_is_nothing() {
        let cx = Context::of_a_test(None);
        assert_eq!(read(&cx, &["no-such-command"]), None);
    }
}
