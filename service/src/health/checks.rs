//! The checks: what is measured against what it should be.

use crate::duration::duration_text;
use crate::settings::HealthSettings;
use argon_core::model::Lsn;
use argon_core::storage::{Certificate, Remedy};
use argon_core::verify::{Demands, verify};
use argon_core::{Error, Hint, Project, State};

use super::check::{Check, Verdict};
use super::measured::Measured;
use crate::size::size;
use crate::words::{count, grouped, time};

/// How many of the last commits are verified.
const VERIFIED_COMMITS: u64 = 100;

/// The names of the checks that need a store.
const OF_STORE: [&str; 8] =
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
        Err(error) => Check::failed("head", &error, Hint::CheckStore),
    }
}

/// All checks but that of the head.
pub(super) fn of(measured: &Measured, limits: &HealthSettings) -> Vec<Check> {
    let mut checks = of_queue(measured, limits);
    checks.push(space(measured, limits));
    checks.push(snapshot(measured, limits));
    checks.push(clock(measured, limits));
    checks.push(certificate(measured, limits));
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
            .remedy(Hint::AddWorkers),
        Check::limit("lag", lag <= limits.lag, duration_text(lag))
            .threshold(format!("at most {}", duration_text(limits.lag)))
            .remedy(Hint::RunWorkers),
        Check::limit(
            "dead letters",
            backlog.dead <= limits.dead_letters,
            count(backlog.dead, "job"),
        )
        .threshold(format!("at most {}", count(limits.dead_letters, "job")))
        .remedy(Hint::RetryJobs),
    ]
}

