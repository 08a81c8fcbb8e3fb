//! A conversation with the shell, and what it must say.
//!
//! Owns the lines that are typed and the patterns of their answers. Pure.

use regex::Regex;

use super::verdict::{Cause, Verdict};
use crate::emulator::Line;

/// The shell's prompt.
pub const PROMPT: &str = r"(?m)^exov6\$ ";

/// A line that is typed, and what each line of its answer looks like.
pub struct Turn {
    /// What is typed.
    pub typed: &'static str,
    answer: &'static [&'static str],
}

const fn turn(typed: &'static str, answer: &'static [&'static str]) -> Turn {
    Turn { typed, answer }
}

const TASKS: &str = "^task threads +virtual +resident +user +system +name$";
const ONE_TASK: &str = r"^ +0 +1 +\d+ K +\d+ K +\d+\.\d\d +\d+\.\d\d  sh$";

/// The conversation.
pub const CONVERSATION: &[Turn] = &[
    turn("echo one  two", &["^one two$"]),
    turn("", &[]),
    turn(
        "ls",
        &[
            r"^ +\d+ hello$",
            r"^ +\d+ map$",
            r"^ +\d+ names$",
            r"^ +\d+ pager$",
            r"^ +\d+ ping$",
            r"^ +\d+ pong$",
            r"^ +\d+ sh$",
        ],
    ),
    turn(
        "hello big world",
        &[
            "^hello: from user mode$",
            r#"^hello: argument 1 is "big"$"#,
            r#"^hello: argument 2 is "world"$"#,
            r"^hello: task port is \d+$",
            r"^hello: thread port is \d+$",
            r"^hello: host port is \d+$",
            r"^hello: reply port is \d+$",
            "^hello: done$",
        ],
    ),
    turn("ps", &[TASKS, ONE_TASK]),
    turn(
        "threads",
        &[
            "^priority +current +user +system +state$",
            r"^ +25 +\d+ +\d+\.\d\d +\d+\.\d\d  running$",
        ],
    ),
    turn("uname", &["^ExoV6 "]),
    turn("uptime", &[r"^\d+\.\d\d seconds$"]),
    turn("send 1 7 8", &["^sent$"]),
    turn("send 4000 7", &["^send: MACH_SEND_INVALID_DEST$"]),
    turn(
        "nothing here",
        &["^nothing: no command and no file: see `help` and `ls`$"],
    ),
    turn("kill", &["^usage: kill TASK$"]),
    turn("kill 99", &["^kill: there is no task 99: see `ps`$"]),
    turn("run sh-not", &["^run: no command and no file"]),
    turn(
        "lookup",
        &["^lookup: there is no name server: start `names &`$"],
    ),
    turn("ping pong", &["^ping: KERN_FAILURE$"]),
    turn("names &", &[]),
    turn("names", &["^names: there is one already$"]),
    turn("pong pong &", &[]),
    turn("ping pong 10", &[r"^ping: 10 round trips in \d+ us$"]),
    turn("pager object 2 &", &[]),
    turn(
        "map object 2",
        &[
            "^map: page 0 begins with 0$",
            "^map: page 1 begins with 4096$",
        ],
    ),
    turn(
        "map object 2",
        &[
            "^map: page 0 begins with 1$",
            "^map: page 1 begins with 4097$",
        ],
    ),
    turn("lookup", &["^pong$", "^object$"]),
    turn("lookup pong", &[r"^pong is port \d+$"]),
    turn("lookup nobody", &["^lookup: KERN_INVALID_NAME$"]),
    turn("send pong 7", &["^sent$"]),
    turn("send nobody 7", &["^send: KERN_INVALID_NAME$"]),
    turn("halt", &["^exov6: done ok$"]),
];

/// Whether a console reads like the conversation.
pub fn check(console: &[Line]) -> Verdict {
    let text: Vec<&str> = console.iter().map(|line| line.text.trim_end()).collect();
    let mut lines = text.into_iter();
    for turn in CONVERSATION {
        let typed = format!("exov6$ {}", turn.typed);
        if !lines.any(|line| line == typed.trim_end()) {
            return Verdict::Failed(Cause::Missing(format!("`{typed}`")));
        }
        for pattern in turn.answer {
            let line = lines.next().unwrap_or("(the end)");
            let is_so = Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(line));
            if !is_so {
                let what = format!("`{}` is answered by `{line}`, not by {pattern}", turn.typed);
                return Verdict::Failed(Cause::Unexpected(what));
            }
        }
    }
    Verdict::Passed
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn console(text: &str) -> Vec<Line> {
        Line::all_of(text, Duration::ZERO)
    }

    const GOOD: &str = "exov6$ echo one  two
one two
exov6$
exov6$ ls
  100 hello
  105 map
  130 names
  115 pager
  120 ping
  110 pong
  200 sh
exov6$ hello big world
hello: from user mode
hello: argument 1 is \"big\"
hello: argument 2 is \"world\"
hello: task port is 3
hello: thread port is 4
hello: host port is 5
hello: reply port is 6
hello: done
exov6$ ps
task threads   virtual  resident      user    system  name
   0       1     364 K     308 K      0.02      0.09  sh
exov6$ threads
priority  current      user    system  state
      25       26      0.03      0.10  running
exov6$ uname
ExoV6 0.1.0 i386
exov6$ uptime
2.92 seconds
exov6$ send 1 7 8
sent
exov6$ send 4000 7
send: MACH_SEND_INVALID_DEST
exov6$ nothing here
nothing: no command and no file: see `help` and `ls`
exov6$ kill
usage: kill TASK
exov6$ kill 99
kill: there is no task 99: see `ps`
exov6$ run sh-not
run: no command and no file: see `help` and `ls`
exov6$ lookup
lookup: there is no name server: start `names &`
exov6$ ping pong
ping: KERN_FAILURE
exov6$ names &
exov6$ names
names: there is one already
exov6$ pong pong &
exov6$ ping pong 10
ping: 10 round trips in 80 us
exov6$ pager object 2 &
exov6$ map object 2
map: page 0 begins with 0
map: page 1 begins with 4096
exov6$ map object 2
map: page 0 begins with 1
map: page 1 begins with 4097
exov6$ lookup
pong
object
exov6$ lookup pong
pong is port 40
exov6$ lookup nobody
lookup: KERN_INVALID_NAME
exov6$ send pong 7
sent
exov6$ send nobody 7
send: KERN_INVALID_NAME
exov6$ halt
exov6: done ok";

    #[test]
    fn each_answer_counts() {
        assert_eq!(check(&console(GOOD)).kind(), "passed");
        for (number, line) in GOOD.lines().enumerate() {
            let other = GOOD.lines().enumerate();
            let without: Vec<&str> = other
                .filter(|(place, _)| *place != number)
                .map(|(_, line)| line)
                .collect();
            let verdict = check(&console(&without.join("\n")));
            assert_ne!(verdict.kind(), "passed", "without `{line}`");
        }
    }
}
