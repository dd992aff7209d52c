//! Who takes part: registering, teams, check-in, leaving, lists.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::contract::tournaments::{
    EntryState, MyEntries, Tournament, TournamentPage, TournamentState, WonBy,
};
use domain::ids::TournamentId;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Contender, Cup, contenders, create, definition, key, ready, step, stored, with};
use crate::app::{App, Player, now, send};

async fn withdraw(cup: Cup, player: &Player<'_>, key: &str) -> crate::app::Answer {
    let request = player.request(Method::POST, &cup.path("/withdraw")).header("idempotency-key", key);
    send(request).await
}

fn single() -> Value {
    definition(&json!("single_elimination"))
}

#[tokio::test]
async fn one_registers_withdraws_and_registers_again() {
    let app = App::start().await;
    let cup = create(&app, &single()).await;
    let [ann, bob] = &contenders(&app, 2).await[..] else { panic!("two") };
    let body = json!({ "character": ann.character });
    let first = key();
    let made: MyEntries = ann.player.post_keyed(&cup.path("/register"), &first, &body).await.ok(200);
    assert_eq!(made.entries[0].state, EntryState::Registered);
    assert_eq!(made.entries[0].name, "Player aaa");
    let again: MyEntries = ann.player.post_keyed(&cup.path("/register"), &first, &body).await.ok(200);
    assert_eq!(again, made);
    // The same wish under another key is no other entrant.
    cup.register(ann).await.ok::<MyEntries>(200);
    assert_eq!(cup.read(&ann.player).await.summary.entrants, 1);
    // An account enters once, with whatever character.
    let second = ann.player.create("Second Ann").await;
    let body = json!({ "character": second.id });
    ann.player.post_keyed(&cup.path("/register"), &key(), &body).await.problem(409, "already_entered");
    // A key is for one request.
    ann.player.post_keyed(&cup.path("/register"), &first, &body).await.problem(422, "idempotency_mismatch");
    // The characters of others are not there.
    let body = json!({ "character": bob.character });
    ann.player.post_keyed(&cup.path("/register"), &key(), &body).await.problem(404, "no_character");
    withdraw(cup, &bob.player, &key()).await.problem(404, "no_entry");

    let leaving = key();
    assert!(withdraw(cup, &ann.player, &leaving).await.ok::<MyEntries>(200).entries.is_empty());
    // A late repetition of the registration gets its old answer, and registers nobody.
    let body = json!({ "character": ann.character });
    ann.player.post_keyed(&cup.path("/register"), &first, &body).await.ok::<MyEntries>(200);
    assert_eq!(cup.read(&ann.player).await.summary.entrants, 0);
    cup.register(ann).await.ok::<MyEntries>(200);
    withdraw(cup, &ann.player, &leaving).await.ok::<MyEntries>(200);
    assert_eq!(cup.read(&ann.player).await.summary.entrants, 1);
}

#[tokio::test]
async fn ten_at_once_are_one_and_the_last_place_goes_to_one() {
    let app = App::start().await;
    let cup = create(&app, &with(single(), &[("entrants_max", json!(4))])).await;
    let contenders = contenders(&app, 8).await;
    let body = json!({ "character": contenders[0].character });
    let same = key();
    let path = cup.path("/register");
    let answers = join_all((0..10).map(|_| contenders[0].player.post_keyed(&path, &same, &body))).await;
    for answer in &answers {
        assert_eq!(answer.ok::<MyEntries>(200), answers[0].ok::<MyEntries>(200));
    }
    assert_eq!(stored(&app, cup, "event#").await.len(), 1, "one record");
    let answers = join_all(contenders[1..].iter().map(|contender| cup.register(contender))).await;
    let entered = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(entered, 3);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.problem(409, "tournament_full");
    }
    let read = cup.read(&contenders[0].player).await;
    assert_eq!((read.summary.entrants, read.summary.version), (4, 4));
}

#[tokio::test]
async fn levels_and_windows_keep_entrants_out() {
    let app = App::start().await;
    let [ann] = &contenders(&app, 1).await[..] else { panic!("one") };
    let high = create(&app, &with(single(), &[("entry", json!({ "level_min": 5 }))])).await;
    let problem = high.register(ann).await.problem(403, "entry_level");
    assert!(problem.detail.contains("Player aaa"), "{}", problem.detail);
    let later = now().as_millis() + 1_000_000;
    let window = json!({ "opens_at": later, "closes_at": later + 1_000 });
    let closed = create(&app, &with(single(), &[("registration", window)])).await;
    closed.register(ann).await.problem(409, "tournament_not_yet");
    let past = json!({ "opens_at": 1, "closes_at": 2 });
    let over = create(&app, &with(single(), &[("registration", past)])).await;
    over.register(ann).await.problem(409, "tournament_too_late");
    // Nobody came, so that it is cancelled by now.
    let read = over.read(&ann.player).await;
    assert_eq!(read.summary.state, TournamentState::Cancelled);
    assert_eq!(read.cancelled_because.as_deref(), Some("too few entrants"));
}

