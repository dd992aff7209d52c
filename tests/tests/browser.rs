//! The page in Chromium, on the whole platform as the dev command runs it.

use system_tests::dev::{answers, dev};
use tokio::process::Command;

const PORT: u16 = 17_600;

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
    let mut platform = dev(PORT, &["--bots", "30", "--seconds", "150"]).await;
    let page = format!("http://127.0.0.1:{PORT}");
    answers(&page).await;
    println!("{}", play(&[&page]).await);
    println!("{}", play(&[&page, "--edge-down"]).await);
    // The bots play on while the page is used; a fault of theirs is a failure of the command.
    let pid = platform.id().expect("it runs").to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.expect("kill runs").success());
    assert!(platform.wait().await.expect("it ends").success(), "drains and ends with 0");
}
