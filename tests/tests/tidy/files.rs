//! The files under version control.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The top of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the repository").to_owned()
}

/// A file: its path from the top, and its text.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// The text files that git tracks or would track.
pub(crate) fn sources() -> Vec<Source> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git runs");
    assert!(listed.status.success(), "git lists the files");
    let paths = String::from_utf8(listed.stdout).expect("paths are UTF-8");
    let read = |path: &str| {
        // A file that was removed but not yet committed, or a picture.
        let text = fs::read_to_string(root().join(path)).ok()?;
        Some(Source { path: path.to_owned(), text })
    };
    let sources: Vec<Source> = paths.lines().filter_map(read).collect();
    assert!(sources.len() > 50, "the repository is found");
    sources
}

pub(crate) fn rust() -> Vec<Source> {
    let is_rust = |source: &Source| Path::new(&source.path).extension().is_some_and(|end| end == "rs");
    sources().into_iter().filter(is_rust).collect()
}

/// Fails with every fault, so that one run shows all.
pub(crate) fn demand_none(rule: &str, faults: &[String]) {
    assert!(faults.is_empty(), "{rule}:\n  {}", faults.join("\n  "));
}
