//! The store: every DynamoDB table, key and expression of the API is here and in `store/`. It knows no HTTP
//! and no token; it speaks in ids and in the messages of `domain::contract`.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::KeysAndAttributes;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

use crate::clock::Deadline;
use crate::config::ApiConfig;
use item::Item;
use meter::processor::outside;

pub(crate) mod admin;
pub(crate) mod adverts;
pub(crate) mod batches;
pub(crate) mod boards;
pub(crate) mod characters;
pub(crate) mod chat;
pub(crate) mod claims;
pub(crate) mod content;
pub(crate) mod coordinator;
pub(crate) mod cursor;
pub(crate) mod due;
pub(crate) mod fleet;
pub(crate) mod instances;
pub(crate) mod item;
pub(crate) mod loads;
pub(crate) mod mail;
pub(crate) mod market;
pub(crate) mod matches;
pub(crate) mod meter;
mod page;
pub(crate) mod parties;
pub(crate) mod personal;
pub(crate) mod possessions;
pub(crate) mod presence;
pub(crate) mod ratings;
pub(crate) mod relations;
pub(crate) mod requests;
pub(crate) mod rooms;
pub(crate) mod seats;
pub(crate) mod sightings;
pub(crate) mod social_data;
pub(crate) mod tickets;
pub(crate) mod tournaments;
pub(crate) mod trades;
mod transact;

#[cfg(test)]
mod tests;

/// The form of items that this program writes, in their attribute `v`.
pub(crate) const ITEM_VERSION: u64 = 1;

/// How often an optimistic write is tried again before the caller is told to come back.
pub(crate) const ATTEMPTS_MAX: u32 = 12;

/// Most keys of one `BatchGetItem`.
const READ_KEYS_MAX: usize = 100;

/// Why the store could not do its part.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It does not answer, or refuses to: try again later.
    #[error("the store does not answer: {0}")]
    Unavailable(String),
    /// Too many writers wanted the same item: try again later.
    #[error("the store is contended at {0}")]
    Contended(&'static str),
    /// An item is not of a form that this program knows.
    #[error("the item {pk} cannot be read: {reason}")]
    Corrupt {
        /// The key of the item.
        pk: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The caller's fault, which all others are not: there is no page after this cursor.
    #[error("{0}")]
    Cursor(cursor::InvalidCursor),
}

impl StoreError {
    /// The kind as a metric label.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "store_unavailable",
            Self::Contended(_) => "store_contended",
            Self::Corrupt { .. } => "store_corrupt",
            Self::Cursor(_) => "bad_cursor",
        }
    }
}

/// The names of the tables.
#[derive(Debug)]
pub(crate) struct Tables {
    /// What all names begin with.
    pub(crate) prefix: String,
    pub(crate) players: String,
    pub(crate) requests: String,
    pub(crate) fleet: String,
    pub(crate) boards: String,
    pub(crate) mail: String,
    pub(crate) matchmaking: String,
    pub(crate) social: String,
    pub(crate) chat: String,
    pub(crate) content: String,
    pub(crate) admin: String,
    pub(crate) tournaments: String,
    pub(crate) rooms: String,
    pub(crate) possessions: String,
    pub(crate) market: String,
}

/// A connection to the tables. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    client: Client,
    tables: Arc<Tables>,
    tournaments: Arc<tournaments::Cache>,
    boards: Arc<boards::Known>,
    /// The region that this API serves.
    region: Arc<str>,
    /// How long a job goes on in one call.
    step: Duration,
}

impl Store {
    pub(crate) fn new(client: Client, config: &ApiConfig) -> Self {
        let prefix = &config.table_prefix;
        let name = |table: &str| format!("{prefix}{table}");
        let tables = Tables {
            prefix: prefix.clone(),
            players: name("players"),
            requests: name("requests"),
            fleet: name("fleet"),
            boards: name("boards"),
            mail: name("mail"),
            matchmaking: name("matchmaking"),
            social: name("social"),
            chat: name("chat"),
            content: name("content"),
            admin: name("admin"),
            tournaments: name("tournaments"),
            rooms: name("rooms"),
            possessions: name("possessions"),
            market: name("market"),
        };
        Self {
            client,
            tables: Arc::new(tables),
            boards: Arc::default(),
            tournaments: Arc::default(),
            region: config.region.as_str().into(),
            step: Duration::from_millis(config.request_timeout_ms) * 3 / 10,
        }
    }

    /// Until when a job may begin another part of its work, if its request begins now: early enough that the part which
    /// is the slowest still ends before the request is given up.
    pub(crate) fn step_deadline(&self) -> Deadline {
        Deadline::after(self.step)
    }

    /// Whether the store answers.
    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        let call = self.client.get_item().table_name(&self.tables.fleet).key("pk", item::text("epoch"));
        sent(call.send()).await.map(drop)
    }
}

