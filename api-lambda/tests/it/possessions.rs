//! `/v1/characters/{id}/inventory`, `/wallet`, `/progress`, and the host's routes that change them.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use domain::contract::hosts::{BatchOutcome, ClaimedCharacter, EntryOutcome};
use domain::contract::players::Character;
use domain::contract::possessions::{
    ActionOutcome, ActionOutcomes, Inventory, LedgerPage, ProgressList, UniqueItem, WalletBalances,
};
use domain::ids::{CharacterId, ItemId};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::app::{Answer, App, Player, now, random};
use crate::instances::{World, world};

pub(crate) fn gain(sequence: u64, character: CharacterId, items: &Value, currencies: &Value) -> Value {
    json!({
        "sequence": sequence, "character": character, "xp": 1, "kills": 0, "deaths": 0,
        "items": items, "currencies": currencies,
    })
}

pub(crate) fn coins(sequence: u64, character: CharacterId, amount: u64) -> Value {
    gain(sequence, character, &json!([]), &json!([{ "currency": "coin", "amount": amount }]))
}

pub(crate) fn items(sequence: u64, character: CharacterId, kind: &str, count: u32) -> Value {
    gain(sequence, character, &json!([{ "item": kind, "count": count }]), &json!([]))
}

impl World<'_> {
    pub(crate) async fn gains(&self, events: &[Value]) -> Vec<EntryOutcome> {
        self.events(self.epoch(), events).await.ok::<BatchOutcome>(200).outcomes
    }

    async fn send_actions(&self, epoch: u64, actions: &[Value]) -> Answer {
        self.app.internal(&self.path("actions"), &json!({ "epoch": epoch, "actions": actions })).await
    }

    pub(crate) async fn act(&self, actions: &[Value]) -> Vec<ActionOutcome> {
        self.send_actions(self.epoch(), actions).await.ok::<ActionOutcomes>(200).outcomes
    }
}

pub(crate) fn action(sequence: u64, character: CharacterId, claim: u64, action: &Value) -> Value {
    json!({ "sequence": sequence, "character": character, "claim": claim, "action": action })
}

/// A player's own character in the world, and what is read of it.
pub(crate) struct Hero<'a> {
    pub(crate) player: Player<'a>,
    pub(crate) id: CharacterId,
    pub(crate) claim: u64,
}

pub(crate) async fn hero<'a>(app: &'a App, world: &World<'a>, name: &str) -> Hero<'a> {
    let player = app.player().await;
    let character = player.create(name).await;
    let claim = world.claim(&player, &character).await;
    Hero { player, id: character.id, claim }
}

impl Hero<'_> {
    pub(crate) fn path(&self, what: &str) -> String {
        format!("/v1/characters/{}/{what}", self.id)
    }

    pub(crate) async fn inventory(&self) -> Inventory {
        self.player.get(&self.path("inventory?limit=100")).await.ok(200)
    }

    pub(crate) async fn unique(&self, kind: &str) -> Vec<UniqueItem> {
        let all = self.inventory().await.items;
        all.into_iter().filter(|item| item.item.as_str() == kind).collect()
    }

    pub(crate) async fn count(&self, kind: &str) -> u32 {
        let stacks = self.inventory().await.stacks;
        stacks.iter().find(|stack| stack.item.as_str() == kind).map_or(0, |stack| stack.count)
    }

    pub(crate) async fn coins(&self) -> u64 {
        let wallet: WalletBalances = self.player.get(&self.path("wallet")).await.ok(200);
        wallet.balances.first().map_or(0, |balance| balance.balance)
    }

    pub(crate) async fn ledger(&self, query: &str) -> LedgerPage {
        self.player.get(&self.path(&format!("wallet/coin/entries{query}"))).await.ok(200)
    }

    pub(crate) fn does(&self, sequence: u64, what: &Value) -> Value {
        action(sequence, self.id, self.claim, what)
    }
}

