//! The description of the API (OpenAPI 3.1): its frame, and the text of the whole. Routes describe themselves.

use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;

#[derive(utoipa::OpenApi)]
#[openapi(info(
    title = "Graticule API",
    description = "Everything around the world of a game: what players have, where they play, whom they play with, \
                   and what administrators and zone hosts need. Players show the access token that the edge gave \
                   them (`POST /v1/sessions` there). Errors are application/problem+json (RFC 9457); their `code` is \
                   for programs. A POST that changes something takes an `Idempotency-Key`: the same request under the \
                   same key has the effect of one. Lists have `limit` (1 to 100) and give `next`, the `cursor` of the \
                   page after. Times are milliseconds since 1970. Every answer has the header X-Correlation-Id, which \
                   takes over the caller's if it is such an id."
))]
struct Frame;

/// The groups of routes, in the order in which somebody new would read them.
const TAGS: [(&str, &str); 16] = [
    ("characters", "The characters of an account: make, rename, delete and restore them."),
    ("zones", "Where one can play, and a place there: the address of a host and a ticket to it."),
    (
        "possessions",
        "What a character has: items, what it wears, money with its ledger, progress. Only hosts and administrators \
         change it.",
    ),
    (
        "market",
        "The trading post: lots to search, sell and buy, what waits to be collected, and price history.",
    ),
    ("trades", "Direct trades of two players in one instance."),
    ("leaderboards", "Boards and seasons: pages, exact ranks, the places around a character."),
    (
        "matchmaking",
        "Queues, tickets and ratings: a match makes an instance, and a place in it for each player.",
    ),
    ("tournaments", "Tournaments: who plays, brackets, standings, disputes."),
    ("friends", "Friends, requests and blocks; where friends are."),
    ("parties", "Parties: a few who stay together and travel together."),
    ("chat", "What is said in a zone, a party, a whisper or the region, and reports of it."),
    ("rooms", "Private instances behind codes of six letters."),
    ("content", "What the studio defined, its versions, and flags. Paths under /admin are for operators."),
    (
        "admin",
        "For administrators, each call in the audit log: players, bans, hosts, maintenance, keys, data.",
    ),
    (
        "internal",
        "For zone hosts and the coordinator, with the service token. Not for players, and not stable.",
    ),
    ("operational", "For whoever runs the API: health, metrics, this description, keys of tickets."),
];

/// Everything but the routes.
pub(crate) fn frame() -> OpenApi {
    let mut frame = Frame::openapi();
    let tag = |(name, text)| TagBuilder::new().name(name).description(Some(text)).build();
    frame.tags = Some(TAGS.into_iter().map(tag).collect());
    let components = frame.components.get_or_insert_default();
    for (name, text) in [
        ("access_token", "The access token of a player, made by the edge."),
        ("service_token", "The secret shared with zone hosts."),
        ("admin_key", "The key of an administrator."),
    ] {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(text)).build();
        components.add_security_scheme(name, SecurityScheme::Http(scheme));
    }
    frame
}

/// Makes the first sentence of each route's text its summary, and the rest its description.
pub(crate) fn summarise(description: &mut OpenApi) {
    for item in description.paths.paths.values_mut() {
        let routes = [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete];
        for route in routes.into_iter().flatten() {
            let Some(text) = route.summary.take() else { continue };
            // Lines are broken for the source alone.
            let text = text.replace('\n', " ");
            let (summary, rest) = match text.split_once(". ") {
                Some((summary, rest)) => (format!("{summary}."), Some(rest.to_owned())),
                None => (text, None),
            };
            route.summary = Some(summary);
            let texts: Vec<String> = rest.into_iter().chain(route.description.take()).collect();
            route.description = (!texts.is_empty()).then(|| texts.join("\n\n"));
        }
    }
}

/// The whole description as JSON, ending with a line feed.
#[must_use]
pub fn text() -> String {
    let (_, description) = crate::routes::all();
    let mut text = description.to_pretty_json().expect("a description is plain data");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_has_a_summary_and_a_group_that_is_described() {
        let description: serde_json::Value = serde_json::from_str(&text()).expect("JSON");
        let described: BTreeSet<_> = TAGS.iter().map(|(name, _)| *name).collect();
        let mut used = BTreeSet::new();
        for (path, methods) in description["paths"].as_object().expect("paths") {
            for (method, route) in methods.as_object().expect("methods") {
                let summary = route["summary"].as_str().unwrap_or_default();
                assert!(!summary.is_empty(), "{method} {path} has no summary");
                assert!(!summary.contains('\n'), "the summary of {method} {path} is more than a line");
                let tag = route["tags"][0].as_str().unwrap_or_default();
                assert!(described.contains(tag), "{method} {path}: the tag {tag:?} is not described");
                used.insert(tag.to_owned());
            }
        }
        assert_eq!(used.len(), described.len(), "a group without routes");
    }
}
