//! Boot scripts: the examples of GNU Mach's users, its odd corners, any text.

use std::collections::HashMap;

use kernel_core::bootscript::{
    Argument, MAX_COMMANDS, MAX_VARIABLES, Problem, Resume, Role, Script, ScriptError, Value,
};
use proptest::prelude::*;

/// The arguments as the task gets them, rights being numbered as they come.
fn arguments(script: &Script<'_>, command: usize) -> Vec<String> {
    let mut names: HashMap<String, usize> = HashMap::new();
    let mut told = |argument: Argument<'_>| {
        let value = match argument.value {
            None => String::new(),
            Some(Value::Text(text)) => text.to_owned(),
            Some(Value::Flags(flags)) => flags.to_string(),
            Some(Value::RamDisk(_)) => "rd".to_owned(),
            Some(port) => {
                let next = names.len() + 1;
                let name = names.entry(format!("{port:?}")).or_insert(next);
                name.to_string()
            }
        };
        argument.text.to_owned() + &value
    };
    script.arguments(command).map(&mut told).collect()
}

fn parse<'a>(lines: &[&'a str], kernel_line: &'a str) -> Result<Script<'a>, ScriptError<'a>> {
    Script::parse(lines.iter().copied(), kernel_line)
}

fn read<'a>(lines: &[&'a str], kernel_line: &'a str) -> Script<'a> {
    match parse(lines, kernel_line) {
        Ok(script) => script,
        Err(error) => panic!("{lines:?}: {error}"),
    }
}

#[test]
fn the_hurds_own_script_is_understood() {
    let lines = [
        "/hurd/ext2fs.static --multiboot-command-line=${kernel-command-line} \
         --host-priv-port=${host-port} --device-master-port=${device-port} \
         --exec-server-task=${exec-task} -T typed ${root} $(task-create) $(task-resume)",
        "/lib/ld.so.1 /hurd/exec $(exec-task=task-create)",
    ];
    let script = read(&lines, "gnumach root=device:hd0s1");
    let roles: Vec<Role> = script.commands().iter().map(|one| one.role()).collect();
    assert_eq!(
        roles,
        [Role::Task(Resume::AtOnce), Role::Task(Resume::Never)]
    );
    assert_eq!(script.commands()[0].file(), "/hurd/ext2fs.static");
    assert_eq!(script.commands()[1].line(), lines[1]);
    assert_eq!(
        arguments(&script, 0),
        [
            "/hurd/ext2fs.static",
            "--multiboot-command-line=gnumach root=device:hd0s1",
            "--host-priv-port=1",
            "--device-master-port=2",
            "--exec-server-task=3",
            "-T",
            "typed",
            "device:hd0s1",
        ]
    );
    assert_eq!(arguments(&script, 1), ["/lib/ld.so.1", "/hurd/exec"]);
    assert_eq!(script.value("exec-task"), Some(Value::Task(1)));
    assert_eq!(arguments(&script, 2), [""; 0]);
}

/// Each as the reference kernel does it: line, kernel's words, arguments.
#[test]
fn corners_are_as_on_the_reference_kernel() {
    for (line, kernel_line, expected) in [
        (
            "p dev${device-port}x ${kernel-task} $(task-create)",
            "",
            &["p", "dev1", "x", "2"][..],
        ),
        (
            "p $x $$ a$ x=${host-port}y=${device-port} $(who) $(task-create)",
            "",
            &["p", "$x", "$$", "a$", "x=1", "y=2"],
        ),
        (
            "p $(h=host-port) ${h} $(k=task-create)$(task-resume) x${k}y$(h)z",
            "",
            &["p", "1", "x2", "y$(h)z"],
        ),
        (
            "p a${host-port}${device-port}b x$(y $(task-create)",
            "",
            &["p", "a1", "2", "b", "x$(y"],
        ),
        (
            "p $(task-create)x y${host-port}$(task-resume)",
            "",
            &["p", "x", "y1"],
        ),
        (
            "p $(task-resume) \"a b\" $(task-create) after",
            "",
            &["p", "\"a", "b\"", "after"],
        ),
        (
            "p ${foo} ${e} ${d} ${console} $(task-create)",
            "console=com0 foo=a=b e= d=1 d=2",
            &["p", "a=b", "", "1", "com0"],
        ),
        (
            "p ${root-device} ${boot-args} r=${root} $(task-create)",
            "root=device:hd0 baz -s -f single",
            &["p", "device:hd0", "-sf", "r=device:hd0"],
        ),
        (
            "p ${root-device} ${boot-args} $(task-create)",
            "root=/dev/hd0s1",
            &["p", "hd0s1", "-x"],
        ),
        (
            "p ${root-device} ${boot-args} $(task-create)",
            "x --yes -v=3",
            &["p", "UNKNOWN", "--yesv=3"],
        ),
        (
            "p $(nonsense) $(host-port) $(task-create) $(task-resume)",
            "",
            &["p"],
        ),
    ] {
        let script = read(&[line], kernel_line);
        assert_eq!(arguments(&script, 0), expected, "{line}");
    }
}

