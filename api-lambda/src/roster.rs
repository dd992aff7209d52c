//! The roster of a match: who has a place in which team, who came, who left, and what follows from it. Pure: where
//! matches are kept is not known here.

use std::collections::BTreeSet;

use domain::catalogue::{MatchQueue, RoleCount};
use domain::contract::coordinator::{MatchOpening, OpenTeam, OpenTicketPlayer};
use domain::contract::matchmaking::{MatchPlayerView, MatchTeamView};
use domain::ids::{AccountId, CharacterId, InstanceId, MatchId, MatchTicketId, QueueId, ZoneId};
use domain::time::UnixMillis;
use serde::{Deserialize, Serialize};

/// A match without an instance after this long comes to nothing.
pub(crate) const PLACING_MILLIS_MAX: u64 = 20_000;

/// How far a match is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// It has no instance yet.
    Placing,
    /// It is played.
    Open,
    /// It is over.
    Over,
}

/// How a player stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SeatState {
    /// On the way.
    Expected,
    /// Has been in the instance.
    Arrived,
    /// Gave the place back.
    Left,
    /// Did not come in time.
    Missed,
}

/// One who has, or had, a place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Seat {
    pub(crate) character: CharacterId,
    pub(crate) account: AccountId,
    pub(crate) ticket: MatchTicketId,
    pub(crate) role: Option<String>,
    pub(crate) mu: f64,
    pub(crate) sigma: f64,
    pub(crate) state: SeatState,
    /// Since when it has the place.
    pub(crate) since: UnixMillis,
    /// Joined when the match ran.
    pub(crate) is_late: bool,
}

impl Seat {
    /// Whether the place is its own.
    pub(crate) const fn is_held(&self) -> bool {
        matches!(self.state, SeatState::Expected | SeatState::Arrived)
    }
}

/// A team: its places, and all who have or had one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Team {
    pub(crate) places: usize,
    pub(crate) seats: Vec<Seat>,
}

impl Team {
    pub(crate) fn held(&self) -> impl Iterator<Item = &Seat> {
        self.seats.iter().filter(|seat| seat.is_held())
    }

    fn open_places(&self) -> usize {
        self.places.saturating_sub(self.held().count())
    }
}

/// What the queue demanded when the match was formed: a catalogue published since changes nothing of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rules {
    pub(crate) zone: ZoneId,
    /// The region whose coordinator forms the queue's matches.
    pub(crate) home: String,
    pub(crate) no_show_millis: u64,
    pub(crate) match_millis: u64,
    pub(crate) allows_backfill: bool,
    pub(crate) roles: Vec<RoleCount>,
}

impl Rules {
    pub(crate) fn of(queue: &MatchQueue) -> Self {
        Self {
            zone: queue.zone.clone(),
            home: queue.home().unwrap_or_default().to_owned(),
            no_show_millis: u64::from(queue.no_show_seconds) * 1_000,
            match_millis: u64::from(queue.match_seconds) * 1_000,
            allows_backfill: queue.definition.allows_backfill,
            roles: queue.definition.roles.clone(),
        }
    }
}

/// A match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Roster {
    pub(crate) id: MatchId,
    pub(crate) queue: QueueId,
    pub(crate) region: String,
    pub(crate) rules: Rules,
    pub(crate) stage: Stage,
    pub(crate) teams: Vec<Team>,
    pub(crate) quality: f64,
    pub(crate) spread: f64,
    pub(crate) range: f64,
    pub(crate) worst_round_trip_ms: u32,
    pub(crate) created_at: UnixMillis,
    /// Since when it has places to fill.
    pub(crate) opening_since: Option<UnixMillis>,
}

impl Roster {
    /// The instance that it is played in: one match has one, so its number is the match's.
    pub(crate) const fn instance(&self) -> InstanceId {
        InstanceId::from_u128(self.id.as_u128())
    }

    pub(crate) fn seats(&self) -> impl Iterator<Item = &Seat> {
        self.teams.iter().flat_map(|team| &team.seats)
    }

    /// Those who have a place.
    pub(crate) fn held(&self) -> impl Iterator<Item = &Seat> {
        self.teams.iter().flat_map(Team::held)
    }

    pub(crate) fn characters(&self) -> Vec<CharacterId> {
        self.held().map(|seat| seat.character).collect()
    }

    /// The newest place of the account under this ticket, and its team.
    pub(crate) fn seat_of(&self, account: AccountId, ticket: MatchTicketId) -> Option<(usize, &Seat)> {
        let seats = self.teams.iter().enumerate();
        let mut seats = seats.flat_map(|(team, it)| it.seats.iter().map(move |seat| (team, seat)));
        seats.find(|(_, seat)| seat.account == account && seat.ticket == ticket)
    }

    /// Whether it is over, by its result or by the time that it may take.
    pub(crate) fn is_over(&self, now: UnixMillis) -> bool {
        self.stage == Stage::Over || now.millis_since(self.created_at) >= self.rules.match_millis
    }

    /// Players that its instance takes.
    pub(crate) fn capacity(&self) -> u32 {
        u32::try_from(self.teams.iter().map(|team| team.places).sum::<usize>()).unwrap_or(u32::MAX)
    }

    /// When somebody must look after it.
    pub(crate) fn due_at(&self) -> Option<UnixMillis> {
        match self.stage {
            Stage::Placing => Some(self.created_at),
            Stage::Open => {
                let expected = self.seats().filter(|seat| seat.state == SeatState::Expected);
                let late = expected.map(|seat| seat.since.plus_millis(self.rules.no_show_millis));
                late.chain([self.created_at.plus_millis(self.rules.match_millis)]).min()
            }
            Stage::Over => None,
        }
    }

