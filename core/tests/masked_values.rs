//! No byte of a masked value is in anything that a masked branch gives: random documents, rewritten and
//! deleted, through random policies, and every read, comparison, patch, plan and error of the branch.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../src/store/mask/readings.rs"]
mod readings;

use std::error::Error as StdError;
use std::fmt::{Debug, Write};

use argon_core::blame::{blame, blame_first_parent};
use argon_core::checks::{self, Checks, Proposed, Unique};
use argon_core::diff::{diff, fields};
use argon_core::document::Path;
use argon_core::key::Key;
use argon_core::mask::{CollectionPolicy, FieldPolicy, MaskPolicy, Transform};
use argon_core::model::{BranchName, Change, CollectionName, Document, Image, Lsn};
use argon_core::patch::{self, Patch};
use argon_core::plan::{Plan, Rules, Selection};
use argon_core::{Branch, State, log, reflog, restore};
use bson::raw::{RawBson, RawDocumentBuf};
use bson::spec::BinarySubtype;
use bson::{Binary, Bson, Regex, rawdoc};
use futures::TryStreamExt;
use proptest::prelude::*;
use readings::{Built, Shape, document, hides, path, shows};

/// The documents of the branch with the originals.
const IDS: std::ops::RangeInclusive<i32> = 1..=3;

/// A commit on the branch with the originals.
#[derive(Debug, Clone)]
enum Commit {
    Put { id: i32, keep: bool, fields: Vec<(String, Shape)> },
    Delete { id: i32 },
}

/// The policy of the mask.
#[derive(Debug, Clone)]
struct Asked {
    masked: Vec<String>,
    with: Transform,
    allowed: Option<String>,
    keep: bool,
}

fn write() -> impl Strategy<Value = Commit> {
    prop_oneof![
        4 => (IDS, any::<bool>(), document())
            .prop_map(|(id, keep, fields)| Commit::Put { id, keep, fields }),
        1 => IDS.prop_map(|id| Commit::Delete { id }),
    ]
}

fn asked() -> impl Strategy<Value = Asked> {
    let with = prop::sample::select(vec![
        Transform::Hash,
        Transform::Redact,
        Transform::Fake,
        Transform::Null,
        Transform::Remove,
    ]);
    (prop::collection::vec(path(), 1..3), with, prop::option::of(path()), any::<bool>())
        .prop_map(|(masked, with, allowed, keep)| Asked { masked, with, allowed, keep })
}

impl Asked {
    fn policy(&self) -> MaskPolicy {
        let rule = |path: &String| FieldPolicy { path: path.clone(), with: self.with, fake: None };
        let users = CollectionPolicy {
            name: "users".to_owned(),
            fields: self.masked.iter().map(rule).collect(),
            allow: self.allowed.clone().map(|path| vec!["keep".to_owned(), path]),
            keep: self.keep.then(|| bson::doc! { "keep": true }),
            ..CollectionPolicy::default()
        };
        MaskPolicy { collections: vec![users], ..MaskPolicy::default() }
    }

    fn hides(&self, keep: bool, way: &[readings::Way]) -> bool {
        (self.keep && !keep)
            || self.masked.iter().any(|path| hides(path, way))
            || self.allowed.as_ref().is_some_and(|path| !shows(path, way))
    }
}

/// A value of one of the types that hold text or numbers, unlike any other.
fn value(write: usize, leaf: usize) -> RawBson {
    let number = blake3::hash(format!("{write} {leaf}").as_bytes());
    let text = format!("~{}~", &number.to_hex()[..16]);
    match leaf % 7 {
        0 => RawBson::Symbol(text),
        1 => RawBson::JavaScriptCode(text),
        2 => RawBson::Binary(Binary { subtype: BinarySubtype::Generic, bytes: text.into_bytes() }),
        3 => RawBson::RegularExpression(Regex {
            pattern: text.try_into().unwrap(),
            options: bson::cstr!("").to_owned(),
        }),
        4 => {
            let bytes = *number.as_bytes().first_chunk().unwrap();
            RawBson::Int64(i64::from_le_bytes(bytes) | 1 << 62)
        }
        _ => RawBson::String(text),
    }
}

/// How a value may show: its own bytes, and what is printed of it.
fn traces(value: &RawBson) -> Vec<Vec<u8>> {
    let text = |text: &str| vec![text.as_bytes().to_vec()];
    match value {
        RawBson::String(t) | RawBson::Symbol(t) | RawBson::JavaScriptCode(t) => text(t),
        RawBson::RegularExpression(regex) => text(regex.pattern.as_str()),
        RawBson::Int64(number) => {
            vec![number.to_le_bytes().to_vec(), number.to_string().into_bytes()]
        }
        RawBson::Binary(binary) => {
            let listed = format!("{:?}", binary.bytes);
            let shown = Bson::Binary(binary.clone()).to_string();
            vec![binary.bytes.clone(), listed.into_bytes(), shown.into_bytes()]
        }
        _ => Vec::new(),
    }
}

