//! `argon help`

use argon_core::Error;
use clap::{Args, ValueEnum};

use crate::exit::{CommandResult, Failure};
use crate::help::{self, Topic};
use crate::hints;
use crate::output;

/// Describe a command, or a topic: options, revisions, exit-codes.
#[derive(Args)]
#[command(after_help = "Examples:\n  argon help branch create\n  argon help revisions")]
pub(crate) struct HelpArgs {
    /// A command or a topic [default: all commands]
    #[arg(value_name = "COMMAND")]
    words: Vec<String>,
}

impl HelpArgs {
    pub(crate) fn run(self) -> CommandResult {
        if let [word] = &self.words[..]
            && let Ok(topic) = Topic::from_str(word, false)
        {
            return output::print(topic.text().trim_end());
        }
        let mut root = help::command();
        root.build();
        let mut command = &mut root;
        for word in &self.words {
            command = command.find_subcommand_mut(word).ok_or_else(|| {
                let error =
                    Error::invalid(format!("unknown command or topic '{}'", self.words.join(" ")));
                let known = hints::foreign::command(word);
                Failure::from(error)
                    .hint(known.unwrap_or("`argon help` lists the commands and topics"))
            })?;
        }
        output::print(command.render_long_help().to_string().trim_end())
    }
}
