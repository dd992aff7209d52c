//! What handlers share. Each takes only the part that it needs, through `FromRef`.

use std::sync::Arc;

use axum::extract::FromRef;
use domain::catalogue::Catalogue;
use sha2::{Digest as _, Sha256};
use token::KeyRing;

use crate::content::{Content, Version};
use crate::edge::EdgeClient;
use crate::erasure::SettleMillis;
use crate::keys::AccessKeys;
use crate::metrics::Metrics;
use crate::overview::Overview;
use crate::rate::Rates;
use crate::store::Store;
use crate::watch::Watch;

/// What services show to the internal routes.
#[derive(Clone)]
pub(crate) struct ServiceToken(pub(crate) SharedSecret);

/// Everything.
#[derive(Clone)]
pub(crate) struct AppState {
    pub(crate) store: Store,
    pub(crate) access: Arc<AccessKeys>,
    pub(crate) tickets: Arc<KeyRing>,
    pub(crate) service: ServiceToken,
    pub(crate) region: Arc<Region>,
    pub(crate) edge: Arc<EdgeClient>,
    pub(crate) watch: Arc<Watch>,
    pub(crate) overview: Arc<Overview>,
    pub(crate) rates: Arc<Rates>,
    pub(crate) settle: SettleMillis,
    pub(crate) metrics: Arc<Metrics>,
}

/// The region that this API serves.
#[derive(Debug)]
pub(crate) struct Region {
    pub(crate) name: String,
    pub(crate) content: Content,
}

impl Region {
    pub(crate) fn new(name: String, catalogue: Catalogue) -> Self {
        Self { name, content: Content::new(catalogue) }
    }

    /// The catalogue in force. A handler asks once, so that it does not see two of them.
    pub(crate) fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.version().catalogue)
    }

    /// The version in force, with what was made of its catalogue.
    pub(crate) fn version(&self) -> Arc<Version> {
        Arc::clone(&self.content.current().active)
    }
}

/// A secret that callers show, as its hash.
#[derive(Clone)]
pub(crate) struct SharedSecret(Arc<[u8; 32]>);

impl SharedSecret {
    pub(crate) fn new(token: &str) -> Self {
        Self(Arc::new(Sha256::digest(token).into()))
    }

    /// Compares in constant time: hashes have one length, and every byte is looked at.
    pub(crate) fn is(&self, shown: &str) -> bool {
        let shown = Sha256::digest(shown);
        self.0.iter().zip(shown).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
    }
}

impl FromRef<AppState> for Store {
    fn from_ref(state: &AppState) -> Self {
        state.store.clone()
    }
}

impl FromRef<AppState> for Arc<AccessKeys> {
    fn from_ref(state: &AppState) -> Self {
        Arc::clone(&state.access)
    }
}

impl FromRef<AppState> for Arc<KeyRing> {
    fn from_ref(state: &AppState) -> Self {
        Arc::clone(&state.tickets)
    }
}

impl FromRef<AppState> for ServiceToken {
    fn from_ref(state: &AppState) -> Self {
        state.service.clone()
    }
}

impl FromRef<AppState> for Arc<EdgeClient> {
    fn from_ref(state: &AppState) -> Self {
        Arc::clone(&state.edge)
    }
}

impl FromRef<AppState> for Arc<Watch> {
    fn from_ref(state: &AppState) -> Self {
        Arc::clone(&state.watch)
    }
}

impl FromRef<AppState> for Arc<Overview> {
    fn from_ref(state: &AppState) -> Self {
        Arc::clone(&state.overview)
    }
}

impl FromRef<AppState> for Arc<Rates> {
    fn from_ref(state: &AppState) -> Self {
        Arc::clone(&state.rates)
    }
}

impl FromRef<AppState> for SettleMillis {
    fn from_ref(state: &AppState) -> Self {
        state.settle
    }
}

impl FromRef<AppState> for Arc<Region> {
    fn from_ref(state: &AppState) -> Self {
        Arc::clone(&state.region)
    }
}

impl FromRef<AppState> for Arc<Metrics> {
    fn from_ref(state: &AppState) -> Self {
        Arc::clone(&state.metrics)
    }
}
