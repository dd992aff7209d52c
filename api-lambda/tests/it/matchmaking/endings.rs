//! How matches end: by their time, with players who left before, and by results of many.

use domain::ids::CharacterId;

use super::*;

#[tokio::test]
async fn a_match_whose_time_is_over_is_offered_to_nobody() {
    let app = App::start().await;
    let fleet = fleet(&app).await;
    let seekers = waiting(&app, "arena", 7).await;
    let ids: Vec<MatchTicketId> = seekers.iter().map(|(_, ticket)| *ticket).collect();
    let (id, instance, epoch) = running(&app, &fleet, "arena", &[&ids[..3], &ids[3..6]]).await;
    assert_eq!(seekers[0].0.cancel(ids[0]).await.status, 204);
    let open = changes(&app, "").await.openings.remove(0);
    rewrite(&app, id, |stored| age(stored, 3_601_000)).await;
    assert!(changes(&app, "").await.openings.is_empty(), "not even before it is swept");
    let late = FormMatch { match_id: id, joins: Some(open.revision), ..form("arena", &[&[ids[6]], &[]]) };
    assert_eq!(form_all(&app, fleet.epoch, vec![late]).await, [FormOutcome::Changed]);
    let swept = sweep(&app).await;
    assert_eq!((swept.due, swept.missed, swept.dissolved), (1, 0, 0));
    assert!(roster(&app, id).await.is_over);
    assert_eq!(sweep(&app).await.due, 0, "nobody looks after it any more");
    assert!(changes(&app, "").await.openings.is_empty());
    assert_eq!(seekers[1].0.see(ids[1]).await.state, TicketState::Over);
    let result = json!({ "instance": instance, "epoch": epoch, "ranks": [1, 2] });
    let path = format!("/matches/{id}/result");
    app.internal(&path, &result).await.problem(409, "match_over");
    seekers[1].0.wait("arena").await;
}

/// A duel whose second player was there and is gone before the time to come is over: disconnected, or given up.
#[tokio::test]
async fn who_was_there_and_left_has_lost_the_duel() {
    let app = App::start().await;
    let fleet = fleet(&app).await;
    for gives_up in [false, true] {
        let names = if gives_up { ["Ann", "Ben"] } else { ["Cid", "Dee"] };
        let (winner, loser) = (Seeker::new(&app, names[0]).await, Seeker::new(&app, names[1]).await);
        let (first, second) = (winner.wait("duel").await, loser.wait("duel").await);
        let (id, instance, epoch) = running(&app, &fleet, "duel", &[&[first], &[second]]).await;
        // Seats are promised to those who ask for their way.
        for (seeker, ticket) in [(&winner, first), (&loser, second)] {
            assert!(seeker.see(ticket).await.assignment.and_then(|it| it.join).is_some());
        }
        claim(&app, &fleet, &winner, instance).await;
        let claim = claim(&app, &fleet, &loser, instance).await;
        let left =
            json!({ "epoch": epoch, "characters": [{ "character": loser.character.id, "claim": claim }] });
        let left = app.internal(&format!("/instances/{instance}/left"), &left).await;
        assert_eq!(left.status, 200, "{}", left.text);
        if gives_up {
            assert_eq!(loser.cancel(second).await.status, 204);
        }
        // The time to come is over.
        rewrite(&app, id, |stored| stored["rules"]["no_show_millis"] = json!(0)).await;
        let swept = sweep(&app).await;
        assert_eq!((swept.due, swept.missed, swept.dissolved), (1, 0, 0), "{gives_up}");
        let result = json!({ "instance": instance, "epoch": epoch, "ranks": [1, 2], "left_early": [loser.character.id] });
        let path = format!("/matches/{id}/result");
        assert_eq!(app.internal(&path, &result).await.ok::<RatedMatch>(200).players.len(), 2);
        assert!(winner.mu().await > Some(25.0) && loser.mu().await < Some(25.0));
    }
}

