//! Who an admin key belongs to. A stored key is looked up by the id in its text and remembered for two seconds, so
//! that a revoked one is refused soon after everywhere. It knows no route.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::contract::admin::Role;
use domain::ids::AdminKeyId;
use domain::time::UnixMillis;
use sha2::{Digest as _, Sha256};

use crate::state::SharedSecret;
use crate::store::admin::keys::StoredKey;
use crate::store::{Store, StoreError};

/// How long a key is remembered: a revoked one is good for so long at most.
const REMEMBERED: Duration = Duration::from_secs(2);
/// Keys that are remembered, ids without a key among them.
const REMEMBERED_MAX: usize = 1_000;
/// The use of a key is noted once in this time.
const USE_NOTED_MILLIS: u64 = 60 * 60 * 1_000;

/// The holder of a key.
#[derive(Debug, Clone)]
pub(crate) struct Holder {
    /// None for the key of the configuration.
    pub(crate) key: Option<AdminKeyId>,
    pub(crate) name: Arc<str>,
    pub(crate) role: Role,
}

/// The keys of administrators: the one of the configuration, and those in the store.
pub(crate) struct AdminKeys {
    store: Store,
    owner: Option<SharedSecret>,
    remembered: Mutex<HashMap<AdminKeyId, Remembered>>,
}

struct Remembered {
    at: Instant,
    key: Option<Arc<StoredKey>>,
}

/// The text of a new key: its id, so that it is found, and 256 bits that nobody can guess.
pub(crate) fn new_text(id: AdminKeyId) -> String {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&crate::clock::random_u128().to_le_bytes());
    bytes[16..].copy_from_slice(&crate::clock::random_u128().to_le_bytes());
    format!("{id}.{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// What is stored of a key's text.
pub(crate) fn hash_of(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}

impl AdminKeys {
    pub(crate) fn new(store: Store, owner: Option<SharedSecret>) -> Self {
        Self { store, owner, remembered: Mutex::default() }
    }

    /// Who holds the key with this text, unless there is none, or it is revoked or expired.
    pub(crate) async fn holder(&self, shown: &str, now: UnixMillis) -> Result<Option<Holder>, StoreError> {
        if self.owner.as_ref().is_some_and(|owner| owner.is(shown)) {
            return Ok(Some(Holder { key: None, name: "owner".into(), role: Role::Owner }));
        }
        let Some(id) = shown.split_once('.').and_then(|(id, _)| id.parse().ok()) else { return Ok(None) };
        let Some(stored) = self.find(id).await? else { return Ok(None) };
        let key = &stored.key;
        let over = key.revoked_at.is_some() || key.expires_at.is_some_and(|end| end <= now);
        if over || !same(&stored.hash, &hash_of(shown)) {
            return Ok(None);
        }
        if key.last_used_at.is_none_or(|at| now.millis_since(at) > USE_NOTED_MILLIS) {
            self.note_use(&stored, now).await;
        }
        Ok(Some(Holder { key: Some(id), name: key.name.as_str().into(), role: key.role }))
    }

    async fn find(&self, id: AdminKeyId) -> Result<Option<Arc<StoredKey>>, StoreError> {
        if let Some(known) = self.lock().get(&id).filter(|known| known.at.elapsed() < REMEMBERED) {
            return Ok(known.key.clone());
        }
        // From before the reading: what is read may be older than the moment at which it arrives.
        let at = Instant::now();
        let key = self.store.admin_key(id).await?.map(Arc::new);
        let mut remembered = self.lock();
        if remembered.len() >= REMEMBERED_MAX {
            remembered.retain(|_, known| known.at.elapsed() < REMEMBERED);
        }
        if remembered.len() < REMEMBERED_MAX {
            remembered.insert(id, Remembered { at, key: key.clone() });
        }
        Ok(key)
    }

    /// A use that is not noted is no reason to refuse it.
    async fn note_use(&self, stored: &StoredKey, now: UnixMillis) {
        if let Err(error) = self.store.admin_key_used(stored.key.id, now).await {
            tracing::warn!(kind = error.kind(), %error, "the use of an admin key was not noted");
            return;
        }
        let mut used = stored.clone();
        used.key.last_used_at = Some(now);
        if let Some(known) = self.lock().get_mut(&stored.key.id) {
            known.key = Some(Arc::new(used));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<AdminKeyId, Remembered>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Compares in constant time.
fn same(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.bytes().zip(other.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}
