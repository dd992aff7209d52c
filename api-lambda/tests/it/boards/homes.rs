//! Boards of several regions on the same tables: each region changes the entries of its own boards and of nobody else's,
//! and sees to what is left of a board that its catalogue has no more.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::contract::boards::{BoardChecked, BoardsHidden, BoardsSwept, LeaderboardPage};
use domain::contract::players::PurgedCharacters;
use domain::ids::CharacterId;
use reqwest::Method;
use serde_json::json;

use super::{World, definitions};
use crate::app::{Answer, App, SERVICE_TOKEN, random, send};
use crate::restoration::{KEPT_MILLIS, deleted_before, traces};

/// The same tables as another region sees them.
async fn far(world: &World) -> App {
    let change = |config: &mut api_lambda::config::ApiConfig| {
        config.region = "sgp".into();
        config.catalogue.boards.extend(definitions());
    };
    world.app.beside(change).await
}

async fn sweep(app: &App) -> BoardsSwept {
    app.internal("/boards/sweep", &json!({})).await.ok(200)
}

async fn submit(app: &App, board: &str, character: CharacterId, score: i64) -> Answer {
    let body = json!({ "scores": [{ "character": character, "score": score }] });
    let request = app.request(Method::POST, &format!("/internal/v1/boards/{board}/scores"));
    let key = format!("{:032x}", random());
    send(request.bearer_auth(SERVICE_TOKEN).header("idempotency-key", key).json(&body)).await
}

/// Who is on the board, the best first, and that its counts are right.
async fn shown(world: &World, app: &App, board: &str) -> Vec<CharacterId> {
    let mut section = Some(0);
    while let Some(next) = section {
        let path = format!("/boards/{board}/check?section={next}");
        let checked: BoardChecked = send(app.owner(Method::POST, &path)).await.ok(200);
        assert_eq!(checked.wrong_total, 0, "{checked:?}");
        section = checked.next;
    }
    let request = app.request(Method::GET, &format!("/v1/leaderboards/{board}"));
    let page: LeaderboardPage = send(request.bearer_auth(&world.token)).await.ok(200);
    assert_eq!(page.entries.iter().map(|entry| entry.rank).max(), u64::try_from(page.entries.len()).ok());
    page.entries.iter().map(|entry| entry.character).collect()
}

/// Two characters on the global board, on a board of this region and on one of the other.
async fn two_regions() -> (World, App) {
    let world = World::start(2).await;
    let far = far(&world).await;
    assert_eq!((sweep(&world.app).await.settled, sweep(&far).await.settled), (0, 0));
    for (index, score) in [(0, 20), (1, 10)] {
        assert_eq!(submit(&world.app, "world", world.id(index), score).await.status, 200);
        assert_eq!(submit(&world.app, "points", world.id(index), score).await.status, 200);
        assert_eq!(submit(&far, "points", world.id(index), score).await.status, 200);
    }
    submit(&far, "world", world.id(0), 1).await.problem(409, "board_elsewhere");
    (world, far)
}

#[tokio::test]
async fn who_is_hidden_is_counted_out_by_the_home_of_each_board() {
    let (world, far) = two_regions().await;
    let both = [world.id(0), world.id(1)];
    let path = format!("/boards/hidden/{}", both[0]);
    let hidden: BoardsHidden = send(far.owner(Method::PUT, &path)).await.ok(200);
    assert_eq!((hidden.is_hidden, hidden.changed), (true, 1), "only the board of the region that was asked");
    assert_eq!(shown(&world, &far, "points").await, both[1..]);
    for _ in 0..2 {
        assert_eq!(sweep(&far).await.settled, 0, "the rest is not for this region to do");
    }
    for board in ["world", "points"] {
        assert_eq!(shown(&world, &world.app, board).await, both);
    }
    assert_eq!(sweep(&world.app).await.settled, 1);
    for board in ["world", "points"] {
        assert_eq!(shown(&world, &world.app, board).await, both[1..]);
    }
    // The other way round.
    let back: BoardsHidden = send(world.app.owner(Method::DELETE, &path)).await.ok(200);
    assert_eq!((back.is_hidden, back.changed), (false, 2));
    assert_eq!(shown(&world, &far, "points").await, both[1..]);
    assert_eq!(sweep(&far).await.settled, 1);
    assert_eq!(shown(&world, &far, "points").await, both);
}

#[tokio::test]
async fn a_purge_waits_for_the_homes_of_all_boards() {
    let (world, far) = two_regions().await;
    let [gone, stays] = [world.id(0), world.id(1)];
    let account = |app: &App| app.request(Method::DELETE, &format!("/v1/characters/{gone}"));
    assert_eq!(send(account(&world.app).bearer_auth(&world.token)).await.status, 204);
    deleted_before(&world.app, gone, KEPT_MILLIS).await;
    let first: PurgedCharacters = purge(&far).await;
    assert_eq!(first, PurgedCharacters { characters: Vec::new(), more: false, next: None });
    let left = traces(&world.app, gone).await;
    assert!(left.iter().any(|item| item.contains("e#world#")), "{left:#?}");
    assert!(!left.iter().any(|item| item.contains("e#points@sgp#")), "{left:#?}");
    let second: PurgedCharacters = purge(&world.app).await;
    assert_eq!(second.characters, [gone]);
    assert_eq!(traces(&world.app, gone).await, Vec::<String>::new());
    for (app, board) in [(&world.app, "world"), (&world.app, "points"), (&far, "points")] {
        assert_eq!(shown(&world, app, board).await, [stays]);
    }
}

