//! Migrations of the DynamoDB tables: applies the files of `migrations/dynamodb` that a store lacks, and refuses
//! a store that another version of the program has written. It knows no item but its own records.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::operation::scan::ScanError;
use aws_sdk_dynamodb::types::{AttributeValue, BillingMode, TableStatus, TimeToLiveSpecification};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::config::ApiConfig;
use crate::store::{StoreError, connect, item, unavailable};

mod table;

use table::{TableDescription, key_schema};

/// The files, in the order of their numbers.
const FILES: &[(&str, &str)] = &[
    ("0001_players", include_str!("../../migrations/dynamodb/0001_players.json")),
    ("0002_requests", include_str!("../../migrations/dynamodb/0002_requests.json")),
    ("0003_fleet", include_str!("../../migrations/dynamodb/0003_fleet.json")),
    ("0004_mail", include_str!("../../migrations/dynamodb/0004_mail.json")),
    ("0005_possessions", include_str!("../../migrations/dynamodb/0005_possessions.json")),
    ("0006_boards", include_str!("../../migrations/dynamodb/0006_boards.json")),
    ("0007_matchmaking", include_str!("../../migrations/dynamodb/0007_matchmaking.json")),
    ("0008_tournaments", include_str!("../../migrations/dynamodb/0008_tournaments.json")),
    ("0009_rooms", include_str!("../../migrations/dynamodb/0009_rooms.json")),
    ("0010_social", include_str!("../../migrations/dynamodb/0010_social.json")),
    ("0011_chat", include_str!("../../migrations/dynamodb/0011_chat.json")),
    ("0012_admin", include_str!("../../migrations/dynamodb/0012_admin.json")),
    ("0013_content", include_str!("../../migrations/dynamodb/0013_content.json")),
    ("0014_market", include_str!("../../migrations/dynamodb/0014_market.json")),
];

/// The version of the layout as a whole: it rises when a store can no longer be used without a backfill.
pub const SCHEMA_VERSION: u64 = 1;

/// How long a new table may take to become usable.
const TABLE_READY_SECS_MAX: u64 = 120;

/// A migration that this call applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Name of the file without its ending.
    pub name: &'static str,
}

/// Why the store is not usable by this program.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The store was written by a newer version, or another program.
    #[error(
        "the store has the migration {name:?}, which this version does not know: use the newer version, or another data folder or table prefix"
    )]
    Unknown {
        /// The name in the store.
        name: String,
    },
    /// The text of an applied migration has changed.
    #[error(
        "the migration {name:?} was applied to the store with another text: use the version that wrote it, or another data folder or table prefix"
    )]
    Changed {
        /// The name of the file.
        name: &'static str,
    },
    /// The layout as a whole is of another version.
    #[error(
        "the store has schema version {found}, this version needs {expected}: use the version that wrote it, or another data folder or table prefix"
    )]
    SchemaVersion {
        /// What the store says.
        found: u64,
        /// What is needed, [`SCHEMA_VERSION`].
        expected: u64,
    },
    /// The store does not do its part.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl MigrationError {
    /// The kind as a metric label.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "migration_unknown",
            Self::Changed { .. } => "migration_changed",
            Self::SchemaVersion { .. } => "schema_version",
            Self::Store(error) => error.kind(),
        }
    }

    /// Whether the store is fine, but of another version than the program.
    #[must_use]
    pub const fn is_version_mismatch(&self) -> bool {
        !matches!(self, Self::Store(_))
    }
}

/// Applies what the store of `config` lacks; one read if that is nothing. May run twice at once.
pub async fn apply(config: &ApiConfig) -> Result<Vec<Applied>, MigrationError> {
    let client = connect(config).await;
    let migrator = Migrator { client: &client, prefix: &config.table_prefix };
    let records = if let Some(records) = migrator.records().await? {
        records
    } else {
        migrator.create(RECORDS_TABLE).await?;
        HashMap::new()
    };
    check(&records)?;
    let mut applied = Vec::new();
    if !records.contains_key(SCHEMA_RECORD) {
        migrator.record(SCHEMA_RECORD, &SCHEMA_VERSION.to_string()).await?;
    }
    for (name, text) in FILES.iter().filter(|(name, _)| !records.contains_key(*name)) {
        migrator.create(text).await?;
        migrator.record(name, &hash(text)).await?;
        applied.push(Applied { name });
    }
    Ok(applied)
}

/// The table of records, made by the program itself.
const RECORDS_TABLE: &str = r#"{
    "TableName": "migrations",
    "AttributeDefinitions": [{ "AttributeName": "pk", "AttributeType": "S" }],
    "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }],
    "BillingMode": "PAY_PER_REQUEST"
}"#;

/// The record that holds the schema version where others hold a hash.
const SCHEMA_RECORD: &str = "schema";

fn hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}

/// Compares what the store has with what this program knows.
fn check(records: &HashMap<String, String>) -> Result<(), MigrationError> {
    if let Some(found) = records.get(SCHEMA_RECORD) {
        let found = found.parse().unwrap_or(0);
        if found != SCHEMA_VERSION {
            return Err(MigrationError::SchemaVersion { found, expected: SCHEMA_VERSION });
        }
    }
    let mut names: Vec<_> = records.keys().filter(|name| *name != SCHEMA_RECORD).collect();
    names.sort();
    for name in names {
        let Some((known, text)) = FILES.iter().find(|(known, _)| known == name) else {
            return Err(MigrationError::Unknown { name: name.clone() });
        };
        if records[name] != hash(text) {
            return Err(MigrationError::Changed { name: known });
        }
    }
    Ok(())
}

