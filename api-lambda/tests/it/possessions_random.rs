//! Possessions under random hosts: events, actions, deletions and restorations, repeated and by rivals at once,
//! and what must hold whatever happened. A failure prints its seed and how to repeat it.

use std::collections::{BTreeMap, BTreeSet};

use domain::contract::hosts::{BatchOutcome, EntryOutcome};
use domain::contract::players::Character;
use domain::contract::possessions::{
    ActionOutcome, ActionOutcomes, Inventory, LedgerPage, UniqueItem, WalletBalances,
};
use domain::ids::{CharacterId, ItemId};
use domain::random::Random;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::app::{App, Player};
use crate::instances::{World, world};

const RIVALS: u64 = 4;
const ROUNDS: u64 = 12;
const CHARACTERS: usize = 3;
const SEED_VARIABLE: &str = "GRATICULE_TEST_SEED";
/// Seeds that run each time.
const SEEDS: [u64; 2] = [1, 2];

/// What the rivals know to be stored: sums of what was answered as stored, each sequence once.
#[derive(Default)]
struct Expected {
    events: BTreeMap<u64, (CharacterId, u64, u64, u64)>,
    spent: BTreeMap<u64, (CharacterId, u64)>,
    consumed: BTreeMap<u64, (CharacterId, u64)>,
    discarded: BTreeSet<ItemId>,
}

struct Table<'a> {
    world: World<'a>,
    player: Player<'a>,
    characters: Vec<Character>,
    claims: Vec<u64>,
}

impl Table<'_> {
    async fn read(&self, character: CharacterId) -> (Vec<UniqueItem>, u64, u64, Inventory) {
        let path = format!("/v1/characters/{character}");
        let (mut unique, mut hides, mut next) = (Vec::new(), 0, String::new());
        let first: Inventory = self.player.get(&format!("{path}/inventory?limit=100")).await.ok(200);
        loop {
            let page: Inventory = self.player.get(&format!("{path}/inventory?limit=40{next}")).await.ok(200);
            unique.extend(page.items);
            hides += page.stacks.iter().map(|stack| u64::from(stack.count)).sum::<u64>();
            let Some(cursor) = page.next else { break };
            next = format!("&cursor={cursor}");
        }
        let wallet: WalletBalances = self.player.get(&format!("{path}/wallet")).await.ok(200);
        let balance = wallet.balances.first().map_or(0, |balance| balance.balance);
        self.check_ledger(&path, balance, wallet.balances.first().map_or(0, |balance| balance.entries)).await;
        (unique, hides, balance, first)
    }

    /// The entries are numbered without a gap, each balance follows from the one before, and the last is the
    /// wallet's.
    async fn check_ledger(&self, path: &str, balance: u64, entries: u64) {
        let (mut all, mut next) = (Vec::new(), String::new());
        loop {
            let page: LedgerPage =
                self.player.get(&format!("{path}/wallet/coin/entries?limit=100{next}")).await.ok(200);
            all.extend(page.entries);
            let Some(cursor) = page.next else { break };
            next = format!("&cursor={cursor}");
        }
        all.reverse();
        let mut sum = 0_i64;
        for (number, entry) in (1..).zip(&all) {
            sum += entry.amount;
            assert_eq!((entry.number, i64::try_from(entry.balance)), (number, Ok(sum)), "{entry:?}");
        }
        assert_eq!((i64::try_from(balance), entries), (Ok(sum), all.len() as u64));
    }

    fn random_event(&self, random: &mut Random, sequence: u64) -> (Value, (CharacterId, u64, u64, u64)) {
        let character = self.characters[random.below(3) as usize].id;
        let (coins, hides, swords) =
            (u64::from(random.below(20)), u64::from(random.below(5)), u64::from(random.below(3)));
        let event = json!({
            "sequence": sequence, "character": character, "xp": 1, "kills": 0, "deaths": 0,
            "items": [{ "item": "hide", "count": hides }, { "item": "sword", "count": swords }],
            "currencies": [{ "currency": "coin", "amount": coins }],
        });
        (event, (character, coins, hides, swords))
    }

    fn random_action(&self, random: &mut Random, sequence: u64, known: &[(usize, ItemId)]) -> (usize, Value) {
        let who = random.below(3) as usize;
        let own: Vec<_> = known.iter().filter(|(owner, _)| *owner == who).collect();
        let item = own.get(random.below(u32::try_from(own.len()).unwrap_or(0)) as usize);
        let item = item.map_or(ItemId::from_u128(1), |(_, item)| *item);
        let action = match random.below(6) {
            0 => json!({ "spend": { "currency": "coin", "amount": 1 + random.below(30), "reason": "test" } }),
            1 => json!({ "consume": { "item": "hide", "count": 1 + random.below(6) } }),
            2 | 3 => json!({ "equip": { "item": item, "slot": "hand" } }),
            4 => json!({ "unequip": { "slot": "hand" } }),
            _ => json!({ "discard": { "item": item } }),
        };
        let character = self.characters[who].id;
        (
            who,
            json!({ "sequence": sequence, "character": character, "claim": self.claims[who], "action": action }),
        )
    }

    /// Sends the same events several times at once; what is stored is told by all the same.
    async fn send_events(&self, batch: &[Value], times: u32) -> Vec<EntryOutcome> {
        let epoch = self.world.epoch();
        let answers = join_all((0..times).map(|_| self.world.events(epoch, batch))).await;
        let outcomes: Vec<_> = answers.iter().map(|answer| answer.ok::<BatchOutcome>(200).outcomes).collect();
        merge(&outcomes, EntryOutcome::Stored)
    }

    async fn send_actions(&self, batch: &[Value], times: u32) -> Vec<ActionOutcome> {
        let path = self.world.path("actions");
        let body = json!({ "epoch": self.world.epoch(), "actions": batch });
        let answers = join_all((0..times).map(|_| self.world.app.internal(&path, &body))).await;
        let outcomes: Vec<_> =
            answers.iter().map(|answer| answer.ok::<ActionOutcomes>(200).outcomes).collect();
        merge(&outcomes, ActionOutcome::Stored)
    }
}

