//! `argon init`

use argon_core::storage::{Description, UrlOption};
use argon_service::backends;
use argon_service::init::{self, InitStore, InitializedStore};
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::escape;

const PASSWORDS_AND_EXAMPLES: &str = "\
Passwords:
  ARGON_STORE_PASSWORD         the password of USER
  ARGON_STORE_PASSWORD_FILE    a file with nothing but the password
  ARGON_STORE, ARGON_STORE_FILE, --store-file    may hold a whole URL, with USER:PASSWORD@HOST
  S3 takes its keys as every AWS tool does: AWS_ACCESS_KEY_ID, AWS_PROFILE, ~/.aws/credentials, …

A store on a network is not in .argon: a file .argon/url names it, without the password. The current
project and branch are stored beside that file.

Examples:
  argon init                 the default: sled, in .argon
  argon init fjall:          the fast engine, in .argon
  argon init fjall:/data/x   elsewhere; say where by --store or ARGON_STORE afterwards
  argon init mongodb://ada@db1.example,db2.example/shop?replicaSet=rs0
  argon init 's3://archive/shop?region=eu-central-1'
  argon init 's3://archive/shop?region=eu-central-1' --existing     on a second machine";

/// What the backends of this build say about themselves, and then what all have in common.
fn stores() -> String {
    let registry = backends::registry();
    let mut known: Vec<Description> = Vec::new();
    for (_, description) in registry.descriptions() {
        if known.iter().all(|other| other.urls != description.urls) {
            known.push(description);
        }
    }
    // The default first, what is deprecated last.
    known.sort_by_key(|Description { locality, urls, .. }| {
        let url = urls.first().copied().unwrap_or_default();
        (*locality, url.starts_with("legacy"), !url.starts_with("sled"))
    });
    let mut text = "Stores:\n".to_owned();
    for Description { urls, about, options, .. } in known {
        text += &format!("  {}\n", urls.join(", "));
        text += &wrapped(about, 15);
        for UrlOption { name, value, about, .. } in options {
            let option = format!("{name}={value}");
            text += &format!("    {option:<26}{}", wrapped(about, 30).trim_start());
        }
    }
    text + "\n" + PASSWORDS_AND_EXAMPLES
}

/// Lines of up to a hundred characters behind an indentation.
fn wrapped(text: &str, indent: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if !line.is_empty() && indent + line.len() + word.len() < 99 => {
                *line += " ";
                *line += word;
            }
            Some(line) if line.is_empty() => line.push_str(word),
            _ => lines.push(word.to_owned()),
        }
    }
    lines.iter().map(|line| format!("{:indent$}{line}\n", "")).collect()
}

/// Create a store, by default in .argon here, for this directory and all below.
#[derive(Args)]
#[command(after_help = stores())]
pub(crate) struct InitArgs {
    /// The store [default: what --store or the environment names, or else sled:.argon]
    #[arg(value_name = "URL")]
    url: Option<String>,
    /// Create none: let .argon here name an existing store on a network
    #[arg(long)]
    existing: bool,
}

impl InitArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let request = InitStore { store: self.url, existing: self.existing };
        let (url, by) = request.url(&context.overrides(), context.settings())?;
        if let Some(by) = by {
            context.warn_of_exposure(&url, &by);
        }
        let (store, made) = init::init(&context.opener()?, url, &request, &context.output).await?;
        context.opened(&store);
        let engine = with_article(&made.engine);
        let (location, usage) = (&made.location, usage(&made));
        let words = if request.existing {
            format!("found {engine} store in {location}{usage}")
        } else {
            format!(
                "made {engine} store in {location}{usage}\n\
                 next: argon project create NAME, then argon import PATH"
            )
        };
        context.output.reply(&words, &made)
    }
}

/// How later commands name the store, as lines of their own. A password is not repeated.
fn usage(made: &InitializedStore) -> String {
    let InitializedStore { url, pointer, is_found_here, .. } = made;
    match (pointer, url.has_secrets()) {
        (Some(file), false) => format!("\n{file} names it"),
        (Some(file), true) => format!(
            "\n{file} names it, without the password: set ARGON_STORE_PASSWORD, or \
             ARGON_STORE_PASSWORD_FILE to a file that holds it"
        ),
        (None, _) if *is_found_here => String::new(),
        (None, true) => {
            "\nuse it by ARGON_STORE, or by ARGON_STORE_FILE: a file with the URL on its first line"
                .to_owned()
        }
        (None, false) => {
            let url = format!("{}:{}", url.scheme(), url.rest());
            let url = escape::argument(&url);
            format!("\nuse it by --store {url}, or: export ARGON_STORE={url}")
        }
    }
}

fn with_article(engine: &str) -> String {
    if engine == "s3" { format!("an {engine}") } else { format!("a {engine}") }
}
