//! `/v1/tournaments`, `/admin/v1/tournaments` and `/internal/v1/tournaments`: what the tests of them share.

mod bad_input;
mod entries;
mod forgotten;
mod invitations;
mod matches;
mod prizes;
mod size;
mod telling;
mod whole;

use domain::contract::tournaments::{
    BracketMatch, MatchStatus, MatchVerdict, MyEntries, StandingLine, StandingsPage, StepOutcome, Tournament,
    TournamentBracket,
};
use domain::ids::{CharacterId, TournamentId};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App, OWNER_KEY, Player, SERVICE_TOKEN, now, random, send};

/// A definition: registration is open for an hour, and everything else is as short as can be.
pub(crate) fn definition(format: &Value) -> Value {
    let now = now().as_millis();
    json!({
        "title": "Cup of Tests", "format": format, "team_size": 1, "best_of": 1, "best_of_final": 3,
        "entrants_min": 2, "entrants_max": 64,
        "registration": { "opens_at": now - 1_000, "closes_at": now + 3_600_000 },
        "no_show_after_ms": 3_600_000, "dispute_window_ms": 0, "seeding": "registration",
        "regions": ["local"], "zone": "forest",
    })
}

/// The definition with these fields instead.
pub(crate) fn with(mut definition: Value, fields: &[(&str, Value)]) -> Value {
    for (name, value) in fields {
        definition[*name] = value.clone();
    }
    definition
}

fn key() -> String {
    format!("{:032x}", random())
}

/// A request of the owner under an idempotency key.
pub(crate) async fn admin(app: &App, path: &str, key: &str, body: &Value) -> Answer {
    let request = app.request(Method::POST, &format!("/admin/v1/tournaments{path}"));
    send(request.bearer_auth(OWNER_KEY).header("idempotency-key", key).json(body)).await
}

pub(crate) async fn create(app: &App, definition: &Value) -> Cup {
    let answer = admin(app, "", &key(), definition).await;
    Cup { id: answer.ok::<Tournament>(201).summary.id }
}

/// A step of all that is due.
async fn step(app: &App) -> StepOutcome {
    app.internal("/tournaments/step", &json!({ "limit": 100 })).await.ok(200)
}

/// A player with the one character that takes part.
struct Contender<'a> {
    player: Player<'a>,
    character: CharacterId,
}

/// As many players with a character each.
async fn contenders(app: &App, count: usize) -> Vec<Contender<'_>> {
    join_all((0..count).map(|number| async move {
        let player = app.player().await;
        let letters: String =
            format!("{number:03}").bytes().map(|digit| char::from(digit - b'0' + b'a')).collect();
        let character = player.create(&format!("Player {letters}")).await.id;
        Contender { player, character }
    }))
    .await
}

/// A tournament under test.
#[derive(Clone, Copy)]
pub(crate) struct Cup {
    pub(crate) id: TournamentId,
}

impl Cup {
    pub(crate) fn path(self, what: &str) -> String {
        format!("/v1/tournaments/{}{what}", self.id)
    }

    async fn register(self, contender: &Contender<'_>) -> Answer {
        let body = json!({ "character": contender.character });
        contender.player.post_keyed(&self.path("/register"), &key(), &body).await
    }

    /// Registers them one after the other, so that the first is the first seed.
    async fn fill(self, contenders: &[Contender<'_>]) {
        for contender in contenders {
            self.register(contender).await.ok::<MyEntries>(200);
        }
    }

    pub(crate) async fn decide(self, app: &App, what: &str, body: &Value) -> Answer {
        admin(app, &format!("/{}{what}", self.id), &key(), body).await
    }

    pub(crate) async fn start(self, app: &App) {
        self.decide(app, "/start", &json!({ "reason": "all here" })).await.ok::<Tournament>(200);
    }

    pub(crate) async fn bracket(self, player: &Player<'_>) -> TournamentBracket {
        player.get(&self.path("/bracket")).await.ok(200)
    }

    pub(crate) async fn read(self, player: &Player<'_>) -> Tournament {
        player.get(&self.path("")).await.ok(200)
    }

    pub(crate) async fn standings(self, player: &Player<'_>) -> Vec<StandingLine> {
        let mut lines = Vec::new();
        let mut next = String::new();
        loop {
            let page: StandingsPage =
                player.get(&self.path(&format!("/standings?limit=7{next}"))).await.ok(200);
            lines.extend(page.lines);
            match page.next {
                Some(cursor) => next = format!("&cursor={cursor}"),
                None => return lines,
            }
        }
    }

    /// What a service without an instance reports: these win the games from the first on.
    pub(crate) async fn report(self, app: &App, number: u16, winners: &[CharacterId]) -> Answer {
        let games: Vec<_> = (1..)
            .zip(winners)
            .map(|(game, winner): (u8, _)| json!({ "game": game, "winner": winner }))
            .collect();
        app.internal(&self.match_path(number, "report"), &json!({ "games": games })).await
    }

    fn match_path(self, number: u16, what: &str) -> String {
        format!("/tournaments/{}/matches/{number}/{what}", self.id)
    }

    /// Lets one win a whole match.
    pub(crate) async fn win(self, app: &App, fixture: &BracketMatch, winner: CharacterId) -> MatchVerdict {
        let winners = vec![winner; usize::from(fixture.best_of / 2 + 1)];
        self.report(app, fixture.id, &winners).await.ok(200)
    }

    async fn match_of(self, player: &Player<'_>, number: u16) -> BracketMatch {
        let bracket = self.bracket(player).await;
        all_matches(&bracket).find(|fixture| fixture.id == number).expect("a match").clone()
    }
}

fn all_matches(bracket: &TournamentBracket) -> impl Iterator<Item = &BracketMatch> {
    bracket.rounds.iter().flat_map(|round| &round.matches)
}

pub(crate) fn ready(bracket: &TournamentBracket) -> Vec<BracketMatch> {
    all_matches(bracket).filter(|fixture| fixture.status == MatchStatus::Ready).cloned().collect()
}

fn pair(fixture: &BracketMatch) -> [CharacterId; 2] {
    fixture.slots.map(|slot| match slot {
        domain::contract::tournaments::BracketSlot::Entrant(entrant) => entrant,
        other => panic!("{other:?} does not play"),
    })
}

/// What stands in the store under a tournament, from a prefix of the sort key on.
async fn stored(
    app: &App,
    cup: Cup,
    prefix: &str,
) -> Vec<std::collections::HashMap<String, aws_sdk_dynamodb::types::AttributeValue>> {
    let text = |text: String| aws_sdk_dynamodb::types::AttributeValue::S(text);
    let mut items = Vec::new();
    let mut start = None;
    loop {
        let call = app
            .engine
            .client()
            .query()
            .table_name(format!("{}tournaments", app.engine.table_prefix))
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", text(cup.id.to_string()))
            .expression_attribute_values(":prefix", text(prefix.to_owned()))
            .set_exclusive_start_key(start);
        let page = call.send().await.expect("a page");
        items.extend(page.items.unwrap_or_default());
        start = page.last_evaluated_key;
        if start.is_none() {
            return items;
        }
    }
}

/// What a service reads of a match.
async fn service_get(app: &App, path: &str) -> Answer {
    send(app.request(Method::GET, &format!("/internal/v1{path}")).bearer_auth(SERVICE_TOKEN)).await
}
