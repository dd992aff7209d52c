//! A large field: what it takes of the store. The figures are in docs/TOURNAMENTS.md; this holds them to their order.

use domain::contract::tournaments::TournamentState;
use serde_json::json;

use super::{contenders, create, definition, pair, ready, step, stored, with};
use crate::app::{App, send};

/// Bytes of an item, about as DynamoDB counts them.
fn size(item: &std::collections::HashMap<String, aws_sdk_dynamodb::types::AttributeValue>) -> usize {
    use aws_sdk_dynamodb::types::AttributeValue as V;
    let value = |value: &V| match value {
        V::S(text) | V::N(text) => text.len(),
        V::B(bytes) => bytes.as_ref().len(),
        _ => 1,
    };
    item.iter().map(|(name, content)| name.len() + value(content)).sum()
}

#[tokio::test]
async fn a_field_of_128_fits_its_items() {
    let app = App::start().await;
    let people = contenders(&app, 128).await;
    let fields = [("entrants_max", json!(128)), ("best_of_final", json!(1))];
    let cup = create(&app, &with(definition(&json!("single_elimination")), &fields)).await;
    cup.fill(&people).await;
    cup.start(&app).await;
    step(&app).await;
    let reader = &people[0].player;
    let mut transactions = 129;
    loop {
        let open = ready(&cup.bracket(reader).await);
        if open.is_empty() {
            break;
        }
        for fixture in open {
            cup.win(&app, &fixture, pair(&fixture)[0]).await;
            transactions += 1;
        }
        step(&app).await;
    }
    assert_eq!(cup.read(reader).await.summary.state, TournamentState::Finished);
    let events = stored(&app, cup, "event#").await;
    assert_eq!((events.len(), transactions), (256, 256), "128 registrations, the start, 127 matches");
    let largest = events.iter().map(size).max().expect("records");
    let all: usize = events.iter().map(size).sum();
    let snapshots = stored(&app, cup, "snapshot#").await;
    let snapshot: usize = snapshots.iter().map(size).sum();
    let head = stored(&app, cup, "head").await.iter().map(size).max().expect("a head");
    println!(
        "records: {} of {} bytes on average, the largest of {largest}; snapshot: {} parts of {snapshot} bytes; head: {head}",
        events.len(),
        all / events.len(),
        snapshots.len(),
    );
    assert!(largest < 64 * 1024 && head < 1_024 && snapshot < 400 * 1024);
    assert_eq!(snapshots.len(), snapshot.div_ceil(33 * 1024), "in parts, and older ones are gone");
    // A process that remembers nothing starts from the snapshot, and reads the same.
    let url = format!("{}{}", app.beside(|_| {}).await.url, cup.path("/bracket"));
    let text = send(app.http.get(url).bearer_auth(&reader.token)).await.text;
    assert_eq!(text, reader.get(&cup.path("/bracket")).await.text);
    let lines = cup.standings(reader).await;
    assert_eq!(lines.len(), 128);
}
