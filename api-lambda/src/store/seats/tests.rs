//! Seats over a real store engine: how many there are, when they end, and what they cost.

use domain::catalogue::Catalogue;
use domain::contract::hosts::{Heartbeat, InstanceLoad, RegisterHost};
use domain::ids::{HostId, ZoneId};
use futures_util::future::join_all;

use super::*;
use crate::clock::{now, random_u128};
use crate::store::adverts::Search;
use crate::store::meter::metered;
use crate::store::tests::store;

const LEASE_MILLIS: u64 = 120_000;

fn hub() -> ZoneId {
    "hub".parse().expect("a zone name")
}

/// A host of `count` hubs.
async fn host(store: &Store, count: usize) -> (HostId, Vec<InstanceId>) {
    let host = HostId::new(now(), random_u128());
    let request = RegisterHost {
        host,
        region: "local".into(),
        url: "ws://127.0.0.1:7603".into(),
        wire_version: 1,
        zones: vec![hub(); count],
    };
    let lease = now().plus_millis(LEASE_MILLIS);
    let instances = store.register_host(&Catalogue::builtin(), &request, now(), lease).await;
    (host, instances.expect("registered").iter().map(|own| own.instance).collect())
}

async fn beat(store: &Store, host: HostId, loads: &[(InstanceId, u32)], at: UnixMillis) {
    let load =
        |(instance, players): &(InstanceId, u32)| InstanceLoad { instance: *instance, players: *players };
    let heartbeat =
        Heartbeat { instances: loads.iter().map(load).collect(), tick_p99_us: 100, draining: false };
    let lease = at.plus_millis(LEASE_MILLIS);
    let known = store.heartbeat(&Catalogue::builtin(), host, &heartbeat, at, lease).await;
    known.expect("the store works").expect("known");
}

fn somebody(number: u128) -> CharacterId {
    CharacterId::from_u128(number)
}

/// Whether a seat is promised, for 32 s from `at` on, if there are then at most `limit`.
async fn take(store: &Store, instance: InstanceId, who: u128, limit: u32, at: UnixMillis) -> bool {
    let until = at.plus_millis(32_000);
    match store.take_seat(instance, somebody(who), limit, at, until).await.expect("the store works") {
        Taking::Taken(_) => true,
        Taking::Full(taken) => {
            assert!(taken >= limit, "{taken} of {limit}");
            false
        }
        Taking::Gone => panic!("the instance runs"),
    }
}

/// Players and seats as the load counts them: in all, seats, and seats by the seconds in which they end.
async fn counted(store: &Store, instance: InstanceId) -> (u32, u32, u32) {
    let load = store.fleet_items(&[load_key(instance)]).await.expect("read").pop().expect("a load");
    let read = |item: &Item, name: &str| item::read_number::<u32>(item, name).expect("a number");
    let ends = item::read_map(&load, "ends").expect("a map");
    (read(&load, "taken"), read(&load, "seats"), ends.keys().map(|second| read(ends, second)).sum())
}

#[tokio::test]
async fn two_hundred_at_once_get_the_fifty_seats_that_there_are() {
    let store = store().await;
    let (_, instances) = host(&store, 1).await;
    let hub = instances[0];
    let start = now();
    let taken = join_all((0..200).map(|who| take(&store, hub, who, 50, start))).await;
    let seated: Vec<u128> = (0..).zip(&taken).filter(|(_, taken)| **taken).map(|(who, _)| who).collect();
    assert_eq!((seated.len(), counted(&store, hub).await), (50, (50, 50, 50)));
    // Who has a seat keeps it for longer though all are taken, and takes no second one.
    let later = start.plus_millis(5_000);
    let again = join_all(seated.iter().map(|who| take(&store, hub, *who, 50, later))).await;
    assert!(again.into_iter().all(|taken| taken));
    assert!(!take(&store, hub, 999, 50, later).await);
    assert_eq!(counted(&store, hub).await, (50, 50, 50));
    // One that is given back is free for one.
    join_all((0..4).map(|_| store.free_seat(hub, somebody(seated[0])))).await;
    assert_eq!(counted(&store, hub).await, (49, 49, 49));
    let last = join_all((300..310).map(|who| take(&store, hub, who, 50, later))).await;
    assert_eq!(last.into_iter().filter(|taken| *taken).count(), 1);
}

