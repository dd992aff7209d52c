//! Pages of boards: the top, around a character, and of given characters. Who is on a page is read from the order
//! of ranks, and the ranks from the counts, so a page costs the same wherever it is.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use contest::rank::{Rank, RankKey, page_ranks};
use domain::contract::boards::LeaderboardEntry;
use domain::ids::{CharacterId, SeasonId};
use domain::time::UnixMillis;
use futures_util::future::{join_all, try_join_all};

use crate::store::cursor::Cursor;
use crate::store::item::{self, Item, text};
use crate::store::{Store, StoreError, sent};

use super::entries::Placed;
use super::resets::any_reset_key;
use super::{Board, SeasonForm, StoredEntry, key_of, season_key};

/// How often a page around a character is read again because the character moved meanwhile.
const AROUND_TRIES: u32 = 3;

/// What a partition of the order is asked for beyond its share, so that one round is mostly enough.
const SHARE_SLACK: usize = 8;

/// A row of a board.
type BoardRow = LeaderboardEntry;

/// Where a page starts in the order of ranks.
#[derive(Debug, Clone, Copy)]
pub(crate) enum PageStart<'a> {
    Top,
    /// After the place that a page before ended with.
    After(&'a str),
    /// At this place, and on.
    From(&'a str),
    /// Before this place, going up.
    Before(&'a str),
}

/// What stands for some characters, as one call read it.
#[derive(Debug)]
pub(crate) struct Standings {
    pub(crate) season: SeasonId,
    form: Option<Arc<SeasonForm>>,
    entries: HashMap<CharacterId, StoredEntry>,
    names: HashMap<CharacterId, String>,
    /// Calls beyond the first one.
    spent: u32,
}

impl PageStart<'_> {
    const fn condition(self) -> &'static str {
        match self {
            Self::Top => "pk = :order",
            Self::After(_) => "pk = :order AND sk > :place",
            Self::From(_) => "pk = :order AND sk >= :place",
            Self::Before(_) => "pk = :order AND sk < :place",
        }
    }
}

impl Store {
    /// A page of the board, from the top or after a cursor, and the cursor of the next one.
    pub(crate) async fn board_page(
        &self,
        form: &SeasonForm,
        start: PageStart<'_>,
        limit: usize,
    ) -> Result<(Vec<BoardRow>, Option<Cursor>), StoreError> {
        let mut placed = self.placed(form, start, limit + 1).await?;
        let is_last = placed.len() <= limit;
        placed.truncate(limit);
        let end = placed.last().filter(|_| !is_last);
        let next = end.map(|last| Cursor::at("place", &format!("{}#{last}", form.season)));
        Ok((self.rows(form, &placed).await?, next))
    }

    /// The `limit` entries of which the character's is in the middle, or as near to it as the ends of the board
    /// allow. Empty if the character has no entry that counts.
    pub(crate) async fn board_around(
        &self,
        board: &Board,
        season: Option<SeasonId>,
        character: CharacterId,
        limit: usize,
        now: UnixMillis,
    ) -> Result<(SeasonId, Vec<BoardRow>), StoreError> {
        let mut tries = 0;
        loop {
            let standings = self.board_entries_of(board, season, &[character], now).await?;
            let Some((form, entry)) = standings.counted(character) else {
                return Ok((standings.season, Vec::new()));
            };
            let own = entry.placed(form, character).to_string();
            let (mut above, mut below) = futures_util::future::try_join(
                self.placed(form, PageStart::Before(&own), limit - 1),
                self.placed(form, PageStart::From(&own), limit),
            )
            .await?;
            tries += 1;
            if below.first().is_none_or(|first| first.character != character) && tries < AROUND_TRIES {
                continue;
            }
            let spare_below = (limit / 2 + 1).saturating_sub(below.len());
            above.truncate((limit - 1) / 2 + spare_below);
            below.truncate(limit - above.len());
            above.reverse();
            above.append(&mut below);
            return Ok((standings.season, self.rows(form, &above).await?));
        }
    }

