//! Export and deletion over a real store engine.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::contract::chat::{Channel, Mute, Reporter};
use domain::ids::MessageId;
use domain::names::CharacterName;

use super::*;
use crate::clock::{now, random_u128};
use crate::party::Party;
use crate::relation::List;
use crate::store::chat::reports::{Reported, reported};
use crate::store::chat::{Place, StoredMessage};
use crate::store::personal::character::Forgotten;
use crate::store::tests::store;

/// An account with one character.
#[derive(Clone, Copy)]
struct Person {
    account: AccountId,
    character: CharacterId,
}

/// Time for all.
fn long() -> Deadline {
    Deadline::after(Duration::from_mins(1))
}

fn person() -> Person {
    Person {
        account: AccountId::new(now(), random_u128()),
        character: CharacterId::new(now(), random_u128()),
    }
}

async fn wish(store: &Store, me: Person, other: Person, wish: Wish) {
    let pair = (me.account, other.account);
    store.change_relation(pair, wish, now(), |_| None).await.expect("an answer").expect("granted");
}

async fn ask(store: &Store, me: Person, other: Person) {
    wish(store, me, other, Wish::Ask { from: me.character, to: other.character }).await;
}

async fn befriend(store: &Store, me: Person, other: Person) {
    ask(store, me, other).await;
    ask(store, other, me).await;
}

async fn found(store: &Store, leader: Person) -> PartyId {
    let id = PartyId::new(now(), random_u128());
    let party = Party::new(id, leader.character, leader.account, now());
    store.create_party(&party, None).await.expect("an answer").expect("a party");
    id
}

async fn invite(store: &Store, party: PartyId, by: Person, other: Person, hidden: bool) {
    let (by, character, account) = (by.character, other.character, other.account);
    let deed = Deed::Invite { by, character, account, hidden };
    store.change_party(party, deed, now(), |_| None).await.expect("an answer").expect("invited");
}

async fn accept(store: &Store, party: PartyId, who: Person) {
    let deed = Deed::Accept { character: who.character };
    store.change_party(party, deed, now(), |_| None).await.expect("an answer").expect("accepted");
}

async fn say(store: &Store, who: Person, channel: Channel, said: &str) -> StoredMessage {
    let name: CharacterName = "Somebody".parse().expect("a name");
    let message = StoredMessage {
        id: MessageId::new(now(), random_u128()),
        author: who.account,
        character: who.character,
        name,
        text: said.to_owned(),
        hidden: false,
    };
    let place = Place { channel, own: who.character, region: "local" };
    store.say(place, &message, None).await.expect("an answer").expect("said");
    message
}

async fn report(store: &Store, by: Person, message: &StoredMessage, context: &[&StoredMessage]) -> ReportId {
    let report = Report {
        id: ReportId::new(now(), random_u128()),
        at: now(),
        by: Some(Reporter { account: by.account, character: by.character }),
        channel: Channel::Global,
        message: reported(message),
        context: context.iter().map(|message| reported(message)).collect(),
        reason: "rude".into(),
    };
    match store.report(by.account, &report).await.expect("an answer") {
        Reported::As(id) => id,
        Reported::TooFast { .. } => panic!("a few reports are allowed"),
    }
}

/// Every item of both tables as text.
async fn everything(store: &Store) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for table in [&store.tables.social, &store.tables.chat] {
        let page = store.client.scan().table_name(table).consistent_read(true).send().await.expect("a page");
        assert!(page.last_evaluated_key.is_none());
        for item in page.items.unwrap_or_default() {
            let attributes: std::collections::BTreeMap<_, _> = item.into_iter().collect();
            found.insert(format!("{attributes:?}"));
        }
    }
    found
}

/// What Ann has left behind.
struct Traces {
    own: PartyId,
    quoted: ReportId,
    made: ReportId,
    extras: Vec<Person>,
}

