//! The project and branch of a shell, and its statements.

use argon_core::model::{BranchName, Lsn, ProjectName};
use argon_core::{Error, Revision};
use argon_formats::extjson::{ShellCall, ShellStatement};
use argon_service::document::QueryRow;
use argon_service::shell::{self, ShellAnswer, ShellOperation};
use argon_service::{Workspace, shell::COLLECTION_METHODS};
use futures::TryStreamExt;

use super::answer;
use super::completer::Names;
use crate::context::Context;
use crate::exit::CommandResult;

/// How many documents are shown at a time, as in MongoDB's shell.
const PAGE: usize = 20;

/// What happens after a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Continue,
    Exit,
}

/// A shell.
pub(super) struct Session<'c> {
    pub(super) context: &'c Context,
    /// Whether a person reads along.
    is_interactive: bool,
    pub(super) project: ProjectName,
    pub(super) branch: BranchName,
    /// The workspace, while it need not be closed for others.
    kept: Option<Workspace>,
    /// What `it` shows.
    rest: Option<Rest>,
}

/// Documents that were not shown yet, in the state in which the first were read.
struct Rest {
    operation: ShellOperation,
    revision: Revision,
}

impl<'c> Session<'c> {
    /// A shell in the project and branch that the options name or that are current.
    pub(super) async fn start(context: &'c Context, is_interactive: bool) -> CommandResult<Self> {
        let workspace = context.workspace().await?;
        let (project, branch) = (workspace.project.name().clone(), workspace.branch.clone());
        let mut session = Self { context, is_interactive, project, branch, kept: None, rest: None };
        session.done_with(workspace).await;
        Ok(session)
    }

    /// Runs a statement. Whatever comes of it, a store that others may need is closed afterwards.
    pub(super) async fn run(&mut self, statement: ShellStatement) -> CommandResult<Flow> {
        let flow = self.run_open(statement).await;
        if self.kept.is_none() {
            drop(self.context.take_opened());
        }
        flow
    }

    async fn run_open(&mut self, statement: ShellStatement) -> CommandResult<Flow> {
        match statement {
            ShellStatement::Database(call) => self.call(&call).await?,
            ShellStatement::Command { name, arguments } => match (name.as_str(), &arguments[..]) {
                ("exit" | "quit", _) => return Ok(Flow::Exit),
                ("it", []) => self.show_rest().await?,
                ("use", [place]) => self.go_to(place).await?,
                ("show", [what]) => self.show(what).await?,
                ("help", _) => self.help()?,
                ("use", _) => {
                    let problem = "use takes PROJECT, PROJECT@BRANCH or @BRANCH";
                    return Err(Error::invalid(problem).into());
                }
                _ => {
                    let words = arguments.join(" ");
                    return Err(Error::invalid(format!("unexpected '{name} {words}'")).into());
                }
            },
        }
        Ok(Flow::Continue)
    }

    async fn call(&mut self, call: &ShellCall) -> CommandResult {
        let operation = ShellOperation::of(call)?;
        self.answer(operation, None).await
    }

    async fn show_rest(&mut self) -> CommandResult {
        match self.rest.take() {
            Some(Rest { operation, revision }) => self.answer(operation, Some(revision)).await,
            None => self.context.output.print("no cursor"),
        }
    }

    /// Runs an operation, and prints what it returns.
    async fn answer(
        &mut self,
        operation: ShellOperation,
        revision: Option<Revision>,
    ) -> CommandResult {
        let workspace = self.workspace().await?;
        // The next documents are those of the same state.
        let revision = match revision {
            Some(revision) => Some(revision),
            None if self.is_interactive && operation.after(0).is_some() && !operation.writes() => {
                let lsn = workspace.branch().await?.head().await?.lsn();
                Some(format!("{}@{lsn}", workspace.branch).parse::<Revision>()?)
            }
            None => None,
        };
        let answered = shell::run(&workspace, revision.as_ref(), operation.clone()).await;
        let printed = match answered {
            Ok(ShellAnswer::Documents(documents)) => {
                self.print_documents(documents, operation, revision).await
            }
            Ok(ShellAnswer::Value { value, lsn, note }) => {
                if let Some(lsn) = lsn {
                    self.context.output.committed(Lsn::new(lsn), &workspace.branch);
                    let branch = &workspace.branch;
                    self.context.output.say(&format!("committed as LSN {lsn} of {branch}"));
                }
                if let Some(note) = note {
                    self.context.output.say(&note);
                }
                answer::print_value(&self.context.output, &value)
            }
            Err(failure) => Err(failure.into()),
        };
        self.done_with(workspace).await;
        printed
    }