struct Migrator<'a> {
    client: &'a Client,
    prefix: &'a str,
}

impl Migrator<'_> {
    fn table(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Hashes by name of migration. `None` if there is no table of them.
    async fn records(&self) -> Result<Option<HashMap<String, String>>, StoreError> {
        let mut records = HashMap::new();
        let mut start = None;
        loop {
            let call = self.client.scan().table_name(self.table("migrations")).consistent_read(true);
            let page = match call.set_exclusive_start_key(start).send().await {
                Ok(page) => page,
                Err(error)
                    if error.as_service_error().is_some_and(ScanError::is_resource_not_found_exception) =>
                {
                    return Ok(None);
                }
                Err(error) => return Err(unavailable(error)),
            };
            for item in page.items.unwrap_or_default() {
                let record = item::read_text(&item, "content")?;
                records.insert(item::read_text(&item, "pk")?.to_owned(), record.to_owned());
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(Some(records));
            }
        }
    }

    async fn record(&self, name: &str, content: &str) -> Result<(), StoreError> {
        let mut record = item::new_item(name);
        record.insert("content".into(), item::text(content));
        record.insert("applied_at".into(), AttributeValue::N(crate::clock::now().as_millis().to_string()));
        let call = self.client.put_item().table_name(self.table("migrations")).set_item(Some(record));
        call.send().await.map_err(unavailable)?;
        Ok(())
    }

    /// Makes the table described by `text` and waits until it is usable. One that exists stays as it is.
    async fn create(&self, text: &str) -> Result<(), StoreError> {
        let description: TableDescription =
            serde_json::from_str(text).expect("a unit test reads every embedded migration");
        let table = self.table(&description.table_name);
        let call = self
            .client
            .create_table()
            .table_name(&table)
            .billing_mode(BillingMode::PayPerRequest)
            .set_attribute_definitions(Some(description.attributes()))
            .set_key_schema(Some(key_schema(&description.key_schema)))
            .set_global_secondary_indexes(description.indexes());
        match call.send().await {
            Ok(_) => {}
            // Made by a run that was cut short, or by one beside this.
            Err(error)
                if error.as_service_error().is_some_and(CreateTableError::is_resource_in_use_exception) => {}
            Err(error) => return Err(unavailable(error)),
        }
        self.wait_until_usable(&table).await?;
        if let Some(attribute) = &description.time_to_live_attribute {
            self.expire_by(&table, attribute).await?;
        }
        Ok(())
    }

    async fn wait_until_usable(&self, table: &str) -> Result<(), StoreError> {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(TABLE_READY_SECS_MAX);
        loop {
            let answer = self.client.describe_table().table_name(table).send().await.map_err(unavailable)?;
            let status = answer.table.and_then(|table| table.table_status);
            if status == Some(TableStatus::Active) {
                return Ok(());
            }
            if tokio::time::Instant::now() > deadline {
                return Err(StoreError::Unavailable(format!("the table {table} does not become active")));
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    async fn expire_by(&self, table: &str, attribute: &str) -> Result<(), StoreError> {
        let answer =
            self.client.describe_time_to_live().table_name(table).send().await.map_err(unavailable)?;
        if answer.time_to_live_description.and_then(|known| known.attribute_name).is_some() {
            return Ok(());
        }
        let specification =
            TimeToLiveSpecification::builder().attribute_name(attribute).enabled(true).build();
        let specification = specification.expect("attribute and state are given");
        let call =
            self.client.update_time_to_live().table_name(table).time_to_live_specification(specification);
        call.send().await.map_err(unavailable)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_embedded_readable_and_in_order() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations/dynamodb");
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .expect("the folder")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("a plain name"))
            .filter_map(|name| name.strip_suffix(".json").map(str::to_owned))
            .collect();
        names.sort();
        assert_eq!(names, FILES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        for (number, (name, text)) in [&("0000_records", RECORDS_TABLE)].into_iter().chain(FILES).enumerate()
        {
            let table: TableDescription = serde_json::from_str(text).expect(name);
            assert!(!table.attributes().is_empty() && !table.key_schema.is_empty(), "{name}");
            assert!(name.starts_with(&format!("{number:04}_")), "{name} leaves a gap");
        }
    }

    #[test]
    fn a_store_of_another_version_is_refused() {
        let records = |pairs: &[(&str, String)]| {
            check(&pairs.iter().map(|(name, content)| ((*name).to_owned(), content.clone())).collect())
        };
        let known = hash(FILES[0].1);
        assert!(records(&[]).is_ok());
        assert!(records(&[("schema", "1".into()), ("0001_players", known.clone())]).is_ok());
        let kind = |pairs: &[(&str, String)]| records(pairs).expect_err("refused").kind();
        assert_eq!(kind(&[("schema", "2".into()), ("0001_players", known)]), "schema_version");
        assert_eq!(kind(&[("schema", "1".into()), ("0001_players", "x".into())]), "migration_changed");
        assert_eq!(kind(&[("schema", "1".into()), ("9999_future", "x".into())]), "migration_unknown");
    }
}
