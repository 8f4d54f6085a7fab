//! Deleting a project, and bringing it back.

use crate::support::{Place, has};

#[test]
fn a_deleted_project_is_previewed_listed_and_brought_back() {
    let place = Place::with_project("fjall");
    place.ok(&["put", "-c", "users", r#"{"_id":1}"#]);
    place.ok(&["branch", "create", "try"]);
    place.ok(&["branch", "protect", "main"]);
    let refused = place.fails(2, &["project", "delete", "shop"]);
    has(&refused, &["2 branches (1 protected) and 0 pins", "main at LSN 1", "protected", "--yes"]);
    let deleted = place.run(&["project", "delete", "shop", "--yes"]);
    has(&deleted.stderr, &["deleted project shop", "`argon project undelete shop`", "7d"]);
    has(
        &place.ok(&["project", "list", "--deleted", "-o", "json"]),
        &["\"project\":\"shop\"", "tester"],
    );
    place.fails(3, &["get", "-p", "shop", "-c", "users", "1"]);
    place.ok(&["gc"]);
    has(
        &place.fails(3, &["project", "undelete", "shup"]),
        &["deleted projects: shop", "--deleted"],
    );
    has(
        &place.run(&["project", "undelete", "shop"]).stderr,
        &["project shop is back", "2 branches"],
    );
    has(&place.ok(&["get", "-p", "shop", "-c", "users", "1"]), &["{\"_id\":1}"]);
    place.ok(&["put", "-p", "shop", "-c", "users", r#"{"_id":2}"#]);
    has(&place.ok(&["fsck"]), &["no problems"]);
    // Without the time to change one's mind it goes for good, after a question.
    place.ok(&["project", "delete", "shop", "--yes"]);
    has(&place.fails(2, &["gc", "--retention", "0s"]), &["remove", "--yes"]);
    place.ok(&["gc", "--retention", "0s", "--yes"]);
    place.fails(3, &["project", "undelete", "shop"]);
}
