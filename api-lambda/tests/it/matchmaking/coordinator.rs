//! `/internal/v1/coordinator` and `/internal/v1/region`.

use std::time::Duration;

use domain::contract::coordinator::RegionLoad;

use super::*;

async fn bid(app: &App, host: HostId) -> CoordinatorLease {
    app.internal("/coordinator/lease", &json!({ "host": host })).await.ok(200)
}

#[tokio::test]
async fn one_host_at_a_time_is_the_coordinator() {
    let app = App::start().await;
    internal_get(&app, "/coordinator/lease").await.problem(404, "no_coordinator");
    let hosts: Vec<HostId> = (0..10).map(|_| HostId::new(now(), random())).collect();
    let leases = join_all(hosts.iter().map(|host| bid(&app, *host))).await;
    let holder = leases[0].host;
    assert!(leases.iter().all(|lease| lease.host == holder && lease.epoch == Epoch(1)), "{leases:?}");
    let whole = domain::limits::COORDINATOR_LEASE_MILLIS;
    assert_eq!(bid(&app, holder).await, CoordinatorLease { host: holder, epoch: Epoch(1), lease_ms: whole });
    let seen: CoordinatorLease = internal_get(&app, "/coordinator/lease").await.ok(200);
    assert_eq!((seen.host, seen.epoch), (holder, Epoch(1)));
    // It dies: another one follows when the lease is over, under a new epoch.
    let rival = hosts.into_iter().find(|host| *host != holder).expect("ten hosts");
    assert_eq!(bid(&app, rival).await.host, holder);
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    let lease = bid(&app, rival).await;
    assert_eq!(lease, CoordinatorLease { host: rival, epoch: Epoch(2), lease_ms: whole });
    assert_eq!(bid(&app, holder).await.host, rival);
    let old = FormMatches { epoch: Epoch(1), matches: vec![] };
    app.internal("/matchmaking/matches", &old).await.problem(409, "not_coordinator");
    app.internal("/coordinator/lease", &json!({})).await.problem(400, "bad_body");
    let unasked = send(app.request(Method::POST, "/internal/v1/coordinator/lease").json(&json!({}))).await;
    unasked.problem(401, "service_token");
}

#[tokio::test]
async fn the_load_of_a_region_is_that_of_all_hosts() {
    let app = App::start().await;
    let empty: RegionLoad = internal_get(&app, "/region/load").await.ok(200);
    assert_eq!(empty, RegionLoad { players: 0, load_permille: 1_000, hosts: vec![] });
    let (first, one) = app.host(&["hub"]).await;
    let (second, two) = app.host(&["hub", "forest"]).await;
    for (host, registered, players) in [(first, &one, 100), (second, &two, 50)] {
        let load = json!([{ "instance": registered.instances[0].instance, "players": players }]);
        let body = json!({ "instances": load, "tick_p99_us": 1, "draining": false });
        assert_eq!(app.internal(&format!("/hosts/{host}/heartbeat"), &body).await.status, 200);
    }
    let load: RegionLoad = internal_get(&app, "/region/load").await.ok(200);
    assert_eq!((load.players, load.load_permille), (150, 100));
    let hosts: Vec<_> = load.hosts.iter().map(|host| (host.host, host.instances, host.players)).collect();
    assert_eq!(hosts, [(first, 1, 100), (second, 2, 50)]);
}
