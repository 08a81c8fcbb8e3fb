//! Completions for bash 4 and newer.

use super::{Values, argument, names, valued};
use crate::grammar::{Command, Grammar};

pub(super) fn script(grammar: &Grammar) -> String {
    let mut text = String::from(
        "# Completions of `cargo xtask` for bash. Made by: cargo xtask completions bash\n\
         _exov6_xtask() {\n    \
             local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command= index\n    \
             # bash cuts --flag=value into three words.\n    \
             if [[ $current == = ]]; then\n        current=\n    \
             elif [[ $before == = ]]; then\n        before=${COMP_WORDS[COMP_CWORD - 2]}\n    fi\n    \
             for ((index = $1; index < COMP_CWORD; index++)); do\n        \
                 case ${COMP_WORDS[index]} in\n",
    );
    text.push_str(&format!(
        "            {}) command=${{COMP_WORDS[index]}}; break ;;\n",
        names(grammar).join(" | ")
    ));
    text.push_str("        esac\n    done\n    case $command:$before in\n");
    for entry in valued(grammar) {
        text.push_str(&format!(
            "        {}) {}; return ;;\n",
            entry.pattern(" | "),
            reply(entry.values)
        ));
    }
    text.push_str("    esac\n    case $command in\n");
    for command in &grammar.commands {
        text.push_str(&format!(
            "        {}) {} ;;\n",
            command.name,
            after(grammar, command)
        ));
    }
    let start: Vec<_> = names(grammar)
        .into_iter()
        .chain(flags(grammar, None))
        .collect();
    text.push_str(&format!("        *) {} ;;\n", words(&start)));
    text.push_str(
        "    esac\n}\n\
         _exov6_cargo() {\n    \
             if [[ ${COMP_WORDS[1]} == xtask && $COMP_CWORD -gt 1 ]]; then\n        \
                 _exov6_xtask 2\n    \
             elif [[ -n ${_exov6_cargo_before-} ]]; then\n        \
                 \"$_exov6_cargo_before\" \"$@\"\n    \
             elif [[ $COMP_CWORD -eq 1 ]]; then\n        \
                 mapfile -t COMPREPLY < <(compgen -W xtask -- \"${COMP_WORDS[1]}\")\n    \
             fi\n}\n\
         _exov6_direct() {\n    _exov6_xtask 1\n}\n\
         # What completed cargo before still completes the rest of it.\n\
         if [[ $(complete -p cargo 2> /dev/null) =~ -F\\ ([^ ]+) && ${BASH_REMATCH[1]} != _exov6_cargo ]]; then\n    \
             _exov6_cargo_before=${BASH_REMATCH[1]}\n\
         fi\n\
         complete -o bashdefault -F _exov6_cargo cargo\n\
         complete -o bashdefault -F _exov6_direct xtask\n",
    );
    text
}

/// The flags that may follow a command, or come before one.
fn flags<'a>(grammar: &'a Grammar, command: Option<&'a Command>) -> Vec<&'a str> {
    grammar
        .flags_of(command)
        .map(|flag| flag.long.as_str())
        .collect()
}

fn after(grammar: &Grammar, command: &Command) -> String {
    let mut offered = flags(grammar, Some(command));
    match argument(command) {
        Values::Words(values) => {
            offered.splice(0..0, values.iter().copied());
            words(&offered)
        }
        kind @ (Values::Files | Values::Folders) => {
            format!(
                "if [[ $current == -* ]]; then {}; else {}; fi",
                words(&offered),
                reply(kind)
            )
        }
        Values::Free => words(&offered),
    }
}

fn reply(values: Values) -> String {
    match values {
        Values::Words(values) => words(values),
        Values::Files => {
            "mapfile -t COMPREPLY < <(compgen -f -- \"$current\"); compopt -o filenames".to_owned()
        }
        Values::Folders => {
            "mapfile -t COMPREPLY < <(compgen -d -- \"$current\"); compopt -o filenames".to_owned()
        }
        Values::Free => "COMPREPLY=()".to_owned(),
    }
}

fn words(words: &[&str]) -> String {
    format!(
        "mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$current\")",
        words.join(" ")
    )
}
