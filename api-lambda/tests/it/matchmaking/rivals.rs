//! Two coordinators by mistake, and changes read in pages.

use domain::contract::coordinator::{FormOutcome, MatchmakingChanges};
use domain::ids::{Epoch, MatchTicketId};
use futures_util::future::join_all;
use serde_json::json;

use super::*;

/// How often each ticket was taken, of all matches that were formed.
fn taken(formed: &[(FormMatch, FormOutcome)]) -> Vec<MatchTicketId> {
    let formed = formed.iter().filter(|(_, outcome)| *outcome == FormOutcome::Formed);
    let mut taken: Vec<_> =
        formed.flat_map(|(form, _)| form.teams.iter().flat_map(|team| team.tickets.clone())).collect();
    taken.sort_unstable();
    taken
}

/// Three coordinators that believe to be the one form duels of the same eight tickets, all at once, each in pairs of
/// its own.
#[tokio::test]
async fn rivals_never_match_a_ticket_twice() {
    let app = App::start().await;
    let fleet = fleet(&app).await;
    let seekers = waiting(&app, "duel", 8).await;
    let ids: Vec<MatchTicketId> = seekers.iter().map(|(_, ticket)| *ticket).collect();
    let pairings: Vec<Vec<FormMatch>> = (1..=3)
        .map(|distance| {
            (0..8).map(|index| form("duel", &[&[ids[index]], &[ids[(index + distance) % 8]]])).collect()
        })
        .collect();
    let sent = pairings.iter().map(|matches| form_all(&app, fleet.epoch, matches.clone()));
    let outcomes = join_all(sent).await;
    let formed: Vec<(FormMatch, FormOutcome)> =
        pairings.into_iter().flatten().zip(outcomes.into_iter().flatten()).collect();
    let taken = taken(&formed);
    let mut once = taken.clone();
    once.dedup();
    assert_eq!(taken, once, "no ticket is in two matches");
    assert!(taken.len() >= 4, "some are matched: {taken:?}");
    for (form, outcome) in &formed {
        let own: Vec<_> = form.teams.iter().flat_map(|team| &team.tickets).collect();
        match outcome {
            FormOutcome::Formed => assert_eq!(roster(&app, form.match_id).await.teams.len(), 2),
            FormOutcome::Gone(gone) => {
                assert!(!gone.is_empty() && gone.iter().all(|id| own.contains(&id)));
            }
            other => panic!("{other:?}"),
        }
        if *outcome != FormOutcome::Formed {
            let missing = internal_get(&app, &format!("/matches/{}", form.match_id)).await;
            missing.problem(404, "no_match");
        }
    }
    // What each player sees is what was formed.
    for (seeker, ticket) in &seekers {
        let state = seeker.see(*ticket).await.state;
        assert_eq!(state == TicketState::Matched, taken.contains(ticket), "{state:?}");
    }
}

#[tokio::test]
async fn a_match_that_makes_no_sense_is_refused() {
    let app = App::start().await;
    let fleet = fleet(&app).await;
    let seekers = waiting(&app, "duel", 2).await;
    let (one, two) = (seekers[0].1, seekers[1].1);
    let good = form("duel", &[&[one], &[two]]);
    let send = async |matches: Vec<FormMatch>, epoch: Epoch| {
        app.internal("/matchmaking/matches", &FormMatches { epoch, matches }).await
    };
    send(vec![good.clone()], Epoch(fleet.epoch.0 + 1)).await.problem(409, "not_coordinator");
    send(vec![good.clone(); 17], fleet.epoch).await.problem(400, "bad_request");
    let elsewhere = FormMatch { region: "mars".into(), ..good.clone() };
    let bad = vec![
        form("duel", &[&[one, two]]),
        form("duel", &[&[one], &[one]]),
        form("duel", &[&[], &[]]),
        elsewhere,
        form("nowhere", &[&[one], &[two]]),
    ];
    let refused = form_all(&app, fleet.epoch, bad.clone()).await;
    assert!(refused.iter().all(|outcome| matches!(outcome, FormOutcome::Refused(_))), "{refused:?}");
    // The others of the call are formed.
    let others = waiting_as(&app, "duel", &["Other a", "Other b"]).await;
    let fine = form("duel", &[&[others[0].1], &[others[1].1]]);
    let mixed = form_all(&app, fleet.epoch, vec![bad[4].clone(), fine]).await;
    assert!(matches!(&mixed[..], [FormOutcome::Refused(why), FormOutcome::Formed] if why.contains("queue")));
    let unknown = MatchTicketId::new(now(), random());
    let gone = form_all(&app, fleet.epoch, vec![form("duel", &[&[one], &[unknown]])]).await;
    assert_eq!(gone, [FormOutcome::Gone(vec![unknown])]);
    let other_queue = form_all(&app, fleet.epoch, vec![form("arena", &[&[one], &[two]])]).await;
    assert!(matches!(&other_queue[0], FormOutcome::Gone(gone) if gone.len() == 2), "{other_queue:?}");
    let joins = FormMatch { joins: Some(1), ..good.clone() };
    assert_eq!(form_all(&app, fleet.epoch, vec![joins]).await, [FormOutcome::Changed]);
    assert_eq!(changes(&app, "").await.opened.len(), 2, "both still wait");
}

