//! User stories as transcripts: each file in `stories/` is run, and its output compared.
//!
//! A story starts with the files in its `.in` directory; that it has an `.out` directory makes it
//! work on a copy. `TRYCMD=overwrite` takes up what the program prints now.

#[test]
fn the_transcripts_are_what_the_program_prints() {
    trycmd::TestCases::new()
        .case("tests/cli/stories/*.md")
        .register_bin("sleep", std::path::Path::new("/bin/sleep"))
        .env("ARGON_ACTOR", "ada")
        .env("COLUMNS", "100");
}