async fn leave_traces(
    store: &Store,
    [ann, bob, eve]: [Person; 3],
    others: PartyId,
    innocent: &StoredMessage,
) -> Traces {
    // Ann is in everything: on both sides of every list, in a party that she leads and in one that invites her.
    let extras: Vec<Person> = (0..5).map(|_| person()).collect();
    befriend(store, ann, bob).await;
    befriend(store, eve, ann).await;
    ask(store, ann, extras[0]).await;
    ask(store, extras[1], ann).await;
    wish(store, ann, extras[2], Wish::Block { character: extras[2].character }).await;
    wish(store, extras[3], ann, Wish::Block { character: ann.character }).await;
    ask(store, ann, extras[3]).await;
    let own = found(store, ann).await;
    invite(store, own, ann, extras[4], false).await;
    accept(store, own, extras[4]).await;
    invite(store, own, ann, extras[0], false).await;
    invite(store, others, bob, ann, false).await;
    let blocked = found(store, extras[3]).await;
    invite(store, blocked, extras[3], ann, true).await;
    let rude = say(store, ann, Channel::Global, "something rude").await;
    say(store, ann, Channel::Whisper(bob.character), "psst").await;
    say(store, ann, Channel::Party(own), "follow me").await;
    let worse = say(store, extras[2], Channel::Global, "worse").await;
    report(store, bob, &rude, &[innocent]).await;
    let quoted = report(store, bob, &worse, &[&rude, innocent]).await;
    let made = report(store, ann, &worse, &[]).await;
    let mute = Mute {
        account: ann.account,
        until: now().plus_millis(60_000),
        reason: "x".into(),
        by: "owner".into(),
    };
    store.mute(&mute).await.expect("muted");
    Traces { own, quoted, made, extras }
}

#[tokio::test]
async fn a_deletion_leaves_no_trace_and_touches_nobody_else() {
    let store = store().await;
    let (ann, bob, eve) = (person(), person(), person());
    // What is between Bob and Eve stays.
    befriend(&store, bob, eve).await;
    let others = found(&store, bob).await;
    invite(&store, others, bob, eve, false).await;
    accept(&store, others, eve).await;
    let innocent = say(&store, eve, Channel::Global, "hello").await;
    let before = everything(&store).await;

    let Traces { own, quoted, made, extras } = leave_traces(&store, [ann, bob, eve], others, &innocent).await;
    let trace = [ann.account.to_string(), ann.character.to_string()];
    let traces = |items: &BTreeSet<String>| {
        items.iter().filter(|item| trace.iter().any(|id| item.contains(id))).count()
    };
    assert!(traces(&everything(&store).await) > 30, "the test puts Ann everywhere");
    assert!(store.erase_social(ann.account, long()).await.expect("erased"));
    let after = everything(&store).await;
    for item in &after {
        assert!(!trace.iter().any(|id| item.contains(id)), "{item}");
    }
    assert!(store.erase_social(ann.account, long()).await.expect("erased again"));
    assert_eq!(everything(&store).await, after);

    // Bob, Eve and the others keep what is theirs.
    let kept = |store: &Store, who: Person, list| {
        let (store, account) = (store.clone(), who.account);
        async move { store.acquaintances(account, list, 100, None).await.expect("a page").0.len() }
    };
    assert_eq!(kept(&store, bob, List::Friends).await, 1);
    assert_eq!(kept(&store, eve, List::Friends).await, 1);
    assert_eq!(kept(&store, extras[1], List::Outgoing).await, 0);
    assert_eq!(store.party_of(bob.character).await.expect("read").expect("a party").members.len(), 2);
    let left = store.party(own).await.expect("read").expect("its other member leads it");
    assert_eq!((left.leader, left.members.len()), (extras[4].character, 1));
    let reports = store.reports(100, None).await.expect("a page").0;
    assert_eq!(reports.iter().map(|report| report.id).collect::<Vec<_>>(), [made, quoted]);
    assert!(reports[0].by.is_none() && reports[1].context.len() == 1);
    // Counts, too: what was between Bob and Eve is as it was before Ann.
    let untouched = |item: &&String| item.contains("S(\"count\")");
    let counts: Vec<_> = before.iter().filter(untouched).collect();
    assert_eq!(counts.len(), 2);
    assert!(counts.iter().all(|count| after.iter().any(|item| same_count(item, count))));
}

