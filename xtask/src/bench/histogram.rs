//! Distributions drawn with characters, for a terminal of any width.
//!
//! Pure; the caller says how wide the terminal is and which characters it can
//! show. All series share one axis, so that they can be compared by eye.

/// The characters to draw with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glyphs {
    /// Block elements.
    Blocks,
    /// What every terminal has.
    Ascii,
}

impl Glyphs {
    fn levels(self) -> [char; 9] {
        match self {
            Glyphs::Blocks => [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
            Glyphs::Ascii => [' ', '.', ':', '-', '=', '+', '*', '#', '@'],
        }
    }
}

/// A name and its samples.
pub type Series<'a> = (&'a str, &'a [f64]);

/// The narrowest terminal that is drawn for.
const NARROWEST: usize = 20;
/// The widest useful picture: more columns than samples say nothing.
const WIDEST: usize = 100;

/// Draws `series` on a common axis with `unit`; no line exceeds `width`.
pub fn draw(series: &[Series<'_>], unit: &str, width: usize, glyphs: Glyphs) -> Vec<String> {
    let width = width.clamp(NARROWEST, WIDEST);
    let all = || {
        series
            .iter()
            .flat_map(|(_, samples)| samples.iter().copied())
    };
    let (least, most) = (
        all().fold(f64::INFINITY, f64::min),
        all().fold(f64::NEG_INFINITY, f64::max),
    );
    if !least.is_finite() || !most.is_finite() {
        return Vec::new();
    }
    let longest = series
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    // Beside the picture if half the width is left for it, else above.
    let beside = longest + 2 <= width / 2;
    let columns = if beside { width - longest - 2 } else { width };
    let mut lines = Vec::new();
    for (name, samples) in series {
        let picture = picture(samples, least, most, columns, glyphs);
        if beside {
            lines.push(format!("{name:longest$}  {picture}").trim_end().to_owned());
        } else {
            lines.push(name.chars().take(width).collect());
            lines.push(picture.trim_end().to_owned());
        }
    }
    let axis = axis(least, most, unit, columns);
    let indent = if beside { longest + 2 } else { 0 };
    lines.push(format!("{:indent$}{axis}", ""));
    lines
}

fn picture(samples: &[f64], least: f64, most: f64, columns: usize, glyphs: Glyphs) -> String {
    let mut counts = vec![0usize; columns];
    let span = (most - least).max(f64::MIN_POSITIVE);
    for sample in samples {
        let place = (sample - least) / span * (columns - 1) as f64;
        counts[(place.round() as usize).min(columns - 1)] += 1;
    }
    let highest = counts.iter().copied().max().unwrap_or(0).max(1);
    let levels = glyphs.levels();
    let level = |count: &usize| levels[(count * 8).div_ceil(highest)];
    counts.iter().map(level).collect()
}

/// `12.3 ms        45.6 ms`, the ends of the axis under its ends.
fn axis(least: f64, most: f64, unit: &str, columns: usize) -> String {
    let (left, right) = (format!("{least:.1}"), format!("{most:.1} {unit}"));
    let gap = columns
        .saturating_sub(left.chars().count() + right.chars().count())
        .max(1);
    format!("{left}{:gap$}{right}", "")
        .chars()
        .take(columns)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_picture_of_two_series() {
        let lines = draw(
            &[("floor", &[1.0, 1.0, 2.0]), ("x", &[5.0])],
            "ms",
            27,
            Glyphs::Ascii,
        );
        let picture = [
            "floor  @    =",
            "x                         @",
            "       1.0           5.0 ms",
        ];
        assert_eq!(lines, picture);
    }

    #[test]
    fn nothing_draws_nothing() {
        assert!(draw(&[], "ms", 80, Glyphs::Blocks).is_empty());
        assert!(draw(&[("a", &[])], "ms", 80, Glyphs::Blocks).is_empty());
    }

    #[test]
    fn a_narrow_terminal_gets_the_names_above() {
        let lines = draw(
            &[("exov6, pc -nodefaults, seabios", &[1.0, 2.0])],
            "ms",
            40,
            Glyphs::Ascii,
        );
        assert_eq!(lines.len(), 3);
        assert!(
            lines.iter().all(|line| line.chars().count() <= 40),
            "{lines:?}"
        );
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_terminal(
            width in 20usize..200,
            name in "[a-z ]{0,60}",
            samples in prop::collection::vec(0.0f64..1e9, 0..30),
        ) {
            for line in draw(&[(&name, &samples)], "ms", width, Glyphs::Blocks) {
                prop_assert!(line.chars().count() <= width, "{} > {width}", line);
            }
        }
    }
}
