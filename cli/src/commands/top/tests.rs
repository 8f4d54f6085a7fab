//! A frame as it should be, as text in `golden/` and as the picture in `docs/top.svg`, which
//! `ARGON_BLESS=1` writes anew.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use argon_core::metrics::{Metric, Metrics, Summary};
use argon_core::model::{BranchName, Lsn, ProjectName};
use argon_core::storage::Backlog;
use argon_core::{Error, ErrorKind};
use bson::DateTime;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use super::draw;
use super::sample::{Branch, Sample};
use super::view::View;
use crate::exit::Failure;

/// Half past nine, and so many seconds.
fn at(seconds: i64) -> DateTime {
    DateTime::from_millis((20_000 * 86_400 + 34_200 + seconds) * 1000)
}

fn branch(project: &str, name: &str, head: u64, last: i64) -> Branch {
    Branch {
        project: ProjectName::new(project).unwrap(),
        name: BranchName::new(name).unwrap(),
        head: Lsn::new(head),
        last: (head > 0).then(|| at(last)),
    }
}

/// What a busy hour leaves.
fn summary() -> Summary {
    let mut sum = Summary::default();
    for minute in 0..60_u64 {
        let metrics = Metrics::default();
        for number in 0..(minute * 37 % 50 + 5) {
            metrics.time(Metric::Append, Duration::from_micros(300 + number * 40));
            metrics.value(Metric::GroupSize, 1 + number % 12);
            metrics.time(Metric::Request, Duration::from_millis(1 + number % 30));
        }
        metrics.count(Metric::Read, 400 + minute * 71 % 900);
        metrics.time(Metric::Materialize, Duration::from_millis(12 + minute));
        metrics.time(Metric::Sync, Duration::from_millis(80));
        metrics.count(Metric::Retry, minute % 7);
        let now = at(0).timestamp_millis().div_euclid(60_000);
        sum.add(&metrics.take(now - 59 + i64::try_from(minute).unwrap()));
    }
    sum
}

fn sample(seconds: i64, branches: Vec<Branch>) -> Sample {
    Sample {
        at: at(seconds),
        location: "legacy+s3://archive/argon".to_owned(),
        engine: "legacy".to_owned(),
        bytes: 734_003_200,
        summary: summary(),
        backlog: Some(Backlog {
            waiting: 14,
            running: 3,
            dead: 1,
            oldest: Some(at(seconds - 42)),
            workers: 5,
            busy: 0,
        }),
        branches,
    }
}

/// A view after a minute of looks.
fn busy() -> View {
    let mut view = View::new(Duration::from_secs(2));
    for look in 0..30_u64 {
        let seconds = i64::try_from(look).unwrap() * 2;
        view.add(sample(
            seconds,
            vec![
                branch("crm", "main", 1_204, -86_400 * 3),
                branch("shop", "main", 90_000 + 30 * look + look * look, seconds),
                branch("shop", "feature/prices", 412 + look, seconds - 1),
                branch("shop", "sandbox/3f9a", 0, 0),
            ],
        ));
    }
    view
}

fn drawn(view: &View, width: u16, height: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw::frame(view, frame)).unwrap();
    terminal.backend().buffer().clone()
}

fn text(buffer: &Buffer) -> String {
    let lines = buffer.content().chunks(usize::from(buffer.area.width));
    lines.map(|line| line.iter().map(Cell::symbol).collect::<String>() + "\n").collect()
}

#[track_caller]
fn is_golden(file: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("ARGON_BLESS").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == golden, "{} is another than:\n{found}", path.display());
}

#[test]
fn a_busy_store_is_drawn_as_it_should_be() {
    let buffer = drawn(&busy(), 100, 30);
    is_golden("src/commands/top/golden/busy.txt", &text(&buffer));
    is_golden("../docs/top.svg", &svg(&buffer));
}

#[test]
fn a_store_that_can_not_be_read_is_shown_as_it_was_and_how_old_that_is() {
    let mut view = busy();
    view.missed(&Failure::from(Error::new(ErrorKind::Unavailable, "the store is in\x1b[2J use")));
    view.set_now(at(58 + 75));
    let text = text(&drawn(&view, 100, 30));
    assert!(text.contains(" as it was 1m15s ago: the store is in"), "{text}");
    assert!(!text.contains('\x1b'), "{text}");
    assert!(text.contains("shop/main"), "{text}");
    view.add(sample(140, Vec::new()));
    assert!(!self::text(&drawn(&view, 100, 30)).contains("as it was"));
}

