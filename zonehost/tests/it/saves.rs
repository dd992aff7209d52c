//! What a host saves of players who play, and whom it lets go when another host has them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use client::ClientError;
use domain::contract::hosts::{BatchOutcome, SaveBatch};
use domain::contract::mail::HostOrder;
use domain::ids::{CharacterId, InstanceId};
use wire::message::PlayerInput;
use wire::reason::ByeReason;
use zonehost::platform::local::LocalPlatform;
use zonehost::platform::{Answer, Platform};

use crate::harness::{end_of, left_to_inner, next_input, realm, start, start_with, wait_for_snapshot};

/// A platform that counts how often each character is saved.
#[derive(Clone)]
struct Counting {
    inner: LocalPlatform,
    saves: Arc<Mutex<BTreeMap<CharacterId, u32>>>,
}

impl Platform for Counting {
    left_to_inner!(register heartbeat leave claim store left end mail);

    async fn save(&self, instance: InstanceId, batch: SaveBatch) -> Answer<BatchOutcome> {
        for save in &batch.saves {
            *self.saves.lock().expect("no panic").entry(save.character).or_default() += 1;
        }
        self.inner.save(instance, batch).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_move_is_saved_once_and_when_it_leaves() {
    let saves = Arc::new(Mutex::new(BTreeMap::new()));
    let wrap = |inner| Counting { inner, saves: Arc::clone(&saves) };
    let app = start_with(|figment| figment.merge(("limits.save_secs", 1)), realm, wrap).await;
    let (walker, idler) = (app.character(1), app.character(2));
    let mut walks = app.enter(walker, "hub").await;
    let mut idles = app.enter(idler, "hub").await;
    let count = |character| saves.lock().expect("no panic").get(&character).copied().unwrap_or(0);
    let start = Instant::now();
    while count(walker) < 4 {
        assert!(start.elapsed() < Duration::from_secs(30), "{} saves", count(walker));
        // To and fro, so that no wall ends it.
        let move_x = if start.elapsed().as_secs().is_multiple_of(2) { 127 } else { -100 };
        walks.send(&PlayerInput { move_x, ..next_input(&walks) }).await.expect("sent");
        wait_for_snapshot(&mut walks).await.expect("plays");
        idles.send(&next_input(&idles)).await.expect("sent");
        wait_for_snapshot(&mut idles).await.expect("plays");
    }
    assert_eq!(count(idler), 1);
    idles.leave().await.expect("leaves");
    app.until("it has left", |app| app.local.instance_of(idler).is_none()).await;
    assert_eq!(count(idler), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_another_host_has_claimed_goes_and_a_newer_one_stays() {
    let app = start().await;
    let character = app.character(1);
    let mut connection = app.enter(character, "hub").await;
    wait_for_snapshot(&mut connection).await.expect("plays");
    let instance = app.local.instance_of(character).expect("it is in");
    // Late mail about an entry before this one.
    app.local.post(HostOrder::Release { instance, character, claim: 0 });
    let orders = app.host.metrics().orders();
    app.until("it is read", |app| app.host.metrics().orders() > orders).await;
    let until = Instant::now() + Duration::from_millis(500);
    while Instant::now() < until {
        connection.send(&next_input(&connection)).await.expect("sent");
        wait_for_snapshot(&mut connection).await.expect("plays on");
    }
    app.local.post(HostOrder::Release { instance, character, claim: 1 });
    let end = end_of(connection).await;
    assert!(matches!(end, ClientError::Bye { reason: ByeReason::Replaced, .. }), "{end}");
}
