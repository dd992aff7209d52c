//! Another version of the content comes into force while players play.

use std::time::Duration;

use client::{Connection, Incoming};
use domain::catalogue::Catalogue;
use domain::contract::content::{CONTENT_TOPIC, ContentNotice, ContentPlan, ContentRollout};
use domain::contract::instances::Purpose;
use domain::fixed::metres;
use domain::ids::InstanceId;
use domain::limits::HOST_HEARTBEAT_MILLIS;

use crate::harness::{App, PATIENCE, next_input, realm, start, start_with, zone};

/// The builtin catalogue with an edit.
fn catalogue(edit: impl FnOnce(&mut Catalogue)) -> Catalogue {
    let mut catalogue = Catalogue::builtin();
    edit(&mut catalogue);
    catalogue
}

fn all(active: u64) -> ContentPlan {
    ContentPlan { active, rollout: None }
}

/// The versions that instances run.
fn running(app: &App) -> Vec<(InstanceId, u64)> {
    app.host.metrics().zones().iter().map(|(id, zone)| (*id, zone.content)).collect()
}

fn all_run(app: &App, version: u64) -> bool {
    running(app).iter().all(|(_, content)| *content == version)
}

/// Plays on until a notice of the content comes.
async fn content_notice(connection: &mut Connection) -> ContentNotice {
    let read = async {
        loop {
            let mut incoming = Vec::new();
            connection.receive(&mut incoming).await.expect("plays");
            connection.send(&next_input(connection)).await.expect("sent");
            for incoming in incoming {
                if let Incoming::Notice(notice) = incoming {
                    assert_eq!(notice.topic, CONTENT_TOPIC);
                    return serde_json::from_str(&notice.body).expect("a notice of the content");
                }
            }
        }
    };
    tokio::time::timeout(PATIENCE, read).await.expect("the notice comes")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_comes_and_goes_and_nobody_is_dropped() {
    let app = start().await;
    let innocent = app.innocent(1).await;
    let mut connection = app.enter(app.character(2), "forest").await;
    let before = connection.welcome().clone();
    assert!(all_run(&app, 0));
    app.local.publish(1, catalogue(|catalogue| catalogue.abilities[0].damage = 20));
    app.local.publish(
        2,
        catalogue(|catalogue| {
            catalogue.player.speed_max = metres(7);
            catalogue.zones_mut()[1].size = metres(200);
            catalogue.zones_mut()[1].interest_radius = metres(30);
        }),
    );
    app.local.activate(all(1));
    let notice = content_notice(&mut connection).await;
    assert_eq!(notice, ContentNotice { version: 1, reload: false });
    app.until("all have it", |app| all_run(app, 1)).await;
    app.local.activate(all(2));
    assert_eq!(content_notice(&mut connection).await, ContentNotice { version: 2, reload: true });
    // Who resumes is told anew what to predict with, and stands in the same body of the same world.
    let token = connection.welcome().resume_token.clone();
    drop(connection);
    let mut connection = Connection::resume(&app.url, token).await.expect("comes back");
    let welcome = connection.welcome().clone();
    assert_eq!((welcome.entity, welcome.size), (before.entity, before.size));
    assert_eq!((welcome.speed_max, welcome.interest_radius), (metres(7), metres(30)));
    app.local.activate(all(1));
    assert_eq!(content_notice(&mut connection).await, ContentNotice { version: 1, reload: true });
    app.until("all are back", |app| all_run(app, 1)).await;
    app.local.activate(all(0));
    assert_eq!(content_notice(&mut connection).await.version, 0);
    assert_eq!(app.host.metrics().zones().iter().map(|(_, zone)| zone.panics).sum::<u64>(), 0);
    innocent.was_not_disturbed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_had_or_must_not_run_leaves_what_is_there() {
    let app = start().await;
    let innocent = app.innocent(1).await;
    app.local.publish(1, Catalogue::builtin());
    app.local.publish(2, catalogue(|catalogue| catalogue.zones_mut()[0].tick_rate_hz = 0));
    app.local.activate(all(1));
    app.until("all have it", |app| all_run(app, 1)).await;
    for missing in [2, 3] {
        let errors = app.host.metrics().errors("content");
        app.local.activate(all(missing));
        app.until("it has failed", |app| app.host.metrics().errors("content") > errors).await;
        assert!(all_run(&app, 1));
    }
    // It is tried again, and comes when it can be had.
    app.local.publish(3, catalogue(|catalogue| catalogue.zones_mut()[0].capacity = 2));
    app.until("all have it", |app| all_run(app, 3)).await;
    // A trial that cannot be had does not hold up the rest.
    let rollout = Some(ContentRollout { version: 9, percent: 100 });
    app.local.activate(ContentPlan { active: 1, rollout });
    app.until("the active one comes", |app| all_run(app, 1)).await;
    innocent.was_not_disturbed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_of_the_instances_tries_a_version() {
    let app = start().await;
    for _ in 0..8 {
        app.local.assign(&zone("hub"), Purpose::Room("ABCDEF".into()));
    }
    app.until("they run", |app| running(app).len() >= 10).await;
    app.local.publish(1, catalogue(|catalogue| catalogue.zones_mut()[0].monsters = 3));
    for percent in [30, 60] {
        let plan = ContentPlan { active: 0, rollout: Some(ContentRollout { version: 1, percent }) };
        app.local.activate(plan.clone());
        let as_planned =
            |app: &App| running(app).iter().all(|(id, content)| *content == plan.version_for(id.as_u128()));
        app.until("they run what is planned", as_planned).await;
    }
    assert!(running(&app).iter().any(|(_, content)| *content == 1), "some of ten at 60 %");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_starts_with_what_is_in_force() {
    let in_force = |local: zonehost::platform::local::LocalPlatform| {
        local.publish(4, catalogue(|catalogue| catalogue.zones_mut()[0].size = metres(120)));
        local.activate(all(4));
        local
    };
    let app = start_with(|figment| figment, realm, in_force).await;
    let connection = app.enter(app.character(1), "hub").await;
    assert_eq!(connection.welcome().size, metres(120));
    assert!(all_run(&app, 4));
    // Nothing is fetched or handed out again as long as nothing changes.
    tokio::time::sleep(Duration::from_millis(2 * HOST_HEARTBEAT_MILLIS)).await;
    assert_eq!(app.host.metrics().errors("content"), 0);
}

/// Version 1 makes the hub smaller, which a running instance cannot take over.
#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_opens_later_has_the_whole_of_it() {
    let app = start().await;
    app.local.publish(1, catalogue(|catalogue| catalogue.zones_mut()[0].size = metres(120)));
    app.local.activate(all(1));
    app.until("all have it", |app| all_run(app, 1)).await;
    let old = app.enter(app.character(1), "hub").await;
    assert_eq!(old.welcome().size, metres(200));
    let assigned = app.local.assign(&zone("hub"), Purpose::Room("ABCDEF".into()));
    let ticket = app.local.ticket_into(app.character(2), &assigned).expect("a ticket");
    let new = Connection::enter(&app.url, ticket).await.expect("enters");
    assert_eq!(new.welcome().size, metres(120));
}
