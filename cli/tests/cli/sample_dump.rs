//! The whole way on real data, where it is there.

use crate::support::{ENGINES, Place, has, sample_dump};

#[test]
fn every_database_of_the_sample_dump_goes_in_and_comes_out_equal() {
    let Some(dump) = sample_dump() else { return };
    let dump = dump.to_str().unwrap();
    for engine in ENGINES {
        let place = Place::with_project(engine);
        has(
            &place.fails(2, &["import", dump]),
            &["sample_analytics, sample_mflix, sample_training"],
        );
        for (database, documents) in [
            ("sample_analytics", "accounts    1746\ncustomers   500\n"),
            ("sample_mflix", "sessions    1\ntheaters    1564\nusers       185\n"),
            ("sample_training", "zips        29470\n"),
        ] {
            place.ok(&["project", "create", database]);
            let (of, copy) = (["-p", database], format!("{database}-copy"));
            place.ok(&[&["import", dump, "--database", database][..], &of].concat());
            has(&place.ok(&[&["count"][..], &of].concat()), &[documents]);
            place.ok(&[&["export", database, "--gzip"][..], &of].concat());
            place.ok(&["project", "create", &copy]);
            place.ok(&["import", database, "-p", &copy]);
            assert_eq!(place.digests(&["-p", &copy]), place.digests(&of), "{engine} {database}");
        }
        has(
            &place.ok(&["collections", "-p", "sample_mflix"]),
            &["_id_, user_id_1", "_id_, geo index", "_id_, email_1"],
        );
        place.ok(&["fsck"]);
    }
}
