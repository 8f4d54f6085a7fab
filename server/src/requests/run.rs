//! What an operation works on, and its run.

use std::sync::Arc;

use argon_core::model::{BranchName, ProjectName};
use argon_core::{Error, Store};
use argon_service::config::Config;
use argon_service::discover::Place;
use argon_service::operations::{Operation, Output, Request, Scope, Target};
use argon_service::settings::Settings;
use argon_service::{OpenStore, Result};

use crate::computing::aside;
use crate::shared::Shared;

/// What operations need besides the store.
#[derive(Clone)]
pub struct OperationOptions {
    /// Where the store is, and how it was found.
    pub place: Place,
    /// The settings; without any, those of the user and of the environment.
    pub settings: Option<Arc<Settings>>,
}

/// A project and a branch, whose changes the session of the store signs.
pub(crate) fn target(
    options: &OperationOptions,
    store: Store,
    project: Option<ProjectName>,
    branch: BranchName,
) -> Target {
    let place = options.place.clone();
    let opened = OpenStore { store, place, config: Config::default(), config_file: None };
    Target { settings: options.settings.clone(), ..Target::new(opened, project, branch) }
}

/// Runs an operation. A read ends with its client.
///
/// # Errors
/// `Internal` if the operation panics; its own errors are the second part of the result.
pub(crate) async fn run<O: Output + 'static>(
    shared: &Shared,
    operation: &'static Operation,
    target: &Target,
    request: String,
    mut output: O,
) -> Result<(O, Result<()>)> {
    let _permit = shared.computing.acquire().await;
    let target = target.clone();
    let run = aside(async move {
        let result = operation.run(&target, &Request::Json(request), &mut output).await;
        (output, result)
    });
    run.await.ok_or_else(|| {
        Error::internal("the server failed within this request; its log says where").into()
    })
}

/// Forgets what an operation that wrote may have changed.
pub(crate) fn forget(shared: &Shared, operation: &Operation) {
    if operation.scope != Scope::Branch {
        // A branch may have been deleted or renamed, a user changed.
        shared.places.forget_all();
        shared.users.forget();
    }
    shared.clock.tick(shared.store.environment());
}
