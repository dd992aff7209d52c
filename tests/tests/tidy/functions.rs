//! Functions are short enough to be seen at once.

use super::files::{demand_none, rust};

const LINES_MAX: usize = 70;

/// Functions of a formatted source: the name, and the lines from `fn` to the closing brace. A function ends
/// at the first line that is a brace as far in as the line that began it.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = name_of_function(line) else { continue };
        let indent = line.len() - line.trim_start().len();
        let end = lines[start..].iter().position(|line| {
            line.len() - line.trim_start().len() == indent
                && (*line).trim_end() == format!("{:indent$}}}", "")
                || line.trim_end().ends_with("{}") && line.len() - line.trim_start().len() == indent
                || line.trim_end().ends_with(';') && line.len() - line.trim_start().len() == indent
        });
        found.push((name, end.unwrap_or(0) + 1));
    }
    found
}

fn name_of_function(line: &str) -> Option<String> {
    let mut words = line.trim_start();
    for prefix in ["pub(crate) ", "pub(super) ", "pub ", "const ", "async ", "unsafe "] {
        words = words.strip_prefix(prefix).unwrap_or(words);
    }
    let name = words.strip_prefix("fn ")?;
    Some(name.split(['(', '<']).next().unwrap_or_default().to_owned())
}

#[test]
fn functions_are_measured() {
    let text = "fn one() {\n    two();\n}\n\nimpl X {\n    pub const fn three(\n        a: u8,\n    ) -> u8 {\n        if a {\n        }\n        a\n    }\n    fn four();\n    fn five() {}\n}\n";
    let expected = [("one", 3), ("three", 7), ("four", 1), ("five", 1)];
    assert_eq!(functions(text), expected.map(|(name, lines)| (name.to_owned(), lines)));
}

#[test]
fn functions_are_short() {
    let mut faults = Vec::new();
    let mut count = 0;
    for source in rust() {
        for (name, lines) in functions(&source.text) {
            count += 1;
            if lines > LINES_MAX {
                faults.push(format!("{}: {name} has {lines} lines", source.path));
            }
        }
    }
    assert!(count > 300, "functions are found: {count}");
    demand_none("a function has at most 70 lines", &faults);
}
