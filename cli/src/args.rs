//! The command line: global options, and the arguments that several commands share.

use std::path::PathBuf;
use std::time::Duration;

use argon_core::key::Key;
use argon_core::model::{
    Actor, BranchName, CollectionName, Message, ProjectName, Trailer, Trailers,
};
use argon_core::{Error, Revision};
use argon_formats::extjson::{Mode, parse_id, parse_shell_document, parse_shell_value};
use argon_service::changes::{ChangeFilter, Detail, Listing};
use argon_service::collections;
use argon_service::document::FindDocuments;
use argon_service::duration::parse_seconds;
use argon_service::json::{HintValue, Id, QueryDocument, UpdateValue};
use argon_service::settings::{self, Overrides};
use bson::Bson;
use clap::{Args, Parser, ValueEnum};

use crate::commands::Command;
use crate::output::{Format, parse_size};

/// Git for MongoDB-shaped data: branch, change, look back and restore databases.
///
/// Every change of a document is a commit in a log. A branch costs one write whatever the size of
/// the data, and every past state can be read, compared and restored.
#[derive(Parser)]
#[command(
    name = "argon",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
pub struct Cli {
    #[command(flatten)]
    pub(crate) options: GlobalOptions,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalOptions {
    // Texts in place of comments: the names of variables are not code there.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        help = "The store: a name that `argon store add` gave, a URL such as `argon init --help` lists, \
                or a store's directory (a name goes before a directory: ./NAME is that) [env: ARGON_STORE] [default: the nearest .argon upwards]"
    )]
    pub(crate) store: Option<String>,

    #[arg(
        long,
        global = true,
        value_name = "PATH",
        conflicts_with = "store",
        help = "A file with the store's URL on its first line [env: ARGON_STORE_FILE]"
    )]
    pub(crate) store_file: Option<PathBuf>,

    /// The project [default: the one set by `argon use`]
    #[arg(
        short,
        long,
        global = true,
        value_name = "NAME",
        env = "ARGON_PROJECT",
        hide_env_values = true
    )]
    pub(crate) project: Option<ProjectName>,

    /// The branch [default: the one set by `argon switch`, at first main]
    #[arg(
        short,
        long,
        global = true,
        value_name = "NAME",
        env = "ARGON_BRANCH",
        hide_env_values = true
    )]
    pub(crate) branch: Option<BranchName>,

    #[arg(
        short,
        long,
        global = true,
        value_name = "FORMAT",
        help = "How to print what is asked for [env: ARGON_OUTPUT] [default: table]"
    )]
    pub(crate) output: Option<Format>,

    /// Log each operation and its duration on stderr when it ends; `RUST_LOG` selects operations, and a
    /// build with the feature otel exports them to `OTEL_EXPORTER_OTLP_ENDPOINT` as well
    /// [default: no log, unless `RUST_LOG` is set]
    #[arg(long, global = true, value_name = "FORMAT")]
    pub(crate) log_format: Option<LogFormat>,

    /// Say nothing on stderr but notes and errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,

    /// Print on a terminal at once, without `$ARGON_PAGER`, `$PAGER` or less
    #[arg(long, global = true)]
    pub(crate) no_pager: bool,

    #[arg(
        long,
        global = true,
        value_name = "SECONDS",
        value_parser = parse_seconds,
        help = "How long to wait for a server that does not answer, or another process that has the \
                store open [env: ARGON_LOCK_TIMEOUT] [default: 5]"
    )]
    pub(crate) lock_timeout: Option<Duration>,

    #[arg(
        long,
        global = true,
        value_name = "DIR",
        help = "Where to keep copies of what never changes in a store on a network \
                [env: ARGON_CACHE_DIR] [default: argon in $XDG_CACHE_HOME or ~/.cache]"
    )]
    pub(crate) cache_dir: Option<PathBuf>,

    #[arg(
        long,
        global = true,
        value_name = "BYTES",
        value_parser = parse_size,
        help = "The most that these copies may take, such as 500MiB or 2GiB; 0 keeps none \
                [env: ARGON_CACHE_SIZE] [default: 1GiB]"
    )]
    pub(crate) cache_size: Option<u64>,

    /// Say on stderr at the end how long it took, and what went over the network
    #[arg(long, global = true)]
    pub(crate) stats: bool,
}

