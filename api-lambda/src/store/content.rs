//! Versions of the catalogue, which of them is in force, and switches of flags, in the table `content`. A version is
//! written once and never changed: `versions` lists numbers, notes and sizes, `version#N` holds the text.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, Update};
use domain::catalogue::FlagSwitch;
use domain::contract::content::{ContentPointer, ContentVersion};
use domain::ids::FlagId;
use domain::time::UnixMillis;

use crate::store::cursor::Cursor;
use crate::store::item::{self, Item, number, text};
use crate::store::page::{Partition, all};
use crate::store::{ATTEMPTS_MAX, ITEM_VERSION, Store, StoreError, back_off, if_held, sent, transact};

/// The partition of the list of versions. It is read by administrators only.
const LIST: &str = "versions";
/// Comes after every number in the order of keys.
const HEAD: &str = "head";
const POINTER: &str = "pointer";
const FLAG: &str = "flag#";

/// Which content is in force in a region, and what is switched.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct InForce {
    pub(crate) pointer: ContentPointer,
    pub(crate) switches: BTreeMap<FlagId, FlagSwitch>,
}

/// A catalogue as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct CatalogueText {
    pub(crate) text: String,
    /// Hash of the text.
    pub(crate) digest: String,
    /// For people.
    pub(crate) note: String,
}

impl Store {
    /// Writes a new version, unless there is one with the same text: the answer is that one then, and `false`.
    pub(crate) async fn publish_content(
        &self,
        catalogue: &CatalogueText,
        now: UnixMillis,
    ) -> Result<(ContentVersion, bool), StoreError> {
        for attempt in 0..ATTEMPTS_MAX {
            if let Some(known) = self.content_item(&digest_key(catalogue), "digest").await? {
                let version = item::read_number(&known, "version")?;
                let known = self.content_version(version).await?;
                return known.map(|known| (known, false)).ok_or_else(|| StoreError::Corrupt {
                    pk: digest_key(catalogue),
                    reason: "its version is not there".into(),
                });
            }
            let head = self.content_item(LIST, HEAD).await?;
            let last: u64 = head.as_ref().map_or(Ok(0), |head| item::read_number(head, "last"))?;
            let version = ContentVersion {
                version: last + 1,
                note: catalogue.note.clone(),
                bytes: catalogue.text.len() as u64,
                created_at: now,
            };
            if self.transact(self.version_parts(catalogue, &version, last)).await?.is_ok() {
                return Ok((version, true));
            }
            // Another version was written meanwhile, this very one perhaps.
            back_off(attempt).await;
        }
        Err(StoreError::Contended("the versions of the content"))
    }

    fn version_parts(
        &self,
        catalogue: &CatalogueText,
        version: &ContentVersion,
        last: u64,
    ) -> Vec<TransactWriteItem> {
        let new = |pk: &str, sk: &str, attributes: Vec<(&str, AttributeValue)>| {
            let mut item = item::new_item(pk);
            item.insert("sk".into(), text(sk));
            item.extend(attributes.into_iter().map(|(name, value)| (name.to_owned(), value)));
            let put = Put::builder().table_name(&self.tables.content).set_item(Some(item));
            transact::put(put.condition_expression("attribute_not_exists(pk)"))
        };
        let listed = vec![
            ("version", number(version.version)),
            ("note", text(&version.note)),
            ("bytes", number(version.bytes)),
            ("created_at", number(version.created_at.as_millis())),
        ];
        let head = Update::builder()
            .table_name(&self.tables.content)
            .key("pk", text(LIST))
            .key("sk", text(HEAD))
            .update_expression("SET #last = :next, v = :v")
            .condition_expression(if last == 0 { "attribute_not_exists(pk)" } else { "#last = :last" })
            .expression_attribute_names("#last", "last")
            .expression_attribute_values(":v", number(ITEM_VERSION))
            .expression_attribute_values(":next", number(version.version));
        let head = if last == 0 { head } else { head.expression_attribute_values(":last", number(last)) };
        vec![
            transact::update(head),
            new(LIST, &listed_key(version.version), listed),
            new(&version_key(version.version), "text", vec![("text", text(&catalogue.text))]),
            new(&digest_key(catalogue), "digest", vec![("version", number(version.version))]),
        ]
    }

    /// The versions, the newest first.
    pub(crate) async fn content_versions(
        &self,
        limit: i32,
        cursor: Option<&Cursor>,
    ) -> Result<(Vec<ContentVersion>, Option<Cursor>), StoreError> {
        // The keys of versions are numbers with leading zeros; what else is in the partition begins with a letter.
        let of = Partition { newest_first: true, ..Partition::of(&self.tables.content, &LIST, "0") };
        let (items, next) = self.page(of, limit, cursor).await?;
        Ok((items.iter().map(read_version).collect::<Result<_, _>>()?, next))
    }

