//! Two runs, line by line.

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;

use crate::report::{Quantity, Row, Unit};

/// How much a figure must differ to count: machines are noisy.
const NOISE: f64 = 0.15;

/// The change of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It takes less.
    Better,
    /// It takes more.
    Worse,
    /// Within the noise.
    Same,
    /// One of the runs did not measure it.
    Missing,
}

/// A line of both runs.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// What was measured.
    pub what: String,
    /// Of which engine.
    pub engine: String,
    /// In the first run.
    #[serde(skip)]
    pub before: Option<Quantity>,
    /// In the second run.
    #[serde(skip)]
    pub after: Option<Quantity>,
    /// What it takes now in terms of what it took before: each in terms of the floor of its own run if
    /// both have one, so that it matters little how busy the machine was.
    pub change: Option<f64>,
    /// The judgement.
    pub verdict: Verdict,
}

/// The lines of two runs, in the order of the first; those that only the second has come last.
pub fn compare(before: &[Row], after: &[Row]) -> Vec<Comparison> {
    let same = |one: &Row, other: &Row| one.what == other.what && one.engine == other.engine;
    let mut lines: Vec<Comparison> = before
        .iter()
        .map(|row| line(Some(row), after.iter().find(|other| same(row, other))))
        .collect();
    let new = after.iter().filter(|row| !before.iter().any(|other| same(row, other)));
    lines.extend(new.map(|row| line(None, Some(row))));
    lines
}

fn line(before: Option<&Row>, after: Option<&Row>) -> Comparison {
    let any = before.or(after);
    let change = before.zip(after).and_then(|(before, after)| change(before, after));
    let verdict = match change {
        None => Verdict::Missing,
        Some(change) if change > 1.0 + NOISE => Verdict::Worse,
        Some(change) if change < 1.0 / (1.0 + NOISE) => Verdict::Better,
        Some(_) => Verdict::Same,
    };
    Comparison {
        what: any.map(|row| row.what.clone()).unwrap_or_default(),
        engine: any.map(|row| row.engine.to_string()).unwrap_or_default(),
        before: before.map(|row| row.measured),
        after: after.map(|row| row.measured),
        change,
        verdict,
    }
}

fn change(before: &Row, after: &Row) -> Option<f64> {
    if let Some((before, after)) = before.cost().zip(after.cost()) {
        return Some(after / before);
    }
    let (old, new) = (before.measured, after.measured);
    let change =
        if old.unit == Unit::PerSecond { old.value / new.value } else { new.value / old.value };
    (old.unit == new.unit && change.is_finite()).then_some(change)
}

/// The lines as a table.
pub fn comparison_table(lines: &[Comparison]) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY);
    table.set_header(["workload", "engine", "before", "after", "takes", "verdict"]);
    for line in lines {
        let shown = |quantity: Option<Quantity>| {
            quantity.map_or_else(|| "not measured".to_owned(), |quantity| quantity.to_string())
        };
        let verdict = match line.verdict {
            Verdict::Better => "better",
            Verdict::Worse => "WORSE",
            Verdict::Same | Verdict::Missing => "",
        };
        table.add_row([
            line.what.clone(),
            line.engine.clone(),
            shown(line.before),
            shown(line.after),
            line.change.map_or_else(String::new, |change| format!("{change:.2} ×")),
            verdict.to_owned(),
        ]);
    }
    for column in table.column_iter_mut().skip(2).take(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::EngineName;

    fn row(what: &str, measured: Quantity, floor: Option<Quantity>) -> Row {
        Row::new(what, EngineName::Sled, measured).floor(floor)
    }

    #[test]
    fn what_takes_more_of_its_own_runs_floor_is_worse_and_a_busy_machine_is_not() {
        let rate = Quantity::per_second;
        let before = [
            row("busy", rate(100.0), Some(rate(200.0))),
            row("slower", rate(100.0), Some(rate(200.0))),
            row("smaller", Quantity::bytes(100.0), None),
            row("gone", Quantity::bytes(1.0), None),
        ];
        let after = [
            row("busy", rate(50.0), Some(rate(101.0))),
            row("slower", rate(60.0), Some(rate(200.0))),
            row("smaller", Quantity::bytes(50.0), None),
            row("new", Quantity::bytes(1.0), None),
        ];
        let lines = compare(&before, &after);
        let verdicts: Vec<_> = lines.iter().map(|line| (&*line.what, line.verdict)).collect();
        let expected = [
            ("busy", Verdict::Same),
            ("slower", Verdict::Worse),
            ("smaller", Verdict::Better),
            ("gone", Verdict::Missing),
            ("new", Verdict::Missing),
        ];
        assert_eq!(verdicts, expected);
        assert!(comparison_table(&lines).contains("WORSE"));
    }
}