/// A captain registers a team with the next one.
async fn team(cup: Cup, captain: &Contender<'_>, member: &Contender<'_>) -> crate::app::Answer {
    let team = json!({ "name": "The Two", "members": [member.character] });
    let body = json!({ "character": captain.character, "team": team, "round_trips": { "local": 20 } });
    captain.player.post_keyed(&cup.path("/register"), &key(), &body).await
}

#[tokio::test]
async fn every_member_of_a_team_has_a_say() {
    let app = App::start().await;
    let cup = create(&app, &with(single(), &[("team_size", json!(2))])).await;
    let people = contenders(&app, 6).await;
    let [ann, bob, cid, dan, eve, fay] = &people[..] else { panic!("six") };
    cup.register(ann).await.problem(422, "team_size");
    team(cup, ann, ann).await.problem(422, "team_twice");
    let made: MyEntries = team(cup, ann, bob).await.ok(200);
    assert_eq!(made.entries[0].state, EntryState::Forming);
    assert_eq!(cup.read(&ann.player).await.summary.entrants, 0);
    let invited: MyEntries = bob.player.get(&cup.path("/entry")).await.ok(200);
    assert_eq!(invited, made);
    // Nobody confirms for others, or somewhere else.
    let confirm = json!({ "entrant": ann.character, "accept": true });
    cid.player.post(&cup.path("/confirm"), &confirm).await.problem(404, "no_entry");
    let nowhere = json!({ "entrant": bob.character, "accept": true });
    bob.player.post(&cup.path("/confirm"), &nowhere).await.problem(404, "no_entry");
    // Ten times at once is once.
    let path = cup.path("/confirm");
    let answers = join_all((0..10).map(|_| bob.player.post(&path, &confirm))).await;
    for answer in answers {
        assert_eq!(answer.ok::<MyEntries>(200).entries[0].state, EntryState::Registered);
    }
    assert_eq!(stored(&app, cup, "event#").await.len(), 2);
    // Who takes part with one team is not in another one.
    team(cup, cid, bob).await.problem(409, "already_entered");
    let decline = json!({ "entrant": ann.character, "accept": false });
    bob.player.post(&path, &decline).await.problem(409, "already_entered");

    // A team without one of its members is none.
    team(cup, cid, dan).await.ok::<MyEntries>(200);
    let decline = json!({ "entrant": cid.character, "accept": false });
    dan.player.post(&path, &decline).await.ok::<MyEntries>(200);
    assert!(cid.player.get(&cup.path("/entry")).await.ok::<MyEntries>(200).entries.is_empty());
    // Of two teams that want one, the first that gets the word has it.
    team(cup, cid, dan).await.ok::<MyEntries>(200);
    team(cup, eve, dan).await.ok::<MyEntries>(200);
    assert_eq!(dan.player.get(&cup.path("/entry")).await.ok::<MyEntries>(200).entries.len(), 2);
    let words = [cid, eve].map(|captain| json!({ "entrant": captain.character, "accept": true }));
    let answers = join_all(words.iter().map(|word| dan.player.post(&path, word))).await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    assert_eq!(cup.read(&ann.player).await.summary.entrants, 2);
    // Before the start any member can take the team out.
    withdraw(cup, &bob.player, &key()).await.ok::<MyEntries>(200);
    assert_eq!(cup.read(&ann.player).await.summary.entrants, 1);
    team(cup, fay, ann).await.ok::<MyEntries>(200);
    let accept = json!({ "entrant": fay.character, "accept": true });
    ann.player.post(&path, &accept).await.ok::<MyEntries>(200);
    cup.start(&app).await;
    withdraw(cup, &ann.player, &key()).await.problem(403, "not_captain");
    withdraw(cup, &fay.player, &key()).await.ok::<MyEntries>(200);
    assert_eq!(cup.read(&ann.player).await.summary.state, TournamentState::Finished);
}