#[test]
fn a_lone_file_gets_both_ports() {
    let script = read(&[" serverboot "], "root=hd0");
    assert_eq!(arguments(&script, 0), ["serverboot", "1", "2"]);
    assert_eq!(script.commands()[0].role(), Role::Task(Resume::AtOnce));
    for lines in [&["file", "file"][..], &["file x"]] {
        let script = read(lines, "");
        assert!(script.commands().iter().all(|one| one.role() == Role::Data));
    }
}

#[test]
fn roles_follow_from_the_functions() {
    let script = read(
        &[
            "disk $(r=ramdisk-create)",
            "p ${r} $(prompt-task-resume) $(task-create)",
            "archive with words",
        ],
        "",
    );
    let roles: Vec<Role> = script.commands().iter().map(|one| one.role()).collect();
    assert_eq!(
        roles,
        [Role::RamDisk, Role::Task(Resume::AfterPrompt), Role::Data]
    );
    assert_eq!(script.value("r"), Some(Value::RamDisk(0)));
    assert_eq!(arguments(&script, 1), ["p", "rd"]);
}

#[test]
fn a_line_may_rename_what_another_defines() {
    let script = read(
        &[
            "p ${c} ${host-port} $(task-create)",
            "q $(c=b) $(b=a) $(a=task-create)",
            "r $(host-port=host-port) $(b=device-port)",
        ],
        "",
    );
    assert_eq!(script.value("c"), Some(Value::DevicePort));
    assert_eq!(script.value("host-port"), Some(Value::HostPort));
    assert_eq!(arguments(&script, 0), ["p", "1", "2"]);
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (lines, at, problem, told) in [
        (
            &["p", " \t"][..],
            (1, 0),
            Problem::NoFile,
            "module 1, column 1: no file name",
        ),
        (
            &["p ${host-port $(task-create)"],
            (0, 2),
            Problem::Unclosed,
            "module 0, column 3: nothing closes what begins here",
        ),
        (
            &["p $(task-create) x${"],
            (0, 18),
            Problem::Unclosed,
            "module 0, column 19: nothing closes what begins here",
        ),
        (
            &["p ${}"],
            (0, 2),
            Problem::NoName,
            "module 0, column 3: a name is missing",
        ),
        (&["p $(=task-create)"], (0, 2), Problem::NoName, ""),
        (&["p $(y=)"], (0, 2), Problem::NoName, ""),
        (&["p $()"], (0, 2), Problem::NoName, ""),
        (
            &["p ${task-create}"],
            (0, 2),
            Problem::NotAVariable("task-create"),
            "module 0, column 3: `task-create` is a function, not a variable",
        ),
        (
            &["p $(x=task-resume)"],
            (0, 2),
            Problem::NoValue("task-resume"),
            "module 0, column 3: nothing comes of `task-resume` that could be named",
        ),
        (
            &["p a ${nothing} $(task-create)"],
            (0, 4),
            Problem::Undefined("nothing"),
            "module 0, column 5: nothing defines `nothing`",
        ),
        (
            &["p $(v=nonsense)"],
            (0, 2),
            Problem::Undefined("nonsense"),
            "module 0, column 3: nothing defines `nonsense`",
        ),
        (&["p $(a=b) $(b=a)"], (0, 2), Problem::Undefined("b"), ""),
        (&["p $(a=a)"], (0, 2), Problem::Undefined("a"), ""),
        (
            &["p x", "p $(task-resume)"],
            (1, 2),
            Problem::NoTask,
            "module 1, column 3: nothing to resume: this line creates no task",
        ),
    ] {
        let Err(error) = parse(lines, "") else {
            panic!("{lines:?} was taken");
        };
        assert_eq!((error.command, error.at), at, "{lines:?}");
        assert_eq!(error.problem, problem, "{lines:?}");
        if !told.is_empty() {
            assert_eq!(error.to_string(), told);
        }
    }
}

