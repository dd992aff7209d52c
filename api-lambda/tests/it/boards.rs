//! `/internal/v1/boards` and `/admin/v1/boards`, and the boards that the tests define.

use domain::catalogue::{BoardDefinition, BoardOperator, BoardOrder, BoardScope, Catalogue, ScoreRange};
use domain::contract::boards::{
    BoardChecked, BoardWasReset, BoardsHidden, LeaderboardEntry, LeaderboardPage, ScoresSubmitted, SeasonList,
};
use domain::contract::hosts::{BatchOutcome, EntryOutcome};
use domain::contract::players::Character;
use domain::ids::{CharacterId, SeasonId};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App, Engine, SERVICE_TOKEN, random, send};

mod history;
mod homes;
mod losses;
mod upkeep;

/// A board of every kind; all ranges are small, so that scores out of them are usual.
fn definitions() -> Vec<BoardDefinition> {
    let base = Catalogue::builtin().boards.swap_remove(0);
    let board = |name: &str, operator, order, to, subscores, shards| BoardDefinition {
        board: name.parse().expect("a name"),
        operator,
        order,
        scores: ScoreRange { from: 0, to },
        subscores,
        shards,
        seasons_kept: 1,
        ..base.clone()
    };
    let subscores = Some(ScoreRange { from: 0, to: 3 });
    let world = board("world", BoardOperator::Sum, BoardOrder::Descending, 20_000, None, 1);
    vec![
        BoardDefinition { scope: BoardScope::Global { home: "local".into() }, ..world },
        board("points", BoardOperator::Sum, BoardOrder::Descending, 20_000, None, 1),
        board("laps", BoardOperator::Best, BoardOrder::Ascending, 50, subscores, 1),
        board("mood", BoardOperator::Last, BoardOrder::Descending, 5, None, 3),
        board("lives", BoardOperator::Decrement, BoardOrder::Descending, 9, subscores, 2),
    ]
}

const BOARDS: [&str; 4] = ["points", "laps", "mood", "lives"];

struct World {
    app: App,
    characters: Vec<Character>,
    token: String,
}

impl World {
    async fn start(characters: usize) -> Self {
        Self::start_on(Engine::start().await, None, characters).await
    }

    async fn start_on(engine: Engine, endpoint: Option<String>, count: usize) -> Self {
        let app = App::start_on(engine, |config| {
            config.catalogue.boards.extend(definitions());
            if endpoint.is_some() {
                config.dynamodb_endpoint = endpoint;
            }
        })
        .await;
        let mut characters = Vec::new();
        let mut token = String::new();
        while characters.len() < count {
            let player = app.player().await;
            for _ in 0..(count - characters.len()).min(16) {
                // No two of these letters look alike.
                let letters = b"abcdefghijkmnopqrstuwxyz";
                let [high, low] = [characters.len() / letters.len(), characters.len() % letters.len()];
                let name = format!("Hero {}{}", char::from(letters[high]), char::from(letters[low]));
                characters.push(player.create(&name).await);
            }
            token = player.token;
        }
        Self { app, characters, token }
    }

    fn id(&self, index: usize) -> CharacterId {
        self.characters[index].id
    }

    async fn get(&self, path: &str) -> Answer {
        send(self.app.request(Method::GET, path).bearer_auth(&self.token)).await
    }

    async fn page(&self, path: &str) -> LeaderboardPage {
        self.get(path).await.ok(200)
    }

    async fn submit_as(&self, board: &str, key: &str, body: &Value) -> Answer {
        let request = self.app.request(Method::POST, &format!("/internal/v1/boards/{board}/scores"));
        send(request.bearer_auth(SERVICE_TOKEN).header("idempotency-key", key).json(body)).await
    }

