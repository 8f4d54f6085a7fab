//! The checks: what is measured against what it should be.

use argon_core::model::Lsn;
use argon_core::verify::{Demands, verify};
use argon_core::{Error, Project, State};

use super::measured::Measured;
use super::report::{Check, Verdict};
use crate::duration::duration_text;
use crate::output::{count, grouped, size};
use crate::settings::HealthSettings;

/// How many of the last commits are verified.
const VERIFIED_COMMITS: u64 = 100;

/// The names of the checks that need a store.
pub(super) const OF_STORE: [&str; 8] =
    ["head", "backlog", "lag", "dead letters", "space", "snapshot", "clock", "certificate"];

const NO_QUEUE: &str = "the store has no queue: what it acknowledged is done";

/// Verifies the digests of the last commits of a branch.
pub(super) async fn head(project: &Project, head: &State) -> Check {
    let from = Lsn::new(head.lsn().get().saturating_sub(VERIFIED_COMMITS));
    let demands = Demands { from: Some(from), expect: None, keys: &[], pin: None };
    match verify(project, head, demands, &|_| {}).await {
        Ok(verified) => {
            let commits = count(verified.commits, "commit");
            Check::of("head", Verdict::Good, format!("LSN {}, {commits} verified", head.lsn()))
                .threshold(format!("the last {VERIFIED_COMMITS} as they were written"))
        }
        Err(error) => Check::failed("head", &error, "`argon fsck` says what is damaged"),
    }
}

/// All checks but that of the head.
pub(super) fn of(measured: &Measured, limits: &HealthSettings, is_remote: bool) -> Vec<Check> {
    let mut checks = of_queue(measured, limits);
    checks.push(space(measured, limits));
    checks.push(snapshot(measured, limits));
    checks.push(clock(measured, limits));
    checks.push(certificate(limits, is_remote));
    checks
}

fn of_queue(measured: &Measured, limits: &HealthSettings) -> Vec<Check> {
    let (Some(backlog), Some(lag)) = (measured.backlog, measured.lag) else {
        return ["backlog", "lag", "dead letters"]
            .map(|check| Check::skipped(check, NO_QUEUE))
            .into();
    };
    vec![
        Check::limit("backlog", backlog.waiting <= limits.backlog, count(backlog.waiting, "job"))
            .threshold(format!("at most {}", count(limits.backlog, "job")))
            .remedy("`argon workers scale N` or `argon workers run` works it off"),
        Check::limit("lag", lag <= limits.lag, duration_text(lag))
            .threshold(format!("at most {}", duration_text(limits.lag)))
            .remedy("`argon workers run` works on the queue; `argon jobs list` shows what waits"),
        Check::limit(
            "dead letters",
            backlog.dead <= limits.dead_letters,
            count(backlog.dead, "job"),
        )
        .threshold(format!("at most {}", count(limits.dead_letters, "job")))
        .remedy("`argon jobs show ID` says why; `argon jobs retry --all` tries again"),
    ]
}

fn space(measured: &Measured, limits: &HealthSettings) -> Check {
    match measured.free {
        None => Check::skipped("space", "the store is in no directory of this machine"),
        Some(free) => Check::limit("space", free >= limits.space, format!("{} free", size(free)))
            .threshold(format!("at least {}", size(limits.space)))
            .remedy("make room; `argon gc` and `argon compact` need a little themselves"),
    }
}

/// Reads get slower without snapshots, and nothing else happens: a warning.
fn snapshot(measured: &Measured, limits: &HealthSettings) -> Check {
    let Some(above) = measured.above_snapshot else {
        return Check::skipped("snapshot", "the store needs none, or no branch is chosen");
    };
    let found = format!("{} above the last", count(above, "commit"));
    Check::advice("snapshot", above <= limits.snapshot_commits, found)
        .threshold(format!("at most {}", grouped(limits.snapshot_commits)))
        .remedy("`argon snapshot create` makes one")
}

fn clock(measured: &Measured, limits: &HealthSettings) -> Check {
    let Some(behind) = measured.clock_behind else {
        return Check::skipped("clock", "there is no commit to compare it with");
    };
    let found = match behind.as_millis() {
        0 => "not behind the last commit".to_owned(),
        millis => format!("{}.{:03} s behind the last commit", millis / 1000, millis % 1000),
    };
    Check::advice("clock", behind <= limits.clock, found)
        .threshold(format!("at most {}", duration_text(limits.clock)))
        .remedy("set the clock of this machine, or of the one that wrote the commit, by NTP")
}

fn certificate(limits: &HealthSettings, is_remote: bool) -> Check {
    const NOT_TOLD: &str = "the drivers check it on connecting, and don't tell when it ends; \
                            `openssl s_client -connect HOST:PORT` shows that";
    let why = if is_remote { NOT_TOLD } else { "the store is on this machine" };
    Check::skipped("certificate", why)
        .threshold(format!("at least {}", duration_text(limits.certificate)))
}

/// The checks of a store that can't be opened.
pub(super) fn unopened(error: &Error, hint: Option<&str>) -> Vec<Check> {
    let remedy = hint.unwrap_or("`argon doctor` looks at what the store needs");
    let mut checks = vec![Check::failed("store", error, remedy)];
    checks.extend(OF_STORE.map(|check| Check::skipped(check, "the store can't be opened")));
    checks
}
