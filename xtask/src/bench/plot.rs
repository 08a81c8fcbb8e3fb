//! The two plots of the HTML page, as inline SVG.
//!
//! Pure; called by `html` alone. The distributions show every sample, for a
//! box hides two modes; the phases show where the median boot spends its time.

use plotters::prelude::*;

use super::document::Row;
use super::html::names;
use crate::failure::{Failure, Result};

const WIDTH: u32 = 900;
const ROW_HEIGHT: u32 = 44;
const MARGINS: u32 = 70;
/// The first byte belongs to firmware and loader, the rest to the kernel.
const FIRST_BYTE: RGBColor = RGBColor(120, 150, 190);
const KERNEL: RGBColor = RGBColor(210, 120, 60);

/// Every sample of the last phase of each row, its median and its interval.
pub(super) fn distributions(rows: &[Row]) -> Result<String> {
    let series: Vec<_> = rows
        .iter()
        .map(|row| row.ready.as_ref().unwrap_or(&row.first_byte))
        .collect();
    let most = series
        .iter()
        .flat_map(|series| series.samples.iter().copied())
        .fold(1.0, f64::max);
    chart(rows, most, |chart, place| {
        let series = series[place];
        let middle = place as f64 + 0.5;
        for (number, sample) in series.samples.iter().enumerate() {
            // Spread over the row, so that equal samples do not hide each other.
            let offset = (number % 5) as f64 * 0.12 - 0.24;
            chart.push(Mark::Dot(*sample, middle + offset));
        }
        let summary = &series.summary;
        chart.push(Mark::Bar(
            summary.low,
            summary.high,
            middle - 0.04,
            middle + 0.04,
            BLACK,
        ));
        chart.push(Mark::Bar(
            summary.median,
            summary.median,
            middle - 0.35,
            middle + 0.35,
            BLACK,
        ));
    })
}

/// The medians of each row's phases, one after the other.
pub(super) fn phases(rows: &[Row]) -> Result<String> {
    let end = |row: &Row| {
        let rest = row
            .first_byte_to_ready
            .as_ref()
            .map_or(0.0, |series| series.summary.median);
        row.first_byte.summary.median + rest
    };
    let most = rows.iter().map(end).fold(1.0, f64::max);
    chart(rows, most, |chart, place| {
        let row = &rows[place];
        let (low, high) = (place as f64 + 0.2, place as f64 + 0.8);
        let first = row.first_byte.summary.median;
        chart.push(Mark::Bar(0.0, first, low, high, FIRST_BYTE));
        chart.push(Mark::Bar(first, end(row), low, high, KERNEL));
    })
}

/// What a plot consists of: x in milliseconds, y in rows.
enum Mark {
    Dot(f64, f64),
    /// From and to on the x axis, from and to on the y axis.
    Bar(f64, f64, f64, f64, RGBColor),
}

fn chart(rows: &[Row], most: f64, marks_of: impl Fn(&mut Vec<Mark>, usize)) -> Result<String> {
    let names = names(rows);
    let mut marks = Vec::new();
    for place in 0..rows.len() {
        marks_of(&mut marks, place);
    }
    let mut svg = String::new();
    draw(&mut svg, &names, most, &marks)
        .map_err(|error| Failure::failed(format!("drawing the plots failed: {error}")))?;
    Ok(svg)
}

fn draw(
    svg: &mut String,
    names: &[String],
    most: f64,
    marks: &[Mark],
) -> Result<(), Box<dyn std::error::Error>> {
    let rows = u32::try_from(names.len())?;
    let root =
        SVGBackend::with_string(svg, (WIDTH, rows * ROW_HEIGHT + MARGINS)).into_drawing_area();
    root.fill(&WHITE)?;
    // The rows run downwards, as in the table above the plot.
    let mut chart = ChartBuilder::on(&root)
        .margin(10)
        .x_label_area_size(40)
        .y_label_area_size(260)
        .build_cartesian_2d(0.0..most * 1.03, f64::from(rows)..0.0)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .y_labels(0)
        .x_desc("milliseconds from the emulator's start")
        .draw()?;
    for mark in marks {
        match mark {
            Mark::Dot(x, y) => {
                chart.draw_series([Circle::new((*x, *y), 3, KERNEL.mix(0.5).filled())])?;
            }
            Mark::Bar(from, to, low, high, color) => {
                let corners = [(*from, *low), (*to, *high)];
                chart.draw_series([Rectangle::new(corners, color.filled())])?;
                if from == to {
                    chart.draw_series([PathElement::new(corners, color.stroke_width(2))])?;
                }
            }
        }
    }
    let style = ("sans-serif", 13).into_font().color(&BLACK);
    for (place, name) in names.iter().enumerate() {
        let middle = i32::try_from(place)? * i32::try_from(ROW_HEIGHT)? + 10;
        // Beside the picture: the mesh has no labels of its own between rows.
        root.draw(&Text::new(name.clone(), (8, middle + 12), style.clone()))?;
    }
    root.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::document::tests::example;

    #[test]
    fn every_sample_and_every_name_is_in_the_picture() {
        let rows = example().rows;
        let svg = distributions(&rows).expect("it draws");
        assert_eq!(svg.matches("<circle").count(), 6);
        assert!(svg.contains("exov6, pc, qboot") && svg.contains("floor, pc, qboot"));
    }

    #[test]
    fn a_row_has_a_bar_for_each_phase() {
        let svg = phases(&example().rows).expect("it draws");
        assert!(svg.contains("#7896BE") && svg.contains("#D2783C"), "{svg}");
    }
}