/// An entry is stored if any of the repetitions says so.
fn merge<T: Copy + PartialEq>(outcomes: &[Vec<T>], stored: T) -> Vec<T> {
    let any = |index: usize| outcomes.iter().map(|one| one[index]).find(|one| *one == stored);
    (0..outcomes[0].len()).map(|index| any(index).unwrap_or(outcomes[0][index])).collect()
}

/// One rival's play: rounds of events and actions, some of them sent several times at once.
async fn play(table: &Table<'_>, seed: u64, rival: u64) -> Expected {
    let mut random = Random::of_stream(seed, rival);
    let mut expected = Expected::default();
    for round in 0..ROUNDS {
        let first = (rival * ROUNDS + round) * 10;
        let (events, gains): (Vec<_>, Vec<_>) =
            (first..first + 3).map(|sequence| table.random_event(&mut random, sequence)).unzip();
        let times = 1 + random.below(3);
        for ((sequence, outcome), gain) in (first..).zip(table.send_events(&events, times).await).zip(gains) {
            if outcome == EntryOutcome::Stored {
                expected.events.insert(sequence, gain);
            } else {
                assert_eq!(outcome, EntryOutcome::Gone);
            }
        }
        let mut known = Vec::new();
        for (index, character) in table.characters.iter().enumerate() {
            let path = format!("/v1/characters/{}/inventory?limit=100", character.id);
            let answer = table.player.get(&path).await;
            // Another rival may have deleted it.
            if answer.status == 200 {
                known.extend(answer.ok::<Inventory>(200).items.iter().map(|item| (index, item.id)));
            }
        }
        let (who, actions): (Vec<_>, Vec<_>) =
            (first..first + 4).map(|sequence| table.random_action(&mut random, sequence, &known)).unzip();
        let times = 1 + random.below(3);
        let outcomes = table.send_actions(&actions, times).await;
        for ((sequence, outcome), (who, action)) in (first..).zip(outcomes).zip(who.into_iter().zip(actions))
        {
            if outcome == ActionOutcome::Stored {
                note(&mut expected, sequence, table.characters[who].id, &action["action"]);
            }
        }
        if random.below(4) == 0 {
            let id = table.characters[random.below(3) as usize].id;
            table.player.delete(&format!("/v1/characters/{id}")).await;
            let answer = table.player.post(&format!("/v1/characters/{id}/restore"), &json!({})).await;
            assert!(matches!(answer.status, 200 | 409), "{}", answer.text);
        }
    }
    expected
}

