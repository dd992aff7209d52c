//! Matches whose time has come: those without an instance get one, those who did not come lose their places, and a
//! match that has gone on for too long ends.

use std::collections::BTreeSet;

use domain::contract::coordinator::SweptMatches;
use domain::contract::instances::Purpose;
use domain::ids::MatchId;
use domain::time::UnixMillis;

use crate::roster::{PLACING_MILLIS_MAX, Roster, Stage};
use crate::store::item::{self, text};
use crate::store::matches::{StoredMatch, due_shard};
use crate::store::tickets::form::FEW_SHARDS;
use crate::store::{Store, StoreError, sent};

/// Matches of one shard that one sweep looks at; the others wait for the next.
const SHARD_PAGE: i32 = 25;

/// What the players of a match are told about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MatchNews {
    /// There is a match.
    Formed,
    /// There is an instance to go to.
    Ready,
    /// Others are in it now.
    Roster,
    /// It came to nothing; who was there waits again.
    Dissolved,
}

impl MatchNews {
    /// The word for clients.
    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Self::Formed => "formed",
            Self::Ready => "ready",
            Self::Roster => "roster",
            Self::Dissolved => "dissolved",
        }
    }
}

/// A match that changed, for those who tell its players.
pub(crate) type Changed = (MatchNews, Roster);

impl Store {
    /// Looks after the matches of the region that are due. What changed is told beside the counts.
    pub(crate) async fn sweep_matches(
        &self,
        region: &str,
        now: UnixMillis,
    ) -> Result<(SweptMatches, Vec<Changed>), StoreError> {
        let mut swept = SweptMatches::default();
        let mut news = Vec::new();
        for shard in 0..FEW_SHARDS {
            for id in self.due_matches(region, shard, now).await? {
                swept.due += 1;
                // One that cannot be looked after must not keep the others from it.
                if let Err(error) = self.sweep_match(id, now, &mut swept, &mut news).await {
                    swept.failed += 1;
                    tracing::warn!(kind = error.kind(), %error, match_id = %id, "a match was not looked after");
                }
            }
        }
        Ok((swept, news))
    }

    async fn sweep_match(
        &self,
        id: MatchId,
        now: UnixMillis,
        swept: &mut SweptMatches,
        news: &mut Vec<Changed>,
    ) -> Result<(), StoreError> {
        let Some(found) = self.stored_match(id).await? else { return Ok(()) };
        match found.roster.stage {
            Stage::Placing => self.place_match(&found, now, swept, news).await,
            Stage::Open => self.count_in_match(&found, now, swept, news).await,
            Stage::Over => Ok(()),
        }
    }

    async fn due_matches(
        &self,
        region: &str,
        shard: u128,
        now: UnixMillis,
    ) -> Result<Vec<MatchId>, StoreError> {
        let call = self
            .client
            .query()
            .table_name(&self.tables.matchmaking)
            .index_name("by_due")
            .key_condition_expression("due = :due AND due_at < :end")
            .expression_attribute_values(":due", text(due_shard(region, shard)))
            .expression_attribute_values(":end", text(format!("{:013}", now.as_millis() + 1)))
            .limit(SHARD_PAGE);
        let items = sent(call.send()).await?.items.unwrap_or_default();
        items.iter().map(|item| item::read_parsed(item, "pk")).collect()
    }

    /// Gives the match its instance. The instance's id follows from the match, so that a sweep that was cut short and
    /// one that repeats it open the same one.
    pub(crate) async fn place_match(
        &self,
        found: &StoredMatch,
        now: UnixMillis,
        swept: &mut SweptMatches,
        news: &mut Vec<Changed>,
    ) -> Result<(), StoreError> {
        let mut roster = found.roster.clone();
        if roster.is_void(&BTreeSet::new()) {
            return self.dissolve(found, now, swept, news).await;
        }
        let purpose = Purpose::Match(roster.id);
        let opened = self.open_instance_as(roster.instance(), &roster.rules.zone, &purpose, now).await?;
        if opened.is_some() {
            roster.open(now);
            if self.replace_match(found, &roster, now).await? {
                swept.placed += 1;
                news.push((MatchNews::Ready, roster));
            }
            return Ok(());
        }
        if now.millis_since(roster.created_at) >= PLACING_MILLIS_MAX {
            return self.dissolve(found, now, swept, news).await;
        }
        Ok(())
    }

    async fn count_in_match(
        &self,
        found: &StoredMatch,
        now: UnixMillis,
        swept: &mut SweptMatches,
        news: &mut Vec<Changed>,
    ) -> Result<(), StoreError> {
        let mut roster = found.roster.clone();
        if roster.is_over(now) {
            // Without a result: it only must not be offered to those who wait any more.
            roster.end();
            return self.replace_match(found, &roster, now).await.map(drop);
        }
        let instance = roster.instance();
        let there = self.whereabouts(&roster.characters()).await?;
        let mut come = self.arrived(&roster).await?;
        // The claim stands even where the arrival could not be noted.
        come.extend(there.into_iter().filter(|it| it.instance == instance).map(|it| it.character));
        let missed = roster.count_in(&come, now);
        if roster.is_void(&come) {
            // Those who came wait again; who missed it does not.
            return self.dissolve_as(found, roster, now, swept, news).await;
        }
        if self.replace_match(found, &roster, now).await? {
            for character in &missed {
                self.free_seat(instance, *character).await?;
            }
            swept.missed += u32::try_from(missed.len()).unwrap_or(u32::MAX);
            if !missed.is_empty() {
                news.push((MatchNews::Roster, roster));
            }
        }
        Ok(())
    }

    async fn dissolve(
        &self,
        found: &StoredMatch,
        now: UnixMillis,
        swept: &mut SweptMatches,
        news: &mut Vec<Changed>,
    ) -> Result<(), StoreError> {
        self.dissolve_as(found, found.roster.clone(), now, swept, news).await
    }

    /// Ends a match that came to nothing. Tickets of which all still have their places wait again, with the time of
    /// their first; all of it in one transaction.
    async fn dissolve_as(
        &self,
        found: &StoredMatch,
        mut roster: Roster,
        now: UnixMillis,
        swept: &mut SweptMatches,
        news: &mut Vec<Changed>,
    ) -> Result<(), StoreError> {
        let lost: BTreeSet<_> =
            roster.seats().filter(|seat| !seat.is_held()).map(|seat| seat.ticket).collect();
        let whole: BTreeSet<_> =
            roster.held().map(|seat| seat.ticket).filter(|ticket| !lost.contains(ticket)).collect();
        let tickets = self.tickets(&whole.into_iter().collect::<Vec<_>>()).await?;
        let told = roster.clone();
        roster.end();
        let mut parts = vec![self.match_part(Some(found.revision), &roster, None, now)];
        let home = &roster.rules.home;
        parts.extend(tickets.iter().map(|ticket| self.reopen_ticket_part(ticket, roster.id, home, now)));
        if self.transact(parts).await?.is_ok() {
            swept.dissolved += 1;
            self.close_instance(roster.instance(), "the match came to nothing", now).await?;
            news.push((MatchNews::Dissolved, told));
        }
        Ok(())
    }
}
