//! The scripts, and bash completing with one of them.

use std::process::Command;

use super::{Values, script, valued};
use crate::cli::Shell;
use crate::grammar::Grammar;

/// What bash offers for the last of these words.
fn bash_offers(line: &str) -> Vec<String> {
    let script = script(&Grammar::of_this_tool(), Shell::Bash);
    let words: Vec<String> = line.split(' ').map(|word| format!("'{word}'")).collect();
    let program = format!(
        "set -eu\n{script}\nCOMP_WORDS=({})\nCOMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n\
         compopt() {{ :; }}\n_exov6_cargo cargo\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
        words.join(" ")
    );
    let output = Command::new("bash")
        .args(["--norc", "-c", &program])
        .output()
        .expect("bash starts");
    assert!(
        output.status.success(),
        "{line}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let offered = String::from_utf8_lossy(&output.stdout).into_owned();
    offered
        .lines()
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn bash_completes_flags_of_the_command_at_hand() {
    assert_eq!(bash_offers("cargo xtask qemu --cp"), ["--cpu"]);
    assert_eq!(
        bash_offers("cargo xtask qemu --smp 2 --firm"),
        ["--firmware"]
    );
    assert_eq!(bash_offers("cargo xtask build --tar"), ["--target-cpu"]);
    assert!(
        bash_offers("cargo xtask build --expe").is_empty(),
        "a flag of qemu is offered for build"
    );
    assert_eq!(bash_offers("cargo xtask qemu --verb"), ["--verbose"]);
}

#[test]
fn bash_completes_commands_values_and_arguments() {
    assert_eq!(bash_offers("cargo xtask ben"), ["bench-boot", "bench-ipc"]);
    assert_eq!(bash_offers("cargo xtask --color never con"), ["config"]);
    assert_eq!(
        bash_offers("cargo xtask qemu --cpu pentium"),
        ["pentium", "pentium2", "pentium3"]
    );
    assert_eq!(bash_offers("cargo xtask qemu --cpu = q"), ["qemu32"]);
    assert_eq!(bash_offers("cargo xtask image i"), ["iso"]);
    assert_eq!(bash_offers("cargo xtask completions z"), ["zsh"]);
    assert_eq!(bash_offers("cargo xtask --color al"), ["always"]);
    assert!(bash_offers("cargo xtask qemu --memory ").is_empty());
    assert_eq!(bash_offers("cargo xt"), ["xtask"]);
}

#[test]
fn bash_leaves_the_rest_of_cargo_to_who_had_it() {
    let script = script(&Grammar::of_this_tool(), Shell::Bash);
    let program = format!(
        "_before() {{ COMPREPLY=(from-before); }}\ncomplete -F _before cargo\n{script}\n{script}\n\
         COMP_WORDS=(cargo bui)\nCOMP_CWORD=1\n_exov6_cargo cargo\necho \"${{COMPREPLY[@]}}\"\n"
    );
    let output = Command::new("bash")
        .args(["--norc", "-c", &program])
        .output()
        .expect("bash starts");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "from-before\n");
}

#[test]
fn every_script_offers_every_command_and_flag() {
    let grammar = Grammar::of_this_tool();
    for &shell in Shell::ALL {
        let text = script(&grammar, shell);
        for command in &grammar.commands {
            assert!(
                text.contains(&command.name),
                "{shell} does not complete {}",
                command.name
            );
            for flag in &command.flags {
                let name = flag.long.trim_start_matches('-');
                assert!(
                    text.contains(name),
                    "{shell} does not complete {} {}",
                    command.name,
                    flag.long
                );
            }
        }
    }
}

#[test]
fn flags_whose_help_lists_words_complete_to_words() {
    // A new flag with a type of its own must be added to `values`.
    for entry in valued(&Grammar::of_this_tool()) {
        let about = &entry.flag.about;
        let lists_words =
            about.contains(" or ") && !about.contains('(') && about.split(' ').count() <= 6;
        let is_free = entry.values == Values::Free;
        assert!(
            !(lists_words && is_free),
            "{}: `{about}` lists words that are not completed",
            entry.flag.long
        );
    }
}