#[tokio::test]
async fn what_is_found_is_there_once() {
    let app = App::start().await;
    let world = world(&app).await;
    let ada = hero(&app, &world, "Ada").await;
    let batch = [
        coins(1, ada.id, 30),
        gain(
            2,
            ada.id,
            &json!([{ "item": "hide", "count": 2 }, { "item": "sword", "count": 2 }, { "item": "hide", "count": 1 }]),
            &json!([{ "currency": "coin", "amount": 5 }, { "currency": "coin", "amount": 0 }]),
        ),
        items(3, ada.id, "crown", 1),
    ];
    // Ten hosts' worth of repetitions at once, and one later.
    for outcomes in join_all((0..10).map(|_| world.gains(&batch))).await {
        assert_eq!(outcomes, [EntryOutcome::Stored; 3]);
    }
    assert_eq!(world.gains(&batch).await, [EntryOutcome::Stored; 3]);
    let inventory = ada.inventory().await;
    assert_eq!((inventory.stacks.len(), inventory.stacks[0].count), (1, 3));
    assert_eq!((ada.unique("sword").await.len(), ada.coins().await), (2, 35));
    let crown = &ada.unique("crown").await[0];
    assert!(crown.bound && crown.slot.is_none(), "it is bound from the start");
    assert!(ada.unique("sword").await.iter().all(|sword| !sword.bound));
    let ledger = ada.ledger("").await;
    assert_eq!(ledger.entries.len(), 2);
    let newest = &ledger.entries[0];
    assert_eq!((newest.number, newest.amount, newest.balance), (2, 5, 35));
    assert_eq!(newest.reason.as_str(), "loot");
    assert!(newest.cause.ends_with("#2") && newest.cause.starts_with("ins_"), "{}", newest.cause);
    let character: Character = ada.player.get(&format!("/v1/characters/{}", ada.id)).await.ok(200);
    assert_eq!(character.xp, 3);
}

#[tokio::test]
async fn an_event_that_cannot_be_stored_as_a_whole_leaves_nothing_and_hurts_no_other() {
    use EntryOutcome::{Full, Stored, TooMany, Unknown};

    let app = App::start().await;
    let world = world(&app).await;
    let (ada, bob) = (hero(&app, &world, "Ada").await, hero(&app, &world, "Bob").await);
    let batch = [
        items(1, ada.id, "unobtainium", 1),
        gain(2, ada.id, &json!([]), &json!([{ "currency": "doubloon", "amount": 1 }])),
        items(3, ada.id, "potion", 98),
        items(4, ada.id, "potion", 2),
        items(5, ada.id, "sword", 33),
        items(6, ada.id, "potion", u32::MAX),
        coins(7, ada.id, 1_000_000_000_001),
        coins(8, bob.id, 1_000_000_000_000),
        gain(
            9,
            bob.id,
            &json!([{ "item": "hide", "count": 5 }]),
            &json!([{ "currency": "coin", "amount": 1 }]),
        ),
        coins(10, ada.id, u64::MAX),
        items(11, ada.id, "potion", 1),
        gain(12, ada.id, &Value::Array(vec![json!({ "item": "hide", "count": 1 }); 17]), &json!([])),
        gain(13, ada.id, &json!([]), &Value::Array(vec![json!({ "currency": "coin", "amount": 1 }); 5])),
    ];
    let expected =
        [Unknown, Unknown, Stored, Full, TooMany, Full, Full, Stored, Full, Full, Stored, TooMany, TooMany];
    assert_eq!(world.gains(&batch).await, expected);
    assert_eq!(world.gains(&batch).await, expected, "what was stored stays stored");
    assert_eq!((ada.count("potion").await, ada.coins().await, ada.unique("sword").await.len()), (99, 0, 0));
    assert_eq!((bob.count("hide").await, bob.coins().await), (0, 1_000_000_000_000));
    let character: Character = ada.player.get(&format!("/v1/characters/{}", ada.id)).await.ok(200);
    assert_eq!(character.xp, 2, "only what was stored counts");
    // The sequence is free: the event can be sent again without what has no place.
    assert_eq!(world.gains(&[items(4, ada.id, "hide", 2)]).await, [Stored]);
    assert_eq!(ada.count("hide").await, 2);
}

#[tokio::test]
async fn an_event_so_old_that_it_is_forgotten_makes_no_item_twice() {
    let app = App::start().await;
    let world = world(&app).await;
    let ada = hero(&app, &world, "Ada").await;
    let event = [gain(1, ada.id, &json!([{ "item": "sword", "count": 2 }]), &json!([]))];
    assert_eq!(world.gains(&event).await, [EntryOutcome::Stored]);
    let swords = ada.unique("sword").await;
    let own = &world.registered.instances[0];
    let remembered = format!("{}#{}#1", own.instance, own.epoch);
    let delete = app.engine.client().delete_item().table_name(format!("{}requests", app.engine.table_prefix));
    let delete = delete.key("pk", AttributeValue::S(remembered)).return_values(ReturnValue::AllOld);
    assert!(delete.send().await.expect("deleted").attributes.is_some(), "it was remembered");
    assert_eq!(world.gains(&event).await, [EntryOutcome::Stored]);
    assert_eq!(ada.unique("sword").await, swords);
    let character: Character = ada.player.get(&format!("/v1/characters/{}", ada.id)).await.ok(200);
    assert_eq!(character.xp, 1, "nor is anything else of it applied again");
}

