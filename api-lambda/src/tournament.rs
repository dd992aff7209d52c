//! A tournament as the platform runs it: the pure tournament of `contest`, and beside it who its entrants are and
//! where its matches are played. All of it follows from the definition and a log of [`Record`]s. It knows no store,
//! no clock and no HTTP.

use std::collections::BTreeMap;

use contest::tournament::{
    Action, Effect, EntrantId, Event, MatchId, Phase, Presence, Refused, RequestId, Tournament,
};
use domain::contract::tournaments::{RoundTrips, Seeding};
use domain::ids::{AccountId, CharacterId, InstanceId};
use domain::time::UnixMillis;
use serde::{Deserialize, Serialize};

pub(crate) mod forget;
pub(crate) mod play;
pub(crate) mod regions;
pub(crate) mod show;
pub(crate) mod terms;
#[cfg(test)]
mod tests;

use forget::Forgotten;
pub(crate) use terms::Setup;

/// Teams that an account can invite others to, of one tournament, dissolved ones among them.
const TEAMS_MAX: u8 = 8;

/// The entrant that a character registered.
pub(crate) const fn entrant_of(character: CharacterId) -> EntrantId {
    EntrantId::from_u128(character.as_u128())
}

/// The character that registered an entrant.
pub(crate) const fn captain_of(entrant: EntrantId) -> CharacterId {
    CharacterId::from_u128(entrant.as_u128())
}

/// A member of an entrant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Member {
    pub(crate) character: CharacterId,
    pub(crate) account: AccountId,
    pub(crate) name: String,
    pub(crate) confirmed: bool,
    /// The member blocks the captain, and is not shown the invitation.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) hidden: bool,
    /// Strength when the entrant was made.
    pub(crate) rating: i32,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) round_trips: RoundTrips,
}

/// Who stands behind an entrant: the captain first. Until all have confirmed, it is not registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) members: Vec<Member>,
    /// The request that registers it.
    pub(crate) request: RequestId,
}

impl Entry {
    pub(crate) fn is_complete(&self) -> bool {
        self.members.iter().all(|member| member.confirmed)
    }

    pub(crate) fn member(&self, account: AccountId) -> Option<&Member> {
        self.members.iter().find(|member| member.account == account)
    }

    /// Those who are told of it.
    pub(crate) fn shown_to(&self) -> impl Iterator<Item = CharacterId> {
        self.members.iter().filter(|member| !member.hidden).map(|member| member.character)
    }

    fn rating(&self) -> i32 {
        let sum: i64 = self.members.iter().map(|member| i64::from(member.rating)).sum();
        let count = i64::try_from(self.members.len()).unwrap_or(1).max(1);
        i32::try_from(sum / count).expect("a mean of 32 bits has 32 bits")
    }
}

/// Where a match is played.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The attempt at the match that it is for.
    pub(crate) attempt: u16,
    pub(crate) instance: InstanceId,
    pub(crate) region: String,
}

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// Of the pure tournament.
    Core(Action),
    /// A captain registers an entrant.
    Enrol { entrant: EntrantId, entry: Entry },
    /// A member confirms.
    Confirm { entrant: EntrantId, account: AccountId, round_trips: RoundTrips },
    /// An entrant leaves, by itself.
    Leave { entrant: EntrantId, request: RequestId },
    /// An entrant is made to leave, and its members cannot come back.
    Bar { entrant: EntrantId, request: RequestId, admin: String, reason: String },
    /// A match is given an instance.
    Place { match_id: MatchId, place: Place },
    /// A player is forgotten.
    Forget(Forgotten),
}

/// Steps that happen together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) at: UnixMillis,
    pub(crate) steps: Vec<Step>,
}

/// Something that players are to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Tell {
    Effect(Effect),
    /// A team needs the word of its members.
    Invited {
        entrant: EntrantId,
    },
    /// A team will not be.
    Dissolved {
        entrant: EntrantId,
        name: String,
        members: Vec<CharacterId>,
    },
}

/// Why something does not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    Core(Refused),
    /// The account takes part already, as a member of another entrant.
    Entered,
    /// An account is in the team twice.
    TwiceInTeam,
    /// An administrator has barred the account.
    Barred,
    /// There is no such entrant, or the account is no member of it.
    NoEntry,
    /// Only the captain can do this.
    NotCaptain,
    /// The account takes no part in this match.
    NotInMatch,
    /// The match was given another instance, or was given one at all.
    OtherInstance,
    /// The match cannot be joined as it stands.
    NotJoinable,
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        Self::Core(refused)
    }
}