/// Whether the item has the same key and number of friends as `count`.
fn same_count(item: &str, count: &str) -> bool {
    let account = |text: &str| text.split("acc_").nth(1).and_then(|rest| rest.get(..26).map(str::to_owned));
    let friends =
        |text: &str| text.split("\"friend\": N(").nth(1).and_then(|rest| rest.get(..3).map(str::to_owned));
    item.contains("S(\"count\")") && account(item) == account(count) && friends(item) == friends(count)
}

#[tokio::test]
async fn blocks_between_accounts_are_found_in_both_directions() {
    let store = store().await;
    let me = person();
    let others: Vec<Person> = (0..100).map(|_| person()).collect();
    wish(&store, me, others[3], Wish::Block { character: others[3].character }).await;
    wish(&store, others[70], me, Wish::Block { character: me.character }).await;
    befriend(&store, me, others[5]).await;
    let accounts: Vec<AccountId> = others.iter().map(|other| other.account).collect();
    let found = store.blocked_between(me.account, &accounts).await.expect("an answer");
    assert_eq!(found, BTreeSet::from([others[3].account, others[70].account]));
    assert!(store.blocked_between(me.account, &[me.account]).await.expect("an answer").is_empty());
}

#[tokio::test]
async fn an_account_that_many_block_by_one_character_is_erased_from_all_of_them() {
    let store = store().await;
    let (me, others) = (person(), [person(), person(), person()]);
    for other in others {
        wish(&store, other, me, Wish::Block { character: me.character }).await;
    }
    wish(&store, others[1], me, Wish::Unblock { character: me.character }).await;
    assert!(store.erase_social(me.account, long()).await.expect("erased"));
    let left = everything(&store).await;
    assert!(!left.iter().any(|item| item.contains(&me.account.to_string())), "{left:#?}");
}

/// With no time at all, each call does something nevertheless: else a long beginning would keep the rest for ever.
#[tokio::test]
async fn each_call_gets_on_however_little_time_it_has() {
    let store = store().await;
    let over = Deadline::after(Duration::ZERO);
    let (me, others) = (person(), [person(), person(), person()]);
    for other in others {
        befriend(&store, me, other).await;
        invite(&store, found(&store, other).await, other, me, false).await;
    }
    for number in 0..3 {
        for table in [&store.tables.market, &store.tables.possessions] {
            let put = store.client.put_item().table_name(table);
            let put = put.item("pk", text(me.character)).item("sk", text(format!("thing#{number}")));
            put.item("v", item::number(1)).send().await.expect("stored");
        }
    }
    let mut calls = 1;
    while store.forget_character(me.account, me.character, over).await.expect("an answer") != Forgotten::Whole
    {
        calls += 1;
        assert!(calls < 30, "a call has done nothing");
    }
    // Three friends, three invitations, three claims, and the possessions with one call.
    assert!(calls > 10, "all was done by {calls} calls");
    let left = everything(&store).await;
    assert!(!left.iter().any(|item| item.contains(&me.character.to_string())), "{left:#?}");
    let mut calls = 1;
    let ann = others[0];
    for _ in 0..3 {
        say(&store, ann, Channel::Global, "something").await;
    }
    while !store.erase_social(ann.account, over).await.expect("an answer") {
        calls += 1;
        assert!(calls < 30, "a call has done nothing");
    }
    let left = everything(&store).await;
    assert!(!left.iter().any(|item| item.contains(&ann.account.to_string())), "{left:#?}");
}
