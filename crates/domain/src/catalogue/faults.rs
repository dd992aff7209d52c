//! What is wrong with a catalogue as a whole: each kind of content by itself, and what refers to another.

use std::collections::BTreeSet;

use super::check::Checks;
use super::{AbilityDefinition, AbilityEffect, ArchetypeDefinition, Catalogue, Loot, LootDrop, MatchQueue};
use crate::ids::AbilityId;

/// Entries of one kind at the most; the text of a catalogue is bounded too.
const ENTRIES_MAX: usize = 2_000;

impl Catalogue {
    /// All that is wrong with it, each as `place: what`. A catalogue without faults can be published, and nothing
    /// that reads it needs to check it again.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut checks = Checks::default();
        checks.range("zones", self.zones.len(), 1..=ENTRIES_MAX);
        checks.each("zones", &self.zones, |zone| &zone.zone, super::ZoneDefinition::faults);
        checks.faults.extend(self.player.faults().into_iter().map(|fault| format!("player.{fault}")));
        checks.range("archetypes", self.archetypes.len(), 0..=256);
        checks.each("archetypes", &self.archetypes, |one| &one.archetype, ArchetypeDefinition::faults);
        checks.range("abilities", self.abilities.len(), 0..=ENTRIES_MAX);
        checks.each("abilities", &self.abilities, |one| &one.ability, AbilityDefinition::faults);
        checks.range("loot", self.loot.len(), 0..=256);
        checks.each("loot", &self.loot, |one| &one.gives, |_| Vec::new());
        checks.range("flags", self.flags.len(), 0..=ENTRIES_MAX);
        checks.each("flags", &self.flags, |one| &one.flag, super::FlagDefinition::faults);
        let possessions = self.possessions.faults();
        checks.faults.extend(possessions.into_iter().map(|fault| format!("possessions.{fault}")));
        checks.faults.extend(self.names.faults());
        checks.faults.extend(super::boards::faults(&self.boards));
        checks.each("queues", &self.queues, |one| &one.queue, MatchQueue::faults);
        checks.faults.extend(self.chat.faults());
        checks.faults.extend(self.market.faults());
        self.check_references(&mut checks);
        self.check_loot(&mut checks);
        self.check_numbers(&mut checks);
        self.check_reach(&mut checks);
        self.check_projectiles(&mut checks);
        checks.faults
    }

    fn check_references(&self, checks: &mut Checks) {
        let there_is_no = |what: &str, name: &str| format!("there is no {what} {name}");
        let start = self.start_zone.as_str();
        checks.demand(self.zone(&self.start_zone).is_some(), "start_zone", there_is_no("zone", start));
        for (index, zone) in self.zones.iter().enumerate() {
            for (place, spawn) in zone.spawns.iter().enumerate() {
                let fault = there_is_no("archetype", spawn.archetype.as_str());
                let place = format_args!("zones[{index}].spawns[{place}].archetype");
                checks.demand(self.archetype(&spawn.archetype).is_some(), place, fault);
            }
        }
        for (index, ability) in self.player.abilities.iter().enumerate() {
            let fault = there_is_no("ability", ability.as_str());
            checks.demand(self.ability(ability).is_some(), format_args!("player.abilities[{index}]"), fault);
        }
        for (index, archetype) in self.archetypes.iter().enumerate() {
            let fault = there_is_no("ability", archetype.ability.as_str());
            let place = format_args!("archetypes[{index}].ability");
            checks.demand(self.ability(&archetype.ability).is_some(), place, fault);
        }
        for (index, queue) in self.queues.iter().enumerate() {
            let fault = there_is_no("zone", queue.zone.as_str());
            checks.demand(self.zone(&queue.zone).is_some(), format_args!("queues[{index}].zone"), fault);
        }
    }

    /// What lies on the ground is something that characters can have.
    fn check_loot(&self, checks: &mut Checks) {
        for (index, archetype) in self.archetypes.iter().enumerate() {
            let Some(LootDrop { gives, .. }) = &archetype.loot else { continue };
            let known = self.loot.iter().any(|one| one.gives == *gives);
            let fault = format!("there is no loot {gives}");
            checks.demand(known, format_args!("archetypes[{index}].loot.gives"), fault);
        }
        for (index, loot) in self.loot.iter().enumerate() {
            let (known, what) = match &loot.gives {
                Loot::Currency(currency) => (self.possessions.currency(currency).is_some(), "currency"),
                Loot::Item(item) => (self.possessions.item(item).is_some(), "item"),
            };
            let fault = format!("there is no {what} {}", loot.gives);
            checks.demand(known, format_args!("loot[{index}].gives"), fault);
        }
    }

    /// Numbers on the wire stand for one thing.
    fn check_numbers(&self, checks: &mut Checks) {
        let mut used = BTreeSet::new();
        for (index, archetype) in self.archetypes.iter().enumerate() {
            let fault = format!("{} is the number of another one", archetype.number);
            checks.demand(used.insert(archetype.number), format_args!("archetypes[{index}].number"), fault);
        }
        used.clear();
        for (index, loot) in self.loot.iter().enumerate() {
            let fault = format!("{} is the number of another one", loot.number);
            checks.demand(used.insert(loot.number), format_args!("loot[{index}].number"), fault);
        }
    }

    /// A monster can hit from where it stops to fight.
    fn check_reach(&self, checks: &mut Checks) {
        for (index, archetype) in self.archetypes.iter().enumerate() {
            let Some(ability) = self.ability(&archetype.ability) else { continue };
            let far = match ability.effect {
                AbilityEffect::Strike { range, .. } => i64::from(range),
                AbilityEffect::Shoot { speed, life_ms, .. } => i64::from(speed) * i64::from(life_ms) / 1_000,
            };
            let fault =
                format!("{} is over {far}, which is as far as {} gets", archetype.reach, ability.ability);
            checks.demand(
                i64::from(archetype.reach) <= far,
                format_args!("archetypes[{index}].reach"),
                fault,
            );
        }
    }

    /// A projectile whose shooter is gone tells by its number whose it was.
    fn check_projectiles(&self, checks: &mut Checks) {
        let number = |ability: &AbilityId| self.ability(ability).and_then(AbilityDefinition::projectile);
        let players: BTreeSet<u8> = self.player.abilities.iter().filter_map(number).collect();
        for (index, archetype) in self.archetypes.iter().enumerate() {
            let Some(number) = number(&archetype.ability) else { continue };
            let fault = format!("it shoots the projectile {number}, as players do: another number is needed");
            checks.demand(!players.contains(&number), format_args!("archetypes[{index}].ability"), fault);
        }
    }
}