#[tokio::test]
async fn malformed_events_and_actions_are_refused_before_anything_is_done() {
    let app = App::start().await;
    let world = world(&app).await;
    let ada = hero(&app, &world, "Ada").await;
    for bad in [
        items(1, ada.id, "Sword!", 1),
        gain(1, ada.id, &json!([{ "item": "hide" }]), &json!([])),
        gain(1, ada.id, &json!([{ "item": "hide", "count": -1 }]), &json!([])),
        gain(1, ada.id, &json!([]), &json!([{ "currency": "coin", "amount": 1.5 }])),
        gain(1, ada.id, &json!([]), &json!([{ "currency": "coin", "amount": 1, "note": "x" }])),
    ] {
        world.events(world.epoch(), &[coins(9, ada.id, 5), bad]).await.problem(400, "bad_body");
    }
    for bad in [
        json!({ "dance": {} }),
        json!({ "equip": { "item": ItemId::new(now(), random()) } }),
        json!({ "equip": { "item": ada.id, "slot": "hand" } }),
        json!({ "consume": { "item": "hide", "count": 1, "note": "x" } }),
        json!({ "spend": { "currency": "coin", "amount": -1, "reason": "x" } }),
        json!({ "spend": { "currency": "coin", "amount": 1, "reason": "Bad Reason" } }),
        json!({ "progress": { "name": "x".repeat(33), "change": { "add": 1 } } }),
        json!({ "progress": { "name": "x", "change": { "double": 1 } } }),
    ] {
        world.send_actions(world.epoch(), &[ada.does(1, &bad)]).await.problem(400, "bad_body");
    }
    let consume =
        |sequence, count: u32| ada.does(sequence, &json!({ "consume": { "item": "hide", "count": count } }));
    world.send_actions(world.epoch(), &[consume(1, 0)]).await.problem(400, "bad_request");
    let nothing = ada.does(1, &json!({ "spend": { "currency": "coin", "amount": 0, "reason": "x" } }));
    world.send_actions(world.epoch(), &[nothing]).await.problem(400, "bad_request");
    world.send_actions(world.epoch(), &[consume(1, 1), consume(1, 1)]).await.problem(400, "bad_request");
    let many: Vec<_> = (0..65).map(|sequence| consume(sequence, 1)).collect();
    world.send_actions(world.epoch(), &many).await.problem(400, "bad_request");
    assert_eq!(ada.coins().await, 0);
}

