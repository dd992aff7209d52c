//! Submitted scores: what they do to the entries that stand, as parts of one transaction with whatever brought
//! them. Many scores of one transaction change each count once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use aws_sdk_dynamodb::types::TransactWriteItem;
use contest::rank::{Change, Score, ScoreOverflow};
use domain::contract::boards::{CharacterScore, ScoresSubmitted, StandingScore};
use domain::ids::{CharacterId, SeasonId};
use domain::time::UnixMillis;

use crate::store::batches::TRANSACTION_PARTS_MAX;
use crate::store::item::{self, Item};
use crate::store::requests::StoredAnswer;
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off};

use super::hide::{Flag, flag_key};
use super::resets::any_reset_key;
use super::{Board, SeasonForm, StoredEntry, entry_sort_key, key_of, season_key};

/// A score on its way to a board.
#[derive(Debug, Clone)]
pub(crate) struct Submission {
    pub(crate) board: Arc<Board>,
    pub(crate) character: CharacterId,
    pub(crate) score: Score,
}

/// What a transaction must hold for its scores, as of one reading.
#[derive(Debug, Default)]
pub(crate) struct Planned {
    /// To be added at the end. If one of them is refused, somebody was faster: plan again.
    pub(crate) parts: Vec<TransactWriteItem>,
    /// What stands then, for each submission.
    pub(crate) outcomes: Vec<Result<(SeasonId, StoredEntry), ScoreOverflow>>,
}

/// Why scores were not stored.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The request was answered before, or is being answered now.
    Repeated,
    NoCharacter(CharacterId),
    Overflow(CharacterId),
    /// The values are so far apart, and outside of the usual range, that one transaction cannot hold them.
    TooFar,
}

/// One entry before and after.
struct State {
    form: Arc<SeasonForm>,
    old: Option<StoredEntry>,
    new: Option<StoredEntry>,
}

/// What was read for a plan.
struct Standing {
    seasons: BTreeMap<String, Arc<SeasonForm>>,
    items: HashMap<(String, String), Item>,
}

impl Store {
    /// Plans the scores in their order, for the season that is on at `now`. `writer` chooses the shard.
    pub(crate) async fn plan_scores(
        &self,
        submissions: &[&Submission],
        now: UnixMillis,
        writer: u32,
    ) -> Result<Planned, StoreError> {
        if submissions.is_empty() {
            return Ok(Planned::default());
        }
        let standing = self.read_standing(submissions, now).await?;
        let mut states: BTreeMap<(CharacterId, &str), State> = BTreeMap::new();
        let mut flags = BTreeMap::new();
        let mut outcomes = Vec::new();
        for Submission { board, character, score } in submissions {
            let (character, form) = (*character, &standing.seasons[&board.key]);
            let flag = standing.item(&flag_key(character)).map(Flag::read).transpose()?;
            let is_hidden = flag.is_some_and(Flag::is_hidden);
            flags.insert(character, flag);
            let state = match states.entry((character, &board.key)) {
                std::collections::btree_map::Entry::Occupied(state) => state.into_mut(),
                std::collections::btree_map::Entry::Vacant(state) => {
                    let old = standing.item(&key_of(character, form.entry_sort_key()));
                    let old = old.map(StoredEntry::read).transpose()?;
                    state.insert(State { form: Arc::clone(form), old, new: old })
                }
            };
            let applied = state.apply(board, *score, is_hidden, now);
            outcomes.push(applied.map(|entry| (form.season, entry)));
        }
        Ok(Planned { parts: self.state_parts(&states, &flags, writer), outcomes })
    }

    fn state_parts(
        &self,
        states: &BTreeMap<(CharacterId, &str), State>,
        flags: &BTreeMap<CharacterId, Option<Flag>>,
        writer: u32,
    ) -> Vec<TransactWriteItem> {
        let mut parts = Vec::new();
        let mut new_on_a_board = BTreeSet::new();
        let mut changes: BTreeMap<&str, (&SeasonForm, Vec<Change>)> = BTreeMap::new();
        for ((character, board), state) in states.iter().filter(|(_, state)| state.old != state.new) {
            let State { form, old, new } = state;
            parts.extend(self.entry_parts(form, *character, old.as_ref(), new.as_ref()));
            if old.is_none() {
                new_on_a_board.insert(*character);
            }
            let counted = |entry: &Option<StoredEntry>| entry.and_then(|entry| entry.counted(form));
            let change = Change { old: counted(old), new: counted(new) };
            changes.entry(board).or_insert((form.as_ref(), Vec::new())).1.push(change);
        }
        // Whoever hides a character changes the entries that there are: a new one must not slip through.
        parts.extend(new_on_a_board.into_iter().map(|id| self.flag_check(id, flags[&id].as_ref())));
        for (form, changes) in changes.into_values() {
            let updates = form.tree.updates_of(&changes, writer);
            parts.extend(updates.iter().map(|update| self.count_part(form, update)));
        }
        parts
    }

