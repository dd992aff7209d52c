//! The stages of a tick, one file each, in the order in which [`crate::zone::Zone::tick`] calls them. Each
//! takes the parts that it needs.

pub(crate) mod apply_intents;
pub(crate) mod drain_inputs;
pub(crate) mod encode_deltas;
pub(crate) mod flush_outbox;
pub(crate) mod integrate;
pub(crate) mod rebuild_index;
pub(crate) mod report;
pub(crate) mod resolve_contacts;
pub(crate) mod select_interest;
