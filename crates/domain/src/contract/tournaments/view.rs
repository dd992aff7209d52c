//! What is read of tournaments. Entrants are named by the character that registered them.

use serde::{Deserialize, Serialize};

use super::{MatchRuling, ReportedGame, TournamentDefinition, TournamentFormat};
use crate::ids::{CharacterId, InstanceId, TournamentId};
use crate::time::UnixMillis;

/// Where a tournament stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum TournamentState {
    /// Entrants register, or will.
    Registration,
    /// Registration is over; entrants check in, or will.
    CheckIn,
    /// Matches are played.
    Running,
    /// It has a result.
    Finished,
    /// It ended without one.
    Cancelled,
}

/// Answer of `GET /v1/tournaments`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TournamentPage {
    /// Those of the state asked for, by the time of their start: the next first, of those that are over the last.
    pub tournaments: Vec<TournamentSummary>,
    /// For the page after this one.
    pub next: Option<String>,
}

/// A tournament in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TournamentSummary {
    /// The tournament.
    pub id: TournamentId,
    /// Rises with each change.
    pub version: u64,
    /// Its name for people.
    pub title: String,
    /// Where it stands.
    pub state: TournamentState,
    /// How it is played.
    pub format: TournamentFormat,
    /// Players of an entrant.
    pub team_size: u8,
    /// How many are registered, or take part.
    pub entrants: u32,
    /// How many can.
    pub entrants_max: u16,
    /// When it starts, or has started, in milliseconds since 1970.
    pub starts_at: UnixMillis,
    /// The region that runs it.
    pub region: String,
}

/// Answer of `GET /v1/tournaments/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Tournament {
    /// As in lists.
    pub summary: TournamentSummary,
    /// What its organiser fixed.
    pub definition: TournamentDefinition,
    /// Why it ended without a result, if it did.
    pub cancelled_because: Option<String>,
}

/// Where an entrant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum EntryState {
    /// Members have yet to confirm.
    Forming,
    /// Registered, and not more.
    Registered,
    /// Confirmed to be there.
    CheckedIn,
    /// Takes part.
    Playing,
    /// Did not check in.
    Absent,
    /// Left, or was made to.
    Withdrawn,
}

/// An entrant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TournamentEntry {
    /// The character that registered it.
    pub entrant: CharacterId,
    /// The name of the character, or of the team.
    pub name: String,
    /// Where it stands.
    pub state: EntryState,
    /// The rank that it starts with, from 1, once the tournament has started.
    pub seed: Option<u16>,
    /// Who play, the captain first.
    pub members: Vec<EntryMember>,
}

/// A member of an entrant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EntryMember {
    /// The character.
    pub character: CharacterId,
    /// Its name at registration.
    pub name: String,
    /// Whether its player has confirmed.
    pub confirmed: bool,
}

/// Answer of `GET /v1/tournaments/{id}/entry`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MyEntries {
    /// The entrants that the account is a member of; those where it is not confirmed yet are invitations. The first
    /// 100.
    pub entries: Vec<TournamentEntry>,
}

/// The part of a tournament that a match belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum TournamentStage {
    /// Those who have not lost; all of a single elimination.
    Winners,
    /// Those who have lost once.
    Losers,
    /// The best of both; its second round is the bracket reset.
    GrandFinal,
    /// The rounds of Swiss and round robin.
    Table,
}

/// Answer of `GET /v1/tournaments/{id}/bracket`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TournamentBracket {
    /// The tournament.
    pub tournament: TournamentId,
    /// The version that this is the bracket of, as in the header `ETag`.
    pub version: u64,
    /// How it is played.
    pub format: TournamentFormat,
    /// Where it stands.
    pub state: TournamentState,
    /// Those who take part, the best seed first; before the start those who registered.
    pub entrants: Vec<BracketEntrant>,
    /// The rounds that are known.
    pub rounds: Vec<BracketRound>,
}

/// An entrant of a bracket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BracketEntrant {
    /// The character that registered it.
    pub entrant: CharacterId,
    /// The name of the character, or of the team.
    pub name: String,
    /// The rank that it starts with, from 1, once the tournament has started.
    pub seed: Option<u16>,
}

/// A round of one stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BracketRound {
    /// The part of the tournament.
    pub stage: TournamentStage,
    /// Its number in that part, from 1.
    pub round: u16,
    /// Its matches, from top to bottom.
    pub matches: Vec<BracketMatch>,
}

