//! The content of a region: versions of the catalogue, which of them is in force for whom, and flags.

use serde::{Deserialize, Serialize};

use crate::catalogue::{AbilityDefinition, Catalogue, Change, FlagSwitch, LootDefinition, rollout};
use crate::ids::{AbilityId, ArchetypeId, FlagId, ZoneId};
use crate::time::UnixMillis;

/// Versions that a pointer remembers to go back to.
const EARLIER_MAX: usize = 20;

/// Body of `POST /admin/v1/content/versions`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PublishContent {
    /// What it is about, for people: at most 200 characters.
    #[serde(default)]
    pub note: String,
    /// The whole catalogue. What it leaves out is as in the builtin one.
    pub catalogue: Catalogue,
}

/// Answer to a catalogue that was sent to be checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContentCheck {
    /// All that is wrong with it, each as `place: what`. Only one without faults can be published.
    pub faults: Vec<String>,
    /// Bytes of its text.
    pub bytes: u64,
    /// How it differs from the active version.
    pub changes: Vec<Change>,
}

/// A version of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContentVersion {
    /// Its number, from 1.
    pub version: u64,
    /// What it is about, for people.
    pub note: String,
    /// Bytes of its text.
    pub bytes: u64,
    /// When it was published.
    pub created_at: UnixMillis,
}

/// Answer to a catalogue that was published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContentPublished {
    /// What it became; the version of before if the same catalogue was published already.
    pub version: ContentVersion,
    /// How it differs from the active version.
    pub changes: Vec<Change>,
}

/// A page of versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContentVersionList {
    /// The newest first.
    pub versions: Vec<ContentVersion>,
    /// The cursor of the next page; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A version with its catalogue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContentDocument {
    /// The version.
    pub version: ContentVersion,
    /// The whole catalogue.
    pub catalogue: Catalogue,
}

/// How one version differs from another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContentDiff {
    /// The one.
    pub from: u64,
    /// The other.
    pub to: u64,
    /// What must be changed to get there.
    pub changes: Vec<Change>,
}

/// Body of `POST /admin/v1/content/activate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActivateContent {
    /// Which version; 0 is the one that the program came with.
    pub version: u64,
    /// For which share, in percent, 1 to 100. Under 100 it runs beside the active version.
    #[serde(default = "all")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 100, default = 100))]
    pub percent: u8,
    /// The revision of the pointer that this change is made to.
    pub revision: u64,
}

const fn all() -> u8 {
    100
}

/// Body of `POST /admin/v1/content/rollback`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RollBackContent {
    /// The revision of the pointer that this change is made to.
    pub revision: u64,
}

/// A version that only a share gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContentRollout {
    /// Which version.
    pub version: u64,
    /// The share of instances, and of accounts, in percent.
    pub percent: u8,
}

/// Which versions are in force in a region.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContentPointer {
    /// Counts the changes of the pointer: who changes it says which one they saw.
    pub revision: u64,
    /// The version in force; 0 is the one that the program came with.
    pub active: u64,
    /// The version that is tried beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<ContentRollout>,
    /// The versions that were active before, the last one at the end: where a rollback goes.
    pub earlier: Vec<u64>,
    /// What the last change was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<PointerChange>,
}

/// A change of a pointer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum PointerChange {
    /// A version came into force, or into trial.
    Activated {
        /// Which.
        version: u64,
        /// For which share.
        percent: u8,
    },
    /// The trial ended, or the version before came back.
    RolledBack,
}

/// Why a pointer cannot be changed so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PointerRefusal {
    /// The version is active already, so that it cannot be tried beside itself.
    Active,
    /// There is nothing to go back to.
    First,
}

impl ContentPointer {
    /// The pointer after a change.
    pub fn after(&self, change: &PointerChange) -> Result<Self, PointerRefusal> {
        let mut next = self.clone();
        next.revision += 1;
        next.last = Some(change.clone());
        match *change {
            PointerChange::Activated { version, percent } if percent < 100 => {
                if version == self.active {
                    return Err(PointerRefusal::Active);
                }
                next.rollout = Some(ContentRollout { version, percent });
            }
            PointerChange::Activated { version, .. } => {
                next.rollout = None;
                if version != self.active {
                    next.earlier.push(self.active);
                    let surplus = next.earlier.len().saturating_sub(EARLIER_MAX);
                    next.earlier.drain(..surplus);
                    next.active = version;
                }
            }
            // A trial is what came last, so that goes first.
            PointerChange::RolledBack => {
                if next.rollout.take().is_none() {
                    next.active = next.earlier.pop().ok_or(PointerRefusal::First)?;
                }
            }
        }
        Ok(next)
    }

    /// Whether this is what came of `change` to the revision `seen`, so that a repeated request finds its effect.
    #[must_use]
    pub fn is_after(&self, seen: u64, change: &PointerChange) -> bool {
        self.revision == seen.saturating_add(1) && self.last.as_ref() == Some(change)
    }

    /// What of it hosts need.
    #[must_use]
    pub fn plan(&self) -> ContentPlan {
        ContentPlan { active: self.active, rollout: self.rollout.clone() }
    }
}

/// Which versions the instances of a host are to run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContentPlan {
    /// The version in force; 0 is the one that the host came with.
    pub active: u64,
    /// The version that a share of the instances tries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<ContentRollout>,
}

impl ContentPlan {
    /// The version for an instance or an account, by its number. Whoever is in at one share is in at every larger
    /// one, and another version is tried by others.
    #[must_use]
    pub fn version_for(&self, id: u128) -> u64 {
        match &self.rollout {
            Some(trial) if rollout::is_in(&format!("content#{}", trial.version), id, trial.percent) => {
                trial.version
            }
            _ => self.active,
        }
    }
}

