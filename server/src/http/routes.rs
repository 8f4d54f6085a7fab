//! The table of routes.

use axum::http::Method;

/// A method and a path, and the operation that they stand for.
///
/// A parameter of the path is a field of the request, if the request has one of that name. Besides, `project`,
/// `branch` and `revision` say what the operation works on.
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) operation: &'static str,
    /// Parameters of the path that are fields of another name.
    pub(super) renamed: &'static [(&'static str, &'static str)],
    /// The field of the request that the body is, where the body is not the request.
    pub(super) body: Option<&'static str>,
    /// Whether something new is there afterwards.
    pub(super) creates: bool,
}

impl Route {
    const fn new(method: Method, path: &'static str, operation: &'static str) -> Self {
        Self { method, path, operation, renamed: &[], body: None, creates: false }
    }

    const fn creates(mut self) -> Self {
        self.creates = true;
        self
    }

    const fn renamed(mut self, renamed: &'static [(&'static str, &'static str)]) -> Self {
        self.renamed = renamed;
        self
    }

    const fn body(mut self, field: &'static str) -> Self {
        self.body = Some(field);
        self
    }
}

const fn get(path: &'static str, operation: &'static str) -> Route {
    Route::new(Method::GET, path, operation)
}

const fn post(path: &'static str, operation: &'static str) -> Route {
    Route::new(Method::POST, path, operation)
}

const fn put(path: &'static str, operation: &'static str) -> Route {
    Route::new(Method::PUT, path, operation)
}

const fn patch(path: &'static str, operation: &'static str) -> Route {
    Route::new(Method::PATCH, path, operation)
}

const fn delete(path: &'static str, operation: &'static str) -> Route {
    Route::new(Method::DELETE, path, operation)
}