#[tokio::test]
async fn one_character_at_eight_places_at_once_takes_one_seat() {
    let store = store().await;
    let (_, instances) = host(&store, 1).await;
    let start = now();
    for round in 0..6 {
        // Each of them a second later than the one before, so that some move what others have counted.
        let at = |rival: u64| start.plus_millis(round * 500 + rival * 1_000);
        let rivals = join_all((0..8).map(|rival| take(&store, instances[0], 1, 1, at(rival)))).await;
        // Some may be refused, since what a rival counted and gives back is counted for a moment.
        assert!(rivals.contains(&true));
        assert_eq!(counted(&store, instances[0]).await, (1, 1, 1), "round {round}");
    }
}

#[tokio::test]
async fn a_seat_ends_with_its_time_and_soon_after_the_arrival() {
    let store = store().await;
    let (host, instances) = host(&store, 1).await;
    let (hub, start) = (instances[0], now());
    let after = |millis: u64| start.plus_millis(millis);
    assert!(take(&store, hub, 1, 2, start).await && take(&store, hub, 2, 2, start).await);
    assert!(!take(&store, hub, 3, 2, start).await);
    let arrives = async |who, at: UnixMillis| {
        let purpose = store.end_seat(hub, somebody(who), at, at.plus_millis(2_000)).await;
        purpose.expect("the store works")
    };
    assert_eq!(arrives(1, after(1_000)).await, Some(Purpose::Public));
    assert_eq!(arrives(1, after(1_000)).await, Some(Purpose::Public), "told twice");
    assert_eq!(arrives(3, after(1_000)).await, None, "there was no seat");
    assert_eq!(counted(&store, hub).await, (2, 2, 2), "it is not counted by its host yet");
    beat(&store, host, &[(hub, 1)], after(2_000)).await;
    assert_eq!(counted(&store, hub).await, (3, 2, 2), "and then it is twice, for a moment");
    beat(&store, host, &[(hub, 1)], after(4_000)).await;
    assert_eq!(counted(&store, hub).await, (2, 1, 1));
    assert!(!take(&store, hub, 3, 2, after(4_000)).await);
    // The other one does not come.
    beat(&store, host, &[(hub, 1)], after(31_000)).await;
    assert_eq!(counted(&store, hub).await, (2, 1, 1));
    beat(&store, host, &[(hub, 1)], after(33_000)).await;
    assert_eq!(counted(&store, hub).await, (1, 0, 0));
    assert!(take(&store, hub, 3, 2, after(33_000)).await);
    // An end that was swept is no end of another's seat.
    store.free_seat(hub, somebody(2)).await.expect("the store works");
    assert_eq!(counted(&store, hub).await, (2, 1, 1));
    assert!(take(&store, hub, 1, 3, after(33_000)).await, "back, from long ago");
}

