//! A store on an engine of its own for tests, and reads of many items at once.

use aws_sdk_dynamodb::types::Put;
use tokio::net::TcpListener;

use super::item::{new_item, number, read_number, text};
use super::*;

/// A fresh store that is migrated.
pub(super) async fn store() -> Store {
    store_with(|_| {}).await
}

/// The same, with another configuration.
pub(super) async fn store_with(change: impl FnOnce(&mut ApiConfig)) -> Store {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("bound"));
    let database = dynoxide::Database::memory().expect("a database");
    tokio::spawn(dynoxide::server::serve_with_shutdown(listener, database, std::future::pending()));
    let mut config =
        ApiConfig { dynamodb_endpoint: Some(endpoint), table_prefix: "t-".into(), ..ApiConfig::default() };
    change(&mut config);
    crate::migrations::apply(&config).await.expect("a fresh store is migrated");
    Store::new(connect(&config).await, &config)
}

#[tokio::test]
async fn many_keys_are_read_once_each() {
    let store = store().await;
    let table = &store.tables.matchmaking;
    let key = |number: u32| {
        Item::from([("pk".to_owned(), text(format!("k{}", number / 2))), ("sk".to_owned(), text(number % 2))])
    };
    for first in [0, 100, 200] {
        let put = |count: u32| {
            let mut item = new_item("");
            item.extend(key(count));
            item.insert("number".into(), number(count));
            transact::put(Put::builder().table_name(table).set_item(Some(item)))
        };
        store.transact((first..first + 100).map(put).collect()).await.expect("written").expect("at once");
    }
    // Each twice, near each other and far apart, and some that are not there.
    let keys = (0..310).chain(0..310).flat_map(|number| [key(number), key(number)]);
    let items = store.batch_get(table, keys.collect()).await.expect("read");
    let mut found: Vec<u32> =
        items.iter().map(|item| read_number(item, "number").expect("a number")).collect();
    found.sort_unstable();
    assert_eq!(found, (0..300).collect::<Vec<_>>());
    assert!(store.batch_get(table, Vec::new()).await.expect("read").is_empty());
}
