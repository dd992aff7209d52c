//! Instances on demand over a real store engine.

use std::collections::BTreeSet;

use domain::catalogue::Catalogue;
use domain::contract::hosts::{ClaimCharacter, EntryOutcome, Heartbeat, InstanceLoad, RegisterHost};
use domain::contract::instances::{LeftBatch, LeftCharacter};
use domain::contract::players::Character;
use domain::ids::{AccountId, CharacterId, MatchId};
use domain::limits::HOST_LEASE_MILLIS;
use futures_util::future::join_all;
use tokio::net::TcpListener;

use super::*;
use crate::clock::{now, random_u128};
use crate::config::ApiConfig;
use crate::store::seats::Taking;

/// A store on an engine of its own.
pub(crate) async fn store() -> Store {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let database = dynoxide::Database::memory().expect("a database");
    tokio::spawn(dynoxide::server::serve_with_shutdown(listener, database, std::future::pending()));
    let config = ApiConfig {
        dynamodb_endpoint: Some(url),
        // Hundreds of calls at once wait for each other in the engine, and what is cut off may have been done.
        store_attempt_timeout_ms: 30_000,
        store_timeout_ms: 60_000,
        ..ApiConfig::default()
    };
    crate::migrations::apply(&config).await.expect("a fresh store is migrated");
    Store::new(crate::store::connect(&config).await, &config.table_prefix)
}

fn zone(name: &str) -> ZoneId {
    name.parse().expect("a zone name")
}

/// A host of one hub, with a lease from now on.
async fn host(store: &Store) -> HostId {
    host_until(store, now().plus_millis(60_000)).await
}

async fn host_until(store: &Store, lease_until: UnixMillis) -> HostId {
    let host = HostId::new(now(), random_u128());
    let request = RegisterHost {
        host,
        region: "local".into(),
        url: format!("ws://{host}"),
        wire_version: 1,
        zones: vec![zone("hub")],
    };
    store.register_host(&Catalogue::builtin(), &request, now(), lease_until).await.expect("registered");
    host
}

fn beat(loads: &[(InstanceId, u32)], draining: bool) -> Heartbeat {
    let load =
        |(instance, players): &(InstanceId, u32)| InstanceLoad { instance: *instance, players: *players };
    Heartbeat { instances: loads.iter().map(load).collect(), tick_p99_us: 100, draining }
}

fn a_match() -> Purpose {
    Purpose::Match(MatchId::from_u128(7))
}

async fn orders(store: &Store, host: HostId) -> Vec<HostOrder> {
    let mailbox = store.mailbox(host, UnixMillis::new(0)).await.expect("a mailbox");
    mailbox.mail.into_iter().map(|mail| mail.order).collect()
}

/// Opens an instance under a new id.
async fn open_new(store: &Store, zone: &ZoneId, now: UnixMillis) -> Result<Option<OpenInstance>, StoreError> {
    store.open_instance_as(InstanceId::new(now, random_u128()), zone, &a_match(), now).await
}

async fn owned(store: &Store, host: HostId) -> BTreeSet<InstanceId> {
    let list = store.host_instances(host).await.expect("read").unwrap_or_default();
    list.iter().map(|own| own.instance).collect()
}

#[tokio::test]
async fn an_instance_is_opened_once_for_its_id_and_never_joined_by_strangers() {
    let store = store().await;
    let host = host(&store).await;
    let id = InstanceId::new(now(), random_u128());
    let forest = zone("forest");
    let purpose = a_match();
    let opened = join_all((0..8).map(|_| store.open_instance_as(id, &forest, &purpose, now()))).await;
    for open in opened {
        let open = open.expect("the store works").expect("there is room");
        assert_eq!((open.instance, open.host, open.url), (id, host, format!("ws://{host}")));
    }
    let mail = orders(&store, host).await;
    let [HostOrder::Open(assigned)] = mail.as_slice() else { panic!("{mail:?}") };
    assert_eq!((assigned.instance, &assigned.zone, &assigned.purpose), (id, &forest, &purpose));
    assert!(assigned.on_demand);
    let list = store
        .heartbeat(&Catalogue::builtin(), host, &beat(&[], false), now(), now().plus_millis(60_000))
        .await;
    assert!(list.expect("the store works").expect("known").contains(assigned), "the level agrees");
    let info = store.instance(id, now()).await.expect("the store works").expect("it runs");
    assert_eq!((info.epoch, &info.purpose, &info.zone), (assigned.epoch, &purpose, &forest));
    assert!(info.alive && !info.draining);
    assert!(store.open_instances(&forest, now()).await.expect("read").is_empty(), "not public");
    assert_eq!(store.open_instances(&zone("hub"), now()).await.expect("read").len(), 1);
}