impl Store {
    /// The items of the table with these keys as they are now, in any order. A key may be named twice: it is read once.
    pub(crate) async fn batch_get(&self, table: &str, keys: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        let keys = keys.into_iter().map(|key| (table.to_owned(), key)).collect();
        Ok(self.batch_get_of(keys).await?.remove(table).unwrap_or_default())
    }

    /// The same for keys of several tables, which share the calls.
    async fn batch_get_of(
        &self,
        mut wanted: Vec<(String, Item)>,
    ) -> Result<HashMap<String, Vec<Item>>, StoreError> {
        // A call that names a key twice is refused.
        let word = |key: &Item, name: &str| key.get(name).and_then(|word| word.as_s().ok()).cloned();
        let mut named = BTreeSet::new();
        wanted.retain(|(table, key)| named.insert((table.clone(), word(key, "pk"), word(key, "sk"))));
        let mut found: HashMap<String, Vec<Item>> = HashMap::new();
        let mut attempt = 0;
        while !wanted.is_empty() {
            let rest = wanted.split_off(wanted.len().min(READ_KEYS_MAX));
            let asked = wanted.len();
            let mut by_table: HashMap<String, Vec<Item>> = HashMap::new();
            for (table, key) in wanted {
                by_table.entry(table).or_default().push(key);
            }
            let requests = by_table.into_iter().map(|(table, keys)| {
                let request = KeysAndAttributes::builder().consistent_read(true).set_keys(Some(keys));
                (table, request.build().expect("the keys are given"))
            });
            let call = self.client.batch_get_item().set_request_items(Some(requests.collect()));
            let answer = sent(call.send()).await?;
            for (table, items) in answer.responses.unwrap_or_default() {
                found.entry(table).or_default().extend(items);
            }
            let left = answer.unprocessed_keys.unwrap_or_default().into_iter();
            wanted = left
                .flat_map(|(table, left)| left.keys.into_iter().map(move |key| (table.clone(), key)))
                .collect();
            if !wanted.is_empty() {
                // Large items do not fit one answer; only who gets nothing at all again and again gives up.
                attempt = if wanted.len() < asked { 0 } else { attempt + 1 };
                if attempt == ATTEMPTS_MAX {
                    return Err(StoreError::Contended("a batch of items"));
                }
                back_off(attempt).await;
            }
            wanted.extend(rest);
        }
        Ok(found)
    }
}

/// A client with bounded times and repetitions. With an endpoint, nothing is looked up: no credentials, no
/// profile, no instance metadata.
pub async fn connect(config: &ApiConfig) -> Client {
    let http =
        aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_millis(config.store_attempt_timeout_ms))
        .operation_timeout(Duration::from_millis(config.store_timeout_ms))
        .build();
    let retries =
        RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50));
    let region = Region::new(config.dynamodb_region.clone());
    let builder = if let Some(endpoint) = &config.dynamodb_endpoint {
        aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(http)
            .region(region)
            .endpoint_url(endpoint)
            .credentials_provider(Credentials::new("local", "local", None, None, "local engine"))
    } else {
        let shared =
            aws_config::defaults(BehaviorVersion::latest()).http_client(http).region(region).load().await;
        aws_sdk_dynamodb::config::Builder::from(&shared)
    };
    let builder = builder.timeout_config(timeouts).retry_config(retries).interceptor(meter::Meter);
    Client::from_conf(builder.build())
}

/// A failure of a call that has no condition.
pub(crate) fn unavailable<E>(error: SdkError<E>) -> StoreError
where
    E: std::error::Error + Send + Sync + 'static,
{
    StoreError::Unavailable(DisplayErrorContext(error).to_string())
}

/// What the client has answered to a call that has no condition.
pub(crate) fn sent<T, E>(
    call: impl Future<Output = Result<T, SdkError<E>>>,
) -> impl Future<Output = Result<T, StoreError>>
where
    E: std::error::Error + Send + Sync + 'static,
{
    // Outside of the async block, which would hold the call itself.
    let answer = outside(call);
    async move { answer.await.map_err(unavailable) }
}

/// What the client has answered to a write with a condition; `None` where the condition did not hold.
pub(crate) fn if_held<T, E>(
    call: impl Future<Output = Result<T, SdkError<E>>>,
) -> impl Future<Output = Result<Option<T>, StoreError>>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let answer = outside(call);
    async move {
        match answer.await {
            Ok(output) => Ok(Some(output)),
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }
}

/// Waits before the try after `attempt` (from 0): 2 ms to 100 ms, spread so that rivals part.
pub(crate) async fn back_off(attempt: u32) {
    let ceiling_ms = (4_u64 << attempt.min(5)).min(100);
    let spread = u64::try_from(crate::clock::random_u128() % u128::from(ceiling_ms)).unwrap_or(0);
    tokio::time::sleep(Duration::from_millis(2 + spread)).await;
}
