//! Tickets: the permission to enter one instance once, with a seat in it until the ticket expires. Zones, matches,
//! rooms and parties all send players on their way from here.

use domain::contract::players::JoinResponse;
use domain::ids::{AccountId, CharacterId, InstanceId, SessionId, TicketId, ZoneId};
use domain::limits::TICKET_LIFETIME_SECS;
use domain::time::UnixMillis;
use domain::token::{AccessClaims, TICKET_ISSUER, TicketClaims};
use token::{CLOCK_SKEW_SECS, KeyRing};

use crate::error::{ApiError, refusals};
use crate::store::adverts::OpenInstance;
use crate::store::item::Item;
use crate::store::seats::Taking;
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off};

/// Who a ticket is for. The caller has checked that the character is the account's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Traveller {
    pub(crate) account: AccountId,
    pub(crate) session: SessionId,
    pub(crate) character: CharacterId,
    /// Whether it only looks on.
    pub(crate) spectates: bool,
}

impl Traveller {
    pub(crate) const fn new(claims: &AccessClaims, character: CharacterId) -> Self {
        Self { account: claims.sub, session: claims.sid, character, spectates: false }
    }
}

/// What became of a traveller.
pub(crate) enum Seated {
    /// There is a seat; the load of the instance as it is now.
    Yes(Box<JoinResponse>, Item),
    /// So many are in the instance or on their way, and there is no room.
    Full(u32),
    /// The instance takes nobody any more.
    Gone,
}

/// Takes a seat in the instance, if fewer than `limit` are in it or on their way, and signs the ticket to it.
pub(crate) async fn seat(
    store: &Store,
    keys: &KeyRing,
    traveller: Traveller,
    zone: &ZoneId,
    open: &OpenInstance,
    limit: u32,
) -> Result<Seated, StoreError> {
    let now = crate::clock::now();
    let ticket = TicketClaims {
        iss: TICKET_ISSUER.into(),
        aud: open.host,
        sub: traveller.account,
        sid: traveller.session,
        jti: TicketId::new(now, crate::clock::random_u128()),
        iat: now.as_secs(),
        exp: now.as_secs() + TICKET_LIFETIME_SECS,
        character: traveller.character,
        instance: open.instance,
        zone: zone.clone(),
        spectates: traveller.spectates,
    };
    let seat_until = UnixMillis::new((ticket.exp + CLOCK_SKEW_SECS) * 1_000);
    let load = match store.take_seat(open.instance, traveller.character, limit, now, seat_until).await? {
        Taking::Taken(load) => load,
        Taking::Full(taken) => return Ok(Seated::Full(taken)),
        Taking::Gone => return Ok(Seated::Gone),
    };
    let answer = JoinResponse {
        zone: zone.clone(),
        instance: open.instance,
        host: open.host,
        url: open.url.clone(),
        ticket: keys.sign(&ticket),
        expires_at: UnixMillis::new(ticket.exp * 1_000),
    };
    Ok(Seated::Yes(Box::new(answer), load))
}

/// A ticket into this very instance, up to `capacity` players. The same traveller asking again keeps the seat and
/// gets another ticket.
pub(crate) async fn into_instance(
    store: &Store,
    keys: &KeyRing,
    traveller: Traveller,
    instance: InstanceId,
    capacity: u32,
) -> Result<JoinResponse, ApiError> {
    for attempt in 0..ATTEMPTS_MAX {
        let info = store.instance(instance, crate::clock::now()).await?;
        let info = info.filter(|info| info.alive && !info.draining);
        let info = info.ok_or(refusals::instances::NO_INSTANCE)?;
        match seat(store, keys, traveller, &info.zone, &info.open, capacity).await? {
            Seated::Yes(answer, _) => return Ok(*answer),
            Seated::Full(_) => return Err(refusals::instances::INSTANCE_FULL.into()),
            Seated::Gone => {}
        }
        back_off(attempt).await;
    }
    Err(StoreError::Contended("the seats of an instance").into())
}