#[test]
fn there_are_bounds() {
    let lines = vec!["p x"; MAX_COMMANDS + 1];
    assert!(parse(&lines[1..], "").is_ok());
    let error = parse(&lines, "").err();
    assert_eq!(
        error.map(|error| (error.command, error.problem)),
        Some((MAX_COMMANDS, Problem::TooManyCommands))
    );
    let full = "p".to_owned() + &" $(a=host-port)".repeat(MAX_VARIABLES);
    assert!(parse(&[&full], "").is_ok());
    let over = full + " $(a=host-port)";
    let error = parse(&[&over], "").err();
    assert_eq!(
        error.map(|error| (error.problem, error.to_string().contains("128 variables"))),
        Some((Problem::TooManyVariables, true))
    );
}

#[test]
fn what_does_nothing_can_be_told() {
    let script = read(&["p $(task-create) $(speak) $(task-resume)", "q a"], "");
    let ignored: Vec<_> = script.ignored().collect();
    assert_eq!(ignored, [(0, 17, "speak")]);
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("$(task-create)".to_owned()),
        Just("$(task-resume)".to_owned()),
        Just("$(prompt-task-resume)".to_owned()),
        "\\$\\((a|b|host-port)=(a|b|task-create|ramdisk-create|device-port)\\)",
        "[a-z$(){}=]{0,6}\\$\\{(a|b|x|host-port)\\}[a-z]{0,2}",
        "[a-z$(){}=é ]{1,6}",
    ]
}

fn line() -> impl Strategy<Value = String> {
    prop::collection::vec(word(), 0..8).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(
        lines in prop::collection::vec(prop_oneof![line(), any::<String>()], 0..5),
        kernel_line in "((a|x|root)=[a-z/]{0,4} |-[a-z]{0,2} ){0,4}",
    ) {
        let borrowed: Vec<&str> = lines.iter().map(String::as_str).collect();
        match parse(&borrowed, &kernel_line) {
            Err(error) => {
                prop_assert!(error.command < lines.len());
                prop_assert!(lines[error.command].is_char_boundary(error.at));
                prop_assert!(error.to_string().len() > 10);
            }
            Ok(script) => {
                prop_assert_eq!(script.commands().len(), lines.len());
                for (number, command) in script.commands().iter().enumerate() {
                    let told = arguments(&script, number);
                    prop_assert_eq!(&told[0], command.file());
                    // Whatever stands in a task's line is in its arguments.
                    if let Role::Task(_) = command.role() {
                        let text = command.line().matches("${").count();
                        let values = script.arguments(number).filter(|one| one.value.is_some());
                        prop_assert!(lines.len() == 1 || values.count() <= text);
                    }
                }
            }
        }
    }

    /// Words without a dollar sign are arguments, each as it is.
    #[test]
    fn plain_words_are_arguments(
        words in prop::collection::vec("[a-z0-9=/:{}()-]{1,8}", 0..10),
        gap in "[ \t\n]{1,3}",
    ) {
        let line = format!("file{gap}{}{gap}$(task-create)", words.join(&gap));
        let script = read(&[&line], "");
        let told = arguments(&script, 0);
        prop_assert_eq!(&told[1..], &words[..]);
    }
}