    /// It has its instance: from now on its players are expected.
    pub(crate) fn open(&mut self, now: UnixMillis) {
        self.stage = Stage::Open;
        for seat in self.teams.iter_mut().flat_map(|team| &mut team.seats) {
            seat.since = now;
        }
        self.note_openings(now);
    }

    /// From now on nothing happens in it, and nobody is sought for it.
    pub(crate) const fn end(&mut self) {
        self.stage = Stage::Over;
        self.opening_since = None;
    }

    /// The account gives its place under this ticket back. False if it has none.
    pub(crate) fn give_up(&mut self, account: AccountId, ticket: MatchTicketId, now: UnixMillis) -> bool {
        let mut seats = self.teams.iter_mut().flat_map(|team| &mut team.seats);
        let own = |seat: &&mut Seat| seat.account == account && seat.ticket == ticket && seat.is_held();
        let Some(seat) = seats.find(own) else { return false };
        seat.state = SeatState::Left;
        self.note_openings(now);
        true
    }

    /// Those who are expected and have `come` have arrived, though they may have left since; those who had time enough
    /// lose their places. The answer is who did.
    pub(crate) fn count_in(&mut self, come: &BTreeSet<CharacterId>, now: UnixMillis) -> Vec<CharacterId> {
        let patience = self.rules.no_show_millis;
        let mut missed = Vec::new();
        for seat in self.teams.iter_mut().flat_map(|team| &mut team.seats) {
            if seat.state != SeatState::Expected {
                continue;
            }
            if come.contains(&seat.character) {
                seat.state = SeatState::Arrived;
            } else if now.millis_since(seat.since) >= patience {
                seat.state = SeatState::Missed;
                missed.push(seat.character);
            }
        }
        self.note_openings(now);
        missed
    }

    /// Takes those in who join a match that runs. False if there is no place for one of them.
    pub(crate) fn join(&mut self, joining: Vec<Vec<Seat>>, now: UnixMillis) -> bool {
        let fits = joining.len() == self.teams.len()
            && joining.iter().zip(&self.teams).all(|(joining, team)| joining.len() <= team.open_places());
        if !fits || self.stage != Stage::Open {
            return false;
        }
        // Who comes back has one place only, in whichever team.
        let come_back: BTreeSet<CharacterId> = joining.iter().flatten().map(|seat| seat.character).collect();
        for (joining, team) in joining.into_iter().zip(&mut self.teams) {
            team.seats.retain(|seat| !come_back.contains(&seat.character));
            team.seats.extend(joining);
        }
        self.note_openings(now);
        true
    }

    /// Whether there is no match left: nobody, or nobody to play against and no one to be had. Of those who have given
    /// their places back, who had `come` has played: the result says how it ended.
    pub(crate) fn is_void(&self, come: &BTreeSet<CharacterId>) -> bool {
        let plays =
            |seat: &Seat| seat.is_held() || seat.state == SeatState::Left && come.contains(&seat.character);
        let manned = self.teams.iter().filter(|team| team.seats.iter().any(plays)).count();
        let is_filled = self.rules.allows_backfill && self.held().next().is_some();
        manned == 0 || manned < 2 && self.teams.len() > 1 && !is_filled
    }

    fn note_openings(&mut self, now: UnixMillis) {
        let has_openings = self.stage == Stage::Open
            && self.rules.allows_backfill
            && self.teams.iter().any(|team| team.open_places() > 0)
            && self.held().next().is_some();
        self.opening_since = has_openings.then(|| self.opening_since.unwrap_or(now));
    }

    /// What the matcher is told, if there are places to fill.
    pub(crate) fn opening(&self, revision: u64) -> Option<MatchOpening> {
        let team = |team: &Team| OpenTeam {
            players: team.held().map(waiting_form).collect(),
            open_places: u8::try_from(team.open_places()).unwrap_or(u8::MAX),
            open_roles: self.open_roles(team),
        };
        Some(MatchOpening {
            match_id: self.id,
            queue: self.queue.clone(),
            instance: self.instance(),
            region: self.region.clone(),
            revision,
            teams: self.teams.iter().map(team).collect(),
            since: self.opening_since?,
        })
    }

    fn open_roles(&self, team: &Team) -> Vec<RoleCount> {
        let mut left = team.open_places();
        let lacking = self.rules.roles.iter().map(|role| {
            let filled = team.held().filter(|seat| seat.role.as_ref() == Some(&role.role)).count();
            let count = usize::from(role.count).saturating_sub(filled).min(left);
            left -= count;
            RoleCount { role: role.role.clone(), count: u8::try_from(count).unwrap_or(u8::MAX) }
        });
        lacking.filter(|role| role.count > 0).collect()
    }

    /// The teams as players see them.
    pub(crate) fn view(&self) -> Vec<MatchTeamView> {
        let player = |seat: &Seat| MatchPlayerView { character: seat.character, role: seat.role.clone() };
        self.teams.iter().map(|team| MatchTeamView { players: team.held().map(player).collect() }).collect()
    }
}

fn waiting_form(seat: &Seat) -> OpenTicketPlayer {
    OpenTicketPlayer { character: seat.character, mu: seat.mu, sigma: seat.sigma, roles: Vec::new() }
}

#[cfg(test)]
mod tests;
