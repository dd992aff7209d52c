//! What names look like: texts that are read as the same have the same look.

use super::search_key;

/// What a text looks like: lower case, without separators, and with one character for all that look alike. Texts that
/// are spelled alike look alike, and a look looks like itself.
pub(crate) fn look(text: &str) -> String {
    // The dot that is left of a capital I with a dot.
    let letters = search_key(text).replace('\u{307}', "");
    let folded: String = letters.chars().map(alike).collect();
    folded.replace("rn", "m").replace("vv", "w")
}

/// The character that stands for all that look like `c`, which is in lower case.
fn alike(c: char) -> char {
    match c {
        '0' | 'о' | 'ο' | 'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' => 'o',
        '1' | 'l' | 'ı' | 'і' | 'ι' | 'ì' | 'í' | 'î' | 'ï' | 'ī' | 'ł' | 'ӏ' => 'i',
        '3' | 'е' | 'ё' | 'ε' | 'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ę' => 'e',
        '4' | 'а' | 'ɑ' | 'α' | 'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ą' => 'a',
        '5' | 'ѕ' | 'ß' | 'ś' | 'š' | 'ş' => 's',
        '7' | 'т' | 'τ' | 'ţ' | 'ť' => 't',
        '8' | 'в' | 'β' => 'b',
        '9' | 'ɡ' | 'ġ' | 'ğ' => 'g',
        'с' | 'ç' | 'ć' | 'č' => 'c',
        'р' | 'ρ' => 'p',
        'υ' | 'ù' | 'ú' | 'û' | 'ü' | 'ū' => 'u',
        'у' | 'ý' | 'ÿ' => 'y',
        'х' | 'χ' => 'x',
        'м' => 'm',
        'н' | 'һ' => 'h',
        'к' | 'κ' => 'k',
        'ν' => 'v',
        'ј' => 'j',
        'ԛ' => 'q',
        'ԝ' => 'w',
        'ñ' | 'ń' | 'η' | 'п' => 'n',
        'ԁ' | 'đ' | 'ď' => 'd',
        // Full-width letters and digits, letters in circles, and those of mathematics in all their styles.
        'ａ'..='ｚ' => nth(c, 'ａ', 'a', 26),
        '０'..='９' => nth(c, '０', '0', 10),
        'ⓐ'..='ⓩ' => nth(c, 'ⓐ', 'a', 26),
        '\u{1d400}'..='\u{1d6a3}' => nth(c, '\u{1d400}', 'a', 26),
        '\u{1d7ce}'..='\u{1d7ff}' => nth(c, '\u{1d7ce}', '0', 10),
        _ => c,
    }
}

/// What stands for `c` of the alphabets, or rows of digits, that follow on `first`: the one at its place among the `count`
/// from `plain` on.
fn nth(c: char, first: char, plain: char, count: u32) -> char {
    let place = (u32::from(c) - u32::from(first)) % count;
    char::from_u32(u32::from(plain) + place).map_or(c, alike)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Else a name could have the look of one name and be reserved under the look of another.
    #[test]
    fn a_look_looks_like_itself() {
        for c in (0..0x2_0000).filter_map(char::from_u32) {
            let seen = look(&c.to_string());
            assert_eq!(look(&seen), seen, "{c:?}");
        }
        for text in ["rrnn", "vvvv", "vνv", "Rrn", "cornn"] {
            let seen = look(text);
            assert_eq!(look(&seen), seen, "{text}");
        }
    }
}
