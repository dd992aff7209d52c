//! Every shell example of docs/API.md, in its order, against the platform as the dev command runs it.

use std::path::Path;

use system_tests::dev::{answers, dev};
use tokio::process::Command;

const PORT: u16 = 17_610;

/// Wraps curl so that each request leaves a line with its status and its arguments, and what it answered.
const LOGGED_CURL: &str = r#"
set -euo pipefail
curl() {
    local out
    out=$(command curl -w '\n%{http_code}' "$@")
    echo "${out##*$'\n'} $* -> ${out%$'\n'*}" >&3
    printf '%s\n' "${out%$'\n'*}"
}
"#;

/// The indented blocks of a page of Markdown, in their order.
fn examples(page: &str) -> String {
    page.lines().filter_map(|line| line.strip_prefix("    ")).collect::<Vec<_>>().join("\n")
}

fn replace(script: &str, from: &str, to: &str) -> String {
    assert_eq!(script.matches(from).count(), 1, "the page says once: {from}");
    script.replace(from, to)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_of_the_guide_is_answered() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("api-guide");
    let _ = std::fs::remove_dir_all(&folder);
    let data = folder.to_str().expect("a path of text");
    let mut platform = dev(PORT, &["--bots", "4", "--data", data]).await;
    answers(&format!("http://127.0.0.1:{PORT}")).await;
    let secrets = std::fs::read_to_string(folder.join("graticule.json")).expect("the keys are kept");
    let secrets: serde_json::Value = serde_json::from_str(&secrets).expect("JSON");
    let owner_key = secrets["owner_key"].as_str().expect("an owner's key");

    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/API.md");
    let script = examples(&std::fs::read_to_string(page).expect("the page"));
    let script = replace(&script, "http://127.0.0.1:7601", &format!("http://127.0.0.1:{}", PORT + 1));
    let script = replace(&script, "http://127.0.0.1:7602", &format!("http://127.0.0.1:{}", PORT + 2));
    let script = replace(&script, "KEY=...", &format!("KEY={owner_key}"));
    let log = folder.join("answers");
    let run = Command::new("bash")
        .args(["-c", &format!("exec 3>{}\n{LOGGED_CURL}{script}", log.display())])
        .output()
        .await
        .expect("bash runs");
    let answers = std::fs::read_to_string(&log).expect("the answers");
    assert!(run.status.success(), "{}\n{answers}", String::from_utf8_lossy(&run.stderr));

    let is_right = |answer: &&str| {
        // Nobody has slain anything yet, which the page says is so answered.
        let has_no_score = answer.contains("/leaderboards/kills/characters/");
        if has_no_score {
            answer.starts_with("404") && answer.contains("\"no_score\"")
        } else {
            answer.starts_with('2')
        }
    };
    let wrong: Vec<&str> = answers.lines().filter(|answer| !is_right(answer)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let calls = script.lines().filter(|line| line.contains("call ") || line.contains("curl ")).count();
    // The line that defines `call` is no request of its own.
    assert_eq!(answers.lines().count(), calls - 1, "{answers}");
    platform.kill().await.expect("it was running");
}
