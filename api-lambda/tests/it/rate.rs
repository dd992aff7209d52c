//! Rate limits: each caller has its own bucket, and reads in the headers what is left in it.

use api_lambda::RateLimit;
use futures_util::future::join_all;
use reqwest::Method;

use crate::app::{Answer, App, SERVICE_TOKEN, send};

const FEW: RateLimit = RateLimit { per_second: 1, burst: 5 };

async fn limited() -> App {
    App::start_with(|config| {
        config.rate_limit_player = FEW;
        config.rate_limit_admin = RateLimit { burst: 6, ..FEW };
        config.rate_limit_address = RateLimit { burst: 7, ..FEW };
        config.client_address_header = Some("x-forwarded-for".into());
    })
    .await
}

/// Asserts that of these answers some were good and the rest was refused well.
fn check(answers: &[Answer], policy: &str, burst: usize, good: u16) {
    let passed = answers.iter().filter(|answer| answer.status == good).count();
    // The bucket gains one request each second, however long this took.
    assert!(passed >= burst && passed < answers.len(), "{passed} of {}", answers.len());
    for answer in answers {
        let header = |name: &str| answer.headers[name].to_str().expect("ASCII").to_owned();
        assert_eq!(header("ratelimit-policy"), format!("\"{policy}\";q={burst};w={burst}"));
        assert!(header("ratelimit").starts_with(&format!("\"{policy}\";r=")), "{}", header("ratelimit"));
        if answer.status != good {
            answer.problem(429, "rate_limited");
            assert_eq!(
                (header("ratelimit").split(';').nth(1), header("retry-after").as_str()),
                (Some("r=0"), "1")
            );
        }
    }
}

#[tokio::test]
async fn each_caller_has_a_bucket_of_its_own() {
    let app = limited().await;
    let (player, other) = (app.player().await, app.player().await);
    let answers = join_all((0..40).map(|_| player.get("/v1/characters"))).await;
    check(&answers, "player", 5, 200);
    let first = other.get("/v1/characters").await;
    assert_eq!(
        (first.status, first.headers["ratelimit"].to_str().expect("ASCII")),
        (200, "\"player\";r=4;t=1")
    );

    let ask = || send(app.owner(Method::GET, "/keys"));
    check(&join_all((0..40).map(|_| ask())).await, "admin", 6, 200);

    let stranger = |address: &'static str, token: Option<&'static str>| {
        let request = app.request(Method::GET, "/v1/characters").header("x-forwarded-for", address);
        send(match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
    };
    check(&join_all((0..40).map(|_| stranger("192.0.2.1", None))).await, "address", 7, 401);
    check(&join_all((0..40).map(|_| stranger("192.0.2.2", Some("rubbish")))).await, "address", 7, 401);
    stranger("192.0.2.3", None).await.problem(401, "token_missing");
    let open = || {
        let request = app.request(Method::GET, "/openapi.json").header("x-forwarded-for", "192.0.2.4");
        send(request.bearer_auth("rubbish"))
    };
    check(&join_all((0..40).map(|_| open())).await, "address", 7, 200);
    // A good token does not pay for bad ones from its address.
    let request = other.request(Method::GET, "/v1/characters").header("x-forwarded-for", "192.0.2.1");
    assert_eq!(send(request).await.status, 200);
    // Services have no limit.
    let beat = || {
        let request =
            app.request(Method::GET, "/internal/v1/hosts/hst_00000000000000000000000001/mail?since=0");
        send(request.bearer_auth(SERVICE_TOKEN))
    };
    assert!(join_all((0..40).map(|_| beat())).await.iter().all(|answer| answer.status == 200));
    assert!(app.metric("api_problems_total{code=\"rate_limited\"} ").await > 100);
}

#[tokio::test]
async fn pages_may_read_the_headers_and_use_every_method() {
    let app = App::start().await;
    let player = app.player().await;
    let origin = "http://page.example:8080";
    let answer = send(player.request(Method::GET, "/v1/characters").header("origin", origin)).await;
    let exposed = answer.headers["access-control-expose-headers"].to_str().expect("ASCII");
    for header in ["etag", "ratelimit", "ratelimit-policy", "retry-after", "x-correlation-id"] {
        assert!(exposed.split(", ").any(|name| name == header), "{header} in {exposed}");
    }
    let described: serde_json::Value = send(app.request(Method::GET, "/openapi.json")).await.ok(200);
    let preflight = app.request(Method::OPTIONS, "/v1/characters").header("origin", origin);
    let answer = send(preflight.header("access-control-request-method", "PUT")).await;
    let allows = |what: &str, name: &str| {
        let allowed = answer.headers[what].to_str().expect("ASCII");
        assert!(allowed.split(", ").any(|one| one == name), "{name} in {allowed}");
    };
    for operations in described["paths"].as_object().expect("paths").values() {
        for (method, operation) in operations.as_object().expect("operations") {
            allows("access-control-allow-methods", &method.to_uppercase());
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            for parameter in parameters.filter(|parameter| parameter["in"] == "header") {
                let name = parameter["name"].as_str().expect("a name").to_lowercase();
                allows("access-control-allow-headers", &name);
            }
        }
    }
}
