//! The native edge against the suite of the edge.

use edge::config::{RateLimits, Region};
use edge::native::NativeConfig;
use edge::request::Geo;
use system_tests::edge_suite::{Edge, ORIGIN, Place, REGIONS, SERVICE_TOKEN, run, signing_keys};
use tokio::net::TcpListener;

async fn check(place: Place, geo: Geo) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let regions = REGIONS.iter().map(|(region, latitude, longitude, continents)| Region {
        region: (*region).to_owned(),
        api_url: format!("https://{region}.example"),
        latitude: *latitude,
        longitude: *longitude,
        continents: continents.iter().map(|&continent| continent.to_owned()).collect(),
    });
    let config = NativeConfig {
        regions: regions.collect(),
        allowed_origins: vec![ORIGIN.to_owned()],
        service_token: SERVICE_TOKEN.to_owned(),
        signing_keys: signing_keys(),
        database: None,
        rate_limits: RateLimits::default(),
        geo: Some(geo),
    };
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(edge::native::serve(listener, config, async {
        let _ = stopped.await;
    }));
    run(&Edge::new(&url, place)).await;
    stop.send(()).expect("it serves to the end");
    serving.await.expect("no panic").expect("ends well");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_native_edge_passes_the_suite_in_berlin() {
    check(Place::Berlin, Geo { place: Some((52.5, 13.4)), continent: Some("EU".into()) }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_native_edge_passes_the_suite_in_asia() {
    check(Place::Asia, Geo { place: None, continent: Some("AS".into()) }).await;
}