#[tokio::test]
async fn items_are_worn_taken_off_and_changed() {
    use ActionOutcome::{Equipped, Missing, Stored, Unknown, WrongSlot};

    let app = App::start().await;
    let world = world(&app).await;
    let ada = hero(&app, &world, "Ada").await;
    let found = [items(1, ada.id, "sword", 1), items(2, ada.id, "bow", 1), items(3, ada.id, "cloak", 1)];
    world.gains(&found).await;
    let (sword, bow, cloak) =
        (&ada.unique("sword").await[0], &ada.unique("bow").await[0], &ada.unique("cloak").await[0]);
    let equip = |item: ItemId, slot: &str| json!({ "equip": { "item": item, "slot": slot } });
    let unequip = |slot: &str| json!({ "unequip": { "slot": slot } });
    let outcomes = world
        .act(&[
            ada.does(1, &equip(sword.id, "hand")),
            ada.does(2, &equip(sword.id, "hand")),
            ada.does(3, &equip(cloak.id, "hand")),
            ada.does(4, &equip(cloak.id, "tail")),
            ada.does(5, &equip(ItemId::new(now(), random()), "hand")),
            ada.does(6, &equip(cloak.id, "back")),
            ada.does(7, &equip(bow.id, "hand")),
            ada.does(8, &unequip("head")),
            ada.does(9, &json!({ "discard": { "item": bow.id } })),
        ])
        .await;
    assert_eq!(outcomes, [Stored, Equipped, WrongSlot, Unknown, Missing, Stored, Stored, Missing, Equipped]);
    let worn: Vec<_> =
        ada.inventory().await.equipment.into_iter().map(|worn| (worn.slot.to_string(), worn.id)).collect();
    assert_eq!(worn, [("back".to_owned(), cloak.id), ("hand".to_owned(), bow.id)]);
    assert_eq!(ada.unique("sword").await[0].slot, None, "the bow took its place");
    assert!(ada.unique("cloak").await[0].bound, "it is bound once it was worn");
    assert!(!ada.unique("sword").await[0].bound);

    // The next host hears of it.
    let own = &world.registered.instances[0];
    let claim = json!({ "account": ada.player.account, "host": world.host, "instance": own.instance, "epoch": own.epoch });
    let claimed: ClaimedCharacter =
        app.internal(&format!("/characters/{}/claim", ada.id), &claim).await.ok(200);
    assert_eq!(claimed.equipment, ada.inventory().await.equipment);

    // The one before may not do anything any more.
    let late = world.act(&[ada.does(10, &unequip("hand"))]).await;
    assert_eq!(late, [ActionOutcome::Fenced]);
    let outcomes = world.act(&[action(11, ada.id, claimed.claim, &unequip("hand"))]).await;
    assert_eq!(outcomes, [Stored]);
    assert_eq!(ada.unique("bow").await[0].slot, None);
    let discard = json!({ "discard": { "item": bow.id } });
    let outcomes = world
        .act(&[action(12, ada.id, claimed.claim, &discard), action(13, ada.id, claimed.claim, &discard)])
        .await;
    assert_eq!(outcomes, [Stored, Missing]);
    assert!(ada.unique("bow").await.is_empty());
}

#[tokio::test]
async fn what_is_used_up_and_spent_must_be_there() {
    use ActionOutcome::{Bound, NotEnough, Stored, Unknown};

    let app = App::start().await;
    let world = world(&app).await;
    let ada = hero(&app, &world, "Ada").await;
    world.gains(&[items(1, ada.id, "potion", 3), coins(2, ada.id, 10), items(3, ada.id, "bow", 1)]).await;
    let bow = ada.unique("bow").await[0].id;
    let consume = |item: &str, count: u32| json!({ "consume": { "item": item, "count": count } });
    let spend = |currency: &str, amount: u64| json!({ "spend": { "currency": currency, "amount": amount, "reason": "repair" } });
    let bind = json!({ "bind": { "item": bow } });
    let outcomes = world
        .act(&[
            ada.does(1, &consume("potion", 4)),
            ada.does(2, &consume("potion", 2)),
            ada.does(3, &consume("potion", 2)),
            ada.does(4, &consume("hide", 1)),
            ada.does(5, &consume("bow", 1)),
            ada.does(6, &consume("unobtainium", 1)),
            ada.does(7, &spend("coin", 11)),
            ada.does(8, &spend("coin", 7)),
            ada.does(9, &spend("coin", u64::MAX)),
            ada.does(10, &spend("doubloon", 1)),
            ada.does(11, &bind),
            ada.does(12, &bind),
        ])
        .await;
    assert_eq!(
        outcomes,
        [
            NotEnough, Stored, NotEnough, NotEnough, NotEnough, Unknown, NotEnough, Stored, NotEnough,
            Unknown, Stored, Bound
        ]
    );
    assert_eq!((ada.count("potion").await, ada.coins().await), (1, 3));
    assert!(ada.unique("bow").await[0].bound);
    let entry = &ada.ledger("?limit=1").await.entries[0];
    assert_eq!((entry.amount, entry.balance, entry.reason.as_str()), (-7, 3, "repair"));
}

