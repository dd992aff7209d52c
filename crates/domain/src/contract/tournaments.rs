//! Tournaments as players, hosts and administrators ask for them. What they read is in [`view`]; how a tournament
//! goes on is in the crate `contest`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{CharacterId, CurrencyId, Epoch, InstanceId, ItemKind, QueueId, ZoneId};
use crate::time::UnixMillis;

mod view;

pub use view::{
    BracketEntrant, BracketMatch, BracketRound, BracketSlot, EntryMember, EntryState, MatchDispute,
    MatchStatus, MatchVerdict, MyEntries, RuledMatch, StandingLine, StandingsPage, StepOutcome, Tournament,
    TournamentBracket, TournamentEntry, TournamentMatch, TournamentPage, TournamentStage, TournamentState,
    TournamentSummary, WonBy,
};

/// Most characters of a title, and of a team's name.
pub const TITLE_CHARS_MAX: usize = 80;
/// Most members of all entrants together: they are kept with the tournament.
pub const TOURNAMENT_MEMBERS_MAX: u32 = 4_096;
/// Most regions of one tournament.
pub const TOURNAMENT_REGIONS_MAX: usize = 8;
/// Most round trips that a player tells.
pub const ROUND_TRIPS_MAX: usize = 16;

/// Body of `POST /admin/v1/tournaments`, and what anybody may read of it later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TournamentDefinition {
    /// Its name for people, 1 to 80 characters.
    pub title: String,
    /// How it is played.
    pub format: TournamentFormat,
    /// Players of an entrant: 1 for single players, up to 100 for teams. With `entrants_max` at most 4,096 players.
    pub team_size: u8,
    /// Most games of a match; odd, up to 15. Who wins more than half of them wins the match.
    pub best_of: u8,
    /// The same for grand finals, and for the final of a single elimination.
    pub best_of_final: u8,
    /// With fewer who are there at the start, it is cancelled. 2 or more.
    pub entrants_min: u16,
    /// Registration is full at this many: up to 1,024 in eliminations, 512 in Swiss, 64 in round robin.
    pub entrants_max: u16,
    /// When entrants register.
    pub registration: TimeWindow,
    /// When entrants must confirm that they are there. It starts at the end of this, or without it at the end of
    /// registration.
    #[serde(default)]
    pub check_in: Option<TimeWindow>,
    /// How long a match that can be played waits for those who must come, in milliseconds, up to 30 days.
    pub no_show_after_ms: u64,
    /// How long a match that both came to, or that has begun, may go without a result, in milliseconds, up to 30 days;
    /// an hour unless told. Then it is `disputed`: an administrator decides.
    #[serde(default = "TournamentDefinition::match_max_ms")]
    pub match_max_ms: u64,
    /// How long a decided match can be disputed before anything follows from it, in milliseconds; 0 for not.
    pub dispute_window_ms: u64,
    /// Who is seeded above whom.
    pub seeding: Seeding,
    /// What the final places get, at most 256.
    #[serde(default)]
    pub prizes: Vec<TournamentPrize>,
    /// Who may enter. An account can enter once in any case.
    #[serde(default)]
    pub entry: EntryRules,
    /// Where matches can be played, 1 to 8. The first runs the tournament: its API alone takes requests that change
    /// it. A match is played where the worst round trip of its players is the best, as far as it is known, and else
    /// in the first.
    pub regions: Vec<String>,
    /// The zone of the catalogue that matches are played in.
    pub zone: ZoneId,
}

impl TournamentDefinition {
    const fn match_max_ms() -> u64 {
        60 * 60 * 1_000
    }
}

/// How it is found out who is the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum TournamentFormat {
    /// One loss ends it.
    SingleElimination,
    /// Two losses end it.
    DoubleElimination {
        /// Whether the first loss of the winners bracket's best, in the grand final, leads to a second final.
        bracket_reset: bool,
    },
    /// In every round one plays somebody with as many points.
    Swiss {
        /// How many rounds are played, 1 to 32.
        rounds: u16,
    },
    /// Everybody meets everybody.
    RoundRobin {
        /// Whether they meet a second time, with sides swapped.
        twice: bool,
    },
}

/// A span of time: its start belongs to it, its end does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TimeWindow {
    /// When it opens, in milliseconds since 1970.
    pub opens_at: UnixMillis,
    /// When it is over, in milliseconds since 1970.
    pub closes_at: UnixMillis,
}

/// Who is seeded above whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Seeding {
    /// Who registered first is the first seed.
    Registration,
    /// Whose rating is higher, of teams the mean; by lot among equals.
    Rating {
        /// The queue whose ratings count.
        queue: QueueId,
    },
}

/// What the holder of one final place gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TournamentPrize {
    /// The place, from 1. Who share places share what those places give together.
    pub place: u16,
    /// What.
    pub reward: Reward,
    /// How much of the currency, or how many of the item. Members of a team share it.
    pub amount: u64,
}

