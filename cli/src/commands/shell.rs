//! `argon shell`

use std::io::{self, IsTerminal, Read};

use argon_core::Error;
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::shell;

const EXAMPLES: &str = "\
Examples:
  argon shell
  argon shell --eval 'db.users.find({age: {$gt: 30}}).sort({age: -1}).limit(5)'
  argon shell -b try < change.js
At the prompt:
  show dbs                  projects; `use shop` goes to one, `use shop@try` to a branch of it
  show branches             the branches of the project; `use @try` goes to one
  show collections          the collections of the branch
  db.users.find({n: {$gt: 5}}).sort({n: -1})    `it` shows the next documents
  db.users.updateOne({_id: 1}, {$set: {n: 6}})  one commit
  exit                      or Ctrl-D";

/// Query and change documents at a prompt, in the language of MongoDB's shell.
///
/// Statements are those of mongosh: find, findOne, insertOne, insertMany, updateOne, updateMany,
/// replaceOne, deleteOne, deleteMany, countDocuments, distinct, aggregate and others, on `db.COLLECTION`.
/// Arguments are values; no JavaScript is evaluated. Each statement that writes is one commit, all of it or
/// nothing. The store is open only while a statement runs. With --eval, or a script on standard input, the
/// first statement that fails ends the script.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ShellArgs {
    /// Run these statements, print what they return, and exit; may be given several times
    #[arg(long, value_name = "STATEMENTS")]
    eval: Vec<String>,
}

impl ShellArgs {
    /// Whether no person types the statements.
    pub(crate) fn is_script(&self) -> bool {
        !self.eval.is_empty() || !io::stdin().is_terminal()
    }

    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        if !self.is_script() {
            return shell::interact(context).await;
        }
        if !self.eval.is_empty() {
            return shell::run_script(context, &self.eval.join("\n")).await;
        }
        let mut script = String::new();
        io::stdin().read_to_string(&mut script).map_err(|source| {
            Error::invalid("standard input is no text in UTF-8").with_source(source)
        })?;
        shell::run_script(context, &script).await
    }
}
