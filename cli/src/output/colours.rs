//! Colours of text on a terminal.

use anstream::stream::RawStream;
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

const RED: Style = AnsiColor::Red.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const BOLD: Style = Style::new().bold();

/// Styles for a stream, which leave text as it is if the stream shows no colours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Colours {
    are_shown: bool,
}

impl Colours {
    /// No colours.
    #[cfg(test)]
    pub(crate) const NONE: Self = Self { are_shown: false };

    /// The colours of a stream: shown on a terminal, unless `NO_COLOR`, `CLICOLOR` or `TERM` excludes them,
    /// by the rules that clap has for the help.
    pub(super) fn of(stream: &impl RawStream) -> Self {
        Self { are_shown: AutoStream::choice(stream) != ColorChoice::Never }
    }

    pub(super) fn are_shown(self) -> bool {
        self.are_shown
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.paint(RED, text)
    }

    pub(crate) fn green(self, text: &str) -> String {
        self.paint(GREEN, text)
    }

    pub(crate) fn yellow(self, text: &str) -> String {
        self.paint(YELLOW, text)
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.paint(BOLD, text)
    }

    fn paint(self, style: Style, text: &str) -> String {
        if self.are_shown { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// Returns the length in bytes of the escape sequence of [`Colours`] with which `text` begins; none if it
/// begins otherwise.
pub(super) fn sequence_length(text: &str) -> Option<usize> {
    [RED, GREEN, YELLOW, BOLD]
        .iter()
        .flat_map(|style| [style.render().to_string(), style.render_reset().to_string()])
        .find(|sequence| text.starts_with(sequence))
        .map(|sequence| sequence.len())
}
