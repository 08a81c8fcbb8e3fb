//! Rows of words as columns, for a terminal and for a page. Pure.

/// Lines with a column's cells under each other: the first and the last begin at
/// the left, numbers between them end at the right.
pub fn lines(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Vec<String> {
    let mut table: Vec<Vec<String>> = vec![owned(head)];
    table.extend(rows);
    let columns = head.len();
    let width = |column: usize| {
        let cells = table.iter().map(|row| row[column].len());
        cells.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().enumerate().map(|(column, cell)| {
            let width = widths[column];
            match column == 0 || column + 1 == columns {
                true => format!("{cell:<width$}"),
                false => format!("{cell:>width$}"),
            }
        });
        let cells: Vec<String> = cells.collect();
        cells.join("  ").trim_end().to_owned()
    };
    table.iter().map(line).collect()
}

/// The same as a table of HTML.
pub fn html(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let row = |tag: &str, cells: &[String]| {
        let cell = |text: &String| format!("<{tag}>{}</{tag}>", super::html::escaped(text));
        let cells: String = cells.iter().map(cell).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let rows: String = rows.into_iter().map(|cells| row("td", &cells)).collect();
    format!("<table>\n{}{rows}</table>\n", row("th", &owned(head)))
}

fn owned(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|&cell| cell.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Vec<String>> {
        vec![owned(&["a", "1", "one"]), owned(&["bcd", "200", "<two>"])]
    }

    #[test]
    fn columns_are_aligned() {
        let lines = lines(&["", "n", ""], rows());
        assert_eq!(lines, ["       n", "a      1  one", "bcd  200  <two>"]);
    }

    #[test]
    fn pages_are_escaped() {
        let page = html(&["", "n", ""], rows());
        assert!(page.contains("<td>&lt;two&gt;</td></tr>"), "{page}");
    }
}