    /// Scores of characters, stored under a key of their own.
    async fn submit(&self, board: &str, scores: &[(usize, i64, i64)]) -> ScoresSubmitted {
        let score = |(index, score, subscore): &(usize, i64, i64)| json!({ "character": self.id(*index), "score": score, "subscore": subscore });
        let body = json!({ "scores": scores.iter().map(score).collect::<Vec<_>>() });
        self.submit_as(board, &format!("{:032x}", random()), &body).await.ok(200)
    }

    async fn admin(&self, method: Method, path: &str) -> Answer {
        let key = format!("{:032x}", random());
        send(self.app.owner(method, &format!("/boards{path}")).header("idempotency-key", key)).await
    }

    async fn reset(&self, board: &str) -> SeasonId {
        self.admin(Method::POST, &format!("/{board}/reset")).await.ok::<BoardWasReset>(200).season
    }

    /// Goes through all sections; the number of entries and of wrong counts.
    async fn sections(&self, board: &str, what: &str) -> (u64, u64) {
        let (mut entries, mut wrong, mut section) = (0, 0, Some(0));
        while let Some(next) = section {
            let answer = self.admin(Method::POST, &format!("/{board}/{what}?section={next}")).await;
            if answer.status == 404 {
                answer.problem(404, "no_season");
                return (0, 0);
            }
            let checked: BoardChecked = answer.ok(200);
            assert!(checked.is_steady, "{checked:?}");
            entries += if checked.next == Some(next) { 0 } else { checked.entries };
            wrong += checked.wrong_total;
            section = checked.next;
        }
        (entries, wrong)
    }

    async fn assert_clean(&self, board: &str) -> u64 {
        let (entries, wrong) = self.sections(board, "check").await;
        assert_eq!(wrong, 0, "counts of {board} are wrong");
        entries
    }

    /// All entries of a board, page by page.
    async fn all(&self, board: &str, limit: usize, season: Option<SeasonId>) -> Vec<LeaderboardEntry> {
        let season = season.map_or(String::new(), |season| format!("&season={season}"));
        let mut entries = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.page(&format!("/v1/leaderboards/{board}?limit={limit}{season}{cursor}")).await;
            entries.extend(page.entries);
            let Some(next) = page.next else { return entries };
            cursor = format!("&cursor={next}");
        }
    }
}

#[tokio::test]
async fn scores_of_services_count_once() {
    let world = World::start(3).await;
    let body = json!({ "scores": [
        { "character": world.id(0), "score": 5 },
        { "character": world.id(1), "score": 7, "subscore": 9 },
    ] });
    let answers = join_all((0..10).map(|_| world.submit_as("points", "once", &body))).await;
    let first: ScoresSubmitted = answers[0].ok(200);
    for answer in &answers {
        assert_eq!(answer.ok::<ScoresSubmitted>(200), first);
    }
    assert_eq!(first.standing.iter().map(|s| (s.score, s.subscore)).collect::<Vec<_>>(), [(5, 0), (7, 0)]);
    assert_eq!(world.all("points", 10, None).await.iter().map(|e| e.score).collect::<Vec<_>>(), [7, 5]);
    let other = json!({ "scores": [{ "character": world.id(0), "score": 6 }] });
    world.submit_as("points", "once", &other).await.problem(422, "idempotency_mismatch");
    assert_eq!(world.assert_clean("points").await, 2);
}

