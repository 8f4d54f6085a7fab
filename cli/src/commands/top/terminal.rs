//! The terminal while it is ours.

use std::io::{self, IsTerminal};
use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::{DefaultTerminal, Frame};
use tokio::sync::mpsc;

/// How long the thread that reads keys takes at most to see that nobody wants them any more.
const TICK: Duration = Duration::from_millis(100);

/// How many branches a page has.
const PAGE: isize = 10;

/// What a person wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Quit,
    Pause,
    Faster,
    Slower,
    /// Down, or up.
    Scroll(isize),
    /// The terminal has another size.
    Redraw,
}

/// The whole terminal, which is as it was before once this is dropped, by a panic too.
pub(super) struct Screen {
    terminal: DefaultTerminal,
    keys: mpsc::UnboundedReceiver<Key>,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// If there is none.
    pub(super) fn new() -> io::Result<Self> {
        if !io::stdout().is_terminal() {
            return Err(io::Error::other("standard output is not a terminal"));
        }
        let terminal = ratatui::try_init()?;
        let (pressed, keys) = mpsc::unbounded_channel();
        std::thread::spawn(move || read_keys(&pressed));
        Ok(Self { terminal, keys })
    }

    pub(super) fn draw(&mut self, frame: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(frame).map(drop)
    }

    /// The next key that means something; `None` if the terminal is gone.
    pub(super) async fn key(&mut self) -> Option<Key> {
        self.keys.recv().await
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// Reads keys until nobody wants them, or the terminal is gone.
fn read_keys(pressed: &mpsc::UnboundedSender<Key>) {
    while !pressed.is_closed() {
        match event::poll(TICK).and_then(|there| there.then(event::read).transpose()) {
            Ok(None) => {}
            Ok(Some(event)) => {
                if let Some(key) = meaning(&event) {
                    // Whoever wanted it may be gone by now.
                    let _ = pressed.send(key);
                }
            }
            Err(_) => return,
        }
    }
}

fn meaning(event: &Event) -> Option<Key> {
    match event {
        Event::Resize(..) => Some(Key::Redraw),
        Event::Key(KeyEvent { kind: KeyEventKind::Release, .. }) => None,
        Event::Key(KeyEvent { code, modifiers, .. }) => match code {
            KeyCode::Char('c' | 'd') if modifiers.contains(KeyModifiers::CONTROL) => {
                Some(Key::Quit)
            }
            KeyCode::Char('q') | KeyCode::Esc => Some(Key::Quit),
            KeyCode::Char(' ' | 'p') => Some(Key::Pause),
            KeyCode::Char('+') => Some(Key::Slower),
            KeyCode::Char('-') => Some(Key::Faster),
            KeyCode::Down | KeyCode::Char('j') => Some(Key::Scroll(1)),
            KeyCode::Up | KeyCode::Char('k') => Some(Key::Scroll(-1)),
            KeyCode::PageDown => Some(Key::Scroll(PAGE)),
            KeyCode::PageUp => Some(Key::Scroll(-PAGE)),
            KeyCode::Home => Some(Key::Scroll(isize::MIN)),
            KeyCode::End => Some(Key::Scroll(isize::MAX)),
            _ => None,
        },
        _ => None,
    }
}
