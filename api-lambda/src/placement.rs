//! Which instance of a zone a player is sent to, and which host opens one more. Pure: what is open goes in, a choice
//! comes out.

use std::collections::{BTreeMap, BTreeSet};

use domain::ids::{HostId, InstanceId};
use domain::limits::INSTANCES_PER_HOST_MAX;
use domain::time::UnixMillis;

use crate::store::adverts::OpenInstance;

/// Below this share of the capacity, the fullest instance is chosen: players meet each other.
const GATHER_BELOW_PERCENT: u32 = 75;
/// From this share on, an instance takes nobody: the rest is for players who come back.
const FULL_FROM_PERCENT: u32 = 95;

/// How open an instance is to players who come alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Openness {
    /// Players gather here.
    Gather,
    /// It takes players when none is there to gather in.
    Spread,
    /// It takes nobody.
    Full,
}

impl Openness {
    /// The most open first.
    pub(crate) const ALL: [Self; 3] = [Self::Gather, Self::Spread, Self::Full];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Gather => "gather",
            Self::Spread => "spread",
            Self::Full => "full",
        }
    }

    /// Up to how many of `capacity` players it is so open.
    pub(crate) fn limit(self, capacity: u32) -> u32 {
        let percent = match self {
            Self::Gather => GATHER_BELOW_PERCENT,
            Self::Spread => FULL_FROM_PERCENT,
            Self::Full => return capacity,
        };
        // Rounded up, so that an instance for one player takes that one.
        let share = (u64::from(capacity) * u64::from(percent)).div_ceil(100);
        u32::try_from(share).unwrap_or(u32::MAX)
    }
}

/// How open an instance is that takes `capacity` players.
pub(crate) fn openness(occupied: u32, capacity: u32) -> Openness {
    let is_below = |openness: &Openness| occupied < openness.limit(capacity);
    [Openness::Gather, Openness::Spread].into_iter().find(is_below).unwrap_or(Openness::Full)
}

/// Where a player goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Choice<'a> {
    /// Here, if fewer than `limit` are in it.
    Sit { open: &'a OpenInstance, limit: u32 },
    /// Nowhere: every instance is full.
    Full,
    /// Nowhere: there is no instance.
    Unavailable,
}

/// Chooses among the open instances of a zone of which each takes `capacity` players: `wanted` if there is room in
/// it, since a friend is there.
pub(crate) fn choose(open: &[OpenInstance], capacity: u32, wanted: Option<InstanceId>) -> Choice<'_> {
    let (gather, full) = (Openness::Gather.limit(capacity), Openness::Spread.limit(capacity));
    let friendly = open.iter().find(|instance| Some(instance.instance) == wanted);
    if let Some(open) = friendly.filter(|instance| instance.occupied() < full) {
        return Choice::Sit { open, limit: full };
    }
    let fullest = open
        .iter()
        .filter(|instance| instance.occupied() < gather)
        .max_by_key(|instance| (instance.occupied(), std::cmp::Reverse(instance.instance)));
    if let Some(open) = fullest {
        return Choice::Sit { open, limit: gather };
    }
    let emptiest = open.iter().min_by_key(|instance| (instance.occupied(), instance.instance));
    match emptiest {
        Some(open) if open.occupied() < full => Choice::Sit { open, limit: full },
        Some(_) => Choice::Full,
        None => Choice::Unavailable,
    }
}

/// Chooses the instance where a party of `count` meets: where most of it is (`present`), then the fullest that does
/// not fill up by it, then the emptiest. A party may take the rest that others leave, up to `capacity`. None if there is
/// no room for all.
pub(crate) fn choose_together<'a>(
    open: &'a [OpenInstance],
    capacity: u32,
    count: u32,
    present: &BTreeMap<InstanceId, u32>,
) -> Option<&'a OpenInstance> {
    let gather = u64::from(Openness::Gather.limit(capacity));
    let here = |open: &OpenInstance| present.get(&open.instance).copied().unwrap_or(0);
    let after =
        |open: &OpenInstance| u64::from(open.occupied()) + u64::from(count.saturating_sub(here(open)));
    open.iter().filter(|open| after(open) <= u64::from(capacity)).max_by_key(|open| {
        let gathers = after(open) <= gather;
        let fullness = if gathers { i64::from(open.occupied()) } else { -i64::from(open.occupied()) };
        (here(open), gathers, fullness, std::cmp::Reverse(open.instance))
    })
}

/// What one running instance weighs beside its players: its terrain, its monsters, its thread.
const INSTANCE_WEIGHT: u32 = 10;
/// A host whose slowest tick takes this long, in microseconds, gets no more as long as another is faster: three
/// quarters of a step at 60 Hz.
const TICK_SLOW_US: u32 = 12_500;

/// A host that could open an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostLoad {
    pub(crate) host: HostId,
    pub(crate) url: String,
    pub(crate) lease_until: UnixMillis,
    pub(crate) players: u32,
    pub(crate) tick_p99_us: u32,
    pub(crate) instances: usize,
}

