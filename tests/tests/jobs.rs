//! The coordinator's jobs against the API, called by a zone host's own client: paths, bodies and answers agree.

use api_lambda::ApiConfig;
use serde_json::Value;
use system_tests::platform::{SERVICE_TOKEN, Surroundings, listener};
use zonehost::platform::api::{ApiPlatform, Called, JobAnswer};
use zonehost::{HostConfig, JOBS};

/// An API, and a zone host's client of it.
async fn api() -> (String, ApiPlatform) {
    let around = Surroundings::start().await;
    let (socket, url) = listener().await;
    let config = ApiConfig {
        edge_jwks_url: around.edge_jwks_url.clone(),
        dynamodb_endpoint: Some(around.store.clone()),
        service_token: SERVICE_TOKEN.into(),
        ticket_keys: vec![token::SecretKey::from_seed("ticket-1", &[9; 32])],
        ..ApiConfig::default()
    };
    tokio::spawn(api_lambda::serve(socket, config, std::future::pending()));
    let figment = HostConfig::defaults().merge(("api_url", &url)).merge(("service_token", SERVICE_TOKEN));
    let config = HostConfig::extract(&figment).expect("a good configuration");
    (url, ApiPlatform::new(&config).expect("a client"))
}

#[tokio::test]
async fn every_job_is_known_to_the_api_and_done() {
    let (_, client) = api().await;
    for job in JOBS {
        let called = client.call(job.path, None).await;
        let done = Called::Done(JobAnswer { more: false, next: None });
        assert_eq!(called, Ok(done), "{}: nothing is to do, and nothing is left", job.name);
    }
    assert_eq!(client.call("/internal/v1/nothing/step", None).await, Ok(Called::Unknown));
}

/// What the host goes on by is named as in the description of the API: a job that has more to do is called again.
#[tokio::test]
async fn what_says_that_more_is_to_do_is_called_so_by_both() {
    let (url, client) = api().await;
    let http = client::services::http_client();
    let answer = http.get(format!("{url}/openapi.json")).send().await.expect("an answer");
    let description: Value = answer.json().await.expect("a description");
    let mut paged = 0;
    for job in JOBS {
        let route = &description["paths"][job.path]["post"];
        assert!(route.is_object(), "{} is described", job.path);
        let of = route["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].as_str();
        let name = of.and_then(|of| of.rsplit('/').next()).expect("a named answer");
        let fields = description["components"]["schemas"][name]["properties"].as_object().expect("fields");
        let has_cursor = fields.contains_key("next");
        paged += usize::from(has_cursor || fields.contains_key("more"));
        if has_cursor {
            // A cursor is taken where the host sends it: one that no answer has given is refused as such.
            let refused = client.call(job.path, Some("rubbish")).await.expect_err("no cursor");
            assert!(refused.to_string().contains("400"), "{}: {refused}", job.name);
        }
    }
    assert_eq!(paged, 4, "boards, tournaments, trade and characters tell that there is more");
}
