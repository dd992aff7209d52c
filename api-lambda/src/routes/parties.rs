//! `/v1/parties`: groups of characters who play together.

use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;
use domain::contract::Problem;
use domain::contract::parties::{
    ActAs, InviteToParty, LeadParty, Party as PartyView, PartyInvitation, PartyInvited, PartyMember, PartyOf,
};
use domain::ids::{AccountId, CharacterId, PartyId};
use domain::time::UnixMillis;
use serde::Serialize;
use serde_json::json;

use crate::error::ApiError;
use crate::error::refusals::{parties as refusals, social};
use crate::extract::{Body, IdempotencyKey, InPath, Player};
use crate::idempotency::OptionalKey;
use crate::notices::tell;
use crate::party::{Deed, Forbidden, Party};
use crate::routes::characters::own;
use crate::state::{AppState, Region};
use crate::store::parties::PartyRefusal;
use crate::store::{Store, StoreError};

pub(crate) mod travel;

/// The topic of notices about parties.
const TOPIC: &str = "party";

/// What every handler here needs to answer.
pub(crate) struct Desk {
    pub(crate) account: AccountId,
    pub(crate) store: Store,
    pub(crate) region: Arc<Region>,
    pub(crate) now: UnixMillis,
}

impl Desk {
    /// Refuses characters of others.
    pub(crate) async fn own(&self, character: CharacterId) -> Result<(), ApiError> {
        own(&self.store, self.account, character).await.map(drop)
    }

    /// The party with the names and places of its members.
    async fn view(&self, party: Party) -> Result<PartyView, StoreError> {
        let mut characters = party.characters();
        characters.extend(party.invitations.iter().map(|invitation| invitation.character));
        let catalogue = self.region.catalogue();
        let seen = self.store.sightings(&characters, &catalogue, self.now).await?;
        let sighting = |character: CharacterId| seen.get(&character).cloned().unwrap_or_default();
        let members = party.members.iter().map(|member| {
            let sighting = sighting(member.character);
            PartyMember {
                character: member.character,
                name: sighting.name,
                joined_at: member.joined_at,
                presence: sighting.presence,
            }
        });
        let open = party.invitations.iter().filter(|invitation| invitation.expires_at > self.now);
        let invited = open.map(|invitation| PartyInvited {
            character: invitation.character,
            name: sighting(invitation.character).name,
            expires_at: invitation.expires_at,
        });
        Ok(PartyView {
            id: party.id,
            leader: party.leader,
            members: members.collect(),
            invited: invited.collect(),
        })
    }

    /// Does it, once for each key; the answer is the party after it.
    async fn change(&self, id: PartyId, deed: Deed, keyed: &OptionalKey) -> Result<Party, ApiError> {
        let stored = |party: &Party| keyed.answer(party, self.now);
        let (before, after) = match self.store.change_party(id, deed, self.now, stored).await? {
            Ok(change) => change,
            Err(PartyRefusal::Repeated) => return keyed.faster(&self.store, self.now).await,
            Err(refusal) => return Err(refused(refusal)),
        };
        if before != after {
            self.tell(&before, &after, deed).await;
        }
        Ok(after)
    }

    /// Tells those who are concerned. A hidden invitation concerns nobody.
    async fn tell(&self, before: &Party, after: &Party, deed: Deed) {
        let (kind, character) = match deed {
            Deed::Invite { character, by, hidden: false, .. } => {
                let body = json!({ "kind": "invited", "party": after.id, "by": by });
                return tell(&self.store, &[character], TOPIC, &body, self.now).await;
            }
            Deed::Invite { hidden: true, .. } => return,
            Deed::Accept { character } => ("joined", character),
            Deed::Decline { character } => ("declined", character),
            Deed::Leave { character } | Deed::Forget { character } => ("left", character),
            Deed::Kick { character, .. } => ("kicked", character),
            Deed::Promote { character, .. } => ("promoted", character),
        };
        let body = json!({ "kind": kind, "party": after.id, "character": character, "leader": after.leader });
        let mut concerned = before.characters();
        concerned.extend(after.members.iter().map(|m| m.character).filter(|id| !before.has(*id)));
        tell(&self.store, &concerned, TOPIC, &body, self.now).await;
    }

    /// The answer that the same key got before, as it would be now.
    async fn earlier(&self, keyed: &OptionalKey) -> Result<Option<PartyView>, ApiError> {
        match keyed.earlier(&self.store, self.now).await? {
            Some(party) => Ok(Some(self.view(party).await?)),
            None => Ok(None),
        }
    }

    /// One deed of a character of the player's own, from the check to the answer.
    async fn act(
        &self,
        (party, own): (PartyId, CharacterId),
        deed: Deed,
        keyed: &OptionalKey,
    ) -> Result<Json<PartyView>, ApiError> {
        if let Some(earlier) = self.earlier(keyed).await? {
            return Ok(Json(earlier));
        }
        self.own(own).await?;
        let party = self.change(party, deed, keyed).await?;
        Ok(Json(self.view(party).await?))
    }

