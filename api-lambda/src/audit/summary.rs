//! What the audit log keeps of a body: enough to know what was asked for, and no secret.

use domain::limits::BODY_BYTES_MAX;
use serde_json::Value;

/// Most characters of one text.
const TEXT_CHARS_MAX: usize = 200;
/// Most characters of a body.
const BODY_CHARS_MAX: usize = 2_000;
/// Most characters of a reason, as the routes allow it.
const REASON_CHARS_MAX: usize = 500;
/// Fields whose names hold one of these words are kept by name only.
const SECRETS: [&str; 3] = ["secret", "token", "password"];

/// The beginning of a text.
pub(super) fn shorten(text: &str) -> String {
    cut(text, TEXT_CHARS_MAX)
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{} ...", &text[..end]),
        None => text.to_owned(),
    }
}

/// What is kept of a body; none of an empty one.
pub(super) fn of_body(body: &[u8]) -> Option<String> {
    if body.is_empty() {
        return None;
    }
    if body.len() > BODY_BYTES_MAX {
        return Some(format!("over {BODY_BYTES_MAX} bytes"));
    }
    Some(match serde_json::from_slice(body) {
        Ok(value) => cut(&without_secrets(value).to_string(), BODY_CHARS_MAX),
        Err(_) => format!("{} bytes that are not JSON", body.len()),
    })
}

fn without_secrets(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(shorten(&text)),
        Value::Array(values) => values.into_iter().map(without_secrets).collect(),
        Value::Object(fields) => {
            let keep = |(name, value): (String, Value)| {
                let lower = name.to_lowercase();
                let secret = SECRETS.iter().any(|word| lower.contains(word));
                (
                    shorten(&name),
                    if secret { Value::String("(secret)".into()) } else { without_secrets(value) },
                )
            };
            Value::Object(fields.into_iter().map(keep).collect())
        }
        other => other,
    }
}

/// The field `reason` of the body, or the parameter `reason` of the query, which calls without a body have.
pub(super) fn reason(body: &[u8], query: Option<&str>) -> Option<String> {
    let in_body = || {
        let value: Value = serde_json::from_slice(body.get(..body.len().min(BODY_BYTES_MAX))?).ok()?;
        value.get("reason")?.as_str().map(str::to_owned)
    };
    let in_query = || {
        let pairs = query?.split('&').filter_map(|pair| pair.split_once('='));
        let value = pairs.filter(|(name, _)| *name == "reason").map(|(_, value)| value).next()?;
        Some(decode(value))
    };
    in_body().or_else(in_query).filter(|text| !text.is_empty()).map(|text| cut(&text, REASON_CHARS_MAX))
}

/// A value of a query without its escapes; what is no escape stays as it is.
fn decode(value: &str) -> String {
    let bytes = value.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = value.get(at + 1..at + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (byte, hex) {
            (b'%', Some(escaped)) => {
                decoded.push(escaped);
                at += 3;
                continue;
            }
            (b'+', _) => decoded.push(b' '),
            _ => decoded.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_long_texts_stay_out() {
        let body = br#"{"name":"bot","Api_Token":"s3cret","inner":[{"password":7}],"big":"BIG"}"#;
        let body = String::from_utf8_lossy(body).replace("BIG", &"x".repeat(5_000));
        let kept = of_body(body.as_bytes()).expect("a summary");
        assert!(
            kept.contains("\"name\":\"bot\"") && !kept.contains("s3cret") && !kept.contains('7'),
            "{kept}"
        );
        assert!(kept.len() < 500, "{kept}");
        assert_eq!(of_body(b""), None);
        assert_eq!(of_body(b"\xff\xfe{").as_deref(), Some("3 bytes that are not JSON"));
        assert_eq!(of_body(&[b' '; BODY_BYTES_MAX + 1]).as_deref(), Some("over 65536 bytes"));
        let wide = serde_json::to_vec(&vec!["y"; 10_000]).expect("JSON");
        assert!(of_body(&wide).expect("a summary").chars().count() <= BODY_CHARS_MAX + 4);
    }

    #[test]
    fn a_reason_is_found_in_body_and_query() {
        assert_eq!(reason(br#"{"reason":"cheats"}"#, None).as_deref(), Some("cheats"));
        assert_eq!(reason(b"", Some("a=1&reason=it%20was+me%2")).as_deref(), Some("it was me%2"));
        assert_eq!(reason(b"{}", Some("areason=x")), None);
        assert_eq!(reason(br#"{"reason":7}"#, None), None);
    }
}
