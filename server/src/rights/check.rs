//! The check that precedes every command.

use std::sync::Arc;

use argon_core::users::Scope;

use super::demand::{Demand, Target};
use super::{Claim, Held, Need, Right, of_stages};
use crate::command::{Call, Command};
use crate::connection::Connection;
use crate::failure::{CommandError, Result};
use crate::place::Place;
use crate::shared::Shared;
use crate::views::read_by_views;

/// Refuses a command before anything of it is looked at, if its client has to log in first.
pub(crate) fn require_login(
    shared: &Shared,
    connection: &Connection,
    command: &Command,
) -> Result<()> {
    if !shared.options.auth || matches!(command.need, Need::Nothing) || connection.who().is_some() {
        return Ok(());
    }
    Err(CommandError::new(13, format!("Command {} requires authentication", command.name)))
}

/// Checks that the client may run a command, and notes the client's rights in the call.
///
/// # Errors
/// `Unauthorized`; the errors of reading the arguments, the users, and the state that is read.
pub(crate) async fn check(call: &mut Call<'_>) -> Result<()> {
    let who = call.connection.who();
    call.held = Held::of(call.shared, who.as_ref()).await?;
    call.claim = Claim { user: who, demands: Arc::default() };
    if !call.held.is_enforced || matches!(call.command.need, Need::Nothing) {
        return Ok(());
    }
    if call.held.user.is_none() {
        return Err(CommandError::new(13, "the user was dropped: log in again, as another one"));
    }
    let mut demands = demands_of(call, call.command.need).await?;
    demands.extend(of_bypass(call, &demands)?);
    require_all(call, &demands)?;
    for demand in &demands {
        refuse_new_branch(call, demand).await?;
    }
    refuse_view_of_others(call).await?;
    call.claim.demands = demands.into();
    Ok(())
}

/// What a command demands.
pub(super) async fn demands_of(call: &Call<'_>, need: Need) -> Result<Vec<Demand>> {
    Ok(match need {
        Need::Nothing | Need::Login => Vec::new(),
        Need::Database(right) => vec![Demand::on(right, call.database)],
        Need::Everything(right) => vec![Demand::on_everything(right)],
        Need::Arguments(demands) => demands(call).await?,
    })
}

/// What going round validators demands: as in MongoDB, who may write documents may not do that.
fn of_bypass(call: &Call<'_>, demands: &[Demand]) -> Result<Vec<Demand>> {
    if !call.bypasses_validation()? {
        return Ok(Vec::new());
    }
    let writes = demands.iter().filter(|demand| demand.right == Right::Write);
    Ok(writes.map(|demand| Demand { right: Right::Administer, ..demand.clone() }).collect())
}

fn require_all(call: &Call<'_>, demands: &[Demand]) -> Result<()> {
    for demand in demands {
        if !call.held.meets(&call.shared.places, demand)? {
            return Err(denied(call, demand));
        }
    }
    Ok(())
}

/// The error for a demand that is not met. It does not depend on what there is.
fn denied(call: &Call<'_>, demand: &Demand) -> CommandError {
    let (on, command) = (&demand.target, call.command.name);
    CommandError::new(13, format!("not authorized on {on} to execute command {command}"))
}

/// A write creates a branch that is not there, from the head of the default branch. So rights on that branch
/// alone are not enough: the new branch shows all of the other.
async fn refuse_new_branch(call: &Call<'_>, demand: &Demand) -> Result<()> {
    let Target::Database(database) = &demand.target else { return Ok(()) };
    if !matches!(demand.right, Right::Write | Right::Define | Right::Administer)
        || covers_project(call, demand.right, database)?
    {
        return Ok(());
    }
    let exists = match call.shared.places.find(database).await {
        Ok(Place::Head(branch)) => branch.info().await.is_ok(),
        Ok(Place::Past { .. }) => true,
        Ok(Place::Empty) | Err(_) => false,
    };
    if exists { Ok(()) } else { Err(denied(call, demand)) }
}

/// A view may read other states by `$lookup`. Who may read only a branch reads a view only if its pipeline stays
/// in that, also by a stage that reads the view.
async fn refuse_view_of_others(call: &Call<'_>) -> Result<()> {
    let Some((collection, stages)) = call.collection_read()? else { return Ok(()) };
    if covers_project(call, Right::Read, call.database)? {
        return Ok(());
    }
    let Ok(place) = call.shared.places.find(call.database).await else { return Ok(()) };
    let Ok(reading) = place.read(call.context()).await else { return Ok(()) };
    let stages = read_by_views(reading.state.as_ref(), collection, &stages)?;
    require_all(call, &of_stages(call.database, &stages))
}

/// Whether a right is held on all of the project of a database.
pub(crate) fn covers_project(call: &Call<'_>, right: Right, database: &str) -> Result<bool> {
    let scope = super::of_database(&call.shared.places, database, right)?;
    Ok(match scope {
        Some(Scope::Branch(project, _)) => call.held.allow(right, Some(&Scope::Project(project))),
        scope => call.held.allow(right, scope.as_ref()),
    })
}
