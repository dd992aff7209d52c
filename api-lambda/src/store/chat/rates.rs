//! How much an account may say, report and open: a count for each window of time, as an item that the deed is
//! conditional on. It is in
//! the store and not in memory, since any process may take the next request.

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use domain::contract::chat::Channel;
use domain::ids::AccountId;
use domain::time::UnixMillis;

use crate::store::item::{number, text};
use crate::store::{ITEM_VERSION, Store, transact};

/// At most `most` in each window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    kind: &'static str,
    most: u32,
    window_secs: u64,
}

/// Rooms that an account opens: each may have an instance run, and hosts have few.
pub(crate) const ROOMS: Rate = Rate { kind: "room", most: 20, window_secs: 600 };

/// Reports of an account.
pub(crate) const REPORTS: Rate = Rate { kind: "report", most: 10, window_secs: 3_600 };

impl Rate {
    /// What may be said in a channel.
    pub(crate) const fn of(channel: Channel) -> Self {
        match channel {
            Channel::Global => Self { kind: "global", most: 3, window_secs: 30 },
            Channel::Zone(_) => Self { kind: "zone", most: 5, window_secs: 10 },
            Channel::Party(_) => Self { kind: "party", most: 10, window_secs: 10 },
            Channel::Whisper(_) => Self { kind: "whisper", most: 10, window_secs: 10 },
        }
    }

    pub(crate) const fn window_end(self, now: UnixMillis) -> UnixMillis {
        UnixMillis::new((now.as_secs() / self.window_secs + 1) * self.window_secs * 1_000)
    }
}

impl Store {
    /// Counts one more, as part of a transaction; refused if the window is full.
    pub(crate) fn post_rate_part(
        &self,
        account: AccountId,
        rate: Rate,
        now: UnixMillis,
    ) -> TransactWriteItem {
        let window = now.as_secs() / rate.window_secs;
        transact::update(
            Update::builder()
                .table_name(&self.tables.chat)
                .key("pk", text(format!("rate#{account}#{}", rate.kind)))
                .key("sk", text(format!("window#{window}")))
                .update_expression("SET v = :v, author = :account, #ttl = :ttl ADD said :one")
                .condition_expression("attribute_not_exists(said) OR said < :most")
                .expression_attribute_names("#ttl", "ttl")
                .expression_attribute_values(":v", number(ITEM_VERSION))
                .expression_attribute_values(":account", text(account))
                .expression_attribute_values(":ttl", number((window + 2) * rate.window_secs))
                .expression_attribute_values(":one", number(1))
                .expression_attribute_values(":most", number(rate.most)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_end() {
        let rate = Rate::of(Channel::Global);
        assert_eq!(rate.window_end(UnixMillis::new(29_999)), UnixMillis::new(30_000));
        assert_eq!(rate.window_end(UnixMillis::new(30_000)), UnixMillis::new(60_000));
    }
}
