//! Tokens whose signature was found good a moment ago. Checking one costs more than all else that the API itself
//! does in a small request, and a player sends the same token for 15 minutes. It knows no clock: whether the
//! token is still valid is for the caller to check again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::token::{AccessClaims, Jwks};

/// Tokens of one generation: at about 700 bytes each, two generations take up to 12 MB.
const GENERATION_MAX: usize = 8_192;

/// Claims by token, of the newest tokens seen.
#[derive(Debug, Default)]
pub(super) struct VerifiedTokens {
    generations: Mutex<Generations>,
}

/// The older generation is forgotten when the younger one is full, so that nothing is kept for long unused.
#[derive(Debug, Default)]
struct Generations {
    /// The keys that all of them were checked with; others begin anew.
    keys: Option<Arc<Jwks>>,
    young: HashMap<String, AccessClaims>,
    old: HashMap<String, AccessClaims>,
}

impl VerifiedTokens {
    /// The claims of this very token, if it was found good under these very keys.
    pub(super) fn find(&self, token: &str, keys: &Arc<Jwks>) -> Option<AccessClaims> {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if !generations.keys.as_ref().is_some_and(|known| Arc::ptr_eq(known, keys)) {
            return None;
        }
        if let Some(claims) = generations.young.get(token) {
            return Some(claims.clone());
        }
        let (token, claims) = generations.old.remove_entry(token)?;
        generations.keep(token, claims.clone());
        Some(claims)
    }

    /// Remembers a token that was found good under these keys.
    pub(super) fn remember(&self, token: &str, claims: &AccessClaims, keys: &Arc<Jwks>) {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if !generations.keys.as_ref().is_some_and(|known| Arc::ptr_eq(known, keys)) {
            *generations = Generations { keys: Some(Arc::clone(keys)), ..Generations::default() };
        }
        generations.keep(token.to_owned(), claims.clone());
    }
}

impl Generations {
    fn keep(&mut self, token: String, claims: AccessClaims) {
        if self.young.len() >= GENERATION_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(token, claims);
    }
}

#[cfg(test)]
mod tests {
    use domain::ids::{AccountId, SessionId};

    use super::*;

    fn claims(number: u128) -> AccessClaims {
        AccessClaims {
            iss: String::new(),
            aud: String::new(),
            sub: AccountId::from_u128(number),
            sid: SessionId::from_u128(number),
            iat: 0,
            exp: 0,
        }
    }

    #[test]
    fn it_knows_the_newest_tokens_of_the_present_keys_and_no_more() {
        let keys = Arc::new(Jwks::default());
        let tokens = VerifiedTokens::default();
        assert_eq!(tokens.find("0", &keys), None);
        for number in 0..3 * GENERATION_MAX as u128 {
            tokens.remember(&number.to_string(), &claims(number), &keys);
            assert_eq!(tokens.find("0", &keys), Some(claims(0)), "what is in use is kept");
        }
        let newest = 3 * GENERATION_MAX as u128 - 1;
        assert_eq!(tokens.find(&newest.to_string(), &keys), Some(claims(newest)));
        assert_eq!(tokens.find("1", &keys), None, "what is not is forgotten");
        let kept = tokens.generations.lock().expect("not poisoned");
        assert!(kept.young.len() + kept.old.len() <= 2 * GENERATION_MAX);
        drop(kept);
        let rotated = Arc::new(Jwks::default());
        assert_eq!(tokens.find("0", &rotated), None, "its key may have been withdrawn");
        tokens.remember("0", &claims(7), &rotated);
        assert_eq!(tokens.find("0", &rotated), Some(claims(7)));
        assert_eq!(tokens.find("0", &keys), None);
    }
}
