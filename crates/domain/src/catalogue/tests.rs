//! Faults and differences, by tables.

use super::*;

/// A change to the builtin catalogue.
type Edit = fn(&mut Catalogue);

#[test]
fn the_builtin_catalogue_has_no_faults_and_survives_its_text() {
    let builtin = Catalogue::builtin();
    assert_eq!(builtin.faults(), Vec::<String>::new());
    let text = serde_json::to_string(&builtin).expect("plain data");
    assert_eq!(serde_json::from_str::<Catalogue>(&text).expect("its own text"), builtin);
    assert_eq!(serde_json::from_str::<Catalogue>("{}").expect("all left out"), builtin);
    assert!(serde_json::from_str::<Catalogue>(r#"{"zones":[],"dragons":[]}"#).is_err(), "unknown fields");
}

#[test]
fn every_fault_names_its_place() {
    let table: &[(Edit, &str)] = &[
        (|c| c.start_zone = "moon".parse().expect("a name"), "start_zone: there is no zone moon"),
        (|c| c.zones.clear(), "zones: 0 is not from 1 to 2000"),
        (|c| c.zones[1].tick_rate_hz = 9, "zones[1].tick_rate_hz: 9 is not from 10 to 128"),
        (|c| c.zones[1].ticks_per_snapshot = 0, "zones[1].ticks_per_snapshot: 0 is not from 1 to 60"),
        (|c| c.zones[0].title = "\u{7}".into(), "zones[0].title: a text of 1 to 80 characters on one line"),
        (|c| c.zones[0].size = i32::MAX, "zones[0].size: 2147483647 is not from 5120 to 1024000"),
        (|c| c.zones[0].interest_radius = 0, "zones[0].interest_radius: 0 is not from 1280 to 51200"),
        (|c| c.zones[0].budget = 999, "zones[0].budget: 999 is not from 1000 to 1000000"),
        (|c| c.zones[0].capacity = 5_001, "zones[0].capacity: 5001 is not from 1 to 5000"),
        (|c| c.zones[1].monsters = 10_001, "zones[1].monsters: 10001 is not from 0 to 10000"),
        (|c| c.zones[1].spawns.clear(), "zones[1].spawns: monsters need at least one"),
        (|c| c.zones[1].spawns[0].weight = 0, "zones[1].spawns[0].weight: 0 is not from 1 to 1000000"),
        (|c| c.zones[1].spawns[2].level_min = 5, "zones[1].spawns[2].level_min: 5 is not from 1 to 4"),
        (
            |c| c.zones[1].spawns[1].archetype = "elf".parse().expect("a name"),
            "zones[1].spawns[1].archetype: there is no archetype elf",
        ),
        (
            |c| {
                let again = c.zones[0].clone();
                c.zones.push(again);
            },
            "zones[3]: hub is in the list before",
        ),
        (|c| c.player.speed_max = 4_097, "player.speed_max: 4097 is not from 0 to 4096"),
        (|c| c.player.health_per_level = 2_000, "player.health_per_level: 118100 at level 60 is over 65535"),
        (
            |c| c.player.abilities[1] = "fly".parse().expect("a name"),
            "player.abilities[1]: there is no ability fly",
        ),
        (
            |c| c.player.abilities = vec![c.player.abilities[0].clone(); 5],
            "player.abilities: 5 is not from 0 to 4",
        ),
        (|c| c.archetypes[2].radius = 513, "archetypes[2].radius: 513 is not from 16 to 512"),
        (|c| c.archetypes[2].number = 1, "archetypes[2].number: 1 is the number of another one"),
        (
            |c| c.archetypes[0].ability = "nap".parse().expect("a name"),
            "archetypes[0].ability: there is no ability nap",
        ),
        (
            |c| c.archetypes[0].reach = 600,
            "archetypes[0].reach: 600 is over 512, which is as far as bite gets",
        ),
        (
            |c| c.archetypes[1].ability = "shoot".parse().expect("a name"),
            "archetypes[1].ability: it shoots the projectile 0, as players do: another number is needed",
        ),
    ];
    assert_faults(table);
}

#[test]
fn what_refers_to_something_else_names_its_place() {
    let table: &[(Edit, &str)] = &[
        (|c| c.loot.truncate(2), "archetypes[2].loot.gives: there is no loot fang"),
        (
            |c| c.possessions.items.retain(|item| item.item.as_str() != "hide"),
            "loot[1].gives: there is no item hide",
        ),
        (|c| c.possessions.currencies.clear(), "loot[0].gives: there is no currency coin"),
        (|c| c.possessions.items[0].stack_max = 0, "possessions.items: stack_max of hide"),
        (|c| c.queues[0].zone = "moon".parse().expect("a name"), "queues[0].zone: there is no zone moon"),
        (|c| c.queues[0].match_seconds = 0, "queues[0].queue "),
        (|c| c.boards[0].shards = 0, "boards: kills: shards"),
        (|c| c.names.reserved = vec!["-".into()], "names: "),
        (|c| c.chat.blocked_words = vec!["two words".into()], "chat: "),
        (|c| c.loot[1].number = 0, "loot[1].number: 0 is the number of another one"),
        (|c| c.abilities[0].cooldown_ms = 0, "abilities[0].cooldown_ms: 0 is not from 50 to 300000"),
        (|c| c.abilities[0].damage = -1, "abilities[0].damage: -1 is not from 0 to 100000"),
        (|c| c.flags[0].percent = 101, "flags[0].percent: 101 is not from 0 to 100"),
    ];
    assert_faults(table);
}

fn assert_faults(table: &[(Edit, &str)]) {
    for (edit, expected) in table {
        let mut catalogue = Catalogue::builtin();
        edit(&mut catalogue);
        let faults = catalogue.faults();
        assert!(faults.iter().any(|fault| fault.starts_with(expected)), "{expected}\n{faults:#?}");
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let mut catalogue = Catalogue::builtin();
    for zone in &mut catalogue.zones[..2] {
        (zone.budget, zone.capacity) = (0, 0);
    }
    catalogue.flags[0].title.clear();
    assert_eq!(catalogue.faults().len(), 5, "{:#?}", catalogue.faults());
}

#[test]
fn a_difference_tells_path_effect_and_values() {
    let before = Catalogue::builtin();
    assert_eq!(before.diff(&before), []);
    let mut after = before.clone();
    after.zones.swap(0, 1);
    assert_eq!(before.diff(&after), [], "the order of named entries means nothing");
    after.zones[0].budget = 6_000;
    after.zones[0].size = metres(300);
    after.player.speed_max = metres(7);
    let archer = ArchetypeDefinition {
        archetype: "archer".parse().expect("a name"),
        number: 3,
        ..after.archetypes[1].clone()
    };
    after.archetypes.push(archer);
    after.flags.clear();
    after.player.abilities.push("strike".parse().expect("a name"));
    let changes = before.diff(&after);
    let told: Vec<_> = changes
        .iter()
        .map(|change| (change.path.as_str(), change.effect, change.old.is_some(), change.new.is_some()))
        .collect();
    let expected = [
        ("archetypes[archer]", ChangeEffect::Live, false, true),
        ("flags[double-xp]", ChangeEffect::Live, true, false),
        ("player.abilities[0002]", ChangeEffect::Live, false, true),
        ("player.speed_max", ChangeEffect::Reload, true, true),
        ("zones[forest].budget", ChangeEffect::Live, true, true),
        ("zones[forest].size", ChangeEffect::Restart, true, true),
    ];
    assert_eq!(told, expected);
    assert_eq!((&changes[4].old, &changes[4].new), (&Some(5_000.into()), &Some(6_000.into())));
    assert_eq!(after.diff(&before).len(), changes.len(), "and back");
}
