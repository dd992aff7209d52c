//! Gathers the faults of a catalogue, each as `place: what is wrong`. It knows no kind of content.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::RangeInclusive;

/// Most characters of a text for people.
const TITLE_CHARS_MAX: usize = 80;

/// Faults that were found so far.
#[derive(Debug, Default)]
pub(super) struct Checks {
    pub(super) faults: Vec<String>,
}

impl Checks {
    /// Demands that `good` holds of `place`.
    pub(super) fn demand(&mut self, good: bool, place: impl Display, fault: impl Display) {
        if !good {
            self.faults.push(format!("{place}: {fault}"));
        }
    }

    /// Demands that `value` is within `range`.
    pub(super) fn range<T: PartialOrd + Display + Copy>(
        &mut self,
        place: &str,
        value: T,
        range: RangeInclusive<T>,
    ) {
        let fault = format!("{value} is not from {} to {}", range.start(), range.end());
        self.demand(range.contains(&value), place, fault);
    }

    /// Demands a text for people.
    pub(super) fn title(&mut self, place: &str, text: &str) {
        let length = text.chars().take(TITLE_CHARS_MAX + 1).count();
        let good = (1..=TITLE_CHARS_MAX).contains(&length) && !text.chars().any(char::is_control);
        let fault = format!("a text of 1 to {TITLE_CHARS_MAX} characters on one line is needed");
        self.demand(good, place, fault);
    }

    /// Takes over what each entry of `list` finds wrong with itself, and demands that no two have one `name`.
    pub(super) fn each<'a, T, N: Ord + Display>(
        &mut self,
        list: &str,
        entries: &'a [T],
        name: impl Fn(&'a T) -> N,
        faults: impl Fn(&'a T) -> Vec<String>,
    ) {
        let mut names = BTreeSet::new();
        for (index, entry) in entries.iter().enumerate() {
            self.faults.extend(faults(entry).into_iter().map(|fault| format!("{list}[{index}].{fault}")));
            let name = name(entry);
            let fault = format!("{name} is in the list before");
            self.demand(names.insert(name), format_args!("{list}[{index}]"), fault);
        }
    }
}
