//! `argon init`

use std::path::Path;

use argon_core::storage::StoreUrl;
use argon_core::{Error, Store};
use clap::Args;

use crate::context::{Context, default_actor};
use crate::discover::DIRECTORY;
use crate::exit::CommandResult;
use crate::output::Json;

const EXAMPLES: &str = "\
Examples:
  argon init                 the default: sled, in .argon
  argon init fjall:          the fast engine, in .argon
  argon init fjall:/data/x   elsewhere; say where by --store or ARGON_STORE afterwards";

/// Make a store, by default in .argon here, for this directory and all below.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InitArgs {
    /// Engine and directory, as sled:DIR or fjall:DIR [default: sled:.argon]
    #[arg(value_name = "URL")]
    url: Option<StoreUrl>,
}

impl InitArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let url = match self.url {
            None => StoreUrl::new("sled", DIRECTORY),
            Some(url) if url.scheme() == "memory" => {
                return Err(Error::invalid("a store in memory would end with this command").into());
            }
            Some(url) if url.rest().is_empty() => StoreUrl::new(url.scheme(), DIRECTORY),
            Some(url) => url,
        };
        let store = Store::create(
            &argon_backends::registry(),
            &url,
            &context.open_options(),
            context.environment.clone(),
            default_actor()?,
        )
        .await?;
        let info = store.info();
        let mut words = format!("made a {} store in {}", info.engine, info.location);
        if Path::new(url.rest()) != Path::new(DIRECTORY) {
            words.push_str(&format!("\nuse it by --store {url}, or: export ARGON_STORE={url}"));
        }
        words.push_str("\nnext: argon project create NAME, then argon import PATH");
        context.output.done(&words, || {
            Json::object([
                ("url", url.to_string().into()),
                ("engine", info.engine.clone().into()),
                ("id", info.id.clone().into()),
            ])
        })
    }
}