fn space(measured: &Measured, limits: &HealthSettings) -> Check {
    match measured.free {
        None => Check::skipped("space", "the store is in no directory of this machine"),
        Some(free) => Check::limit("space", free >= limits.space, format!("{} free", size(free)))
            .threshold(format!("at least {}", size(limits.space)))
            .remedy(Hint::ReclaimSpace),
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
        .remedy(Hint::CreateSnapshot)
}

/// Against the server, either way, or against the last commit, whichever is further away.
fn clock(measured: &Measured, limits: &HealthSettings) -> Check {
    let behind = measured.clock_behind.map(|behind| (behind, "the last commit"));
    let off = [behind, measured.clock_off()].into_iter().flatten().max_by_key(|(off, _)| *off);
    let Some((off, from)) = off else {
        return Check::skipped("clock", "no commit or server to compare it with");
    };
    let found = match off.as_millis() {
        0 => format!("agrees with {from}"),
        millis => format!("{}.{:03} s off {from}", millis / 1000, millis % 1000),
    };
    Check::advice("clock", off <= limits.clock, found)
        .threshold(format!("at most {}", duration_text(limits.clock)))
        .remedy("set the clock of this machine, or of the other one, by NTP")
}

fn certificate(measured: &Measured, limits: &HealthSettings) -> Check {
    let threshold = format!("at least {}", duration_text(limits.certificate));
    let Some((end, address)) = measured.certificate() else {
        return Check::skipped("certificate", &why_no_certificate(measured)).threshold(threshold);
    };
    let left = end.saturating_duration_since(measured.now);
    let found = format!("that of {address} ends in {}", duration_text(left));
    let check = if left.is_zero() {
        let found = format!("that of {address} ended at {}", time(end));
        Check::limit("certificate", false, found)
    } else {
        Check::advice("certificate", left >= limits.certificate, found)
    };
    check.threshold(threshold).remedy("renew it; from its end on, nobody can connect")
}

fn why_no_certificate(measured: &Measured) -> String {
    let servers = match &measured.servers {
        Ok(servers) => servers,
        Err(error) => return format!("the server could not be asked: {error}"),
    };
    let unknown = servers.iter().find_map(|server| match &server.certificate {
        Certificate::Unknown(why) => Some(format!("{} shows none: {why}", server.address)),
        _ => None,
    });
    match servers.as_slice() {
        [] => "the store is on this machine".to_owned(),
        _ => unknown.unwrap_or_else(|| "the connection is not encrypted".to_owned()),
    }
}

/// The checks of a store that can't be opened; `advice` is that of the front end, if it has any.
pub fn unopened(error: &Error, advice: Option<String>) -> Vec<Check> {
    let remedy = advice.map_or(Remedy::Hint(Hint::Diagnose), Remedy::Text);
    let mut checks = vec![Check::failed("store", error, remedy)];
    checks.extend(OF_STORE.map(|check| Check::skipped(check, "the store can't be opened")));
    checks
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use argon_core::storage::ServerFacts;
    use bson::DateTime;

    use super::*;

    const DAY: i64 = 86_400_000;

    const LIMITS: HealthSettings = HealthSettings {
        backlog: 1,
        lag: Duration::ZERO,
        dead_letters: 0,
        space: 0,
        snapshot_commits: 0,
        certificate: Duration::from_hours(14 * 24),
        clock: Duration::from_secs(5),
    };

    fn server(address: &str, clock_ahead: Option<i64>, certificate: Certificate) -> ServerFacts {
        ServerFacts { address: address.to_owned(), clock_ahead, certificate }
    }

    fn measured(servers: argon_core::Result<Vec<ServerFacts>>) -> Measured {
        Measured {
            backlog: None,
            lag: None,
            free: None,
            above_snapshot: None,
            clock_behind: None,
            servers,
            now: DateTime::from_millis(100 * DAY),
        }
    }

    fn ending(days: i64) -> Certificate {
        Certificate::Ends(DateTime::from_millis((100 + days) * DAY))
    }

    #[test]
    fn of_several_certificates_the_one_that_ends_first_counts() {
        for (days, verdict, words) in [
            (15, Verdict::Good, "that of db2:27017 ends in 15d"),
            (13, Verdict::Warning, "that of db2:27017 ends in 13d"),
            (0, Verdict::Failed, "that of db2:27017 ended at 1970-04-11"),
            (-1, Verdict::Failed, "that of db2:27017 ended at 1970-04-10"),
        ] {
            let servers = vec![
                server("db1:27017", None, ending(365)),
                server("db2:27017", None, ending(days)),
                server("db3:27017", None, Certificate::Unknown("it is down".to_owned())),
            ];
            let check = certificate(&measured(Ok(servers)), &LIMITS);
            assert_eq!(check.verdict, verdict, "{}", check.found);
            assert!(check.found.starts_with(words), "{}", check.found);
        }
    }

    #[test]
    fn why_a_certificate_is_not_checked_is_said() {
        let unknown = Certificate::Unknown("it hung up".to_owned());
        for (servers, words) in [
            (Ok(vec![]), "the store is on this machine"),
            (
                Ok(vec![server("a:1", None, Certificate::NotUsed)]),
                "the connection is not encrypted",
            ),
            (Ok(vec![server("a:1", None, unknown)]), "a:1 shows none: it hung up"),
            (Err(Error::unavailable("it is away")), "the server could not be asked: it is away"),
        ] {
            let check = certificate(&measured(servers), &LIMITS);
            assert_eq!((check.verdict, check.found.as_str()), (Verdict::Skipped, words));
        }
    }

    #[test]
    fn the_clock_that_is_furthest_off_counts_in_either_direction() {
        let with = |first, second, behind: Option<u64>| {
            let servers = vec![
                server("a:1", first, Certificate::NotUsed),
                server("b:2", second, Certificate::NotUsed),
            ];
            let clock_behind = behind.map(Duration::from_secs);
            let check = clock(&Measured { clock_behind, ..measured(Ok(servers)) }, &LIMITS);
            (check.verdict, check.found)
        };
        let good = |found: &str| (Verdict::Good, found.to_owned());
        let warning = |found: &str| (Verdict::Warning, found.to_owned());
        assert_eq!(with(Some(10), Some(-1500), Some(1)), good("1.500 s off b:2"));
        assert_eq!(with(Some(6000), Some(-1500), Some(1)), warning("6.000 s off a:1"));
        assert_eq!(with(None, Some(-5001), Some(1)), warning("5.001 s off b:2"));
        assert_eq!(with(Some(0), None, Some(9)), warning("9.000 s off the last commit"));
        assert_eq!(
            with(Some(0), None, Some(0)),
            good("agrees with a:1"),
            "the server is named first"
        );
        assert_eq!(with(None, None, None).0, Verdict::Skipped);
    }
}