    fn keyed(&self, what: &str, key: Option<&str>, body: &impl Serialize) -> OptionalKey {
        OptionalKey::new(self.account, what, key, body)
    }
}

impl axum::extract::FromRequestParts<AppState> for Desk {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        state: &AppState,
    ) -> Result<Self, ApiError> {
        let Player(claims) = Player::from_request_parts(parts, state).await?;
        let (store, region) = (state.store.clone(), Arc::clone(&state.region));
        Ok(Self { account: claims.sub, store, region, now: crate::clock::now() })
    }
}

/// The party of a character of the player's own, and its invitations.
#[utoipa::path(
    get, path = "/v1/characters/{id}/party", tag = "parties", security(("access_token" = [])),
    params(("id" = CharacterId, Path, description = "The character")),
    responses(
        (status = 200, body = PartyOf),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn of(
    desk: Desk,
    InPath(character): InPath<CharacterId>,
) -> Result<Json<PartyOf>, ApiError> {
    desk.own(character).await?;
    let party = match desk.store.party_of(character).await? {
        Some(party) => Some(desk.view(party).await?),
        None => None,
    };
    let invited = desk.store.invitations(desk.account, character, desk.now).await?;
    let hosts: Vec<CharacterId> = invited.iter().map(|invited| invited.by).collect();
    let seen = desk.store.sightings(&hosts, &desk.region.catalogue(), desk.now).await?;
    let invitations = invited.into_iter().map(|invited| PartyInvitation {
        party: invited.party,
        by: invited.by,
        name: seen.get(&invited.by).and_then(|sighting| sighting.name.clone()),
        expires_at: invited.expires_at,
    });
    Ok(Json(PartyOf { party, invitations: invitations.collect() }))
}

/// Makes a party of one, which that one leads.
#[utoipa::path(
    post, path = "/v1/parties", tag = "parties", security(("access_token" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 128 visible ASCII characters")),
    request_body = ActAs,
    responses(
        (status = 201, body = PartyView),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create(
    desk: Desk,
    IdempotencyKey(key): IdempotencyKey,
    Body(body): Body<ActAs>,
) -> Result<(StatusCode, Json<PartyView>), ApiError> {
    let keyed = desk.keyed("parties", key.as_deref(), &body);
    if let Some(earlier) = desk.earlier(&keyed).await? {
        return Ok((StatusCode::CREATED, Json(earlier)));
    }
    desk.own(body.character).await?;
    let id = PartyId::new(desk.now, crate::clock::random_u128());
    let party = Party::new(id, body.character, desk.account, desk.now);
    let answer = keyed.answer(&party, desk.now);
    let party = match desk.store.create_party(&party, answer.as_ref()).await? {
        Ok(()) => party,
        Err(PartyRefusal::Repeated) => keyed.faster(&desk.store, desk.now).await?,
        Err(refusal) => return Err(refused(refusal)),
    };
    Ok((StatusCode::CREATED, Json(desk.view(party).await?)))
}

/// Invites somebody, for five minutes. For the leader. Whoever is blocked by the one invited gets the answer that
/// everybody gets.
#[utoipa::path(
    post, path = "/v1/parties/{party}/invitations", tag = "parties", security(("access_token" = [])),
    params(
        ("party" = PartyId, Path, description = "The party"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 128 visible ASCII characters"),
    ),
    request_body = InviteToParty,
    responses(
        (status = 200, body = PartyView),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn invite(
    desk: Desk,
    InPath(party): InPath<PartyId>,
    IdempotencyKey(key): IdempotencyKey,
    Body(body): Body<InviteToParty>,
) -> Result<Json<PartyView>, ApiError> {
    let keyed = desk.keyed("parties/invite", key.as_deref(), &(party, &body));
    if let Some(earlier) = desk.earlier(&keyed).await? {
        return Ok(Json(earlier));
    }
    let other = desk.store.addressee(&body.whom).await?.ok_or(social::NOBODY)?;
    let (blocking, hidden) = desk.store.blocks(desk.account, other.account).await?;
    if blocking {
        return Err(social::BLOCKING.into());
    }
    let character = other.character.id;
    let deed = Deed::Invite { by: body.by, character, account: other.account, hidden };
    desk.act((party, body.by), deed, &keyed).await
}

/// Accepts an invitation.
#[utoipa::path(
    post, path = "/v1/parties/{party}/accept", tag = "parties", security(("access_token" = [])),
    params(
        ("party" = PartyId, Path, description = "The party"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 128 visible ASCII characters"),
    ),
    request_body = ActAs,
    responses(
        (status = 200, body = PartyView),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn accept(
    desk: Desk,
    InPath(party): InPath<PartyId>,
    IdempotencyKey(key): IdempotencyKey,
    Body(body): Body<ActAs>,
) -> Result<Json<PartyView>, ApiError> {
    let keyed = desk.keyed("parties/accept", key.as_deref(), &(party, &body));
    let deed = Deed::Accept { character: body.character };
    desk.act((party, body.character), deed, &keyed).await
}

/// Declines an invitation.
#[utoipa::path(
    post, path = "/v1/parties/{party}/decline", tag = "parties", security(("access_token" = [])),
    params(
        ("party" = PartyId, Path, description = "The party"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 128 visible ASCII characters"),
    ),
    request_body = ActAs,
    responses(
        (status = 204),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn decline(
    desk: Desk,
    InPath(party): InPath<PartyId>,
    IdempotencyKey(key): IdempotencyKey,
    Body(body): Body<ActAs>,
) -> Result<StatusCode, ApiError> {
    let keyed = desk.keyed("parties/decline", key.as_deref(), &(party, &body));
    depart(&desk, party, Deed::Decline { character: body.character }, body.character, &keyed).await
}

/// Leaves a party. The longest member leads it when its leader leaves; without a member, it is over.
#[utoipa::path(
    post, path = "/v1/parties/{party}/leave", tag = "parties", security(("access_token" = [])),
    params(
        ("party" = PartyId, Path, description = "The party"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 128 visible ASCII characters"),
    ),
    request_body = ActAs,
    responses(
        (status = 204),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn leave(
    desk: Desk,
    InPath(party): InPath<PartyId>,
    IdempotencyKey(key): IdempotencyKey,
    Body(body): Body<ActAs>,
) -> Result<StatusCode, ApiError> {
    let keyed = desk.keyed("parties/leave", key.as_deref(), &(party, &body));
    depart(&desk, party, Deed::Leave { character: body.character }, body.character, &keyed).await
}

/// A deed after which the character may not see the party.
async fn depart(
    desk: &Desk,
    party: PartyId,
    deed: Deed,
    own: CharacterId,
    keyed: &OptionalKey,
) -> Result<StatusCode, ApiError> {
    if keyed.earlier::<Party>(&desk.store, desk.now).await?.is_none() {
        desk.own(own).await?;
        desk.change(party, deed, keyed).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a member out of the party. For the leader.
#[utoipa::path(
    post, path = "/v1/parties/{party}/kick", tag = "parties", security(("access_token" = [])),
    params(
        ("party" = PartyId, Path, description = "The party"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 128 visible ASCII characters"),
    ),
    request_body = LeadParty,
    responses(
        (status = 200, body = PartyView),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn kick(
    desk: Desk,
    InPath(party): InPath<PartyId>,
    IdempotencyKey(key): IdempotencyKey,
    Body(body): Body<LeadParty>,
) -> Result<Json<PartyView>, ApiError> {
    let keyed = desk.keyed("parties/kick", key.as_deref(), &(party, &body));
    let deed = Deed::Kick { by: body.by, character: body.member };
    desk.act((party, body.by), deed, &keyed).await
}

/// Makes another member the leader. For the leader.
#[utoipa::path(
    post, path = "/v1/parties/{party}/promote", tag = "parties", security(("access_token" = [])),
    params(
        ("party" = PartyId, Path, description = "The party"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 128 visible ASCII characters"),
    ),
    request_body = LeadParty,
    responses(
        (status = 200, body = PartyView),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn promote(
    desk: Desk,
    InPath(party): InPath<PartyId>,
    IdempotencyKey(key): IdempotencyKey,
    Body(body): Body<LeadParty>,
) -> Result<Json<PartyView>, ApiError> {
    let keyed = desk.keyed("parties/promote", key.as_deref(), &(party, &body));
    let deed = Deed::Promote { by: body.by, character: body.member };
    desk.act((party, body.by), deed, &keyed).await
}

/// The map of refusals.
fn refused(refusal: PartyRefusal) -> ApiError {
    match refusal {
        PartyRefusal::Gone | PartyRefusal::Forbidden(Forbidden::NoMember) => refusals::NO_PARTY.into(),
        PartyRefusal::InParty => refusals::IN_PARTY.into(),
        PartyRefusal::Forbidden(Forbidden::NoLeader) => refusals::NO_LEADER.into(),
        PartyRefusal::Forbidden(Forbidden::NoSuchMember) => refusals::NO_MEMBER.into(),
        PartyRefusal::Forbidden(Forbidden::NoInvitation) => refusals::NO_INVITATION.into(),
        PartyRefusal::Forbidden(Forbidden::MemberAlready) => refusals::MEMBER_ALREADY.into(),
        PartyRefusal::Forbidden(Forbidden::Full) => refusals::PARTY_FULL.into(),
        PartyRefusal::Forbidden(Forbidden::TooManyInvitations) => refusals::INVITATIONS_FULL.into(),
        PartyRefusal::Repeated => ApiError::Internal,
    }
}