    /// The rows of those of the characters that have an entry that counts, the best first; at most 100.
    pub(crate) async fn board_rows_of(
        &self,
        board: &Board,
        season: Option<SeasonId>,
        characters: &[CharacterId],
        now: UnixMillis,
    ) -> Result<(SeasonId, Vec<BoardRow>), StoreError> {
        let standings = self.board_entries_of(board, season, characters, now).await?;
        let Some(form) = &standings.form else { return Ok((standings.season, Vec::new())) };
        let counted = standings.entries.iter().filter(|(_, entry)| !entry.is_hidden);
        let mut placed: Vec<_> = counted.map(|(id, entry)| entry.placed(form, *id)).collect();
        placed.sort_unstable();
        let keys: Vec<_> = placed.iter().map(|placed| placed.key).collect();
        let ranks = match keys[..] {
            [key] => BTreeMap::from([(key, self.rank_of_key(form, key, standings.spent).await?)]),
            _ => self.ranks_of_keys(form, &keys).await?,
        };
        let row = |placed: &Placed| row(form, placed, ranks[&placed.key], &standings.names);
        Ok((standings.season, placed.iter().map(row).collect()))
    }

    /// What stands for the characters, and their names: one call for up to 49 of them, plus one when the board was
    /// reset behind this process's back or the process does not know the season yet.
    pub(crate) async fn board_entries_of(
        &self,
        board: &Board,
        season: Option<SeasonId>,
        characters: &[CharacterId],
        now: UnixMillis,
    ) -> Result<Standings, StoreError> {
        let mut spent = 0;
        loop {
            let guess = season.unwrap_or_else(|| self.season_guess(board, now));
            let entry = format!("e#{}", season_key(&board.key, guess));
            let mut keys: Vec<_> = characters.iter().map(|id| key_of(id, &entry)).collect();
            keys.push(any_reset_key(board));
            let (items, players) = self.board_items(keys, characters).await?;
            let mut entries = HashMap::new();
            let mut reset = None;
            for item in &items {
                if item::read_text(item, "sk")? == entry {
                    entries.insert(item::read_parsed(item, "pk")?, StoredEntry::read(item)?);
                } else {
                    reset = Some(item);
                }
            }
            self.note_reset(board, reset)?;
            if season.is_some() || self.season_guess(board, now) == guess {
                let form = self.season_form(board, guess).await?;
                return Ok(Standings { season: guess, form, entries, names: names_in(&players)?, spent });
            }
            spent = 1;
        }
    }

