//! Ratings of characters by queue, in the table `matchmaking` as `chr_...`/`rating#...`. Who won is not known here.
//!
//! A rating is a character's, not its account's: level and equipment are the character's too, and so is the part that
//! it plays in a team. Where skill is all that counts, a game gives each account one character.

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use contest::rating::Rating;
use domain::contract::matchmaking::QueueRating;
use domain::ids::{CharacterId, QueueId};
use domain::time::UnixMillis;

use crate::store::item::{self, Item, number, text};
use crate::store::page::all;
use crate::store::tickets::matchmaking_key;
use crate::store::{ITEM_VERSION, Store, StoreError, transact};

const RATING_PREFIX: &str = "rating#";

fn rating_key(queue: &QueueId) -> String {
    format!("{RATING_PREFIX}{queue}")
}

/// A rating as it is stored, or that of a newcomer.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct StoredRating {
    pub(crate) rating: Rating,
    /// Matches that were counted; 0: nothing is stored.
    pub(crate) matches: u64,
}

impl Store {
    /// The ratings of these characters in the queue, in their order.
    pub(crate) async fn ratings(
        &self,
        queue: &QueueId,
        characters: &[CharacterId],
    ) -> Result<Vec<StoredRating>, StoreError> {
        let keys = characters.iter().map(|character| matchmaking_key(character, rating_key(queue))).collect();
        let mut found = std::collections::BTreeMap::new();
        for item in self.matchmaking_items(keys).await? {
            found.insert(item::read_parsed::<CharacterId>(&item, "pk")?, read_rating(&item)?);
        }
        Ok(characters.iter().map(|character| found.get(character).copied().unwrap_or_default()).collect())
    }

    /// Every rating of the character, by the queue's name.
    pub(crate) async fn ratings_of(&self, character: CharacterId) -> Result<Vec<QueueRating>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.matchmaking)
            .key_condition_expression("pk = :character AND begins_with(sk, :prefix)")
            .expression_attribute_values(":character", text(character))
            .expression_attribute_values(":prefix", text(RATING_PREFIX))
            .consistent_read(true);
        let mut ratings = Vec::new();
        for item in all(query).await? {
            let stored = read_rating(&item)?;
            ratings.push(QueueRating {
                queue: item::read_parsed(&item, "queue")?,
                mu: stored.rating.mu(),
                sigma: stored.rating.sigma(),
                ordinal: stored.rating.ordinal(),
                matches: stored.matches,
                updated_at: UnixMillis::new(item::read_number(&item, "updated_at")?),
            });
        }
        Ok(ratings)
    }

    /// The rating after one match more, if it is still `before`, as part of a transaction.
    pub(crate) fn rating_part(
        &self,
        queue: &QueueId,
        character: CharacterId,
        before: StoredRating,
        after: Rating,
        now: UnixMillis,
    ) -> TransactWriteItem {
        let update = Update::builder()
            .table_name(&self.tables.matchmaking)
            .key("pk", text(character))
            .key("sk", text(rating_key(queue)))
            .update_expression(
                "SET v = :v, queue = :queue, mu = :mu, sigma = :sigma, updated_at = :now ADD matches :one",
            )
            .expression_attribute_values(":v", number(ITEM_VERSION))
            .expression_attribute_values(":queue", text(queue))
            .expression_attribute_values(":mu", text(after.mu()))
            .expression_attribute_values(":sigma", text(after.sigma()))
            .expression_attribute_values(":now", number(now.as_millis()))
            .expression_attribute_values(":one", number(1));
        transact::update(if before.matches == 0 {
            update.condition_expression("attribute_not_exists(pk)")
        } else {
            update
                .condition_expression("matches = :before")
                .expression_attribute_values(":before", number(before.matches))
        })
    }
}

/// Mean and deviation are kept as text, which gives back the same bits.
fn read_rating(item: &Item) -> Result<StoredRating, StoreError> {
    item::check_version(item)?;
    let (mu, sigma) = (item::read_parsed(item, "mu")?, item::read_parsed(item, "sigma")?);
    let rating = Rating::new(mu, sigma).map_err(|error| StoreError::Corrupt {
        pk: item::read_text(item, "pk").unwrap_or_default().to_owned(),
        reason: error.to_string(),
    })?;
    Ok(StoredRating { rating, matches: item::read_number(item, "matches")? })
}
