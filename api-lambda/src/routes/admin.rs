//! `/admin/v1`: what administrators do, each with a key and in the audit log.

pub(crate) mod audit;
pub(crate) mod keys;
pub(crate) mod moderation;
