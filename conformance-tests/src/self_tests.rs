//! A check that can't fail is a defect: each broken backend must fail the trials that are about
//! what it breaks.

use libtest_mimic::{Failed, Trial};

use crate::Subject;
use crate::broken::Breakage;
use crate::case::Case;
use crate::report::Report;

/// What is broken, and the trials that must fail of it.
const MUST_FAIL: [(Breakage, &[&str]); 16] = [
    (
        Breakage::AppendWithoutCompare,
        &[
            "of_two_appends_expecting_the_same_head_one_wins",
            "of_many_racing_appends_exactly_one_wins",
            "an_append_that_expects_another_digest_loses",
            "a_lost_append_changes_nothing",
        ],
    ),
    (
        Breakage::AppendThatLies,
        &[
            "of_two_appends_expecting_the_same_head_one_wins",
            "of_many_racing_appends_exactly_one_wins",
            "a_lost_append_changes_nothing",
            "two_handles_of_one_store_take_turns",
        ],
    ),
    (
        Breakage::AppendOfHalf,
        &[
            "commits_of_one_append_are_all_there",
            "a_batch_that_fails_fails_for_all_and_the_next_goes_on",
        ],
    ),
    (Breakage::HeadThatGoesBack, &["the_head_never_goes_back"]),
    (
        Breakage::ReadsHighestFirst,
        &[
            "a_range_is_read_in_either_direction",
            "a_reader_beside_a_writer_sees_no_gap_and_no_part",
            "thousands_of_commits_come_back_in_order",
        ],
    ),
    (Breakage::ReadsOneWayOnly, &["a_range_is_read_in_either_direction"]),
    (
        Breakage::ReadsAPart,
        &[
            "headers_say_what_the_full_read_says",
            "a_reader_beside_a_writer_sees_no_gap_and_no_part",
            "a_sound_store_has_no_problems",
        ],
    ),
    (
        Breakage::SealThatDoesNotHold,
        &["a_sealed_timeline_takes_no_commit", "of_an_append_and_a_seal_that_race_one_wins"],
    ),
    (
        Breakage::SwapWithoutCompare,
        &[
            "a_swap_that_expects_another_version_changes_nothing",
            "a_ref_that_is_there_can_not_be_created",
            "of_racing_creations_one_wins",
        ],
    ),
    (Breakage::ListOutOfOrder, &["a_list_has_what_begins_with_the_prefix_in_order"]),
    (Breakage::ListWithoutPrefix, &["a_list_has_what_begins_with_the_prefix_in_order"]),
    (Breakage::VersionsThatRepeat, &["no_two_values_of_a_ref_have_one_version"]),
    (
        Breakage::ReadsPastDeletions,
        &["random_programs_do_what_the_model_does", "all_readers_agree_on_random_programs"],
    ),
    (Breakage::ScansTooFar, &["all_readers_agree_on_random_programs"]),
    (
        Breakage::PrunesPoints,
        &[
            "kept_states_read_as_before_and_others_are_refused",
            "a_fork_holds_the_state_on_which_it_builds",
            "a_pin_holds_its_state",
        ],
    ),
    (
        Breakage::ForgetsEverything,
        &[
            "every_commit_is_there_after_opening_again",
            "a_seal_is_there_after_opening_again",
            "refs_are_there_after_opening_again",
            "snapshots_are_there_after_opening_again",
            "what_is_written_by_many_is_there_though_nobody_closed_the_store",
        ],
    ),
];

/// Trials of the suite itself, which break the contracts of `subject`, a backend in memory.
pub(crate) fn trials(subject: &Subject, cases: &[Case], report: &Report) -> Vec<Trial> {
    MUST_FAIL
        .iter()
        .flat_map(|(breakage, names)| names.iter().map(move |name| (*breakage, *name)))
        .map(|(breakage, name)| {
            let case = cases.iter().find(|case| case.name == name).copied();
            let broken = subject.decorated(move |backend| breakage.of(backend));
            let report = report.clone();
            Trial::test(format!("suite::{breakage:?}::fails::{name}"), move || {
                let _running = report.begin("suite", "fails", name);
                let case = case.ok_or_else(|| Failed::from("there is no such trial"))?;
                if case.fails(broken) { Ok(()) } else { Err("the trial did not notice".into()) }
            })
        })
        .collect()
}
