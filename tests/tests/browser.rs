//! The page in Chromium, on the whole platform as the dev command runs it.

use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};

const PORT: u16 = 17_600;

fn dev() -> Child {
    // The package of the command is another one, so cargo does not tell where its program is.
    let program = std::env::current_exe().expect("a test program");
    let program = program.ancestors().nth(2).expect("target/profile/deps").join("graticule");
    let mut command = Command::new(program);
    command.args(["dev", "--bots", "30", "--seconds", "150", "--port", &PORT.to_string()]);
    command.stdin(Stdio::null()).kill_on_drop(true).spawn().expect("the command is built")
}

async fn answers(url: &str) {
    let give_up = Instant::now() + Duration::from_secs(30);
    let http = system_tests::http_client();
    while http.get(url).send().await.is_err() {
        assert!(Instant::now() < give_up, "{url} does not answer");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn play(arguments: &[&str]) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/browser/play.mjs");
    let output = Command::new("node").arg(script).args(arguments).output().await.expect("node runs");
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_played_on() {
    let build = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--workspace", "--bin", "graticule"])
        .status();
    assert!(build.await.expect("cargo runs").success());
    let mut platform = dev();
    let page = format!("http://127.0.0.1:{PORT}");
    answers(&page).await;
    println!("{}", play(&[&page]).await);
    println!("{}", play(&[&page, "--edge-down"]).await);
    // The bots play on while the page is used; a fault of theirs is a failure of the command.
    let pid = platform.id().expect("it runs").to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.expect("kill runs").success());
    assert!(platform.wait().await.expect("it ends").success(), "drains and ends with 0");
}
