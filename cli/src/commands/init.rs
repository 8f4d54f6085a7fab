//! `argon init`

use std::path::Path;

use argon_core::storage::{StoreInfo, StoreUrl};
use argon_core::{Error, ErrorKind, Store};
use argon_service::credentials::{self, Said, SaidBy};
use argon_service::discover::{DIRECTORY, absolute, is_remote};
use argon_service::pointer;
use clap::Args;

use crate::context::Context;
use crate::exit::{CommandResult, Failure, Hint};
use crate::output::Json;

const URLS: &str = "\
Stores:
  sled:DIR     a directory of this machine, the default; DIR is .argon if it is left out
  fjall:DIR    the same with a faster engine
  mongodb://[USER@]HOST[:PORT][,HOST…]/DATABASE[?OPTION=VALUE&…]
  mongodb+srv://[USER@]NAME/DATABASE[?…]
               a database of a MongoDB replica set; the options are those of MongoDB's own URLs,
               such as replicaSet=NAME, tls=true, authSource=admin
  s3://BUCKET[/PREFIX][?OPTION=VALUE&…]
               objects of Amazon S3, or of a server that speaks its protocol:
    region=NAME              default: as for every AWS tool (AWS_REGION, ~/.aws/config)
    endpoint=URL             another server, such as http://localhost:9000; default: Amazon's
    path_style=true          the bucket in the path instead of the host name; default: false
    profile=NAME             of ~/.aws; default: AWS_PROFILE, or default
    sse=AES256|aws:kms       encryption at rest; default: as the bucket says
    sse_kms_key_id=ID        the key for aws:kms; default: the bucket's
    snapshot_commits=N       a snapshot of a branch after so many commits; 0 for never; default: 1000
    snapshot_bytes=N         or after so many bytes of documents; 0 for never; default: 67108864
    zstd_level=N             of snapshots, 1 (fast) to 22 (small); default: 3
    compaction_grace=SECONDS how long merged segments stay for others who read; default: 3600
    cache=on|off             whether --cache-dir is used; default: on
  legacy+file:DIR[?OPTION=VALUE&…], legacy+s3://BUCKET[/PREFIX][?…]
               the deprecated system of version 2, in a directory or in S3 (with the options of S3):
    queue=URL|DIR            the queue, percent-encoded: mongodb%3A%2F%2F… is shared by machines;
                             default: a sled store, in DIR/queue or on this machine
    batch_changes=N          a delta for so many changes; default: 100
    batch_seconds=SECONDS    or for what is that old; default: 5
    zstd_level=N             of deltas, 1 (fast) to 22 (small); default: 3
    ratio=N                  what deltas should become smaller by; default: 2
    workers=N                1 to 20; default: 5
    notify=URL               a webhook that is told what became of jobs; a URL that is a secret itself
                             belongs in ARGON_WEBHOOK_URL instead, and the secret that signs what is
                             sent in ARGON_WEBHOOK_SECRET
    snapshot_commits=N, snapshot_bytes=N    as above

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

/// Make a store, by default in .argon here, for this directory and all below.
#[derive(Args)]
#[command(after_help = URLS)]
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
        let url = if url.scheme() == "legacy+file" { absolute(&url)? } else { url };
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
            pointer::write_gitignore(Path::new(DIRECTORY))?;
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
        && let Some(other) = pointer::read(Path::new(DIRECTORY))?
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
        Store::open(&registry, url, &options, environment, actor).await?
    } else {
        let made = Store::create(&registry, url, &options, environment, actor).await;
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
    match pointer::read(directory)? {
        Some(other) => Ok(other == kept),
        None if directory.exists() => Ok(false),
        None => pointer::write(directory, &kept).map(|()| true),
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
    Path::new(DIRECTORY).join(pointer::FILE).display().to_string()
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
