//! The configuration and the migrations, as a starting program meets them.

use std::process::Command;

use api_lambda::{MigrationError, migrations};
use aws_sdk_dynamodb::types::AttributeValue;

use crate::app::{Engine, config};

fn program(arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_api-lambda"));
    let output = command.args(arguments).envs(variables.iter().copied()).output().expect("the program runs");
    (output.status.code(), String::from_utf8(output.stderr).expect("text"))
}

#[test]
fn a_bad_configuration_is_one_line_for_each_fault_and_64() {
    let (code, lines) = program(&["--check-config"], &[("GRATICULE_API_REGION", "Über")]);
    assert_eq!(code, Some(64));
    let settings: Vec<_> = lines.lines().map(|line| line.split(':').next().expect("a setting")).collect();
    assert_eq!(settings, ["region", "service_token", "ticket_keys"], "{lines}");
    for (arguments, variables, words) in [
        (&["--config", "/nowhere.toml"][..], &[][..], "/nowhere.toml"),
        (&[], &[("GRATICULE_API_COLOUR", "red")], "colour"),
        (&[], &[("GRATICULE_API_REQUEST_TIMEOUT_MS", "soon")], "request_timeout_ms"),
    ] {
        let (code, lines) = program(arguments, variables);
        assert_eq!(code, Some(64), "{lines}");
        assert!(lines.to_lowercase().contains(words) && lines.lines().count() == 1, "{lines}");
    }
    let good = [
        ("GRATICULE_API_SERVICE_TOKEN", "0123456789abcdef0123456789abcdef"),
        ("GRATICULE_API_TICKET_KEYS", r#"[{kid="k",d="AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"}]"#),
    ];
    assert_eq!(program(&["--check-config"], &good), (Some(0), String::new()));
}

#[tokio::test]
async fn migrations_are_applied_once_and_a_foreign_store_is_refused() {
    let engine = Engine::start().await;
    let config = config(&engine, "http://127.0.0.1:1/");
    let first = migrations::apply(&config).await.expect("a fresh store");
    assert_eq!(first.first().map(|applied| applied.name), Some("0001_players"));
    assert_eq!(migrations::apply(&config).await.expect("the same store"), []);

    let client = engine.client();
    let record = |name: &str, content: &str| {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let put = client.put_item().table_name(format!("{}migrations", engine.table_prefix));
        put.item("pk", text(name)).item("content", text(content)).send()
    };
    record("9999_future", "x").await.expect("written");
    let error = migrations::apply(&config).await.expect_err("a newer store");
    assert!(matches!(&error, MigrationError::Unknown { name } if name == "9999_future"), "{error}");
    assert!(error.is_version_mismatch());
    record("schema", "7").await.expect("written");
    let error = migrations::apply(&config).await.expect_err("another schema");
    assert_eq!(error.kind(), "schema_version");
    let error = error.to_string();
    assert!(error.contains("schema version 7") && error.lines().count() == 1, "{error}");
}

#[tokio::test]
async fn migrations_say_when_there_is_no_store() {
    let mut engine = Engine::start_embedded().await;
    let config = config(&engine, "http://127.0.0.1:1/");
    engine.stop().await;
    let error = migrations::apply(&config).await.expect_err("no store");
    assert_eq!(error.kind(), "store_unavailable");
    assert!(!error.is_version_mismatch());
}

#[cfg(unix)]
#[tokio::test]
async fn the_server_ends_cleanly_and_says_when_its_address_is_taken() {
    let probe = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = probe.local_addr().expect("bound").to_string();
    let variables = [
        ("GRATICULE_API_LISTEN", address.as_str()),
        ("GRATICULE_API_SERVICE_TOKEN", "0123456789abcdef0123456789abcdef"),
        ("GRATICULE_API_TICKET_KEYS", r#"[{kid="k",d="AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"}]"#),
        ("GRATICULE_API_DYNAMODB_ENDPOINT", "http://127.0.0.1:1"),
        ("GRATICULE_API_LOG_FILTER", "warn"),
    ];
    let (code, lines) = program(&[], &variables);
    assert_eq!(code, Some(64), "{lines}");
    assert!(lines.contains(&address) && lines.lines().count() == 1, "{lines}");

    drop(probe);
    let mut command = Command::new(env!("CARGO_BIN_EXE_api-lambda"));
    let mut server = command.envs(variables).spawn().expect("the program runs");
    let health = format!("http://{address}/health");
    let started = std::time::Instant::now();
    let http = crate::app::http();
    while http.get(&health).send().await.is_err() {
        assert!(started.elapsed().as_secs() < 20, "the server answers");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let killed = Command::new("kill").arg(server.id().to_string()).status().expect("kill runs");
    assert!(killed.success());
    assert_eq!(server.wait().expect("it ends").code(), Some(0));
}
