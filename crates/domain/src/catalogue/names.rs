//! Which names characters may not have: those of the people who run the game, and what the studio does not want
//! to read. Names are compared as they look: `Adm1n` is `Admin`.

use serde::{Deserialize, Serialize};

use crate::names::{CharacterName, look};

/// Longest entry of the lists: as long as a name.
const ENTRY_CHARS_MAX: usize = 20;

/// Most entries of each list: each new name is compared with all.
const ENTRIES_MAX: usize = 10_000;

/// Names that are refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NameRules {
    /// Not a name, and not a word of one, with or without digits at its end: `admin` refuses `Admin`, `GM-Admin`
    /// and `Adm1n 7`, but not `Badminton`.
    #[serde(default)]
    pub reserved: Vec<String>,
    /// Nowhere in a name, even across its words.
    #[serde(default)]
    pub forbidden: Vec<String>,
}

impl NameRules {
    /// The names of those who run the game. What else is not wanted is for the studio to say.
    #[must_use]
    pub fn builtin() -> Self {
        let reserved = [
            "admin",
            "administrator",
            "developer",
            "game master",
            "gamemaster",
            "gm",
            "graticule",
            "mod",
            "moderator",
            "official",
            "operator",
            "owner",
            "root",
            "server",
            "staff",
            "support",
            "system",
        ];
        Self { reserved: reserved.map(str::to_owned).to_vec(), forbidden: Vec::new() }
    }

    /// Whether a character may have this name.
    #[must_use]
    pub fn allows(&self, name: &CharacterName) -> bool {
        let whole = look(name.as_str());
        let words = name.as_str().split(|c: char| !c.is_alphanumeric()).chain([name.as_str()]);
        let words: Vec<String> =
            words.flat_map(|word| [look(word), look(word.trim_end_matches(char::is_numeric))]).collect();
        let reserved = self.reserved.iter().map(|entry| look(entry));
        let mut forbidden = self.forbidden.iter().map(|entry| look(entry));
        !(reserved.into_iter().any(|entry| words.contains(&entry))
            || forbidden.any(|entry| !entry.is_empty() && whole.contains(&entry)))
    }

    /// What is wrong with the rules, one sentence for each fault.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (list, entries) in [("reserved", &self.reserved), ("forbidden", &self.forbidden)] {
            if entries.len() > ENTRIES_MAX {
                faults.push(format!("names: {list} has more than {ENTRIES_MAX} entries"));
            }
            let unfit = |entry: &&String| look(entry).is_empty() || entry.chars().count() > ENTRY_CHARS_MAX;
            faults.extend(
                entries
                    .iter()
                    .filter(unfit)
                    .map(|entry| format!("names: {entry:?} in {list} is empty or longer than a name can be")),
            );
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_names_are_refused_however_they_are_written() {
        let rules = NameRules { forbidden: vec!["b00gie".into()], ..NameRules::builtin() };
        assert_eq!(rules.faults(), Vec::<String>::new());
        let allows = |text: &str| rules.allows(&text.parse().expect(text));
        for text in [
            "Admin",
            "ADMIN",
            "a-d-m-i-n",
            "Adm1n",
            "AdmIn",
            "Admln",
            "Adrnin",
            "Admin 7",
            "Admin007",
            "GM Bob",
            "Bob the Mod",
            "Аdmin",
            "Ädmin",
            "Ａｄｍｉｎ",
            "Game-Master",
            "Systern",
            "Graticu1e",
            "Bo Ogie",
            "XxBoogieXx",
        ] {
            assert!(!allows(text), "{text}");
        }
        for text in ["Ada", "Badminton", "Modesty", "Gmork", "Rooty", "Adam", "Stafford", "Владимир"]
        {
            assert!(allows(text), "{text}");
        }
    }

    #[test]
    fn empty_and_long_entries_are_faults() {
        let rules = NameRules { reserved: vec!["-".into(), "ok".into()], forbidden: vec!["x".repeat(21)] };
        assert_eq!(rules.faults().len(), 2, "{:?}", rules.faults());
        assert!(rules.allows(&"Ada".parse().expect("a name")));
    }
}
