//! Tables for people.

use crate::logging::escaped;

/// A cell with more characters than this is cut.
const CELL_MAX_CHARS: usize = 80;

/// Columns of equal width; whatever is in a cell stays in it.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let header: Vec<String> = header.iter().map(|name| name.to_uppercase()).collect();
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| shortened(cell)).collect()).collect();
    let all = || std::iter::once(&header).chain(&rows);
    let width = |column: usize| {
        all().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let mut text = String::new();
    for row in all() {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}", width = *width)).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn shortened(cell: &str) -> String {
    let cell = escaped(cell);
    match cell.char_indices().nth(CELL_MAX_CHARS) {
        Some((end, _)) => format!("{}…", &cell[..end]),
        None => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_nothing_gets_out_of_a_cell() {
        let rows = [vec!["1".to_owned(), "a\nb".to_owned()], vec!["23456".to_owned(), "ü\x1b[2J".to_owned()]];
        assert_eq!(table(&["id", "text"], &rows), "ID     TEXT\n1      a\\nb\n23456  ü\\u001b[2J\n");
    }
}
