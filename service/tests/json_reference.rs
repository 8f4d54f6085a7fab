//! docs/JSON.md is made from the types of requests and results. `ARGON_WRITE_GOLDEN=1` writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use argon_service::{
    ErrorObject, audit, bisect, branch, changes, collections, connection_string, document, dvc,
    export, health, import, index, init, json, log, migrate, patches, pin, plan, project, queue,
    reflog, restore, sandbox, settings, snapshot, status, store_names, token, upkeep,
    usage_metrics, user, verify,
};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

const INTRODUCTION: &str = "\
# Requests and results as JSON

What `-o json` and `-o jsonl` print, made from the types of `argon-service` by
`service/tests/json_reference.rs`: change those, not this page. Operations that are not here yet print
what their help says.

- `id` is an identifier: of a document, a plan, a store.
- `lsn` is a number, `time` is when a commit was made, `actor` who made it, `message` why, and `origin` an
  object that says what brought it about.
- An object that is about a project, a branch, a collection or a pin has its name under that word.
- Times are texts as RFC 3339 in UTC with three decimals. Documents are MongoDB's Extended JSON.
- A list is an array with `-o json`, and an object a line with `-o jsonl`.
- A key that may be missing is marked with `?`. New keys may come; those that are there stay.
- An error is one object on stderr: see [error](#error).
";

const COMPARISON: &str = "
A list of the items of `show`. The first one has the kind `states`, the last one the kind `summary`; a list
without a summary is incomplete. For example: `jq 'select(.kind == \"summary\").added'` with `-o jsonl`,
`jq '.[-1].added'` with `-o json`.
";

const REFUSALS: &str = "
A refused result is printed before the error on stderr. If conflicts are left, it is the plan, as of `merge
show`.
";

const LIKE_APPLY: &str = "
Result: as of `merge apply`; with the action `dry_run` or `save`, as of `merge show`.
";

/// The page, and the types that its sections name.
#[derive(Default)]
struct Page {
    text: String,
    types: BTreeMap<String, Value>,
}

impl Page {
    fn request<T: JsonSchema>(&mut self, name: &str) {
        let schema = self.schema::<T>(SchemaSettings::default());
        let _ = writeln!(self.text, "\n### {name}\n");
        self.about(&schema);
        if has_properties(&schema) {
            let _ = writeln!(self.text, "\nRequest:\n");
            self.table(&schema);
        }
    }

    fn result<T: JsonSchema>(&mut self, what: &str) {
        let schema = self.schema::<T>(SchemaSettings::default().for_serialize());
        let _ = writeln!(self.text, "\n{what}:\n");
        self.body(&schema);
    }

    fn schema<T: JsonSchema>(&mut self, settings: SchemaSettings) -> Value {
        let schema = settings.into_generator().into_root_schema_for::<T>();
        let mut schema = Value::from(schema);
        if let Some(Value::Object(types)) = schema.get_mut("$defs").map(Value::take) {
            self.types.extend(types);
        }
        schema
    }

    fn about(&mut self, schema: &Value) {
        if let Some(text) = schema["description"].as_str() {
            let _ = writeln!(self.text, "{}", one_line(text));
        }
    }

    /// The keys of an object, or the variants of what is one of several.
    fn body(&mut self, schema: &Value) {
        if let Some(variants) = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array()) {
            for variant in variants {
                self.variant(variant);
            }
            return;
        }
        if has_properties(schema) {
            self.table(schema);
        } else {
            self.about(schema);
        }
    }

    fn variant(&mut self, variant: &Value) {
        let about = one_line(variant["description"].as_str().unwrap_or_default());
        let kind = &variant["properties"]["kind"]["const"];
        let name = variant["const"].as_str().or_else(|| kind.as_str());
        let Some(name) = name else { return self.body(variant) };
        let _ = writeln!(self.text, "- `{name}`: {about}");
        let mut keys = keys(variant);
        keys.retain(|(key, ..)| key != "kind");
        for (key, is_needed, value) in keys {
            let mark = if is_needed { "" } else { "?" };
            let about = one_line(value["description"].as_str().unwrap_or_default());
            let _ = writeln!(self.text, "  - `{key}`{mark} ({}): {about}", type_of(&value));
        }
        if let Some(of) = variant["$ref"].as_str() {
            let _ = writeln!(self.text, "  - and the keys of {}", link(of));
        }
    }

    fn table(&mut self, schema: &Value) {
        self.text.push_str("| key | type | meaning |\n| --- | --- | --- |\n");
        for (key, is_needed, value) in keys(schema) {
            let mark = if is_needed { "" } else { "?" };
            let about = one_line(value["description"].as_str().unwrap_or_default());
            let _ = writeln!(self.text, "| `{key}`{mark} | {} | {about} |", type_of(&value));
        }
    }

    fn finish(mut self) -> String {
        self.text.push_str("\n## Types\n");
        let types = std::mem::take(&mut self.types);
        for (name, schema) in types {
            let _ = writeln!(self.text, "\n### {name}\n");
            self.about(&schema);
            if has_properties(&schema) || schema["oneOf"].is_array() || schema["anyOf"].is_array() {
                self.text.push('\n');
                self.body(&schema);
            }
        }
        format!("{INTRODUCTION}{}", self.text)
    }
}