fn note(expected: &mut Expected, sequence: u64, character: CharacterId, action: &Value) {
    if let Some(spend) = action.get("spend") {
        expected.spent.insert(sequence, (character, spend["amount"].as_u64().expect("a number")));
    } else if let Some(consume) = action.get("consume") {
        expected.consumed.insert(sequence, (character, consume["count"].as_u64().expect("a number")));
    } else if let Some(discard) = action.get("discard") {
        expected.discarded.insert(discard["item"].as_str().expect("a text").parse().expect("an item"));
    }
}

async fn run(seed: u64) {
    let app = App::start().await;
    let world = world(&app).await;
    let player = app.player().await;
    let mut characters = Vec::new();
    let mut claims = Vec::new();
    for name in ["Ada", "Bob", "Cid"] {
        let character = player.create(name).await;
        claims.push(world.claim(&player, &character).await);
        characters.push(character);
    }
    assert_eq!(characters.len(), CHARACTERS);
    let table = Table { world, player, characters, claims };
    let plays = join_all((0..RIVALS).map(|rival| play(&table, seed, rival))).await;
    let mut owners: BTreeMap<ItemId, CharacterId> = BTreeMap::new();
    let (mut made, mut discarded) = (0, BTreeSet::new());
    for played in &plays {
        made += played.events.values().map(|(_, _, _, swords)| swords).sum::<u64>();
        discarded.extend(played.discarded.iter().copied());
    }
    for character in &table.characters {
        let id = character.id;
        // Whoever deleted it last may have found it restored.
        table.player.post(&format!("/v1/characters/{id}/restore"), &json!({})).await;
        let (unique, hides, balance, first) = table.read(id).await;
        let sum = |of: fn(&Expected) -> Vec<(CharacterId, u64)>| -> u64 {
            let all = plays.iter().flat_map(of);
            all.filter(|(who, _)| *who == id).map(|(_, amount)| amount).sum()
        };
        let found = sum(|play| play.events.values().map(|gain| (gain.0, gain.1)).collect());
        let spent = sum(|play| play.spent.values().copied().collect());
        assert_eq!(balance, found - spent, "coins of {id}");
        let found = sum(|play| play.events.values().map(|gain| (gain.0, gain.2)).collect());
        let consumed = sum(|play| play.consumed.values().copied().collect());
        assert_eq!(hides, found - consumed, "hides of {id}");
        let worn: Vec<_> = unique.iter().filter(|item| item.slot.is_some()).map(|item| item.id).collect();
        let equipment: Vec<_> = first.equipment.iter().map(|worn| worn.id).collect();
        assert_eq!(worn, equipment, "an item says that it is worn where the slot says so");
        for item in unique {
            assert_eq!(owners.insert(item.id, id), None, "{} has one owner", item.id);
        }
    }
    assert!(discarded.iter().all(|item| !owners.contains_key(item)), "what was destroyed is gone");
    assert_eq!(owners.len() as u64 + discarded.len() as u64, made, "no sword appeared or vanished");
    assert!(made > 10, "the run was of no use");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_by_rivals_and_repetitions() {
    let seeds = match std::env::var(SEED_VARIABLE) {
        Ok(seed) => vec![seed.parse().expect("a number")],
        Err(_) => SEEDS.to_vec(),
    };
    for seed in seeds {
        println!(
            "repeat with: {SEED_VARIABLE}={seed} cargo test -p api-lambda --test api possessions_random"
        );
        run(seed).await;
    }
}