pub(super) static ROUTES: &[Route] = &[
    get("/v1/store", "store.show"),
    get("/v1/store/health", "store.health"),
    get("/v1/store/storage", "store.storage"),
    get("/v1/store/metrics", "store.metrics"),
    post("/v1/store/gc", "store.gc"),
    post("/v1/store/compact", "store.compact"),
    post("/v1/store/fsck", "store.fsck"),
    get("/v1/users", "user.list"),
    post("/v1/users", "user.create").creates(),
    delete("/v1/users/{user}", "user.drop"),
    put("/v1/users/{user}/password", "user.change_password"),
    post("/v1/users/{user}/grant", "user.grant"),
    post("/v1/users/{user}/revoke", "user.revoke"),
    get("/v1/audit", "audit.list"),
    get("/v1/tokens", "token.list"),
    post("/v1/users/{user}/tokens", "token.create").creates(),
    delete("/v1/tokens/{token}", "token.drop"),
    get("/v1/projects", "project.list"),
    post("/v1/projects", "project.create").creates(),
    delete("/v1/projects/{project}", "project.delete"),
    get("/v1/deleted-projects", "project.list_deleted"),
    post("/v1/deleted-projects/{project}/undelete", "project.undelete"),
    get("/v1/projects/{project}/branches", "branch.list"),
    post("/v1/projects/{project}/branches", "branch.create").creates(),
    post("/v1/projects/{project}/masked-branches", "branch.create_masked").creates(),
    get("/v1/projects/{project}/branches/{branch}", "branch.show"),
    delete("/v1/projects/{project}/branches/{branch}", "branch.delete"),
    post("/v1/projects/{project}/branches/{branch}/rename", "branch.rename")
        .renamed(&[("branch", "from")]),
    put("/v1/projects/{project}/branches/{branch}/protection", "branch.protect"),
    put("/v1/projects/{project}/branches/{branch}/read-only", "branch.set_read_only"),
    get("/v1/projects/{project}/branches/{branch}/mask", "branch.mask"),
    get("/v1/projects/{project}/branches/{branch}/stats", "branch.stats"),
    get("/v1/projects/{project}/branches/{branch}/reflog", "reflog"),
    post("/v1/projects/{project}/branches/{branch}/merge", "merge").renamed(&[("branch", "into")]),
    post("/v1/projects/{project}/branches/{branch}/undo", "undo"),
    post("/v1/projects/{project}/branches/{branch}/cherry-pick", "cherry_pick")
        .renamed(&[("branch", "onto")]),
    get("/v1/projects/{project}/branches/{branch}/reset", "reset.preview"),
    post("/v1/projects/{project}/branches/{branch}/reset", "reset"),
    get("/v1/projects/{project}/branches/{branch}/restore", "restore.preview"),
    post("/v1/projects/{project}/branches/{branch}/restore", "restore"),
    get("/v1/projects/{project}/plans", "plan.list"),
    get("/v1/projects/{project}/plans/{plan}", "plan.show"),
    post("/v1/projects/{project}/plans/{plan}/resolve", "plan.resolve"),
    post("/v1/projects/{project}/plans/{plan}/decide", "plan.decide"),
    post("/v1/projects/{project}/plans/{plan}/apply", "plan.apply"),
    delete("/v1/projects/{project}/plans/{plan}", "plan.abort"),
    get("/v1/projects/{project}/pins", "pin.list"),
    post("/v1/projects/{project}/pins", "pin.create").creates(),
    delete("/v1/projects/{project}/pins/{pin}", "pin.delete"),
    get("/v1/projects/{project}/sandboxes", "sandbox.list"),
    post("/v1/projects/{project}/sandboxes", "sandbox.create").creates(),
    post("/v1/projects/{project}/sandboxes/{branch}/extend", "sandbox.extend"),
    post("/v1/projects/{project}/sandboxes/{branch}/keep", "sandbox.keep"),
    delete("/v1/projects/{project}/sandboxes/{branch}", "sandbox.discard"),
    get("/v1/projects/{project}/snapshots", "snapshot.list"),
    post("/v1/projects/{project}/snapshots", "snapshot.create").creates(),
    get("/v1/projects/{project}/diff", "diff"),
    get("/v1/projects/{project}/states/{revision}/log", "log"),
    get("/v1/projects/{project}/states/{revision}/graph", "log.graph"),
    get("/v1/projects/{project}/states/{revision}/commit", "show"),
    get("/v1/projects/{project}/states/{revision}/verify", "verify"),
    get("/v1/projects/{project}/states/{revision}/collections", "collection.list"),
    get("/v1/projects/{project}/states/{revision}/indexes", "index.list"),
    get(
        "/v1/projects/{project}/states/{revision}/collections/{collection}/documents",
        "document.find",
    ),
    get(
        "/v1/projects/{project}/states/{revision}/collections/{collection}/documents/{id}",
        "document.get",
    ),
    get(
        "/v1/projects/{project}/states/{revision}/collections/{collection}/documents/{id}/history",
        "history",
    ),
    get(
        "/v1/projects/{project}/states/{revision}/collections/{collection}/documents/{id}/blame",
        "blame",
    ),
    post("/v1/projects/{project}/states/{revision}/collections/{collection}/find", "document.find"),
    post(
        "/v1/projects/{project}/states/{revision}/collections/{collection}/aggregate",
        "document.aggregate",
    ),
    get(
        "/v1/projects/{project}/states/{revision}/collections/{collection}/count",
        "document.count",
    ),
    get(
        "/v1/projects/{project}/states/{revision}/collections/{collection}/distinct",
        "document.distinct",
    ),
    get(
        "/v1/projects/{project}/states/{revision}/collections/{collection}/explain",
        "document.explain",
    ),
    post(
        "/v1/projects/{project}/states/{revision}/collections/{collection}/explain",
        "document.explain_pipeline",
    ),
    post("/v1/projects/{project}/branches/{branch}/collections", "collection.create").creates(),
    delete("/v1/projects/{project}/branches/{branch}/collections/{collection}", "collection.drop"),
    post(
        "/v1/projects/{project}/branches/{branch}/collections/{collection}/rename",
        "collection.rename",
    )
    .renamed(&[("collection", "from")]),
    post(
        "/v1/projects/{project}/branches/{branch}/collections/{collection}/documents",
        "document.put",
    ),
    patch(
        "/v1/projects/{project}/branches/{branch}/collections/{collection}/documents",
        "document.update",
    ),
    put(
        "/v1/projects/{project}/branches/{branch}/collections/{collection}/documents/{id}",
        "document.put",
    )
    .body("documents"),
    delete(
        "/v1/projects/{project}/branches/{branch}/collections/{collection}/documents/{id}",
        "document.delete",
    )
    .renamed(&[("id", "ids")]),
    post(
        "/v1/projects/{project}/branches/{branch}/collections/{collection}/delete",
        "document.delete_matching",
    ),
    post(
        "/v1/projects/{project}/branches/{branch}/collections/{collection}/write",
        "document.aggregate_into",
    ),
    post(
        "/v1/projects/{project}/branches/{branch}/collections/{collection}/indexes",
        "index.create",
    )
    .creates(),
    delete(
        "/v1/projects/{project}/branches/{branch}/collections/{collection}/indexes/{index}",
        "index.drop",
    ),
    post("/v1/projects/{project}/branches/{branch}/indexes/build", "index.build"),
];
