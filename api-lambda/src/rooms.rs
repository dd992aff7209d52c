//! The rules of rooms, as pure functions on what is stored of one. Who is in a room is a level, not a row of events:
//! a member is whoever is in its instance, or has a ticket to it that is still good.

use std::collections::BTreeSet;

use domain::contract::rooms::{Room, RoomCode, RoomMember};
use domain::ids::{AccountId, CharacterId, InstanceId, ZoneId};
use domain::limits::TICKET_LIFETIME_SECS;
use domain::time::UnixMillis;
use serde::{Deserialize, Serialize};
use token::CLOCK_SKEW_SECS;

/// Most members of a room who play.
pub(crate) const MEMBERS_MAX: u8 = 16;
/// Most members who only look on.
pub(crate) const SPECTATORS_MAX: u8 = 16;
/// Accounts that were put out, or are only to look on, and are remembered; the oldest are forgiven.
const REMEMBERED_MAX: usize = 64;
/// How long a member may be on the way: the life of a ticket, and what a host takes to tell of the arrival.
const ARRIVES_WITHIN_MILLIS: u64 = (TICKET_LIFETIME_SECS + 2 * CLOCK_SKEW_SECS) * 1_000;

/// What is stored of a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RoomState {
    pub(crate) zone: ZoneId,
    pub(crate) instance: InstanceId,
    pub(crate) locked: bool,
    pub(crate) members_max: u8,
    #[serde(default)]
    pub(crate) spectators_max: u8,
    /// Who was made the host last; the role is another's if that one is no member any more.
    pub(crate) host: CharacterId,
    /// In the order in which they came.
    pub(crate) members: Vec<Member>,
    pub(crate) banned: Vec<AccountId>,
    /// Whom the host lets only look on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) benched: Vec<AccountId>,
    pub(crate) created_at: UnixMillis,
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Member {
    pub(crate) character: CharacterId,
    pub(crate) account: AccountId,
    pub(crate) joined_at: UnixMillis,
    /// When it got its last ticket.
    pub(crate) ticket_at: UnixMillis,
    /// Whether it only looks on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) spectates: bool,
}

/// Why somebody does not get in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryRefusal {
    Full,
    SpectatorsFull,
    Locked,
    Banned,
    /// The host lets the account only look on.
    Benched,
    NoMember,
}

impl RoomState {
    /// Takes out who is neither in the instance nor on the way to it, and hands the role of the host on.
    pub(crate) fn settle(&mut self, present: &BTreeSet<CharacterId>, now: UnixMillis) {
        self.members.retain(|member| {
            present.contains(&member.character) || now.millis_since(member.ticket_at) < ARRIVES_WITHIN_MILLIS
        });
        if !self.is_member(self.host)
            && let Some(next) = self.members.first()
        {
            self.host = next.character;
        }
    }

    pub(crate) fn is_member(&self, character: CharacterId) -> bool {
        self.member(character).is_some()
    }

    pub(crate) fn member(&self, character: CharacterId) -> Option<&Member> {
        self.members.iter().find(|member| member.character == character)
    }

    /// Whether `more` have room who only look on, or who play.
    fn check_room(&self, spectates: bool, more: usize) -> Result<(), EntryRefusal> {
        let there = self.members.iter().filter(|member| member.spectates == spectates).count();
        let (most, refusal) = if spectates {
            (self.spectators_max, EntryRefusal::SpectatorsFull)
        } else {
            (self.members_max, EntryRefusal::Full)
        };
        if there + more <= usize::from(most) { Ok(()) } else { Err(refusal) }
    }

    /// Who decides, if anyone is in.
    pub(crate) fn host(&self) -> Option<&Member> {
        self.members.iter().find(|member| member.character == self.host)
    }

    /// Lets a character in, or in again: to look on or to play, if it says so.
    pub(crate) fn admit(
        &mut self,
        (account, character): (AccountId, CharacterId),
        spectate: Option<bool>,
        now: UnixMillis,
    ) -> Result<(), EntryRefusal> {
        if self.banned.contains(&account) {
            return Err(EntryRefusal::Banned);
        }
        // A room that everybody has left opens to whoever comes first.
        let is_empty = self.members.is_empty();
        let benched = !is_empty && self.benched.contains(&account);
        let before = self.member(character).map(|member| member.spectates);
        let spectates = spectate.unwrap_or_else(|| before.unwrap_or(benched));
        if benched && !spectates {
            return Err(EntryRefusal::Benched);
        }
        if before.is_none() && self.locked && !is_empty {
            return Err(EntryRefusal::Locked);
        }
        if before != Some(spectates) {
            self.check_room(spectates, 1)?;
        }
        if let Some(member) = self.members.iter_mut().find(|member| member.character == character) {
            (member.ticket_at, member.spectates) = (now, spectates);
            return Ok(());
        }
        if is_empty {
            self.host = character;
            self.locked = false;
            self.benched.clear();
        }
        self.members.push(Member { character, account, joined_at: now, ticket_at: now, spectates });
        Ok(())
    }

