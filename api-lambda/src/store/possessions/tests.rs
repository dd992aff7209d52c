//! The parts of transfers on the real engine: what each refuses, and that rivals who move things among characters
//! make and lose nothing.

use std::collections::BTreeSet;

use domain::catalogue::{ItemDefinition, PossessionRules};
use domain::contract::hosts::EntryOutcome;
use domain::contract::players::Character;
use domain::ids::{AccountId, CharacterId, CurrencyId, Epoch, InstanceId, ItemId, ReasonId};
use domain::random::Random;
use domain::time::UnixMillis;
use futures_util::future::join_all;

use super::StoredItem;
use super::wallet::{Movement, Wallet};
use crate::store::Store;
use crate::store::batches::{Entry, TRANSACTION_PARTS_MAX};
use crate::store::tests::store;
use crate::store::transact::Part;

const NOW: UnixMillis = UnixMillis::new(1_000_000);

async fn character(store: &Store, number: u128, name: &str) -> CharacterId {
    let id = CharacterId::from_u128(number);
    let character = Character {
        id,
        name: name.parse().expect("a name"),
        version: 1,
        level: 1,
        xp: 0,
        kills: 0,
        deaths: 0,
        place: None,
        created_at: NOW,
        updated_at: NOW,
    };
    let made = store.create_character(AccountId::from_u128(number), &character, None).await;
    made.expect("an answer").expect("made");
    id
}

fn kind(name: &str) -> ItemDefinition {
    PossessionRules::builtin().item(&name.parse().expect("a name")).expect("it is there").clone()
}

fn coin() -> CurrencyId {
    "coin".parse().expect("a currency")
}

fn reason() -> ReasonId {
    "test".parse().expect("a reason")
}

async fn wallet(store: &Store, character: CharacterId) -> Wallet {
    store.wallets(&[(character, coin())]).await.expect("an answer").remove(0)
}

/// Which parts of a transaction are refused; none: it is done.
async fn refused(store: &Store, parts: Vec<aws_sdk_dynamodb::types::TransactWriteItem>) -> Vec<usize> {
    let Err(parts) = store.transact(parts).await.expect("an answer") else { return Vec::new() };
    (0..).zip(&parts).filter(|(_, part)| part.is_refused()).map(|(index, _)| index).collect()
}

#[tokio::test]
async fn each_part_refuses_what_it_says() {
    let store = store().await;
    let (ada, bob) = (character(&store, 1, "Ada").await, character(&store, 2, "Bob").await);
    let (potion, sword, crown) = (kind("potion"), kind("sword"), kind("crown"));
    let [mine, bound] = [1, 2].map(ItemId::from_u128);
    let parts = vec![
        store.give_stack_part(ada, &potion, 60),
        store.give_stack_part(bob, &potion, 60),
        store.new_item_part(ada, mine, &sword, NOW),
        store.new_item_part(ada, bound, &crown, NOW),
    ];
    assert_eq!(refused(&store, parts).await, Vec::<usize>::new());
    assert_eq!(refused(&store, vec![store.new_item_part(ada, mine, &sword, NOW)]).await, [0]);
    assert_eq!(refused(&store, vec![store.give_stack_part(ada, &kind("hide"), 1_000_001)]).await, [0]);

    // More than the other one can have, or than there are: nothing of it is done.
    let give = |count| {
        vec![store.take_stack_part(ada, &potion.item, count), store.give_stack_part(bob, &potion, count)]
    };
    assert_eq!(refused(&store, give(40)).await, [1]);
    assert_eq!(refused(&store, give(61)).await, [0, 1]);
    assert_eq!(refused(&store, give(39)).await, Vec::<usize>::new());
    assert_eq!(store.stack(ada, &potion.item).await.expect("read"), 21);
    assert_eq!(store.stack(bob, &potion.item).await.expect("read"), 99);

    let item = |owner, id| {
        let store = store.clone();
        async move { store.unique_item(owner, id).await.expect("an answer") }
    };
    let (sword_read, crown_read) =
        (item(ada, mine).await.expect("hers"), item(ada, bound).await.expect("hers"));
    assert!(crown_read.bound);
    let hand_over = |item: &StoredItem, from, to| {
        vec![store.take_item_part(from, item), store.give_item_part(to, item, NOW), store.lives_part(to)]
    };
    assert_eq!(refused(&store, hand_over(&crown_read, ada, bob)).await, [0]);
    assert_eq!(refused(&store, hand_over(&sword_read, bob, ada)).await, [0, 1]);
    assert_eq!(refused(&store, hand_over(&sword_read, ada, bob)).await, Vec::<usize>::new());
    let his = item(bob, mine).await.expect("his");
    assert_eq!((his.id, his.version, item(ada, mine).await), (mine, sword_read.version + 1, None));
    // As it was read before it changed hands twice: that was another time.
    assert_eq!(refused(&store, hand_over(&his, bob, ada)).await, Vec::<usize>::new());
    assert_eq!(refused(&store, hand_over(&sword_read, ada, bob)).await, [0]);

    store.delete_character(AccountId::from_u128(2), bob, NOW).await.expect("an answer");
    let hers = item(ada, mine).await.expect("hers");
    assert_eq!(refused(&store, hand_over(&hers, ada, bob)).await, [2], "nothing is given to the deleted");
}

