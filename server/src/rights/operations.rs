//! What operations of the service demand, where a request names one.

use std::sync::Arc;

use argon_core::Revision;
use argon_core::model::{BranchName, ProjectName};
use argon_core::users::{Scope, TokenId, UserDatabase};
use argon_formats::extjson::parse_value;
use argon_service::audit;
use argon_service::operations::{Effect, Operation, Scope as Works, Sees};
use bson::{Bson, Document};

use super::{Demand, Held, Right, of_stages, scope};
use crate::auth::Who;
use crate::failure::{CommandError, Result};
use crate::shared::Shared;

/// An operation, and what it works on.
pub(crate) struct Asked<'a> {
    pub(crate) operation: &'static Operation,
    /// The project; `None` for an operation on the store.
    pub(crate) project: Option<&'a ProjectName>,
    /// The branch that the request names.
    pub(crate) branch: Option<&'a BranchName>,
    /// The revision that the request names.
    pub(crate) revision: Option<&'a str>,
    /// Other revisions that it reads.
    pub(crate) others: Vec<String>,
    /// The stages of a pipeline, as JSON.
    pub(crate) pipeline: Option<&'a str>,
    /// The branch that is to be made, and the state that it begins with; `None` as long as the request is not whole.
    pub(crate) made: Option<Made<'a>>,
    /// The project that a request on the store names.
    pub(crate) named_project: Option<String>,
    /// The user that the request names.
    pub(crate) user: Option<String>,
    /// The token that the request names.
    pub(crate) token: Option<String>,
}

impl<'a> Asked<'a> {
    /// An operation on a project, or on the store, that names nothing else.
    pub(crate) fn new(operation: &'static Operation, project: Option<&'a ProjectName>) -> Self {
        Self {
            operation,
            project,
            branch: None,
            revision: None,
            others: Vec::new(),
            pipeline: None,
            made: None,
            named_project: None,
            user: None,
            token: None,
        }
    }
}

/// A branch that is to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Made<'a> {
    /// Its name; `None` if one is made up.
    pub(crate) name: Option<&'a str>,
    /// The revision that it begins with; `None` for the default branch.
    pub(crate) from: Option<&'a str>,
    /// The default branch.
    pub(crate) default: &'a BranchName,
}

/// A name of a sandbox, which stands for one that is made up.
const SANDBOX: &str = "sandbox/new";

/// Checks that a user may run an operation.
///
/// # Errors
/// `Unauthorized`; those of reading the users.
pub(crate) async fn check_operation(
    shared: &Shared,
    who: Option<&Who>,
    asked: &Asked<'_>,
) -> Result<()> {
    if !shared.options.auth {
        return Ok(());
    }
    let held = Held::of(shared, who).await?;
    if held.user.is_none() {
        return Err(CommandError::new(13, "not authorized: log in first"));
    }
    let name = asked.operation.name;
    if who.is_some_and(|who| who.token.is_some())
        && asked.operation.effect != Effect::Read
        && ["user.", "token."].iter().any(|of| name.starts_with(of))
    {
        let problem = format!("not authorized: no token may do {name}; log in by the password");
        return Err(CommandError::new(13, problem));
    }
    let sealed = held.sealed.as_ref().map(ProjectName::as_str);
    if asked.operation.name == "audit.list" {
        let project = asked.named_project.as_deref().unwrap_or(audit::PROJECT);
        if sealed != Some(project) {
            let problem = format!("not authorized: '{project}' is not what this server records in");
            return Err(CommandError::new(13, problem));
        }
    } else if sealed.is_some() && sealed == asked.named_project.as_deref() {
        return Err(CommandError::new(13, "not authorized: it is the project of the audit"));
    }
    if let Some(who) = who
        && asked.operation.name.starts_with("token.")
        && is_own_token(shared, who, asked).await?
    {
        return Ok(());
    }
    if let Some(project) = asked.project
        && ["branch.create", "sandbox.create"].contains(&asked.operation.name)
        && !held.allow(Right::Define, Some(&Scope::Project(project.clone())))
    {
        let Some(made) = &asked.made else { return Ok(()) };
        return check_made(&held, asked, project, made);
    }
    for demand in demands(asked)? {
        if !held.meets(&shared.places, &demand)? {
            let name = asked.operation.name;
            return Err(CommandError::new(13, format!("not authorized: {name} needs {demand}")));
        }
    }
    Ok(())
}

/// A new branch shows what it begins with. So who may define only some branches has to read that, too.
fn check_made(
    held: &Held,
    asked: &Asked<'_>,
    project: &ProjectName,
    made: &Made<'_>,
) -> Result<()> {
    let name = BranchName::new(made.name.unwrap_or(SANDBOX))?;
    let from = scope_of_revision(made.from.unwrap_or(made.default.as_str()), project)?;
    let demands = [(Right::Define, Scope::Branch(project.clone(), name)), (Right::Read, from)];
    for (right, scope) in demands {
        if !held.allow(right, Some(&scope)) {
            let demand = Demand::on_scope(right, scope);
            let name = asked.operation.name;
            return Err(CommandError::new(13, format!("not authorized: {name} needs {demand}")));
        }
    }
    Ok(())
}