fn has_properties(schema: &Value) -> bool {
    schema["properties"].as_object().is_some_and(|properties| !properties.is_empty())
}

/// The keys of an object: those that are always there in their order, then the others.
fn keys(schema: &Value) -> Vec<(String, bool, Value)> {
    let needed: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = schema["properties"].as_object().into_iter().flatten();
    let mut keys: Vec<(String, bool, Value)> = properties
        .map(|(key, value)| (key.clone(), needed.contains(&key.as_str()), value.clone()))
        .collect();
    let place = |key: &str| needed.iter().position(|needed| *needed == key);
    keys.sort_by_key(|(key, ..)| (place(key).unwrap_or(usize::MAX), key.clone()));
    keys
}

fn type_of(schema: &Value) -> String {
    if let Some(of) = schema["$ref"].as_str() {
        return link(of);
    }
    if let Some(any) = schema["anyOf"].as_array() {
        return any.iter().map(type_of).collect::<Vec<_>>().join(" or ");
    }
    let names: Vec<&str> = match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => return "any".to_owned(),
    };
    let named = names.into_iter().map(|name| match name {
        "integer" | "number" => "number".to_owned(),
        "string" => "text".to_owned(),
        "boolean" => "true or false".to_owned(),
        "array" => format!("list of {}", type_of(&schema["items"])),
        other => other.to_owned(),
    });
    named.collect::<Vec<_>>().join(" or ")
}

