//! The numbers of the catalogue in the form that a tick reads: by number instead of by name, and nothing that must
//! be looked for. What the catalogue names and does not have is left out; one without faults has all.

use domain::catalogue::boards::BEST_LIFE_BOARD;
use domain::catalogue::{
    AbilityDefinition, AbilityEffect, ArchetypeDefinition, BoardDefinition, Catalogue, Loot,
    PlayerDefinition, ZoneDefinition,
};
use domain::limits::EVENT_SCORES_MAX;
use domain::random::Random;

use super::combat::{Ability, AbilityKind};

/// The numbers of a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RealmContent {
    pub(super) player: PlayerDefinition,
    /// By action, from 1.
    player_abilities: Vec<Ability>,
    /// By number on the wire.
    monsters: Vec<Option<Monster>>,
    spawns: Vec<SpawnShare>,
    spawn_weights: u32,
    /// By number on the wire.
    loot: Vec<Option<Loot>>,
    /// By number in [`BOARDS`]: those that the catalogue has.
    boards: [Option<BoardDefinition>; BOARDS.len()],
}

/// The leaderboards that the rules know beside the one of kills, which counts by itself. A score for one that the
/// catalogue lacks is not made.
const BOARDS: [&str; 1] = [BEST_LIFE_BOARD];
const BEST_LIFE: u8 = 0;
const _: () = assert!(BOARDS.len() <= EVENT_SCORES_MAX, "an event holds a score for each");

/// A sort of monster. Lengths in 1/256 m.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Monster {
    pub(super) radius: i32,
    pub(super) health_max: i32,
    pub(super) health_per_level: i32,
    pub(super) speed_max: i32,
    pub(super) ability: Ability,
    pub(super) reach: i32,
    pub(super) sight: i32,
    pub(super) leash: i32,
    pub(super) xp: u32,
    pub(super) loot: u8,
    pub(super) loot_permille: u32,
}

