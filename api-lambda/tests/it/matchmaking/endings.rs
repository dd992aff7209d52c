//! How matches end: by their time, with players who left before, and by results of many.

use super::*;

#[tokio::test]
async fn a_match_whose_time_is_over_is_offered_to_nobody() {
    let app = App::start().await;
    let fleet = fleet(&app).await;
    let seekers = waiting(&app, "arena", 7).await;
    let ids: Vec<MatchTicketId> = seekers.iter().map(|(_, ticket)| *ticket).collect();
    let made = form("arena", &[&ids[..3], &ids[3..6]]);
    assert_eq!(form_all(&app, fleet.epoch, vec![made.clone()]).await, [FormOutcome::Formed]);
    let instance = roster(&app, made.match_id).await.instance.expect("placed");
    let epoch = seen_epoch(&app, &fleet, instance.to_string()).await;
    assert_eq!(seekers[0].0.cancel(ids[0]).await.status, 204);
    let open = changes(&app, "").await.openings.remove(0);
    rewrite(&app, made.match_id, |stored| age(stored, 3_601_000)).await;
    assert!(changes(&app, "").await.openings.is_empty(), "not even before it is swept");
    let late =
        FormMatch { match_id: made.match_id, joins: Some(open.revision), ..form("arena", &[&[ids[6]], &[]]) };
    assert_eq!(form_all(&app, fleet.epoch, vec![late]).await, [FormOutcome::Changed]);
    let swept = sweep(&app).await;
    assert_eq!((swept.due, swept.missed, swept.dissolved), (1, 0, 0));
    assert!(roster(&app, made.match_id).await.is_over);
    assert_eq!(sweep(&app).await.due, 0, "nobody looks after it any more");
    assert!(changes(&app, "").await.openings.is_empty());
    assert_eq!(seekers[1].0.see(ids[1]).await.state, TicketState::Over);
    let result = json!({ "instance": instance, "epoch": epoch, "ranks": [1, 2] });
    let path = format!("/matches/{}/result", made.match_id);
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
        let made = form("duel", &[&[first], &[second]]);
        assert_eq!(form_all(&app, fleet.epoch, vec![made.clone()]).await, [FormOutcome::Formed]);
        // Seats are promised to those who ask for their way.
        for (seeker, ticket) in [(&winner, first), (&loser, second)] {
            assert!(seeker.see(ticket).await.assignment.and_then(|it| it.join).is_some());
        }
        let instance = roster(&app, made.match_id).await.instance.expect("placed");
        let epoch = seen_epoch(&app, &fleet, instance.to_string()).await;
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
        rewrite(&app, made.match_id, |stored| stored["rules"]["no_show_millis"] = json!(0)).await;
        let swept = sweep(&app).await;
        assert_eq!((swept.due, swept.missed, swept.dissolved), (1, 0, 0), "{gives_up}");
        let result = json!({ "instance": instance, "epoch": epoch, "ranks": [1, 2], "left_early": [loser.character.id] });
        let path = format!("/matches/{}/result", made.match_id);
        assert_eq!(app.internal(&path, &result).await.ok::<RatedMatch>(200).players.len(), 2);
        assert!(winner.mu().await > Some(25.0) && loser.mu().await < Some(25.0));
    }
}
