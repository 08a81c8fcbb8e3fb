//! The help people see, laid out from the grammar.
//!
//! Pure: `flags.rs` holds every word of it.

use crate::grammar::{Arg, Command, Flag, Grammar, Repeats};

/// Help of the tool: what it is, its commands, the flags of all of them.
pub fn of_tool(grammar: &Grammar) -> String {
    let mut text = format!(
        "{}\n\nUsage: cargo xtask [FLAGS] COMMAND [FLAGS]\n\nCommands:\n",
        example_apart(&grammar.about)
    );
    let width = grammar
        .commands
        .iter()
        .map(|command| command.name.len())
        .max()
        .unwrap_or_default();
    for command in &grammar.commands {
        let about = command.about.split(" Example: ").next().unwrap_or_default();
        text.push_str(&format!("  {:width$}  {about}\n", command.name));
    }
    text.push_str("\nFlags of every command:\n");
    add_flags(&mut text, &grammar.flags);
    text.push_str("\nFor one command: cargo xtask COMMAND --help\n");
    text
}

/// Help of one command.
pub fn of_command(command: &Command) -> String {
    let mut text = format!(
        "{}\n\nUsage: cargo xtask {}",
        example_apart(&command.about),
        command.name
    );
    if !command.flags.is_empty() {
        text.push_str(" [FLAGS]");
    }
    for arg in &command.args {
        match arg.repeats {
            Repeats::Once => text.push_str(&format!(" {}", arg.name.to_uppercase())),
            Repeats::AtMostOnce => text.push_str(&format!(" [{}]", arg.name.to_uppercase())),
            Repeats::Many => text.push_str(&format!(" [-- {}...]", arg.name.to_uppercase())),
        }
    }
    text.push('\n');
    if !command.args.is_empty() {
        text.push_str("\nArguments:\n");
        for Arg { name, about, .. } in &command.args {
            add_entry(&mut text, &name.to_uppercase(), about);
        }
    }
    if !command.flags.is_empty() {
        text.push_str("\nFlags:\n");
        add_flags(&mut text, &command.flags);
    }
    text.push_str("\nFlags of every command, and exit codes: cargo xtask --help\n");
    text
}

fn example_apart(about: &str) -> String {
    about.replacen(" Example: ", "\n\nExample: ", 1)
}

fn add_flags(text: &mut String, flags: &[Flag]) {
    for flag in flags {
        let short = flag
            .short
            .as_ref()
            .map(|short| format!("{short}, "))
            .unwrap_or_default();
        let value = flag
            .value
            .as_ref()
            .map(|value| format!(" <{value}>"))
            .unwrap_or_default();
        add_entry(text, &format!("{short}{}{value}", flag.long), &flag.about);
    }
}

fn add_entry(text: &mut String, name: &str, about: &str) {
    const COLUMN: usize = 24;
    let gap = if name.len() > COLUMN {
        format!("\n  {:COLUMN$}", "")
    } else {
        " ".repeat(COLUMN - name.len())
    };
    let about = about.replace('\n', &format!("\n  {:COLUMN$}  ", ""));
    text.push_str(&format!("  {name}{gap}  {about}\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_of_a_command_is_its_own_with_its_example() {
        let grammar = Grammar::of_this_tool();
        let text = of_command(grammar.command("image").expect("a command"));
        assert!(
            text.starts_with(
                "Make a bootable ISO or an ext2 image.\n\nExample: cargo xtask image iso\n"
            ),
            "{text}"
        );
        assert!(
            text.contains("Usage: cargo xtask image [FLAGS] KIND\n"),
            "{text}"
        );
        let optional = of_command(grammar.command("check-elf").expect("a command"));
        assert!(
            optional.contains("Usage: cargo xtask check-elf [FLAGS] [PATH]\n"),
            "{optional}"
        );
        assert!(
            text.contains(
                "  --root <dir>              The folder whose files go into the image.\n"
            ),
            "{text}"
        );
        assert!(
            !text.contains("--expect"),
            "help of image shows a flag of qemu"
        );
    }

    #[test]
    fn help_of_the_tool_names_every_command_and_exit_code() {
        let grammar = Grammar::of_this_tool();
        let text = of_tool(&grammar);
        for command in &grammar.commands {
            assert!(
                text.contains(&format!("\n  {} ", command.name)),
                "{} is missing",
                command.name
            );
        }
        for word in [
            "124 deadline",
            "101 build failed",
            "--no-setup",
            "Example: cargo xtask qemu",
        ] {
            assert!(text.contains(word), "{word} is missing from\n{text}");
        }
    }

    #[test]
    fn extra_arguments_are_shown_after_the_dashes() {
        let grammar = Grammar::of_this_tool();
        let text = of_command(grammar.command("qemu").expect("a command"));
        assert!(
            text.contains("cargo xtask qemu [FLAGS] [-- EXTRA...]"),
            "{text}"
        );
    }
}