/// All that a branch gave.
#[derive(Default)]
struct Given {
    bytes: Vec<u8>,
    text: String,
}

impl Given {
    fn debug(&mut self, given: impl Debug) {
        write!(self.text, "{given:?}").unwrap();
    }

    fn document(&mut self, document: &Document) {
        self.bytes.extend_from_slice(document.as_bytes());
        self.text += &Bson::Document(document.to_bson().unwrap()).to_string();
    }

    /// What was given, or the error with all that is behind it.
    fn result<T: Debug>(&mut self, given: argon_core::Result<T>) -> Option<T> {
        match given {
            Ok(given) => {
                self.debug(&given);
                Some(given)
            }
            Err(error) => {
                self.debug(&error);
                let mut cause: Option<&dyn StdError> = Some(&error);
                while let Some(error) = cause {
                    write!(self.text, "{error}").unwrap();
                    cause = error.source();
                }
                None
            }
        }
    }

    fn has(&self, trace: &[u8]) -> bool {
        [self.bytes.as_slice(), self.text.as_bytes()]
            .iter()
            .any(|given| given.windows(trace.len()).any(|window| window == trace))
    }
}

fn users() -> CollectionName {
    CollectionName::new("users").unwrap()
}

fn key(id: i32) -> Key {
    Key::of(&id.into()).unwrap()
}

async fn read_state(state: &State, given: &mut Given) {
    for info in state.collections() {
        let view = state.collection(&info.name).unwrap();
        let scanned: Vec<Document> = view.scan().try_collect().await.unwrap();
        for document in &scanned {
            given.document(document);
        }
        let ids: Vec<Key> = (1..=9).map(key).collect();
        for document in view.get_many(ids.clone()).await.unwrap().iter().flatten() {
            given.document(document);
        }
        for id in &ids {
            given.result(view.get(id).await);
            let history: Vec<(Lsn, Image)> = view.history(id).try_collect().await.unwrap();
            given.debug(history);
            given.result(blame(state, &info.name, id).await);
            given.result(blame_first_parent(state, &info.name, id).await);
        }
        given.result(view.count().await);
    }
    given.result(log::last_commit(state).await);
    given.result(log::headers(state).try_collect::<Vec<_>>().await);
    given.result(log::commit_at(state, state.lsn()).await);
}

/// What differs between two states, as documents, fields and a patch, both ways.
async fn compare(before: &State, after: &State, given: &mut Given) {
    let compared = diff(before, after).await.map(Hidden);
    let Some(Hidden(diff)) = given.result(compared) else { return };
    for section in diff.sections() {
        given.debug((section.name(), section.metadata()));
    }
    for change in diff.documents().try_collect::<Vec<_>>().await.unwrap() {
        if let (Some(before), Some(after)) = (&change.before, &change.after) {
            given.result(fields(before.as_raw(), after.as_raw()));
        }
        given.debug(&change);
    }
    if let Some(patch) = given.result(Patch::of(&diff).await) {
        given.debug(patch.clone().reversed());
        given.result(patch::check(&patch, before).await);
    }
}

/// Everything that can be asked of a masked branch.
async fn ask(main: &Branch, masked: &Branch, given: &mut Given) {
    let head = masked.head().await.unwrap();
    let mut before = masked.at(Lsn::ZERO).await.unwrap();
    for lsn in 1..=head.lsn().get() {
        let state = masked.at(Lsn::new(lsn)).await.unwrap();
        read_state(&state, given).await;
        compare(&before, &state, given).await;
        before = state;
    }
    compare(&masked.at(Lsn::ZERO).await.unwrap(), &head, given).await;
    compare(&main.head().await.unwrap(), &head, given).await;
    given.result(
        reflog::read(masked.project(), masked.name()).await.unwrap().try_collect::<Vec<_>>().await,
    );
    given.result(masked.info().await);
    ask_for_plans(main, masked, &head, given).await;
}

async fn ask_for_plans(main: &Branch, masked: &Branch, head: &State, given: &mut Given) {
    let rules = Rules::default;
    let theirs = main.head().await.unwrap();
    let plans = [
        Plan::merge(main, "masked", head, rules()).await,
        Plan::merge(masked, "main", &theirs, rules()).await,
        Plan::undo(masked, Lsn::ZERO, head.lsn(), Selection::default(), rules()).await,
        Plan::cherry_pick(masked, vec![theirs.clone()], rules()).await,
        Plan::cherry_pick(main, vec![head.clone()], rules()).await,
    ];
    for plan in plans {
        if let Some((_, plan)) = given.result(plan.map(|plan| (plan.what(), plan)))
            && let Some(Hidden(result)) = given.result(plan.compute().await.map(Hidden))
        {
            given.debug(result.conflicts);
        }
    }
}