#[tokio::test]
async fn instances_spread_over_hosts_until_all_are_full() {
    let store = store().await;
    let hosts = [host(&store).await, host(&store).await];
    store
        .heartbeat(&Catalogue::builtin(), hosts[0], &beat(&[], true), now(), now().plus_millis(60_000))
        .await
        .expect("beats");
    let open = |count: usize| {
        let store = &store;
        async move {
            let forest = zone("forest");
            let calls = (0..count).map(|_| async { open_new(store, &forest, now()).await });
            let opened: Vec<_> = join_all(calls).await;
            opened.into_iter().map(|open| open.expect("the store works")).collect::<Vec<_>>()
        }
    };
    assert!(open(3).await.iter().all(|open| open.as_ref().is_some_and(|open| open.host == hosts[1])));
    store
        .heartbeat(&Catalogue::builtin(), hosts[0], &beat(&[], false), now(), now().plus_millis(60_000))
        .await
        .expect("beats");
    let mut total = 3;
    loop {
        let opened = open(8).await;
        total += opened.iter().flatten().count();
        if opened.iter().any(Option::is_none) {
            break;
        }
    }
    assert_eq!(total, 2 * (INSTANCES_PER_HOST_MAX - 1), "each host has its hub too");
    for host in hosts {
        assert_eq!(owned(&store, host).await.len(), INSTANCES_PER_HOST_MAX);
        store.remove_host(host).await.expect("a transaction takes them all");
    }
    assert_eq!(open(1).await, [None], "there is no host");
}

#[tokio::test]
async fn an_empty_instance_ends_unless_somebody_is_on_the_way() {
    let store = store().await;
    let host = host(&store).await;
    let open = open_new(&store, &zone("forest"), now()).await.expect("works").expect("room");
    let info = store.instance(open.instance, now()).await.expect("works").expect("runs");
    let ada = CharacterId::from_u128(1);
    let take = async || {
        let taking = store.take_seat(open.instance, ada, 4, now(), now().plus_millis(30_000)).await;
        taking.expect("works")
    };
    assert!(matches!(take().await, Taking::Taken(_)));
    let end = async |epoch| store.end_instance(open.instance, epoch, now()).await.expect("works");
    assert!(matches!(end(info.epoch).await, Err(EndRefusal::Awaited)));
    assert!(matches!(end(Epoch(info.epoch.0 + 1)).await, Err(EndRefusal::Fenced)));
    store.free_seat(open.instance, ada).await.expect("works");
    assert!(end(info.epoch).await.is_ok());
    assert!(end(info.epoch).await.is_ok(), "told twice");
    assert!(matches!(take().await, Taking::Gone));
    assert_eq!(store.instance(open.instance, now()).await.expect("works"), None);
    assert!(!owned(&store, host).await.contains(&open.instance));
    let again = store.open_instance_as(open.instance, &zone("forest"), &a_match(), now()).await;
    assert_eq!(again.expect("works"), None, "what is over stays over");
    assert!(store.transact(vec![store.fence_part(open.instance, info.epoch)]).await.expect("works").is_err());
}

#[tokio::test]
async fn a_closed_instance_can_store_what_happened_and_nothing_after_its_end() {
    let store = store().await;
    let host = host(&store).await;
    let open = open_new(&store, &zone("forest"), now()).await.expect("works").expect("room");
    let info = store.instance(open.instance, now()).await.expect("works").expect("runs");
    let closed = join_all((0..5).map(|_| store.close_instance(open.instance, "over", now()))).await;
    assert_eq!(closed.into_iter().filter(|closed| *closed.as_ref().expect("works")).count(), 1);
    let close = HostOrder::Close { instance: open.instance, reason: "over".into() };
    assert_eq!(orders(&store, host).await.iter().filter(|order| **order == close).count(), 1);
    assert!(!owned(&store, host).await.contains(&open.instance), "the level agrees");
    assert_eq!(store.instance(open.instance, now()).await.expect("works"), None);
    let fence = || vec![store.fence_part(open.instance, info.epoch)];
    assert!(store.transact(fence()).await.expect("works").is_ok(), "its host can still write");
    assert!(store.end_instance(open.instance, info.epoch, now()).await.expect("works").is_ok());
    assert!(store.transact(fence()).await.expect("works").is_err(), "and then no more");
    assert!(!store.close_instance(InstanceId::from_u128(5), "none", now()).await.expect("works"));
}