#[tokio::test]
async fn an_action_is_done_once_and_its_repetition_is_told_so_even_if_it_could_not_be_done_again() {
    let app = App::start().await;
    let world = world(&app).await;
    let ada = hero(&app, &world, "Ada").await;
    world.gains(&[items(1, ada.id, "potion", 1), coins(2, ada.id, 10)]).await;
    let batch = [
        ada.does(1, &json!({ "spend": { "currency": "coin", "amount": 10, "reason": "toll" } })),
        ada.does(2, &json!({ "consume": { "item": "potion", "count": 1 } })),
        ada.does(3, &json!({ "progress": { "name": "wolves", "change": { "add": 5 } } })),
    ];
    for outcomes in join_all((0..10).map(|_| world.act(&batch))).await {
        assert_eq!(outcomes, [ActionOutcome::Stored; 3]);
    }
    assert_eq!((ada.coins().await, ada.count("potion").await), (0, 0));
    assert_eq!(ada.ledger("").await.entries.len(), 2);
    let progress: ProgressList = ada.player.get(&ada.path("progress")).await.ok(200);
    assert_eq!(progress.progress.iter().map(|one| one.value).collect::<Vec<_>>(), [5]);
    // A refused one may be sent again, and is decided anew.
    let again = [ada.does(4, &json!({ "spend": { "currency": "coin", "amount": 1, "reason": "toll" } }))];
    assert_eq!(world.act(&again).await, [ActionOutcome::NotEnough]);
    world.gains(&[coins(3, ada.id, 1)]).await;
    assert_eq!(world.act(&again).await, [ActionOutcome::Stored]);
    // Events and actions are counted apart.
    assert_eq!(ada.coins().await, 0);
}

#[tokio::test]
async fn actions_of_other_hosts_and_of_the_gone_are_not_done() {
    use ActionOutcome::{Fenced, Gone, Stored};

    let app = App::start().await;
    let world = world(&app).await;
    let (ada, bob) = (hero(&app, &world, "Ada").await, hero(&app, &world, "Bob").await);
    world.gains(&[coins(1, ada.id, 10), coins(2, bob.id, 10)]).await;
    let spend = json!({ "spend": { "currency": "coin", "amount": 1, "reason": "toll" } });
    for epoch in [world.epoch() - 1, world.epoch() + 1] {
        world.send_actions(epoch, &[ada.does(1, &spend)]).await.problem(409, "fenced");
    }
    let body = json!({ "epoch": world.epoch(), "actions": [ada.does(1, &spend)] });
    let path = format!("/internal/v1{}", world.path("actions"));
    ada.player.post(&path, &body).await.problem(401, "service_token");
    ada.player.delete(&format!("/v1/characters/{}", ada.id)).await;
    let never = CharacterId::new(now(), random());
    let batch = [
        ada.does(1, &spend),
        action(2, bob.id, bob.claim + 1, &spend),
        bob.does(3, &spend),
        action(4, never, 1, &spend),
        action(5, ada.id, ada.claim, &json!({ "unequip": { "slot": "hand" } })),
    ];
    assert_eq!(world.act(&batch).await, [Gone, Fenced, Stored, Gone, Gone]);
    assert_eq!(bob.coins().await, 9);
    let gone = world.gains(&[coins(3, ada.id, 5), items(4, never, "sword", 1)]).await;
    assert_eq!(gone, [EntryOutcome::Gone; 2]);
}

#[tokio::test]
async fn progress_is_counted_and_bounded() {
    use ActionOutcome::{Full, Missing, Stored};

    let app = App::start().await;
    let world = world(&app).await;
    let ada = hero(&app, &world, "Ada").await;
    let change = |sequence: u64, name: &str, change: Value| {
        ada.does(sequence, &json!({ "progress": { "name": name, "change": change } }))
    };
    let first: Vec<_> = (0..64).map(|n| change(n, &format!("quest-{n:03}"), json!({ "set": n }))).collect();
    let second: Vec<_> =
        (64..128).map(|n| change(n, &format!("quest-{n:03}"), json!({ "add": n }))).collect();
    assert_eq!(world.act(&first).await, [ActionOutcome::Stored; 64]);
    assert_eq!(world.act(&second).await, [ActionOutcome::Stored; 64]);
    let outcomes = world
        .act(&[
            change(200, "one-more", json!({ "set": 1 })),
            change(201, "one-more", json!("clear")),
            change(202, "quest-000", json!("clear")),
            change(203, "one-more", json!({ "set": 1 })),
            change(204, "one-more", json!({ "add": 9_007_199_254_740_991_i64 })),
            change(205, "one-more", json!({ "add": -3 })),
        ])
        .await;
    assert_eq!(outcomes, [Full, Missing, Stored, Stored, Full, Stored]);
    let list: ProgressList = ada.player.get(&ada.path("progress")).await.ok(200);
    assert_eq!((list.progress.len(), list.progress[0].value), (128, -2));
}

