//! Rules for the text of files.

use super::files::{Source, demand_none, root, rust, sources};

/// Files over 500 lines, with the length that they may not grow beyond.
const LONG_FILES: [(&str, usize); 0] = [];
const LINES_MAX: usize = 500;

fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/") || path.starts_with("tests/")
}

/// The part of a file before its tests.
fn code_of(source: &Source) -> &str {
    source.text.split("#[cfg(test)]").next().unwrap_or_default()
}

#[test]
fn every_file_says_what_it_owns() {
    let silent = rust().into_iter().filter(|source| !source.text.starts_with("//! "));
    demand_none(
        "the first line of a file is a //! sentence",
        &silent.map(|source| source.path).collect::<Vec<_>>(),
    );
}

#[test]
fn files_are_short() {
    let mut faults = Vec::new();
    for source in rust() {
        let lines = source.text.lines().count();
        let most =
            LONG_FILES.iter().find(|(path, _)| *path == source.path).map_or(LINES_MAX, |(_, most)| *most);
        if lines > most {
            faults.push(format!("{} has {lines} lines, {most} are allowed", source.path));
        }
        if source.path.ends_with("/mod.rs") {
            faults.push(format!("{}: modules are foo.rs beside foo/", source.path));
        }
    }
    demand_none("a file has at most 500 lines", &faults);
}

#[test]
fn nothing_is_left_undone() {
    // Written in two parts, so that this file is not found.
    let marks = [
        concat!("FIX", "ME"),
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
        concat!("#[ig", "nore"),
        concat!("db", "g!("),
    ];
    let mut faults = Vec::new();
    for source in rust() {
        for mark in marks {
            if source.text.contains(mark) {
                faults.push(format!("{}: {mark}", source.path));
            }
        }
    }
    demand_none("nothing is left undone", &faults);
}

#[test]
fn no_path_of_one_machine_is_committed() {
    let homes = [concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/wo", "rk/"), concat!("/Us", "ers/")];
    let names_one = |line: &str| homes.iter().any(|home| starts_a_path(line, home));
    let mut faults = Vec::new();
    for source in sources().into_iter().filter(|source| source.path != "Cargo.lock") {
        for (number, line) in (1..).zip(source.text.lines()).filter(|(_, line)| names_one(line)) {
            faults.push(format!("{}:{number}: {}", source.path, line.trim()));
        }
    }
    demand_none("paths of one machine are of no use on another", &faults);
}

/// Whether `home` begins a path in the line, rather than standing in the middle of one.
fn starts_a_path(line: &str, home: &str) -> bool {
    line.match_indices(home).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '/' | '.' | '_' | '-' | '}' | '$'))
    })
}

#[test]
fn paths_are_told_from_parts_of_paths() {
    let home = concat!("/ro", "ot/");
    assert!(starts_a_path(&format!("cd {home}x"), home));
    assert!(!starts_a_path(&format!("crates{home}x"), home));
}

/// What the pure crates must not know. Times and chance are passed in; hash maps have no order.
const IMPURE: [&str; 7] =
    ["Instant::now", "SystemTime", "thread::sleep", "HashMap", "HashSet", "env::var", "getrandom"];

#[test]
fn pure_crates_are_deterministic() {
    let mut faults = Vec::new();
    for source in rust().iter().filter(|source| !is_test(&source.path)) {
        let of =
            |names: &[&str]| names.iter().any(|name| source.path.starts_with(&format!("crates/{name}/src")));
        let code = code_of(source);
        if of(&["domain", "wire", "sim"]) {
            faults.extend(
                IMPURE
                    .iter()
                    .filter(|word| code.contains(**word))
                    .map(|word| format!("{}: {word}", source.path)),
            );
        }
        if of(&["wire", "sim"]) {
            let floats = ["f32", "f64"].into_iter().filter(|word| code.contains(word));
            faults.extend(floats.map(|word| format!("{}: {word}", source.path)));
        }
    }
    demand_none("domain, wire and sim know no clock, chance, order of hashes or floats", &faults);
}

#[test]
fn migrations_are_numbered_without_gaps() {
    for folder in ["migrations/d1", "migrations/dynamodb"] {
        let mut names: Vec<String> = std::fs::read_dir(root().join(folder))
            .expect("the folder is there")
            .map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"))
            .filter(|name| name != "README.md")
            .collect();
        names.sort();
        assert!(!names.is_empty());
        for (number, name) in (1..).zip(&names) {
            let (prefix, rest) = name.split_once('_').unwrap_or_default();
            let words = rest.split_once('.').is_some_and(|(words, _)| {
                !words.is_empty()
                    && words.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
            });
            assert!(prefix == format!("{number:04}") && words, "{folder}/{name} is not number {number:04}");
        }
    }
}

/// FNV-1a of 64 bits (Fowler, Noll and Vo).
fn fnv1a(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[test]
fn the_protocol_is_described_as_it_is() {
    assert_eq!(fnv1a("a".bytes()), 0xaf63_dc4c_8601_ec8c, "the published vector");
    let mut sources = rust();
    sources.retain(|source| source.path.starts_with("crates/wire/src/") && !is_test(&source.path));
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    let hash = fnv1a(sources.iter().flat_map(|source| source.text.bytes()));
    let expected = format!("Source hash: {hash:016x}");
    let protocol = std::fs::read_to_string(root().join("crates/wire/PROTOCOL.md")).expect("PROTOCOL.md");
    assert!(
        protocol.lines().any(|line| line == expected),
        "crates/wire/src has changed: read crates/wire/PROTOCOL.md again, mend what is not true any more, \
         raise WIRE_VERSION if old clients would misread it, then write this line into it: {expected}"
    );
}
