//! The report as a table for people.

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, Table};

use crate::report::Row;

/// The rows as one table.
pub fn table(rows: &[Row]) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY);
    table.set_header(["workload", "engine", "measured", "floor", "ratio", "bar", "met"]);
    for row in rows {
        table.add_row(cells(row));
    }
    for column in table.column_iter_mut().skip(2).take(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

fn cells(row: &Row) -> [String; 7] {
    let joined = |parts: Vec<String>| parts.join(", ");
    [
        row.what.clone(),
        row.engine.to_string(),
        row.measured.to_string(),
        row.floor.map_or_else(String::new, |floor| floor.to_string()),
        row.ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}")),
        joined(row.bars.iter().map(ToString::to_string).collect()),
        joined(row.met.iter().map(|met| if *met { "yes" } else { "no" }.to_owned()).collect()),
    ]
}