impl GlobalOptions {
    /// What they say of settings.
    pub(crate) fn overrides(&self) -> Overrides {
        Overrides {
            store: self.store.clone(),
            store_file: self.store_file.clone(),
            output: self.output.map(Format::setting),
            lock_timeout: self.lock_timeout,
            cache_dir: self.cache_dir.clone(),
            cache_size: self.cache_size,
        }
    }
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// A line of text each
    Text,
    /// A JSON object each
    Json,
}

impl From<LogFormat> for settings::LogFormat {
    fn from(format: LogFormat) -> Self {
        match format {
            LogFormat::Text => Self::Text,
            LogFormat::Json => Self::Json,
        }
    }
}

/// The past state that a reading command reads.
#[derive(Args)]
pub(crate) struct AtRevision {
    /// Read this state [default: the head of the current branch]
    #[arg(long, value_name = "REV")]
    pub(crate) at: Option<Revision>,
}

/// The collection of a command that needs one.
#[derive(Args)]
pub(crate) struct InCollection {
    /// The collection
    #[arg(short, long, value_name = "NAME")]
    pub(crate) collection: CollectionName,
}

/// A query for documents of a collection.
#[derive(Args)]
pub(crate) struct QueryArgs {
    #[command(flatten)]
    within: InCollection,
    #[arg(value_name = "FILTER", help = FILTER_HELP, value_parser = query_document)]
    filter: Option<QueryDocument>,
    #[command(flatten)]
    shape: QueryShape,
}

/// What a query gives of the documents that match, and how it reads them.
#[derive(Args, Default)]
pub(crate) struct QueryShape {
    /// The fields to print, such as '{city: 1, _id: 0}' [default: all]
    #[arg(long, value_name = "FIELDS", value_parser = query_document)]
    projection: Option<QueryDocument>,
    /// The order, such as '{pop: -1}' for the greatest first
    #[arg(long, value_name = "ORDER", value_parser = query_document)]
    sort: Option<QueryDocument>,
    #[command(flatten)]
    collation: InCollation,
    #[command(flatten)]
    hint: InHint,
    /// Print at most N documents [default: all]
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Leave out the first N documents
    #[arg(long, value_name = "N", default_value_t = 0)]
    skip: u64,
}

impl From<QueryArgs> for FindDocuments {
    fn from(query: QueryArgs) -> Self {
        query.shape.query(query.within.collection, query.filter.unwrap_or_default())
    }
}

impl QueryShape {
    /// A query with a filter.
    pub(crate) fn query(self, collection: CollectionName, filter: QueryDocument) -> FindDocuments {
        FindDocuments {
            collection,
            filter,
            projection: self.projection.unwrap_or_default(),
            sort: self.sort.unwrap_or_default(),
            skip: self.skip,
            limit: self.limit,
            collation: self.collation.into_document(),
            hint: self.hint.index,
        }
    }

    /// The collation and the hint alone.
    ///
    /// # Errors
    /// `Invalid` if there is more.
    pub(crate) fn of_pipeline(self) -> Result<(QueryDocument, Option<HintValue>), Error> {
        let Self { projection, sort, collation, hint, limit, skip } = self;
        if projection.is_some() || sort.is_some() || limit.is_some() || skip > 0 {
            return Err(Error::invalid(
                "a pipeline has stages in place of --projection, --sort, --limit and --skip: $project, $sort, \
                 $limit and $skip",
            ));
        }
        Ok((collation.into_document(), hint.index))
    }
}