fn link(reference: &str) -> String {
    let name = reference.rsplit('/').next().unwrap_or(reference);
    format!("[{name}](#{})", name.to_lowercase())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

fn page() -> String {
    let mut page = Page::default();
    page.text.push_str("\n## Stores\n");
    page.request::<init::InitStore>("init");
    page.result::<init::InitializedStore>("Result");
    page.request::<migrate::MigrateStore>("migrate");
    page.result::<migrate::MigratedStore>("Result");
    page.result::<migrate::PlannedMigration>("Result of a dry run");
    page.text.push_str("\n## Projects\n");
    page.request::<project::CreateProject>("project create");
    page.result::<project::CreatedProject>("Result");
    page.request::<project::ListProjects>("project list");
    page.result::<project::ListedProject>("A list of");
    page.request::<project::ListDeletedProjects>("project list --deleted");
    page.result::<project::DeletedProject>("A list of");
    page.request::<project::DeleteProject>("project delete");
    page.result::<project::ProjectDeleted>("Result");
    page.request::<project::UndeleteProject>("project undelete");
    page.result::<project::UndeletedProject>("Result");
    page.request::<project::UseProject>("use");
    page.result::<project::CurrentProject>("Result");
    page.text.push_str("\n## Branches\n");
    page.request::<branch::CreateBranch>("branch create");
    page.result::<branch::CreatedBranch>("Result");
    page.request::<branch::CreateMaskedBranch>("branch create --mask");
    page.result::<branch::CreatedMaskedBranch>("Result");
    page.request::<branch::ListBranches>("branch list");
    page.result::<branch::ListedBranch>("A list of");
    page.request::<branch::RenameBranch>("branch rename");
    page.result::<branch::RenamedBranch>("Result");
    page.request::<branch::DeleteBranch>("branch delete");
    page.result::<branch::BranchDeleted>("Result");
    page.request::<branch::ProtectBranch>("branch protect, branch unprotect");
    page.result::<branch::BranchProtection>("Result");
    page.request::<branch::MakeReadOnly>("branch read-only, branch read-write");
    page.result::<branch::BranchWritability>("Result");
    page.request::<branch::ShowMask>("branch mask");
    page.result::<branch::BranchMask>("Result");
    page.request::<branch::CountBranch>("branches stats");
    page.result::<branch::BranchStats>("Result");
    page.request::<connection_string::MakeConnectionString>("connection-string");
    page.result::<connection_string::ConnectionString>("Result");
    page.request::<branch::SwitchBranch>("switch");
    page.result::<branch::CurrentBranch>("Result");
    page.text.push_str("\n## Sandboxes\n");
    page.request::<sandbox::CreateSandbox>("sandbox create");
    page.result::<sandbox::CreatedSandbox>("Result");
    page.request::<sandbox::ListSandboxes>("sandbox list");
    page.result::<sandbox::ListedSandbox>("A list of");
    page.request::<sandbox::ExtendSandbox>("sandbox extend");
    page.result::<sandbox::ExtendedSandbox>("Result");
    page.request::<sandbox::KeepSandbox>("sandbox keep");
    page.result::<sandbox::KeptSandbox>("Result");
    page.request::<sandbox::DiscardSandbox>("sandbox discard");
    page.result::<sandbox::DiscardedSandbox>("Result");
    page.request::<sandbox::SweepSandboxes>("sandbox sweep");
    page.result::<sandbox::SweptSandbox>("A list of");
    page.text.push_str("\n## Collections\n");
    page.request::<collections::ListCollections>("collections");
    page.result::<collections::ListedCollection>("A list of");
    page.request::<collections::CreateCollection>("collections create");
    page.result::<collections::ChangedCollections>("Result");
    page.request::<collections::DropCollection>("collections drop");
    page.result::<collections::ChangedCollections>("Result");
    page.request::<collections::RenameCollection>("collections rename");
    page.result::<collections::ChangedCollections>("Result");
    page.request::<index::CreateIndex>("index create");
    page.result::<index::CreatedIndex>("Result");
    page.request::<index::ListIndexes>("index list");
    page.result::<index::IndexInfo>("A list of");
    page.request::<index::DropIndex>("index drop");
    page.result::<index::DroppedIndex>("Result");
    page.request::<index::BuildIndexes>("index build");
    page.result::<index::BuiltIndex>("A list of");
    page.request::<index::ExpireDocuments>("index expire");
    page.result::<index::ExpiredDocuments>("A list of");
    page.request::<document::ExplainQuery>("explain");
    page.request::<document::ExplainPipeline>("explain, of a pipeline");
    page.result::<document::ExplainedQuery>("Result");
    page.text.push_str("\n## Pins and snapshots\n");
    page.request::<pin::CreatePin>("pin create");
    page.result::<pin::ShownPin>("Result");
    page.request::<pin::ListPins>("pin list");
    page.result::<pin::ShownPin>("A list of");
    page.request::<pin::DeletePin>("pin delete");
    page.result::<pin::ShownPin>("Result");
    page.request::<pin::GenerateKey>("pin keygen");
    page.result::<pin::GeneratedKey>("Result");
    page.request::<snapshot::CreateSnapshot>("snapshot create");
    page.result::<snapshot::ShownSnapshot>("Result");
    page.request::<snapshot::ListSnapshots>("snapshot list");
    page.result::<snapshot::ShownSnapshot>("A list of");
    page.text.push_str("\n## Users of a server\n");
    page.request::<user::CreateUser>("user create");
    page.result::<user::ShownUser>("Result");
    page.request::<user::ListUsers>("user list");
    page.result::<user::ShownUser>("A list of");
    page.request::<user::ChangePassword>("user passwd");
    page.result::<user::ShownUser>("Result");
    page.request::<user::GrantRoles>("user grant");
    page.result::<user::ShownUser>("Result");
    page.request::<user::RevokeRoles>("user revoke");
    page.result::<user::ShownUser>("Result");
    page.request::<user::DropUser>("user drop");
    page.result::<user::ShownUser>("Result");
    page.request::<token::CreateToken>("token create");
    page.result::<token::CreatedToken>("Result");
    page.request::<token::ListTokens>("token list");
    page.result::<token::ShownToken>("A list of");
    page.request::<token::DropToken>("token drop");
    page.result::<token::ShownToken>("Result");
    page.request::<audit::ListAudit>("audit");
    page.result::<audit::AuditEvent>("A list of");
    page.text.push_str("\n## Documents\n");
    page.request::<document::CountDocuments>("count");
    page.result::<document::CountedCollection>("Result, or a list of");
    page.request::<document::GetDocument>("get");
    page.result::<json::ExtJson>("Result");
    page.request::<document::FindDocuments>("find");
    page.result::<json::ExtJson>("A list of");
    page.request::<document::PutDocuments>("put");
    page.result::<document::WrittenDocument>("A list of");
    page.request::<document::DeleteDocuments>("delete");
    page.result::<document::DeletedDocuments>("Result");
    page.request::<document::ListVersions>("history");
    page.result::<document::DocumentVersion>("A list of");
    page.request::<document::BlameDocument>("blame");
    page.result::<document::FieldBlame>("A list of");
    page.request::<import::ImportFiles>("import");
    page.result::<import::ImportSummary>("Result");
    page.request::<export::ExportDocuments>("export");
    page.result::<export::ExportedFiles>("Result");
    page.request::<dvc::PinCollection>("dvc pin");
    page.result::<dvc::PinnedLock>("Result");
    page.request::<dvc::UpdateLock>("dvc update");
    page.result::<dvc::UpdatedLock>("A list of");
    page.request::<dvc::CheckLock>("dvc check");
    page.result::<dvc::CheckedLock>("A list of");
    page.request::<patches::ApplyPatch>("apply");
    page.result::<patches::AppliedPatch>("Result");
    page.result::<patches::PatchConflict>("A list of, if the patch does not fit");
    page.text.push_str("\n## History\n");
    page.text.push_str("\n### status\n");
    page.result::<status::Status>("Result");
    page.request::<log::ListCommits>("log");
    page.result::<log::ListedCommit>("A list of");
    page.request::<log::ShowGraph>("log --graph");
    page.result::<log::GraphCommit>("A list of");
    page.request::<changes::ShowCommit>("show");
    page.result::<changes::Shown>("A list of");
    page.request::<changes::CompareStates>("diff");
    page.text.push_str(COMPARISON);
    page.request::<reflog::ListReflog>("reflog");
    page.result::<reflog::ShownEntry>("A list of");
    page.request::<log::ShowReach>("wal tt-info");
    page.result::<log::Reach>("Result");
    page.request::<verify::VerifyHistory>("verify");
    page.result::<verify::VerifiedHistory>("Result");
    page.request::<bisect::BisectCommits>("bisect");
    page.result::<bisect::FirstBadCommit>("Result");
    page.result::<bisect::FirstBadRange>("Result, if states were skipped");
    page.request::<restore::PreviewReset>("restore preview");
    page.text.push_str(COMPARISON);
    page.request::<restore::ResetBranch>("restore reset");
    page.result::<restore::BranchReset>("Result");
    page.request::<restore::PreviewPart>("restore preview -c");
    page.text.push_str(COMPARISON);
    page.request::<restore::RestorePart>("restore reset -c");
    page.result::<restore::RestoredPart>("Result");
    page.text.push_str("\n## Merge, undo and cherry-pick\n");
    page.request::<plan::MergeState>("merge");
    page.text.push_str(LIKE_APPLY);
    page.request::<plan::PreviewMerge>("merge preview");
    page.result::<plan::ShownPlan>("Result");
    page.result::<plan::NothingToCommit>("Result, if the branch has all of the source");
    page.request::<plan::ShowPlan>("merge show");
    page.text.push_str("\nResult: as of `merge preview`.\n");
    page.request::<plan::ListPlans>("merge list");
    page.result::<plan::ListedPlan>("A list of");
    page.request::<plan::ResolveConflicts>("merge resolve");
    page.result::<plan::ResolvedPlan>("Result");
    page.request::<plan::DecideConflicts>("merge resolve --edit");
    page.result::<plan::ResolvedPlan>("Result");
    page.request::<plan::ApplyPlan>("merge apply");
    page.result::<plan::CommittedPlan>("Result");
    page.result::<plan::NothingToCommit>("Result, if it changes nothing");
    page.text.push_str(REFUSALS);
    page.result::<plan::BrokenRules>("Result, if it breaks rules");
    page.result::<plan::UncheckedRules>("Result, if it is strict and rules can't be checked");
    page.request::<plan::AbortPlan>("merge abort");
    page.result::<plan::AbortedPlan>("Result");
    page.request::<plan::UndoCommits>("undo");
    page.text.push_str(LIKE_APPLY);
    page.request::<plan::CherryPick>("cherry-pick");
    page.text.push_str(LIKE_APPLY);
    upkeep_of(&mut page);
    page.finish()
}

fn upkeep_of(page: &mut Page) {
    page.text.push_str("\n## Upkeep\n");
    page.request::<upkeep::CollectGarbage>("gc");
    page.result::<upkeep::CollectedGarbage>("Result");
    page.request::<upkeep::CompactStore>("compact");
    page.result::<upkeep::CompactedStore>("Result");
    page.request::<upkeep::ShowStorage>("storage");
    page.result::<upkeep::StorageUse>("Result");
    page.request::<upkeep::CheckStore>("fsck");
    page.result::<upkeep::CheckedStore>("Result");
    page.request::<upkeep::DiagnoseStore>("doctor");
    page.result::<upkeep::DiagnosedStore>("Result");
    page.request::<health::CheckHealth>("health");
    page.result::<health::HealthReport>("Result");
    page.request::<health::EvaluateAlerts>("health alerts");
    page.result::<health::EvaluatedAlert>("A list of");
    page.request::<usage_metrics::ShowMetrics>("metrics");
    page.result::<usage_metrics::CountedMetric>("A list of");
    page.result::<usage_metrics::Gauge>("And, of a store with a queue, of");
    page.request::<upkeep::FlushStore>("flush");
    page.result::<upkeep::FlushedStore>("Result");
    page.text.push_str("\n## Jobs and workers\n");
    page.request::<queue::ListJobs>("jobs list");
    page.result::<queue::ShownJob>("A list of");
    page.request::<queue::ShowJob>("jobs show");
    page.result::<queue::ShownJob>("Result");
    page.request::<queue::RetryJobs>("jobs retry");
    page.result::<queue::RetriedJobs>("Result");
    page.request::<queue::PurgeJobs>("jobs purge");
    page.result::<queue::PurgedJobs>("Result");
    page.request::<queue::ShowWorkers>("workers stats");
    page.result::<queue::WorkersState>("Result");
    page.request::<queue::ScaleWorkers>("workers scale");
    page.result::<queue::ScaledWorkers>("Result");
    page.request::<queue::RunWorkers>("workers run");
    page.result::<queue::WorkersState>("Result");
    page.text.push_str("\n## Settings\n");
    page.request::<settings::GetSetting>("config get");
    page.result::<settings::ShownSetting>("Result");
    page.request::<settings::SetSetting>("config set");
    page.result::<settings::ChangedSetting>("Result");
    page.request::<settings::UnsetSetting>("config unset");
    page.result::<settings::ChangedSetting>("Result");
    page.request::<settings::ListSettings>("config list");
    page.result::<settings::ListedSetting>("A list of");
    page.request::<store_names::AddStoreName>("store add");
    page.result::<store_names::StoreName>("Result");
    page.request::<store_names::ListStoreNames>("store list");
    page.result::<store_names::StoreName>("A list of");
    page.request::<store_names::RemoveStoreName>("store remove");
    page.result::<store_names::StoreNameRemoved>("Result");
    page.text.push_str("\n## Errors\n\n### error\n\n");
    page.text
        .push_str("One object on stderr, under `error`; `exit_code` is that of the command.\n");
    page.result::<ErrorObject>("Result");
}

#[test]
fn the_reference_of_json_is_what_the_types_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/JSON.md");
    let page = page();
    if std::env::var_os("ARGON_WRITE_GOLDEN").is_some() {
        std::fs::write(&path, page).unwrap();
        return;
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/JSON.md is not what the types say; ARGON_WRITE_GOLDEN=1 writes it"
    );
}
