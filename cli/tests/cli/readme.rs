//! The README's examples, run as they stand: on the sample dump where it is there, otherwise on a
//! small dump that the test makes.

use std::fs;
use std::path::Path;

use bson::rawdoc;

use crate::support::sample_dump;

const DATABASE: &str = "dump/sample_training";

fn fill(directory: &Path) {
    fs::create_dir_all(directory).unwrap();
    if let Some(dump) = sample_dump() {
        for name in ["zips.bson", "zips.metadata.json"] {
            fs::copy(dump.join("sample_training").join(name), directory.join(name)).unwrap();
        }
        return;
    }
    let documents = (1..=300).map(|id| rawdoc! { "_id": id, "city": "ALPINE", "pop": id * 10 });
    let bytes: Vec<u8> = documents.flat_map(|document| document.as_bytes().to_vec()).collect();
    fs::write(directory.join("zips.bson"), bytes).unwrap();
    let metadata = r#"{"options":{},"indexes":[{"v":2,"key":{"_id":1},"name":"_id_"}]}"#;
    fs::write(directory.join("zips.metadata.json"), metadata).unwrap();
}

#[test]
fn every_example_of_the_readme_does_what_it_says() {
    let place = tempfile::tempdir().unwrap();
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    fs::copy(readme, place.path().join("README.md")).unwrap();
    fill(&place.path().join("README.in").join(DATABASE));
    // That it is there makes the examples work on a copy.
    fs::create_dir(place.path().join("README.out")).unwrap();
    trycmd::TestCases::new()
        .case(place.path().join("README.md"))
        .env("ARGON_ACTOR", "ada")
        .env("COLUMNS", "100");
}

#[test]
fn the_tour_runs_on_its_own_data_and_on_a_dump() {
    let place = tempfile::tempdir().unwrap();
    fill(&place.path().join(DATABASE));
    let tour = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/tour.sh");
    for data in [None, Some(place.path().join(DATABASE))] {
        let output = std::process::Command::new("sh")
            .arg(&tour)
            .args(data)
            .env("ARGON", env!("CARGO_BIN_EXE_argon"))
            .env("TMPDIR", place.path())
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && printed.contains("no problems"), "{output:?}");
    }
}