/// The order of texts in a query.
#[derive(Args, Default)]
pub(crate) struct InCollation {
    /// Compare text by the rules of a language, such as '{locale: "de", strength: 2}' without regard
    /// to case [default: byte by byte]
    #[arg(long, value_name = "COLLATION", value_parser = query_document)]
    collation: Option<QueryDocument>,
}

impl InCollation {
    pub(crate) fn is_given(&self) -> bool {
        self.collation.is_some()
    }

    pub(crate) fn into_document(self) -> QueryDocument {
        self.collation.unwrap_or_default()
    }
}

/// The index that a query reads by.
#[derive(Args, Default)]
pub(crate) struct InHint {
    /// The index to read by: its name, or its key such as '{pop: 1}'; '{$natural: 1}' for none
    #[arg(long = "hint", value_name = "INDEX", value_parser = hint_value)]
    pub(crate) index: Option<HintValue>,
}

/// The part of the changes that a command shows.
#[derive(Args, Default)]
pub(crate) struct FilterArgs {
    /// Only changes of this collection; may be given several times
    #[arg(short, long = "collection", value_name = "NAME")]
    collections: Vec<CollectionName>,
    /// Only changes of the document with this _id, in the one collection; may be given several times
    #[arg(long = "id", value_name = "ID", value_parser = document_id, requires = "collections",
          allow_negative_numbers = true)]
    ids: Vec<Key>,
}

impl From<FilterArgs> for ChangeFilter {
    fn from(FilterArgs { collections, ids }: FilterArgs) -> Self {
        Self { collections, ids: ids.into_iter().map(Id).collect() }
    }
}

/// How documents are printed.
#[derive(Args, Default)]
pub(crate) struct DocumentStyle {
    /// Print canonical Extended JSON, in which every value keeps its type
    #[arg(long)]
    pub(crate) canonical: bool,
}

/// The condition that what is written is as it was read.
#[derive(Args, Clone, Copy)]
pub(crate) struct IfLsn {
    /// Fail with exit code 5 if a document that is written was changed, inserted or deleted after this LSN,
    /// that of the state in which it was read
    #[arg(long = "if-lsn", value_name = "LSN")]
    pub(crate) lsn: Option<u64>,
}

/// How changes are printed.
#[derive(Args, Default)]
pub(crate) struct ListingArgs {
    /// Print the number of documents that change, not the documents
    #[arg(long)]
    stat: bool,
    #[command(flatten)]
    style: DocumentStyle,
}

impl ListingArgs {
    /// Numbers only.
    pub(crate) fn stat() -> Self {
        Self { stat: true, style: DocumentStyle::default() }
    }

    pub(crate) fn listing(&self) -> Listing {
        let detail = if self.stat { Detail::Stat } else { Detail::Changes };
        Listing { detail, canonical: self.style.canonical }
    }
}

impl DocumentStyle {
    pub(crate) fn mode(&self) -> Mode {
        if self.canonical { Mode::Canonical } else { Mode::Relaxed }
    }
}

/// How a commit is signed.
#[derive(Args, Clone)]
pub(crate) struct Signature {
    /// Who makes the commit [default: `ARGON_ACTOR`, or the name of the user]
    #[arg(long, value_name = "NAME", value_parser = |text: &str| Actor::new(text))]
    pub(crate) actor: Option<Actor>,

    /// Why it is made
    #[arg(short, long, value_name = "TEXT", value_parser = |text: &str| Message::new(text))]
    pub(crate) message: Option<Message>,

    #[command(flatten)]
    pub(crate) notes: Notes,
}

/// What a commit notes besides its actor and its message.
#[derive(Args, Clone, Default)]
pub(crate) struct Notes {
    /// Add a trailer to the commit, such as ticket=412; may be given several times
    #[arg(long = "trailer", value_name = "KEY=VALUE", value_parser = |text: &str| text.parse::<Trailer>())]
    trailers: Vec<Trailer>,
}

impl Notes {
    /// Refuses notes on a plan: they are of the commit that applies it.
    pub(crate) fn refuse_for_plan(&self, is_plan: bool) -> Result<(), Error> {
        if is_plan && !self.trailers.is_empty() {
            return Err(Error::invalid(
                "a plan has no trailers; give --trailer to the command that applies it",
            ));
        }
        Ok(())
    }

