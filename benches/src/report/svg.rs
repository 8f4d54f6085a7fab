//! The rows as a chart in a file.

use std::fmt::Write;

use crate::report::{Row, costs};

/// Sizes in pixels.
const WIDTH: u32 = 960;
const NAMES: u32 = 400;
const LINE: u32 = 20;
const HEAD: u32 = 56;

/// Colours by engine, chosen to be told apart by people who don't see red or green too.
const COLOURS: [(&str, &str); 5] = [
    ("sled", "#0072b2"),
    ("fjall", "#e69f00"),
    ("memory", "#009e73"),
    ("mongodb", "#56b4e9"),
    ("s3", "#cc79a7"),
];

/// The largest cost that is drawn in full.
const MOST: f64 = 4.0;

/// An SVG with a bar for each row that has a floor, by what it costs in terms of the floor.
pub fn svg(rows: &[Row]) -> String {
    let rows = costs(rows);
    let scale = rows.iter().map(|(_, cost)| *cost).fold(1.0, f64::max).min(MOST);
    let height = HEAD + LINE * u32::try_from(rows.len()).unwrap_or(u32::MAX / LINE / 2) + 12;
    let room = f64::from(WIDTH - NAMES - 90);
    let floor = f64::from(NAMES) + room / scale;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n\
         <text x=\"12\" y=\"24\" font-size=\"15\">What Argon takes, where the bare engine or driver \
         takes 1; less is better</text>\n"
    );
    let mut before = "";
    for (number, (row, cost)) in (0..).zip(&rows) {
        let y = HEAD + LINE * number;
        let (engine, text) = (row.engine.to_string(), y + 14);
        let colour =
            COLOURS.iter().find(|(name, _)| *name == engine).map_or("#999", |found| found.1);
        let what = if row.what == before { String::new() } else { escaped(&row.what) };
        before = &row.what;
        let length = room * cost.min(scale) / scale;
        let end = f64::from(NAMES) + length + 6.0;
        let more = if *cost > scale { " (cut)" } else { "" };
        let _ = writeln!(
            out,
            "<text x=\"12\" y=\"{text}\">{what}</text>\
             <text x=\"{}\" y=\"{text}\" text-anchor=\"end\" fill=\"#555\">{engine}</text>\
             <rect x=\"{NAMES}\" y=\"{}\" width=\"{length:.1}\" height=\"14\" fill=\"{colour}\"/>\
             <text x=\"{end:.1}\" y=\"{text}\">{cost:.2} ×{more}</text>",
            NAMES - 8,
            y + 3,
        );
    }
    let _ = writeln!(
        out,
        "<line x1=\"{floor:.1}\" x2=\"{floor:.1}\" y1=\"{}\" y2=\"{}\" stroke=\"#000\" \
         stroke-dasharray=\"3 3\"/>\n</svg>",
        HEAD - 8,
        height - 8,
    );
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Quantity;
    use crate::subject::EngineName;

    #[test]
    fn every_row_with_a_floor_has_a_bar_and_names_are_escaped() {
        let row = |what: &str, cost: f64| {
            Row::new(what, EngineName::Sled, Quantity::times(cost))
                .floor(Some(Quantity::times(1.0)))
        };
        let text = svg(&[row("a < b & c", 2.0), row("far", 90.0), row("none", f64::NAN)]);
        assert_eq!(text.matches("fill=\"#0072b2\"").count(), 2);
        assert!(text.contains("a &lt; b &amp; c") && text.contains("90.00 × (cut)"), "{text}");
        assert!(text.starts_with("<svg ") && text.ends_with("</svg>\n"));
    }
}
