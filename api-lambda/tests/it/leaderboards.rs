//! `/v1/leaderboards`.

use domain::contract::hosts::BatchOutcome;
use domain::contract::players::{Character, LeaderboardEntry, LeaderboardPage};
use serde_json::json;

use crate::app::App;

async fn kill(app: &App, characters: &[(&Character, u32)]) {
    let (_, registered) = app.host(&["forest"]).await;
    let own = &registered.instances[0];
    let events: Vec<_> = (1_u64..)
        .zip(characters)
        .map(|(sequence, (character, kills))| {
            let id = character.id;
            json!({ "sequence": sequence, "character": id, "xp": 0, "kills": kills, "deaths": 1, "items": [] })
        })
        .collect();
    let body = json!({ "epoch": own.epoch, "events": events });
    app.internal(&format!("/instances/{}/events", own.instance), &body).await.ok::<BatchOutcome>(200);
}

#[tokio::test]
async fn equal_scores_share_a_rank() {
    let app = App::start().await;
    let player = app.player().await;
    let mut characters = Vec::new();
    for name in ["Ada", "Bob", "Cyd", "Dan", "Eve"] {
        characters.push(player.create(name).await);
    }
    let [ada, bob, cyd, dan, eve] = &characters[..] else { panic!("five") };
    kill(&app, &[(ada, 3), (bob, 5), (cyd, 2), (dan, 1), (eve, 0), (cyd, 3)]).await;
    let page: LeaderboardPage = player.get("/v1/leaderboards/kills").await.ok(200);
    let rows: Vec<_> = page.entries.iter().map(|e| (e.rank, e.name.as_str(), e.score)).collect();
    assert_eq!(rows, [(1, "Bob", 5), (1, "Cyd", 5), (3, "Ada", 3), (4, "Dan", 1)]);
    let page: LeaderboardPage = player.get("/v1/leaderboards/kills?limit=1").await.ok(200);
    assert_eq!(page.entries.len(), 1);

    let rank = |character: &Character| format!("/v1/leaderboards/kills/characters/{}", character.id);
    for (character, place) in [(bob, 1), (cyd, 1), (ada, 3), (dan, 4)] {
        let entry: LeaderboardEntry = player.get(&rank(character)).await.ok(200);
        assert_eq!((entry.rank, entry.name.as_str()), (place, character.name.as_str()));
    }
    player.get(&rank(eve)).await.problem(404, "no_score");
    app.player().await.get(&rank(bob)).await.problem(404, "no_character");

    // A new name is shown at once, and who is deleted leaves the board.
    let path = format!("/v1/characters/{}", cyd.id);
    let version = player.get(&path).await.ok::<Character>(200).version;
    player.patch(&path, &json!({ "name": "Cydney", "version": version })).await.ok::<Character>(200);
    player.delete(&format!("/v1/characters/{}", bob.id)).await;
    let page: LeaderboardPage = player.get("/v1/leaderboards/kills").await.ok(200);
    let rows: Vec<_> = page.entries.iter().map(|e| (e.rank, e.name.as_str())).collect();
    assert_eq!(rows, [(1, "Cydney"), (2, "Ada"), (3, "Dan")]);
}

#[tokio::test]
async fn questions_that_make_no_sense_are_refused() {
    let app = App::start().await;
    let player = app.player().await;
    player.get("/v1/leaderboards/deaths").await.problem(404, "no_board");
    for query in ["limit=0", "limit=101", "limit=-1", "limit=ten", "limit=1&page=2"] {
        player.get(&format!("/v1/leaderboards/kills?{query}")).await.problem(400, "bad_query");
    }
    player.get("/v1/leaderboards/kills/characters/bob").await.problem(400, "bad_path");
    let page: LeaderboardPage = player.get("/v1/leaderboards/kills?limit=100").await.ok(200);
    assert!(page.entries.is_empty());
}
