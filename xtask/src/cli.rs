//! The value types of the command line that are not about a machine.
//!
//! Each parses from the words `--help` shows; the error of a wrong word lists
//! the right ones. Types that describe the emulated machine are in
//! `machine.rs`, built with the same [`choice!`](crate::choice) macro.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A word or number on the command line or in the settings that means nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid(pub String);

impl Invalid {
    /// The error for `given` where one of `valid` was expected.
    pub fn word(given: &str, valid: &[&str]) -> Self {
        let near = crate::grammar::nearest(given, valid)
            .map(|word| format!("; did you mean `{word}`?"))
            .unwrap_or_default();
        Invalid(format!(
            "`{given}` is not one of {}{near}",
            valid.join(", ")
        ))
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Invalid {}

/// Defines an enum whose values are the words people type: `FromStr` with an
/// error that lists them, `Display`, `Serialize`, and `ALL` in help order.
#[macro_export]
macro_rules! choice {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$vmeta:meta])* $value:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vmeta])* $value,)+ }

        impl $name {
            /// Every value, in the order help shows them.
            pub const ALL: &'static [$name] = &[$($name::$value),+];
            /// The words for [`Self::ALL`], in the same order.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word people type for this value.
            pub const fn word(self) -> &'static str {
                match self { $($name::$value => $word,)+ }
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::cli::Invalid;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok($name::$value),)+
                    _ => Err($crate::cli::Invalid::word(text, Self::WORDS)),
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.word())
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.word())
            }
        }
    };
}

choice! {
    /// When output is coloured.
    pub enum Color {
        /// On a terminal that can, unless NO_COLOR is set.
        Auto = "auto",
        /// Even into a pipe.
        Always = "always",
        /// Nowhere.
        Never = "never",
    }
}

choice! {
    /// What `cargo xtask config` does.
    pub enum ConfigAction {
        /// Print every setting, its value and where it came from.
        Show = "show",
    }
}

choice! {
    /// The images `cargo xtask image` makes.
    pub enum ImageKind {
        /// A CD image that GRUB boots.
        Iso = "iso",
        /// A root file system.
        Ext2 = "ext2",
    }
}

choice! {
    /// The five rings of tests, innermost first.
    pub enum Ring {
        /// Pure logic, on this machine.
        Host = "host",
        /// Cases inside the real kernel.
        Ktest = "ktest",
        /// Kernels with one behaviour that must end as expected.
        Kernels = "kernels",
        /// The whole system.
        System = "system",
        /// This tool against a container engine.
        Docker = "docker",
    }
}

choice! {
    /// The shells that get completions.
    pub enum Shell {
        /// GNU bash.
        Bash = "bash",
        /// Z shell.
        Zsh = "zsh",
        /// fish.
        Fish = "fish",
    }
}

choice! {
    /// How the kernel is optimised and checked.
    pub enum Profile {
        /// Optimised, without run-time checks.
        Release = "release",
        /// With overflow checks, debug assertions and lock-order checks.
        Dev = "dev",
    }
}

choice! {
    /// Whether a kernel carries its in-kernel tests.
    pub enum Ktest {
        /// The kernel people boot.
        Without = "without",
        /// The kernel that tests itself.
        With = "with",
    }
}

/// The i-th of n equal parts, written `i/n`, counted from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    /// Which part, 1 to `count`.
    pub index: u32,
    /// How many parts there are.
    pub count: u32,
}

impl FromStr for Partition {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong = || Invalid(format!("`{text}` is not a part like 1/4, counted from 1"));
        let (index, count) = text.split_once('/').ok_or_else(wrong)?;
        let index: u32 = index.parse().map_err(|_| wrong())?;
        let count: u32 = count.parse().map_err(|_| wrong())?;
        if index == 0 || index > count {
            return Err(wrong());
        }
        Ok(Partition { index, count })
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

/// A length of time as people write it: `90s`, `15m`, `1h30m`, `500ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timeout(pub Duration);

impl FromStr for Timeout {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong = || {
            Invalid(format!(
                "`{text}` is not a time like 90s, 15m, 1h30m or 500ms"
            ))
        };
        let mut rest = text;
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
            let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
            rest = &rest[digits..];
            let unit = rest
                .find(|c: char| c.is_ascii_digit())
                .unwrap_or(rest.len());
            let scale: u64 = match &rest[..unit] {
                "ms" => 1,
                "s" => 1_000,
                "m" => 60_000,
                "h" => 3_600_000,
                _ => return Err(wrong()),
            };
            rest = &rest[unit..];
            let part = number.checked_mul(scale).ok_or_else(wrong)?;
            total = total.checked_add(part).ok_or_else(wrong)?;
        }
        // A century is as good as never, and keeps `Instant + Duration` in range.
        if total == 0 || total > 100 * 365 * 24 * 3_600_000 {
            return Err(wrong());
        }
        Ok(Timeout(Duration::from_millis(total)))
    }
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.0.as_millis();
        let parts = [
            (total / 3_600_000, "h"),
            (total / 60_000 % 60, "m"),
            (total / 1_000 % 60, "s"),
            (total % 1_000, "ms"),
        ];
        let mut written = false;
        for (number, unit) in parts {
            if number > 0 {
                write!(f, "{number}{unit}")?;
                written = true;
            }
        }
        if written { Ok(()) } else { f.write_str("0s") }
    }
}

impl serde::Serialize for Timeout {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_word_lists_the_right_ones() {
        let error = "hots".parse::<Ring>().expect_err("no such ring");
        assert_eq!(
            error.0,
            "`hots` is not one of host, ktest, kernels, system, docker; did you mean `host`?"
        );
    }

    #[test]
    fn every_choice_reads_its_own_word() {
        for (value, word) in Ring::ALL.iter().zip(Ring::WORDS) {
            assert_eq!(word.parse(), Ok(*value));
            assert_eq!(value.to_string(), *word);
        }
    }

    #[test]
    fn times_read_and_print() {
        for (text, ms) in [
            ("90s", 90_000),
            ("15m", 900_000),
            ("1h30m", 5_400_000),
            ("500ms", 500),
        ] {
            let time: Timeout = text.parse().expect(text);
            assert_eq!(time.0.as_millis(), ms);
        }
        assert_eq!(Timeout(Duration::from_secs(5_400)).to_string(), "1h30m");
        assert_eq!(
            Timeout(Duration::from_millis(90_500)).to_string(),
            "1m30s500ms"
        );
    }

    #[test]
    fn times_that_mean_nothing_are_refused() {
        for text in [
            "",
            "90",
            "s",
            "1x",
            "-1s",
            "0s",
            "1h 2m",
            "99999999999999999999s",
            "9999999999999h",
        ] {
            assert!(text.parse::<Timeout>().is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn partitions_count_from_one() {
        assert_eq!("2/4".parse(), Ok(Partition { index: 2, count: 4 }));
        for text in ["0/4", "5/4", "1", "1/", "/4", "a/b", "1/0"] {
            assert!(text.parse::<Partition>().is_err(), "{text:?} was accepted");
        }
    }
}
