//! Leaderboards: what players read, what services submit, and what administrators check.

use serde::{Deserialize, Serialize};

use crate::catalogue::{BoardOperator, BoardOrder, BoardReset};
use crate::ids::{BoardId, CharacterId, SeasonId};
use crate::time::UnixMillis;

/// A score for a board, as part of an event of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BoardScore {
    /// The board.
    pub board: BoardId,
    /// In the unit of the board.
    pub score: i64,
    /// Decides between equal scores, if the board has subscores.
    #[serde(default)]
    pub subscore: i64,
}

/// Body of `POST /internal/v1/boards/{board}/scores`, which needs an `Idempotency-Key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SubmitScores {
    /// 1 to 7, which are stored all or none; no character twice.
    pub scores: Vec<CharacterScore>,
}

/// A score of one character.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CharacterScore {
    /// Whose it is.
    pub character: CharacterId,
    /// In the unit of the board.
    pub score: i64,
    /// Decides between equal scores, if the board has subscores.
    #[serde(default)]
    pub subscore: i64,
}

/// Answer to submitted scores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScoresSubmitted {
    /// The season that they count in.
    pub season: SeasonId,
    /// What stands now, in the order of the request.
    pub standing: Vec<StandingScore>,
}

/// The score that stands for a character.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StandingScore {
    /// Whose it is.
    pub character: CharacterId,
    /// In the unit of the board.
    pub score: i64,
    /// 0 on a board without subscores.
    pub subscore: i64,
    /// When it was reached.
    pub reached_at: UnixMillis,
}

/// Answer of `GET /v1/leaderboards`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeaderboardList {
    /// Every board of the catalogue.
    pub boards: Vec<Leaderboard>,
}

/// A board and its season.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Leaderboard {
    /// Its name in paths.
    pub board: BoardId,
    /// Its name for people.
    pub title: String,
    /// Which score ranks better.
    pub order: BoardOrder,
    /// What a new score does to the one that stands.
    pub operator: BoardOperator,
    /// Whether subscores decide between equal scores.
    pub has_subscores: bool,
    /// When new seasons begin.
    pub reset: BoardReset,
    /// The season that is on.
    pub season: Season,
}

/// A season of a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Season {
    /// Its id: when it began, in milliseconds since 1970, and 0 if it was there from the start.
    pub season: SeasonId,
    /// Whether it is on.
    pub is_current: bool,
    /// When it ends by the schedule, if it is on and the board has one.
    pub ends_at: Option<UnixMillis>,
}

/// Answer of `GET /v1/leaderboards/{board}/seasons`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SeasonList {
    /// The current season, then those before that have scores and are kept, the newest first.
    pub seasons: Vec<Season>,
    /// For `cursor`, if there are more.
    pub next: Option<String>,
}

/// Answer of `GET /v1/leaderboards/{board}` and of the pages around a character and of friends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeaderboardPage {
    /// The board.
    pub board: BoardId,
    /// The season.
    pub season: SeasonId,
    /// Entries, the best first; of equal ones first who reached the score first.
    pub entries: Vec<LeaderboardEntry>,
    /// For `cursor`, if there are more.
    pub next: Option<String>,
}

/// One place of a leaderboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeaderboardEntry {
    /// 1 and the number of better scores on the whole board (competition rank: equal scores share a rank).
    pub rank: u64,
    /// Whether the rank is known to be that of one moment. If not, writers were busy just then, and it is off by
    /// at most 1 for each score that changed during the request.
    pub is_exact: bool,
    /// Whose score it is.
    pub character: CharacterId,
    /// The name; null if there is no such character any more.
    pub name: Option<String>,
    /// In the unit of the board.
    pub score: i64,
    /// 0 on a board without subscores.
    pub subscore: i64,
    /// When the score was reached.
    pub reached_at: UnixMillis,
}

/// Answer of `POST /internal/v1/boards/sweep`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BoardsSwept {
    /// Items of old seasons that were deleted.
    pub deleted: u64,
    /// Characters whose hiding or return was finished.
    pub settled: u64,
    /// Whether there is more to do: call again.
    pub more: bool,
}

/// Answer to a reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BoardWasReset {
    /// The season that began.
    pub season: SeasonId,
}

/// Answer to hiding a character, and to its return.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BoardsHidden {
    /// Whether it is on no board now.
    pub is_hidden: bool,
    /// Entries that were counted out or in by this call.
    pub changed: u64,
}

/// Answer to a check or repair: one of up to 128 sections of a board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BoardChecked {
    /// The season.
    pub season: SeasonId,
    /// The section, from 0 on, the best scores first.
    pub section: u8,
    /// Entries in it.
    pub entries: u64,
    /// Counts that are wrong, at most 100 of them; none if the section is right.
    pub wrong: Vec<WrongCount>,
    /// How many are wrong.
    pub wrong_total: u64,
    /// False if scores changed while it was read, so that nothing can be said: ask again.
    pub is_steady: bool,
    /// Nodes that were mended.
    pub repaired: u64,
    /// For `section`, until there is none.
    pub next: Option<u8>,
}

/// A count that is not that of the entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WrongCount {
    /// The node of the counting tree.
    pub node: String,
    /// Its child.
    pub child: u8,
    /// What must be added to the count.
    pub missing: i64,
}
