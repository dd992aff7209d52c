//! `/v1/leaderboards`: what players read.

use domain::contract::boards::{LeaderboardEntry, LeaderboardList, LeaderboardPage, SeasonList};
use domain::contract::hosts::BatchOutcome;
use domain::contract::players::Character;
use serde_json::json;

use crate::app::App;

async fn kill(app: &App, characters: &[(&Character, u32)]) {
    let (_, registered) = app.living_host(&["forest"]).await;
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
    let rows: Vec<_> = page.entries.iter().map(|e| (e.rank, e.name.as_deref(), e.score)).collect();
    let expected = [(1, "Bob", 5), (1, "Cyd", 5), (3, "Ada", 3), (4, "Dan", 1)];
    assert_eq!(rows, expected.map(|(rank, name, score)| (rank, Some(name), score)));
    assert!(page.entries.iter().all(|entry| entry.is_exact) && page.next.is_none());
    let page: LeaderboardPage = player.get("/v1/leaderboards/kills?limit=1").await.ok(200);
    assert_eq!(page.entries.len(), 1);

    let rank = |character: &Character| format!("/v1/leaderboards/kills/characters/{}", character.id);
    let stranger = app.player().await;
    for (character, place) in [(bob, 1), (cyd, 1), (ada, 3), (dan, 4)] {
        for reader in [&player, &stranger] {
            let entry: LeaderboardEntry = reader.get(&rank(character)).await.ok(200);
            assert_eq!((entry.rank, entry.name.as_deref()), (place, Some(character.name.as_str())));
        }
    }
    player.get(&rank(eve)).await.problem(404, "no_score");

    // A new name is shown at once, and who is deleted leaves the board and is counted out.
    let path = format!("/v1/characters/{}", cyd.id);
    let version = player.get(&path).await.ok::<Character>(200).version;
    player.patch(&path, &json!({ "name": "Cydney", "version": version })).await.ok::<Character>(200);
    player.delete(&format!("/v1/characters/{}", bob.id)).await;
    let page: LeaderboardPage = player.get("/v1/leaderboards/kills").await.ok(200);
    let rows: Vec<_> = page.entries.iter().map(|e| (e.rank, e.name.as_deref().unwrap_or("-"))).collect();
    assert_eq!(rows, [(1, "Cydney"), (2, "Ada"), (3, "Dan")]);
    player.get(&rank(bob)).await.problem(404, "no_score");
}

#[tokio::test]
async fn the_boards_and_their_seasons_are_listed() {
    let app = App::start().await;
    let player = app.player().await;
    let list: LeaderboardList = player.get("/v1/leaderboards").await.ok(200);
    let names: Vec<_> = list.boards.iter().map(|board| board.board.as_str()).collect();
    assert_eq!(names, ["kills", "weekly-kills", "best-life", "fastest-run"]);
    assert_eq!((list.boards[0].season.season.0, list.boards[0].season.ends_at), (0, None));
    let weekly = list.boards[1].season;
    let ends_at = weekly.ends_at.expect("a schedule").as_millis();
    assert_eq!(ends_at - weekly.season.0, 7 * 86_400_000);
    let seasons: SeasonList = player.get("/v1/leaderboards/weekly-kills/seasons").await.ok(200);
    assert_eq!((seasons.seasons, seasons.next), (vec![weekly], None));
}

#[tokio::test]
async fn questions_that_make_no_sense_are_refused() {
    let app = App::start().await;
    let player = app.player().await;
    let ada = player.create("Ada").await;
    player.get("/v1/leaderboards/deaths").await.problem(404, "no_board");
    player.get("/v1/leaderboards/deaths/seasons").await.problem(404, "no_board");
    player.get(&format!("/v1/leaderboards/deaths/characters/{}", ada.id)).await.problem(404, "no_board");
    for query in [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=ten",
        "limit=1&page=2",
        "cursor=rubbish",
        "cursor=e30",
        "season=now",
        "season=-1",
    ] {
        player.get(&format!("/v1/leaderboards/kills?{query}")).await.problem(400, "bad_query");
    }
    player.get("/v1/leaderboards/kills?season=5").await.problem(404, "no_season");
    player.get("/v1/leaderboards/kills/seasons?season=0").await.problem(400, "bad_query");
    player.get("/v1/leaderboards/kills/characters/bob").await.problem(400, "bad_path");
    player.get("/v1/leaderboards/Kills!").await.problem(400, "bad_path");
    let around = format!("/v1/leaderboards/kills/characters/{}/around", ada.id);
    player.get(&format!("{around}?limit=0")).await.problem(400, "bad_query");
    player.get(&format!("{around}?cursor=e30")).await.problem(400, "bad_query");
    player.get(&around).await.problem(404, "no_score");
    player.get("/v1/leaderboards/kills/friends").await.problem(400, "bad_query");
    let many = vec![ada.id.to_string(); 3].join(",");
    for ids in ["", "bob", &format!("{many},"), &format!("{},bob", ada.id)] {
        let path = format!("/v1/leaderboards/kills/friends?characters={ids}");
        player.get(&path).await.problem(400, "bad_characters");
    }
    let page: LeaderboardPage =
        player.get(&format!("/v1/leaderboards/kills/friends?characters={many}")).await.ok(200);
    assert!(page.entries.is_empty());
    let page: LeaderboardPage = player.get("/v1/leaderboards/kills?limit=100").await.ok(200);
    assert!(page.entries.is_empty());
}