    /// A version without its text.
    pub(crate) async fn content_version(&self, version: u64) -> Result<Option<ContentVersion>, StoreError> {
        let item = self.content_item(LIST, &listed_key(version)).await?;
        item.as_ref().map(read_version).transpose()
    }

    /// The text of a version.
    pub(crate) async fn content_text(&self, version: u64) -> Result<Option<String>, StoreError> {
        let item = self.content_item(&version_key(version), "text").await?;
        item.map(|item| item::read_text(&item, "text").map(str::to_owned)).transpose()
    }

    async fn content_item(&self, pk: &str, sk: &str) -> Result<Option<Item>, StoreError> {
        let call = self.client.get_item().table_name(&self.tables.content);
        let call = call.key("pk", text(pk)).key("sk", text(sk)).consistent_read(true);
        let item = sent(call.send()).await?.item;
        item.as_ref().map(item::check_version).transpose()?;
        Ok(item)
    }

    /// Pointer and switches of a region, in one read.
    pub(crate) async fn content_in_force(&self, region: &str) -> Result<InForce, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.content)
            .key_condition_expression("pk = :region")
            .expression_attribute_values(":region", text(region_key(region)))
            .consistent_read(true);
        let mut in_force = InForce::default();
        for item in &all(query).await? {
            item::check_version(item)?;
            let key = item::read_text(item, "sk")?;
            if key == POINTER {
                in_force.pointer = read_body(item)?;
            } else if let Some(Ok(flag)) = key.strip_prefix(FLAG).map(str::parse) {
                in_force.switches.insert(flag, read_body(item)?);
            }
        }
        Ok(in_force)
    }

    /// Replaces the pointer of a region, if its revision is still the one before. `false` if it is not.
    pub(crate) async fn move_pointer(
        &self,
        region: &str,
        pointer: &ContentPointer,
    ) -> Result<bool, StoreError> {
        let before = pointer.revision - 1;
        let mut item = region_item(region, POINTER, pointer);
        item.insert("revision".into(), number(pointer.revision));
        let call = self.client.put_item().table_name(&self.tables.content).set_item(Some(item));
        let call = if before == 0 {
            call.condition_expression("attribute_not_exists(pk)")
        } else {
            call.condition_expression("revision = :before")
                .expression_attribute_values(":before", number(before))
        };
        Ok(if_held(call.send()).await?.is_some())
    }

    /// Switches a flag, or with `None` leaves it to the catalogue again.
    pub(crate) async fn switch_flag(
        &self,
        region: &str,
        flag: &FlagId,
        switch: Option<FlagSwitch>,
    ) -> Result<(), StoreError> {
        let key = format!("{FLAG}{flag}");
        if let Some(switch) = switch {
            let item = region_item(region, &key, &switch);
            let call = self.client.put_item().table_name(&self.tables.content).set_item(Some(item));
            sent(call.send()).await?;
        } else {
            let call = self.client.delete_item().table_name(&self.tables.content);
            let call = call.key("pk", text(region_key(region))).key("sk", text(key));
            sent(call.send()).await?;
        }
        Ok(())
    }
}

fn region_key(region: &str) -> String {
    format!("region#{region}")
}

fn version_key(version: u64) -> String {
    format!("version#{version}")
}

/// With leading zeros, so that keys sort as the numbers do.
fn listed_key(version: u64) -> String {
    format!("{version:020}")
}

fn digest_key(catalogue: &CatalogueText) -> String {
    format!("digest#{}", catalogue.digest)
}

fn region_item(region: &str, sk: &str, body: &impl serde::Serialize) -> Item {
    let mut item = item::new_item(region_key(region));
    item.insert("sk".into(), text(sk));
    let body = serde_json::to_string(body).expect("a pointer or a switch is plain data");
    item.insert("body".into(), text(body));
    item
}

fn read_body<T: serde::de::DeserializeOwned>(item: &Item) -> Result<T, StoreError> {
    serde_json::from_str(item::read_text(item, "body")?).map_err(|error| StoreError::Corrupt {
        pk: item::read_text(item, "pk").unwrap_or_default().to_owned(),
        reason: format!("its body is malformed: {error}"),
    })
}

fn read_version(item: &Item) -> Result<ContentVersion, StoreError> {
    item::check_version(item)?;
    Ok(ContentVersion {
        version: item::read_number(item, "version")?,
        note: item::read_text(item, "note")?.to_owned(),
        bytes: item::read_number(item, "bytes")?,
        created_at: UnixMillis::new(item::read_number(item, "created_at")?),
    })
}
