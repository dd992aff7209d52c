//! The whole platform as the dev command runs it, in a process of its own.

use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};

/// Builds the command and starts it with its page at `port`. It ends when the child is dropped.
pub async fn dev(port: u16, arguments: &[&str]) -> Child {
    let build = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--workspace", "--bin", "graticule"])
        .status();
    assert!(build.await.expect("cargo runs").success(), "the command builds");
    // The package of the command is another one, so cargo does not tell where its program is.
    let program = std::env::current_exe().expect("a test program");
    let program = program.ancestors().nth(2).expect("target/profile/deps").join("graticule");
    let mut command = Command::new(program);
    command.args(["dev", "--port", &port.to_string()]).args(arguments);
    command.stdin(Stdio::null()).kill_on_drop(true).spawn().expect("the command is built")
}

/// Waits until something answers there.
pub async fn answers(url: &str) {
    let give_up = Instant::now() + Duration::from_secs(30);
    let http = crate::http_client();
    while http.get(url).send().await.is_err() {
        assert!(Instant::now() < give_up, "{url} does not answer");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
