//! Heartbeats that arrive late, over a real store engine.

use domain::contract::hosts::{InstanceLoad, RegisterHost};
use domain::ids::{CharacterId, MatchId};
use domain::limits::HOST_LEASE_MILLIS;

use super::*;
use crate::clock::{now, random_u128};
use crate::store::tests::store;

async fn host(store: &Store, lease_until: UnixMillis) -> HostId {
    let host = HostId::new(now(), random_u128());
    let zones = vec!["hub".parse().expect("a zone")];
    let url = format!("ws://{host}");
    let request = RegisterHost { host, region: "local".into(), url, wire_version: 1, zones };
    store.register_host(&Catalogue::builtin(), &request, now(), lease_until).await.expect("registered");
    host
}

#[tokio::test]
async fn a_late_heartbeat_of_the_host_before_changes_nothing_of_an_instance_that_moved() {
    let store = store().await;
    let start = now();
    let first = host(&store, start.plus_millis(HOST_LEASE_MILLIS)).await;
    let id = InstanceId::new(start, random_u128());
    let purpose = Purpose::Match(MatchId::from_u128(7));
    let forest: ZoneId = "forest".parse().expect("a zone");
    store.open_instance_as(id, &forest, &purpose, start).await.expect("works").expect("room");
    let seat = CharacterId::from_u128(1);
    store.take_seat(id, seat, 9, start, start.plus_millis(1_000)).await.expect("works");
    // All that its heartbeat reads before it is held up.
    let owned = store.host_instances(first).await.expect("works").expect("known");
    let read = store.fleet_items(&[load_key(id)]).await.expect("works").remove(0);
    assert!(owned.iter().any(|own| own.instance == id));

    let later = start.plus_millis(HOST_LEASE_MILLIS + 1);
    let second = host(&store, later.plus_millis(60_000)).await;
    let moved = store.open_instance_as(id, &forest, &purpose, later).await.expect("works").expect("room");
    assert_eq!(moved.host, second);
    let beat = |players| {
        let instances = vec![InstanceLoad { instance: id, players }];
        Heartbeat { instances, tick_p99_us: 1, draining: players > 50 }
    };
    let until = later.plus_millis(HOST_LEASE_MILLIS);
    store.heartbeat(&Catalogue::builtin(), second, &beat(5), later, until).await.expect("works");

    let keys = [load_key(id), id.to_string(), format!("open#{id}")];
    let items = async || {
        let mut items = store.fleet_items(&keys).await.expect("works");
        items.sort_by_key(|item| item::read_text(item, "pk").map(str::to_owned).ok());
        items
    };
    let before = items().await;
    assert_eq!(before.len(), 2, "a load and a fence; what is not public has no advert");
    let late = later.plus_millis(60_000);
    let catalogue = Catalogue::builtin();
    store.renew_loads(&catalogue, (first, &owned), &beat(99), later, late).await.expect("works");
    assert_eq!(items().await, before, "it has read the list before, and the load after the move");
    store.renew(&catalogue, (first, read), &beat(99), later, late).await.expect("works");
    assert_eq!(items().await, before, "it has read both before");
    store.heartbeat(&catalogue, second, &beat(6), later, late).await.expect("works");
    assert_eq!(store.instance(id, later).await.expect("works").expect("runs").open.players, 6);
}
