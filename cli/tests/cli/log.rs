//! `argon log`, `diff` and `show`: the parts of a history that a user asks for.

use crate::support::{Place, has};

/// A project with commits of two collections on main (1 to 4) and of one on try (4, 5), which left at 3.
fn parted() -> Place {
    let place = Place::with_project("sled");
    let put = |branch: &str, collection: &str, document: &str, message: &str| {
        place.ok(&["put", "-b", branch, "-c", collection, document, "-m", message]);
    };
    put("main", "users", r#"{"_id":"ada","n":1}"#, "Ada comes");
    put("main", "orders", r#"{"_id":"ada","n":1}"#, "an order");
    put("main", "users", r#"{"_id":"ada","n":2}"#, "Ada grows");
    place.ok(&["branch", "create", "try"]);
    put("main", "users", r#"{"_id":"bob"}"#, "Bob comes");
    put("try", "orders", r#"{"_id":"eve","n":7}"#, "Eve's PRICE");
    put("try", "users", r#"{"_id":"ada","n":3}"#, "Ada grows more");
    place
}

/// The positions of the commits that a log lists.
#[track_caller]
fn lsns(place: &Place, arguments: &[&str]) -> Vec<u64> {
    let lines = place.ok(&[&["log", "-o", "jsonl"], arguments].concat());
    let lsn = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["lsn"].as_u64();
    lines.lines().map(|line| lsn(line).unwrap()).collect()
}

#[test]
fn a_range_lists_what_the_second_state_has_and_the_first_does_not() {
    let place = parted();
    assert_eq!(lsns(&place, &["main..try"]), [5, 4]);
    assert_eq!(lsns(&place, &["try..main"]), [4]);
    assert_eq!(lsns(&place, &["try.."]), [4], "the current branch is left out");
    assert_eq!(lsns(&place, &["..try"]), [5, 4]);
    assert_eq!(lsns(&place, &["1..3"]), [3, 2]);
    assert_eq!(lsns(&place, &["try", "-n", "2"]), [5, 4]);
    has(&place.fails(2, &["log", "main...try"]), &["use A..B"]);
    has(&place.fails(2, &["log", "a..b..c"]), &["invalid range of states"]);

    // What was merged is there, although the branch of it is another.
    place.ok(&["merge", "try", "--yes"]);
    assert_eq!(lsns(&place, &["main..try"]), [0_u64; 0]);
    assert_eq!(lsns(&place, &["try..main"]), [5, 4]);
}

#[test]
fn commits_are_found_by_what_they_changed_and_by_their_messages() {
    let place = parted();
    assert_eq!(lsns(&place, &["-c", "orders"]), [2]);
    assert_eq!(lsns(&place, &["try", "-c", "users", "-c", "orders"]), [5, 4, 3, 2, 1]);
    assert_eq!(lsns(&place, &["try", "-c", "users", "--id", "ada"]), [5, 3, 1]);
    assert_eq!(lsns(&place, &["-c", "users", "--id", "nobody"]), [0_u64; 0]);
    assert_eq!(lsns(&place, &["--grep", "^Ada"]), [3, 1]);
    assert_eq!(lsns(&place, &["try", "--grep", "(?i)price|order"]), [4, 2]);
    assert_eq!(lsns(&place, &["--author", "nobody"]), [0_u64; 0]);
    place.fails(2, &["log", "--id", "ada"]);
    has(&place.fails(2, &["log", "--grep", "("]), &["invalid pattern '('"]);

    // A collection that is gone has its commits all the same.
    place.ok(&["collections", "drop", "orders"]);
    assert_eq!(lsns(&place, &["-c", "orders"]), [5, 2]);
}

#[test]
fn a_line_for_each_commit_is_its_message_or_what_it_changed() {
    let place = parted();
    place.ok(&["put", "-c", "users", r#"{"_id":7}"#]);
    let lines = place.ok(&["log", "--oneline", "-n", "3"]);
    assert_eq!(lines, "5 (1 document in users)\n4 Bob comes\n3 Ada grows\n");
}

#[test]
fn a_graph_shows_merged_commits_beside_the_branch() {
    let place = parted();
    place.ok(&["merge", "try", "--yes", "-m", "all of try"]);
    let expected = "\
*    5 (main) all of try
├─╮
│ *  5 (try) Ada grows more
│ *  4 Eve's PRICE
* │  4 Bob comes
├─╯
*  3 Ada grows
*  2 an order
*  1 Ada comes
";
    assert_eq!(place.ok(&["log", "--graph", "--oneline"]), expected);
    let first = place.ok(&["log", "--graph", "-n", "1"]);
    has(&first, &["*    5 (main)  20", "├─╮  all of try"]);
    let range = place.ok(&["log", "--graph", "--oneline", "4..main"]);
    assert!(range.contains("Eve's PRICE") && !range.contains("Ada comes"), "{range}");
    let json = place.ok(&["log", "--graph", "-o", "jsonl"]);
    let merge: serde_json::Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!(merge["parents"].as_array().unwrap().len(), 2);
    assert_eq!((&merge["parents"][1]["lsn"], &merge["branches"][0]), (&5.into(), &"main".into()));
    place.fails(2, &["log", "--graph", "--grep", "x"]);
}

#[test]
fn a_difference_is_of_a_range_a_collection_or_a_document() {
    let place = parted();
    let diff = |arguments: &[&str]| place.ok(&[&["diff"], arguments].concat());
    assert_eq!(diff(&["main..try"]), diff(&["main", "try"]));
    assert_eq!(diff(&["main...try"]), diff(&["main", "try", "--merge-base"]));
    assert_eq!(diff(&["..try"]), diff(&["main", "try"]));
    assert_eq!(diff(&["2.."]), diff(&["@2", "main"]));
    let of_users = diff(&["main..try", "-c", "users"]);
    assert!(of_users.contains("collection users") && !of_users.contains("orders"), "{of_users}");
    assert_eq!(
        diff(&["main..try", "-c", "users", "--id", "bob"]),
        "collection users\n  - {\"_id\":\"bob\"}\n"
    );
    // The documents of a collection that is new are listed one by one if they are named.
    assert_eq!(
        diff(&["0..1", "-c", "users", "--id", "ada"]),
        "collection users created\n  + {\"_id\":\"ada\",\"n\":1}\n"
    );
    let stat = place.ok(&["diff", "main..try", "-c", "users", "-o", "json", "--stat"]);
    let stat: serde_json::Value = serde_json::from_str(&stat).unwrap();
    assert_eq!(stat.as_array().unwrap().last().unwrap()["collections"], 1);
    has(&place.fails(3, &["diff", "main..try", "-c", "nope"]), &["unknown collection 'nope'"]);
    has(&place.fails(2, &["diff", "main..try", "main"]), &["A..B or as A B"]);
    place.fails(2, &["diff", "main..try", "-c", "users", "-c", "orders", "--id", "ada"]);

    // A patch of a part takes that part elsewhere.
    let patch = diff(&["main...try", "-c", "orders", "--patch"]);
    place.file("orders.argonpatch", patch);
    place.ok(&["apply", "orders.argonpatch"]);
    assert_eq!(diff(&["main..try", "-c", "orders"]), "");
    let patch = diff(&["main...try", "-c", "users", "--id", "ada", "--patch"]);
    place.file("ada.argonpatch", patch);
    place.ok(&["apply", "ada.argonpatch"]);
    has(&place.ok(&["get", "-c", "users", "ada"]), &[r#""n":3"#]);
}

#[test]
fn the_changes_of_a_commit_can_be_of_one_collection() {
    let place = parted();
    place.ok(&["merge", "try", "--yes"]);
    let shown = place.ok(&["show", "-c", "users"]);
    assert!(shown.contains("collection users") && !shown.contains("orders"), "{shown}");
    let shown = place.ok(&["show", "-c", "orders", "--id", "eve", "-o", "jsonl"]);
    let kinds: Vec<&str> = shown.lines().collect();
    assert_eq!(kinds.len(), 2, "{shown}");
    assert!(
        kinds[0].contains(r#""kind":"commit""#) && kinds[1].contains(r#""id":"eve""#),
        "{shown}"
    );
}
