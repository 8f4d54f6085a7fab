//! Operations on the branches, pins, sandboxes, snapshots and collections of a project.

use schemars::JsonSchema;
use serde::Deserialize;

use super::operations;
use crate::branch::{
    BranchDeleted, BranchMask, BranchProtection, BranchStats, BranchWritability, CountBranch,
    CreateBranch, CreateMaskedBranch, CreatedBranch, CreatedMaskedBranch, DeleteBranch,
    ListBranches, ListedBranch, MakeReadOnly, ProtectBranch, RenameBranch, RenamedBranch, ShowMask,
};
use crate::collections::{
    ChangedCollections, CreateCollection, DropCollection, ListCollections, ListedCollection,
    RenameCollection,
};
use crate::dvc::{PinCollection, PinnedLock};
use crate::index::{
    BuildIndexes, BuiltIndex, CreateIndex, CreatedIndex, DropIndex, DroppedIndex, IndexInfo,
    ListIndexes,
};
use crate::pin::{CreatePin, DeletePin, ListPins, ShownPin};
use crate::sandbox::{
    CreateSandbox, CreatedSandbox, DiscardSandbox, DiscardedSandbox, ExtendSandbox,
    ExtendedSandbox, KeepSandbox, KeptSandbox, ListSandboxes, ListedSandbox,
};
use crate::snapshot::{CreateSnapshot, ListSnapshots, ShownSnapshot};
use crate::status::BranchStatus;
use crate::{branch, collections, dvc, index, keys, pin, sandbox, snapshot, status};

/// Show the status of the branch.
#[derive(Deserialize, JsonSchema)]
struct ShowBranch {}

/// Pin a state under a name that never moves.
#[derive(Deserialize, JsonSchema)]
struct CreateSignedPin {
    #[serde(flatten)]
    pin: CreatePin,
    /// The file with the key that signs it; without it, the pin is not signed.
    #[serde(default)]
    key: Option<String>,
}

operations! {
    |target, output|
    "branch.list" Read Project(workspace), request: ListBranches => One<Vec<ListedBranch>> =
        branch::list(workspace, request).await?;
    "branch.show" Read Project(workspace), _request: ShowBranch => One<BranchStatus> =
        status::branch(workspace).await?;
    "branch.create" Write Project(workspace), request: CreateBranch => One<CreatedBranch> =
        branch::create(workspace, request).await?;
    "branch.create_masked" Write Project(workspace), request: CreateMaskedBranch => One<CreatedMaskedBranch> =
        branch::create_masked(workspace, request, &*target.watcher).await?;
    "branch.mask" Read Project(workspace), request: ShowMask => One<BranchMask> =
        branch::mask(&workspace.project, request).await?;
    "branch.delete" Destroy Project(workspace), request: DeleteBranch => One<BranchDeleted> =
        branch::delete(workspace, request).await?;
    "branch.rename" Write Project(workspace), request: RenameBranch => One<RenamedBranch> =
        branch::rename(workspace, request, &()).await?;
    "branch.protect" Write Project(workspace), request: ProtectBranch => One<BranchProtection> =
        branch::protect(&workspace.project, request).await?;
    "branch.set_read_only" Write Project(workspace), request: MakeReadOnly => One<BranchWritability> =
        branch::set_read_only(&workspace.project, request).await?;
    "branch.stats" Read Project(workspace), request: CountBranch => One<BranchStats> =
        branch::stats(&mut workspace.clone(), request).await?;
    "pin.list" Read Project(workspace), request: ListPins => One<Vec<ShownPin>> =
        pin::list(&workspace.project, request).await?;
    "pin.create" Write Project(workspace), request: CreateSignedPin => One<ShownPin> = {
        if request.key.is_some() {
            target.require_local("the file of a key")?;
        }
        let key = request.key.map(|file| keys::read_private(file.as_ref())).transpose()?;
        pin::create(workspace, request.pin, key.as_ref()).await?
    };
    "pin.delete" Destroy Project(workspace), request: DeletePin => One<ShownPin> =
        pin::delete(&workspace.project, request).await?;
    "dvc.pin" Write Project(workspace), request: PinCollection => One<PinnedLock> = {
        target.require_local("a file")?;
        dvc::pin(workspace, request).await?
    };
    "sandbox.create" Write Project(workspace), request: CreateSandbox => One<CreatedSandbox> =
        sandbox::create(workspace, workspace.opened.store.environment(), request).await?;
    "sandbox.list" Read Project(workspace), request: ListSandboxes => One<Vec<ListedSandbox>> =
        sandbox::list(&workspace.project, request).await?;
    "sandbox.extend" Write Project(workspace), request: ExtendSandbox => One<ExtendedSandbox> =
        sandbox::extend(&workspace.project, workspace.opened.store.environment(), request).await?;
    "sandbox.keep" Write Project(workspace), request: KeepSandbox => One<KeptSandbox> =
        sandbox::keep(workspace, request, &()).await?;
    "sandbox.discard" Destroy Project(workspace), request: DiscardSandbox => One<DiscardedSandbox> =
        sandbox::discard(workspace, request).await?;
    "snapshot.list" Read Project(workspace), request: ListSnapshots => One<Vec<ShownSnapshot>> =
        snapshot::list(workspace, request).await?;
    "snapshot.create" Write Project(workspace), request: CreateSnapshot => One<ShownSnapshot> =
        snapshot::create(workspace, request).await?;
    "collection.list" Read State(at), request: ListCollections => List<ListedCollection> =
        collections::list(&at.state, &request);
    "collection.create" Write Branch(branch), request: CreateCollection => One<ChangedCollections> =
        collections::create(branch, request).await?;
    "collection.drop" Write Branch(branch), request: DropCollection => One<ChangedCollections> =
        collections::drop(branch, request).await?;
    "collection.rename" Write Branch(branch), request: RenameCollection => One<ChangedCollections> =
        collections::rename(branch, request).await?;
    "index.list" Read State(at), request: ListIndexes => One<Vec<IndexInfo>> =
        index::list(&at.state, &request).await?;
    "index.create" Write Branch(branch), request: CreateIndex => One<CreatedIndex> =
        index::create(branch, request).await?;
    "index.build" Write Branch(branch), request: BuildIndexes => One<Vec<BuiltIndex>> =
        index::build(branch, request).await?;
    "index.drop" Write Branch(branch), request: DropIndex => One<DroppedIndex> =
        index::drop(branch, request).await?;
}
