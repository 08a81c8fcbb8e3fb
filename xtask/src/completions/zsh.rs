//! Completions for zsh.
//!
//! zsh's own completion of cargo calls `_cargo-xtask` for `cargo xtask`, with
//! `xtask` as the first word.

use super::{Values, about, argument, names, valued};
use crate::grammar::{Flag, Grammar};

pub(super) fn script(grammar: &Grammar) -> String {
    let mut text = String::from(
        "#compdef xtask\n\
         # Completions of `cargo xtask` for zsh. Made by: cargo xtask completions zsh\n\
         _cargo-xtask() {\n    \
             local command word before=${words[CURRENT - 1]}\n    \
             local -a flags commands\n    \
             for word in ${words[2,CURRENT - 1]}; do\n        \
                 case $word in\n",
    );
    text.push_str(&format!(
        "            ({}) command=$word; break ;;\n",
        names(grammar).join("|")
    ));
    text.push_str("        esac\n    done\n    case $command:$before in\n");
    for entry in valued(grammar) {
        text.push_str(&format!(
            "        ({}) {}; return ;;\n",
            entry.pattern("|"),
            offer(entry.values)
        ));
    }
    text.push_str("    esac\n    flags=(\n");
    text.push_str(&described(&grammar.flags));
    text.push_str("    )\n    case $command in\n");
    for command in &grammar.commands {
        text.push_str(&format!(
            "        ({})\n            flags+=(\n",
            command.name
        ));
        text.push_str(&described(&command.flags));
        text.push_str("            )\n");
        match argument(command) {
            Values::Free => {}
            values => text.push_str(&format!("            {}\n", offer(values))),
        }
        text.push_str("            ;;\n");
    }
    text.push_str("        (*)\n            commands=(\n");
    for command in &grammar.commands {
        text.push_str(&format!(
            "        {}\n",
            entry(&command.name, &command.about)
        ));
    }
    text.push_str(
        "            )\n            _describe -t commands command commands\n            ;;\n    esac\n    \
             _describe -o -t flags flag flags\n}\n\
         if (( $+functions[compdef] )); then compdef _cargo-xtask xtask; fi\n",
    );
    text
}

fn described(flags: &[Flag]) -> String {
    flags
        .iter()
        .map(|flag| format!("        {}\n", entry(&flag.long, &flag.about)))
        .collect()
}

/// `'name:what it does'`, as `_describe` reads it.
fn entry(name: &str, text: &str) -> String {
    let text = about(text)
        .replace('\\', "\\\\")
        .replace(':', "\\:")
        .replace('\'', "'\\''");
    format!("'{name}:{text}'")
}

fn offer(values: Values) -> String {
    match values {
        Values::Words(values) => format!("compadd -- {}", values.join(" ")),
        Values::Files => "_files".to_owned(),
        Values::Folders => "_files -/".to_owned(),
        Values::Free => "_message 'a value'".to_owned(),
    }
}
