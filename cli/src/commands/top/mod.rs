//! `argon top`
//!
//! - `sample`: what is read of a store at one moment;
//! - `view`: what samples come to: rates, trends, which branches are active;
//! - `draw`: a view as a frame;
//! - `terminal`: the terminal while it is ours.

mod draw;
mod sample;
mod terminal;
mod view;

#[cfg(test)]
mod tests;

use std::time::Duration;

use argon_core::Error;
use clap::Args;
use futures::FutureExt;
use futures::future::{BoxFuture, Fuse, FusedFuture};
use tokio::time::Instant;

use self::sample::Sample;
use self::terminal::{Key, Screen};
use self::view::View;
use crate::context::Context;
use crate::exit::{CommandResult, Failure};

const EXAMPLES: &str = "\
Examples:
  argon top
  argon top --interval 5 -p shop
  argon top --once

Keys: q quits, space pauses, + and - change the interval, the arrows and Page Up and Down go through
the branches. What commands have counted is there when they end, or after ten seconds; commits are seen
at once. The store is open for as long as it takes to look at it: while another process has it, the
last view stays, and its age is shown.";

/// The seconds between two looks at a store that the keys choose from.
const INTERVALS: [u64; 7] = [1, 2, 5, 10, 30, 60, 300];

/// The size of a frame that is printed.
const PRINTED: (u16, u16) = (100, 40);

/// Watch the store live: throughput, latencies, branches by activity, the queue.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TopArgs {
    /// The seconds between two looks at the store, 1 to 300
    #[arg(long, value_name = "SECONDS", default_value = "2")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=300))]
    interval: u64,
    /// Print one frame as text, and end
    #[arg(long)]
    once: bool,
}

impl TopArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let first = Sample::of(context).await?;
        let mut view = View::new(Duration::from_secs(self.interval));
        view.add(first);
        if self.once {
            return context.output.print(&draw::printed(&view, PRINTED));
        }
        let mut screen = Screen::new().map_err(no_terminal)?;
        // Whatever there is to note about the store was noted at the first look.
        context.output.hush();
        watch(&mut view, &mut screen, context).await
    }
}

/// Shows the view, looks at the store again and again, and does what the keys say, until they say that
/// it is enough.
async fn watch(view: &mut View, screen: &mut Screen, context: &Context) -> CommandResult {
    let mut ended = std::pin::pin!(crate::teardown::asked_to_end());
    let mut look: Fuse<BoxFuture<'_, CommandResult<Sample>>> = Fuse::terminated();
    let mut next = Instant::now() + view.interval();
    loop {
        view.set_now(context.environment.now());
        screen.draw(|frame| draw::frame(view, frame)).map_err(Failure::output)?;
        tokio::select! {
            biased;
            ended = &mut ended => return ended,
            key = screen.key() => match key {
                None | Some(Key::Quit) => return Ok(()),
                Some(Key::Pause) => view.pause(),
                Some(Key::Slower) => view.set_interval(longer(view.interval())),
                Some(Key::Faster) => {
                    view.set_interval(shorter(view.interval()));
                    next = next.min(Instant::now() + view.interval());
                }
                Some(Key::Scroll(lines)) => view.scroll(lines),
                Some(Key::Redraw) => {}
            },
            sample = &mut look, if !look.is_terminated() => {
                match sample {
                    Ok(sample) => view.add(sample),
                    Err(failure) => view.missed(&failure),
                }
                next = Instant::now() + view.interval();
            }
            // The clock in the corner goes on while the store is not looked at.
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
        if next <= Instant::now() && !view.is_paused() && look.is_terminated() {
            look = Sample::of(context).boxed().fuse();
        }
    }
}

fn longer(interval: Duration) -> Duration {
    let next = INTERVALS.into_iter().map(Duration::from_secs).find(|next| *next > interval);
    next.unwrap_or(interval)
}

fn shorter(interval: Duration) -> Duration {
    let next = INTERVALS.into_iter().map(Duration::from_secs).rfind(|next| *next < interval);
    next.unwrap_or(interval)
}

fn no_terminal(source: std::io::Error) -> Failure {
    Failure::from(Error::unsupported("there is no terminal to draw on").with_source(source))
        .hint("`argon top --once` prints one frame as text; `argon metrics` is for programs")
}
