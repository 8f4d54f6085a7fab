//! `argon init`

use std::path::Path;

use argon_core::storage::{Description, StoreInfo, StoreUrl, UrlOption};
use argon_core::{Error, ErrorKind, Store};
use argon_service::backends::{self, is_remote};
use argon_service::credentials::{self, Said, SaidBy};
use argon_service::discover::{DIRECTORY, absolute};
use argon_service::store_link;
use clap::Args;

use crate::context::Context;
use crate::exit::{CommandResult, Failure, Hint};
use crate::output::Json;

const PASSWORDS_AND_EXAMPLES: &str = "\
Passwords:
  ARGON_STORE_PASSWORD         the password of USER
  ARGON_STORE_PASSWORD_FILE    a file with nothing but the password
  ARGON_STORE, ARGON_STORE_FILE, --store-file    may hold a whole URL, with USER:PASSWORD@HOST
  S3 takes its keys as every AWS tool does: AWS_ACCESS_KEY_ID, AWS_PROFILE, ~/.aws/credentials, …

A store on a network is not in .argon; there is only a file .argon/url that names it, without the
password, and next to it which project and branch are current here.

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

/// Make a store, by default in .argon here, for this directory and all below.
#[derive(Args)]
#[command(after_help = stores())]
pub(crate) struct InitArgs {
    /// The store [default: what --store or the environment names, or else sled:.argon]
    #[arg(value_name = "URL")]
    url: Option<String>,
    /// Make none: let .argon here name a store on a network that is there already
    #[arg(long)]
    existing: bool,
}

/// A store that was made, or found.
struct Made {
    url: StoreUrl,
    info: StoreInfo,
    /// Whether `.argon` here is the store, or names it.
    is_found_here: bool,
}

impl InitArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let existing = self.existing;
        let (url, by) = self.place(context)?;
        // `.argon/url` is read from other directories too.
        let url = if is_remote(&url) { absolute(&url)? } else { url };
        if let Some(by) = by {
            context.warn_of_exposure(&url, &by);
        }
        refuse(&url, existing)?;
        let info = store(&url, existing, context).await?.info();
        let is_found_here = if is_remote(&url) {
            // The store is made or found; here it has a name or not.
            point_to(&url).unwrap_or_else(|error| {
                context.output.note(&format!(".argon does not name it: {}", error.in_full()));
                false
            })
        } else {
            Path::new(url.rest()) == Path::new(DIRECTORY)
        };
        if is_found_here {
            store_link::write_gitignore(Path::new(DIRECTORY))?;
        }
        let made = Made { url, info, is_found_here };
        let words = if existing { made.found_words() } else { made.made_words() };
        context.output.done(&words, || made.json())
    }

    fn place(self, context: &Context) -> CommandResult<(StoreUrl, Option<SaidBy>)> {
        let said = match self.url {
            Some(text) => Some(Said { text, by: SaidBy::Argument }),
            None => credentials::store(&context.overrides(), context.settings())?,
        };
        let Some(Said { text, by }) = said else {
            return Ok((StoreUrl::new("sled", DIRECTORY), None));
        };
        let url: StoreUrl = text.parse()?;
        let url = if url.rest().is_empty() && !is_remote(&url) {
            StoreUrl::new(url.scheme(), DIRECTORY)
        } else {
            url
        };
        Ok((url, Some(by)))
    }
}

/// Refuses what would not be of use.
fn refuse(url: &StoreUrl, existing: bool) -> CommandResult {
    if url.scheme() == "memory" {
        return Err(Error::invalid("a store in memory would end with this command").into());
    }
    if is_remote(url) {
        return Ok(());
    }
    if existing {
        let error = Error::invalid("--existing is for a store on a network");
        return Err(Failure::from(error).hint("name a store on this machine by --store"));
    }
    if Path::new(url.rest()) == Path::new(DIRECTORY)
        && let Some(other) = store_link::read(Path::new(DIRECTORY))?
    {
        let error = Error::already_exists(format!(".argon names a store already: {other}"));
        return Err(Failure::from(error).hint("remove .argon to make another store here"));
    }
    Ok(())
}

async fn store(url: &StoreUrl, existing: bool, context: &Context) -> CommandResult<Store> {
    let (registry, options) = (argon_service::backends::registry(), context.open_options()?);
    let (environment, actor) = (context.environment.clone(), context.actor()?);
    let store = if existing {
        Store::open(registry, url, &options, environment, actor).await?
    } else {
        let made = Store::create(registry, url, &options, environment, actor).await;
        if is_remote(url) {
            made.hint_on(ErrorKind::AlreadyExists, || {
                "`argon init URL --existing` lets .argon here name it".to_owned()
            })?
        } else {
            made?
        }
    };
    context.opened(&store);
    Ok(store)
}

/// Lets `.argon` here name the store, if it is not a store itself or names another, and the URL can
/// be written down. Says whether it does.
fn point_to(url: &StoreUrl) -> argon_core::Result<bool> {
    let directory = Path::new(DIRECTORY);
    let Some(kept) = url.without_secrets().filter(|kept| has_only_a_password(url, kept)) else {
        return Ok(false);
    };
    match store_link::read(directory)? {
        Some(other) => Ok(other == kept),
        None if directory.exists() => Ok(false),
        None => store_link::write(directory, &kept).map(|()| true),
    }
}

/// Whether nothing but the password was taken out of a URL: without a secret parameter it would
/// not work.
fn has_only_a_password(url: &StoreUrl, kept: &StoreUrl) -> bool {
    let query = |url: &StoreUrl| url.rest().split_once('?').map(|(_, query)| query.to_owned());
    query(url) == query(kept)
}

impl Made {
    fn made_words(&self) -> String {
        let Self { info, .. } = self;
        let words = format!("made {} store in {}", with_article(&info.engine), info.location);
        format!("{words}{}\nnext: argon project create NAME, then argon import PATH", self.way())
    }

    fn found_words(&self) -> String {
        let Self { info, .. } = self;
        format!("found {} store in {}{}", with_article(&info.engine), info.location, self.way())
    }

    /// How to name it from now on, as lines of their own. A password is not repeated.
    fn way(&self) -> String {
        let Self { url, is_found_here, .. } = self;
        match (*is_found_here, url.has_secrets()) {
            (true, _) if !is_remote(url) => String::new(),
            (true, false) => format!("\n{} names it", pointer_file()),
            (true, true) => format!(
                "\n{} names it, without the password: set ARGON_STORE_PASSWORD, or \
                 ARGON_STORE_PASSWORD_FILE to a file that holds it",
                pointer_file()
            ),
            (false, true) => {
                "\nuse it by ARGON_STORE, or by ARGON_STORE_FILE: a file with the URL \
                              on its first line"
                    .to_owned()
            }
            (false, false) => {
                let url = quoted(&format!("{}:{}", url.scheme(), url.rest()));
                format!("\nuse it by --store {url}, or: export ARGON_STORE={url}")
            }
        }
    }

    fn json(&self) -> Json {
        let pointer = (self.is_found_here && is_remote(&self.url)).then(pointer_file);
        Json::object([
            ("url", self.url.to_string().into()),
            ("engine", self.info.engine.clone().into()),
            ("id", self.info.id.clone().into()),
            ("pointer", pointer.into()),
        ])
    }
}

fn with_article(engine: &str) -> String {
    if engine == "s3" { format!("an {engine}") } else { format!("a {engine}") }
}

/// The file that names a store, for a person.
fn pointer_file() -> String {
    Path::new(DIRECTORY).join(store_link::FILE).display().to_string()
}

/// As a shell takes it for one word.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:@%+,=".contains(c);
    if text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}
