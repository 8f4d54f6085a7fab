//! The rows as a chart for a terminal.

use std::fmt::Write;

use crate::report::{Row, costs};

/// A bar for each row that has a floor, by what it costs in terms of the floor. `width` is that of the
/// terminal, in columns. Costs of more than four are cut.
pub fn chart(rows: &[Row], width: usize) -> String {
    let rows = costs(rows);
    let Some(most) = rows.iter().map(|(_, cost)| *cost).reduce(f64::max) else {
        return "nothing that was measured has a floor to compare with".to_owned();
    };
    let scale = most.clamp(1.0, MOST);
    let longest = rows.iter().map(|(row, _)| row.what.chars().count()).max().unwrap_or_default();
    let names = longest.min(MOST_NAME);
    let room = width.saturating_sub(names + ENGINE + FIGURE + 3).max(10);
    let floor = columns(1.0 / scale, room);
    let mut text = format!("{HEAD}\n");
    let mut before = "";
    for (row, cost) in rows {
        let what = if row.what == before { String::new() } else { shortened(&row.what, names) };
        before = &row.what;
        let bar = bar(cost.min(scale) / scale, room, floor);
        let more = if cost > scale { "›" } else { " " };
        let _ = writeln!(text, "{what:<names$} {:<ENGINE$}{bar}{more} {cost:.2} ×", row.engine);
    }
    text.truncate(text.trim_end().len());
    text
}

const HEAD: &str =
    "what Argon takes, where the bare engine or driver takes 1 (at ┊); less is better";

/// The largest cost that is drawn in full.
const MOST: f64 = 4.0;

/// Columns for a workload's name, an engine's name, and a figure.
const MOST_NAME: usize = 44;
const ENGINE: usize = 8;
const FIGURE: usize = 9;

fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

/// A part of so many columns, in whole ones.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a terminal has few columns, and a part is at most 1"
)]
fn columns(part: f64, room: usize) -> usize {
    ((part * room as f64).round() as usize).clamp(1, room)
}

fn bar(part: f64, room: usize, floor: usize) -> String {
    let filled = columns(part, room);
    let at = |column: usize| match (column < filled, column + 1 == floor) {
        (_, true) => '┊',
        (true, false) => '█',
        (false, false) => ' ',
    };
    (0..room).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Quantity;
    use crate::subject::EngineName;

    fn row(what: &str, engine: EngineName, measured: f64, floor: f64) -> Row {
        Row::new(what, engine, Quantity { value: measured, unit: crate::report::Unit::Seconds })
            .floor(Some(Quantity { value: floor, unit: crate::report::Unit::Seconds }))
    }

    #[test]
    fn bars_grow_with_the_cost_and_rates_are_turned_round() {
        let rate = Row::new("puts", EngineName::Fjall, Quantity::per_second(50.0))
            .floor(Some(Quantity::per_second(100.0)));
        let rows = [
            row("commit", EngineName::Sled, 1.0, 1.0),
            rate,
            row("commit", EngineName::Fjall, 1.5, 1.0),
            Row::new("reopen", EngineName::Sled, Quantity::count(3.0)),
        ];
        let text = chart(&rows, 60);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        let length = |line: &str| line.matches(['█', '┊']).count();
        assert!(
            length(lines[1]) < length(lines[2]) && length(lines[2]) < length(lines[3]),
            "{text}"
        );
        assert!(lines[3].ends_with("2.00 ×") && lines[2].starts_with("       fjall"), "{text}");
        assert!(lines[1..].iter().all(|line| line.chars().count() <= 60), "{text}");
    }

    #[test]
    fn what_is_far_beyond_the_floor_is_cut_and_says_so() {
        let text = chart(&[row("reopen", EngineName::Sled, 100.0, 1.0)], 60);
        assert!(text.ends_with("› 100.00 ×"), "{text}");
        assert!(chart(&[], 60).starts_with("nothing"));
    }
}