    /// Reads the season of each board, the entries and the flags by one call, as long as no board was reset
    /// behind this process's back.
    async fn read_standing(
        &self,
        submissions: &[&Submission],
        now: UnixMillis,
    ) -> Result<Standing, StoreError> {
        let boards: BTreeMap<&str, &Arc<Board>> =
            submissions.iter().map(|one| (one.board.key.as_str(), &one.board)).collect();
        loop {
            let guesses: BTreeMap<&str, SeasonId> =
                boards.iter().map(|(key, board)| (*key, self.season_guess(board, now))).collect();
            let resets: Vec<_> = boards.values().map(|board| any_reset_key(board)).collect();
            let mut keys: BTreeMap<(String, String), Item> = BTreeMap::new();
            for Submission { board, character, .. } in submissions {
                let entry = entry_sort_key(&season_key(&board.key, guesses[board.key.as_str()]));
                for key in [key_of(character, entry), flag_key(*character)] {
                    keys.insert(pair_of(&key)?, key);
                }
            }
            let all = keys.into_values().chain(resets.iter().cloned()).collect();
            let (items, _) = self.board_items(all, &[]).await?;
            let items: HashMap<_, _> = items
                .into_iter()
                .map(|item| Ok((pair_of(&item)?, item)))
                .collect::<Result<_, StoreError>>()?;
            let mut seasons = BTreeMap::new();
            for (board, reset) in boards.values().zip(&resets) {
                self.note_reset(board, items.get(&pair_of(reset)?))?;
                let season = self.season_guess(board, now);
                if season == guesses[board.key.as_str()] {
                    let form = self.season_form_or_new(board, season).await?;
                    seasons.insert(board.key.clone(), form);
                }
            }
            if seasons.len() == boards.len() {
                return Ok(Standing { seasons, items });
            }
        }
    }

    /// Stores scores with the answer to their request; all or none.
    pub(crate) async fn submit_scores(
        &self,
        board: &Arc<Board>,
        scores: &[CharacterScore],
        now: UnixMillis,
        answer: impl Fn(&ScoresSubmitted) -> StoredAnswer,
    ) -> Result<Result<ScoresSubmitted, Refusal>, StoreError> {
        let submission = |score: &CharacterScore| Submission {
            board: Arc::clone(board),
            character: score.character,
            score: Score { score: score.score, subscore: score.subscore },
        };
        let submissions: Vec<_> = scores.iter().map(submission).collect();
        let submissions: Vec<_> = submissions.iter().collect();
        for attempt in 0..ATTEMPTS_MAX {
            let writer = u32::try_from(crate::clock::random_u128() >> 96).expect("the upper 32 bits");
            let planned = self.plan_scores(&submissions, now, writer).await?;
            let mut submitted = ScoresSubmitted { season: SeasonId(0), standing: Vec::new() };
            for (score, outcome) in scores.iter().zip(planned.outcomes) {
                let Ok((season, entry)) = outcome else { return Ok(Err(Refusal::Overflow(score.character))) };
                submitted.season = season;
                submitted.standing.push(standing_score(score.character, &entry));
            }
            let mut parts = vec![self.answer_part(&answer(&submitted))];
            parts.extend(scores.iter().map(|score| self.lives_part(score.character)));
            parts.extend(planned.parts);
            if parts.len() > TRANSACTION_PARTS_MAX {
                return Ok(Err(Refusal::TooFar));
            }
            let Err(parts) = self.transact(parts).await? else { return Ok(Ok(submitted)) };
            if parts[0].is_refused() {
                return Ok(Err(Refusal::Repeated));
            }
            if let Some((score, _)) = scores.iter().zip(&parts[1..]).find(|(_, part)| part.is_refused()) {
                return Ok(Err(Refusal::NoCharacter(score.character)));
            }
            back_off(attempt).await;
        }
        Err(StoreError::Contended("an entry of a board"))
    }
}

impl State {
    /// The entry after one more score.
    fn apply(
        &mut self,
        board: &Board,
        submitted: Score,
        is_hidden: bool,
        now: UnixMillis,
    ) -> Result<StoredEntry, ScoreOverflow> {
        let keys = self.form.tree.keys();
        let submitted = if keys.has_subscores() { submitted } else { Score { subscore: 0, ..submitted } };
        let standing = self.new.map(|entry| entry.score);
        let score = board.operator().apply(keys.order(), standing, submitted)?;
        let entry = match self.new {
            // Whoever has the score already has had it for longer.
            Some(entry) if entry.score == score => entry,
            _ => StoredEntry {
                score,
                reached_at: now,
                is_hidden: self.old.map_or(is_hidden, |old| old.is_hidden),
                version: self.old.map_or(1, |old| old.version + 1),
            },
        };
        self.new = Some(entry);
        Ok(entry)
    }
}

impl Standing {
    fn item(&self, key: &Item) -> Option<&Item> {
        self.items.get(&pair_of(key).ok()?)
    }
}

fn pair_of(item: &Item) -> Result<(String, String), StoreError> {
    Ok((item::read_text(item, "pk")?.to_owned(), item::read_text(item, "sk")?.to_owned()))
}

fn standing_score(character: CharacterId, entry: &StoredEntry) -> StandingScore {
    let StoredEntry { score: Score { score, subscore }, reached_at, .. } = *entry;
    StandingScore { character, score, subscore, reached_at }
}
