//! The console: pages that the server carries, and that work offline.
//!
//! They are modules of JavaScript as a browser loads them (`server/console`), with no step between that would need
//! more than Rust to build the server. They use the paths of `routes.rs`, as any other client does. The page names its
//! assets by their digest, so browsers keep them until they change.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::problem::Problem;

/// Where the pages are.
pub(super) const PATH: &str = "/console/";
/// How `index.html` names the assets.
const ASSETS: &str = "/console/assets/";
/// Assets are named by their digest.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

macro_rules! files {
    ($($name:literal)*) => {
        /// The files of `server/console`.
        const FILES: &[(&str, &[u8])] =
            &[$(($name, include_bytes!(concat!("../../console/", $name)))),*];
    };
}

files! {
    "api.js"
    "collections.js"
    "data.js"
    "ejson.js"
    "format.js"
    "icon.svg"
    "index.html"
    "keys.js"
    "main.js"
    "menu.js"
    "picker.js"
    "query.js"
    "reasons.js"
    "revision.js"
    "router.js"
    "session.js"
    "shell.js"
    "slider.js"
    "state.js"
    "style.css"
    "theme.js"
    "types.js"
    "ui/act.js"
    "ui/changes.js"
    "ui/commits.js"
    "ui/controls.js"
    "ui/dialog.js"
    "ui/fields.js"
    "ui/html.js"
    "ui/icons.js"
    "ui/inputs.js"
    "ui/leaves.js"
    "ui/notice.js"
    "ui/strategy.js"
    "ui/table.js"
    "ui/toast.js"
    "ui/tree.js"
    "ui/virtual.js"
    "vendor/LICENSES.txt"
    "vendor/hooks.js"
    "vendor/htm.js"
    "vendor/preact.js"
    "views.js"
    "views/audit.js"
    "views/commits.js"
    "views/commits/filter.js"
    "views/commits/gutter.js"
    "views/commits/origin.js"
    "views/commits/panel.js"
    "views/diff.js"
    "views/documents.js"
    "views/documents/blame.js"
    "views/documents/collections.js"
    "views/documents/content.js"
    "views/documents/list.js"
    "views/documents/panel.js"
    "views/documents/query.js"
    "views/documents/toolbar.js"
    "views/documents/versions.js"
    "views/explain.js"
    "views/explain/explanation.js"
    "views/graph.js"
    "views/graph/actions.js"
    "views/graph/lane.js"
    "views/graph/lanes.js"
    "views/graph/layout.js"
    "views/indexes.js"
    "views/live.js"
    "views/masks.js"
    "views/masks/compared.js"
    "views/masks/create.js"
    "views/masks/mask.js"
    "views/merge.js"
    "views/merge/actions.js"
    "views/merge/changes.js"
    "views/merge/conflict.js"
    "views/merge/conflicts.js"
    "views/merge/decide.js"
    "views/merge/decisions.js"
    "views/merge/plan.js"
    "views/merge/plans.js"
    "views/merge/rules.js"
    "views/merge/sides.js"
    "views/merge/start.js"
    "views/metrics.js"
    "views/overview.js"
    "views/pins.js"
    "views/restore.js"
    "views/restore/part.js"
    "views/restore/preview.js"
    "views/restore/reflog.js"
    "views/restore/reset.js"
    "views/sandboxes.js"
    "views/undo.js"
    "views/undo/preview.js"
    "views/undo/range.js"
    "views/upkeep.js"
    "views/upkeep/branch.js"
    "views/upkeep/check.js"
    "views/upkeep/garbage.js"
    "views/upkeep/health.js"
    "views/upkeep/history.js"
    "views/upkeep/storage.js"
    "views/upkeep/task.js"
    "views/users.js"
    "views/users/actions.js"
}

/// The page, and the digest that its assets are named by.
static PAGE: LazyLock<(String, String)> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for (name, content) in FILES {
        hash.update(name);
        hash.update(content);
    }
    let version = HEXLOWER.encode(&hash.finalize()[..8]);
    let page = find("index.html").unwrap_or_default();
    let page = String::from_utf8_lossy(page).replace(ASSETS, &format!("{ASSETS}{version}/"));
    (page, version)
});

fn find(name: &str) -> Option<&'static [u8]> {
    FILES.iter().find(|(known, _)| *known == name).map(|(_, content)| *content)
}

/// The routes of the console; every path that is no asset is a page, which its own script tells apart.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/", get(async || Redirect::temporary(PATH)))
        .route("/console", get(async || Redirect::temporary(PATH)))
        .route(PATH, get(async || page()))
        .route("/console/{*view}", get(async || page()))
        .route("/console/assets/{*name}", get(asset))
}

fn page() -> Response {
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], PAGE.0.as_str()).into_response()
}

async fn asset(Path(path): Path<String>) -> Response {
    let of_version = path.strip_prefix(&PAGE.1).and_then(|name| name.strip_prefix('/'));
    let name = of_version.unwrap_or(&path);
    let Some(content) = find(name) else {
        let detail = "the console has no such file, or another version of it: load the page again";
        return Problem::new(StatusCode::NOT_FOUND, detail).into_response();
    };
    let kind = match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    };
    let mut response = ([(header::CONTENT_TYPE, kind)], content).into_response();
    if of_version.is_some() {
        response.headers_mut().insert(header::CACHE_CONTROL, FOREVER);
    }
    response
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// The files of a directory that a browser loads, by their names below `top`.
    fn files_below(directory: &Path, top: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files_below(&path, top, found);
            } else if !path.to_string_lossy().ends_with(".d.ts") {
                found.insert(path.strip_prefix(top).unwrap().to_string_lossy().into_owned());
            }
        }
    }

    #[test]
    fn the_server_carries_all_files_and_they_are_small() {
        let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("console");
        let mut files = BTreeSet::new();
        files_below(&top, &top, &mut files);
        let carried: BTreeSet<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(carried, files);
        let mut zipped = 0;
        for (_, content) in FILES {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            std::io::Write::write_all(&mut encoder, content).unwrap();
            zipped += encoder.finish().unwrap().len();
        }
        assert!(zipped < 300_000, "{zipped} bytes by gzip");
        for (name, content) in FILES {
            let text = std::str::from_utf8(content).unwrap();
            assert!(!text.contains("https://cdn") && !text.contains("innerHTML ="), "{name}");
        }
    }
}