/// A tournament and its surroundings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Live {
    pub(crate) tournament: Tournament,
    pub(crate) entries: BTreeMap<EntrantId, Entry>,
    /// Accounts that cannot enter, and why.
    pub(crate) barred: BTreeMap<AccountId, String>,
    pub(crate) places: BTreeMap<MatchId, Place>,
    /// Teams that each account has invited others to. It could tell them whatever it wants by the names.
    #[serde(default)]
    invited: BTreeMap<AccountId, u8>,
    /// Registrations so far; who came first is seeded first where ratings do not count.
    registrations: i32,
    /// When it started, if it has.
    pub(crate) started_at: Option<UnixMillis>,
}

impl Live {
    pub(crate) fn new(tournament: Tournament) -> Self {
        let (entries, barred, places) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let invited = BTreeMap::new();
        Self { tournament, entries, barred, places, invited, registrations: 0, started_at: None }
    }

    /// The tournament after the steps, and what players should know. All of them happen or none: there is nothing half
    /// done that could be kept.
    pub(crate) fn after(mut self, setup: &Setup, record: &Record) -> Result<(Self, Vec<Tell>), Refusal> {
        let mut tells = Vec::new();
        for step in &record.steps {
            self.take(setup, record.at, step, &mut tells)?;
        }
        tells.retain(is_worth_telling);
        Ok((self, tells))
    }

    fn core(&mut self, at: UnixMillis, action: Action, tells: &mut Vec<Tell>) -> Result<(), Refusal> {
        let effects = self.tournament.apply_or_spoil(Event { at, action })?;
        if self.started_at.is_none() && !self.tournament.seeds().is_empty() {
            self.started_at = Some(at);
        }
        tells.extend(effects.into_iter().map(Tell::Effect));
        Ok(())
    }

    fn take(
        &mut self,
        setup: &Setup,
        at: UnixMillis,
        step: &Step,
        tells: &mut Vec<Tell>,
    ) -> Result<(), Refusal> {
        match step {
            Step::Core(action) => self.core(at, action.clone(), tells),
            Step::Enrol { entrant, entry } => self.enrol(setup, at, (*entrant, entry), tells),
            Step::Confirm { entrant, account, round_trips } => {
                self.confirm(setup, at, (*entrant, *account, round_trips), tells)
            }
            Step::Leave { entrant, request } => self.leave(at, *entrant, *request, tells),
            Step::Bar { entrant, request, reason, .. } => {
                let entry = self.entries.get(entrant).ok_or(Refusal::NoEntry)?;
                // Who was merely named by the captain has nothing to do with it.
                let own = entry.members.iter().filter(|member| member.confirmed);
                self.barred.extend(own.map(|member| (member.account, reason.clone())));
                // A ruling on the last match ends the tournament before: then there is nothing left to leave.
                let over = matches!(self.tournament.phase(), Phase::Finished | Phase::Cancelled);
                if over { Ok(()) } else { self.leave(at, *entrant, *request, tells) }
            }
            Step::Place { match_id, place } => {
                self.places.insert(*match_id, place.clone());
                Ok(())
            }
            Step::Forget(forgotten) => {
                *self = forgotten.hide_in_live(self);
                Ok(())
            }
        }
    }

    /// The entrant that the account is a confirmed member of.
    pub(crate) fn entry_of(&self, account: AccountId) -> Option<(EntrantId, &Entry)> {
        let own = |entry: &Entry| entry.member(account).is_some_and(|member| member.confirmed);
        self.entries.iter().find(|(_, entry)| own(entry)).map(|(entrant, entry)| (*entrant, entry))
    }

    /// Whether the account can become a member of this entrant.
    fn must_be_free(&self, account: AccountId, entrant: EntrantId) -> Result<(), Refusal> {
        if self.barred.contains_key(&account) {
            return Err(Refusal::Barred);
        }
        match self.entry_of(account) {
            Some((own, _)) if own != entrant => Err(Refusal::Entered),
            _ => Ok(()),
        }
    }

