//! Who waits: tickets of parties and backfill requests of running instances, as they come from outside and as
//! the matcher keeps them.

use std::collections::BTreeMap;

pub use domain::ids::MatchTicketId;
use domain::ids::{CharacterId, InstanceId};
use domain::time::UnixMillis;

use super::QueueDefinition;
use super::queue::{MATCH_PLAYERS_MAX, Micro, Queue, REGIONS_MAX, TEAMS_MAX, micro};
use super::roles::{Needs, Roles, Tally, assign};
use crate::rating::Rating;

/// Most players that one ticket or backfill request refuses.
pub const BLOCKS_MAX: usize = 1_024;

/// One player of a party.
#[derive(Debug, Clone, PartialEq)]
pub struct Player {
    /// Who it is.
    pub id: CharacterId,
    /// How good it is believed to be.
    pub rating: Rating,
    /// Names of the roles that it would take. Empty: any.
    pub roles: Vec<String>,
}

/// A party that looks for a match; its players stay in one team.
#[derive(Debug, Clone, PartialEq)]
pub struct Ticket {
    /// Its name.
    pub id: MatchTicketId,
    /// The party.
    pub players: Vec<Player>,
    /// The party's worst round trip to each region that it has measured, in milliseconds. A region that is
    /// missing is unknown, and no match of this party is made there; unless it is the queue's only one, where
    /// unknown counts as the longest that the queue allows.
    pub round_trips: BTreeMap<String, u32>,
    /// Players that they refuse to play with, on either side. Those of the own party do not count.
    pub blocks: Vec<CharacterId>,
    /// Since when they wait; a ticket that comes back keeps the time of its first.
    pub created_at: UnixMillis,
}

impl Ticket {
    /// The round trip that counts for the party in a region of the queue. None: no match of it is made there. Where
    /// there is one region there is no choice, and an unknown way to it counts as the longest that the queue allows.
    #[must_use]
    pub fn round_trip(&self, queue: &QueueDefinition, region: &str) -> Option<u32> {
        let longest = queue.round_trip_ms_max;
        let unmeasured = (queue.regions.len() == 1).then_some(longest);
        self.round_trips.get(region).copied().or(unmeasured).filter(|ms| *ms <= longest)
    }
}

/// A team of a running instance that has places to fill.
#[derive(Debug, Clone, PartialEq)]
pub struct BackfillTeam {
    /// Ratings of the players that it has.
    pub ratings: Vec<Rating>,
    /// Places to fill.
    pub open_places: u8,
    /// Names of the roles that it lacks and how many players of each: so many of the open places are for them.
    pub open_roles: Vec<super::RoleCount>,
}

/// A running instance that asks for players. It may get them in parts.
#[derive(Debug, Clone, PartialEq)]
pub struct BackfillRequest {
    /// The instance; it has one request at a time.
    pub instance: InstanceId,
    /// The region that it runs in.
    pub region: String,
    /// All of its teams.
    pub teams: Vec<BackfillTeam>,
    /// The players that it has.
    pub players: Vec<CharacterId>,
    /// Players that those refuse to play with.
    pub blocks: Vec<CharacterId>,
    /// Since when it asks.
    pub created_at: UnixMillis,
}

/// Why a ticket or a request cannot wait here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InsertError {
    /// The ticket, or a request of the instance, waits already.
    #[error("waits already")]
    Waiting,
    /// The player is in a party that waits already, or twice in this one.
    #[error("{0} waits already")]
    PlayerWaiting(CharacterId),
    /// A party of nobody, or of more than a team has.
    #[error("a party has 1 to {0} players")]
    PartySize(u8),
    /// The queue has no such role.
    #[error("no role {0}")]
    UnknownRole(String),
    /// A team with this party in it can never fill its roles.
    #[error("a team has room for {places} more beside this party, and would still need {lacking}: {roles}")]
    PartyRoles {
        /// Places of a team that the party leaves to others.
        places: u8,
        /// Players that the team would still need, more than that.
        lacking: u16,
        /// In which roles: `1 healer, 3 damage`.
        roles: String,
    },
    /// The queue has no such region.
    #[error("no region {0}")]
    UnknownRegion(String),
    /// More blocks than are looked through.
    #[error("more than {BLOCKS_MAX} blocks")]
    TooManyBlocks,
    /// The queue gives no players to running instances.
    #[error("the queue allows no backfill")]
    NoBackfill,
    /// No player yet, no open place, more teams or players than a match has, or more roles than places.
    #[error("not the teams of a running match with players and open places")]
    BackfillTeams,
}

