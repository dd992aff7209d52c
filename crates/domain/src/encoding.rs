//! Crockford base32 of 128-bit numbers: 26 lower-case characters that sort as the numbers do.
//! Source: <https://www.crockford.com/base32.html>; the length is that of the ULID specification.

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Characters of one encoded number: 26 * 5 = 130 bits, of which the top two are zero.
pub const ENCODED_LEN: usize = 26;

/// Writes `value` as 26 lower-case Crockford base32 digits.
#[must_use]
pub fn encode_u128(value: u128) -> [u8; ENCODED_LEN] {
    let mut text = [0_u8; ENCODED_LEN];
    let mut rest = value;
    for digit in text.iter_mut().rev() {
        *digit = ALPHABET[(rest & 31) as usize];
        rest >>= 5;
    }
    text
}

/// Reads what [`encode_u128`] wrote. `None` for another length, a foreign character (upper case and the
/// look-alikes I, L, O and U included, so that one id has one spelling) or a number over 128 bits.
#[must_use]
pub fn decode_u128(text: &str) -> Option<u128> {
    let bytes = text.as_bytes();
    if bytes.len() != ENCODED_LEN || bytes[0] > b'7' {
        return None;
    }
    bytes.iter().try_fold(0_u128, |value, byte| {
        let digit = ALPHABET.iter().position(|letter| letter == byte)?;
        Some((value << 5) | digit as u128)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_and_keeps_the_order() {
        let values = [0, 1, 31, 32, u128::from(u64::MAX), u128::MAX - 1, u128::MAX];
        let texts: Vec<String> =
            values.iter().map(|v| String::from_utf8(encode_u128(*v).to_vec()).expect("ascii")).collect();
        for (value, text) in values.iter().zip(&texts) {
            assert_eq!(decode_u128(text), Some(*value), "{text}");
        }
        assert!(texts.is_sorted());
    }

    #[test]
    fn refuses_what_it_never_writes() {
        for text in [
            "",
            "0",
            "80000000000000000000000000",
            "0000000000000000000000000I",
            "é0000000000000000000000000",
        ] {
            assert_eq!(decode_u128(text), None, "{text}");
        }
    }
}
