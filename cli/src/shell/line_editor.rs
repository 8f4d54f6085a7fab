//! Lines from a terminal, with editing, a history and completion.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use argon_core::Error;
use argon_formats::extjson::{ParsedShell, parse_shell_statement};
use argon_service::config;
use reedline::{
    ColumnarMenu, Completer, CompletionResult, Emacs, FileBackedHistory, KeyCode, KeyModifiers,
    MenuBuilder, Prompt, PromptEditMode, PromptHistorySearch, Reedline, ReedlineEvent,
    ReedlineMenu, Signal, Span, Suggestion, ValidationResult, Validator, default_emacs_keybindings,
};

use super::completer::{Names, complete};
use crate::exit::CommandResult;

/// How many lines the history keeps.
const HISTORY: usize = 1000;
const HISTORY_FILE: &str = "shell_history";
const MENU: &str = "completions";

/// What a person types at a prompt.
pub(super) enum Line {
    /// A whole statement, or several.
    Text(String),
    /// Ctrl-C at the prompt.
    Cancelled,
    /// Ctrl-D, or the end of the terminal.
    End,
}

/// The terminal.
pub(super) struct Lines {
    editor: Reedline,
}

impl Lines {
    /// Lines whose names are completed by these.
    ///
    /// # Errors
    /// `Unavailable` if the history can't be read.
    pub(super) fn open(names: Arc<Mutex<Names>>) -> CommandResult<Self> {
        let mut keys = default_emacs_keybindings();
        let next = vec![ReedlineEvent::Menu(MENU.to_owned()), ReedlineEvent::MenuNext];
        keys.add_binding(KeyModifiers::NONE, KeyCode::Tab, ReedlineEvent::UntilFound(next));
        let menu = Box::new(ColumnarMenu::default().with_name(MENU));
        let mut editor = Reedline::create()
            .with_edit_mode(Box::new(Emacs::new(keys)))
            .with_completer(Box::new(StoreCompleter { names }))
            .with_menu(ReedlineMenu::EngineCompleter(menu))
            .with_quick_completions(true)
            .with_validator(Box::new(WholeStatement))
            .with_ansi_colors(std::env::var_os("NO_COLOR").is_none());
        // Without a home, the history is that of this shell.
        if let Some(directory) = config::user_state() {
            let history = FileBackedHistory::with_file(HISTORY, directory.join(HISTORY_FILE));
            let history = history.map_err(|error| {
                Error::unavailable("the history of the shell can't be read")
                    .with_source(error.to_string())
            })?;
            editor = editor.with_history(Box::new(history));
        }
        Ok(Self { editor })
    }

    /// Reads lines until they are a whole statement.
    ///
    /// # Errors
    /// `Unavailable` if the terminal can't be read.
    pub(super) fn read(&mut self, prompt: &str) -> CommandResult<Line> {
        match self.editor.read_line(&Place(prompt)) {
            Ok(Signal::Success(text)) => Ok(Line::Text(text)),
            Ok(Signal::CtrlC) => Ok(Line::Cancelled),
            Ok(_) => Ok(Line::End),
            Err(error) => {
                let failed = Error::unavailable("the terminal can't be read");
                Err(failed.with_source(error.to_string()).into())
            }
        }
    }
}

/// The prompt, which names project and branch.
struct Place<'p>(&'p str);

impl Prompt for Place<'_> {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.0)
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_indicator(&self, _: PromptEditMode) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        Cow::Borrowed("... ")
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        Cow::Owned(format!("(search '{}') ", search.term))
    }
}

/// Enter ends a whole statement, and otherwise the line.
struct WholeStatement;

impl Validator for WholeStatement {
    fn validate(&self, text: &str) -> ValidationResult {
        let mut rest = text;
        while let Ok(ParsedShell::Statement(_, length)) = parse_shell_statement(rest) {
            rest = &rest[length..];
        }
        match parse_shell_statement(rest) {
            Ok(ParsedShell::Incomplete) => ValidationResult::Incomplete,
            _ => ValidationResult::Complete,
        }
    }
}

struct StoreCompleter {
    names: Arc<Mutex<Names>>,
}

impl Completer for StoreCompleter {
    fn complete(&mut self, line: &str, position: usize) -> CompletionResult {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let (start, found) = complete(&line[..position], &names);
        let span = Span { start, end: position };
        let suggest = |value| Suggestion { value, span, ..Suggestion::default() };
        CompletionResult::fresh(found.into_iter().map(suggest).collect::<Vec<_>>())
    }
}
