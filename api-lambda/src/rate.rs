//! Rate limits: a bucket of requests for each player, admin key and address, refilled steadily. Each process counts
//! for itself, without a call of the store, so that n processes let n times as much through: a limit keeps one caller
//! from taking all of a process, and is no contract. It knows no route.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use domain::ids::{AccountId, AdminKeyId};
use serde::{Deserialize, Serialize};

pub(crate) mod address;

/// Callers that are remembered; one takes some 100 bytes. A bucket that has filled up again need not be.
const CALLERS_MAX: usize = 65_536;
/// Parts of the table, so that threads seldom wait for each other.
const SHARDS: usize = 16;
/// Between two sweeps of a part that is full.
const SWEEP_EACH: Duration = Duration::from_secs(1);

/// The header that tells what is allowed (draft-ietf-httpapi-ratelimit-headers).
pub(crate) const POLICY_HEADER: HeaderName = HeaderName::from_static("ratelimit-policy");
/// The header that tells what is left.
pub(crate) const LIMIT_HEADER: HeaderName = HeaderName::from_static("ratelimit");

/// How much one caller may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// Requests per second, in the long run.
    pub per_second: u32,
    /// Requests at once, after a pause.
    pub burst: u32,
}

impl RateLimit {
    /// Nanoseconds in which the bucket gains one request.
    fn gap(self) -> u64 {
        1_000_000_000 / u64::from(self.per_second.max(1))
    }

    /// Nanoseconds in which the bucket fills up.
    fn room(self) -> u64 {
        self.gap().saturating_mul(u64::from(self.burst.max(1)))
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Caller {
    Player(AccountId),
    /// None is the key of the configuration.
    Admin(Option<AdminKeyId>),
    /// An address; of version 6 the network, since one caller has many.
    Address(IpAddr),
}

impl Caller {
    /// Who asks from this address.
    pub(crate) fn at(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(address) => {
                IpAddr::V6(std::net::Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)))
            }
            address @ IpAddr::V4(_) => address,
        })
    }

    const fn policy(self) -> &'static str {
        match self {
            Self::Player(_) => "player",
            Self::Admin(_) => "admin",
            Self::Address(_) => "address",
        }
    }
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Charge {
    policy: &'static str,
    limit: RateLimit,
    remaining: u64,
    /// Seconds until the bucket is full again.
    full_in_secs: u64,
    /// Seconds until the next request is allowed, if this one is not.
    pub(crate) retry_after_secs: Option<u64>,
}

/// Where the charge of a request is left for the answer.
pub(crate) type ChargeCell = Arc<OnceLock<Charge>>;

impl Charge {
    /// Writes the headers.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let window = self.limit.room().div_ceil(1_000_000_000);
        for (name, text) in [
            (POLICY_HEADER, format!("\"{}\";q={};w={window}", self.policy, self.limit.burst)),
            (LIMIT_HEADER, format!("\"{}\";r={};t={}", self.policy, self.remaining, self.full_in_secs)),
        ] {
            headers.insert(name, HeaderValue::try_from(text).expect("words and numbers are visible ASCII"));
        }
    }
}

/// The limits for each kind of caller.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) player: RateLimit,
    pub(crate) admin: RateLimit,
    pub(crate) address: RateLimit,
}

/// The buckets of this process.
pub(crate) struct Rates {
    limits: Limits,
    started: Instant,
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
}

/// For each caller the time at which its bucket is full, in nanoseconds since the start: all there is to know about a
/// bucket (the generic cell rate algorithm).
#[derive(Default)]
struct Shard {
    full_at: HashMap<Caller, u64>,
    swept_at: u64,
}

impl Rates {
    pub(crate) fn new(limits: Limits) -> Self {
        let shards = std::array::from_fn(|_| Mutex::default());
        Self { limits, started: Instant::now(), hasher: RandomState::new(), shards }
    }

    /// Takes one request out of the caller's bucket, if there is one in it.
    pub(crate) fn charge(&self, caller: Caller) -> Charge {
        let now = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.charge_at(caller, now)
    }

    fn charge_at(&self, caller: Caller, now: u64) -> Charge {
        let limit = match caller {
            Caller::Player(_) => self.limits.player,
            Caller::Admin(_) => self.limits.admin,
            Caller::Address(_) => self.limits.address,
        };
        let shard = usize::try_from(self.hasher.hash_one(caller) % SHARDS as u64).unwrap_or(0);
        let mut shard = self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner);
        let before = shard.full_at.get(&caller).copied().unwrap_or(0).max(now);
        let after = before.saturating_add(limit.gap());
        let over = after.saturating_sub(now.saturating_add(limit.room()));
        let full_at = if over > 0 { before } else { after };
        if over == 0 {
            shard.note(caller, full_at, now);
        }
        let missing = full_at - now;
        Charge {
            policy: caller.policy(),
            limit,
            remaining: limit.room().saturating_sub(missing) / limit.gap(),
            full_in_secs: missing.div_ceil(1_000_000_000),
            retry_after_secs: (over > 0).then(|| over.div_ceil(1_000_000_000).max(1)),
        }
    }

    #[cfg(test)]
    fn callers(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().expect("no panic").full_at.len()).sum()
    }
}