/// The host that is to open one more instance, of those that are not `unfit`.
pub(crate) fn choose_host<'a>(hosts: &'a [HostLoad], unfit: &BTreeSet<HostId>) -> Option<&'a HostLoad> {
    let weight = |host: &HostLoad| {
        let instances = u32::try_from(host.instances).unwrap_or(u32::MAX);
        host.players.saturating_add(instances.saturating_mul(INSTANCE_WEIGHT))
    };
    let fits = |host: &&HostLoad| host.instances < INSTANCES_PER_HOST_MAX && !unfit.contains(&host.host);
    hosts.iter().filter(fits).min_by_key(|host| (host.tick_p99_us >= TICK_SLOW_US, weight(host), host.host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instances(loads: &[(u32, u32)]) -> Vec<OpenInstance> {
        (1..)
            .zip(loads)
            .map(|(id, (players, seats))| OpenInstance {
                instance: InstanceId::from_u128(id),
                host: HostId::from_u128(id),
                url: "ws://host".into(),
                players: *players,
                seats: *seats,
            })
            .collect()
    }

    #[track_caller]
    fn check(loads: &[(u32, u32)], capacity: u32, expected: Option<(u128, u32)>) {
        let open = instances(loads);
        let chosen = match choose(&open, capacity, None) {
            Choice::Sit { open, limit } => Some((open.instance.as_u128(), limit)),
            Choice::Full | Choice::Unavailable => None,
        };
        assert_eq!(chosen, expected, "{loads:?}");
    }

    #[test]
    fn players_gather_then_spread_then_wait() {
        check(&[(10, 0), (74, 0), (75, 0)], 100, Some((2, 75)));
        check(&[(10, 60), (69, 0)], 100, Some((1, 75)));
        check(&[(80, 0), (76, 3), (94, 0)], 100, Some((2, 95)));
        check(&[(90, 5), (95, 0)], 100, None);
        check(&[(5, 0), (5, 0)], 100, Some((1, 75)));
        check(&[(0, 0)], 1, Some((1, 1)));
        check(&[(1, 0)], 1, None);
        assert_eq!(choose(&[], 100, None), Choice::Unavailable);
        assert_eq!(choose(&instances(&[(95, 0)]), 100, None), Choice::Full);
    }

    #[test]
    fn an_instance_is_as_open_as_the_limits_of_the_choice_say() {
        for (occupied, expected) in
            [(0, Openness::Gather), (74, Openness::Gather), (75, Openness::Spread), (95, Openness::Full)]
        {
            assert_eq!(openness(occupied, 100), expected, "{occupied}");
            let choice = choose(&instances(&[(occupied, 0)]), 100, None) != Choice::Full;
            assert_eq!(choice, expected != Openness::Full, "{occupied}");
        }
        assert_eq!((openness(0, 1), openness(1, 1)), (Openness::Gather, Openness::Full));
        assert_eq!(openness(0, 0), Openness::Full, "the catalogue has no such zone any more");
    }

    #[test]
    fn a_friend_is_met_where_there_is_room() {
        let open = instances(&[(10, 0), (80, 0), (95, 0)]);
        let met = |id: u128| match choose(&open, 100, Some(InstanceId::from_u128(id))) {
            Choice::Sit { open, limit } => (open.instance.as_u128(), limit),
            other => panic!("{other:?}"),
        };
        assert_eq!(met(2), (2, 95));
        assert_eq!(met(3), (1, 75), "full, so the usual choice");
        assert_eq!(met(9), (1, 75), "not of this zone, so the usual choice");
    }

    #[test]
    fn a_party_meets_where_all_have_room() {
        let open = instances(&[(10, 0), (60, 10), (90, 0), (99, 0)]);
        let meet = |count: u32, present: &[(u128, u32)]| {
            let present = present.iter().map(|(id, count)| (InstanceId::from_u128(*id), *count)).collect();
            choose_together(&open, 100, count, &present).map(|open| open.instance.as_u128())
        };
        assert_eq!(meet(5, &[]), Some(2), "the fullest below three quarters");
        assert_eq!(meet(8, &[]), Some(1), "the second would fill up");
        assert_eq!(meet(8, &[(3, 2)]), Some(3), "where some are");
        assert_eq!(meet(8, &[(3, 2), (1, 3)]), Some(1), "where more are");
        assert_eq!(meet(8, &[(4, 6)]), Some(1), "one seat for two more is not enough");
        assert_eq!(meet(8, &[(4, 7)]), Some(4), "the last seat for the last member");
        let crowded = instances(&[(95, 0), (93, 0)]);
        let both = choose_together(&crowded, 100, 5, &BTreeMap::new()).map(|open| open.instance.as_u128());
        assert_eq!(both, Some(2));
        assert!(choose_together(&crowded, 100, 8, &BTreeMap::new()).is_none());
    }

    #[test]
    fn the_host_with_the_least_to_do_opens_one_more() {
        let host = |id: u128, players: u32, instances: usize, tick_p99_us: u32| HostLoad {
            host: HostId::from_u128(id),
            url: "ws://host".into(),
            lease_until: UnixMillis::new(0),
            players,
            tick_p99_us,
            instances,
        };
        let chosen = |hosts: &[HostLoad], unfit: &[u128]| {
            let unfit = unfit.iter().map(|id| HostId::from_u128(*id)).collect();
            choose_host(hosts, &unfit).map(|host| host.host.as_u128())
        };
        let hosts = [host(1, 30, 2, 0), host(2, 0, 6, 0), host(3, 55, 1, 0), host(4, 0, 0, 13_000)];
        assert_eq!(chosen(&hosts, &[]), Some(1));
        assert_eq!(chosen(&hosts, &[1]), Some(2));
        assert_eq!(chosen(&hosts, &[1, 2, 3]), Some(4), "a slow one is better than none");
        assert_eq!(chosen(&[host(1, 0, INSTANCES_PER_HOST_MAX, 0)], &[]), None);
        assert_eq!(chosen(&[], &[]), None);
    }
}
