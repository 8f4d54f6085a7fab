//! Slows down those who try passwords.
//!
//! Logins that failed are counted by the user and the address from which they came, and by the address alone, for
//! those who try many users. After some, each further attempt waits for its turn, and the turns are the farther apart
//! the more have failed. Nobody is kept out for good: what is counted is forgotten after a while, a success forgets
//! it at once, and a user who has logged in from an address does not wait for what others fail there.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How many logins may fail before the next ones wait: of a user from an address, and from an address.
const FREE_OF_USER: u32 = 5;
const FREE_OF_ADDRESS: u32 = 50;
/// The time between the first turns, which doubles with each login that fails, and the longest one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long a login waits for its turn, at most. If the turn is later, the login fails without a try.
const MOST_WAIT: Duration = Duration::from_secs(10);
/// Logins that failed are forgotten after this time without another.
const FORGOTTEN: Duration = Duration::from_mins(15);
/// The most users and addresses that are remembered. The half of the longest ago is forgotten for a new one.
const MOST: usize = 10_000;

/// The logins that failed.
#[derive(Default)]
pub(crate) struct Throttle {
    /// By the hash of an address, or of an address and a user.
    records: Mutex<HashMap<u64, Record>>,
    hasher: RandomState,
}

struct Record {
    /// The logins that failed since the last one that succeeded; none for a user who has logged in.
    failed: u32,
    last: Instant,
    /// The next turn.
    turn: Instant,
}

impl Throttle {
    /// Takes a turn to log in, and returns how long it is until then; `None` if that is too long.
    pub(crate) fn turn(&self, address: IpAddr, user: &str, now: Instant) -> Option<Duration> {
        let [own, any] = self.keys(address, user);
        let mut records = self.records();
        let is_known = records.get(&own).is_some_and(|record| record.failed == 0);
        let limits = [(own, FREE_OF_USER), (any, FREE_OF_ADDRESS)];
        let limits = &limits[..if is_known { 1 } else { 2 }];
        let wait_of = |record: &Record| record.turn.saturating_duration_since(now);
        let waits = limits.iter().map(|(key, _)| records.get(key).map_or(Duration::ZERO, wait_of));
        let wait = waits.max().unwrap_or_default();
        if wait > MOST_WAIT {
            return None;
        }
        for (key, free) in limits {
            let Some(record) = records.get_mut(key) else { continue };
            let pause = pause(record.failed, *free);
            if !pause.is_zero() {
                record.turn = now + wait + pause;
            }
        }
        Some(wait)
    }

    /// Notes a login that failed.
    pub(crate) fn failed(&self, address: IpAddr, user: &str, now: Instant) {
        let mut records = self.records();
        for (key, free) in self.keys(address, user).into_iter().zip([FREE_OF_USER, FREE_OF_ADDRESS])
        {
            let record = remember(&mut records, key, now);
            record.failed = record.failed.saturating_add(1);
            record.turn = record.turn.max(now + pause(record.failed, free));
        }
    }

    /// Notes a login that succeeded.
    pub(crate) fn succeeded(&self, address: IpAddr, user: &str, now: Instant) {
        let [own, _] = self.keys(address, user);
        let mut records = self.records();
        let record = remember(&mut records, own, now);
        (record.failed, record.turn) = (0, now);
    }

    /// Forgets what is of long ago.
    pub(crate) fn expire(&self, now: Instant) {
        self.records().retain(|_, record| now.duration_since(record.last) < FORGOTTEN);
    }

    /// The keys of a user at an address, and of the address. Who has one address of IPv6 has all of its network.
    fn keys(&self, address: IpAddr, user: &str) -> [u64; 2] {
        let address = match address {
            IpAddr::V6(address) => {
                let network = address.to_bits() >> 64 << 64;
                address
                    .to_ipv4_mapped()
                    .map_or(IpAddr::V6(Ipv6Addr::from_bits(network)), IpAddr::V4)
            }
            address @ IpAddr::V4(_) => address,
        };
        [self.hasher.hash_one((address, Some(user))), self.hasher.hash_one((address, None::<&str>))]
    }