#[tokio::test]
async fn submits_that_make_no_sense_are_refused() {
    let world = World::start(8).await;
    let score = |id: CharacterId, score: i64| json!({ "character": id, "score": score });
    let one = json!({ "scores": [score(world.id(0), 1)] });
    let path = "/internal/v1/boards/points/scores";
    let as_player = world.app.request(Method::POST, path).bearer_auth(&world.token).json(&one);
    send(as_player).await.problem(401, "service_token");
    world.submit_as("deaths", "k", &one).await.problem(404, "no_board");
    let keyless = world.app.request(Method::POST, path).json(&one);
    send(keyless.bearer_auth(SERVICE_TOKEN)).await.problem(400, "idempotency_key_missing");
    let eight: Vec<_> = (0..8).map(|index| score(world.id(index), 1)).collect();
    for scores in [vec![], vec![score(world.id(0), 1), score(world.id(0), 2)], eight] {
        let body = json!({ "scores": scores });
        world.submit_as("points", "k", &body).await.problem(400, "score_count");
    }
    for body in [
        json!({}),
        json!({ "scores": [{ "character": world.id(0) }] }),
        json!({ "scores": [{ "character": "bob", "score": 1 }] }),
        json!({ "scores": [[world.id(0), 1, 0]] }),
        json!({ "scores": [{ "character": world.id(0), "score": 1.5 }] }),
        json!({ "scores": [{ "character": world.id(0), "score": 9_223_372_036_854_775_808_u64 }] }),
        json!({ "scores": [{ "character": world.id(0), "score": 1, "rank": 1 }] }),
    ] {
        world.submit_as("points", "k", &body).await.problem(400, "bad_body");
    }
    let stranger = CharacterId::new(crate::app::now(), random());
    let body = json!({ "scores": [score(world.id(0), 1), score(stranger, 1)] });
    world.submit_as("points", "k", &body).await.problem(404, "no_character");
    // Nothing of a refused request is stored; a sum at the end of the integers is refused and not cut off.
    assert!(world.all("points", 10, None).await.is_empty());
    world.submit("points", &[(0, i64::MAX, 0)]).await;
    let body = json!({ "scores": [score(world.id(1), 1), score(world.id(0), 1)] });
    world.submit_as("points", "k2", &body).await.problem(422, "score_overflow");
    assert_eq!(world.all("points", 10, None).await.len(), 1);
    // Far out of range, from one end to the other, three times: over 40 counts each.
    world.submit("points", &[(1, -1_000_000_007, 0)]).await;
    world.submit("points", &[(2, -9_000_000_000_000_017, 0)]).await;
    world.submit("points", &[(3, -777_000_000_000, 0)]).await;
    let far = json!({ "scores": [
        score(world.id(1), 3_000_000_000_000), score(world.id(2), 17_777_777_777_777_777),
        score(world.id(3), 5_000_000_000_000_000_000_i64),
    ] });
    world.submit_as("points", "k3", &far).await.problem(422, "scores_too_far");
    assert_eq!(world.assert_clean("points").await, 4);
}

#[tokio::test]
async fn administrators_alone_administer() {
    let world = World::start(2).await;
    let id = world.id(0);
    for (method, path) in [
        (Method::POST, "points/reset".to_owned()),
        (Method::POST, "points/check".to_owned()),
        (Method::POST, "points/repair".to_owned()),
        (Method::PUT, format!("hidden/{id}")),
        (Method::DELETE, format!("hidden/{id}")),
        (Method::DELETE, format!("points/characters/{id}")),
    ] {
        let path = format!("/admin/v1/boards/{path}");
        for token in [world.token.as_str(), SERVICE_TOKEN] {
            let request = world.app.request(method.clone(), &path).bearer_auth(token);
            send(request).await.problem(401, "admin_key");
        }
    }
    let keyless = world.app.owner(Method::POST, "/boards/points/reset");
    send(keyless).await.problem(400, "idempotency_key_missing");
    world.admin(Method::POST, "/deaths/reset").await.problem(404, "no_board");
    world.admin(Method::POST, "/points/check").await.problem(404, "no_season");
    world.submit("points", &[(1, 1, 0)]).await;
    world.admin(Method::POST, "/points/check?section=128").await.problem(400, "no_section");
    world.admin(Method::POST, "/points/check?section=256").await.problem(400, "bad_query");
    world.admin(Method::DELETE, &format!("/points/characters/{id}")).await.problem(404, "no_score");
    // The same reset, ten times at once.
    let reset = || send(world.app.owner(Method::POST, "/boards/points/reset").header("idempotency-key", "r"));
    let seasons: Vec<SeasonId> =
        join_all((0..10).map(|_| reset())).await.iter().map(|a| a.ok::<BoardWasReset>(200).season).collect();
    assert!(seasons.iter().all(|season| *season == seasons[0]));
}