/// The body of a notice with the topic `content`: the world that the player is in has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContentNotice {
    /// The version that is in force now.
    pub version: u64,
    /// Whether the client must resume its connection, to be told anew what it predicts with. Otherwise it only
    /// asks for `/v1/content` when it likes.
    pub reload: bool,
}

/// The topic of a [`ContentNotice`].
pub const CONTENT_TOPIC: &str = "content";

/// Answer of `GET /v1/content`: what players may know of the catalogue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlayerContent {
    /// The version for this account.
    pub version: u64,
    /// Where a new character starts.
    pub start_zone: ZoneId,
    /// Every zone.
    pub zones: Vec<ZoneTitle>,
    /// What players can do: the first is action 1 of an input.
    pub player_abilities: Vec<AbilityId>,
    /// What players and monsters do to each other.
    pub abilities: Vec<AbilityDefinition>,
    /// The sorts of monsters.
    pub archetypes: Vec<ArchetypeTitle>,
    /// Items that can lie on the ground.
    pub loot: Vec<LootDefinition>,
}

/// A zone for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ZoneTitle {
    /// Its name in paths and messages.
    pub zone: ZoneId,
    /// Its name for people.
    pub title: String,
    /// Whether players can be hurt.
    pub combat: bool,
}

/// A sort of monster for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ArchetypeTitle {
    /// Its name.
    pub archetype: ArchetypeId,
    /// Its number on the wire.
    pub number: u8,
    /// Its name for people.
    pub title: String,
}

impl PlayerContent {
    /// What players may know of a version.
    #[must_use]
    pub fn of(version: u64, catalogue: &Catalogue) -> Self {
        let zones = catalogue.zones().iter().map(|zone| ZoneTitle {
            zone: zone.zone.clone(),
            title: zone.title.clone(),
            combat: zone.combat,
        });
        let archetypes = catalogue.archetypes.iter().map(|one| ArchetypeTitle {
            archetype: one.archetype.clone(),
            number: one.number,
            title: one.title.clone(),
        });
        Self {
            version,
            start_zone: catalogue.start_zone.clone(),
            zones: zones.collect(),
            player_abilities: catalogue.player.abilities.clone(),
            abilities: catalogue.abilities.clone(),
            archetypes: archetypes.collect(),
            loot: catalogue.loot.clone(),
        }
    }
}

/// Body of `PUT /admin/v1/flags/{flag}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SwitchFlag {
    /// Whether it is on for anyone.
    pub enabled: bool,
    /// For which share of the accounts, in percent, 0 to 100.
    #[serde(default = "all")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 100, default = 100))]
    pub percent: u8,
}

/// A flag as administrators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FlagState {
    /// Its name.
    pub flag: FlagId,
    /// What the active version of the catalogue says of it.
    pub catalogue: FlagSwitch,
    /// What is set in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switched: Option<FlagSwitch>,
}

/// Every flag of the active version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FlagStateList {
    /// In the order of the catalogue.
    pub flags: Vec<FlagState>,
}

/// Answer of `GET /v1/flags`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlayerFlags {
    /// Every flag, as it is for this account.
    pub flags: Vec<PlayerFlag>,
}

/// A flag for one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlayerFlag {
    /// Its name.
    pub flag: FlagId,
    /// Whether it is on.
    pub enabled: bool,
    /// In which way, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<FlagId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activate(version: u64, percent: u8) -> PointerChange {
        PointerChange::Activated { version, percent }
    }

    #[track_caller]
    fn after(pointer: &ContentPointer, change: &PointerChange) -> ContentPointer {
        let next = pointer.after(change).expect("allowed");
        assert_eq!(next.revision, pointer.revision + 1);
        assert!(next.is_after(pointer.revision, change) && !next.is_after(next.revision, change));
        next
    }

    #[test]
    fn versions_come_and_go_back_the_way_they_came() {
        let first = ContentPointer::default();
        assert_eq!(first.after(&PointerChange::RolledBack), Err(PointerRefusal::First));
        assert_eq!(first.after(&activate(0, 50)), Err(PointerRefusal::Active));
        let one = after(&first, &activate(1, 100));
        let trial = after(&one, &activate(2, 10));
        assert_eq!((trial.active, trial.rollout.as_ref().map(|t| t.version)), (1, Some(2)));
        assert_eq!(after(&trial, &PointerChange::RolledBack).rollout, None, "the trial ends first");
        let two = after(&trial, &activate(2, 100));
        assert_eq!((two.active, &two.rollout, two.earlier.as_slice()), (2, &None, &[0, 1][..]));
        let same = after(&two, &activate(2, 100));
        assert_eq!(same.earlier, two.earlier);
        let back = after(&after(&two, &PointerChange::RolledBack), &PointerChange::RolledBack);
        assert_eq!((back.active, back.earlier.len()), (0, 0));
        let mut many = first;
        for version in 1..100 {
            many = after(&many, &activate(version, 100));
        }
        assert_eq!((many.earlier.len(), many.earlier.last()), (20, Some(&98)));
    }

    #[test]
    fn who_tries_a_version_goes_on_trying_it_as_the_share_grows() {
        let mut pointer = after(&ContentPointer::default(), &activate(7, 10));
        let tried = |pointer: &ContentPointer| -> Vec<u128> {
            (0..1_000).filter(|id| pointer.plan().version_for(*id) == 7).collect()
        };
        let mut before = tried(&pointer);
        assert!((50..150).contains(&before.len()), "{}", before.len());
        for percent in [20, 60, 99, 100] {
            pointer = after(&pointer, &activate(7, percent));
            let now = tried(&pointer);
            assert!(before.iter().all(|id| now.contains(id)) && now.len() > before.len());
            before = now;
        }
        assert_eq!(before.len(), 1_000);
    }
}
