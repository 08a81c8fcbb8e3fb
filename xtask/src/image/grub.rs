//! The grub.cfg of our CD, and the parts GRUB needs to run it.
//!
//! Pure text, but for [`core_image`]. A script without a menu: it boots at
//! once and leaves the serial line to the kernel. Where it can't, it tries again
//! with GRUB's terminal on serial line and screen: there it says why, and there
//! its prompt is.

use std::path::Path;
use std::process::Command;

use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::{image, run};

/// The GRUB modules inside the core image; none is loaded from the CD, which
/// would cost the emulated drive's time.
const PARTS: [&str; 7] = [
    "biosdisk",  // the CD drive
    "iso9660",   // its file system
    "normal",    // reads grub.cfg, and gives a prompt when that fails
    "multiboot", // loads the kernel and its modules
    "serial",    // the terminal of headless machines
    "terminal",  // chooses it
    "boot",      // starts what was loaded
];

/// A boot module on the CD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    /// Its path on the CD.
    pub(super) inside: String,
    /// The name the kernel sees.
    pub(super) name: String,
    /// What follows the name.
    pub(super) arguments: String,
}

/// The whole grub.cfg.
///
/// # Errors
/// A usage failure for a word that GRUB would hand over changed.
pub(super) fn config(kernel: &str, append: &str, modules: &[Placed]) -> Result<String> {
    let kernel = format!("multiboot {}{}", word(kernel)?, words(append)?);
    let mut load = vec![kernel];
    for module in modules {
        load.push(format!(
            "module {} {}{}",
            word(&module.inside)?,
            word(&module.name)?,
            words(&module.arguments)?
        ));
    }
    // A list is as good as its last command: each has to be asked.
    let silently: String = load
        .iter()
        .map(|command| format!("if {command}; then\n"))
        .chain(["boot\n".to_owned()])
        .chain(load.iter().map(|_| "fi\n".to_owned()))
        .collect();
    Ok(format!(
        "{silently}\
         serial --unit=0 --speed=115200\n\
         terminal_input serial console\n\
         terminal_output serial console\n\
         {}\n",
        load.join("\n")
    ))
}

fn words(text: &str) -> Result<String> {
    let mut line = String::new();
    for part in text.split_whitespace() {
        line.push(' ');
        line.push_str(&word(part)?);
    }
    Ok(line)
}

/// One word for GRUB's shell.
fn word(text: &str) -> Result<String> {
    // GRUB puts backslashes and quotes of its own around these when it joins
    // the words for the kernel.
    let kept = |c: char| c.is_ascii_graphic() && !"'\"\\".contains(c);
    if let Some(bad) = text.chars().find(|c| !kept(*c)) {
        return Err(Failure::usage(
            format!("GRUB cannot pass {bad:?} on unchanged: it is in `{text}`"),
            "use printable ASCII without blanks, quotes and backslashes",
        ));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:,+@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return Ok(text.to_owned());
    }
    Ok(format!("'{text}'"))
}

/// Makes GRUB's core image for a CD without emulation (El Torito).
pub(super) fn core_image(cx: &Context, output: &Path) -> Result<()> {
    let mut command = command(output);
    let ended = run::output(cx, &mut command)?;
    if !ended.status.success() {
        return Err(image::tool_failed("grub-mkimage", &ended)
            .mend("its i386-pc modules come with: cargo xtask setup"));
    }
    Ok(())
}

/// The command line that makes it.
pub(super) fn command(output: &Path) -> Command {
    let mut command = Command::new("grub-mkimage");
    command
        .args(["--format=i386-pc-eltorito", "--prefix=/boot/grub"])
        .arg("--output")
        .arg(output)
        .args(PARTS);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_boots_the_kernel_with_its_words_and_modules() {
        let modules = [Placed {
            inside: "/modules/0/init".into(),
            name: "init".into(),
            arguments: "--root=hd0  $(x)".into(),
        }];
        let text = config("/boot/kernel.elf", "console=serial loglevel=7", &modules);
        assert_eq!(
            text.expect("all words are plain"),
            "if multiboot /boot/kernel.elf console=serial loglevel=7; then\n\
             if module /modules/0/init init --root=hd0 '$(x)'; then\n\
             boot\n\
             fi\n\
             fi\n\
             serial --unit=0 --speed=115200\n\
             terminal_input serial console\n\
             terminal_output serial console\n\
             multiboot /boot/kernel.elf console=serial loglevel=7\n\
             module /modules/0/init init --root=hd0 '$(x)'\n"
        );
    }

    #[test]
    fn words_grub_would_change_are_refused() {
        for append in ["it's", "a\\b", "say \"x\"", "caf\u{e9}", "a\u{7}b"] {
            let failure = config("/k", append, &[]).expect_err(append);
            assert_eq!(failure.exit, crate::failure::Exit::Usage, "{append}");
        }
        // A line break is a blank, not a second command.
        let text = config("/k", "a\nhalt", &[]).expect("blanks separate words");
        assert!(text.contains("multiboot /k a halt; then\n"), "{text}");
    }
}
