//! Merges through plans: what stories can't show, since a plan's identifier is never the same.

use crate::support::{Place, has};

/// A project whose branches main and try both changed document 1: visits on both, name on try and
/// city on main alone.
fn parted() -> Place {
    let place = Place::with_project("sled");
    put(&place, "main", r#"{"_id":1,"name":"Ada","city":"London","visits":10}"#);
    place.ok(&["branch", "create", "try"]);
    put(&place, "try", r#"{"_id":1,"name":"Ada L.","city":"London","visits":11}"#);
    put(&place, "main", r#"{"_id":1,"name":"Ada","city":"Paris","visits":12}"#);
    place
}

#[track_caller]
fn put(place: &Place, branch: &str, document: &str) {
    place.ok(&["put", "-b", branch, "-c", "users", document]);
}

#[track_caller]
fn get(place: &Place) -> String {
    place.ok(&["get", "-c", "users", "1"]).trim().to_owned()
}

/// Makes a plan, and gives it as JSON.
#[track_caller]
fn preview(place: &Place, more: &[&str]) -> serde_json::Value {
    let json = place.ok(&[&["merge", "preview", "try", "-o", "json"], more].concat());
    serde_json::from_str(&json).unwrap()
}

fn id(plan: &serde_json::Value) -> String {
    plan["id"].as_str().unwrap().to_owned()
}

#[test]
fn fields_come_together_and_a_conflict_is_decided_by_its_path() {
    let place = parted();
    let plan = preview(&place, &[]);
    assert_eq!(plan["counts"]["conflicts"], 1);
    let conflict = &plan["conflicts"][0];
    assert_eq!((&conflict["path"], &conflict["cause"]), (&"visits".into(), &"both-changed".into()));
    assert_eq!([&conflict["base"], &conflict["ours"], &conflict["theirs"]], [10, 12, 11]);
    let id = id(&plan);

    has(&place.fails(5, &["merge", "apply", &id]), &["1 conflict is left to decide"]);
    let wrong = ["merge", "resolve", &id, "-c", "users", "1", "--path", "city", "--ours"];
    has(&place.fails(2, &wrong), &["no conflict at path city", "conflicts at visits"]);
    let wrong = ["merge", "resolve", &id, "-c", "users", "7", "--ours"];
    has(&place.fails(2, &wrong), &["no conflict in users 7", "users 1"]);
    for value in ["13", "14"] {
        let decide = ["merge", "resolve", &id, "-c", "users", "1", "--path", "visits", "--value"];
        place.ok(&[&decide[..], &[value]].concat());
    }
    place.ok(&["merge", "apply", &id]);
    assert_eq!(get(&place), r#"{"_id":1,"name":"Ada L.","city":"Paris","visits":14}"#);
    has(&place.fails(5, &["merge", "apply", &id]), &["was already applied, as LSN 3"]);
    assert_eq!(place.ok(&["log", "-o", "jsonl"]).lines().count(), 3, "it was applied once");
}

#[test]
fn merging_again_brings_what_is_new_alone() {
    let place = parted();
    place.ok(&["merge", "apply", &id(&preview(&place, &["--strategy", "theirs"]))]);
    let run = place.run(&["merge", "preview", "try"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    has(&run.stderr, &["note:", "already has all commits of 'try'"]);
    assert_eq!(place.ok(&["merge", "list", "-o", "jsonl"]), "", "nothing to merge is no plan");
    put(&place, "try", r#"{"_id":2,"name":"Grace"}"#);
    let plan = preview(&place, &[]);
    assert_eq!([&plan["counts"]["added"], &plan["counts"]["changed"]], [1, 0]);
    assert_eq!(plan["changes"][0]["after"]["name"], "Grace");
}

#[test]
fn a_plan_for_a_branch_that_moved_is_refused_until_it_is_made_anew() {
    let place = parted();
    let id = id(&preview(&place, &[]));
    place.ok(&["merge", "resolve", &id, "--all", "--theirs"]);
    put(&place, "main", r#"{"_id":2}"#);
    has(&place.fails(5, &["merge", "apply", &id]), &["has moved on since LSN 2", "--rebase-plan"]);
    place.ok(&["merge", "apply", &id, "--rebase-plan"]);
    has(&get(&place), &[r#""visits":11"#]);
}

#[test]
fn a_decision_about_what_changed_since_is_taken_back() {
    let place = parted();
    let id = id(&preview(&place, &[]));
    place.ok(&["merge", "resolve", &id, "--all", "--theirs"]);
    put(&place, "main", r#"{"_id":1,"name":"Ada","city":"Paris","visits":20}"#);
    let said = place.fails(5, &["merge", "apply", &id, "--rebase-plan"]);
    has(&said, &["decisions about users 1 are withdrawn", "1 conflict is left"]);
    has(&get(&place), &[r#""visits":20"#]);
}

#[test]
fn a_result_that_breaks_a_rule_or_displeases_a_hook_is_not_applied() {
    let place = parted();
    let before = get(&place);
    for (policy, code, parts) in [
        ("[checks.schemas.users]\nrequired = ['email']", 10, &["schema: users 1", "email"][..]),
        (
            "[[checks.references]]\ncollection = 'users'\nfield = 'city'\nto = 'cities'",
            10,
            &["reference: users 1", "nothing was applied"],
        ),
        (
            "[[checks.hooks]]\nname = 'freeze'\ncommand = ['sh', '-c', 'echo not on Fridays >&2; exit 1']",
            10,
            &["hook 'freeze' refuses", "not on Fridays"],
        ),
    ] {
        let file = place.file("policy.toml", policy);
        let id = id(&preview(&place, &["--strategy", "sum", "--policy", file]));
        has(&place.fails(code, &["merge", "apply", &id, "--run-hooks"]), parts);
        assert_eq!(get(&place), before);
    }
}

#[test]
fn a_hook_gets_what_show_prints() {
    let place = parted();
    let policy = "[[checks.hooks]]\ncommand = ['sh', '-c', 'cat > got.json']";
    let file = place.file("policy.toml", policy);
    let id = id(&preview(&place, &["--strategy", "sum", "--policy", file]));
    let shown = place.ok(&["merge", "show", &id, "-o", "json"]);
    // Whoever applies it agrees to run what somebody else may have chosen.
    let said = place.fails(10, &["merge", "apply", &id]);
    has(&said, &["would run on this machine", "cat > got.json", "--run-hooks"]);
    assert!(!place.path("got.json").exists());
    place.ok(&["merge", "apply", &id, "--run-hooks"]);
    let got = std::fs::read_to_string(place.path("got.json")).unwrap();
    let [got, shown]: [serde_json::Value; 2] =
        [got, shown].map(|json| serde_json::from_str(&json).unwrap());
    assert_eq!(got, shown);
    has(&get(&place), &[r#""visits":13"#]);
}

#[test]
fn an_aborted_plan_is_listed_only_with_all() {
    let place = parted();
    let id = id(&preview(&place, &[]));
    has(&place.ok(&["merge", "list"]), &[&id, "merge try"]);
    place.ok(&["merge", "abort", &id[..4]]);
    assert_eq!(place.ok(&["merge", "list", "-o", "json"]).trim(), "[]");
    has(&place.ok(&["merge", "list", "--all"]), &[&id, "aborted"]);
    has(&place.fails(2, &["merge", "apply", &id]), &["was aborted"]);
}

#[test]
fn an_undo_or_cherry_pick_with_conflicts_changes_nothing_unless_it_is_told_how() {
    let place = parted();
    put(&place, "main", r#"{"_id":1,"name":"Ada","city":"Rome","visits":12}"#);
    let run = place.run(&["undo", "@2"]);
    assert_eq!(run.code, Some(5), "{run:#?}");
    has(&run.stdout, &["conflict in users 1 at city", "ours    \"Rome\"", "theirs  \"London\""]);
    has(&run.stderr, &["--force", "--policy", "--plan"]);
    place.ok(&["undo", "@2", "--force", "--signed-by", "grace"]);
    assert_eq!(get(&place), r#"{"_id":1,"name":"Ada","city":"London","visits":10}"#);
    has(&place.ok(&["log", "-n", "1"]), &["grace"]);
    place.ok(&["undo", "main"]);
    has(&get(&place), &["Rome"]);
    place.fails(5, &["cherry-pick", "try"]);
    place.ok(&["cherry-pick", "try", "--strategy", "ours"]);
    has(&get(&place), &["Ada L.", r#""visits":12"#]);
}

#[test]
fn an_undo_is_of_the_current_branch_and_of_whom_it_names() {
    let place = parted();
    has(
        &place.fails(2, &["undo", "try"]),
        &["invalid revision 'try': expected a state of the current branch 'main'"],
    );
    has(&place.fails(2, &["undo", "main..main~1"]), &["name the earlier state first"]);
    place.ok(&["put", "-c", "users", r#"{"_id":5}"#, "--actor", "bob"]);
    place.ok(&["put", "-c", "users", r#"{"_id":6}"#, "--actor", "eve"]);
    place.ok(&["undo", "~2..main", "--actor", "bob", "--dry-run"]);
    assert_eq!(place.ok(&["count", "-c", "users"]).trim(), "3");
    place.ok(&["undo", "~2..main", "--actor", "bob"]);
    place.fails(3, &["get", "-c", "users", "5"]);
    place.ok(&["get", "-c", "users", "6"]);
}

#[test]
fn an_undone_drop_brings_the_documents_back() {
    let place = parted();
    let before = place.digests(&[]);
    place.ok(&["collections", "drop", "users"]);
    place.ok(&["undo", "main"]);
    assert_eq!(place.digests(&[]), before);
}

#[test]
fn a_plan_shows_what_its_policy_settles_and_does_not_check() {
    let place = parted();
    let plain = id(&preview(&place, &[]));
    let shown = place.ok(&["merge", "show", &plain]);
    assert!(!shown.contains("strategies") && !shown.contains("checks"), "{shown}");
    let policy = "default = 'theirs'\n[[rules]]\ncollection = 'users'\npath = 'visits'\n\
                  strategy = 'sum'\n[checks]\nschema = false\n[[checks.unique]]\n\
                  collection = 'users'\nfields = ['name', 'city']\n[checks.schemas.users]\n\
                  required = ['name']\n[[checks.references]]\ncollection = 'users'\n\
                  field = 'city'\nto = 'cities'";
    let plan = preview(&place, &["--policy", place.file("policy.toml", policy)]);
    assert_eq!(plan["policy"]["default"], "theirs");
    assert_eq!(plan["policy"]["rules"][0]["strategy"], "sum");
    assert_eq!(plan["policy"]["rules"][0]["path"], "visits");
    assert_eq!(plan["policy"]["checks"]["schema"], false);
    assert_eq!(plan["policy"]["checks"]["schemas"]["users"]["required"][0], "name");
    let shown = place.ok(&["merge", "show", &id(&plan)]);
    has(
        &shown,
        &[
            "strategies sum for visits of users; theirs for all else",
            "checks     not the collections' own validators and indexes; schema of users; \
             unique (name, city) of users; city of users is in cities",
        ],
    );
}

#[test]
fn nothing_that_others_wrote_moves_the_cursor() {
    let place = parted();
    let evil = "\u{1b}[2J\u{9b}1A\rdone\u{7}";
    let actor = format!("eve{evil}");
    let put = ["put", "-c", "a\u{1b}[31m\nzz", r#"{"_id":1,"k\u009b":"v\u009b"}"#];
    place.ok(&[&put[..], &["-m", evil, "--actor", &actor]].concat());
    place.ok(&["pin", "create", "v1", "--note", &format!("{evil}\nv2  main@1")]);
    let plan = id(&preview(&place, &["-m", evil]));
    place.ok(&["branch", "create", "other", "--from", "@2"]);
    for arguments in [
        &["log"][..],
        &["show"],
        &["reflog"],
        &["pin", "list"],
        &["merge", "list"],
        &["merge", "show", &plan],
        &["branch", "list"],
        &["diff", "other", "main"],
        &["diff", "other", "main", "--stat"],
        &["diff", "other", "main", "--fields"],
        &["blame", "-c", "a\u{1b}[31m\nzz", "1"],
        &["collections"],
        &["count"],
        &["get", "-c", "a\u{1b}[31m\nzz", "1"],
        &["undo", "main", "--dry-run"],
    ] {
        for format in ["table", "jsonl"] {
            let run = place.run(&[arguments, &["-o", format]].concat());
            assert_eq!(run.code, Some(0), "{run:?}");
            let control = |c: char| c.is_control() && c != '\n';
            assert!(!run.stdout.contains(control), "{arguments:?}: {:?}", run.stdout);
            assert!(!run.stderr.contains(control), "{arguments:?}: {:?}", run.stderr);
            assert!(!run.stdout.contains("\nzz"), "{arguments:?}: {:?}", run.stdout);
        }
    }
    assert_eq!(place.ok(&["pin", "list"]).lines().count(), 2, "a note has one line");
    let json: serde_json::Value = serde_json::from_str(&place.ok(&["show", "-o", "json"])).unwrap();
    has(&json.to_string(), &["k\u{9b}"]);
}

#[test]
fn a_policy_that_could_do_nothing_is_refused_with_its_file() {
    let place = parted();
    for (policy, part) in [
        ("[[checks.unique]]\ncollection = 'users'\nfields = []", "no fields"),
        ("[[checks.hooks]]\ncommand = []", "no command"),
        ("[[checks.hooks]]\ncommand = ['']", "no command"),
        ("[[checks.hooks]]\ncommand = ['true']\ntimeout_seconds = 0", "timeout_seconds"),
        ("[[rules]]\npath = ''\nstrategy = 'sum'", "path"),
    ] {
        let file = place.file("policy.toml", policy);
        let error = place.fails(2, &["merge", "preview", "try", "--policy", file]);
        has(&error, &["invalid merge policy in ", "policy.toml", part]);
    }
}

/// A project whose branches main and try both changed document 1, as the two say.
fn both(base: &str, ours: &str, theirs: &str) -> Place {
    let place = Place::with_project("fjall");
    put(&place, "main", base);
    place.ok(&["branch", "create", "try"]);
    put(&place, "main", ours);
    put(&place, "try", theirs);
    place
}

#[test]
fn every_strategy_settles_a_conflict_as_the_policy_says() {
    let base = r#"{"_id":1,"n":5,"t":[1,2],"items":[{"sku":"a","q":1},{"sku":"b","q":1}]}"#;
    let ours = r#"{"_id":1,"n":9,"t":[2,3],"items":[{"sku":"a","q":2},{"sku":"b","q":1}]}"#;
    let theirs =
        r#"{"_id":1,"n":7,"t":[1,2,4],"items":[{"sku":"b","q":5},{"sku":"a","q":1},{"sku":"c"}]}"#;
    for (path, strategy, expected) in [
        ("n", "max", r#""n":9,"#),
        ("n", "min", r#""n":7,"#),
        ("n", "newest", r#""n":7,"#),
        ("n", "sum", r#""n":11,"#),
        ("n", "ours", r#""n":9,"#),
        ("t", "union", r#""t":[2,3,4],"#),
        ("items", "by-key(sku)", r#"{"sku":"a","q":2}"#),
        ("items", "by-key(sku)", r#"{"sku":"b","q":5}"#),
        ("items", "by-key(sku)", r#"{"sku":"c"}"#),
    ] {
        let place = both(base, ours, theirs);
        let policy = format!(
            "default = 'ours'\n[[rules]]\ncollection = 'users'\npath = '{path}'\n\
             strategy = '{strategy}'"
        );
        let plan = preview(&place, &["--policy", place.file("policy.toml", policy)]);
        assert_eq!(plan["counts"]["conflicts"], 0, "{strategy}: {plan}");
        place.ok(&["merge", "apply", &id(&plan)]);
        has(&get(&place), &[expected]);
    }
    let place = both(r#"{"_id":1,"t":[1]}"#, r#"{"_id":1,"t":[1,2]}"#, r#"{"_id":1,"t":[1,3]}"#);
    let policy = "[[rules]]\npath = 't'\nstrategy = 'append'";
    let plan = preview(&place, &["--policy", place.file("policy.toml", policy)]);
    place.ok(&["merge", "apply", &id(&plan)]);
    assert_eq!(get(&place), r#"{"_id":1,"t":[1,2,3]}"#);
}

#[test]
fn a_merge_that_would_make_two_of_what_is_unique_is_not_applied() {
    let place = Place::with_project("sled");
    put(&place, "main", r#"{"_id":1,"email":"a@x"}"#);
    place.ok(&["branch", "create", "try"]);
    put(&place, "main", r#"{"_id":2,"email":"b@x"}"#);
    put(&place, "try", r#"{"_id":3,"email":"b@x"}"#);
    let policy = "[[checks.unique]]\ncollection = 'users'\nfields = ['email']";
    let plan = id(&preview(&place, &["--policy", place.file("policy.toml", policy)]));
    let error = place.fails(10, &["merge", "apply", &plan]);
    has(&error, &["unique: users", "email", "nothing was applied"]);
    assert_eq!(place.ok(&["count", "-c", "users"]).trim(), "2");
    put(&place, "main", r#"{"_id":2,"email":"c@x"}"#);
    place.ok(&["merge", "apply", &plan, "--rebase-plan"]);
    assert_eq!(place.ok(&["count", "-c", "users"]).trim(), "3");
}

#[test]
fn a_policy_settles_what_an_undo_or_a_cherry_pick_meets() {
    let place = parted();
    put(&place, "main", r#"{"_id":1,"name":"Ada","city":"Rome","visits":20}"#);
    let policy = "default = 'ours'\n[[rules]]\npath = 'visits'\nstrategy = 'sum'";
    let file = place.file("policy.toml", policy);
    place.fails(5, &["undo", "@2"]);
    place.ok(&["undo", "@2", "--policy", file]);
    // Of commit 2, the two visits go, and the city stays as it was made since.
    assert_eq!(get(&place), r#"{"_id":1,"name":"Ada","city":"Rome","visits":18}"#);
    place.fails(5, &["cherry-pick", "try"]);
    place.ok(&["cherry-pick", "try", "--policy", file]);
    assert_eq!(get(&place), r#"{"_id":1,"name":"Ada L.","city":"Rome","visits":19}"#);
    let strict = place.file("strict.toml", "[checks.schemas.users]\nrequired = ['email']");
    let error = place.fails(10, &["undo", "main", "--policy", strict]);
    has(&error, &["schema: users 1", "nothing was applied"]);
}

#[test]
fn a_conflict_says_where_it_is_and_how_the_sides_differ() {
    let place = both(
        r#"{"_id":1,"":1,"n":5}"#,
        r#"{"_id":1,"":2,"n":1}"#,
        r#"{"_id":1,"":3,"n":{"$numberLong":"1"}}"#,
    );
    let plan = preview(&place, &[]);
    assert_eq!(plan["conflicts"][1]["theirs"]["$numberLong"], "1");
    let shown = place.ok(&["merge", "show", &id(&plan)]);
    has(
        &shown,
        &["at \"\": both", r#"ours    {"$numberInt":"1"}"#, r#"theirs  {"$numberLong":"1"}"#],
    );
    place.ok(&["merge", "resolve", &id(&plan), "-c", "users", "1", "--path", "", "--ours"]);
    has(&place.ok(&["diff", "main", "try"]), &["\"\": 2 → 3"]);
}

/// Gives the collection `boats` of a branch a validator and indexes, as an import does.
fn define(place: &Place, branch: &str, validator: &str, indexes: &str) {
    place.file("d/boats.bson", b"");
    let metadata = format!(
        r#"{{"options":{{"validator":{validator}}},"indexes":[{indexes}],"collectionName":"boats"}}"#
    );
    place.file("d/boats.metadata.json", metadata);
    place.ok(&["import", "d", "-b", branch, "--on-duplicate", "replace"]);
}

#[test]
fn rules_that_can_not_be_checked_are_named_and_refused_if_asked() {
    let place = Place::with_project("sled");
    place.ok(&["put", "-c", "boats", r#"{"_id":1,"len":1,"max":9}"#]);
    place.ok(&["branch", "create", "try"]);
    let index = r#"{"v":2,"key":{"name":1},"name":"n","unique":true,"sparse":true,"collation":{"locale":"de"}}"#;
    define(&place, "try", r#"{"$expr":{"$lt":["$len","$max"]},"len":{"$gt":0}}"#, index);
    place.ok(&["put", "-c", "boats", r#"{"_id":2,"len":-1}"#]);

    let named = [
        "note: boats: validator was not checked in full: it has the operator $expr",
        "unique index 'n'",
    ];
    has(&place.fails(10, &["merge", "preview", "try", "--strict"]), &["$expr", "without --strict"]);
    assert_eq!(place.ok(&["merge", "list", "-o", "jsonl"]), "", "nothing is kept");
    let run = place.run(&["merge", "preview", "try", "-o", "json"]);
    has(&run.stderr, &named);
    let plan: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(plan["unchecked"][1]["rule"], "validator");
    let said = place.fails(10, &["merge", "apply", &id(&plan)]);
    has(&said, &["boats 2: len does not match the validator's { \"$gt\": 0 }"]);

    place.ok(&["put", "-c", "boats", r#"{"_id":2,"len":1}"#]);
    let apply = ["merge", "apply", &id(&plan), "--rebase-plan"];
    has(&place.fails(10, &[&apply[..], &["--strict"]].concat()), &["$expr", "nothing was applied"]);
    let run = place.run(&apply);
    assert_eq!(run.code, Some(0), "{run:?}");
    has(&run.stderr, &named);
    place.ok(&["put", "-c", "boats", r#"{"_id":2,"len":5}"#]);
    has(&place.fails(10, &["undo", "@5", "--strict", "--dry-run"]), &["$expr"]);
    place.file("p", place.ok(&["diff", "main@4", "main@5", "--patch"]));
    has(&place.fails(10, &["apply", "p", "-R", "--strict"]), &["$expr"]);
    has(&place.run(&["apply", "p", "-R"]).stderr, &named[..1]);
}

#[test]
fn an_index_is_taken_whole_and_indexes_that_mongodb_would_not_have_together_are_refused() {
    let place = Place::with_project("sled");
    let index = |name: &str, key: &str| format!(r#"{{"v":2,"key":{key},"name":"{name}"}}"#);
    define(&place, "main", "{}", &index("i", r#"{"a":1}"#));
    place.ok(&["branch", "create", "try"]);
    define(&place, "main", "{}", &index("i", r#"{"a":1,"b":1}"#));
    define(&place, "try", "{}", &index("i", r#"{"b":1,"a":1}"#));
    let plan = preview(&place, &[]);
    assert_eq!(plan["conflicts"][0]["path"], r#"indexes.name="i""#);
    has(&place.ok(&["diff", "main", "try"]), &[r#"{"a":1,"b":1}"#, r#"{"b":1,"a":1}"#]);
    define(
        &place,
        "try",
        "{}",
        &format!("{},{}", index("i", r#"{"a":1}"#), index("j", r#"{"a":1,"b":1}"#)),
    );
    let said = place.fails(10, &["merge", "apply", &id(&preview(&place, &[]))]);
    has(&said, &["indexes 'i' and 'j' are the same index under two names"]);
}

#[test]
fn what_was_merged_is_blamed_on_who_wrote_it_and_says_once_who_merged_it() {
    let place = Place::with_project("fjall");
    put(&place, "main", r#"{"_id":1,"name":"Ada","n":5}"#);
    place.ok(&["branch", "create", "try"]);
    place.ok(&[
        "put",
        "-b",
        "try",
        "-c",
        "users",
        r#"{"_id":1,"name":"Ada L.","n":6}"#,
        "--actor",
        "bot",
    ]);
    put(&place, "main", r#"{"_id":1,"name":"Ada","n":6}"#);

    let touched = preview(&place, &["--strategy", "touched"]);
    assert_eq!(touched["conflicts"][0]["path"], "n", "both took it from 5 to 6");
    place.ok(&["merge", "abort", &id(&touched)]);
    place.ok(&["merge", "apply", &id(&preview(&place, &[]))]);

    let table = place.ok(&["blame", "-c", "users", "1"]);
    let name = table.lines().find(|line| line.contains("Ada L.")).unwrap();
    has(name, &["try@2", "bot", "brought by LSN 3 of tester: merge of try (plan "]);
    assert!(!table.contains("merge try"), "it is said once: {table}");
    let first = place.ok(&["blame", "-c", "users", "1", "--first-parent", "-o", "jsonl"]);
    has(&first, &[r#""path":"name","value":"Ada L.","lsn":3"#, r#""brought_by":[]"#]);
    let reflog = place.ok(&["reflog"]);
    assert!(reflog.contains("merge of try (plan") && !reflog.contains("merge try"), "{reflog}");
}

#[test]
fn a_branch_is_merged_in_one_command_after_a_yes() {
    let place = Place::with_project("sled");
    put(&place, "main", r#"{"_id":1,"name":"Ada","city":"London"}"#);
    place.ok(&["branch", "create", "try"]);
    put(&place, "try", r#"{"_id":1,"name":"Ada L.","city":"London"}"#);
    put(&place, "main", r#"{"_id":1,"name":"Ada","city":"Paris"}"#);

    for answer in ["", "no\n", "yess\n"] {
        let run = place.run_with(&["merge", "try"], answer);
        assert_eq!(run.code, Some(2), "{run:?}");
        has(&run.stdout, &["name: \"Ada\" → \"Ada L.\"", "conflicts  0 decided, 0 left"]);
        has(&run.stderr, &["merge try into main? [y/N]", "the answer was not yes", "--yes"]);
    }
    assert_eq!(place.ok(&["merge", "list", "--all", "-o", "jsonl"]), "", "no plan is left");
    let run = place.run_with(&["merge", "try", "-m", "the better name"], "yes\n");
    assert_eq!(run.code, Some(0), "{run:?}");
    has(&run.stderr, &["merge try is LSN 3 of main: 0 added, 1 changed, 0 removed"]);
    assert_eq!(get(&place), r#"{"_id":1,"name":"Ada L.","city":"Paris"}"#);
    let shown = place.ok(&["show", "--stat"]);
    has(&shown, &["origin   merge of try\n", "message  the better name"]);

    // As programs see it: the commit alone; then that there is nothing more.
    put(&place, "try", r#"{"_id":2}"#);
    let json = place.ok(&["merge", "try", "--yes", "-o", "json", "--trailer", "ticket=7"]);
    let merged: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&merged["lsn"], &merged["id"]), (&4.into(), &serde_json::Value::Null));
    has(&place.ok(&["show", "-o", "jsonl"]), &[r#""plan":null"#, r#""ticket":"7""#]);
    let again = place.run(&["merge", "try"]);
    assert_eq!(again.code, Some(0));
    has(&again.stderr, &["note:", "already has all commits of 'try'"]);
    has(&place.fails(3, &["merge", "nope"]), &["unknown branch or pin 'nope'"]);
    place.fails(2, &["merge"]);
}

#[test]
fn a_merge_with_conflicts_is_saved_as_a_plan_and_says_what_to_do() {
    let place = parted();
    let run = place.run(&["merge", "try", "--yes"]);
    assert_eq!(run.code, Some(5), "{run:?}");
    has(&run.stdout, &["conflict in users 1 at visits: both changed it"]);
    has(&run.stderr, &["1 conflict is left to decide; nothing was merged, and plan"]);
    let plans = place.ok(&["merge", "list", "-o", "jsonl"]);
    let plan: serde_json::Value = serde_json::from_str(&plans).unwrap();
    let id = id(&plan);
    for command in ["merge resolve", "merge apply", "merge abort"] {
        has(&run.stderr, &[&format!("argon {command} {id}")]);
    }
    place.ok(&["merge", "resolve", &id, "--all", "--theirs"]);
    place.ok(&["merge", "apply", &id]);
    assert_eq!(get(&place), r#"{"_id":1,"name":"Ada L.","city":"Paris","visits":11}"#);
}

#[test]
fn a_strategy_settles_the_conflicts_of_a_merge_in_one_command() {
    let place = parted();
    place.ok(&["branch", "create", "other"]);
    place.ok(&["merge", "try", "--into", "other", "--strategy", "sum", "--yes"]);
    let merged = place.ok(&["get", "-c", "users", "1", "--at", "other"]);
    has(&merged, &[r#""visits":13"#]);
    has(&get(&place), &[r#""visits":12"#]);
}

#[test]
fn a_merge_that_changes_nothing_is_part_of_the_history_all_the_same() {
    let place = Place::with_project("sled");
    put(&place, "main", r#"{"_id":1,"n":1}"#);
    place.ok(&["branch", "create", "try"]);
    put(&place, "try", r#"{"_id":1,"n":2}"#);
    put(&place, "main", r#"{"_id":1,"n":2}"#);
    place.ok(&["merge", "try", "--yes"]);
    has(&place.run(&["merge", "try", "--yes"]).stderr, &["already has all commits"]);
}
