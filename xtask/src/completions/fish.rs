//! Completions for fish.

use super::{Values, about, argument, names, values};
use crate::grammar::{Command, Flag, Grammar};

pub(super) fn script(grammar: &Grammar) -> String {
    let mut text = String::from(
        "# Completions of `cargo xtask` for fish. Made by: cargo xtask completions fish\n\
         # Whether the command after `cargo xtask` is this one; none without an argument.\n\
         function __exov6_xtask_is\n    \
             set -l words (commandline -opc)\n    \
             test (count $words) -ge 2; and test $words[2] = xtask; or return 1\n    \
             for word in $words[3..-1]\n        \
                 switch $word\n",
    );
    text.push_str(&format!("            case {}\n", names(grammar).join(" ")));
    text.push_str(
        "                test \"$argv[1]\" = any; or test \"$argv[1]\" = $word\n                return $status\n        \
                 end\n    end\n    \
             test -z \"$argv[1]\"\nend\n\
         # Inside `cargo xtask`, before or after its command.\n\
         function __exov6_xtask_inside\n    \
             __exov6_xtask_is; or __exov6_xtask_is any\nend\n",
    );
    for command in &grammar.commands {
        text.push_str(&format!(
            "complete -c cargo -n __exov6_xtask_is -f -a {} -d {}\n",
            command.name,
            quoted(&about(&command.about))
        ));
    }
    for flag in &grammar.flags {
        text.push_str(&line("__exov6_xtask_inside", flag));
    }
    for command in &grammar.commands {
        let condition = format!("'__exov6_xtask_is {}'", command.name);
        for flag in &command.flags {
            text.push_str(&line(&condition, flag));
        }
        text.push_str(&arguments(&condition, command));
    }
    text
}

fn line(condition: &str, flag: &Flag) -> String {
    let long = flag.long.trim_start_matches('-');
    let short = flag
        .short
        .as_ref()
        .map(|short| format!(" -s {}", short.trim_start_matches('-')))
        .unwrap_or_default();
    let value = flag
        .value
        .as_ref()
        .map(|name| offer(values(name), "-x", "-r -F"))
        .unwrap_or_default();
    format!(
        "complete -c cargo -n {condition} -l {long}{short}{value} -d {}\n",
        quoted(&about(&flag.about))
    )
}

fn arguments(condition: &str, command: &Command) -> String {
    match argument(command) {
        Values::Free => format!("complete -c cargo -n {condition} -f\n"),
        values => format!(
            "complete -c cargo -n {condition}{}\n",
            offer(values, "-f", "-F")
        ),
    }
}

fn offer(values: Values, alone: &str, files: &str) -> String {
    match values {
        Values::Words(values) => format!(" {alone} -a '{}'", values.join(" ")),
        Values::Files => format!(" {files}"),
        Values::Folders => format!(" {alone} -a '(__fish_complete_directories)'"),
        Values::Free => format!(" {alone}"),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
