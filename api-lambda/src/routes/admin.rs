//! `/admin/v1`: what administrators do, each with a key and in the audit log.

pub(crate) mod audit;
pub(crate) mod bans;
pub(crate) mod grants;
pub(crate) mod keys;
pub(crate) mod maintenance;
pub(crate) mod moderation;
pub(crate) mod operations;
pub(crate) mod players;
pub(crate) mod privacy;
