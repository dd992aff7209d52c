//! The command as a studio starts it: what it refuses, what it keeps, and how it ends.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn graticule(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_graticule"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    graticule(arguments).output().expect("the command runs")
}

/// Demands exit code 64 and one line that says what is wrong.
fn refused(arguments: &[&str], says: &str) {
    let output = run(arguments);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{arguments:?}: {text}");
    assert_eq!(text.lines().count(), 1, "one line: {text}");
    assert!(text.contains(says), "{says:?} is not in {text:?}");
}

/// A folder of its own for a test, empty.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

#[test]
fn what_cannot_work_is_refused_in_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    // The page's port is free, the one after it is taken.
    let port = taken.local_addr().expect("bound").port();
    refused(&["dev", "--port", &(port - 1).to_string()], "cannot be had");
    refused(&["dev", "--zones", "hub,moon"], "there is no zone moon: there are hub, forest");
    refused(&["dev", "--port", "65535"], "--port");
    refused(&["bots", "--count", "0"], "--count");
    refused(&["bench", "walk", "--seconds", "1"], "--seconds");
}

#[test]
fn a_data_folder_of_another_version_is_refused() {
    let data = folder("old-data");
    std::fs::create_dir_all(&data).expect("made");
    let path = data.to_str().expect("UTF-8");
    std::fs::write(data.join("notes.txt"), "mine").expect("written");
    refused(&["dev", "--port", "21000", "--data", path], "is not empty");
    std::fs::write(data.join("graticule.json"), r#"{"format":0}"#).expect("written");
    refused(&["dev", "--port", "21010", "--data", path], "is of format 0, and this version writes format 1");
    std::fs::write(data.join("graticule.json"), "{").expect("written");
    refused(&["dev", "--port", "21020", "--data", path], "cannot be read");
    let file = data.join("notes.txt");
    refused(&["dev", "--port", "21030", "--data", file.to_str().expect("UTF-8")], "cannot be made");
    assert_eq!(
        std::fs::read_to_string(&file).expect("still there"),
        "mine",
        "nothing of the user's is touched"
    );
}

#[test]
fn bots_play_and_what_they_did_is_kept() {
    let data = folder("kept-data");
    let path = data.to_str().expect("UTF-8");
    for round in 0..2 {
        let output = run(&["dev", "--port", "21100", "--bots", "8", "--seconds", "5", "--data", path]);
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "round {round}: {text}");
        assert!(text.contains("play     http://127.0.0.1:21100"), "{text}");
        assert!(text.lines().any(|line| line.starts_with("players    8 ")), "{text}");
    }
    let newer = "INSERT INTO d1_migrations (name) VALUES ('9999_later.sql')";
    rusqlite::Connection::open(data.join("edge.sqlite"))
        .expect("opens")
        .execute(newer, [])
        .expect("inserted");
    let output = run(&["dev", "--port", "21100", "--bots", "0", "--seconds", "1", "--data", path]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{text}");
    assert!(text.contains("9999_later.sql"), "{text}");
}

#[test]
fn a_signal_drains_and_ends_with_zero() {
    let mut child =
        graticule(&["dev", "--port", "21200", "--bots", "5"]).stderr(Stdio::piped()).spawn().expect("runs");
    let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    let playing = lines.by_ref().map_while(Result::ok).find(|line| line.starts_with("players    5 "));
    assert!(playing.is_some(), "the bots come in");
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill runs").success());
    let rest: Vec<String> = lines.map_while(Result::ok).collect();
    assert!(child.wait().expect("ends").success(), "{rest:?}");
    assert!(rest.iter().any(|line| line.contains("draining")), "{rest:?}");
}

#[test]
fn a_killed_platform_starts_again_on_its_data() {
    let data = folder("killed-data");
    let path = data.to_str().expect("UTF-8");
    let arguments = ["dev", "--port", "21300", "--bots", "8", "--data", path];
    let mut child = graticule(&arguments).stderr(Stdio::piped()).spawn().expect("runs");
    let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    assert!(
        lines.by_ref().map_while(Result::ok).any(|line| line.starts_with("players    8 ")),
        "the bots come in"
    );
    refused(&["dev", "--port", "21310", "--data", path], "is in use by another graticule");
    child.kill().expect("is killed");
    child.wait().expect("is gone");
    // Its host has a lease for some seconds more: players are sent there first, and find their way all the same.
    let output = run(&[&arguments[..], &["--seconds", "12"]].concat());
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.lines().any(|line| line.starts_with("players    8 ")), "{text}");
}

#[test]
fn a_catalogue_is_shown_and_its_faults_are_told() {
    let shown = run(&["content", "show"]);
    assert!(shown.status.success());
    let folder = folder("content");
    std::fs::create_dir_all(&folder).expect("made");
    let file = folder.join("catalogue.json");
    let path = file.to_str().expect("UTF-8");
    std::fs::write(&file, &shown.stdout).expect("written");
    assert!(run(&["content", "check", path]).status.success(), "what is shown has no faults");
    let text = String::from_utf8(shown.stdout).expect("UTF-8");
    std::fs::write(&file, text.replace("\"tick_rate_hz\": 60", "\"tick_rate_hz\": 6")).expect("written");
    let output = run(&["content", "check", path]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    for zone in 0..2 {
        assert!(told.contains(&format!("zones[{zone}].tick_rate_hz: 6 is not from 10 to 128")), "{told}");
    }
    refused(&["content", "check", "/nowhere.json"], "cannot be read");
}