#[tokio::test]
async fn pages_show_everything_once() {
    let app = App::start().await;
    let world = world(&app).await;
    let ada = hero(&app, &world, "Ada").await;
    let mut batch: Vec<_> = (1..=30).map(|n| coins(n, ada.id, n)).collect();
    batch.push(items(31, ada.id, "sword", 7));
    batch.push(items(32, ada.id, "crown", 3));
    for (n, kind) in (33..).zip(["hide", "fang", "pelt", "potion", "token"]) {
        batch.push(items(n, ada.id, kind, 2));
    }
    world.gains(&batch).await;
    world.act(&[ada.does(1, &json!({ "consume": { "item": "pelt", "count": 2 } }))]).await;
    for limit in [1, 2, 5, 10, 14, 100] {
        let (mut unique, mut stacks, mut pages) = (Vec::new(), Vec::new(), 0);
        let mut next = String::new();
        loop {
            let page: Inventory =
                ada.player.get(&ada.path(&format!("inventory?limit={limit}{next}"))).await.ok(200);
            assert!(page.items.len() + page.stacks.len() <= limit);
            assert!(stacks.is_empty() || page.items.is_empty(), "stacks come after the items");
            unique.extend(page.items.iter().map(|item| item.id));
            stacks.extend(page.stacks.iter().map(|stack| stack.item.to_string()));
            pages += 1;
            let Some(cursor) = page.next else { break };
            next = format!("&cursor={cursor}");
            assert!(pages < 30, "the pages end");
        }
        unique.sort();
        unique.dedup();
        assert_eq!(
            (unique.len(), stacks),
            (10, vec!["fang".into(), "hide".into(), "potion".into(), "token".into()])
        );
    }
    let (mut numbers, mut next) = (Vec::new(), String::from("?limit=7"));
    loop {
        let page = ada.ledger(&next).await;
        numbers.extend(page.entries.iter().map(|entry| entry.number));
        let Some(cursor) = page.next else { break };
        next = format!("?limit=7&cursor={cursor}");
    }
    assert_eq!(numbers, (1..=30).rev().collect::<Vec<u64>>());
}

#[tokio::test]
async fn only_owners_read_and_bad_queries_are_refused() {
    let app = App::start().await;
    let world = world(&app).await;
    let (ada, eve) = (hero(&app, &world, "Ada").await, hero(&app, &world, "Eve").await);
    world.gains(&[coins(1, ada.id, 5), coins(2, ada.id, 5), items(3, ada.id, "sword", 2)]).await;
    for what in ["inventory", "wallet", "wallet/coin/entries", "progress"] {
        eve.player.get(&ada.path(what)).await.problem(404, "no_character");
        let path = format!("/v1/characters/{}/{what}", CharacterId::new(now(), random()));
        ada.player.get(&path).await.problem(404, "no_character");
        assert_eq!(ada.player.get(&ada.path(what)).await.status, 200);
    }
    ada.player.get(&ada.path("wallet/doubloon/entries")).await.problem(404, "no_currency");
    ada.player.get(&ada.path("wallet/Coin!/entries")).await.problem(400, "bad_path");
    assert!(eve.ledger("").await.entries.is_empty(), "a currency that one never had has an empty ledger");
    let items_page: Inventory = ada.player.get(&ada.path("inventory?limit=1")).await.ok(200);
    let ledger_page = ada.ledger("?limit=1").await;
    let (of_items, of_ledger) = (items_page.next.expect("more"), ledger_page.next.expect("more"));
    for query in [
        "limit=0".to_owned(),
        "limit=101".into(),
        "limit=x".into(),
        "page=2".into(),
        "cursor=rubbish".into(),
        "cursor=e30".into(),
    ] {
        for what in ["inventory", "wallet/coin/entries"] {
            ada.player.get(&ada.path(&format!("{what}?{query}"))).await.problem(400, "bad_query");
        }
    }
    let foreign = ada.path(&format!("wallet/coin/entries?cursor={of_items}"));
    ada.player.get(&foreign).await.problem(400, "bad_query");
    ada.player.get(&ada.path(&format!("inventory?cursor={of_ledger}"))).await.problem(400, "bad_query");
    // A cursor of another character leads nowhere but into one's own.
    let own: Inventory = eve.player.get(&eve.path(&format!("inventory?cursor={of_items}"))).await.ok(200);
    assert!(own.items.is_empty() && own.stacks.is_empty());
}