#[tokio::test]
async fn the_instance_of_a_dead_host_opens_anew_elsewhere_and_the_dead_cannot_write() {
    let store = store().await;
    let start = now();
    let first = host_until(&store, start.plus_millis(HOST_LEASE_MILLIS)).await;
    let id = InstanceId::new(start, random_u128());
    let forest = zone("forest");
    let open = async |at| store.open_instance_as(id, &forest, &a_match(), at).await.expect("works");
    assert_eq!(open(start).await.expect("room").host, first);
    let old = store.instance(id, start).await.expect("works").expect("runs");
    let later = start.plus_millis(HOST_LEASE_MILLIS + 1);
    assert!(!store.instance(id, later).await.expect("works").expect("known").alive);
    assert_eq!(open(later).await, None, "there is no other host yet");
    let second = host(&store).await;
    let rivals = join_all((0..4).map(|_| open(later))).await;
    assert!(rivals.iter().all(|open| open.as_ref().is_some_and(|open| open.host == second)));
    let new = store.instance(id, later).await.expect("works").expect("runs");
    assert!(new.epoch > old.epoch && new.alive);
    let write = async |epoch| store.transact(vec![store.fence_part(id, epoch)]).await.expect("works").is_ok();
    assert!(!write(old.epoch).await && write(new.epoch).await);
    // The dead host comes back: the answer to its heartbeat takes the instance from it.
    let back = store
        .heartbeat(&Catalogue::builtin(), first, &beat(&[(id, 1)], false), later, later.plus_millis(3_000))
        .await;
    assert!(back.expect("works").expect("known").iter().all(|own| own.instance != id));
    assert_eq!(store.instance(id, later).await.expect("works").expect("runs").open.players, 0);
    // An instance whose host is dead is over at once.
    let end = later.plus_millis(120_000);
    assert!(store.close_instance(id, "over", end).await.expect("works"));
    assert!(!write(new.epoch).await);
}

/// Makes a character and lets it enter the instance; the number of the claim.
async fn enter(store: &Store, id: CharacterId, info: &InstanceInfo) -> u64 {
    let account = AccountId::from_u128(id.as_u128());
    if store.character(id).await.expect("works").is_none() {
        let character = Character {
            id,
            name: format!("Tester {}", id.as_u128()).parse().expect("a name"),
            version: 1,
            level: 1,
            xp: 0,
            kills: 0,
            deaths: 0,
            place: None,
            created_at: now(),
            updated_at: now(),
        };
        store.create_character(account, &character, None).await.expect("works").expect("made");
    }
    let OpenInstance { host, instance, .. } = info.open;
    let claim = ClaimCharacter { account, host, instance, epoch: info.epoch };
    store.claim_character(id, &claim, now()).await.expect("works").expect("claimed").claim
}

#[tokio::test]
async fn who_is_where_is_known_until_they_leave_or_their_host_dies() {
    let store = store().await;
    let start = now();
    let host = host_until(&store, start.plus_millis(60_000)).await;
    let mut infos = Vec::new();
    for name in ["hub", "forest"] {
        let open = open_new(&store, &zone(name), start).await.expect("works").expect("room");
        infos.push(store.instance(open.instance, start).await.expect("works").expect("runs"));
    }
    let [ada, bob, eve] = [1, 2, 3].map(CharacterId::from_u128);
    let adas = enter(&store, ada, &infos[0]).await;
    let bobs_old = enter(&store, bob, &infos[0]).await;
    let bobs = enter(&store, bob, &infos[1]).await;
    let seen = async |at| {
        let presences = store.presence(&[eve, bob, ada, bob], at).await.expect("works");
        assert_eq!(presences.iter().map(|one| one.character).collect::<Vec<_>>(), [eve, bob, ada, bob]);
        presences.into_iter().map(|one| one.online.map(|stay| stay.zone.to_string())).collect::<Vec<_>>()
    };
    let hub = Some("hub".to_owned());
    let forest = Some("forest".to_owned());
    assert_eq!(seen(start).await, [None, forest.clone(), hub.clone(), forest.clone()]);
    let stay = store.presence(&[ada], start).await.expect("works").remove(0).online.expect("online");
    assert_eq!((stay.host, stay.instance), (host, infos[0].open.instance));
    assert!(stay.since >= start);
    assert_eq!(seen(start.plus_millis(60_001)).await, [None, None, None, None], "the host is dead");

    let leave = async |info: &InstanceInfo, left: &[(CharacterId, u64)]| {
        let left =
            left.iter().map(|(character, claim)| LeftCharacter { character: *character, claim: *claim });
        let batch = LeftBatch { epoch: info.epoch, characters: left.collect() };
        store.apply_left(info.open.instance, &batch, start).await.expect("works").expect("owned")
    };
    assert_eq!(
        leave(&infos[0], &[(ada, adas), (bob, bobs_old), (eve, 1)]).await,
        [EntryOutcome::Stored, EntryOutcome::Fenced, EntryOutcome::Gone]
    );
    assert_eq!(leave(&infos[0], &[(ada, adas)]).await, [EntryOutcome::Stored], "told twice");
    assert_eq!(seen(start).await, [None, forest.clone(), None, forest], "he is elsewhere by now");
    assert_eq!(leave(&infos[1], &[(bob, bobs)]).await, [EntryOutcome::Stored]);
    assert_eq!(seen(start).await, [None, None, None, None]);
    assert!(store.whereabouts(&[ada, bob]).await.expect("works").is_empty());
}
