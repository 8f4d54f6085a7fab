//! A view as a frame.

use std::time::Duration;

use argon_core::metrics::{Metric, Series};
use argon_core::storage::Backlog;
use argon_service::duration::duration_text;
use bson::DateTime;
use jiff::Timestamp;
use ratatui::backend::TestBackend;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, LineGauge, Paragraph, RenderDirection, Row, Sparkline, Table};
use ratatui::{Frame, Terminal};

use super::super::metrics::shown;
use super::sample::Sample;
use super::view::{Activity, View};
use crate::output::{count, escape, grouped, size};

const ACCENT: Color = Color::Cyan;

/// The metrics whose counts a minute are shown with their trend.
const BY_MINUTE: [(&str, &[Metric]); 3] = [
    ("appends/min", &[Metric::Append]),
    ("reads/min", &[Metric::Read, Metric::ReadMany, Metric::Materialize]),
    ("requests/min", &[Metric::Request]),
];

/// How many minutes the trend goes back.
const MINUTES: u16 = 60;

/// The lines of the borders of a part, and of the names of its columns.
const BORDERS: u16 = 2;
const NAMES: u16 = 1;

/// The branches that are always shown.
const FEWEST_BRANCHES: u16 = 2;

/// Draws a view.
pub(super) fn frame(view: &View, frame: &mut Frame<'_>) {
    let Some(sample) = view.sample() else { return };
    let (throughput, latencies, queue) = heights(sample);
    let missed = u16::from(view.why_missed().is_some());
    let [head, why, throughput, latencies, waiting, branches, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(missed),
        Constraint::Length(throughput),
        Constraint::Max(latencies),
        Constraint::Length(queue),
        Constraint::Min(BORDERS + NAMES + FEWEST_BRANCHES),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    draw_head(view, sample, frame, head);
    draw_missed(view, sample, frame, why);
    draw_throughput(view, frame, throughput);
    draw_latencies(view, sample, frame, latencies);
    if let Some(backlog) = &sample.backlog {
        draw_queue(backlog, view.now(), frame, waiting);
    }
    draw_branches(view, sample, frame, branches);
    let words = " q quit  space pause  +/- interval  ↑↓ PgUp PgDn branches";
    frame.render_widget(Paragraph::new(words).dim(), keys);
}

/// A frame of this size as text, without the keys; of the height only as much as is needed.
pub(super) fn printed(view: &View, (width, most): (u16, u16)) -> String {
    let lines = view.sample().map_or(0, |sample| {
        let (throughput, latencies, queue) = heights(sample);
        let branches = lines(sample.branches.len()).max(FEWEST_BRANCHES);
        let all = [2, throughput, latencies, queue, BORDERS + NAMES, branches];
        all.into_iter().fold(0, u16::saturating_add)
    });
    let Ok(mut terminal) = Terminal::new(TestBackend::new(width, lines.min(most)));
    let Ok(_) = terminal.draw(|screen| frame(view, screen));
    let cells = terminal.backend().buffer().content().chunks(usize::from(width));
    let line = |cells: &[ratatui::buffer::Cell]| {
        cells.iter().map(ratatui::buffer::Cell::symbol).collect::<String>().trim_end().to_owned()
    };
    let lines: Vec<String> = cells.map(line).collect();
    lines[..lines.len().saturating_sub(1)].join("\n")
}

/// How many lines throughput, latencies and queue need.
fn heights(sample: &Sample) -> (u16, u16, u16) {
    let throughput = BORDERS + 1 + lines(BY_MINUTE.len());
    let latencies = BORDERS + NAMES + lines(measured(sample).count());
    let queue = if sample.backlog.is_some() { BORDERS + 1 } else { 0 };
    (throughput, latencies, queue)
}

fn lines(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

fn titled(title: &str) -> Block<'_> {
    Block::bordered().border_style(Style::new().dim()).title(title.fg(ACCENT).bold())
}

fn draw_head(view: &View, sample: &Sample, frame: &mut Frame<'_>, area: Rect) {
    let paused = if view.is_paused() { "paused, " } else { "" };
    let right = format!(
        "{paused}every {}, {} UTC ",
        duration_text(view.interval()),
        clock_time(view.now())
    );
    let width = lines(right.chars().count());
    let [left, end] =
        Layout::horizontal([Constraint::Fill(1), Constraint::Length(width)]).areas(area);
    let words = Line::from(vec![
        Span::from(" argon top ").fg(ACCENT).bold(),
        Span::from(escape::line(&sample.location)).bold(),
        Span::from(format!("  {}, {}", sample.engine, size(sample.bytes))),
    ]);
    frame.render_widget(Paragraph::new(words), left);
    frame.render_widget(Paragraph::new(right), end);
}

fn draw_missed(view: &View, sample: &Sample, frame: &mut Frame<'_>, area: Rect) {
    let Some(why) = view.why_missed() else { return };
    let age = duration_text(view.now().saturating_duration_since(sample.at));
    let words = format!(" as it was {age} ago: {}", escape::line(why));
    frame.render_widget(Paragraph::new(words).fg(Color::Yellow), area);
}

fn draw_throughput(view: &View, frame: &mut Frame<'_>, area: Rect) {
    let block = titled(" Throughput ");
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let lines: [Rect; 1 + BY_MINUTE.len()] =
        Layout::vertical([Constraint::Length(1); 1 + BY_MINUTE.len()]).areas(inner);
    let rate = view.trend().next_back().unwrap_or(0.0);
    // Bars are whole numbers: hundredths of commits.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bars")]
    let bars = view.trend().rev().map(|rate| (rate * 100.0) as u64).collect();
    draw_trend("commits/s", &format!("{rate:.1}"), bars, frame, lines[0]);
    for ((name, metrics), line) in BY_MINUTE.into_iter().zip(&lines[1..]) {
        let mut minutes = vec![0_u64; usize::from(MINUTES)];
        for metric in metrics {
            for (sum, count) in minutes.iter_mut().zip(view.by_minute(*metric, MINUTES.into())) {
                *sum += count;
            }
        }
        minutes.reverse();
        draw_trend(name, &grouped(minutes[0]), minutes, frame, *line);
    }
}

/// A line with a name, a value and bars, of which the first is the newest, on the right.
fn draw_trend(name: &str, value: &str, bars: Vec<u64>, frame: &mut Frame<'_>, area: Rect) {
    let [left, middle, right] =
        Layout::horizontal([Constraint::Length(14), Constraint::Length(12), Constraint::Fill(1)])
            .areas(area);
    frame.render_widget(Paragraph::new(format!(" {name}")), left);
    frame.render_widget(Paragraph::new(format!("{value}  ")).right_aligned().bold(), middle);
    let bars = Sparkline::default().data(bars).direction(RenderDirection::RightToLeft);
    frame.render_widget(bars.fg(Color::Green), right);
}

/// The metrics that have happened.
fn measured(sample: &Sample) -> impl Iterator<Item = (Metric, &Series)> {
    Metric::ALL.into_iter().filter_map(|metric| Some((metric, sample.summary.get(metric)?)))
}

fn draw_latencies(view: &View, sample: &Sample, frame: &mut Frame<'_>, area: Rect) {
    let minute = view.now().timestamp_millis().div_euclid(60_000);
    let rows = measured(sample).map(|(metric, series)| {
        let recent = |minutes| grouped(sample.summary.recent(metric, minute, minutes));
        let quantile = |share| series.quantile(metric, share).map(|value| shown(metric, value));
        let most = quantile(1.0).map(|_| shown(metric, series.max));
        let mut cells = vec![metric.name().to_owned(), recent(1), recent(60)];
        cells.push(grouped(series.count));
        let quantiles = [quantile(0.5), quantile(0.95), quantile(0.99), most];
        cells.extend(quantiles.map(Option::unwrap_or_default));
        columns(cells)
    });
    let names = ["", "LAST MINUTE", "LAST HOUR", "EVER", "P50", "P95", "P99", "MAX"];
    let widths = [14, 11, 11, 13, 10, 10, 10, 10].map(Constraint::Length);
    let table = Table::new(rows, widths)
        .header(columns(names.map(str::to_owned).into()).dim())
        .block(titled(" What was done, and how long it took "));
    frame.render_widget(table, area);
}

fn draw_queue(backlog: &Backlog, now: DateTime, frame: &mut Frame<'_>, area: Rect) {
    let Backlog { waiting, running, dead, oldest, workers, .. } = *backlog;
    let block = titled(" Queue ");
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let [left, right] =
        Layout::horizontal([Constraint::Fill(1), Constraint::Length(36)]).areas(inner);
    let lag = duration_text(now.saturating_duration_since(oldest.unwrap_or(now)));
    let words = match waiting {
        0 => " nothing waits; ".to_owned(),
        waiting => format!(" {} waiting, the oldest for {lag}; ", count(waiting, "job")),
    };
    let given_up = Span::from(format!("{} given up", grouped(dead)));
    let given_up = if dead > 0 { given_up.fg(Color::Red).bold() } else { given_up };
    frame.render_widget(Paragraph::new(Line::from(vec![words.into(), given_up])), left);
    #[expect(clippy::cast_precision_loss, reason = "a bar")]
    let use_of_workers = (running as f64 / f64::from(workers.max(1))).min(1.0);
    let gauge = LineGauge::default()
        .ratio(use_of_workers)
        .label(format!("{} of {} at work", grouped(running), count(workers.into(), "worker")))
        .filled_style(Style::new().fg(Color::Green));
    frame.render_widget(gauge, right);
}

fn draw_branches(view: &View, sample: &Sample, frame: &mut Frame<'_>, area: Rect) {
    let (shown, above) = view.branches();
    let title = match above {
        0 => format!(" Branches by activity: {} ", grouped(sample.branches.len() as u64)),
        above => format!(
            " Branches by activity: from {} of {} ",
            grouped(above as u64 + 1),
            grouped(sample.branches.len() as u64)
        ),
    };
    let rows = shown.iter().take(usize::from(area.height)).map(|activity| {
        let row = columns(branch_cells(activity, view.now()));
        if activity.rate > 0.0 { row.bold() } else { row }
    });
    let widths = [
        Constraint::Fill(1),
        Constraint::Length(14),
        Constraint::Length(10),
        Constraint::Length(14),
    ];
    let names = ["", "LSN", "COMMITS/S", "LAST COMMIT"];
    let table = Table::new(rows, widths)
        .header(columns(names.map(str::to_owned).into()).dim())
        .block(titled(&title));
    frame.render_widget(table, area);
}

fn branch_cells(Activity { branch, rate }: &Activity, now: DateTime) -> Vec<String> {
    let last = branch.last.map(|last| {
        let ago = now.saturating_duration_since(last);
        if ago < Duration::from_secs(1) {
            return "now".to_owned();
        }
        format!("{} ago", duration_text(ago))
    });
    vec![
        format!("{}/{}", branch.project, branch.name),
        grouped(branch.head.get()),
        if *rate > 0.0 { format!("{rate:.1}") } else { String::new() },
        last.unwrap_or_else(|| "none yet".to_owned()),
    ]
}

/// A row of which the first cell is on the left, and the others are on the right of their columns.
fn columns(cells: Vec<String>) -> Row<'static> {
    let line = |(number, cell): (usize, String)| {
        if number == 0 { Line::from(format!(" {cell}")) } else { Line::from(cell).right_aligned() }
    };
    Row::new(cells.into_iter().enumerate().map(line))
}

/// Formats the time of day in UTC, to the second.
fn clock_time(time: DateTime) -> String {
    let time = Timestamp::from_millisecond(time.timestamp_millis()).unwrap_or_default();
    time.strftime("%H:%M:%S").to_string()
}