impl InsertError {
    /// A short name for metrics and logs.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::PlayerWaiting(_) => "player_waiting",
            Self::PartySize(_) => "party_size",
            Self::UnknownRole(_) => "unknown_role",
            Self::PartyRoles { .. } => "party_roles",
            Self::UnknownRegion(_) => "unknown_region",
            Self::TooManyBlocks => "too_many_blocks",
            Self::NoBackfill => "no_backfill",
            Self::BackfillTeams => "backfill_teams",
        }
    }
}

/// A ticket as the matcher keeps it.
#[derive(Debug, Clone)]
pub(super) struct Party {
    pub(super) id: MatchTicketId,
    pub(super) created_at: UnixMillis,
    /// The mean of its players' mu: where it stands among the others.
    pub(super) centre: Micro,
    pub(super) size: u8,
    /// The sum of its players' mu.
    pub(super) strength: Micro,
    /// In the order of `players`.
    pub(super) roles: Vec<Roles>,
    pub(super) players: Vec<CharacterId>,
    /// Round trips by region, where known and short enough for the queue.
    pub(super) round_trips: [Option<u32>; REGIONS_MAX],
    /// In order, to be searched.
    pub(super) blocks: Vec<CharacterId>,
    /// When it is next tried as the middle of a match.
    pub(super) due: UnixMillis,
}

impl Party {
    pub(super) fn of(ticket: Ticket, queue: &Queue) -> Result<Self, InsertError> {
        let most = queue.definition.team_players_max;
        let size = u8::try_from(ticket.players.len()).unwrap_or(u8::MAX);
        if size == 0 || size > most {
            return Err(InsertError::PartySize(most));
        }
        let roles = roles_of(&queue.definition, ticket.players.iter().map(|player| &player.roles))?;
        check_team(&queue.definition, &queue.needs, &roles)?;
        let strength: Micro = ticket.players.iter().map(|player| micro(player.rating.mu())).sum();
        let mut round_trips = [None; REGIONS_MAX];
        for (region, round_trip) in queue.definition.regions.iter().zip(&mut round_trips) {
            *round_trip = ticket.round_trip(&queue.definition, region);
        }
        Ok(Self {
            id: ticket.id,
            created_at: ticket.created_at,
            centre: strength / Micro::from(size),
            size,
            strength,
            roles,
            players: ticket.players.iter().map(|player| player.id).collect(),
            round_trips,
            blocks: sorted_blocks(ticket.blocks)?,
            due: ticket.created_at,
        })
    }

    /// The regions that it plays in, the nearest first.
    pub(super) fn regions(&self) -> Vec<u8> {
        let known = (0_u8..).zip(self.round_trips).filter_map(|(region, ms)| ms.map(|ms| (ms, region)));
        let mut known: Vec<(u32, u8)> = known.collect();
        known.sort_unstable();
        known.into_iter().map(|(_, region)| region).collect()
    }
}

/// A backfill request as the matcher keeps it.
#[derive(Debug, Clone)]
pub(super) struct Opening {
    pub(super) instance: InstanceId,
    pub(super) region: u8,
    pub(super) created_at: UnixMillis,
    pub(super) spaces: Vec<Space>,
    pub(super) players: Vec<CharacterId>,
    pub(super) blocks: Vec<CharacterId>,
    pub(super) due: UnixMillis,
}

/// A team that is to be filled.
#[derive(Debug, Clone)]
pub(super) struct Space {
    /// Players that it has, and the sum of their mu.
    pub(super) present: u8,
    pub(super) strength: Micro,
    /// Players that may still join.
    pub(super) open: u8,
    pub(super) needs: Needs,
    /// Those who join, by the roles that they can take: nobody but while a packing is tried.
    pub(super) tally: Tally,
}

impl Opening {
    pub(super) fn of(request: BackfillRequest, queue: &Queue) -> Result<Self, InsertError> {
        if !queue.definition.allows_backfill {
            return Err(InsertError::NoBackfill);
        }
        let regions = &queue.definition.regions;
        let Some(region) = (0_u8..).zip(regions).find(|(_, name)| **name == request.region) else {
            return Err(InsertError::UnknownRegion(request.region));
        };
        let spaces = request.teams.iter().map(|team| Space::of(team, queue));
        let spaces = spaces.collect::<Result<Vec<_>, _>>()?;
        let present: u32 = spaces.iter().map(|space| u32::from(space.present)).sum();
        let open: u32 = spaces.iter().map(|space| u32::from(space.open)).sum();
        let are_too_many =
            spaces.len() > usize::from(TEAMS_MAX) || present + open > u32::from(MATCH_PLAYERS_MAX);
        if are_too_many || present == 0 || open == 0 {
            return Err(InsertError::BackfillTeams);
        }
        Ok(Self {
            instance: request.instance,
            region: region.0,
            created_at: request.created_at,
            spaces,
            players: request.players,
            blocks: sorted_blocks(request.blocks)?,
            due: request.created_at,
        })
    }