    /// Lets a member only look on from now on, with all characters of its account, or play again.
    pub(crate) fn cast(&mut self, character: CharacterId, spectates: bool) -> Result<(), EntryRefusal> {
        let account = self.member(character).ok_or(EntryRefusal::NoMember)?.account;
        let changes = |member: &Member| {
            member.spectates != spectates
                && member.account == account
                && (spectates || member.character == character)
        };
        self.check_room(spectates, self.members.iter().filter(|member| changes(member)).count())?;
        self.members
            .iter_mut()
            .filter(|member| changes(member))
            .for_each(|member| member.spectates = spectates);
        // The host decides for itself at any time.
        let by_itself = self.host().is_some_and(|host| host.account == account);
        self.benched.retain(|other| *other != account);
        if spectates && !by_itself {
            remember(&mut self.benched, account);
        }
        Ok(())
    }

    /// Takes a member out; false if it is none.
    pub(crate) fn dismiss(&mut self, character: CharacterId) -> bool {
        let before = self.members.len();
        self.members.retain(|member| member.character != character);
        if self.host == character
            && let Some(next) = self.members.first()
        {
            self.host = next.character;
        }
        self.members.len() < before
    }

    /// Takes a member out for good; false if it is none.
    pub(crate) fn ban(&mut self, character: CharacterId) -> bool {
        let Some(member) = self.members.iter().find(|member| member.character == character) else {
            return false;
        };
        let account = member.account;
        remember(&mut self.banned, account);
        // The same account may be in with another character too.
        let out: Vec<_> = self.members.iter().filter(|member| member.account == account).collect();
        for character in out.iter().map(|member| member.character).collect::<Vec<_>>() {
            self.dismiss(character);
        }
        true
    }

    /// The room as players see it.
    pub(crate) fn view(&self, code: RoomCode, version: u64, expires_at: UnixMillis) -> Room {
        let member = |member: &Member| {
            let Member { character, joined_at, spectates, .. } = *member;
            RoomMember { character, joined_at, spectates }
        };
        Room {
            code,
            zone: self.zone.clone(),
            host: self.host().map(|host| host.character),
            locked: self.locked,
            members_max: self.members_max,
            spectators_max: self.spectators_max,
            members: self.members.iter().map(member).collect(),
            version,
            created_at: self.created_at,
            expires_at,
        }
    }
}