#[tokio::test]
async fn who_waits_is_found_a_place_however_many_instances_are_full() {
    let store = store().await;
    let (zone, start) = (hub(), now());
    let capacity = Catalogue::builtin().zone(&zone).expect("a zone").capacity;
    let mut all = Vec::new();
    for _ in 0..3 {
        let (host, instances) = host(&store, 16).await;
        let loads: Vec<_> = instances.iter().map(|instance| (*instance, capacity)).collect();
        beat(&store, host, &loads, start).await;
        all.push((host, loads));
    }
    let (host, loads) = &mut all[2];
    loads[9].1 = 7;
    loads[11].1 = capacity * 4 / 5;
    beat(&store, *host, loads, start).await;
    let mut search = Search::new(&zone);
    let (page, used) = metered(Box::pin(search.next(&store, start))).await;
    let page = page.expect("read").expect("a page");
    assert_eq!(page.iter().map(|open| (open.instance, open.players)).collect::<Vec<_>>(), [loads[9]]);
    assert_eq!((used.read_calls, used.read_half_units), (1, 1), "the full ones cost nothing");
    let page = search.next(&store, start).await.expect("read").expect("a page");
    assert_eq!(page.iter().map(|open| open.instance).collect::<Vec<_>>(), [loads[11].0]);
    assert_eq!(search.next(&store, start).await.expect("read").expect("a page").len(), 32);
    assert!(search.next(&store, start).await.expect("read").is_none(), "one page of full ones is enough");
    assert_eq!(store.open_instances(&zone, start).await.expect("read").len(), 48);
    // Adverts of dead hosts hide, and go away when they are found a minute later.
    let late = start.plus_millis(LEASE_MILLIS + 4_000);
    assert!(store.open_instances(&zone, late).await.expect("read").is_empty());
    let (_, used) = metered(Box::pin(store.open_instances(&zone, late.plus_millis(60_000)))).await;
    assert_eq!(used.write_calls, 48);
    let (_, used) = metered(Box::pin(store.open_instances(&zone, late.plus_millis(60_000)))).await;
    assert_eq!(used.write_calls, 0);
}

#[tokio::test]
async fn the_last_seat_below_a_limit_tells_the_next_ones() {
    let store = store().await;
    let (_, instances) = host(&store, 2).await;
    let (zone, start) = (hub(), now());
    let taking = store.take_seat(instances[0], somebody(1), 4, start, start.plus_millis(9_000)).await;
    let Taking::Taken(load) = taking.expect("the store works") else { panic!("there is room") };
    store.advertise_filled(&load, 1).await.expect("written");
    let page = Search::new(&zone).next(&store, start).await.expect("read").expect("a page");
    assert_eq!(page.iter().map(|open| open.instance).collect::<Vec<_>>(), [instances[1]]);
}

#[tokio::test]
async fn seats_and_heartbeats_cost_the_same_however_many_seats_there_are() {
    let store = store().await;
    let (host, instances) = host(&store, 16).await;
    let (hub, start) = (instances[0], now());
    let loads: Vec<_> = instances.iter().map(|instance| (*instance, 100)).collect();
    beat(&store, host, &loads, start).await;
    for seats in [0, 300] {
        let at = |who: u128| start.plus_millis(u64::try_from(who % 40).expect("small") * 1_000);
        for some in (0..seats).step_by(30) {
            let some = some + 1_000..some + 1_030;
            let taken = join_all(some.map(|who| take(&store, hub, who, 500, at(who)))).await;
            assert!(taken.into_iter().all(|taken| taken));
        }
        // So many more are advertised.
        beat(&store, host, &loads[1..], start).await;
        let who = 1 + seats;
        let (taken, join) = metered(Box::pin(take(&store, hub, who, 500, start))).await;
        let (_, arrival) =
            metered(Box::pin(store.end_seat(hub, somebody(who), start, start.plus_millis(2_000)))).await;
        let ((), idle) = metered(Box::pin(beat(&store, host, &loads[1..], start))).await;
        assert!(taken);
        assert_eq!((join.read_calls, join.write_calls, arrival.write_calls), (1, 2, 2));
        assert_eq!((join.read_half_units, join.write_half_units), (2, 4), "a join with {seats} others");
        assert_eq!(arrival.write_half_units, 4, "an arrival with {seats} others");
        // The host and its place among the hosts, and 16 loads of which nothing new is advertised.
        assert_eq!((idle.read_calls, idle.write_calls), (1, 17));
        assert_eq!((idle.read_half_units, idle.write_half_units), (32, 36));
    }
}
