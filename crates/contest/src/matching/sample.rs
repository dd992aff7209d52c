//! Seeded streams of tickets, a plain matcher and the optimum: what the matcher is tested with and compared to, here and
//! in benchmarks. Nothing of the matcher needs it.

mod optimum;
mod plain;
mod supply;

pub use self::optimum::{best_total, few_tickets, total_quality};
pub use self::plain::first_in_first_out;
pub use self::supply::Supply;

use domain::ids::CharacterId;
use domain::random::Random;
use domain::time::UnixMillis;

use super::{MatchTicketId, Player, QueueDefinition, RoleCount, Ticket, check_party_roles};
use crate::rating::Rating;

/// The regions of all sample queues.
pub const REGIONS: [&str; 4] = ["fra", "gru", "iad", "sgp"];
/// Candidates of one step, more than any test needs.
pub const BUDGET: u32 = 200_000;

/// A queue of so many teams of so many, with windows of 1 to 10 after 30 s.
#[must_use]
pub fn queue(teams: u8, players: u8) -> QueueDefinition {
    QueueDefinition {
        teams,
        team_players_min: players,
        team_players_max: players,
        team_players_difference_max: 0,
        roles: Vec::new(),
        regions: REGIONS.map(str::to_owned).to_vec(),
        rating_window_start: 1.0,
        rating_window_widening_per_second: 0.3,
        rating_window_max: 10.0,
        round_trip_ms_max: 120,
        allows_backfill: true,
    }
}

/// So many players of each team with this role.
#[must_use]
pub fn role(name: &str, count: u8) -> RoleCount {
    RoleCount { role: name.to_owned(), count }
}

/// Five against five with a tank, a healer and three who deal damage.
#[must_use]
pub fn role_queue() -> QueueDefinition {
    QueueDefinition { roles: vec![role("tank", 1), role("healer", 1), role("damage", 3)], ..queue(2, 5) }
}

/// A point in time of a sample.
#[must_use]
pub fn at(millis: u64) -> UnixMillis {
    UnixMillis::new(1_000_000 + millis)
}

/// The player of this number.
#[must_use]
pub fn player_id(number: u32) -> CharacterId {
    CharacterId::from_u128(u128::from(number))
}

/// A party that is at home in `fra`, its players at these mu and named by the ticket's number and their place.
#[must_use]
pub fn ticket(number: u32, mus: &[f64], created_at: UnixMillis) -> Ticket {
    let player = |(index, mu): (u32, &f64)| Player {
        id: player_id(number * 100 + index),
        rating: Rating::new(*mu, 5.0).expect("a rating"),
        roles: Vec::new(),
    };
    Ticket {
        id: MatchTicketId::from_u128(u128::from(number)),
        players: (0..).zip(mus).map(player).collect(),
        round_trips: [("fra".to_owned(), 20)].into(),
        blocks: Vec::new(),
        created_at,
    }
}

/// What a stream's tickets are like.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Most players of a party.
    pub party_max: u32,
    /// Whether some refuse others.
    pub has_blocks: bool,
    /// Of 100 players, how many would tank, and how many would heal; none: no roles. Parties that fit no team of
    /// `role_queue` are drawn again, since nobody lets them wait.
    pub roles: Option<(u32, u32)>,
    /// How many millionths of mu players are spread over evenly; none: as a population is, around 25.
    pub even_micro: Option<u32>,
}

/// Players alone.
pub const SOLO: Kind = Kind { party_max: 1, has_blocks: false, roles: None, even_micro: None };
/// Parties of one to four, some with blocks.
pub const MIXED: Kind = Kind { party_max: 4, has_blocks: true, roles: None, even_micro: None };
/// The same, with roles.
pub const ROLES: Kind = Kind { roles: Some((15, 20)), ..MIXED };

/// With roles in the shares that the matches of `role_queue` have: parties that are drawn again leave 20 of 100 to
/// tank, and as many to heal.
pub const BALANCED: Kind = Kind { roles: Some((24, 24)), ..MIXED };

/// Tickets numbered from 1.
#[derive(Debug)]
pub struct Stream {
    random: Random,
    kind: Kind,
    /// Whose teams parties with roles fit.
    teams: QueueDefinition,
    count: u32,
}

impl Stream {
    /// The stream of this seed.
    #[must_use]
    pub fn new(seed: u64, kind: Kind) -> Self {
        Self { random: Random::new(seed), kind, teams: role_queue(), count: 0 }
    }

    /// The next ticket.
    pub fn next(&mut self, created_at: UnixMillis) -> Ticket {
        self.count += 1;
        let size = 1 + self.random.below(self.kind.party_max).min(self.random.below(self.kind.party_max));
        let mus: Vec<f64> = (0..size).map(|_| self.mu()).collect();
        let mut ticket = ticket(self.count, &mus, created_at);
        loop {
            for player in &mut ticket.players {
                player.roles = roles(&mut self.random, self.kind.roles);
            }
            let roles = ticket.players.iter().map(|player| &player.roles);
            if self.kind.roles.is_none() || check_party_roles(&self.teams, roles).is_ok() {
                break;
            }
        }
        ticket.round_trips.clear();
        let home = self.random.below(4);
        for (index, region) in (0..).zip(REGIONS) {
            let is_known = index == home || self.random.below(10) < 7;
            let ms = if index == home { 10 } else { 80 } + self.random.below(100);
            if is_known {
                ticket.round_trips.insert(region.to_owned(), ms);
            }
        }
        if self.kind.has_blocks && self.random.below(3) == 0 {
            ticket.blocks = (0..3).map(|_| player_id((1 + self.random.below(self.count)) * 100)).collect();
        }
        ticket
    }

    fn mu(&mut self) -> f64 {
        if let Some(spread) = self.kind.even_micro {
            return f64::from(self.random.below(spread)) / 1e6;
        }
        // The sum of four even ones is near enough to a normal distribution with a deviation of 8.
        let sum: u32 = (0..4).map(|_| self.random.below(14_000)).sum();
        f64::from(sum) / 1e3 - 3.0
    }
}

fn roles(random: &mut Random, shares: Option<(u32, u32)>) -> Vec<String> {
    let Some((tanks, healers)) = shares else { return Vec::new() };
    let draw = random.below(100);
    let name = if draw < tanks {
        "tank"
    } else if draw < tanks + healers {
        "healer"
    } else {
        "damage"
    };
    let mut roles = vec![name.to_owned()];
    if random.below(10) == 0 && name != "damage" {
        roles.push("damage".to_owned());
    }
    roles
}
