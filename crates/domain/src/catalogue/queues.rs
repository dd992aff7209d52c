//! Queues of the catalogue: which matches are made, of whom, and where they are played. How they are found is not
//! known here.

use serde::{Deserialize, Serialize};

use crate::ids::{QueueId, ZoneId};

/// Most players of a match of the platform: its transaction has a part for each ticket, one for the match and one
/// for the check of blocks and leases, of 100; its result a part for each player and three more.
pub const PLATFORM_MATCH_PLAYERS_MAX: u16 = 90;
/// Bounds of the seconds that a ticket may wait.
const TICKET_SECONDS: std::ops::RangeInclusive<u32> = 10..=86_400;
/// Bounds of the seconds that a player has to come.
const NO_SHOW_SECONDS: std::ops::RangeInclusive<u32> = 5..=600;
/// Bounds of the seconds that a match may take.
const MATCH_SECONDS: std::ops::RangeInclusive<u32> = 60..=86_400;

/// A queue that players wait in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MatchQueue {
    /// Its name in paths and messages.
    pub queue: QueueId,
    /// Its name for people.
    pub title: String,
    /// The zone of which each match gets an instance.
    pub zone: ZoneId,
    /// Seconds after which a ticket that is not matched waits no longer, 10 to 86,400.
    pub ticket_seconds: u32,
    /// Seconds within which a player must have entered the match's instance, 5 to 600; then the place is given away.
    pub no_show_seconds: u32,
    /// Seconds after which a match without a result counts as over, 60 to 86,400.
    pub match_seconds: u32,
    /// Which matches it makes, and of whom.
    pub definition: QueueDefinition,
}

impl MatchQueue {
    /// All that is wrong with the queue by itself, in words that name it.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let name = &self.queue;
        let mut faults: Vec<String> =
            self.definition.faults().iter().map(|fault| format!("queue {name}: {fault}")).collect();
        if self.definition.players_max() > PLATFORM_MATCH_PLAYERS_MAX {
            faults.push(format!(
                "queue {name}: a match has at most {PLATFORM_MATCH_PLAYERS_MAX} players, this one up to {}",
                self.definition.players_max()
            ));
        }
        for (seconds, bounds, what) in [
            (self.ticket_seconds, TICKET_SECONDS, "ticket_seconds"),
            (self.no_show_seconds, NO_SHOW_SECONDS, "no_show_seconds"),
            (self.match_seconds, MATCH_SECONDS, "match_seconds"),
        ] {
            if !bounds.contains(&seconds) {
                faults.push(format!("queue {name}: {what} must be {} to {}", bounds.start(), bounds.end()));
            }
        }
        faults
    }

    /// The region whose coordinator forms the matches of this queue: the first that it names.
    #[must_use]
    pub fn home(&self) -> Option<&str> {
        self.definition.regions.first().map(String::as_str)
    }
}

/// The queues of the built-in catalogue.
pub(super) fn builtin() -> Vec<MatchQueue> {
    let queue = |name: &str, title: &str, players: u8| MatchQueue {
        queue: name.parse().expect("a queue name"),
        title: title.to_owned(),
        zone: "arena".parse().expect("a zone name"),
        ticket_seconds: 600,
        no_show_seconds: 30,
        match_seconds: 3_600,
        definition: QueueDefinition {
            teams: 2,
            team_players_min: players,
            team_players_max: players,
            team_players_difference_max: 0,
            roles: Vec::new(),
            regions: vec!["local".to_owned()],
            rating_window_start: 4.0,
            rating_window_widening_per_second: 0.5,
            rating_window_max: 25.0,
            round_trip_ms_max: 200,
            allows_backfill: players > 1,
        },
    };
    vec![queue("duel", "Duel", 1), queue("arena", "Arena, three against three", 3)]
}

/// Most teams of a match.
pub const TEAMS_MAX: u8 = 32;
/// Most players of a team.
pub const TEAM_PLAYERS_MAX: u8 = 32;
/// Most players of a match, since each is looked at for each other.
pub const MATCH_PLAYERS_MAX: u16 = 128;
/// Most roles of a queue: what teams lack is counted for each set of roles, of which there are 2^6.
pub const ROLES_MAX: usize = 6;
/// Most regions of a queue.
pub const REGIONS_MAX: usize = 16;

