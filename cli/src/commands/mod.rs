//! The commands, one a file.

mod aggregate;
mod apply;
mod audit;
#[cfg(feature = "bench")]
mod bench;
#[cfg(not(feature = "bench"))]
#[path = "without_bench.rs"]
mod bench;
mod bisect;
mod blame;
mod branch;
mod checks;
mod cherry_pick;
mod collections;
mod compact;
mod completions;
mod config;
mod confirm;
mod connection_string;
mod console;
mod count;
mod delete;
mod diff;
mod distinct;
mod doctor;
mod dvc;
mod edit;
mod explain;
mod export;
mod find;
mod flush;
mod fsck;
mod gc;
mod get;
mod health;
mod help;
mod history;
mod import;
mod index;
mod init;
#[cfg(feature = "legacy")]
mod jobs;
mod legacy;
mod log;
mod man;
mod mcp;
mod merge;
mod metrics;
mod migrate;
mod pin;
mod project;
mod put;
mod reflog;
mod restore;
mod sandbox;
mod serve;
mod serve_metrics;
mod shell;
mod show;
mod snapshot;
mod status;
mod storage;
mod store;
mod switch;
mod token;
mod top;
mod undo;
mod update;
mod use_project;
mod user;
mod verify;
mod wal;
#[cfg(feature = "legacy")]
mod workers;

use clap::Subcommand;

use crate::context::Context;
use crate::exit::CommandResult;

/// The commands of `argon`.
#[derive(Subcommand)]
pub(crate) enum Command {
    Init(init::InitArgs),
    Status(status::StatusArgs),
    #[command(subcommand)]
    Project(project::ProjectCommand),
    Use(use_project::UseArgs),
    Branch(branch::BranchArgs),
    Switch(switch::SwitchArgs),
    #[command(subcommand)]
    Sandbox(sandbox::SandboxCommand),
    #[command(subcommand)]
    Pin(pin::PinCommand),
    Import(import::ImportArgs),
    Export(export::ExportArgs),
    #[command(subcommand)]
    Dvc(dvc::DvcCommand),
    Put(put::PutArgs),
    Update(update::UpdateArgs),
    Delete(delete::DeleteArgs),
    Edit(edit::EditArgs),
    Get(get::GetArgs),
    Find(find::FindArgs),
    Count(count::CountArgs),
    Distinct(distinct::DistinctArgs),
    Aggregate(aggregate::AggregateArgs),
    Explain(explain::ExplainArgs),
    Collections(collections::CollectionsArgs),
    #[command(subcommand)]
    Index(index::IndexCommand),
    Shell(shell::ShellArgs),
    Log(log::LogArgs),
    Show(show::ShowArgs),
    History(history::HistoryArgs),
    Blame(blame::BlameArgs),
    Bisect(bisect::BisectArgs),
    Diff(diff::DiffArgs),
    Apply(apply::ApplyArgs),
    Merge(merge::MergeArgs),
    Undo(undo::UndoArgs),
    CherryPick(cherry_pick::CherryPickArgs),
    #[command(subcommand)]
    Restore(restore::RestoreCommand),
    Reflog(reflog::ReflogArgs),
    #[command(subcommand)]
    Snapshot(snapshot::SnapshotCommand),
    Gc(gc::GcArgs),
    Storage(storage::StorageArgs),
    Compact(compact::CompactArgs),
    Migrate(migrate::MigrateArgs),
    Flush(flush::FlushArgs),
    #[cfg(feature = "legacy")]
    #[command(subcommand)]
    Workers(workers::WorkersCommand),
    #[cfg(feature = "legacy")]
    #[command(subcommand)]
    Jobs(jobs::JobsCommand),
    Verify(verify::VerifyArgs),
    Fsck(fsck::FsckArgs),
    Metrics(metrics::MetricsArgs),
    Top(top::TopArgs),
    Serve(serve::ServeArgs),
    Console(console::ConsoleArgs),
    Mcp(mcp::McpArgs),
    #[command(subcommand)]
    User(user::UserCommand),
    #[command(subcommand)]
    Token(token::TokenCommand),
    Audit(audit::AuditArgs),
    ServeMetrics(serve_metrics::ServeMetricsArgs),
    Doctor(doctor::DoctorArgs),
    Health(health::HealthArgs),
    #[command(subcommand)]
    Config(config::ConfigCommand),
    #[command(subcommand)]
    Store(store::StoreCommand),
    #[cfg_attr(not(feature = "bench"), command(hide = true))]
    Bench(bench::BenchArgs),
    ConnectionString(connection_string::ConnectionStringArgs),
    #[command(subcommand)]
    Wal(wal::WalCommand),
    #[command(subcommand)]
    Projects(legacy::ProjectsCommand),
    #[command(subcommand)]
    Branches(legacy::BranchesCommand),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
    Help(help::HelpArgs),
}

impl Command {
    /// Whether it works on the store that the setting `legacy.store` names.
    pub(crate) fn is_deprecated(&self) -> bool {
        matches!(self, Self::Projects(_) | Self::Branches(_))
    }

    /// Whether the output goes through a queue, so that no reader holds a store up.
    pub(crate) fn is_queued(&self) -> bool {
        match self {
            Self::Export(args) => args.is_stdout(),
            command => command.is_paged(),
        }
    }