#[tokio::test]
async fn events_bring_scores_with_what_else_they_bring() {
    let world = World::start(40).await;
    let (_, registered) = world.app.living_host(&["forest"]).await;
    let own = &registered.instances[0];
    let event = |sequence: usize, index: usize, scores: Value| {
        json!({ "sequence": sequence, "character": world.id(index), "xp": 1, "kills": 2, "deaths": 0,
            "items": [], "scores": scores })
    };
    // Far apart, so that one transaction cannot hold them all; several of one character.
    let scores = |index: usize| {
        json!([
            { "board": "points", "score": index * 499 }, { "board": "points", "score": 1 },
            { "board": "laps", "score": index % 7, "subscore": 1 },
        ])
    };
    let mut events: Vec<_> = (0..40_usize).map(|index| event(index, index, scores(index))).collect();
    events.push(event(40, 0, json!([{ "board": "points", "score": 100 }])));
    let path = format!("/instances/{}/events", own.instance);
    let body = json!({ "epoch": own.epoch, "events": events });
    for answer in join_all((0..4).map(|_| world.app.internal(&path, &body))).await {
        assert_eq!(answer.ok::<BatchOutcome>(200).outcomes.len(), 41);
    }
    let points = world.all("points", 7, None).await;
    let mut expected: Vec<_> = (0..40).map(|index| index * 499 + 1).collect();
    expected[0] += 100;
    expected.sort_unstable_by(|one, other| other.cmp(one));
    assert_eq!(points.iter().map(|entry| entry.score).collect::<Vec<_>>(), expected);
    assert_eq!(points.iter().map(|entry| entry.rank).collect::<Vec<_>>(), (1..=40).collect::<Vec<_>>());
    assert_eq!(world.all("kills", 100, None).await.iter().map(|e| e.score).sum::<i64>(), 82);
    for board in ["points", "laps", "kills"] {
        assert_eq!(world.assert_clean(board).await, 40);
    }
    // Of an event for a board that is not there nothing counts, and its number is free.
    let odd = event(60, 0, json!([{ "board": "points", "score": 5 }, { "board": "deaths", "score": 1 }]));
    let body = json!({ "epoch": own.epoch, "events": [odd, event(61, 1, json!([]))] });
    for _ in 0..2 {
        let outcomes = world.app.internal(&path, &body).await.ok::<BatchOutcome>(200).outcomes;
        assert_eq!(outcomes, [EntryOutcome::Unknown, EntryOutcome::Stored]);
    }
    assert_eq!(world.all("points", 100, None).await, points);
    assert_eq!(world.all("kills", 100, None).await.iter().map(|e| e.score).sum::<i64>(), 84);
    let body = json!({ "epoch": own.epoch, "events": [event(60, 0, json!([]))] });
    assert_eq!(
        world.app.internal(&path, &body).await.ok::<BatchOutcome>(200).outcomes,
        [EntryOutcome::Stored]
    );
    assert_eq!(world.all("kills", 100, None).await.iter().map(|e| e.score).sum::<i64>(), 86);
    let five = Value::Array(vec![json!({ "board": "laps", "score": 1 }); 5]);
    let body = json!({ "epoch": own.epoch, "events": [event(50, 0, five)] });
    world.app.internal(&path, &body).await.problem(400, "bad_request");
    // An old epoch changes no board.
    let late = event(51, 0, json!([{ "board": "points", "score": 9 }]));
    let body = json!({ "epoch": own.epoch.0 + 1, "events": [late] });
    world.app.internal(&path, &body).await.problem(409, "fenced");
    assert_eq!(world.all("points", 100, None).await, points);
}