/// What stands in for a sort that is not there any more, until its last body is gone.
static GONE: Monster = Monster {
    radius: 100,
    health_max: 1,
    health_per_level: 0,
    speed_max: 0,
    ability: Ability {
        slot: 0,
        kind: AbilityKind::Strike { range: 0, half_angle: 0 },
        cooldown_millis: 1_000,
        damage: 0,
        damage_per_level: 0,
    },
    reach: 0,
    sight: 0,
    leash: 0,
    xp: 0,
    loot: 0,
    loot_permille: 0,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SpawnShare {
    number: u8,
    weight: u32,
    level_min: u8,
    levels: u32,
}

impl RealmContent {
    /// The numbers for a zone.
    #[must_use]
    pub fn compile(catalogue: &Catalogue, zone: &ZoneDefinition) -> Self {
        let player_abilities = (0..)
            .zip(&catalogue.player.abilities)
            .filter_map(|(slot, ability)| Some(compile_ability(slot, catalogue.ability(ability)?)))
            .collect();
        let mut loot = Vec::new();
        for definition in &catalogue.loot {
            put(&mut loot, definition.number, definition.gives.clone());
        }
        let mut monsters = Vec::new();
        for archetype in &catalogue.archetypes {
            if let Some(monster) = compile_monster(catalogue, archetype) {
                put(&mut monsters, archetype.number, monster);
            }
        }
        let spawns: Vec<SpawnShare> = zone
            .spawns
            .iter()
            .filter_map(|spawn| {
                Some(SpawnShare {
                    number: catalogue.archetype(&spawn.archetype)?.number,
                    weight: spawn.weight,
                    level_min: spawn.level_min,
                    levels: u32::from(spawn.level_max.saturating_sub(spawn.level_min)) + 1,
                })
            })
            .collect();
        let spawn_weights = spawns.iter().map(|share| share.weight).fold(0, u32::saturating_add);
        let board = |name| catalogue.boards.iter().find(|board| board.board.as_str() == name).cloned();
        let boards = BOARDS.map(board);
        Self {
            player: catalogue.player.clone(),
            player_abilities,
            monsters,
            spawns,
            spawn_weights,
            loot,
            boards,
        }
    }

    /// The board of [`crate::outbox::Score::board`].
    #[must_use]
    pub fn board(&self, number: u8) -> Option<&BoardDefinition> {
        self.boards.get(usize::from(number))?.as_ref()
    }

    /// Number of the board of lives, if there is one.
    pub(super) fn best_life(&self) -> Option<u8> {
        self.board(BEST_LIFE).map(|_| BEST_LIFE)
    }

    /// The ability behind an action of a player's input.
    pub(super) fn player_ability(&self, action: u8) -> Option<&Ability> {
        self.player_abilities.get(usize::from(action).checked_sub(1)?)
    }

    /// The most health of a player.
    pub(super) fn player_health_max(&self, level: u8) -> i32 {
        self.player.health_max + self.player.health_per_level * (i32::from(level) - 1)
    }

    /// A sort of monster.
    pub(super) fn monster(&self, number: u8) -> &Monster {
        self.monsters.get(usize::from(number)).and_then(Option::as_ref).unwrap_or(&GONE)
    }

    /// Whether there is such a sort of monster.
    pub(super) fn has_monster(&self, number: u8) -> bool {
        self.monsters.get(usize::from(number)).is_some_and(Option::is_some)
    }

    /// Whether players shoot this projectile.
    pub(super) fn is_players(&self, projectile: u8) -> bool {
        self.player_abilities.iter().any(
            |ability| matches!(ability.kind, AbilityKind::Shoot { projectile: own, .. } if own == projectile),
        )
    }

    /// Number and level of a new monster, if any live here.
    pub(super) fn draw_monster(&self, random: &mut Random) -> Option<(u8, u8)> {
        let mut left = random.below(self.spawn_weights);
        let share = self.spawns.iter().find(|share| {
            let here = left < share.weight;
            left = left.saturating_sub(share.weight);
            here
        })?;
        let above = u8::try_from(random.below(share.levels)).expect("levels are few");
        Some((share.number, share.level_min + above))
    }

    /// What a number on the wire stands for.
    #[must_use]
    pub fn loot(&self, number: u8) -> Option<&Loot> {
        self.loot.get(usize::from(number))?.as_ref()
    }

    /// Whether clients must learn anew what they predict the players' bodies with.
    #[must_use]
    pub fn moves_players_otherwise(&self, other: &Self) -> bool {
        let build = |player: &PlayerDefinition| (player.radius, player.speed_max, player.acceleration);
        build(&self.player) != build(&other.player)
    }
}

fn put<T: Clone>(list: &mut Vec<Option<T>>, number: u8, entry: T) {
    let place = usize::from(number);
    if list.len() <= place {
        list.resize(place + 1, None);
    }
    list[place] = Some(entry);
}

fn compile_ability(slot: usize, definition: &AbilityDefinition) -> Ability {
    let kind = match definition.effect {
        AbilityEffect::Strike { range, half_angle } => AbilityKind::Strike { range, half_angle },
        AbilityEffect::Shoot { projectile, speed, radius, life_ms } => {
            AbilityKind::Shoot { projectile, speed, radius, life_millis: life_ms }
        }
    };
    Ability {
        slot,
        kind,
        cooldown_millis: definition.cooldown_ms,
        damage: definition.damage,
        damage_per_level: definition.damage_per_level,
    }
}

fn compile_monster(catalogue: &Catalogue, archetype: &ArchetypeDefinition) -> Option<Monster> {
    let ability = compile_ability(0, catalogue.ability(&archetype.ability)?);
    let loot = archetype.loot.as_ref().and_then(|drop| {
        let definition = catalogue.loot.iter().find(|definition| definition.gives == drop.gives)?;
        Some((definition.number, u32::from(drop.permille)))
    });
    let (loot, loot_permille) = loot.unwrap_or((0, 0));
    Some(Monster {
        radius: archetype.radius,
        health_max: archetype.health_max,
        health_per_level: archetype.health_per_level,
        speed_max: archetype.speed_max,
        ability,
        reach: archetype.reach,
        sight: archetype.sight,
        leash: archetype.leash,
        xp: archetype.xp,
        loot,
        loot_permille,
    })
}
