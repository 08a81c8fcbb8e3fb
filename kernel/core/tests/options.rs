//! The command line: what is understood, what is left alone, what is refused.

use kernel_core::options::{AfterPanic, Console, Options, Tests, words};
use proptest::prelude::*;

#[test]
fn every_option_is_understood() {
    let line = "/boot/kernel.elf console=vga ktest=frames ktest-skip=3 panic=kdb loglevel=7 misdeed=hang root=hd0s1";
    let options = Options::parse(line);
    assert_eq!(options.console, Console::Vga);
    assert_eq!(options.after_panic, AfterPanic::Monitor);
    assert_eq!(options.log_level.number(), 7);
    assert_eq!(
        (options.tests, options.test_filter, options.test_skip),
        (Tests::Run, "frames", 3)
    );
    assert_eq!(options.misdeed, Some("hang"));
    assert!(options.user_words().eq(["/boot/kernel.elf", "root=hd0s1"]));
    assert_eq!(options.warnings().count(), 0);
    assert_eq!(options.line(), line);
}

#[test]
fn the_first_serial_port_has_gnu_machs_name_too() {
    for line in ["console=serial", "console=com0"] {
        let options = Options::parse(line);
        assert_eq!(options.console, Console::Serial);
        assert_eq!(options.warnings().count(), 0);
    }
}

#[test]
fn an_empty_line_means_the_defaults() {
    let options = Options::parse(" \t ");
    assert_eq!(
        (options.console, options.after_panic),
        (Console::Both, AfterPanic::Exit)
    );
    assert_eq!(
        (options.tests, options.test_filter, options.test_skip),
        (Tests::Off, "", 0)
    );
    assert_eq!((options.log_level.number(), options.misdeed), (6, None));
    assert_eq!(options.user_words().count(), 0);
}

#[test]
fn listing_and_filtering_go_together_in_any_order() {
    for line in ["ktest-list ktest=mm", "ktest=mm ktest-list"] {
        let options = Options::parse(line);
        assert_eq!((options.tests, options.test_filter), (Tests::List, "mm"));
    }
    assert_eq!(Options::parse("ktest").tests, Tests::Run);
}

#[test]
fn the_last_of_two_counts() {
    assert_eq!(
        Options::parse("console=vga console=serial").console,
        Console::Serial
    );
    assert_eq!(
        Options::parse("console=vga console=teletype").console,
        Console::Vga
    );
}

#[test]
fn a_bad_value_warns_and_leaves_the_default() {
    for (word, valid) in [
        ("console=", "console=serial, console=vga, console=both"),
        ("console", "console=serial, console=vga, console=both"),
        ("panic=reboot", "panic=halt, panic=exit, panic=kdb"),
        ("loglevel=8", "loglevel=0 to loglevel=7"),
        ("loglevel=:", "loglevel=0 to loglevel=7"),
        ("loglevel=+1", "loglevel=0 to loglevel=7"),
        ("loglevel=256", "loglevel=0 to loglevel=7"),
        ("ktest-skip=4294967296", "ktest-skip=NUMBER"),
        ("ktest-skip=1:", "ktest-skip=NUMBER"),
        ("ktest-list=mm", "ktest-list, and ktest=FILTER beside it"),
        ("misdeed=", "misdeed=NAME"),
    ] {
        let options = Options::parse(word);
        let told: Vec<String> = options
            .warnings()
            .map(|warning| warning.to_string())
            .collect();
        assert_eq!(told, [format!("option `{word}` ignored; valid: {valid}")]);
        let (plain, none) = (Options::parse(""), options.user_words().count());
        assert_eq!(
            (options.console, options.after_panic, options.log_level),
            (plain.console, plain.after_panic, plain.log_level)
        );
        assert_eq!(
            (options.tests, options.test_skip, options.misdeed, none),
            (Tests::Off, 0, None, 0)
        );
    }
}

#[test]
fn boot_script_words_stay_whole_and_foreign() {
    let line = "--host=${host-port} console=${console} $(task-create) $(say hello you)x ktest";
    let options = Options::parse(line);
    assert!(options.user_words().eq([
        "--host=${host-port}",
        "console=${console}",
        "$(task-create)",
        "$(say hello you)x"
    ]));
    assert_eq!(options.tests, Tests::Run);
    assert_eq!(options.warnings().count(), 0);
    let unclosed = Options::parse("${oops ktest");
    assert_eq!(unclosed.tests, Tests::Run);
    assert!(unclosed.user_words().eq(["${oops"]));
}

proptest! {
    #[test]
    fn any_line_is_read(line in any::<String>()) {
        let options = Options::parse(&line);
        let told = options.warnings().count();
        let left = options.user_words().count();
        prop_assert!(told + left <= words(&line).count());
    }

    #[test]
    fn each_word_is_set_foreign_or_warned_about(
        list in prop::collection::vec("(console|panic|loglevel|ktest|ktest-skip|ktest-list|misdeed|root)(=[a-z0-9]{0,6})?|\\$\\{[a-z ]{0,5}\\}", 0..12),
    ) {
        let line = list.join(" ");
        prop_assert!(words(&line).eq(list.iter().map(String::as_str)));
        let options = Options::parse(&line);
        for word in &list {
            let alone = Options::parse(word);
            let foreign = alone.user_words().count() == 1;
            let invalid = alone.warnings().count() == 1;
            prop_assert!(!(foreign && invalid));
            prop_assert_eq!(foreign, word.starts_with("root") || word.starts_with('$'));
            prop_assert_eq!(invalid, options.warnings().any(|warning| warning.word == word));
        }
    }
}