#[tokio::test]
async fn who_changes_the_team_by_coming_back_is_rated_once() {
    let app = App::start().await;
    let fleet = fleet(&app).await;
    let seekers = waiting(&app, "arena", 6).await;
    let ids: Vec<MatchTicketId> = seekers.iter().map(|(_, ticket)| *ticket).collect();
    let (id, instance, epoch) = running(&app, &fleet, "arena", &[&ids[..3], &ids[3..]]).await;
    for index in [0, 5] {
        assert_eq!(seekers[index].0.cancel(ids[index]).await.status, 204);
    }
    let again = seekers[0].0.wait("arena").await;
    let open = changes(&app, "").await.openings.remove(0);
    let joins = FormMatch { match_id: id, joins: Some(open.revision), ..form("arena", &[&[], &[again]]) };
    assert_eq!(form_all(&app, fleet.epoch, vec![joins]).await, [FormOutcome::Formed]);
    let turned = seekers[0].0.character.id;
    let result = json!({ "instance": instance, "epoch": epoch, "ranks": [1, 2], "left_early": [turned] });
    let rated: RatedMatch = app.internal(&format!("/matches/{id}/result"), &result).await.ok(200);
    assert_eq!(rated.players.iter().filter(|player| player.character == turned).count(), 1);
    assert_eq!(rated.players.len(), 5);
}

/// More came and left than one transaction has parts for.
#[tokio::test]
async fn a_match_that_many_left_has_a_result() {
    let app = App::start().await;
    let fleet = fleet(&app).await;
    let seekers = waiting(&app, "duel", 2).await;
    let (id, instance, epoch) = running(&app, &fleet, "duel", &[&[seekers[0].1], &[seekers[1].1]]).await;
    let left: Vec<CharacterId> = (0..110).map(CharacterId::from_u128).collect();
    rewrite(&app, id, |stored| {
        let seats = stored["teams"][0]["seats"].as_array_mut().expect("seats");
        let mut gone = seats[0].clone();
        gone["state"] = json!("left");
        for character in &left {
            gone["character"] = json!(character);
            seats.insert(0, gone.clone());
        }
    })
    .await;
    let result = json!({ "instance": instance, "epoch": epoch, "ranks": [1, 2], "left_early": left });
    let path = format!("/matches/{id}/result");
    let rated: RatedMatch = app.internal(&path, &result).await.ok(200);
    assert_eq!(rated.players.len(), 98);
    for (seeker, _) in &seekers {
        assert!(rated.players.iter().any(|player| player.character == seeker.character.id), "it stayed");
    }
    assert_eq!(app.internal(&path, &result).await.ok::<RatedMatch>(200), rated, "once");
}

#[tokio::test]
async fn a_match_that_cannot_be_read_does_not_keep_others_from_their_instance() {
    let app = App::start().await;
    let host = HostId::new(now(), random());
    let lease: CoordinatorLease = app.internal("/coordinator/lease", &json!({ "host": host })).await.ok(200);
    let seekers = waiting(&app, "duel", 4).await;
    let ids: Vec<MatchTicketId> = seekers.iter().map(|(_, ticket)| *ticket).collect();
    // Of one shard, the broken one first.
    let first = MatchId::new(now(), random()).as_u128() / 16 * 16;
    let of_number = |number: u128| MatchId::from_u128(first + number);
    let pair = |number: u128, pair: &[MatchTicketId]| FormMatch {
        match_id: of_number(number),
        ..form("duel", &[&pair[..1], &pair[1..]])
    };
    let matches = vec![pair(0, &ids[..2]), pair(4, &ids[2..])];
    assert_eq!(form_all(&app, lease.epoch, matches).await, [FormOutcome::Formed, FormOutcome::Formed]);
    rewrite(&app, of_number(0), |stored| *stored = json!("broken")).await;
    app.host(&["hub"]).await;
    let swept = sweep(&app).await;
    assert_eq!((swept.due, swept.placed, swept.failed), (2, 1, 1));
    assert!(roster(&app, of_number(4)).await.instance.is_some());
}
