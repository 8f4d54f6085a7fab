//! In which order trials run, and how many at once.

use libtest_mimic::Trial;

/// The trials that take longest, wherever they run. They begin first, so that no one is left to run
/// alone when all others are done; which ones are named here decides about nothing but time.
const LONG: [&str; 15] = [
    "::ancestry::forks_sixty_four_deep_read_through_all_of_them",
    "::ancestry::two_hundred_forks_of_one_state_stay_apart",
    "::automatic::two_stores_make_their_snapshots_side_by_side",
    "::concurrency::increments_that_try_again_after_a_conflict_lose_nothing",
    "::copy::a_copy_that_is_cut_off_anywhere_goes_on_where_it_ended",
    "::gc::a_branch_of_an_old_state_beside_collections_is_whole_or_refused",
    "::gc::a_collection_that_fails_anywhere_is_finished_by_the_next",
    "::gc::a_deletion_that_fails_anywhere_loses_nothing",
    "::materialize::all_readers_agree_on_many_versions_of_many_documents",
    "::reflog::movements_beyond_those_of_the_record_are_found_in_backups",
    "::snapshots::a_snapshot_made_from_the_one_before_is_the_one_made_from_all",
    "::wal::a_dropped_timeline_does_not_exist_and_others_do",
    "::wal::a_range_is_read_in_either_direction",
    "::wal::kept_states_read_the_same_after_pruning",
    "::wal::the_log_above_the_floor_is_whole_and_the_floor_never_goes_back",
];

/// More trials than cores run at once, as most wait: for a disk, or for a server that is a process of
/// its own.
const AT_ONCE_PER_CORE: usize = 3;

pub(crate) fn at_once() -> usize {
    std::thread::available_parallelism().map_or(4, |cores| cores.get() * AT_ONCE_PER_CORE)
}

/// One list of the trials of all backends, in which those of each are spread evenly. So at any time
/// some wait for each server, and no server is left to do its part alone.
pub(crate) fn interleaved(backends: Vec<Vec<Trial>>) -> Vec<Trial> {
    let mut placed = Vec::new();
    for mut trials in backends {
        trials.sort_by_key(|trial| !is_long(trial.name()));
        let count = trials.len() as u64;
        let places = (0..count).map(|number| (2 * number + 1) * 1_000_000 / (2 * count));
        placed.extend(places.zip(trials));
    }
    placed.sort_by_key(|(place, trial)| (!is_long(trial.name()), *place));
    placed.into_iter().map(|(_, trial)| trial).collect()
}

fn is_long(name: &str) -> bool {
    LONG.iter().any(|long| name.ends_with(long))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trials_of_each_backend_are_spread_over_the_whole_run() {
        let trials = |backend: &str, count: usize| -> Vec<Trial> {
            let trial = |number| Trial::test(format!("{backend}{number}"), || Ok(()));
            (0..count).map(trial).collect()
        };
        let all = interleaved(vec![trials("a", 6), trials("b", 2), trials("c", 0), trials("d", 1)]);
        let names: Vec<&str> = all.iter().map(Trial::name).collect();
        assert_eq!(names, ["a0", "a1", "b0", "a2", "d0", "a3", "a4", "b1", "a5"]);
    }
}
