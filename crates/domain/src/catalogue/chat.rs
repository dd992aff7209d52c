//! What may be said: the words of the catalogue that chat replaces by stars.

use serde::{Deserialize, Serialize};

/// The rules of chat.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatRules {
    /// Words that are replaced by stars wherever they stand alone, in any case. Letters and digits only, at most
    /// 1,000 words of at most 32 characters.
    pub blocked_words: Vec<String>,
}

/// Most words.
const WORDS_MAX: usize = 1_000;
/// Most characters of a word.
const WORD_CHARS_MAX: usize = 32;

impl ChatRules {
    /// What is wrong with these rules.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.blocked_words.len() > WORDS_MAX {
            faults.push(format!("chat: there are more than {WORDS_MAX} blocked words"));
        }
        for word in &self.blocked_words {
            let fits = (1..=WORD_CHARS_MAX).contains(&word.chars().count());
            if !fits || !word.chars().all(char::is_alphanumeric) {
                faults.push(format!(
                    "chat: the blocked word {word:?} is not 1 to {WORD_CHARS_MAX} letters and digits"
                ));
            }
        }
        faults
    }

    /// The text with stars for each letter of a blocked word. A word within another one is left alone, or harmless
    /// words would suffer.
    #[must_use]
    pub fn clean(&self, text: &str) -> String {
        if self.blocked_words.is_empty() {
            return text.to_owned();
        }
        let mut clean = String::with_capacity(text.len());
        let mut word = String::new();
        for c in text.chars() {
            if c.is_alphanumeric() {
                word.push(c);
            } else {
                self.push_word(&mut clean, &mut word);
                clean.push(c);
            }
        }
        self.push_word(&mut clean, &mut word);
        clean
    }

    fn push_word(&self, clean: &mut String, word: &mut String) {
        let lower = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<String>();
        let said = lower(word);
        if !word.is_empty() && self.blocked_words.iter().any(|blocked| lower(blocked) == said) {
            clean.extend(word.chars().map(|_| '*'));
        } else {
            clean.push_str(word);
        }
        word.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(words: &[&str]) -> ChatRules {
        ChatRules { blocked_words: words.iter().map(|word| (*word).to_owned()).collect() }
    }

    #[test]
    fn blocked_words_become_stars_where_they_stand_alone() {
        let rules = rules(&["darn", "Übel"]);
        for (said, heard) in [
            ("darn", "****"),
            ("DaRn, it is ÜBEL!", "****, it is ****!"),
            ("darning is fine", "darning is fine"),
            ("a_darn_thing", "a_****_thing"),
            ("", ""),
            ("nothing", "nothing"),
        ] {
            assert_eq!(rules.clean(said), heard);
        }
        assert_eq!(ChatRules::default().clean("darn"), "darn");
    }

    #[test]
    fn words_that_can_never_be_said_are_faults() {
        assert!(rules(&["darn", "1337"]).faults().is_empty());
        assert_eq!(rules(&["", "two words", &"a".repeat(33)]).faults().len(), 3);
        assert_eq!(ChatRules { blocked_words: vec!["a".into(); 1_001] }.faults().len(), 1);
    }
}
