//! Passwords: argon2id with the parameters that OWASP recommends for 19 MiB.

use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::error::EdgeError;

/// Characters of a password.
pub(crate) const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 10..=128;

fn argon2() -> Argon2<'static> {
    let params = Params::new(19_456, 2, 1, None).expect("constant parameters");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// The hash of a password in the PHC string format.
pub(crate) fn hash(password: &str, salt: [u8; 16]) -> String {
    let salt = SaltString::encode_b64(&salt).expect("16 bytes are a salt");
    argon2().hash_password(password.as_bytes(), &salt).expect("the length is checked").to_string()
}

/// Whether the password is the one of `hash`. Without a hash the same work is done, so that the time does
/// not tell whether there is an account.
pub(crate) fn verify(password: &str, hash_or_none: Option<&str>) -> bool {
    let Some(text) = hash_or_none else {
        hash(password, [7; 16]);
        return false;
    };
    PasswordHash::new(text).is_ok_and(|parsed| argon2().verify_password(password.as_bytes(), &parsed).is_ok())
}

/// Checks the form of an e-mail address and gives it in lower case.
pub(crate) fn check_email(email: &str) -> Result<String, EdgeError> {
    let email = email.trim().to_lowercase();
    let well_formed = email.len() <= 254
        && !email.chars().any(|c| c.is_whitespace() || c.is_control())
        && email.split_once('@').is_some_and(|(local, host)| {
            !local.is_empty()
                && host.contains('.')
                && !host.contains('@')
                && !host.starts_with('.')
                && !host.ends_with('.')
        });
    if well_formed {
        Ok(email)
    } else {
        Err(EdgeError::BadRequest("email is not an e-mail address".to_owned()))
    }
}

/// Checks the form of an e-mail address and a password; gives the address in lower case.
pub(crate) fn check_form(email: &str, password: &str) -> Result<String, EdgeError> {
    let email = check_email(email)?;
    if !PASSWORD_CHARS.contains(&password.chars().count()) {
        return Err(EdgeError::BadRequest("password must have 10 to 128 characters".to_owned()));
    }
    Ok(email)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_by_its_hash() {
        let text = hash("correct horse battery", [1; 16]);
        assert!(text.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(verify("correct horse battery", Some(&text)));
        assert!(!verify("correct horse batterz", Some(&text)));
        assert!(!verify("no account has this password", None));
    }

    #[test]
    fn forms_are_checked() {
        assert_eq!(check_form(" Ada@Example.org ", "0123456789").ok(), Some("ada@example.org".into()));
        for email in ["", "a", "@b.c", "a@b", "a b@c.d", "a@@b.c", "a@.c", "a@b."] {
            assert!(check_form(email, "0123456789").is_err(), "{email}");
        }
        assert!(check_form("a@b.c", "short").is_err());
        assert!(check_form("a@b.c", &"x".repeat(129)).is_err());
    }
}