/// A queue: which matches it makes, and of whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueueDefinition {
    /// Teams of a match, 1 (all play together) to 32.
    pub teams: u8,
    /// Fewest players of a team, 1 or more.
    pub team_players_min: u8,
    /// Most players of a team, up to 32, and 128 in all teams together.
    pub team_players_max: u8,
    /// How many players the largest team may have more than the smallest.
    pub team_players_difference_max: u8,
    /// Roles that each team must fill, up to 6; places beyond them are for anyone. Empty: no roles.
    pub roles: Vec<RoleCount>,
    /// Names of the regions that it makes matches in, 1 to 16.
    pub regions: Vec<String>,
    /// How far apart two parties' mean ratings may be for one that has just come, in units of mu.
    pub rating_window_start: f64,
    /// How much that grows with each second of waiting.
    pub rating_window_widening_per_second: f64,
    /// How far it grows.
    pub rating_window_max: f64,
    /// The largest round trip from any player to the match's region, in milliseconds.
    pub round_trip_ms_max: u32,
    /// Whether running instances get players from this queue.
    pub allows_backfill: bool,
}

/// A role and how many players of each team must have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RoleCount {
    /// The role's name.
    pub role: String,
    /// Players of each team with this role.
    pub count: u8,
}

/// Why a definition makes no queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// A number of teams or players that is out of its range.
    #[error("teams are 1 to 32, of 1 to 32 players and 2 to 128 together, and the fewest not over the most")]
    Sizes,
    /// Roles that repeat, count nobody, are too many, or need more players than a team has.
    #[error("roles are up to 6, each named once, and their counts, each over 0, fit into the smallest team")]
    Roles,
    /// No region, too many, or one twice.
    #[error("regions are 1 to 16, each named once")]
    Regions,
    /// A window that is no number, negative, over 1,000,000, or larger at the start than at most.
    #[error("windows are 0 to 1000000, and the start is not over the most")]
    Window,
}

impl QueueError {
    /// A short name for metrics and logs.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Sizes => "sizes",
            Self::Roles => "roles",
            Self::Regions => "regions",
            Self::Window => "window",
        }
    }
}

impl QueueDefinition {
    /// All faults of the definition, so that its author mends them at once.
    #[must_use]
    pub fn faults(&self) -> Vec<QueueError> {
        let checks = [
            (self.has_sizes(), QueueError::Sizes),
            (self.has_roles(), QueueError::Roles),
            (self.has_regions(), QueueError::Regions),
            (self.has_window(), QueueError::Window),
        ];
        checks.into_iter().filter(|(holds, _)| !holds).map(|(_, fault)| fault).collect()
    }

    /// Fewest players of a match.
    #[must_use]
    pub fn players_min(&self) -> u16 {
        u16::from(self.teams) * u16::from(self.team_players_min)
    }

    /// Most players of a match.
    #[must_use]
    pub fn players_max(&self) -> u16 {
        u16::from(self.teams) * u16::from(self.team_players_max)
    }

    fn has_sizes(&self) -> bool {
        (1..=TEAMS_MAX).contains(&self.teams)
            && (1..=self.team_players_max).contains(&self.team_players_min)
            && self.team_players_max <= TEAM_PLAYERS_MAX
            && (2..=MATCH_PLAYERS_MAX).contains(&self.players_max())
    }

    fn has_roles(&self) -> bool {
        let total: u32 = self.roles.iter().map(|role| u32::from(role.count)).sum();
        self.roles.len() <= ROLES_MAX
            && total <= u32::from(self.team_players_min)
            && self.roles.iter().all(|role| role.count > 0)
            && are_different(self.roles.iter().map(|role| role.role.as_str()))
    }

    fn has_regions(&self) -> bool {
        (1..=REGIONS_MAX).contains(&self.regions.len())
            && are_different(self.regions.iter().map(String::as_str))
    }

    fn has_window(&self) -> bool {
        let range = 0.0..=1e6;
        range.contains(&self.rating_window_start)
            && range.contains(&self.rating_window_widening_per_second)
            && range.contains(&self.rating_window_max)
            && self.rating_window_start <= self.rating_window_max
    }
}

fn are_different<'a>(names: impl Iterator<Item = &'a str>) -> bool {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.windows(2).all(|pair| pair[0] != pair[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builtin_queues_have_no_faults() {
        for queue in builtin() {
            assert_eq!(queue.faults(), Vec::<String>::new());
        }
    }

    #[test]
    fn all_faults_of_a_queue_are_told() {
        let mut queue = builtin().remove(1);
        queue.definition.team_players_max = 32;
        queue.definition.teams = 3;
        queue.definition.regions.clear();
        queue.no_show_seconds = 1;
        let faults = queue.faults();
        assert_eq!(faults.len(), 3, "{faults:?}");
        assert!(faults.iter().all(|fault| fault.starts_with("queue arena: ")), "{faults:?}");
        assert!(faults[1].contains("90 players"), "{faults:?}");
    }
}