/// Something of the catalogue that can be won.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Reward {
    /// A currency.
    Currency(CurrencyId),
    /// A kind of items.
    Item(ItemKind),
}

/// Who may enter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EntryRules {
    /// The lowest level of a character.
    pub level_min: Option<u32>,
    /// The highest level of a character.
    pub level_max: Option<u32>,
}

/// Round trips of a player's machine to regions, in milliseconds. A missing one is unknown, not 0.
pub type RoundTrips = BTreeMap<String, u32>;

/// Body of `POST /v1/tournaments/{id}/register`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RegisterEntrant {
    /// The character of the caller: the entrant, or the captain of the team. The entrant has its id from then on.
    pub character: CharacterId,
    /// The others, where teams play.
    #[serde(default)]
    pub team: Option<TeamForm>,
    /// Round trips of the caller by region, in milliseconds, at most 16.
    #[serde(default)]
    pub round_trips: RoundTrips,
}

/// A team that its captain registers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TeamForm {
    /// The name, 1 to 80 characters.
    pub name: String,
    /// The other members, of as many other accounts. Each has to confirm; then the team is registered.
    pub members: Vec<CharacterId>,
}

/// Body of `POST /v1/tournaments/{id}/confirm`: a member joins the team that a captain registered, or does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConfirmEntry {
    /// The captain's character.
    pub entrant: CharacterId,
    /// Whether the caller joins. Without one member the team is no more.
    pub accept: bool,
    /// Round trips of the caller by region, in milliseconds, at most 16.
    #[serde(default)]
    pub round_trips: RoundTrips,
}

/// Body of `POST /v1/tournaments/{id}/matches/{match}/dispute`, which needs an `Idempotency-Key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DisputeMatch {
    /// What went wrong, in at most 500 bytes.
    pub reason: String,
}

/// Body of what administrators do to a tournament as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TournamentReason {
    /// Why, in at most 500 bytes; it is kept.
    pub reason: String,
}

/// Body of `POST /admin/v1/tournaments/{id}/disqualify`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DisqualifyEntrant {
    /// Who, as the bracket names it.
    pub entrant: CharacterId,
    /// Why, in at most 500 bytes; it is kept.
    pub reason: String,
}

/// Body of `POST /admin/v1/tournaments/{id}/matches/{match}/rule`, which needs an `Idempotency-Key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RuleMatch {
    /// What is decided.
    pub ruling: MatchRuling,
    /// Why, in at most 500 bytes; it is kept.
    pub reason: String,
}

/// What an administrator decides about a match whose result is not final yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum MatchRuling {
    /// This entrant won; that is final.
    Winner(CharacterId),
    /// All games count for nothing, and the match is played again.
    Replay,
    /// The games stand as they were reported.
    Stand,
    /// This entrant lost, and is out of the tournament.
    Disqualify(CharacterId),
}

/// Body of `POST /internal/v1/tournaments/{id}/matches/{match}/start`: the instance begins the match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StartMatch {
    /// Where it is played.
    pub instance: InstanceId,
    /// The ownership of the instance.
    pub epoch: Epoch,
}

/// Body of `POST /internal/v1/tournaments/{id}/matches/{match}/report`: results of games, each of which counts once
/// however often it is reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReportMatch {
    /// Where it is played, with its epoch; both are needed where the match was given an instance.
    #[serde(default)]
    pub instance: Option<InstanceId>,
    /// The ownership of the instance.
    #[serde(default)]
    pub epoch: Option<Epoch>,
    /// 1 to 15 games, in order.
    pub games: Vec<ReportedGame>,
}

/// The result of a game.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReportedGame {
    /// Which game of the match, from 1.
    pub game: u8,
    /// The entrant that won it.
    pub winner: CharacterId,
}

/// Body of `POST /internal/v1/tournaments/{id}/matches/{match}/no-show`: an entrant did not come, or left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReportNoShow {
    /// Where the match was to be played, with its epoch; both are needed where it was given an instance.
    #[serde(default)]
    pub instance: Option<InstanceId>,
    /// The ownership of the instance.
    #[serde(default)]
    pub epoch: Option<Epoch>,
    /// Which attempt at the match, as the bracket says.
    pub attempt: u16,
    /// Who loses by it.
    pub absent: CharacterId,
}

/// Body of `POST /internal/v1/tournaments/step`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StepTournaments {
    /// Most tournaments of this call, 1 to 100; 100 unless told.
    #[serde(default = "StepTournaments::most")]
    pub limit: i32,
    /// Where the call before ended.
    #[serde(default)]
    pub cursor: Option<String>,
}

impl StepTournaments {
    const fn most() -> i32 {
        100
    }
}
