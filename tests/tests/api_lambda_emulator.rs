//! The API as a Lambda function: the program itself under cargo-lambda's emulator of the Lambda runtime, over
//! the embedded store engine. A host registers, a player makes a character and joins.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use domain::contract::Problem;
use domain::contract::hosts::{HostRegistered, RegisterHost};
use domain::contract::players::{Character, CreateCharacter, JoinRequest, JoinResponse};
use domain::ids::{AccountId, HostId};
use reqwest::{Client, RequestBuilder};
use system_tests::platform::{SERVICE_TOKEN, Surroundings, listener, now};
use token::verify_ticket;

/// 32 bytes of 0x09 in base64url.
const TICKET_SEED: &str = "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk";

/// A child process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already; there is nothing more to do about a failure here.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The emulator: named by GRATICULE_CARGO_LAMBDA, installed by the test script, or on the PATH.
fn emulator() -> PathBuf {
    if let Some(named) = std::env::var_os("GRATICULE_CARGO_LAMBDA") {
        return named.into();
    }
    let installed = root().join(".tools/venv/bin/cargo-lambda");
    if installed.exists() { installed } else { "cargo-lambda".into() }
}

/// The program, built with the profile of this test.
fn api_program() -> PathBuf {
    let test = std::env::current_exe().expect("the test has a path");
    let profile = test.parent().and_then(Path::parent).expect("target/<profile>/deps");
    let mut build = Command::new(env!("CARGO"));
    build.current_dir(root()).args(["build", "--quiet", "--locked", "--workspace", "--bin", "api-lambda"]);
    if profile.ends_with("release") {
        build.arg("--release");
    }
    assert!(build.status().expect("cargo runs").success(), "the API is built");
    profile.join("api-lambda")
}

struct Function {
    url: String,
    http: Client,
    _processes: [Running; 2],
}

impl Function {
    /// Starts the emulator, and the program as its function.
    async fn start(around: &Surroundings) -> Self {
        let program = api_program();
        let (probe, _) = listener().await;
        let port = probe.local_addr().expect("bound").port();
        drop(probe);
        let emulator = Command::new(emulator())
            .current_dir(root())
            .args(["lambda", "watch", "--only-lambda-apis", "--ignore-changes"])
            .args(["--invoke-address", "127.0.0.1", "--invoke-port", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect(
                "cargo-lambda starts: `pip install -r tests/requirements.txt` into .tools/venv brings it",
            );
        let emulator = Running(emulator);
        wait_for_port(port).await;
        let function = Command::new(program)
            .env("AWS_LAMBDA_RUNTIME_API", format!("http://127.0.0.1:{port}/.rt/api-lambda"))
            .env("AWS_LAMBDA_FUNCTION_NAME", "api-lambda")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .env("GRATICULE_API_LOG_FILTER", "warn")
            .env("GRATICULE_API_EDGE_JWKS_URL", &around.edge_jwks_url)
            .env("GRATICULE_API_DYNAMODB_ENDPOINT", &around.store)
            .env("GRATICULE_API_SERVICE_TOKEN", SERVICE_TOKEN)
            .env("GRATICULE_API_TICKET_KEYS", format!("[{{kid=\"ticket-1\",d=\"{TICKET_SEED}\"}}]"))
            .spawn()
            .expect("the API starts");
        Self {
            url: format!("http://127.0.0.1:{port}/lambda-url/api-lambda"),
            http: system_tests::http_client(),
            // The function first, so that it never looks for an emulator that is gone.
            _processes: [Running(function), emulator],
        }
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.url))
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.http.post(format!("{}{path}", self.url))
    }
}

async fn wait_for_port(port: u16) {
    let started = Instant::now();
    while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        assert!(started.elapsed() < Duration::from_secs(30), "the emulator listens within 30 s");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn answer<T: serde::de::DeserializeOwned>(request: RequestBuilder, status: u16) -> T {
    let response = request.send().await.expect("an answer");
    let found = response.status().as_u16();
    let text = response.text().await.expect("a body");
    assert_eq!(found, status, "{text}");
    serde_json::from_str(&text).expect(&text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_joins_through_the_lambda_function() {
    let around = Surroundings::start().await;
    let function = Function::start(&around).await;
    let now = now();

    let host = HostId::new(now, 1);
    let body = RegisterHost {
        host,
        region: "local".into(),
        url: "ws://127.0.0.1:7200".into(),
        wire_version: 1,
        zones: vec!["forest".parse().expect("a zone")],
    };
    let request = function.post("/internal/v1/hosts").bearer_auth(SERVICE_TOKEN).json(&body);
    let registered: HostRegistered = answer(request, 200).await;

    let account = AccountId::new(now, 2);
    let token = around.access_token(account);
    let body = CreateCharacter { name: "Ada".parse().expect("a name") };
    let character: Character =
        answer(function.post("/v1/characters").bearer_auth(&token).json(&body), 201).await;
    let request = function.post("/v1/zones/forest/join").bearer_auth(&token);
    let request = request.header("idempotency-key", "join-1").json(&JoinRequest { character: character.id });
    let joined: JoinResponse = answer(request, 200).await;
    assert_eq!((joined.host, joined.instance), (host, registered.instances[0].instance));
    let ticket = verify_ticket(&joined.ticket, &registered.lease.ticket_keys, host, now).expect("a ticket");
    assert_eq!((ticket.sub, ticket.character), (account, character.id));

    // Queries, problems and their headers pass through Lambda too.
    let request = function.get("/v1/leaderboards/kills?limit=0").bearer_auth(&token);
    let problem: Problem = answer(request, 400).await;
    assert_eq!(problem.code, "bad_query");
    let response = function.get("/v1/characters").send().await.expect("an answer");
    assert_eq!(response.status().as_u16(), 401);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert!(response.headers().contains_key("x-correlation-id"));
}
