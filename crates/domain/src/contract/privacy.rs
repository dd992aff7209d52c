//! Deletion of one player's data. Exports have the form of the store, which this crate does not know.

use serde::{Deserialize, Serialize};

use crate::time::UnixMillis;

/// Answer of `POST /admin/v1/players/{account}/erase`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErasureState {
    /// How far it is.
    pub state: Erasure,
    /// When it began, unless it is over.
    pub begun_at: Option<UnixMillis>,
}

/// How far a deletion is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Erasure {
    /// It goes on by itself; asking again tells, and helps.
    Running,
    /// Nothing of the player is left.
    Done,
}
