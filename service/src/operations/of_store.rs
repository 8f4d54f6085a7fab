//! Operations on a store.

use argon_core::storage::Secret;
use schemars::JsonSchema;
use serde::Deserialize;

use super::operations;
use crate::audit::{AuditEvent, ListAudit};
use crate::credentials::Exposure;
use crate::dvc::{CheckLock, CheckedLock, UpdateLock, UpdatedLock};
use crate::health::{CheckHealth, HealthReport};
use crate::project::{
    CreateProject, CreatedProject, DeleteProject, DeletedProject, ListDeletedProjects,
    ListProjects, ListedProject, ProjectDeleted, UndeleteProject, UndeletedProject,
};
use crate::status::StoreStatus;
use crate::token::{CreateToken, CreatedToken, DropToken, ListTokens, ShownToken};
use crate::upkeep::{
    CheckStore, CheckedStore, CollectGarbage, CollectedGarbage, CompactStore, CompactedStore,
    ShowStorage, StorageUse,
};
use crate::usage_metrics::{Reading, ShowMetrics, ShownMetric};
use crate::user::{
    ChangePassword, CreateUser, DropUser, GrantRoles, ListUsers, RevokeRoles, ShownUser,
};
use crate::{Wording, audit, dvc, health, project, status, token, upkeep, user, words};

/// Show the status of the store.
#[derive(Deserialize, JsonSchema)]
struct ShowStore {}

/// Create a user of the server.
#[derive(Deserialize, JsonSchema)]
struct CreateUserWithPassword {
    #[serde(flatten)]
    user: CreateUser,
    /// The password; a user of `$external` has none.
    #[serde(default)]
    password: Option<String>,
}

/// Change the password of a user.
#[derive(Deserialize, JsonSchema)]
struct NewPassword {
    #[serde(flatten)]
    user: ChangePassword,
    /// The new password.
    password: String,
}

/// The service's own words.
struct Plain;

impl Wording for Plain {
    fn exposure(&self, exposure: &Exposure) -> (String, String) {
        match exposure {
            Exposure::Argument => (
                "every user of this machine can see the password of the store".to_owned(),
                "name the store by a file or by the environment".to_owned(),
            ),
            Exposure::File(path) => (
                format!("every user of this machine can read the password in {}", path.display()),
                "let only its owner read it".to_owned(),
            ),
        }
    }
}

operations! {
    |target, output|
    "store.show" Read Store(opened), _request: ShowStore => One<StoreStatus> =
        status::store(opened, &Plain).await?;
    "store.health" Read Store(opened), request: CheckHealth => One<HealthReport> = {
        let now = opened.store.environment().now();
        let checks = health::check(opened, &target.settings()?.health, now, &request).await;
        HealthReport::new(checks, &Plain)
    };
    "store.storage" Read Store(opened), request: ShowStorage => One<StorageUse> = {
        let settings = target.settings()?;
        upkeep::storage(&opened.store, &settings, request).await?
    };
    "store.metrics" Read Store(opened), request: ShowMetrics => One<Vec<ShownMetric>> =
        Reading::now(&opened.store).await?.metrics(request);
    "store.gc" Destroy Store(opened), request: CollectGarbage => One<CollectedGarbage> = {
        let environment = opened.store.environment();
        let settings = target.settings()?;
        upkeep::collect(&opened.store, environment, &settings, &request).await?
    };
    "store.compact" Write Store(opened), request: CompactStore => One<CompactedStore> =
        upkeep::compact(&opened.store, request).await?;
    "store.fsck" Write Store(opened), request: CheckStore => One<CheckedStore> =
        upkeep::fsck(opened, request, &|commits| target.watcher.reports(&words::count(commits, "commit"))).await?;
    "project.list" Read Store(opened), request: ListProjects => One<Vec<ListedProject>> = {
        let mut listed = project::list(opened, request).await?;
        listed.retain(|listed| target.sees(&listed.project));
        listed
    };
    "project.create" Write Store(opened), request: CreateProject => One<CreatedProject> =
        project::create(opened, request, &()).await?;
    "project.delete" Destroy Store(opened), request: DeleteProject => One<ProjectDeleted> =
        project::delete(opened, request, &()).await?;
    "project.list_deleted" Read Store(opened), request: ListDeletedProjects => One<Vec<DeletedProject>> =
        project::list_deleted(opened, request).await?;
    "project.undelete" Write Store(opened), request: UndeleteProject => One<UndeletedProject> =
        project::undelete(&opened.store, request).await?;
    "user.list" Read Store(opened), request: ListUsers => One<Vec<ShownUser>> =
        user::list(&opened.store, request).await?;
    "user.create" Write Store(opened), request: CreateUserWithPassword => One<ShownUser> = {
        let password = request.password.map(Secret::new);
        user::create(&opened.store, request.user, password.as_ref()).await?
    };
    "user.change_password" Write Store(opened), request: NewPassword => One<ShownUser> =
        user::change_password(&opened.store, request.user, &Secret::new(request.password)).await?;
    "user.grant" Write Store(opened), request: GrantRoles => One<ShownUser> =
        user::grant(&opened.store, request).await?;
    "audit.list" Read Store(opened), request: ListAudit => List<AuditEvent> =
        audit::list(&opened.store, request).await?;
    "token.create" Write Store(opened), request: CreateToken => One<CreatedToken> =
        token::create(&opened.store, request).await?;
    "token.list" Read Store(opened), request: ListTokens => One<Vec<ShownToken>> =
        token::list(&opened.store, request).await?;
    "token.drop" Destroy Store(opened), request: DropToken => One<ShownToken> =
        token::drop(&opened.store, request).await?;
    "user.revoke" Write Store(opened), request: RevokeRoles => One<ShownUser> =
        user::revoke(&opened.store, request).await?;
    "user.drop" Destroy Store(opened), request: DropUser => One<ShownUser> =
        user::drop(&opened.store, request).await?;
    "dvc.update" Write Store(opened), request: UpdateLock => One<UpdatedLock> = {
        target.require_local("a file")?;
        dvc::update(opened, request).await?
    };
    "dvc.check" Read Store(opened), request: CheckLock => One<CheckedLock> = {
        target.require_local("a file")?;
        dvc::check(opened, request).await?
    };
}