    /// Prints all documents, or a page of them for a person.
    async fn print_documents(
        &mut self,
        mut documents: impl futures::Stream<Item = argon_service::Result<QueryRow>> + Unpin,
        operation: ShellOperation,
        revision: Option<Revision>,
    ) -> CommandResult {
        let mut listing = self.context.output.listing(&[]);
        let mut shown = 0;
        let mut has_more = false;
        while let Some(document) = documents.try_next().await? {
            if self.is_interactive && shown == PAGE {
                has_more = true;
                break;
            }
            answer::print_document(&self.context.output, &mut listing, document.as_raw())?;
            shown += 1;
        }
        listing.finish()?;
        if has_more {
            self.context.output.say("type \"it\" for more");
            let rest = operation.after(shown as u64);
            self.rest =
                rest.zip(revision).map(|(operation, revision)| Rest { operation, revision });
        }
        Ok(())
    }

    /// Goes to another project or branch, for this shell alone.
    async fn go_to(&mut self, place: &str) -> CommandResult {
        let (project, branch) = match place.split_once('@') {
            None => (place, None),
            Some(("", branch)) => (self.project.as_str(), Some(branch)),
            Some((project, branch)) => (project, Some(branch)),
        };
        let project = ProjectName::new(project)?;
        let branch = branch.map(BranchName::new).transpose()?;
        let Workspace { opened, .. } = self.workspace().await?;
        let found = opened.project(Some(&project)).await?;
        let branch = branch.unwrap_or_else(|| opened.branch(&project, None));
        found.branch(&branch).await?;
        self.context.output.say(&format!("switched to branch {branch} of project {project}"));
        (self.project, self.branch, self.rest) = (project, branch.clone(), None);
        self.done_with(Workspace { opened, project: found, branch }).await;
        Ok(())
    }

    /// Opens the store, unless it is open, in the project and branch of the shell.
    pub(super) async fn workspace(&mut self) -> CommandResult<Workspace> {
        if let Some(workspace) = self.kept.take() {
            return Ok(workspace);
        }
        let opened = self.context.store().await?;
        let project = opened.project(Some(&self.project)).await?;
        Ok(Workspace { opened, project, branch: self.branch.clone() })
    }

    /// Closes a store that only one process can have open; others stay open for the next statement.
    pub(super) async fn done_with(&mut self, workspace: Workspace) {
        let place = &workspace.opened.place;
        if place.is_remote() || place.data().is_none() {
            self.kept = Some(workspace);
            return;
        }
        let Workspace { opened, project, .. } = workspace;
        drop(project);
        self.context.close(opened.store).await;
    }

    /// The names that can be completed; none if they can't be read.
    pub(super) async fn names(&mut self) -> Names {
        let mut names = Names::default();
        let Ok(workspace) = self.workspace().await else { return names };
        if let Ok(state) = workspace.state(None).await {
            names.collections = state.collections().map(|info| info.name.to_string()).collect();
        }
        if let Ok(projects) = workspace.opened.store.projects().await {
            names.projects = projects.into_iter().map(|project| project.name.to_string()).collect();
        }
        if let Ok(branches) = workspace.project.branches().await {
            let branches = branches.into_iter().filter(|branch| !branch.name.is_backup());
            names.branches = branches.map(|branch| branch.name.to_string()).collect();
        }
        self.done_with(workspace).await;
        names
    }

    fn help(&self) -> CommandResult {
        let methods = COLLECTION_METHODS.join(", ");
        self.context.output.print(&format!(
            "show dbs | collections | branches\nuse PROJECT | PROJECT@BRANCH | @BRANCH\n\
             db.COLLECTION.METHOD(…)   {methods}\nit                        the next documents of a find\n\
             exit                      also quit, Ctrl-D"
        ))
    }
}