#[test]
fn every_size_of_a_terminal_can_be_drawn_on() {
    let view = busy();
    for (width, height) in [(1, 1), (3, 50), (20, 5), (80, 24), (500, 200)] {
        drawn(&view, width, height);
    }
    let text = text(&drawn(&view, 80, 24));
    assert!(text.contains("shop/main"), "the most active branch is always there: {text}");
}

#[test]
fn the_most_active_branches_come_first_and_a_reset_is_no_activity() {
    let mut view = View::new(Duration::from_secs(2));
    let names = |view: &View| -> Vec<String> {
        view.branches().0.iter().map(|activity| activity.branch.name.to_string()).collect()
    };
    let (old, new) = (branch("p", "old", 10, -100), branch("p", "new", 10, -1));
    view.add(sample(0, vec![old, new.clone(), branch("p", "empty", 0, 0)]));
    assert_eq!(names(&view), ["new", "old", "empty"], "by the last commit, if there is no rate");
    view.add(sample(2, vec![branch("p", "old", 14, 1), Branch { head: Lsn::new(3), ..new }]));
    assert_eq!(names(&view), ["old", "new"]);
    let rates: Vec<f64> = view.branches().0.iter().map(|activity| activity.rate).collect();
    assert!((rates[0] - 2.0).abs() < 0.01 && rates[1] == 0.0, "{rates:?}");
    view.scroll(isize::MAX);
    assert_eq!(names(&view), ["new"], "the last stays in sight");
    view.scroll(isize::MIN);
    assert_eq!(names(&view), ["old", "new"]);
}

#[test]
fn a_frame_that_is_printed_has_all_its_branches_and_no_empty_end() {
    let text = draw::printed(&busy(), (100, 40));
    assert!(text.contains("shop/sandbox/3f9a"), "{text}");
    assert!(text.lines().count() < 40 && text.lines().all(|line| !line.ends_with(' ')), "{text}");
}

/// A frame as a picture: a cell is a character of a monospaced font.
fn svg(buffer: &Buffer) -> String {
    const CELL: (f64, f64) = (8.4, 18.0);
    let (width, height) = (f64::from(buffer.area.width), f64::from(buffer.area.height));
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:.0} {:.0}\" \
         font-family=\"monospace\" font-size=\"14\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"#16181d\"/>\n",
        width * CELL.0 + 16.0,
        height * CELL.1 + 16.0
    );
    let lines = buffer.content().chunks(usize::from(buffer.area.width));
    for (number, line) in (0_u32..).zip(lines) {
        let y = f64::from(number) * CELL.1 + 22.0;
        for (column, run) in runs(line) {
            let x = f64::from(column) * CELL.0 + 8.0;
            let symbols: String = run.iter().map(Cell::symbol).collect();
            let length = f64::from(u32::try_from(run.len()).unwrap()) * CELL.0;
            let words = symbols.replace('&', "&amp;").replace('<', "&lt;");
            writeln!(
                out,
                "<text x=\"{x:.1}\" y=\"{y:.0}\" textLength=\"{length:.1}\" \
                 xml:space=\"preserve\"{}>{words}</text>",
                style(&run[0])
            )
            .unwrap();
        }
    }
    out + "</svg>\n"
}

/// The parts of a line that are not empty and look alike, with their columns.
fn runs(line: &[Cell]) -> Vec<(u32, &[Cell])> {
    let mut column = 0;
    line.chunk_by(|left, right| style(left) == style(right))
        .map(|run| {
            let at = column;
            column += u32::try_from(run.len()).unwrap();
            (at, run)
        })
        .filter(|(_, run)| run.iter().any(|cell| cell.symbol() != " "))
        .collect()
}

fn style(cell: &Cell) -> String {
    let colour = match cell.fg {
        Color::Cyan => "#56b4e9",
        Color::Green => "#2fbf8f",
        Color::Yellow => "#e6c229",
        Color::Red => "#e8684a",
        _ if cell.modifier.contains(Modifier::DIM) => "#7d8590",
        _ => "#e6e8eb",
    };
    let weight = if cell.modifier.contains(Modifier::BOLD) { " font-weight=\"bold\"" } else { "" };
    format!(" fill=\"{colour}\"{weight}")
}