/// A match of a bracket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BracketMatch {
    /// Its number, from 1.
    pub id: u16,
    /// How often it became ready.
    pub attempt: u16,
    /// Who play.
    pub slots: [BracketSlot; 2],
    /// Games won by each.
    pub games: [u16; 2],
    /// Most games of it.
    pub best_of: u8,
    /// Where it stands.
    pub status: MatchStatus,
    /// Of a match that is ready: who is not there by then loses. Once both came, or it is played: without a result by
    /// then, an administrator decides. In milliseconds since 1970.
    pub due_at: Option<UnixMillis>,
    /// Where it is played.
    pub instance: Option<InstanceId>,
    /// Who won it.
    pub winner: Option<CharacterId>,
    /// How.
    pub won_by: Option<WonBy>,
    /// The match that its winner goes to.
    pub winner_to: Option<u16>,
    /// The match that its loser goes to.
    pub loser_to: Option<u16>,
}

/// Who stands, or will stand, on a side of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum BracketSlot {
    /// This one.
    Entrant(CharacterId),
    /// Nobody.
    Bye,
    /// Who wins the match of this number.
    WinnerOf(u16),
    /// Who loses the match of this number.
    LoserOf(u16),
}

/// Where a match stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum MatchStatus {
    /// It waits for others.
    Waiting,
    /// It waits for the two.
    Ready,
    /// It is played.
    InProgress,
    /// It has a winner, if nobody disputes it.
    Decided,
    /// It waits for an administrator.
    Disputed,
    /// It is over.
    Final,
}

/// How a match was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum WonBy {
    /// By its games.
    Played,
    /// By walkover: who lost did not come, gave up or had left.
    Forfeit,
    /// By an administrator.
    Ruled,
    /// There was no opponent.
    Bye,
    /// It was not needed.
    NotNeeded,
}

/// Answer of `GET /v1/tournaments/{id}/standings`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StandingsPage {
    /// The version that these are the standings of: another one on the next page means that it went on meanwhile.
    pub version: u64,
    /// Where the tournament stands: the standings are final once it is finished.
    pub state: TournamentState,
    /// The best first.
    pub lines: Vec<StandingLine>,
    /// For the page after this one.
    pub next: Option<String>,
}

/// One line of the standings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StandingLine {
    /// The place, from 1. Who cannot be told apart by results share the best place among them.
    pub place: u16,
    /// The line, from 1: a place that nobody shares.
    pub position: u16,
    /// Who.
    pub entrant: CharacterId,
    /// The name.
    pub name: String,
    /// The rank that the entrant started with.
    pub seed: u16,
    /// In brackets, the round of the last loss; 65,534 for that of a grand final, 65,535 without one.
    pub reached: u16,
    /// In tables, matches won; a bye is one.
    pub points: u16,
    /// In round robin, points from the matches among those with as many points.
    pub head_to_head: u16,
    /// In Swiss, the sum of the points of all opponents.
    pub buchholz: u16,
    /// In tables, the sum of the points of those whom one has beaten.
    pub sonneborn_berger: u16,
    /// In tables, games won less games lost.
    pub game_difference: i16,
}

/// A match with all that hosts and administrators need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TournamentMatch {
    /// The version of the tournament that this is of.
    pub version: u64,
    /// As in the bracket.
    pub fixture: BracketMatch,
    /// Who play, as far as they are known.
    pub entrants: Vec<TournamentEntry>,
    /// The games so far.
    pub games: Vec<ReportedGame>,
    /// What entrants said against it.
    pub disputes: Vec<MatchDispute>,
    /// What administrators decided.
    pub rulings: Vec<RuledMatch>,
}

/// A dispute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MatchDispute {
    /// Whose.
    pub entrant: CharacterId,
    /// When, in milliseconds since 1970.
    pub at: UnixMillis,
    /// What for.
    pub reason: String,
}

/// A ruling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RuledMatch {
    /// Who decided.
    pub admin: String,
    /// When, in milliseconds since 1970.
    pub at: UnixMillis,
    /// Why.
    pub reason: String,
    /// What; a disqualification shows as the other's win.
    pub ruling: MatchRuling,
}

/// Answer to a report about a match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MatchVerdict {
    /// The version of the tournament after it.
    pub version: u64,
    /// Where the match stands.
    pub status: MatchStatus,
    /// Games won by each.
    pub games: [u16; 2],
    /// Who won it, if it is decided.
    pub winner: Option<CharacterId>,
}

/// Answer of `POST /internal/v1/tournaments/step`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StepOutcome {
    /// Tournaments that were due.
    pub due: u32,
    /// Deadlines that were met.
    pub deadlines: u32,
    /// Records whose consequences players were told of.
    pub told: u32,
    /// Prizes that were paid.
    pub paid: u32,
    /// Tournaments that could not be stepped, which is logged; they stay due.
    pub failed: u32,
    /// For the tournaments after these, if there may be more.
    pub next: Option<String>,
}
