//! Where a deletion goes on that was cut short, over a real store engine.

use std::time::Duration;

use domain::ids::CharacterId;

use super::*;
use crate::clock::{now, random_u128};
use crate::store::tests::store;

#[tokio::test]
async fn a_deletion_goes_on_where_time_or_a_fault_has_ended_it() {
    let store = store().await;
    let account = AccountId::new(now(), random_u128());
    let characters = [CharacterId::new(now(), random_u128())].into();
    let subject = Subject { account, characters, names: [].into() };
    let job = ErasureJob { subject, begun_at: now(), table: 0, cursor: None, seed: random_u128() };
    let put = store.client.put_item().table_name(&store.tables.admin);
    put.set_item(Some(write_job(&job))).send().await.expect("stored");
    let mut mentions = item::new_item("nobody's");
    mentions.extend([("sk".to_owned(), text("head")), ("by".to_owned(), text(account))]);
    let put = store.client.put_item().table_name(&store.tables.tournaments);
    put.set_item(Some(mentions.clone())).send().await.expect("stored");
    let stored = async || store.erasure(account).await.expect("an answer").expect("it goes on");
    let tournaments = PERSONAL_TABLES.iter().position(|table| table.name == "tournaments");

    // No tournament is called so: what was done until then is not done again.
    let long = Deadline::after(Duration::from_mins(1));
    store.erase_mentions(&mut stored().await, "local", long).await.expect_err("it cannot be read");
    assert_eq!(Some(stored().await.table), tournaments);
    mentions.retain(|name, _| name == "pk" || name == "sk");
    let delete = store.client.delete_item().table_name(&store.tables.tournaments);
    delete.set_key(Some(mentions)).send().await.expect("deleted");

    // Each call gets on, however little time it has.
    let over = Deadline::after(Duration::ZERO);
    let mut tables = stored().await.table;
    while !store.erase_mentions(&mut stored().await, "local", over).await.expect("an answer") {
        assert_eq!(stored().await.table, tables + 1);
        tables += 1;
    }
    assert_eq!(tables + 1, PERSONAL_TABLES.len());

    // One that is slower than the call which ends it does not bring the deletion back.
    let mut slower = stored().await;
    (slower.table, slower.cursor) = (0, None);
    store.end_erasure(account, now()).await.expect("ended");
    assert!(!store.erase_mentions(&mut slower, "local", over).await.expect("an answer"));
    assert!(store.erasure(account).await.expect("an answer").is_none());
}