    /// The mean of the players that it has.
    pub(super) fn centre(&self) -> Micro {
        let players: Micro = self.spaces.iter().map(|space| Micro::from(space.present)).sum();
        let strength: Micro = self.spaces.iter().map(|space| space.strength).sum();
        strength / players.max(1)
    }

    pub(super) fn is_full(&self) -> bool {
        self.spaces.iter().all(|space| space.open == 0)
    }

    /// Takes those who joined: its teams are as given from now on.
    pub(super) fn take(&mut self, spaces: Vec<Space>, joined: &[Party]) {
        self.spaces = spaces;
        for party in joined {
            self.players.extend(&party.players);
            self.blocks.extend(&party.blocks);
        }
        self.blocks.sort_unstable();
        self.blocks.dedup();
    }
}

impl Space {
    pub(super) fn join(&mut self, party: &Party) {
        self.present += party.size;
        self.open -= party.size;
        self.strength += party.strength;
    }

    /// A team of a new match.
    pub(super) fn empty(queue: &Queue) -> Self {
        let open = queue.definition.team_players_max;
        Self { present: 0, strength: 0, open, needs: queue.needs, tally: Tally::new(&queue.needs) }
    }

    fn of(team: &BackfillTeam, queue: &Queue) -> Result<Self, InsertError> {
        let present = u8::try_from(team.ratings.len()).map_err(|_| InsertError::BackfillTeams)?;
        let mut counts = vec![0_u8; queue.definition.roles.len()];
        for open in &team.open_roles {
            let role = queue.definition.roles.iter().position(|role| role.role == open.role);
            let role = role.ok_or_else(|| InsertError::UnknownRole(open.role.clone()))?;
            counts[role] = counts[role].saturating_add(open.count);
        }
        let needs = Needs::of_counts(counts.into_iter());
        if needs.total() > u16::from(team.open_places) {
            return Err(InsertError::BackfillTeams);
        }
        let strength = team.ratings.iter().map(|rating| micro(rating.mu())).sum();
        Ok(Self { present, strength, open: team.open_places, needs, tally: Tally::new(&needs) })
    }
}

/// Whether a team can fill its roles with this party in it, whose players would take these. A party of which that
/// is not so would wait for ever, so no ticket should be made for it.
pub fn check_party_roles<'a>(
    definition: &QueueDefinition,
    players: impl Iterator<Item = &'a Vec<String>>,
) -> Result<(), InsertError> {
    let needs = Needs::of_counts(definition.roles.iter().map(|role| role.count));
    check_team(definition, &needs, &roles_of(definition, players)?)
}

fn check_team(definition: &QueueDefinition, needs: &Needs, players: &[Roles]) -> Result<(), InsertError> {
    let most = definition.team_players_max;
    let size = u8::try_from(players.len()).ok().filter(|size| *size <= most);
    let places = most - size.ok_or(InsertError::PartySize(most))?;
    let mut tally = Tally::new(needs);
    for player in players {
        tally.add(*player);
    }
    let lacking = tally.lack(needs, 1);
    if lacking <= u16::from(places) {
        return Ok(());
    }
    let left = needs.without(&assign(needs, players));
    let roles = definition.roles.iter().zip(left.counts()).filter(|(_, count)| *count > 0);
    let roles: Vec<String> = roles.map(|(role, count)| format!("{count} {}", role.role)).collect();
    Err(InsertError::PartyRoles { places, lacking, roles: roles.join(", ") })
}

/// The roles that each player can take: who names none takes any.
fn roles_of<'a>(
    definition: &QueueDefinition,
    players: impl Iterator<Item = &'a Vec<String>>,
) -> Result<Vec<Roles>, InsertError> {
    let bit = |name: &String| {
        let role = definition.roles.iter().position(|role| role.role == *name);
        role.map(|role| 1 << role).ok_or_else(|| InsertError::UnknownRole(name.clone()))
    };
    let set = |names: &Vec<String>| {
        if names.is_empty() {
            return Ok((1 << definition.roles.len()) - 1);
        }
        names.iter().try_fold(0, |set, name| Ok(set | bit(name)?))
    };
    players.map(set).collect()
}

fn sorted_blocks(mut blocks: Vec<CharacterId>) -> Result<Vec<CharacterId>, InsertError> {
    blocks.sort_unstable();
    blocks.dedup();
    if blocks.len() > BLOCKS_MAX { Err(InsertError::TooManyBlocks) } else { Ok(blocks) }
}