    fn records(&self) -> MutexGuard<'_, HashMap<u64, Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The record of a key, which is used now.
fn remember(records: &mut HashMap<u64, Record>, key: u64, now: Instant) -> &mut Record {
    if records.len() >= MOST && !records.contains_key(&key) {
        let mut times: Vec<Instant> = records.values().map(|record| record.last).collect();
        let (_, median, _) = times.select_nth_unstable(MOST / 2);
        records.retain(|_, record| record.last > *median);
    }
    let record = records.entry(key).or_insert(Record { failed: 0, last: now, turn: now });
    if now.duration_since(record.last) >= FORGOTTEN {
        record.failed = 0;
    }
    record.last = now;
    record
}

/// The time between two turns after so many failures.
fn pause(failed: u32, free: u32) -> Duration {
    match failed.checked_sub(free) {
        None => Duration::ZERO,
        Some(beyond) => FIRST_PAUSE.saturating_mul(1 << beyond.min(16)).min(LONGEST_PAUSE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

    fn fail(throttle: &Throttle, address: IpAddr, user: &str, times: u32, now: Instant) {
        for _ in 0..times {
            throttle.failed(address, user, now);
        }
    }

    #[test]
    fn turns_are_the_farther_apart_the_more_logins_have_failed() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        fail(&throttle, HERE, "ada", FREE_OF_USER - 1, now);
        assert_eq!(throttle.turn(HERE, "ada", now), Some(Duration::ZERO));
        let mut last = Duration::ZERO;
        for _ in 0..6 {
            throttle.failed(HERE, "ada", now);
            let wait = throttle.turn(HERE, "ada", now).unwrap();
            assert!(wait > last, "{wait:?}");
            last = wait;
        }
        assert_eq!(throttle.turn(THERE, "ada", now), Some(Duration::ZERO), "another address");
        assert_eq!(throttle.turn(HERE, "bob", now), Some(Duration::ZERO), "another user");
    }

    #[test]
    fn many_attempts_at_one_time_wait_for_each_other_or_are_not_tried() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        fail(&throttle, HERE, "ada", 100, now);
        let tried = (0..1000).filter_map(|_| throttle.turn(HERE, "ada", now)).count();
        assert!((1..=3).contains(&tried), "{tried} in {MOST_WAIT:?}");
        assert!(
            throttle.turn(HERE, "ada", now + MOST_WAIT).is_some(),
            "nobody is kept out for good"
        );
    }

    #[test]
    fn a_success_or_some_time_forgets_what_failed() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        fail(&throttle, HERE, "ada", 100, now);
        throttle.succeeded(HERE, "ada", now);
        assert_eq!(throttle.turn(HERE, "ada", now), Some(Duration::ZERO));
        fail(&throttle, THERE, "ada", 100, now);
        let later = now + FORGOTTEN;
        throttle.failed(THERE, "ada", later);
        assert_eq!(throttle.turn(THERE, "ada", later), Some(Duration::ZERO));
        throttle.expire(later + FORGOTTEN);
        assert!(throttle.records().is_empty());
    }

    #[test]
    fn who_tries_many_users_waits_and_those_who_have_logged_in_there_do_not() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        throttle.succeeded(HERE, "ada", now);
        for user in 0..200 {
            throttle.failed(HERE, &user.to_string(), now);
        }
        assert!(throttle.turn(HERE, "bob", now).is_none_or(|wait| wait > Duration::ZERO));
        assert_eq!(throttle.turn(HERE, "ada", now), Some(Duration::ZERO));
        assert_eq!(throttle.turn(THERE, "bob", now), Some(Duration::ZERO));
        let [one, other] = ["2001:db8::1", "2001:db8::2"].map(|address| address.parse().unwrap());
        fail(&throttle, one, "ada", 100, now);
        assert_ne!(throttle.turn(other, "ada", now), Some(Duration::ZERO), "one network");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for user in 0..3 * MOST {
            throttle.failed(HERE, &user.to_string(), now + Duration::from_nanos(user as u64));
        }
        assert!(throttle.records().len() <= MOST);
        let long = now + Duration::from_secs(1);
        assert_ne!(throttle.turn(HERE, "bob", long), Some(Duration::ZERO), "the address stays");
    }
}