#[tokio::test]
async fn what_is_left_of_a_board_that_left_the_catalogue_is_deleted_a_month_later() {
    let world = World::start(2).await;
    let lesser =
        world.app.beside(|config| config.catalogue.boards.retain(|board| board.board.as_str() == "kills"));
    let lesser = lesser.await;
    sweep(&world.app).await;
    for board in ["points", "world"] {
        world.submit(board, &[(0, 5, 0), (1, 7, 0)]).await;
        world.reset(board).await;
        world.submit(board, &[(0, 5, 0)]).await;
    }
    let client = world.app.engine.client();
    let table = format!("{}boards", world.app.engine.table_prefix);
    let left_long_ago = async |board: &str| {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let update = client.update_item().table_name(&table).key("pk", text("boards")).key("sk", text(board));
        let update = update.update_expression("SET left_at = :at").condition_expression("left_at > :at");
        let at = crate::app::now().as_millis() - 31 * 24 * 3_600_000;
        update.expression_attribute_values(":at", AttributeValue::N(at.to_string())).send().await
    };
    assert!(left_long_ago("points@local").await.is_err(), "it is in the catalogue");
    assert_eq!(sweep(&lesser).await.deleted, 0);
    left_long_ago("points@local").await.expect("it has left");
    left_long_ago("world").await.expect("it has left");
    // One of them is back before it comes to that.
    sweep(&world.app).await;
    assert_eq!(sweep(&lesser).await.deleted, 0, "its time begins again");
    left_long_ago("points@local").await.expect("it has left");
    let mut swept = sweep(&lesser).await;
    assert!(swept.deleted > 0);
    while swept.more {
        swept = sweep(&lesser).await;
    }
    let items = world.app.engine.everything().await.remove("boards").expect("the table");
    assert!(!items.iter().any(|item| item.contains("points@local")), "{items:#?}");
    // The other one has its time yet, and is as it was.
    assert_eq!(shown(&world, &world.app, "world").await, [world.id(0)]);
}

async fn purge(app: &App) -> PurgedCharacters {
    app.internal("/characters/purge", &json!({})).await.ok(200)
}

#[tokio::test]
async fn a_board_that_no_sweep_has_seen_keeps_no_purge_waiting() {
    let world = World::start(2).await;
    let far = far(&world).await;
    for index in [0, 1] {
        assert_eq!(submit(&world.app, "world", world.id(index), 5).await.status, 200);
    }
    // Its home's catalogue has lost it before it was ever swept.
    let lesser =
        world.app.beside(|config| config.catalogue.boards.retain(|board| board.board.as_str() == "kills"));
    let lesser = lesser.await;
    sweep(&lesser).await;
    let gone = world.id(0);
    let delete = world.app.request(Method::DELETE, &format!("/v1/characters/{gone}"));
    assert_eq!(send(delete.bearer_auth(&world.token)).await.status, 204);
    deleted_before(&world.app, gone, KEPT_MILLIS).await;
    assert_eq!(purge(&far).await.characters, [], "another region does not do it");
    assert_eq!(purge(&lesser).await.characters, [gone]);
    assert_eq!(traces(&world.app, gone).await, Vec::<String>::new());
    // It is back.
    assert_eq!(shown(&world, &world.app, "world").await, [world.id(1)]);
}

#[tokio::test]
async fn entries_of_seasons_that_are_no_more_keep_no_purge_waiting() {
    let world = World::start(1).await;
    let far = far(&world).await;
    let gone = world.id(0);
    let client = world.app.engine.client();
    let table = format!("{}boards", world.app.engine.table_prefix);
    // Boards of this region and of the other one, and one that nobody has heard of since its last season was deleted.
    for board in ["points@local", "points@sgp", "bygone"] {
        let (text, number) =
            (|text: String| AttributeValue::S(text), |number: u64| AttributeValue::N(number.to_string()));
        let put = client.put_item().table_name(&table).item("v", number(1)).item("version", number(1));
        let put = put.item("pk", text(gone.to_string())).item("sk", text(format!("e#{board}#{:013}", 1_000)));
        let put = put.item("score", number(1)).item("subscore", number(0)).item("reached_at", number(1_001));
        put.send().await.expect("stored");
    }
    let delete = world.app.request(Method::DELETE, &format!("/v1/characters/{gone}"));
    assert_eq!(send(delete.bearer_auth(&world.token)).await.status, 204);
    deleted_before(&world.app, gone, KEPT_MILLIS).await;
    assert_eq!(purge(&world.app).await.characters, []);
    let left = traces(&world.app, gone).await;
    let is_left = |board: &str| left.iter().any(|item| item.contains(board));
    assert_eq!(["points@local", "points@sgp", "bygone"].map(is_left), [false, true, false], "{left:#?}");
    assert_eq!(purge(&far).await.characters, [gone]);
    assert_eq!(traces(&world.app, gone).await, Vec::<String>::new());
}