    fn enrol(
        &mut self,
        setup: &Setup,
        at: UnixMillis,
        (entrant, entry): (EntrantId, &Entry),
        tells: &mut Vec<Tell>,
    ) -> Result<(), Refusal> {
        let captain = entry.members.first().ok_or(Refusal::NoEntry)?;
        if self.barred.contains_key(&captain.account) {
            return Err(Refusal::Barred);
        }
        if let Some((own, known)) = self.entry_of(captain.account) {
            // The same wish again changes nothing.
            let same = |(a, b): (&Member, &Member)| a.character == b.character;
            let repeated = own == entrant
                && known.name == entry.name
                && known.members.len() == entry.members.len()
                && known.members.iter().zip(&entry.members).all(same);
            return if repeated { Ok(()) } else { Err(Refusal::Entered) };
        }
        // A deletion may have made the id that of a team which is still there.
        if self.entries.contains_key(&entrant) {
            return Err(Refusal::Entered);
        }
        for member in &entry.members {
            self.must_be_free(member.account, entrant)?;
        }
        let mut accounts: Vec<_> = entry.members.iter().map(|member| member.account).collect();
        accounts.sort_unstable();
        if accounts.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Refusal::TwiceInTeam);
        }
        self.must_have_room(at)?;
        self.entries.insert(entrant, entry.clone());
        if entry.is_complete() {
            return self.register(setup, at, entrant, tells);
        }
        let invited = self.invited.entry(captain.account).or_default();
        if *invited >= TEAMS_MAX {
            return Err(Refused::Full("team of this account").into());
        }
        *invited += 1;
        tells.push(Tell::Invited { entrant });
        Ok(())
    }

    /// Refuses teams that can never be registered, and more of them than would ever fit.
    fn must_have_room(&self, at: UnixMillis) -> Result<(), Refusal> {
        let definition = self.tournament.definition();
        if self.tournament.phase() != Phase::Registration {
            return Err(Refused::TooLate("registration is over").into());
        }
        if at < definition.registration.opens_at {
            return Err(Refused::NotYet("registration is not open yet").into());
        }
        if self.entries.len() >= 2 * usize::from(definition.entrants_max) {
            return Err(Refused::Full("entrant").into());
        }
        Ok(())
    }

    fn register(
        &mut self,
        setup: &Setup,
        at: UnixMillis,
        entrant: EntrantId,
        tells: &mut Vec<Tell>,
    ) -> Result<(), Refusal> {
        let entry = self.entries.get(&entrant).ok_or(Refusal::NoEntry)?;
        self.registrations += 1;
        let rating = match setup.definition.seeding {
            Seeding::Registration => -self.registrations,
            Seeding::Rating { .. } => entry.rating(),
        };
        let action = Action::Register { entrant, rating, request: entry.request };
        self.core(at, action, tells)
    }

    fn confirm(
        &mut self,
        setup: &Setup,
        at: UnixMillis,
        (entrant, account, round_trips): (EntrantId, AccountId, &RoundTrips),
        tells: &mut Vec<Tell>,
    ) -> Result<(), Refusal> {
        let entry = self.entries.get(&entrant).ok_or(Refusal::NoEntry)?;
        if entry.member(account).ok_or(Refusal::NoEntry)?.confirmed {
            return Ok(());
        }
        self.must_be_free(account, entrant)?;
        let entry = self.entries.get_mut(&entrant).ok_or(Refusal::NoEntry)?;
        for member in entry.members.iter_mut().filter(|member| member.account == account) {
            member.confirmed = true;
            member.round_trips.clone_from(round_trips);
        }
        if entry.is_complete() { self.register(setup, at, entrant, tells) } else { Ok(()) }
    }

    fn leave(
        &mut self,
        at: UnixMillis,
        entrant: EntrantId,
        request: RequestId,
        tells: &mut Vec<Tell>,
    ) -> Result<(), Refusal> {
        let entry = self.entries.get(&entrant).ok_or(Refusal::NoEntry)?;
        let count = entry.members.len();
        let members: Vec<_> = entry.shown_to().collect();
        let (name, registered) = (entry.name.clone(), entry.is_complete());
        if registered {
            self.core(at, Action::Withdraw { entrant, request }, tells)?;
        }
        // Who has a seed stays in the bracket, under its name.
        if self.tournament.seeds().is_empty() {
            self.entries.remove(&entrant);
            if count > 1 {
                tells.push(Tell::Dissolved { entrant, name, members });
            }
        }
        Ok(())
    }

    /// Who of the entrants are expected or there.
    pub(crate) fn entrants_here(&self) -> usize {
        self.tournament.entrants().values().filter(|known| known.presence.is_here()).count()
    }

    /// Whether the entrant has left a tournament that went on.
    pub(crate) fn presence(&self, entrant: EntrantId) -> Option<Presence> {
        self.tournament.entrants().get(&entrant).map(|known| known.presence)
    }
}

/// Byes need no words, nor does what a ruling or a payment tells by itself.
fn is_worth_telling(tell: &Tell) -> bool {
    use contest::tournament::How;
    match tell {
        Tell::Effect(Effect::MatchFinal { how, .. } | Effect::MatchDecided { how, .. }) => {
            !matches!(how, How::Bye | How::NotNeeded)
        }
        Tell::Effect(Effect::MatchRuled { .. } | Effect::PayPrize { .. }) => false,
        Tell::Effect(_) | Tell::Invited { .. } | Tell::Dissolved { .. } => true,
    }
}