#[tokio::test]
async fn time_closes_registration_ends_check_in_and_starts() {
    let app = App::start().await;
    let people = contenders(&app, 3).await;
    let base = now().as_millis();
    let fields = [
        ("registration", json!({ "opens_at": base - 1_000, "closes_at": base + 1_500 })),
        ("check_in", json!({ "opens_at": base + 1_500, "closes_at": base + 3_000 })),
    ];
    let cup = create(&app, &with(single(), &fields)).await;
    cup.fill(&people).await;
    let check_in = |player: &Contender<'_>| send(player.player.request(Method::POST, &cup.path("/check-in")));
    check_in(&people[0]).await.problem(409, "tournament_not_yet");
    while now().as_millis() < base + 1_500 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let outcome = step(&app).await;
    assert_eq!((outcome.deadlines, outcome.failed), (1, 0));
    assert_eq!(cup.read(&people[0].player).await.summary.state, TournamentState::CheckIn);
    for contender in &people[..2] {
        let entries: MyEntries = check_in(contender).await.ok(200);
        assert_eq!(entries.entries[0].state, EntryState::CheckedIn);
        check_in(contender).await.ok::<MyEntries>(200);
    }
    while now().as_millis() < base + 3_000 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Ten at once do what one does.
    let outcomes = join_all((0..10).map(|_| step(&app))).await;
    assert_eq!(outcomes.iter().map(|outcome| outcome.deadlines).sum::<u32>(), 1);
    assert_eq!(outcomes.iter().map(|outcome| outcome.failed).sum::<u32>(), 0);
    let absent: MyEntries = people[2].player.get(&cup.path("/entry")).await.ok(200);
    assert_eq!(absent.entries[0].state, EntryState::Absent);
    check_in(&people[2]).await.problem(409, "tournament_too_late");
    assert_eq!(ready(&cup.bracket(&people[0].player).await).len(), 1);
}

#[tokio::test]
async fn who_leaves_a_running_tournament_loses_what_is_open() {
    let app = App::start().await;
    let people = contenders(&app, 4).await;
    let cup = create(&app, &single()).await;
    cup.fill(&people).await;
    cup.start(&app).await;
    withdraw(cup, &people[0].player, &key()).await.ok::<MyEntries>(200);
    let bracket = cup.bracket(&people[1].player).await;
    let lost = super::all_matches(&bracket).find(|fixture| fixture.won_by == Some(WonBy::Forfeit));
    assert_eq!(lost.expect("a walkover").winner, Some(people[3].character));
    // Disqualified is the same, for ever.
    let body = json!({ "entrant": people[1].character, "reason": "aims by machine" });
    cup.decide(&app, "/disqualify", &body).await.ok::<Tournament>(200);
    let read = cup.read(&people[2].player).await;
    assert_eq!(read.summary.state, TournamentState::Running);
    cup.register(&people[1]).await.problem(403, "disqualified");
    let unknown = json!({ "entrant": app.player().await.create("Nobody").await.id, "reason": "x" });
    cup.decide(&app, "/disqualify", &unknown).await.problem(404, "no_entry");
}

#[tokio::test]
async fn lists_are_paged_by_state_to_the_end() {
    let app = App::start().await;
    let player = app.player().await;
    let mut ids = BTreeSet::new();
    for number in 0..7_u64 {
        let closes_at = now().as_millis() + 1_000_000 - number * 1_000;
        let window = json!({ "opens_at": 1, "closes_at": closes_at });
        ids.insert(create(&app, &with(single(), &[("registration", window)])).await.id);
    }
    let cancelled = create(&app, &single()).await;
    cancelled.decide(&app, "/cancel", &json!({ "reason": "rain" })).await.ok::<Tournament>(200);
    let mut found: Vec<TournamentId> = Vec::new();
    let mut starts = Vec::new();
    let mut next = String::new();
    loop {
        let path = format!("/v1/tournaments?state=registration&limit=3{next}");
        let page: TournamentPage = player.get(&path).await.ok(200);
        found.extend(page.tournaments.iter().map(|summary| summary.id));
        starts.extend(page.tournaments.iter().map(|summary| summary.starts_at));
        match page.next {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(found.len(), 7);
    assert_eq!(found.iter().copied().collect::<BTreeSet<_>>(), ids);
    assert!(starts.is_sorted(), "the next to start first");
    let page: TournamentPage = player.get("/v1/tournaments").await.ok(200);
    assert_eq!(page.tournaments.iter().map(|summary| summary.id).collect::<Vec<_>>(), found);
    let page: TournamentPage = player.get("/v1/tournaments?state=cancelled").await.ok(200);
    assert_eq!(page.tournaments.iter().map(|summary| summary.id).collect::<Vec<_>>(), [cancelled.id]);
}