impl Shard {
    /// Remembers a bucket. Room is made by forgetting those that are full again, and if there are none, any other:
    /// with so many callers at once, no limit of one of them protects anything.
    fn note(&mut self, caller: Caller, full_at: u64, now: u64) {
        let most = CALLERS_MAX / SHARDS;
        if self.full_at.len() >= most && !self.full_at.contains_key(&caller) {
            if Duration::from_nanos(now.saturating_sub(self.swept_at)) >= SWEEP_EACH {
                self.full_at.retain(|_, full_at| *full_at > now);
                self.swept_at = now;
            }
            if self.full_at.len() >= most
                && let Some(other) = self.full_at.keys().next().copied()
            {
                self.full_at.remove(&other);
            }
        }
        self.full_at.insert(caller, full_at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn rates(per_second: u32, burst: u32) -> Rates {
        let limit = RateLimit { per_second, burst };
        Rates::new(Limits { player: limit, admin: limit, address: limit })
    }

    fn player(number: u128) -> Caller {
        Caller::Player(AccountId::from_u128(number))
    }

    #[test]
    fn a_burst_passes_and_then_the_rate_does() {
        let rates = rates(10, 5);
        let mut left = Vec::new();
        for _ in 0..5 {
            let charge = rates.charge_at(player(1), SECOND);
            assert_eq!(charge.retry_after_secs, None);
            left.push(charge.remaining);
        }
        assert_eq!(left, [4, 3, 2, 1, 0]);
        let refused = rates.charge_at(player(1), SECOND);
        assert_eq!((refused.retry_after_secs, refused.remaining), (Some(1), 0));
        assert_eq!(rates.charge_at(player(2), SECOND).remaining, 4, "others have buckets of their own");
        assert_eq!(rates.charge_at(Caller::Admin(None), SECOND).remaining, 4);
        let later = SECOND + SECOND / 10;
        assert_eq!(rates.charge_at(player(1), later).retry_after_secs, None);
        assert!(rates.charge_at(player(1), later).retry_after_secs.is_some());
        // Ten seconds of a caller that never rests: the burst, and ten a second.
        let mut passed = 0;
        for step in 0..10_000 {
            let at = 2 * SECOND + step * SECOND / 1_000;
            passed += u32::from(rates.charge_at(player(3), at).retry_after_secs.is_none());
        }
        assert_eq!(passed, 5 + 99);
        assert_eq!(rates.charge_at(player(1), 100 * SECOND).remaining, 4, "a full bucket holds no more");
    }

    #[test]
    fn a_hundred_thousand_callers_take_bounded_memory() {
        let rates = rates(1, 2);
        for number in 0..100_000 {
            assert_eq!(rates.charge_at(player(number), SECOND).retry_after_secs, None);
        }
        let most = rates.callers();
        assert!(most <= CALLERS_MAX && most > CALLERS_MAX / 2, "{most}");
        // Their buckets are full again: newcomers take their places.
        for number in 100_000..100_100 {
            rates.charge_at(player(number), 10 * SECOND);
        }
        for number in 100_000..100_100 {
            assert_eq!(
                rates.charge_at(player(number), 10 * SECOND).remaining,
                0,
                "none of them was forgotten"
            );
        }
        assert!(rates.callers() < 5_000 + CALLERS_MAX);
    }

    #[test]
    fn addresses_of_one_network_are_one_caller() {
        let at = |text: &str| Caller::at(text.parse().expect("an address"));
        assert_eq!(at("2001:db8::1"), at("2001:db8::ffff:1"));
        assert_ne!(at("2001:db8::1"), at("2001:db8:0:1::1"));
        assert_eq!(at("::ffff:192.0.2.1"), at("192.0.2.1"));
        assert_ne!(at("192.0.2.1"), at("192.0.2.2"));
    }

    #[test]
    fn headers_have_the_form_of_the_draft() {
        let mut headers = HeaderMap::new();
        rates(50, 200).charge_at(player(1), SECOND).write(&mut headers);
        assert_eq!(headers[POLICY_HEADER], "\"player\";q=200;w=4");
        assert_eq!(headers[LIMIT_HEADER], "\"player\";r=199;t=1");
    }
}