/// Whether a request is about the tokens of the user who sends it.
async fn is_own_token(shared: &Shared, who: &Who, asked: &Asked<'_>) -> Result<bool> {
    if asked.operation.effect != Effect::Read && who.token.is_some() {
        let problem =
            "not authorized: a token neither makes nor removes tokens; log in by the password";
        return Err(CommandError::new(13, problem));
    }
    if let Some(id) = asked.token.as_ref().and_then(|id| id.parse::<TokenId>().ok()) {
        let tokens = shared.store.tokens().await?;
        return Ok(tokens.iter().any(|token| token.id == id && token.user == who.name));
    }
    // A name alone is that of a user of `admin`.
    let is_admin = *who.name.database() == UserDatabase::Admin;
    Ok(is_admin && asked.user.as_deref() == Some(who.name.name()))
}

/// Which projects a user may see: those of which some branch may be read. `None` for all.
///
/// # Errors
/// Those of reading the users.
pub(crate) async fn visible(shared: &Shared, who: Option<&Who>) -> Result<Option<Arc<Sees>>> {
    if !shared.options.auth {
        return Ok(None);
    }
    let held = Held::of(shared, who).await?;
    Ok(Some(Arc::new(move |project: &ProjectName| held.reads_of(project))))
}

fn demands(asked: &Asked<'_>) -> Result<Vec<Demand>> {
    let name = asked.operation.name;
    if name == "project.list" {
        // Each sees what is theirs.
        return Ok(Vec::new());
    }
    let Some(project) = asked.project else {
        let right = match (name, asked.operation.effect) {
            (_, _) if ["user.", "token.", "audit."].iter().any(|of| name.starts_with(of)) => {
                Right::Users
            }
            ("store.health" | "store.metrics" | "store.storage" | "store.show", _) => {
                Right::Monitor
            }
            (_, Effect::Read) => Right::Read,
            _ => Right::Administer,
        };
        return Ok(vec![Demand::on_everything(right)]);
    };
    let of_project = || Scope::Project(project.clone());
    let (right, scope) = match (name, asked.operation.scope, asked.operation.effect) {
        (_, Works::State, _) | ("show" | "log" | "branch.show", _, _) => {
            (Right::Read, scope_of_state(asked, project)?)
        }
        (_, _, Effect::Read) => (Right::Read, of_project()),
        ("document.aggregate_into", _, _) => (Right::Write, scope_of_branch(asked, project)),
        ("sandbox.extend" | "sandbox.discard", _, _) => {
            (Right::Define, scope_of_branch(asked, project))
        }
        (_, Works::Branch, _) => {
            let defines = name.starts_with("collection.") || name.starts_with("index.");
            let right = if defines { Right::Define } else { Right::Write };
            (right, scope_of_branch(asked, project))
        }
        (_, _, Effect::Destroy)
        | (
            "reset"
            | "branch.rename"
            | "branch.protect"
            | "branch.set_read_only"
            | "branch.create_masked",
            _,
            _,
        ) => (Right::Administer, of_project()),
        (_, _, _)
            if ["branch.", "pin.", "sandbox.", "snapshot."]
                .iter()
                .any(|of| name.starts_with(of)) =>
        {
            (Right::Define, of_project())
        }
        _ => (Right::Write, of_project()),
    };
    let mut demands = vec![Demand::on_scope(right, scope)];
    for other in &asked.others {
        demands.push(Demand::on_scope(Right::Read, scope_of_revision(other, project)?));
    }
    if let Some(pipeline) = asked.pipeline {
        demands.extend(of_stages(&database_of(asked, project), &stages(pipeline)?));
    }
    Ok(demands)
}

/// The branch of the state that an operation reads; a pin, or a position, may be of any.
fn scope_of_state(asked: &Asked<'_>, project: &ProjectName) -> Result<Scope> {
    match asked.revision {
        Some(revision) => scope_of_revision(revision, project),
        None => Ok(scope_of_branch(asked, project)),
    }
}

fn scope_of_revision(revision: &str, project: &ProjectName) -> Result<Scope> {
    let revision: Revision = revision.parse()?;
    Ok(scope::of_named(project, revision.name))
}

fn scope_of_branch(asked: &Asked<'_>, project: &ProjectName) -> Scope {
    match asked.branch {
        Some(branch) => Scope::Branch(project.clone(), branch.clone()),
        None => Scope::Project(project.clone()),
    }
}

/// The state of an operation, as the name of a database has it.
fn database_of(asked: &Asked<'_>, project: &ProjectName) -> String {
    let branch = asked.branch.map(BranchName::as_str);
    match asked.revision.or(branch) {
        Some(revision) => format!("{project}:{revision}"),
        None => project.to_string(),
    }
}

/// The stages of a pipeline, read as the operation reads them.
fn stages(pipeline: &str) -> Result<Vec<Document>> {
    let malformed = || CommandError::failed_to_parse("the pipeline should be a list of stages");
    let Ok(Bson::Array(stages)) = parse_value(pipeline) else { return Err(malformed()) };
    let stages = stages.into_iter().map(|stage| match stage {
        Bson::Document(stage) => Ok(stage),
        _ => Err(malformed()),
    });
    stages.collect()
}