    pub(crate) fn trailers(&self) -> Result<Trailers, Error> {
        self.trailers.iter().cloned().try_fold(Trailers::default(), Trailers::with)
    }
}

impl From<Signature> for collections::Signature {
    fn from(Signature { actor, message, .. }: Signature) -> Self {
        Self { actor, message }
    }
}

/// An `_id` as a person types it.
pub(crate) fn document_id(text: &str) -> Result<Key, Error> {
    let id = parse_id(text).map_err(|error| Error::invalid(error.to_string()))?;
    Key::of(&id).map_err(|error| Error::invalid(error.to_string()))
}

/// A filter, a projection or a sort as a person types it: as in MongoDB's shell.
pub(crate) fn query_document(text: &str) -> Result<QueryDocument, Error> {
    parse_shell_document(text).map(QueryDocument).map_err(|error| Error::invalid(error.to_string()))
}

/// A hint as a person types it: the name of an index, or a document.
pub(crate) fn hint_value(text: &str) -> Result<HintValue, Error> {
    if text.trim_start().starts_with('{') {
        return query_document(text).map(|QueryDocument(key)| HintValue(Bson::Document(key)));
    }
    Ok(HintValue(Bson::String(text.to_owned())))
}

/// An update as a person types it: a document or a list of stages.
pub(crate) fn update_value(text: &str) -> Result<UpdateValue, Error> {
    match parse_shell_value(text).map_err(|error| Error::invalid(error.to_string()))? {
        update @ (Bson::Document(_) | Bson::Array(_)) => Ok(UpdateValue(update)),
        other => Err(Error::invalid(format!(
            "invalid update {other}: expected operators such as {{$set: {{field: 1}}}}, a \
             replacement, or a list of stages"
        ))),
    }
}

/// The stages of a pipeline.
#[derive(Debug, Clone)]
pub(crate) struct Pipeline(pub(crate) Vec<QueryDocument>);

/// A pipeline as a person types it: a list of stages, or one stage.
pub(crate) fn pipeline(text: &str) -> Result<Pipeline, Error> {
    let wrong = |found: &Bson| {
        Error::invalid(format!(
            "invalid pipeline: expected a list of stages such as [{{$match: {{field: 1}}}}], found \
             {found}"
        ))
    };
    match parse_shell_value(text).map_err(|error| Error::invalid(error.to_string()))? {
        Bson::Document(stage) => Ok(Pipeline(vec![QueryDocument(stage)])),
        Bson::Array(stages) => {
            let stages = stages.into_iter().map(|stage| match stage {
                Bson::Document(stage) => Ok(QueryDocument(stage)),
                other => Err(wrong(&other)),
            });
            stages.collect::<Result<_, _>>().map(Pipeline)
        }
        other => Err(wrong(&other)),
    }
}

/// A filter or a pipeline.
#[derive(Debug, Clone)]
pub(crate) enum FilterOrPipeline {
    Filter(QueryDocument),
    Pipeline(Pipeline),
}

/// A filter as a person types it, or a pipeline: a list of stages.
pub(crate) fn filter_or_pipeline(text: &str) -> Result<FilterOrPipeline, Error> {
    if text.trim_start().starts_with('[') {
        return pipeline(text).map(FilterOrPipeline::Pipeline);
    }
    query_document(text).map(FilterOrPipeline::Filter)
}

/// What a filter may be written as, for the help of arguments that take one.
pub(crate) const FILTER_HELP: &str = "\
A filter of MongoDB, such as '{age: {$gt: 30}}', as in MongoDB's shell or as Extended JSON";

/// What an `_id` may be written as, for the help of arguments that take one.
pub(crate) const ID_HELP: &str = "\
The _id: 24 hexadecimal digits for an ObjectId, an Extended JSON value, or any other text for a \
string";
