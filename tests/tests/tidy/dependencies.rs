//! The dependency law: what the pure crates may know, and which crate may know which.

use std::process::Command;

use super::files::{demand_none, root, sources};

/// What would tie a pure crate to a runtime, a cloud, a GPU or a socket.
const FORBIDDEN: [&str; 8] = ["tokio", "wgpu", "aws-", "worker", "hyper", "reqwest", "axum", "mio"];
/// What would bring chance into a world. Signing brings it to `token`, where it does no harm.
const CHANCE: [&str; 2] = ["rand", "getrandom"];

/// The pure crates, and which of ours each may know.
const PURE: [(&str, &[&str]); 5] = [
    ("domain", &[]),
    ("contest", &["domain"]),
    ("wire", &["domain"]),
    ("sim", &["domain", "wire"]),
    ("token", &["domain"]),
];
const OURS: [&str; 11] = [
    "domain",
    "contest",
    "wire",
    "sim",
    "token",
    "client",
    "edge",
    "api-lambda",
    "zonehost",
    "graticule",
    "system-tests",
];

/// Names of all crates that `package` is built with, its own left out.
fn dependencies(package: &str, all_features: bool) -> Vec<String> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["tree", "-p", package, "-e", "normal", "--prefix", "none", "--format", "{p}", "--offline"]);
    if all_features {
        command.arg("--all-features");
    }
    let output = command.current_dir(root()).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    names(&String::from_utf8_lossy(&output.stdout), package)
}

fn names(tree: &str, package: &str) -> Vec<String> {
    let names = tree.lines().filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != package).map(str::to_owned).collect()
}

fn is_forbidden(name: &str, forbidden: &[&str]) -> bool {
    forbidden.iter().any(|word| name == *word || word.ends_with('-') && name.starts_with(word))
}

#[test]
fn forbidden_crates_are_recognised() {
    assert!(is_forbidden("tokio", &FORBIDDEN) && is_forbidden("aws-config", &FORBIDDEN));
    assert!(!is_forbidden("tokio-util-like", &FORBIDDEN) && !is_forbidden("serde", &FORBIDDEN));
    assert_eq!(names("wire v0.1.0\ndomain v0.1.0\nserde v1 (*)\n", "wire"), ["domain", "serde"]);
}

#[test]
fn pure_crates_know_nothing_of_the_world_outside() {
    let mut faults = Vec::new();
    for (package, ours) in PURE {
        for all_features in [false, true] {
            for name in dependencies(package, all_features) {
                let chance = package != "token" && is_forbidden(&name, &CHANCE);
                let foreign = OURS.contains(&name.as_str()) && !ours.contains(&name.as_str());
                if is_forbidden(&name, &FORBIDDEN) || chance || foreign {
                    faults.push(format!("{package} is built with {name}"));
                }
            }
        }
    }
    demand_none("the pure crates stay pure", &faults);
    assert!(dependencies("zonehost", false).iter().any(|name| name == "tokio"), "the check can see tokio");
}

#[test]
fn packages_inherit_lints_and_versions() {
    let mut faults = Vec::new();
    let mut packages = 0;
    for source in sources().into_iter().filter(|source| source.path.ends_with("/Cargo.toml")) {
        if source.path.contains("/fuzz/") {
            // cargo-fuzz demands a workspace of its own.
            continue;
        }
        packages += 1;
        if !source.text.contains("[lints]\nworkspace = true") {
            faults.push(format!("{} does not inherit the lints", source.path));
        }
        for line in own_versions(&source.text) {
            faults.push(format!("{}: {line}", source.path));
        }
    }
    assert_eq!(packages, OURS.len(), "every package is listed in OURS");
    demand_none("versions stand in [workspace.dependencies], lints in [workspace.lints]", &faults);
}

#[test]
fn cargo_run_starts_the_command() {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let defaults: Vec<&str> = packages.iter().filter_map(|package| package["default_run"].as_str()).collect();
    assert_eq!(
        defaults,
        ["graticule"],
        "with another number of them, `cargo run -- dev` does not know which to start"
    );
}

/// Lines of a manifest's dependencies that name a version.
fn own_versions(manifest: &str) -> Vec<&str> {
    let mut in_dependencies = false;
    let mut found = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            in_dependencies = line.contains("dependencies");
        } else if in_dependencies
            && line.contains('=')
            && !line.trim_start().starts_with('#')
            && !line.contains("workspace")
        {
            found.push(line);
        }
    }
    found
}

#[test]
fn versions_are_recognised() {
    let manifest = "[package]\nversion = \"1\"\n[dependencies]\na.workspace = true\nb = \"1\"\n[dev-dependencies]\nc = { workspace = true }\nd = { version = \"2\" }\n";
    assert_eq!(own_versions(manifest), ["b = \"1\"", "d = { version = \"2\" }"]);
}

#[test]
fn the_map_names_every_crate() {
    let map = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml");
    let members =
        manifest.split("members = [").nth(1).and_then(|rest| rest.split(']').next()).expect("members");
    let missing = members.split('"').skip(1).step_by(2).filter(|path| !map.contains(&format!("`{path}`")));
    demand_none("ARCHITECTURE.md names every crate", &missing.map(str::to_owned).collect::<Vec<_>>());
}
