//! The result of a match: it ends the match and changes the ratings of all who played, in one transaction, once.

use std::collections::BTreeSet;

use contest::rating::{Participant, PlackettLuce, Presence, Rating};
use domain::contract::coordinator::{MatchEnd, RatedMatch, RatedPlayer};
use domain::ids::{CharacterId, MatchId};
use domain::time::UnixMillis;

use crate::roster::{Roster, Seat, SeatState, Stage};
use crate::store::matches::StoredMatch;
use crate::store::ratings::StoredRating;
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off};

/// Why a result is not accepted.
#[derive(Debug)]
pub(crate) enum ResultRefusal {
    /// There is no such match.
    NoMatch,
    /// The instance is not that of the match, or not the host's.
    Fenced,
    /// Another result was accepted, or the match came to nothing.
    Over,
    /// Not as many ranks as teams.
    Ranks(usize),
    /// This character has not been in the match.
    NotInMatch(CharacterId),
}

/// Most ratings of one result: a transaction has 100 parts, and one is for the host, one for the match. Those who hold
/// places are fewer.
const RATED_MAX: usize = 98;

impl Store {
    /// Ends the match with this result. The same result sent again gets the same answer.
    pub(crate) async fn end_match(
        &self,
        id: MatchId,
        result: &MatchEnd,
        now: UnixMillis,
    ) -> Result<Result<RatedMatch, ResultRefusal>, StoreError> {
        let sent =
            serde_json::to_string(&(&result.ranks, &result.left_early, &result.absent)).expect("plain data");
        for attempt in 0..ATTEMPTS_MAX {
            let Some(found) = self.stored_match(id).await? else { return Ok(Err(ResultRefusal::NoMatch)) };
            if found.roster.instance() != result.instance {
                return Ok(Err(ResultRefusal::Fenced));
            }
            if let Some((accepted, answer)) = &found.result {
                return Ok(if *accepted == sent {
                    Ok(read_answer(id, answer)?)
                } else {
                    Err(ResultRefusal::Over)
                });
            }
            if found.roster.stage != Stage::Open {
                return Ok(Err(ResultRefusal::Over));
            }
            if let Some(refusal) = check(&found.roster, result) {
                return Ok(Err(refusal));
            }
            match self.try_end(&found, result, &sent, now).await? {
                Ok(rated) => return Ok(Ok(rated)),
                Err(true) => return Ok(Err(ResultRefusal::Fenced)),
                // Somebody left meanwhile, or a rating has changed.
                Err(false) => back_off(attempt).await,
            }
        }
        Err(StoreError::Contended("a match"))
    }

    /// One try; the error tells whether the host was fenced.
    async fn try_end(
        &self,
        found: &StoredMatch,
        result: &MatchEnd,
        sent: &str,
        now: UnixMillis,
    ) -> Result<Result<RatedMatch, bool>, StoreError> {
        let mut roster = found.roster.clone();
        let left: BTreeSet<CharacterId> = result.left_early.iter().copied().collect();
        let absent: BTreeSet<CharacterId> = result.absent.iter().copied().collect();
        let played: Vec<Vec<(CharacterId, Presence)>> = roster
            .teams
            .iter()
            .map(|team| team.seats.iter().filter_map(|seat| presence(seat, &left, &absent)).collect())
            .collect();
        let characters: Vec<CharacterId> = played.iter().flatten().map(|(character, _)| *character).collect();
        let before = self.ratings(&roster.queue, &characters).await?;
        let mut ratings = before.iter();
        let participant = |(_, presence): &(CharacterId, Presence)| Participant {
            rating: ratings.next().map_or_else(Rating::default, |stored| stored.rating),
            presence: *presence,
        };
        let mut participant = participant;
        let teams: Vec<Vec<Participant>> =
            played.iter().map(|team| team.iter().map(&mut participant).collect()).collect();
        let after = PlackettLuce::default()
            .rate_game(&teams, &result.ranks)
            .map_err(|error| StoreError::Corrupt { pk: roster.id.to_string(), reason: error.to_string() })?;
        let mut judged: Vec<(CharacterId, StoredRating, Rating)> = characters
            .into_iter()
            .zip(before)
            .zip(after.into_iter().flatten())
            .filter_map(|((character, before), after)| Some((character, before, after?)))
            .collect();
        // Where so many came and left that not all can be written at once, the last of those who left are let off.
        let mut room = RATED_MAX.saturating_sub(judged.iter().filter(|(it, ..)| !left.contains(it)).count());
        judged.retain(|(character, ..)| {
            let is_kept = !left.contains(character) || room > 0;
            room -= usize::from(is_kept && left.contains(character));
            is_kept
        });
        let rated = RatedMatch { players: judged.iter().map(rated_player).collect() };
        roster.end();
        let kept = (sent.to_owned(), serde_json::to_string(&rated).expect("plain data"));
        let mut parts = vec![
            self.fence_part(result.instance, result.epoch),
            self.match_part(Some(found.revision), &roster, Some(&kept), now),
        ];
        parts.extend(judged.iter().map(|(character, before, after)| {
            self.rating_part(&roster.queue, *character, *before, *after, now)
        }));
        Ok(match self.transact(parts).await? {
            Ok(()) => Ok(rated),
            Err(parts) => Err(parts[0].is_refused()),
        })
    }
}

fn rated_player((character, before, after): &(CharacterId, StoredRating, Rating)) -> RatedPlayer {
    RatedPlayer { character: *character, mu_before: before.rating.mu(), mu: after.mu(), sigma: after.sigma() }
}

/// How much of the match the player of this place played; none if nothing at all. Who gave the place back is judged
/// only if the host says that it left early: it may never have come.
fn presence(
    seat: &Seat,
    left: &BTreeSet<CharacterId>,
    absent: &BTreeSet<CharacterId>,
) -> Option<(CharacterId, Presence)> {
    let presence = match seat.state {
        _ if absent.contains(&seat.character) => return None,
        _ if left.contains(&seat.character) => Presence::LeftEarly,
        SeatState::Arrived | SeatState::Expected if seat.is_late => Presence::CameLate,
        SeatState::Arrived | SeatState::Expected => Presence::Whole,
        SeatState::Left | SeatState::Missed => return None,
    };
    Some((seat.character, presence))
}

fn check(roster: &Roster, result: &MatchEnd) -> Option<ResultRefusal> {
    if result.ranks.len() != roster.teams.len() {
        return Some(ResultRefusal::Ranks(roster.teams.len()));
    }
    let in_match = |character: &&CharacterId| roster.seats().any(|seat| seat.character == **character);
    let named = result.left_early.iter().chain(&result.absent);
    let stranger = named.into_iter().find(|character| !in_match(character));
    stranger.map(|character| ResultRefusal::NotInMatch(*character))
}

fn read_answer(id: MatchId, answer: &str) -> Result<RatedMatch, StoreError> {
    serde_json::from_str(answer)
        .map_err(|error| StoreError::Corrupt { pk: id.to_string(), reason: format!("its answer: {error}") })
}
