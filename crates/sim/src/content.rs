//! The content of a zone as one thing: what the catalogue says of the zone, in the form that a tick reads. It comes
//! in whole, between two ticks, so that no tick sees half of it.

use std::sync::Arc;

use domain::catalogue::{Catalogue, ZoneDefinition};
use domain::ids::ZoneId;

use crate::rules::realm::RealmContent;

/// What a zone is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneContent {
    /// The number of the version; 0 is what the program came with.
    pub version: u64,
    /// How the zone is made.
    pub definition: ZoneDefinition,
    /// What lives in it, and what can be done there.
    pub realm: RealmContent,
}

impl ZoneContent {
    /// What the catalogue says of a zone; `None` if it has no such zone.
    #[must_use]
    pub fn of(version: u64, catalogue: &Catalogue, zone: &ZoneId) -> Option<Arc<Self>> {
        Some(Self::compile(version, catalogue, catalogue.zone(zone)?.clone()))
    }

    /// A zone among all else that is built in.
    #[must_use]
    pub fn builtin(definition: ZoneDefinition) -> Arc<Self> {
        Self::compile(0, &Catalogue::builtin(), definition)
    }

    fn compile(version: u64, catalogue: &Catalogue, definition: ZoneDefinition) -> Arc<Self> {
        let realm = RealmContent::compile(catalogue, &definition);
        Arc::new(Self { version, definition, realm })
    }

    /// Whether clients that play on when `next` comes must resume, to be told anew what they predict with.
    #[must_use]
    pub fn needs_reload(&self, next: &Self) -> bool {
        self.definition.interest_radius != next.definition.interest_radius
            || self.realm.moves_players_otherwise(&next.realm)
    }
}
