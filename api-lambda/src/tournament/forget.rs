//! Forgetting a player: ids and words make way for others of the same form, which belong to nobody, so that whoever
//! reads the tournament still can. The same is done to the state, to each record, and to what is to be told of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use contest::tournament::{EntrantId, Phase, RequestId};
use domain::ids::{AccountId, CharacterId, TournamentId};
use domain::time::UnixMillis;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Entry, Live, Record, Step, Tell};

/// What stands in the place of names and words.
const ERASED: &str = "Erased";

/// Who is forgotten.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Forgotten {
    /// What stands in the place of each id. Both without a prefix: an entrant has the id of its captain without it.
    ids: BTreeMap<String, String>,
    names: BTreeSet<String>,
}

/// The part of an id that its form as the id of something else has too.
fn bare(id: &impl Display) -> String {
    let text = id.to_string();
    text.rsplit_once('_').map_or_else(|| text.clone(), |(_, bare)| bare.to_owned())
}

impl Forgotten {
    /// The masks are the same each time, so that what was begun can be ended, and others in another tournament.
    pub(crate) fn new(
        tournament: TournamentId,
        account: AccountId,
        characters: &BTreeSet<CharacterId>,
        names: &BTreeSet<String>,
    ) -> Self {
        let ids = std::iter::once(bare(&account)).chain(characters.iter().map(bare));
        let mask = |id: &String| {
            let hash = Sha256::digest(format!("{tournament}#{account}#{id}"));
            let low = hash.iter().take(10).fold(0_u128, |low, byte| low << 8 | u128::from(*byte));
            // Of the beginning of time, so that it is known for what it is.
            bare(&CharacterId::new(UnixMillis::new(0), low))
        };
        Self { ids: ids.map(|id| (id.clone(), mask(&id))).collect(), names: names.clone() }
    }

    /// Whether the text has one of the ids.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        self.ids.keys().any(|id| text.contains(id))
    }

    /// The text with masks for the ids.
    pub(crate) fn hide(&self, text: &str) -> String {
        self.ids.iter().fold(text.to_owned(), |text, (id, mask)| text.replace(id, mask))
    }

    fn hide_ids<T: Serialize + DeserializeOwned>(&self, value: &T) -> T {
        let text = serde_json::to_string(value).expect("it is plain data");
        serde_json::from_str(&self.hide(&text)).expect("a mask has the form of an id")
    }

    fn is_mask(&self, id: &impl Display) -> bool {
        let id = bare(id);
        self.ids.values().any(|mask| *mask == id)
    }

    /// A reason without the names, where they stand as whole words.
    fn reword(&self, words: &mut String) {
        for name in &self.names {
            let is_part = |near: Option<char>| near.is_some_and(char::is_alphanumeric);
            let mut from = 0;
            while let Some(at) = words[from..].find(name.as_str()).map(|at| at + from) {
                let end = at + name.len();
                from = end;
                if !is_part(words[..at].chars().next_back()) && !is_part(words[end..].chars().next()) {
                    words.replace_range(at..end, ERASED);
                    from = at + ERASED.len();
                }
            }
        }
    }

    /// A reason: nothing is left of one that an entrant of the player gave.
    fn reword_of(&self, entrants: &BTreeSet<EntrantId>, by: Option<EntrantId>, words: &mut String) {
        if by.is_some_and(|by| entrants.contains(&by)) {
            ERASED.clone_into(words);
        } else {
            self.reword(words);
        }
    }

    /// The team's name is its captain's word.
    fn hide_in_entry(&self, entry: &mut Entry) {
        if entry.members.first().is_some_and(|captain| self.is_mask(&captain.account)) {
            ERASED.clone_into(&mut entry.name);
        }
        for member in entry.members.iter_mut().filter(|member| self.is_mask(&member.account)) {
            ERASED.clone_into(&mut member.name);
            member.round_trips.clear();
        }
    }

    /// The entrants that have a mask among their members.
    pub(crate) fn entrants(&self, live: &Live) -> BTreeSet<EntrantId> {
        let of = |entry: &Entry| entry.members.iter().any(|member| self.is_mask(&member.account));
        live.entries.iter().filter(|(_, entry)| of(entry)).map(|(entrant, _)| *entrant).collect()
    }

    /// The state without the player.
    pub(super) fn hide_in_live(&self, live: &Live) -> Live {
        let mut live = self.hide_ids(live);
        let entrants = self.entrants(&live);
        live.entries.values_mut().for_each(|entry| self.hide_in_entry(entry));
        live.barred.values_mut().for_each(|reason| self.reword(reason));
        live.tournament.reword(|by, words| self.reword_of(&entrants, by, words));
        live
    }

    /// A record without the player. It is only read, never to be applied again.
    pub(crate) fn hide_in_record(&self, record: &Record, entrants: &BTreeSet<EntrantId>) -> Record {
        let mut record: Record = self.hide_ids(record);
        for step in &mut record.steps {
            match step {
                Step::Core(action) => action.reword(|by, words| self.reword_of(entrants, by, words)),
                Step::Enrol { entry, .. } => self.hide_in_entry(entry),
                Step::Confirm { account, round_trips, .. } if self.is_mask(account) => round_trips.clear(),
                Step::Bar { reason, .. } => self.reword(reason),
                Step::Forget(forgotten) => *forgotten = Self::default(),
                Step::Confirm { .. } | Step::Leave { .. } | Step::Place { .. } => {}
            }
        }
        record
    }

    /// What is to be told, without the player.
    pub(crate) fn hide_in_tells(&self, tells: &[Tell]) -> Vec<Tell> {
        let mut tells: Vec<Tell> = tells.iter().map(|tell| self.hide_ids(tell)).collect();
        for tell in &mut tells {
            if let Tell::Dissolved { entrant, name, .. } = tell
                && self.is_mask(entrant)
            {
                ERASED.clone_into(name);
            }
        }
        tells
    }
}

impl Live {
    /// Until the start the entrants of the account leave, since they could not play. Later they stay in the bracket,
    /// with nobody in the place of the player.
    pub(crate) fn forget_steps(
        &self,
        account: AccountId,
        forgotten: &Forgotten,
        request: RequestId,
    ) -> Vec<Step> {
        let mut steps = Vec::new();
        if matches!(self.tournament.phase(), Phase::Registration | Phase::CheckIn) {
            let own = self.entries.iter().filter(|(_, entry)| entry.member(account).is_some());
            steps.extend(own.map(|(entrant, _)| Step::Leave { entrant: *entrant, request }));
        }
        steps.push(Step::Forget(forgotten.clone()));
        steps
    }
}