#[tokio::test]
async fn the_hidden_are_counted_out_and_in_again() {
    let world = World::start(3).await;
    world.submit("points", &[(0, 30, 0), (1, 20, 0), (2, 10, 0)]).await;
    let hidden = format!("/hidden/{}", world.id(0));
    let rank = |index: usize| format!("/v1/leaderboards/points/characters/{}", world.id(index));
    assert_eq!(world.admin(Method::PUT, &hidden).await.ok::<BoardsHidden>(200).changed, 1);
    assert_eq!(world.admin(Method::PUT, &hidden).await.ok::<BoardsHidden>(200).changed, 0);
    world.get(&rank(0)).await.problem(404, "no_score");
    assert_eq!(world.get(&rank(2)).await.ok::<LeaderboardEntry>(200).rank, 2);
    // What it submits is kept, on boards that are new to it too, and shown when it returns.
    world.submit("points", &[(0, 5, 0)]).await;
    world.submit("laps", &[(0, 5, 0), (1, 6, 0)]).await;
    assert_eq!(world.all("laps", 10, None).await.len(), 1);
    for board in ["points", "laps"] {
        world.assert_clean(board).await;
    }
    assert_eq!(world.admin(Method::DELETE, &hidden).await.ok::<BoardsHidden>(200).changed, 2);
    assert_eq!(world.all("points", 10, None).await.iter().map(|e| e.score).collect::<Vec<_>>(), [35, 20, 10]);
    assert_eq!(world.get(&rank(2)).await.ok::<LeaderboardEntry>(200).rank, 3);
    // A deleted entry begins anew.
    let entry = format!("/points/characters/{}", world.id(0));
    assert_eq!(world.admin(Method::DELETE, &entry).await.status, 204);
    world.admin(Method::DELETE, &entry).await.problem(404, "no_score");
    assert_eq!(world.get(&rank(1)).await.ok::<LeaderboardEntry>(200).rank, 1);
    world.submit("points", &[(0, 1, 0)]).await;
    assert_eq!(world.get(&rank(0)).await.ok::<LeaderboardEntry>(200).rank, 3);
    for board in ["points", "laps"] {
        world.assert_clean(board).await;
    }
}

#[tokio::test]
async fn no_score_is_lost_or_doubled_around_resets() {
    let world = World::start(6).await;
    let resets = async {
        let mut seasons = vec![SeasonId(0)];
        for _ in 0..5 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            seasons.push(world.reset("points").await);
        }
        seasons
    };
    let submits = join_all((0..6).map(|index| {
        let world = &world;
        async move {
            let mut seasons = std::collections::BTreeMap::<SeasonId, i64>::new();
            for _ in 0..20 {
                *seasons.entry(world.submit("points", &[(index, 1, 0)]).await.season).or_default() += 1;
            }
            seasons
        }
    }));
    let (seasons, told) = futures_util::future::join(resets, submits).await;
    let mut total = 0;
    for season in &seasons {
        let told: i64 = told.iter().filter_map(|seasons| seasons.get(season)).sum();
        let answer = world.get(&format!("/v1/leaderboards/points?season={season}")).await;
        if answer.status == 404 {
            assert_eq!(told, 0);
            continue;
        }
        let stored: i64 = answer.ok::<LeaderboardPage>(200).entries.iter().map(|entry| entry.score).sum();
        assert_eq!(stored, told, "season {season}");
        total += stored;
    }
    assert_eq!(total, 120);
    let page = world.page("/v1/leaderboards/points").await;
    assert_eq!(Some(&page.season), seasons.last());
    // The list has the current season first, and only those with scores behind it, page by page.
    let mut listed = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/v1/leaderboards/points/seasons?limit=1{cursor}");
        let list: SeasonList = world.get(&path).await.ok(200);
        listed.extend(list.seasons);
        let Some(next) = list.next else { break };
        cursor = format!("&cursor={next}");
    }
    assert!(listed[0].is_current && listed[1..].iter().all(|season| !season.is_current));
    assert!(listed.is_sorted_by(|one, other| one.season > other.season));
    assert_eq!(Some(&listed[0].season), seasons.last());
}
