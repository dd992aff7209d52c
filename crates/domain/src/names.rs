//! The rules for names of characters.

use serde::{Deserialize, Serialize};

mod look;

pub(crate) use look::look;

/// Fewest characters of a name.
pub const NAME_CHARS_MIN: usize = 3;
/// Most characters of a name.
pub const NAME_CHARS_MAX: usize = 20;

/// A name that follows the rules: 3 to 20 letters and digits, single spaces, apostrophes and hyphens
/// between them, starting with a letter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, min_length = 3, max_length = 20))]
pub struct CharacterName(String);

/// Why a text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// Too short or too long.
    #[error("a name has 3 to 20 characters")]
    Length,
    /// Starts with something else.
    #[error("a name starts with a letter")]
    Start,
    /// A character that is not allowed, a control character among them.
    #[error("a name has only letters, digits, and single spaces, apostrophes or hyphens between them")]
    Character,
}

impl CharacterName {
    /// The name as it was chosen.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form that must be unique: what the name looks like, so that nobody has a name that is read as another's.
    #[must_use]
    pub fn reservation_key(&self) -> String {
        look(&self.0)
    }

    /// The form in which the name is searched for.
    #[must_use]
    pub fn search_key(&self) -> String {
        search_key(&self.0)
    }
}

/// The form in which names, and parts of them, are searched for: lower case, without separators. Names of one such form
/// look alike, and of those that look alike there is one at most.
#[must_use]
pub fn search_key(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

impl TryFrom<String> for CharacterName {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        // The length in bytes is looked at first, so that a huge text costs nothing.
        if text.len() > NAME_CHARS_MAX * 4
            || !(NAME_CHARS_MIN..=NAME_CHARS_MAX).contains(&text.chars().count())
        {
            return Err(InvalidName::Length);
        }
        let mut separated = true;
        for (index, c) in text.chars().enumerate() {
            let separator = matches!(c, ' ' | '\'' | '-');
            if index == 0 && !c.is_alphabetic() {
                return Err(if c.is_control() { InvalidName::Character } else { InvalidName::Start });
            }
            if !(c.is_alphanumeric() || separator && !separated) {
                return Err(InvalidName::Character);
            }
            separated = separator;
        }
        if separated { Err(InvalidName::Character) } else { Ok(Self(text)) }
    }
}

impl std::str::FromStr for CharacterName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        text.to_owned().try_into()
    }
}

impl From<CharacterName> for String {
    fn from(name: CharacterName) -> Self {
        name.0
    }
}

impl std::fmt::Display for CharacterName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_names_and_refuses_rubbish() {
        for name in ["Ada", "Jean-Luc", "O'Brien", "Åsa Öberg", "R2 D2", "李小龙"] {
            assert!(name.parse::<CharacterName>().is_ok(), "{name}");
        }
        for (text, reason) in [
            ("", InvalidName::Length),
            ("Al", InvalidName::Length),
            (&*"a".repeat(10_000), InvalidName::Length),
            ("1up", InvalidName::Start),
            (" Ada", InvalidName::Start),
            ("\u{7}bell", InvalidName::Character),
            ("Ada\n", InvalidName::Character),
            ("A\u{200b}da", InvalidName::Character),
            ("Ada  L", InvalidName::Character),
            ("Ada-", InvalidName::Character),
            ("<b>Ada", InvalidName::Start),
        ] {
            assert_eq!(text.parse::<CharacterName>(), Err(reason), "{text:?}");
        }
    }

    #[test]
    fn names_that_look_alike_share_a_reservation() {
        let key = |text: &str| text.parse::<CharacterName>().expect("a name").reservation_key();
        assert_eq!(key("Jean-Luc"), key("jean luc"));
        for text in
            ["Pаypal", "PaypaI", "Paypa1", "PAY-PAL", "Раураl", "Ｐａｙｐａｌ", "𝐏𝐚𝐲𝐩𝐚𝐥", "Ⓟⓐⓨⓟⓐⓛ", "Páypal"]
        {
            assert_eq!(key(text), key("Paypal"), "{text}");
        }
        assert_eq!(key("Barney"), key("Bamey"));
        assert_eq!(key("İda"), key("Ida"));
        let others =
            ["Paypal", "Paypa", "Payal", "Grace", "Hero 1", "Hero 2", "李小龙", "李小虎", "Владимир"];
        let keys: std::collections::BTreeSet<String> = others.map(key).into();
        assert_eq!(keys.len(), others.len(), "who does not look alike shares nothing: {keys:?}");
    }
}
