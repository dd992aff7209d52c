//! `/v1/chat`: what is said in channels, and reports of it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::contract::Problem;
use domain::contract::chat::{
    Channel, ChatMessage, ChatPage, ChatText, Report, ReportMade, ReportMessage, Reporter, SayInChat,
};
use domain::contract::social::Whom;
use domain::ids::{AccountId, CharacterId, MessageId, ReportId};
use domain::time::UnixMillis;
use icu_normalizer::ComposingNormalizer;
use serde::Deserialize;

use crate::error::ApiError;
use crate::error::refusals::NO_IDEMPOTENCY_KEY;
use crate::error::refusals::chat as refusals;
use crate::error::refusals::social;
use crate::extract::{Body, IdempotencyKey, InPath, InQuery, Paging, Player};
use crate::idempotency::{ANSWER_KEPT_MILLIS, KeyedRequest};
use crate::notices::{log, notice};
use crate::routes::characters::own;
use crate::state::Region;
use crate::store::Store;
use crate::store::chat::reports::{Reported, reported};
use crate::store::chat::{Place, SayRefusal, StoredMessage};
use crate::store::cursor::Cursor;

/// The topic of notices with messages.
const TOPIC: &str = "chat";

/// Messages before the reported one that moderators see.
const CONTEXT_MESSAGES: i32 = 10;