    /// Whether it prints what it reads, and that may be long: its output goes through a pager on a terminal,
    /// and never keeps the store open.
    pub(crate) fn is_paged(&self) -> bool {
        match self {
            Self::Shell(args) => return args.is_script(),
            Self::Branch(args) => return args.is_list(),
            Self::Merge(args) => return args.is_list(),
            _ => {}
        }
        matches!(
            self,
            Self::Find(_)
                | Self::Get(_)
                | Self::Aggregate(_)
                | Self::Distinct(_)
                | Self::Count(_)
                | Self::Log(_)
                | Self::Show(_)
                | Self::History(_)
                | Self::Blame(_)
                | Self::Diff(_)
                | Self::Reflog(_)
                | Self::Explain(_)
                | Self::Audit(_)
                | Self::Index(index::IndexCommand::List(_))
                | Self::Pin(pin::PinCommand::List(_))
                | Self::Sandbox(sandbox::SandboxCommand::List(_))
                | Self::Restore(restore::RestoreCommand::Preview(_))
        )
    }

    /// Whether it ends by itself when a signal asks it to, as it has something to finish or to clean up.
    pub(crate) fn handles_signals(&self) -> bool {
        match self {
            Self::Import(_)
            | Self::Bisect(_)
            | Self::Migrate(_)
            | Self::Metrics(_)
            | Self::Top(_)
            | Self::Serve(_)
            | Self::Console(_)
            | Self::Mcp(_)
            | Self::ServeMetrics(_)
            | Self::Shell(_)
            | Self::Health(_) => true,
            #[cfg(feature = "legacy")]
            Self::Workers(_) => true,
            #[cfg(feature = "bench")]
            Self::Bench(_) => true,
            _ => false,
        }
    }

    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        match self {
            Self::Init(args) => args.run(context).await,
            Self::Status(args) => args.run(context).await,
            Self::Project(command) => command.run(context).await,
            Self::Use(args) => args.run(context).await,
            Self::Branch(args) => args.run(context).await,
            Self::Switch(args) => args.run(context).await,
            Self::Sandbox(command) => command.run(context).await,
            Self::Pin(command) => command.run(context).await,
            Self::Import(args) => args.run(context).await,
            Self::Export(args) => args.run(context).await,
            Self::Dvc(command) => command.run(context).await,
            Self::Put(args) => args.run(context).await,
            Self::Delete(args) => args.run(context).await,
            Self::Edit(args) => args.run(context).await,
            Self::Get(args) => args.run(context).await,
            Self::Find(args) => args.run(context).await,
            Self::Distinct(args) => args.run(context).await,
            Self::Aggregate(args) => args.run(context).await,
            Self::Explain(args) => args.run(context).await,
            Self::Update(args) => args.run(context).await,
            Self::Count(args) => args.run(context).await,
            Self::Collections(args) => args.run(context).await,
            Self::Index(command) => command.run(context).await,
            Self::Shell(args) => args.run(context).await,
            Self::Log(args) => args.run(context).await,
            Self::Show(args) => args.run(context).await,
            Self::History(args) => args.run(context).await,
            Self::Blame(args) => args.run(context).await,
            Self::Bisect(args) => args.run(context).await,
            Self::Diff(args) => args.run(context).await,
            Self::Apply(args) => args.run(context).await,
            Self::Merge(args) => args.run(context).await,
            Self::Undo(args) => args.run(context).await,
            Self::CherryPick(args) => args.run(context).await,
            Self::Restore(command) => command.run(context).await,
            Self::Reflog(args) => args.run(context).await,
            Self::Snapshot(command) => command.run(context).await,
            Self::Gc(args) => args.run(context).await,
            Self::Storage(args) => args.run(context).await,
            Self::Compact(args) => args.run(context).await,
            Self::Migrate(args) => args.run(context).await,
            Self::Flush(args) => args.run(context).await,
            #[cfg(feature = "legacy")]
            Self::Workers(command) => command.run(context).await,
            #[cfg(feature = "legacy")]
            Self::Jobs(command) => command.run(context).await,
            Self::Verify(args) => args.run(context).await,
            Self::Fsck(args) => args.run(context).await,
            Self::Metrics(args) => args.run(context).await,
            Self::Top(args) => args.run(context).await,
            Self::Serve(args) => args.run(context).await,
            Self::Console(args) => args.run(context).await,
            Self::Mcp(args) => args.run(context).await,
            Self::User(command) => command.run(context).await,
            Self::Token(command) => command.run(context).await,
            Self::Audit(args) => args.run(context).await,
            Self::ServeMetrics(args) => args.run(context).await,
            Self::Doctor(args) => args.run(context).await,
            Self::Health(args) => args.run(context).await,
            Self::Config(command) => command.run(context),
            Self::Store(command) => command.run(context),
            Self::Bench(args) => args.run(context).await,
            Self::ConnectionString(args) => args.run(context).await,
            Self::Wal(command) => command.run(context).await,
            Self::Projects(command) => command.run(context).await,
            Self::Branches(command) => command.run(context).await,
            Self::Completions(args) => args.run(),
            Self::Man(args) => args.run(context),
            Self::Help(args) => args.run(),
        }
    }
}
