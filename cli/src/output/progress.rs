//! Progress on stderr, shown only if that is a terminal.

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};

/// A bar for reading files of `total` bytes; a spinner if `total` is 0, for unknown.
pub(crate) fn bytes(total: u64) -> ProgressBar {
    if total == 0 {
        return styled(ProgressBar::no_length(), "{spinner} {bytes} read, {msg}");
    }
    let template = "{bar:30} {percent:>3} %  {bytes} of {total_bytes}  {msg}  {eta} left";
    styled(ProgressBar::new(total), template)
}

/// A spinner with a number of things done so far.
pub(crate) fn spinner(things: &'static str) -> ProgressBar {
    styled(ProgressBar::no_length().with_message(things), "{spinner} {human_pos} {msg}")
}

/// A bar for `total` commits.
pub(crate) fn commits(total: u64) -> ProgressBar {
    let template = "{bar:30} {percent:>3} %  {human_pos} of {human_len} commits  {eta} left";
    styled(ProgressBar::new(total), template)
}

/// A bar that goes away when it is dropped, so that an error stands alone.
fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    let bar = bar.with_finish(ProgressFinish::AndClear);
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        // The templates are constants; a wrong one shows the default bar.
        Err(_) => bar,
    }
}