/// Says something in a channel, once for each `Idempotency-Key`. Those who are there get it as a notice of the topic
/// `chat`. Whoever is blocked by the one whispered to gets the answer that everybody gets.
#[utoipa::path(
    post, path = "/v1/chat/{channel}/messages", tag = "chat", security(("access_token" = [])),
    params(
        ("channel" = Channel, Path, description = "`global`, `zone:ins_...`, `party:pty_...` or `whisper:chr_...`"),
        ("Idempotency-Key" = String, Header, description = "1 to 128 visible ASCII characters"),
    ),
    request_body = SayInChat,
    responses(
        (status = 201, body = ChatMessage),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn say(
    Player(claims): Player,
    InPath(channel): InPath<Channel>,
    IdempotencyKey(key): IdempotencyKey,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    Body(body): Body<SayInChat>,
) -> Result<(StatusCode, Json<ChatMessage>), ApiError> {
    let key = key.ok_or(NO_IDEMPOTENCY_KEY)?;
    let now = crate::clock::now();
    let keyed = KeyedRequest::new(claims.sub, "chat", &key, &(channel, &body));
    if let Some(earlier) = keyed.earlier(&store, now).await? {
        return Ok((StatusCode::CREATED, Json(earlier)));
    }
    let own = own(&store, claims.sub, body.character).await?.character;
    if let Some(mute) = store.muted(claims.sub, now).await? {
        let left = mute.until.millis_since(now).div_ceil(1_000);
        let words = format!("the player may say nothing for {left} seconds more: {}", mute.reason);
        return Err(refusals::MUTED.because(words).into());
    }
    let hidden = check_sender(&store, claims.sub, own.id, channel, now).await?;
    let message = StoredMessage {
        id: MessageId::new(now, crate::clock::random_u128()),
        author: claims.sub,
        character: own.id,
        name: own.name,
        text: region.catalogue().chat.clean(normalised(&body.text)?.as_str()),
        hidden,
    };
    let place = Place { channel, own: own.id, region: &region.name };
    let answer = message.seen_in(channel);
    let stored = keyed.answer(&answer, now.plus_millis(ANSWER_KEPT_MILLIS));
    match store.say(place, &message, Some(&stored)).await? {
        Ok(()) => {}
        Err(SayRefusal::Repeated) => {
            let earlier = keyed.earlier(&store, now).await?.ok_or(ApiError::Internal)?;
            return Ok((StatusCode::CREATED, Json(earlier)));
        }
        Err(SayRefusal::TooFast { until }) => return Err(too_fast(until, now)),
    }
    deliver(&store, channel, &message, now).await;
    Ok((StatusCode::CREATED, Json(answer)))
}

fn too_fast(until: UnixMillis, now: UnixMillis) -> ApiError {
    refusals::TOO_FAST.until(until, now).into()
}

/// The text in normalisation form C, so that what looks the same is the same.
fn normalised(said: &ChatText) -> Result<ChatText, ApiError> {
    let text = ComposingNormalizer::new_nfc().normalize(said.as_str()).into_owned();
    // Some scripts grow by it.
    text.try_into().map_err(|error| ApiError::BadRequest(format!("text: {error}")))
}

/// Refuses those who may not say anything in the channel; the answer is whether the message is to be hidden.
async fn check_sender(
    store: &Store,
    account: AccountId,
    own: CharacterId,
    channel: Channel,
    now: UnixMillis,
) -> Result<bool, ApiError> {
    let Channel::Whisper(other) = channel else {
        check_reader(store, own, channel, now).await?;
        return Ok(false);
    };
    let other = store.addressee(&Whom::Character(other)).await?.ok_or(social::NOBODY)?;
    if other.account == account {
        return Err(social::ONESELF.into());
    }
    let (blocking, hidden) = store.blocks(account, other.account).await?;
    if blocking { Err(social::BLOCKING.into()) } else { Ok(hidden) }
}

/// Refuses those who may not read the channel; the answer is from when on the character may.
async fn check_reader(
    store: &Store,
    own: CharacterId,
    channel: Channel,
    now: UnixMillis,
) -> Result<UnixMillis, ApiError> {
    let outside = || ApiError::from(refusals::NOT_IN_CHANNEL);
    match channel {
        Channel::Global | Channel::Whisper(_) => Ok(UnixMillis::new(0)),
        Channel::Zone(instance) => {
            let presence = store.presence(&[own], now).await?;
            let here = presence.iter().filter_map(|presence| presence.online.as_ref());
            let here = here.into_iter().any(|stay| stay.instance == instance);
            if here { Ok(UnixMillis::new(0)) } else { Err(outside()) }
        }
        Channel::Party(party) => {
            let party = store.party(party).await?.ok_or_else(outside)?;
            let member = party.members.iter().find(|member| member.character == own);
            member.map(|member| member.joined_at).ok_or_else(outside)
        }
    }
}

/// Tells those who are online. The sender gets it too: so all see the same order.
async fn deliver(store: &Store, channel: Channel, message: &StoredMessage, now: UnixMillis) {
    let told = |channel| notice(TOPIC, &message.seen_in(channel));
    let told = match channel {
        Channel::Global => store.notify_region(&told(channel), now).await,
        Channel::Zone(instance) => store.notify_instance(instance, told(channel), now).await,
        Channel::Party(party) => match store.party(party).await {
            Ok(Some(party)) => store.notify(&party.characters(), &told(channel), now).await,
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        },
        Channel::Whisper(other) => {
            let heard = if message.hidden {
                Ok(())
            } else {
                store.notify(&[other], &told(Channel::Whisper(message.character)), now).await
            };
            log(TOPIC, heard);
            store.notify(&[message.character], &told(channel), now).await
        }
    };
    log(TOPIC, told);
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HistoryQuery {
    character: CharacterId,
    limit: Option<i32>,
    cursor: Option<Cursor>,
}

/// What was said in a channel that the character is in, newest first: in a party since it joined.
#[utoipa::path(
    get, path = "/v1/chat/{channel}/messages", tag = "chat", security(("access_token" = [])),
    params(
        ("channel" = Channel, Path, description = "`global`, `zone:ins_...`, `party:pty_...` or `whisper:chr_...`"),
        ("character" = CharacterId, Query, description = "Who reads: a character of the player"),
        Paging,
    ),
    responses(
        (status = 200, body = ChatPage),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn history(
    Player(claims): Player,
    InPath(channel): InPath<Channel>,
    InQuery(query): InQuery<HistoryQuery>,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
) -> Result<Json<ChatPage>, ApiError> {
    let (limit, cursor) = Paging::of(query.limit, query.cursor).checked()?;
    let own = own(&store, claims.sub, query.character).await?.character;
    let since = check_reader(&store, own.id, channel, crate::clock::now()).await?;
    let place = Place { channel, own: own.id, region: &region.name };
    let (messages, next) = store.said(place, claims.sub, since, limit, cursor.as_ref()).await?;
    Ok(Json(ChatPage {
        messages: messages.iter().map(|message| message.seen_in(channel)).collect(),
        next: next.map(String::from),
    }))
}

/// Reports a message to the moderators, with what was said before it. The same message reported again is the same
/// report.
#[utoipa::path(
    post, path = "/v1/reports", tag = "chat", security(("access_token" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Not needed: a message is reported once")),
    request_body = ReportMessage,
    responses(
        (status = 201, body = ReportMade),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn report(
    Player(claims): Player,
    _: IdempotencyKey,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    Body(body): Body<ReportMessage>,
) -> Result<(StatusCode, Json<ReportMade>), ApiError> {
    let now = crate::clock::now();
    let own = own(&store, claims.sub, body.character).await?.character;
    let place = Place { channel: body.channel, own: own.id, region: &region.name };
    // Whoever names the id of a message has read it: nobody guesses 80 random bits. So those who have left the
    // channel since may report too.
    let message = store.message(place, body.message).await?;
    let shown = message.filter(|message| message.character == body.against && !message.hidden);
    let message = shown.ok_or(refusals::NO_MESSAGE)?;
    if message.author == claims.sub {
        return Err(social::ONESELF.into());
    }
    let before = Cursor::at("message", &message.id);
    let since = UnixMillis::new(0);
    let (context, _) = store.said(place, message.author, since, CONTEXT_MESSAGES, Some(&before)).await?;
    let report = Report {
        id: ReportId::new(now, crate::clock::random_u128()),
        at: now,
        by: Some(Reporter { account: claims.sub, character: own.id }),
        channel: body.channel,
        message: reported(&message),
        context: context.iter().map(reported).collect(),
        reason: body.reason.into(),
    };
    match store.report(claims.sub, &report).await? {
        Reported::As(id) => Ok((StatusCode::CREATED, Json(ReportMade { id }))),
        Reported::TooFast { until } => Err(too_fast(until, now)),
    }
}
