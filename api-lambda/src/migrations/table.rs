//! The form of a migration file, and its translation into the words of the DynamoDB client. It knows no store.

use aws_sdk_dynamodb::types::{
    AttributeDefinition, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType,
};
use serde::Deserialize;

/// A migration file: the part of a `CreateTable` call that is used here, with the API's own names.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct TableDescription {
    pub(super) table_name: String,
    attribute_definitions: Vec<AttributeDescription>,
    pub(super) key_schema: Vec<KeyDescription>,
    #[serde(default)]
    global_secondary_indexes: Vec<IndexDescription>,
    #[serde(rename = "BillingMode")]
    _billing_mode: PayPerRequest,
    pub(super) time_to_live_attribute: Option<String>,
}

/// The only billing that is used: nothing to plan, nothing to pay when idle.
#[derive(Debug, Deserialize)]
enum PayPerRequest {
    #[serde(rename = "PAY_PER_REQUEST")]
    PayPerRequest,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct AttributeDescription {
    attribute_name: String,
    attribute_type: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct KeyDescription {
    attribute_name: String,
    key_type: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct IndexDescription {
    index_name: String,
    key_schema: Vec<KeyDescription>,
    projection: ProjectionDescription,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct ProjectionDescription {
    projection_type: String,
}

impl TableDescription {
    pub(super) fn attributes(&self) -> Vec<AttributeDefinition> {
        let define = |described: &AttributeDescription| {
            AttributeDefinition::builder()
                .attribute_name(&described.attribute_name)
                .attribute_type(ScalarAttributeType::from(described.attribute_type.as_str()))
                .build()
                .expect("name and type are given")
        };
        self.attribute_definitions.iter().map(define).collect()
    }

    pub(super) fn indexes(&self) -> Option<Vec<GlobalSecondaryIndex>> {
        let define = |described: &IndexDescription| {
            let projection = ProjectionType::from(described.projection.projection_type.as_str());
            GlobalSecondaryIndex::builder()
                .index_name(&described.index_name)
                .set_key_schema(Some(key_schema(&described.key_schema)))
                .projection(Projection::builder().projection_type(projection).build())
                .build()
                .expect("name and keys are given")
        };
        let indexes: Vec<_> = self.global_secondary_indexes.iter().map(define).collect();
        (!indexes.is_empty()).then_some(indexes)
    }
}

pub(super) fn key_schema(keys: &[KeyDescription]) -> Vec<KeySchemaElement> {
    let define = |described: &KeyDescription| {
        KeySchemaElement::builder()
            .attribute_name(&described.attribute_name)
            .key_type(KeyType::from(described.key_type.as_str()))
            .build()
            .expect("name and type are given")
    };
    keys.iter().map(define).collect()
}
