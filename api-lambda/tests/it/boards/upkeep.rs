//! The upkeep of boards: old seasons go, damage is found and mended. What the API would not do by itself is written to
//! the store directly.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::contract::boards::{BoardsSwept, LeaderboardEntry, SeasonList};
use reqwest::Method;
use serde_json::json;

use super::World;

type Item = std::collections::HashMap<String, AttributeValue>;

/// The table as it is.
struct Table {
    client: aws_sdk_dynamodb::Client,
    name: String,
}

impl Table {
    fn of(world: &World) -> Self {
        let engine = &world.app.engine;
        Self { client: engine.client(), name: format!("{}boards", engine.table_prefix) }
    }

    async fn items(&self) -> Vec<Item> {
        let pages = self.client.scan().table_name(&self.name).into_paginator().items().send();
        pages.collect::<Result<_, _>>().await.expect("a scan")
    }

    /// A reset in the past.
    async fn reset(&self, board: &str, at: u64) {
        for copy in 0..16 {
            let text = |text: String| AttributeValue::S(text);
            let number = |number: u64| AttributeValue::N(number.to_string());
            let put = self.client.put_item().table_name(&self.name).item("v", number(1));
            let put = put.item("pk", text(format!("r#{board}@local#{copy}"))).item("sk", text("r".into()));
            put.item("reset_at", number(at)).send().await.expect("stored");
        }
    }
}

fn key_of(item: &Item) -> Item {
    ["pk", "sk"].into_iter().map(|name| (name.to_owned(), item[name].clone())).collect()
}

#[tokio::test]
async fn old_seasons_are_deleted_and_kept_ones_stay() {
    let world = World::start(4).await;
    let table = Table::of(&world);
    let now = crate::app::now().as_millis();
    world.admin(Method::PUT, &format!("/hidden/{}", world.id(3))).await;
    let sweep = async || world.app.internal("/boards/sweep", &json!({})).await.ok::<BoardsSwept>(200);
    // The first one writes down which boards there are.
    assert_eq!(sweep().await.deleted, 0);
    let mut season_items = Vec::new();
    for minutes in [0, 120, 60, 30] {
        if minutes > 0 {
            table.reset("mood", now - minutes * 60_000).await;
        }
        let before = table.items().await.len();
        world.submit("mood", &[(0, 3, 0), (1, 99, 0), (2, 3, 0), (3, 4, 0)]).await;
        world.submit("mood", &[(0, -3, 0)]).await;
        season_items.push(table.items().await.len() - before);
    }
    let before = table.items().await.len();
    let swept = sweep().await;
    assert!(!swept.more && swept.deleted > 0, "{swept:?}");
    // One season is kept beside the current one; of the others nothing is left.
    assert_eq!(before - table.items().await.len(), season_items[0] + season_items[1]);
    assert_eq!(sweep().await.deleted, 0);
    let list: SeasonList = world.get("/v1/leaderboards/mood/seasons").await.ok(200);
    assert_eq!(list.seasons.len(), 2);
    for season in list.seasons {
        assert_eq!(world.all("mood", 2, Some(season.season)).await.len(), 3);
    }
    world.get("/v1/leaderboards/mood?season=0").await.problem(404, "no_season");
    world.assert_clean("mood").await;
}

#[tokio::test]
async fn damage_is_found_and_mended() {
    let world = World::start(20).await;
    let scores: Vec<_> =
        (0..20).map(|index| (index, i64::try_from(index).expect("small") * 777, 0)).collect();
    for scores in scores.chunks(7) {
        world.submit("points", scores).await;
    }
    let ranks = async || {
        let entries: Vec<LeaderboardEntry> = world.all("points", 3, None).await;
        entries.iter().map(|entry| entry.rank).collect::<Vec<_>>()
    };
    let right = ranks().await;
    let table = Table::of(&world);
    let items = table.items().await;
    let node = |depth: &str| {
        let is_one = |item: &&Item| {
            let pk = item["pk"].as_s().expect("a text");
            pk.starts_with("n#points") && pk.contains(depth)
        };
        items.iter().find(is_one).expect("a node")
    };
    // One node lost, one with a count too many.
    let delete = table.client.delete_item().table_name(&table.name);
    delete.set_key(Some(key_of(node("#0.1.")))).send().await.expect("deleted");
    let root = node("#0.0.");
    let child = root.keys().find(|name| name.len() == 2 && u8::from_str_radix(name, 16).is_ok());
    let update = table.client.update_item().table_name(&table.name).set_key(Some(key_of(root)));
    let update = update.update_expression("ADD #child :one");
    let update = update.expression_attribute_names("#child", child.expect("a child"));
    let one = AttributeValue::N("1".into());
    update.expression_attribute_values(":one", one).send().await.expect("damaged");
    assert_ne!(ranks().await, right);
    let (_, wrong) = world.sections("points", "check").await;
    assert!(wrong >= 2, "{wrong} wrong");
    assert_eq!(world.sections("points", "check").await.1, wrong, "a check mends nothing");
    assert_eq!(world.sections("points", "repair").await.1, wrong);
    assert_eq!(world.assert_clean("points").await, 20);
    assert_eq!(ranks().await, right);
}
