//! The stages of a tick, each a function over the parts that it needs. `zone.rs` calls them in order.

pub(crate) mod apply_intents;
pub(crate) mod drain_inputs;
pub(crate) mod encode_deltas;
pub(crate) mod flush_outbox;
pub(crate) mod integrate;
pub(crate) mod observe;
pub(crate) mod prioritise;
pub(crate) mod rebuild_index;
pub(crate) mod report;
pub(crate) mod resolve_contacts;
pub(crate) mod select_interest;
pub(crate) mod shed;
pub(crate) mod switch_content;
pub(crate) mod watch;