fn remember(accounts: &mut Vec<AccountId>, account: AccountId) {
    if accounts.len() == REMEMBERED_MAX {
        accounts.remove(0);
    }
    accounts.push(account);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u128) -> CharacterId {
        CharacterId::from_u128(number)
    }

    fn at(secs: u64) -> UnixMillis {
        UnixMillis::new(1_000_000 + secs * 1_000)
    }

    fn room(members: &[u128]) -> RoomState {
        let mut room = RoomState {
            zone: "hub".parse().expect("a zone"),
            instance: InstanceId::from_u128(1),
            locked: false,
            members_max: 3,
            spectators_max: 2,
            host: id(0),
            members: Vec::new(),
            banned: Vec::new(),
            benched: Vec::new(),
            created_at: at(0),
        };
        for number in members {
            room.admit((AccountId::from_u128(*number), id(*number)), None, at(0)).expect("room");
        }
        room
    }

    fn host(room: &RoomState) -> Option<u128> {
        room.host().map(|host| host.character.as_u128())
    }

    #[test]
    fn the_role_of_the_host_goes_to_who_came_next() {
        let mut three = room(&[1, 2, 3]);
        assert_eq!(host(&three), Some(1));
        assert!(three.dismiss(id(2)) && !three.dismiss(id(2)));
        assert_eq!(host(&three), Some(1));
        assert!(three.dismiss(id(1)));
        assert_eq!(host(&three), Some(3));
        assert!(three.dismiss(id(3)));
        assert_eq!(host(&three), None);
        three.locked = true;
        three.admit((AccountId::from_u128(9), id(9)), None, at(1)).expect("an empty room opens");
        assert_eq!((host(&three), three.locked), (Some(9), false));
    }

    #[test]
    fn who_does_not_come_or_is_gone_is_no_member() {
        let mut three = room(&[1, 2, 3]);
        three.settle(&BTreeSet::new(), at(20));
        assert_eq!(three.members.len(), 3, "their tickets are still good");
        three.admit((AccountId::from_u128(3), id(3)), None, at(30)).expect("again");
        three.settle(&BTreeSet::from([id(2)]), at(60));
        assert_eq!(three.members.iter().map(|m| m.character.as_u128()).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(host(&three), Some(2));
        three.settle(&BTreeSet::new(), at(200));
        assert_eq!((three.members.len(), host(&three)), (0, None));
    }

    #[test]
    fn entry_is_refused_to_the_banned_to_strangers_of_a_locked_room_and_when_full() {
        let mut two = room(&[1, 2]);
        let admit = |room: &mut RoomState, account: u128, character: u128| {
            room.admit((AccountId::from_u128(account), id(character)), None, at(1))
        };
        two.locked = true;
        assert_eq!(admit(&mut two, 5, 5), Err(EntryRefusal::Locked));
        assert_eq!(admit(&mut two, 2, 2), Ok(()), "a member comes back");
        two.locked = false;
        assert_eq!(admit(&mut two, 2, 22), Ok(()));
        assert_eq!(admit(&mut two, 5, 5), Err(EntryRefusal::Full));
        assert!(two.ban(id(2)) && !two.ban(id(2)));
        assert_eq!(two.members.len(), 1, "with all characters of the account");
        assert_eq!(admit(&mut two, 2, 23), Err(EntryRefusal::Banned));
        for account in 100..164 {
            assert_eq!(admit(&mut two, account, account), Ok(()));
            assert!(two.ban(id(account)));
        }
        assert_eq!(two.banned.len(), REMEMBERED_MAX);
    }

    #[test]
    fn who_looks_on_takes_no_place_of_who_plays_and_stays_where_the_host_says() {
        let mut room = room(&[1, 2, 3]);
        let admit = |room: &mut RoomState, account: u128, character: u128, spectate: Option<bool>| {
            room.admit((AccountId::from_u128(account), id(character)), spectate, at(1))
        };
        let spectators = |room: &RoomState| {
            let spectators = room.members.iter().filter(|member| member.spectates);
            spectators.map(|member| member.character.as_u128()).collect::<Vec<_>>()
        };
        assert_eq!(admit(&mut room, 4, 4, Some(true)), Ok(()), "three play, and one looks on");
        assert_eq!(admit(&mut room, 4, 4, Some(false)), Err(EntryRefusal::Full));
        assert_eq!(admit(&mut room, 4, 4, None), Ok(()), "it stays what it is");
        assert_eq!(admit(&mut room, 3, 3, Some(true)), Ok(()));
        assert_eq!(spectators(&room), [3, 4]);
        assert_eq!(admit(&mut room, 5, 5, Some(true)), Err(EntryRefusal::SpectatorsFull));
        assert_eq!(room.cast(id(2), true), Err(EntryRefusal::SpectatorsFull));
        assert_eq!(room.cast(id(9), true), Err(EntryRefusal::NoMember));
        assert_eq!(admit(&mut room, 4, 4, Some(false)), Ok(()), "a place is free");
        // Two characters of one account: both, or none.
        assert_eq!(room.cast(id(2), true), Ok(()));
        assert_eq!(spectators(&room), [2, 3]);
        assert_eq!(admit(&mut room, 2, 2, Some(false)), Err(EntryRefusal::Benched));
        assert!(room.dismiss(id(2)));
        assert_eq!(admit(&mut room, 2, 22, Some(false)), Err(EntryRefusal::Benched), "with another one too");
        assert_eq!(admit(&mut room, 2, 22, None), Ok(()));
        assert_eq!(spectators(&room), [3, 22]);
        assert_eq!(room.cast(id(22), false), Ok(()));
        assert_eq!((spectators(&room), room.benched.len()), (vec![3], 0));
        assert_eq!(room.cast(id(1), true), Ok(()), "the host itself");
        assert_eq!(admit(&mut room, 1, 1, Some(false)), Ok(()), "and back as it likes");
    }
}