/// Writes that are refused, and checks that find something.
async fn provoke(masked: &Branch, paths: &[String], given: &mut Given) {
    let head = masked.head().await.unwrap();
    let collection = masked.collection(&users());
    for id in IDS {
        given.result(collection.insert(rawdoc! { "_id": id, "own": 1 }).await);
        let stale = head.at(Lsn::ZERO).await.unwrap().view().point();
        if let Some(read) = stale.or(head.view().at(Lsn::new(1)).point()) {
            given.result(collection.replace_if(rawdoc! { "_id": id, "own": 1 }, read).await);
        }
    }
    let Ok(view) = head.collection(&users()) else { return };
    let documents: Vec<Document> = view.scan().try_collect().await.unwrap();
    let copied = documents.iter().zip(11..).map(|(document, id)| {
        let mut copy = rawdoc! { "_id": id };
        for element in document.as_raw() {
            let (name, value) = element.unwrap();
            if name.as_str() != "_id" {
                copy.append(name, value);
            }
        }
        let (key, document) = Document::checked(copy).unwrap();
        Change { collection: view.info().id, key, image: Image::Document(document) }
    });
    let unique = paths.iter().filter_map(|path| {
        let fields = vec![path.parse::<Path>().ok()?];
        fields[0].check().is_ok().then(|| Unique { collection: users(), fields })
    });
    let schema = bson::doc! { "required": ["none"], "additionalProperties": false };
    let rules = Checks {
        unique: unique.collect(),
        schemas: [(users(), schema)].into(),
        ..Checks::default()
    };
    if let Some(proposed) = given.result(Proposed::of(head.clone(), copied).map(Hidden)) {
        given.result(checks::run(&rules, &proposed.0, 100).await);
        given.result(checks::unchecked(&rules, &proposed.0));
    }
}

/// What is not printed.
struct Hidden<T>(T);

impl<T> Debug for Hidden<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("hidden")
    }
}

/// Writes the originals; gives back the values with whether they are hidden, and of which write they are.
async fn originals(main: &Branch, writes: &[Commit], asked: &Asked) -> Vec<(RawBson, bool)> {
    let users = main.collection(&users());
    let mut values = Vec::new();
    for (nth, write) in writes.iter().enumerate() {
        match write {
            Commit::Put { id, keep, fields } => {
                let (built, raw) = Built::of(*id, fields, &|leaf| value(nth, leaf));
                let mut document = RawDocumentBuf::new();
                for (at, element) in raw.iter().enumerate() {
                    let (name, value) = element.unwrap();
                    document.append(name, value);
                    if at == 0 {
                        document.append(bson::cstr!("keep"), *keep);
                    }
                }
                users.put(document).await.unwrap();
                let ways = built.ways.iter().enumerate();
                values.extend(ways.map(|(leaf, way)| (value(nth, leaf), asked.hides(*keep, way))));
            }
            // There may be no collection yet.
            Commit::Delete { id } => drop(users.delete(&key(*id)).await),
        }
    }
    let unlisted = value(writes.len(), 5);
    let others = main.collection(&CollectionName::new("others").unwrap());
    others.put(rawdoc! { "_id": 1, "text": unlisted.clone() }).await.unwrap();
    values.push((unlisted, true));
    values
}

async fn run(writes: Vec<Commit>, asked: Asked) -> Result<(), TestCaseError> {
    if asked.policy().check().is_err() {
        return Ok(());
    }
    let main = argon_backends::memory_branch().await.unwrap();
    let values = originals(&main, &writes, &asked).await;
    let name = |name: &str| BranchName::new(name).unwrap();
    let (project, head) = (main.project(), main.head().await.unwrap());
    let from = Some(main.name());
    let masked =
        project.create_masked_branch(&name("masked"), &head, from, asked.policy()).await.unwrap();
    let mut given = Given::default();
    given.debug(&masked);
    provoke(&masked, &asked.masked, &mut given).await;
    masked.collection(&users()).put(rawdoc! { "_id": 9, "own": true }).await.unwrap();
    masked.collection(&users()).put(rawdoc! { "_id": 1, "own": true }).await.unwrap();
    ask(&main, &masked, &mut given).await;
    let past = masked.at(Lsn::new(1)).await.unwrap();
    let fork = project.create_branch(&name("fork"), &past, Some(masked.name())).await.unwrap();
    ask(&main, &fork, &mut given).await;
    let preview = restore::preview(&masked, &past).await.map(Hidden);
    if let Some(Hidden(preview)) = given.result(preview) {
        given.debug(preview.diff.documents().try_collect::<Vec<_>>().await);
    }
    given.result(restore::reset(&masked, &past).await);
    given.result(restore::reset(&main, &past).await);
    ask(&main, &masked, &mut given).await;
    for (value, hidden) in values {
        for trace in traces(&value) {
            let shown = given.has(&trace);
            prop_assert!(!(hidden && shown), "{:?} is given", value);
            if !hidden && trace.first() == Some(&b'~') {
                prop_assert!(shown, "{:?} is not given", value);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_byte_of_a_masked_value_is_in_anything_that_a_masked_branch_gives(
        writes in prop::collection::vec(write(), 1..5),
        asked in asked(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(writes, asked))?;
    }
}
