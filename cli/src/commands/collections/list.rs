//! `argon collections` alone

use argon_core::CollectionInfo;
use argon_core::model::Digest;
use clap::Args;

use crate::args::AtRevision;
use crate::changes::facts;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{Json, Row};

/// What is listed.
#[derive(Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    at: AtRevision,
    /// Read every document, and print a digest of each collection: name, options, indexes, documents
    #[arg(long)]
    digest: bool,
}

struct CollectionRow {
    info: CollectionInfo,
    digest: Option<Digest>,
}

impl Row for CollectionRow {
    fn cells(&self) -> Vec<String> {
        let mut cells = vec![
            self.info.name.to_string(),
            facts::index_names(&self.info).join(", "),
            facts::option_names(&self.info).join(", "),
        ];
        cells.extend(self.digest.map(|digest| digest.to_string()));
        cells
    }

    fn json(&self) -> Json {
        let mut fields = vec![("collection", self.info.name.as_str().into())];
        fields.extend(facts::json(&self.info));
        fields.extend(self.digest.map(|digest| ("digest", digest.to_string().into())));
        Json::Object(fields)
    }
}

impl ListArgs {
    pub(super) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let state = workspace.state(self.at.at.as_ref()).await?;
        let columns: &[&str] = if self.digest {
            &["COLLECTION", "INDEXES", "OPTIONS", "DIGEST"]
        } else {
            &["COLLECTION", "INDEXES", "OPTIONS"]
        };
        let mut listing = context.output.listing(columns);
        for info in state.collections() {
            let digest = if self.digest {
                Some(state.collection(&info.name)?.digest().await?)
            } else {
                None
            };
            let indexes = info.listed_indexes().into_owned();
            let info = CollectionInfo { indexes, ..info.clone() };
            listing.row(&CollectionRow { info, digest })?;
        }
        listing.finish()
    }
}