#[tokio::test]
async fn one_person_is_not_matched_with_itself_nor_with_the_blocked() {
    let app = App::start().await;
    let fleet = fleet(&app).await;
    let seekers = waiting(&app, "duel", 2).await;
    let second = seekers[0].0.player.create("Second self").await;
    let ticket: MatchTicket = seekers[0].0.player.post(TICKETS, &body("duel", &second)).await.ok(201);
    let mut pair = [seekers[0].1, ticket.id];
    pair.sort_unstable();
    let outcome = form_all(&app, fleet.epoch, vec![form("duel", &[&[pair[0]], &[pair[1]]])]).await;
    assert_eq!(outcome, [FormOutcome::Blocked(vec![pair])]);
    // A block counts from the moment on that it is made, in both directions.
    let whom = json!({ "whom": { "character": seekers[0].0.character.id } });
    assert_eq!(seekers[1].0.player.post("/v1/blocks", &whom).await.status, 204);
    let (one, other) = (seekers[0].1.min(seekers[1].1), seekers[0].1.max(seekers[1].1));
    for teams in [[one, other], [other, one]] {
        let outcome = form_all(&app, fleet.epoch, vec![form("duel", &[&teams[..1], &teams[1..]])]).await;
        assert_eq!(outcome, [FormOutcome::Blocked(vec![[one, other]])]);
    }
    assert_eq!(changes(&app, "").await.opened.len(), 3);
}

/// More tickets than a page of a shard has, read to the end by a new coordinator and as changes.
#[tokio::test]
async fn all_who_wait_are_read_in_pages() {
    let app = App::start().await;
    let client = app.engine.client();
    let before = now();
    for number in 0..130_u128 {
        let id = MatchTicketId::from_u128(number * 16 + 3);
        let items = [
            ("pk", id.to_string()),
            ("sk", "ticket".into()),
            ("queue", "duel".into()),
            ("stage", "searching".into()),
            ("players", "[]".into()),
            ("round_trips_ms", "{}".into()),
            ("feed", "open#local#3".into()),
            ("changed", format!("{:013}#{id}", now().as_millis())),
        ];
        let mut put = client.put_item().table_name(format!("{}matchmaking", app.engine.table_prefix));
        for (name, value) in items {
            put = put.item(name, aws_sdk_dynamodb::types::AttributeValue::S(value));
        }
        for (name, value) in [("v", 1), ("created_at", 1), ("expires_at", u64::MAX / 2)] {
            put = put.item(name, aws_sdk_dynamodb::types::AttributeValue::N(value.to_string()));
        }
        put.send().await.expect("written");
    }
    for start in [String::new(), format!("after={}&", before.as_millis().saturating_sub(1))] {
        let (mut found, mut pages, mut cursor) = (BTreeSet::new(), 0, String::new());
        loop {
            let page: MatchmakingChanges = changes(&app, &format!("?{start}{cursor}")).await;
            found.extend(page.opened.iter().map(|ticket| ticket.id));
            pages += 1;
            match page.next {
                Some(next) => cursor = format!("cursor={next}"),
                None => break,
            }
        }
        assert_eq!((found.len(), pages), (130, 3));
    }
    assert!(changes(&app, &format!("?after={}", now().as_millis() + 1_000)).await.opened.is_empty());
    internal_get(&app, "/matchmaking/changes?cursor=open.77~1").await.problem(400, "bad_query");
    internal_get(&app, "/matchmaking/changes?after=x").await.problem(400, "bad_query");
    let report = json!({ "waits": [{ "ticket": MatchTicketId::from_u128(3), "wait": 1 }] });
    app.internal("/matchmaking/waits", &report).await.problem(400, "bad_body");
}