    /// The first `limit` places from `start` on, in the order of the way.
    async fn placed(
        &self,
        form: &SeasonForm,
        start: PageStart<'_>,
        limit: usize,
    ) -> Result<Vec<Placed>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let parts = usize::try_from(form.partitions).unwrap_or(1);
        let share = (2 * limit / parts + SHARE_SLACK).min(limit);
        let is_up = matches!(start, PageStart::Before(_));
        let reads = (0..form.partitions).map(|part| self.placed_in(form, part, start, share));
        let mut runs = try_join_all(reads).await?;
        let sorted = |runs: &[Vec<Placed>]| {
            let mut all: Vec<_> = runs.iter().flatten().copied().collect();
            if is_up {
                all.sort_unstable_by(|one, other| other.cmp(one));
            } else {
                all.sort_unstable();
            }
            // An entry that moved between two reads is there twice.
            let mut seen = std::collections::BTreeSet::new();
            all.retain(|placed| seen.insert(placed.character));
            all.truncate(limit);
            all
        };
        let first = sorted(&runs);
        // A partition that gave its whole share and ends before the page does may hold more of it.
        let is_short = |run: &Vec<Placed>| {
            let ends_within = match (run.last(), first.last()) {
                (Some(last), Some(end)) if is_up => last >= end,
                (Some(last), Some(end)) => last <= end,
                _ => false,
            };
            run.len() == share && share < limit && (ends_within || first.len() < limit)
        };
        let numbers = (0..form.partitions).zip(&runs).filter(|(_, run)| is_short(run));
        let short: Vec<u32> = numbers.map(|(part, _)| part).collect();
        if short.is_empty() {
            return Ok(first);
        }
        let reads = short.iter().map(|part| self.placed_in(form, *part, start, limit));
        for (part, run) in short.iter().zip(join_all(reads).await) {
            runs[usize::try_from(*part).unwrap_or(0)] = run?;
        }
        Ok(sorted(&runs))
    }

    async fn placed_in(
        &self,
        form: &SeasonForm,
        partition: u32,
        start: PageStart<'_>,
        limit: usize,
    ) -> Result<Vec<Placed>, StoreError> {
        let mut call = self
            .client
            .query()
            .table_name(&self.tables.boards)
            .key_condition_expression(start.condition())
            .expression_attribute_values(":order", text(form.order_key(false, partition)))
            .consistent_read(true)
            .scan_index_forward(!matches!(start, PageStart::Before(_)))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX));
        if let PageStart::After(place) | PageStart::From(place) | PageStart::Before(place) = start {
            call = call.expression_attribute_values(":place", text(place));
        }
        let items = sent(call.send()).await?.items.unwrap_or_default();
        items.iter().map(Placed::read).collect()
    }

    /// Ranks and names for consecutive places. The ranks of the first, the second and the last key are read, all
    /// others follow by counting; where the last does not fit, somebody moved meanwhile.
    async fn rows(&self, form: &SeasonForm, placed: &[Placed]) -> Result<Vec<BoardRow>, StoreError> {
        let keys: Vec<RankKey> = placed.iter().map(|placed| placed.key).collect();
        let (Some(first), Some(last)) = (keys.first(), keys.last()) else { return Ok(Vec::new()) };
        let next = keys.iter().position(|key| key != first).unwrap_or(keys.len());
        let asked: Vec<_> = [first, last].into_iter().chain(keys.get(next)).copied().collect();
        let characters: Vec<_> = placed.iter().map(|placed| placed.character).collect();
        let (ranks, (_, players)) = futures_util::future::try_join(
            self.ranks_of_keys(form, &asked),
            self.board_items(Vec::new(), &characters),
        )
        .await?;
        let mut counted = vec![ranks[first].rank; next];
        if let Some(key) = keys.get(next) {
            counted.extend(page_ranks(ranks[key].rank, ranks[key].rank, &keys[next..]));
        }
        let is_exact = ranks.values().all(|rank| rank.is_exact) && counted.last() == Some(&ranks[last].rank);
        let names = names_in(&players)?;
        let row = |(placed, rank): (&Placed, u64)| row(form, placed, Rank { rank, is_exact }, &names);
        Ok(placed.iter().zip(counted).map(row).collect())
    }
}

impl Standings {
    /// The entry of the character, if it counts.
    pub(crate) fn counted(&self, character: CharacterId) -> Option<(&SeasonForm, &StoredEntry)> {
        let entry = self.entries.get(&character).filter(|entry| !entry.is_hidden)?;
        Some((self.form.as_deref()?, entry))
    }

    /// The entry of the character, hidden or not.
    pub(super) fn entry(&self, character: CharacterId) -> Option<(&SeasonForm, &StoredEntry)> {
        Some((self.form.as_deref()?, self.entries.get(&character)?))
    }
}

fn row(form: &SeasonForm, placed: &Placed, rank: Rank, names: &HashMap<CharacterId, String>) -> BoardRow {
    let score = form.tree.keys().score(placed.key);
    LeaderboardEntry {
        rank: rank.rank,
        is_exact: rank.is_exact,
        character: placed.character,
        name: names.get(&placed.character).cloned(),
        score: score.score,
        subscore: score.subscore,
        reached_at: placed.reached_at,
    }
}

/// Names are read where they are kept, so that a rename needs no write here.
fn names_in(players: &[Item]) -> Result<HashMap<CharacterId, String>, StoreError> {
    let living = players.iter().filter(|item| !item.contains_key("deleted_at"));
    living
        .map(|item| Ok((item::read_parsed(item, "pk")?, item::read_text(item, "name")?.to_owned())))
        .collect()
}
