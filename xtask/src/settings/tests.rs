//! Where settings come from, and which are refused.

use super::*;

fn resolve(text: &str, variables: &[(&str, &str)], flags: GlobalFlags) -> Result<Settings> {
    let variables = variables
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Settings::resolve(Path::new("/p/exov6.toml"), text, variables, flags)
        .map(|(settings, _)| settings)
}

#[test]
fn each_source_wins_over_the_next() {
    let none = GlobalFlags::default();
    let default = resolve("", &[], none).expect("nothing to refuse");
    assert_eq!(
        (default.timeout.value, default.timeout.source),
        (None, Source::Default)
    );

    let file = "# mine\ntimeout = \"1m\"\n";
    let from_file = resolve(file, &[], none).expect("a good file");
    assert_eq!(from_file.timeout.value, Some("1m".parse().expect("a time")));
    assert_eq!(from_file.timeout.source.to_string(), "/p/exov6.toml:2");

    let variable = [("EXOV6_TIMEOUT", "2m")];
    let from_variable = resolve(file, &variable, none).expect("a good variable");
    assert_eq!(
        from_variable.timeout.value,
        Some("2m".parse().expect("a time"))
    );
    assert_eq!(from_variable.timeout.source.to_string(), "EXOV6_TIMEOUT");

    let flag = GlobalFlags {
        timeout: Some("3m".parse().expect("a time")),
        ..none
    };
    let from_flag = resolve(file, &variable, flag).expect("a good flag");
    assert_eq!(from_flag.timeout.value, Some("3m".parse().expect("a time")));
    assert_eq!(from_flag.timeout.source.to_string(), "--timeout");
}

#[test]
fn an_unknown_key_names_file_line_and_the_valid_keys() {
    let failure = resolve("smp = 2\n\nmemroy = \"8M\"\n", &[], GlobalFlags::default())
        .expect_err("no such key");
    assert_eq!(failure.exit, crate::failure::Exit::Usage);
    assert_eq!(
        failure.what,
        "/p/exov6.toml:3: there is no setting `memroy`"
    );
    let mend = failure.mend.expect("advice");
    assert!(
        mend.starts_with("did you mean `memory`? the settings are: cpu, memory, smp"),
        "{mend}"
    );
}

#[test]
fn a_wrong_value_names_its_source() {
    let failure =
        resolve("\ncpu = \"i486\"\n", &[], GlobalFlags::default()).expect_err("no such CPU");
    assert!(
        failure
            .what
            .starts_with("/p/exov6.toml:2: `cpu`: `i486` is not one of pentium,"),
        "{failure}"
    );
    let failure = resolve("", &[("EXOV6_SMP", "9")], GlobalFlags::default()).expect_err("too many");
    assert!(
        failure
            .what
            .starts_with("EXOV6_SMP: `smp`: `9` is not a number of processors"),
        "{failure}"
    );
    let failure = resolve("smp = [1]\n", &[], GlobalFlags::default()).expect_err("a list");
    assert!(
        failure.what.contains("exov6.toml:1: `smp` is not a string"),
        "{failure}"
    );
    let failure =
        resolve("smp = 1\ncpu pentium\n", &[], GlobalFlags::default()).expect_err("not TOML");
    assert!(failure.what.contains("exov6.toml:2: "), "{failure}");
}

#[test]
fn numbers_and_answers_need_no_quotes_and_paths_are_relative_to_the_file() {
    let text = "smp = 4\noffline = true\nqemu = \"bin/qemu\"\nkernel_toolchain = \"tc\"\n";
    let settings = resolve(text, &[], GlobalFlags::default()).expect("a good file");
    assert_eq!(settings.smp.value, 4);
    assert!(settings.offline.value);
    assert_eq!(settings.qemu.value, Path::new("/p/bin/qemu"));
    assert_eq!(
        settings.kernel_toolchain.value.as_deref(),
        Some(Path::new("/p/tc"))
    );
}

#[test]
fn an_unknown_variable_is_warned_of_and_an_empty_one_is_none() {
    let variables = [("EXOV6_CPUS", "3"), ("EXOV6_CPU", ""), ("PATH", "/bin")];
    let variables = variables.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let (settings, warnings) = Settings::resolve(
        Path::new("/p/exov6.toml"),
        "",
        variables,
        GlobalFlags::default(),
    )
    .expect("warnings only");
    assert_eq!(settings.cpu.source, Source::Default);
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].starts_with("EXOV6_CPUS is no setting"),
        "{warnings:?}"
    );
}

#[test]
fn every_name_has_a_row() {
    let settings = resolve("", &[], GlobalFlags::default()).expect("defaults");
    let names: Vec<_> = settings.rows().iter().map(|row| row.name).collect();
    assert_eq!(names, NAMES);
}