/// Moves something from one to the other, read anew and tried again as callers do.
async fn transfer(store: &Store, random: &mut Random, characters: &[CharacterId]) {
    let from = characters[random.below(3) as usize];
    let to = characters[random.below(3) as usize];
    if from == to {
        return;
    }
    let hide = kind("hide");
    let count = 1 + random.below(5);
    let price = u64::from(1 + random.below(9));
    for _ in 0..8 {
        let (payer, payee) = (wallet(store, to).await, wallet(store, from).await);
        let pays = store.wallet_parts(&payer, &[Movement::debit(price, &reason(), "a sale")], 1_000, NOW);
        // A sale and its fee, back to the payee: two movements of one wallet.
        let gets = [Movement::credit(price + 1, &reason(), "a sale"), Movement::debit(1, &reason(), "a fee")];
        let gets = store.wallet_parts(&payee, &gets, 1_000, NOW);
        let (Ok(pays), Ok(gets)) = (pays, gets) else { return };
        let mut parts =
            vec![store.take_stack_part(from, &hide.item, count), store.give_stack_part(to, &hide, count)];
        let item = ItemId::from_u128(u128::from(random.below(6)));
        if let Some(item) = store.unique_item(from, item).await.expect("an answer") {
            parts.extend([store.take_item_part(from, &item), store.give_item_part(to, &item, NOW)]);
        }
        parts.extend(pays.into_iter().chain(gets));
        match store.transact(parts).await.expect("an answer") {
            Ok(()) => return,
            // Too few hides: that does not change by reading again.
            Err(parts) if parts[0].is_refused() => return,
            Err(parts) => assert!(parts.iter().any(Part::is_refused)),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn transfers_of_rivals_make_and_lose_nothing() {
    let seed = 7;
    let store = store().await;
    let mut characters = Vec::new();
    for (number, name) in [(1, "Ada"), (2, "Bob"), (3, "Cid")] {
        let id = character(&store, number, name).await;
        let mut parts = vec![store.give_stack_part(id, &kind("hide"), 20)];
        let start = Movement::credit(50, &reason(), "start");
        parts.extend(
            store.wallet_parts(&wallet(&store, id).await, &[start], 1_000, NOW).expect("there is room"),
        );
        for index in 0..2 {
            let item = ItemId::from_u128((number - 1) * 2 + index);
            parts.push(store.new_item_part(id, item, &kind("sword"), NOW));
        }
        assert_eq!(refused(&store, parts).await, Vec::<usize>::new());
        characters.push(id);
    }
    let rivals = (0..4).map(|rival| {
        let (store, characters) = (&store, &characters);
        async move {
            let mut random = Random::of_stream(seed, rival);
            for _ in 0..25 {
                transfer(store, &mut random, characters).await;
            }
        }
    });
    join_all(rivals).await;
    let (mut hides, mut coins, mut moved, mut owners) = (0, 0, 0, BTreeSet::new());
    for id in characters {
        hides += store.stack(id, &kind("hide").item).await.expect("read");
        let wallet = wallet(&store, id).await;
        coins += wallet.balance;
        let ledger = store.ledger(id, &coin(), 100, None).await.expect("read");
        let mut newer = wallet.balance;
        for (number, entry) in (1..=wallet.entries).rev().zip(&ledger.entries) {
            assert_eq!((entry.number, entry.balance), (number, newer));
            newer = newer.checked_add_signed(-entry.amount).expect("never below 0");
        }
        moved += wallet.entries;
        for item in 0..6 {
            let item = ItemId::from_u128(item);
            if store.unique_item(id, item).await.expect("read").is_some() {
                assert!(owners.insert(item), "{item} has one owner");
            }
        }
    }
    assert_eq!((hides, coins, owners.len()), (60, 150, 6));
    assert!(moved > 30, "the run was of no use: {moved}");
}

#[tokio::test]
async fn an_entry_that_fits_no_transaction_is_too_many() {
    let (store, id) = (store().await, CharacterId::from_u128(1));
    let parts = vec![store.impossible_part(id); TRANSACTION_PARTS_MAX];
    let applied =
        store.apply_batch(InstanceId::from_u128(1), Epoch(1), vec![Entry::new(0, id, parts)], NOW, |_, _| {
            Ok(None)
        });
    assert_eq!(applied.await.expect("works").expect("owned"), [EntryOutcome::TooMany]);
}
