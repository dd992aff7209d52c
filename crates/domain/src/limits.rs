//! Limits that more than one part must agree on, each with its reason.

/// A frame from a client, before it is decoded: the largest message is Hello with a ticket under 1 KiB.
pub const CLIENT_FRAME_BYTES_MAX: usize = 4 * 1024;

/// A frame to a client: Welcome with 1,024 entities of at most 60 bytes fits.
pub const SERVER_FRAME_BYTES_MAX: usize = 64 * 1024;

/// A ticket on the wire: a JWT of about 600 bytes.
pub const TICKET_BYTES_MAX: usize = 2 * 1024;

/// The body of a request to edge or API.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// Characters of one account.
pub const CHARACTERS_PER_ACCOUNT_MAX: usize = 16;

/// Inputs per second that a client may send: 10 are asked for, the rest is room for jitter and frames
/// that carry commands only.
pub const INPUTS_PER_SECOND_MAX: u32 = 40;

/// Players of one instance, whatever the catalogue says; where benchmarks end.
pub const PLAYERS_PER_INSTANCE_MAX: usize = 5_000;

/// Entities that one client sees at a time: slots are 10 bits wide.
pub const ENTITIES_IN_VIEW_MAX: usize = 1_024;

/// Validity of a ticket to enter an instance.
pub const TICKET_LIFETIME_SECS: u64 = 30;

/// Validity of an access token.
pub const ACCESS_TOKEN_LIFETIME_SECS: u64 = 15 * 60;

/// Validity of a refresh token that is not used.
pub const REFRESH_TOKEN_LIFETIME_SECS: u64 = 30 * 24 * 60 * 60;

/// A body is kept in the world for this long after its connection broke.
pub const RESUME_GRACE_SECS: u32 = 60;

/// A host's lease; renewed every [`HOST_HEARTBEAT_MILLIS`].
pub const HOST_LEASE_MILLIS: u64 = 3_000;

/// Between two heartbeats of a host.
pub const HOST_HEARTBEAT_MILLIS: u64 = 1_000;

/// A coordinator's lease, renewed every [`COORDINATOR_BID_MILLIS`]. Its death costs what is left of it and the bid of
/// the next: 2 s together.
pub const COORDINATOR_LEASE_MILLIS: u64 = 1_900;

/// Between two bids of a host for the coordinator's lease.
pub const COORDINATOR_BID_MILLIS: u64 = 500;

/// Matches that the coordinator sends at once: each takes a transaction, and the body stays under 64 KiB.
pub const MATCHES_PER_CALL_MAX: usize = 16;

/// How long a request may wait for news.
pub const LONG_POLL_MILLIS_MAX: u64 = 20_000;

/// A region that has not reported for this long leaves the edge's answers.
pub const REGION_STALE_MILLIS: u64 = 10_000;

/// Entries of one batch of durable events or saves: each becomes one transaction.
pub const HOST_BATCH_MAX: usize = 256;

/// Unique items of one event: each is a part of a transaction of 100.
pub const EVENT_UNIQUE_MAX: u32 = 32;

/// Entries of items in one event: each kind that stacks is a part of a transaction.
pub const EVENT_ITEMS_MAX: usize = 16;

/// Entries of money in one event: a wallet and an entry of its ledger.
pub const EVENT_CURRENCIES_MAX: usize = 4;

/// Friends of an account: a list that one screen shows.
pub const FRIENDS_MAX: u32 = 200;

/// Requests for friendship that an account may have open, so that nobody asks a whole region.
pub const FRIEND_REQUESTS_MAX: u32 = 50;

/// Requests that may wait for an account's answer.
pub const FRIEND_REQUESTS_WAITING_MAX: u32 = 200;

/// Accounts that an account blocks.
pub const BLOCKS_MAX: u32 = 500;

/// Members of a party.
pub const PARTY_MEMBERS_MAX: usize = 8;

/// Invitations to a party that are open at a time.
pub const PARTY_INVITATIONS_MAX: usize = 16;

/// The text of a version of the catalogue: DynamoDB takes items up to 400 KiB, keys and numbers included.
pub const CATALOGUE_BYTES_MAX: usize = 350 * 1024;

/// The largest balance of a currency and the largest value of a progress counter: what every JSON reader holds
/// exactly, 2^53 - 1.
pub const AMOUNT_MAX: u64 = (1 << 53) - 1;

/// The largest stack that a catalogue may allow: a million takes of a thousand.
pub const STACK_MAX: u32 = 1_000_000_000;

/// Abilities of a player or a monster: each has a place for its cooldown in every entity.
pub const ABILITIES_PER_BODY_MAX: usize = 4;

/// Instances of a host, those of zones that it offers and those opened on demand: removing it takes two parts of a
/// transaction for each and one for itself, and a transaction has 100.
pub const INSTANCES_PER_HOST_MAX: usize = 48;

/// The topic of a notice.
pub const NOTICE_TOPIC_BYTES_MAX: usize = 32;

/// The body of a notice: a chat message of 500 characters of any script, and who says it where.
pub const NOTICE_BODY_BYTES_MAX: usize = 4 * 1024;

/// Counters and flags of one character: names of 32 bytes and values of 11 make an item of 6 KiB at most.
pub const PROGRESS_PER_CHARACTER_MAX: usize = 128;

/// Kinds of stacks and unique items that one side of a direct trade offers: each is taken from one and given to the
/// other, and with [`TRADE_CURRENCIES_MAX`] both sides fit one transaction.
pub const TRADE_ITEMS_MAX: usize = 12;

/// Currencies that one side of a direct trade offers: a wallet of each side and an entry of its ledger.
pub const TRADE_CURRENCIES_MAX: usize = 4;

/// A deleted character can be restored for this long, 30 days; then it and all that it has is purged.
pub const DELETED_CHARACTER_KEPT_MILLIS: u64 = 30 * 24 * 60 * 60 * 1_000;

/// Most scores for leaderboards in one event of a host.
pub const EVENT_SCORES_MAX: usize = 4;

const _: () = {
    // The trade, two locks and two characters besides.
    assert!(2 * (2 * TRADE_ITEMS_MAX + 4 * TRADE_CURRENCIES_MAX) + 5 <= 100);
    assert!(2 * INSTANCES_PER_HOST_MAX < 100);
    // The fence, what remembers the event, and the character besides.
    assert!(EVENT_UNIQUE_MAX as usize + EVENT_ITEMS_MAX + 2 * EVENT_CURRENCIES_MAX + 3 <= 100);
    assert!(NOTICE_TOPIC_BYTES_MAX + NOTICE_BODY_BYTES_MAX < SERVER_FRAME_BYTES_MAX);
    assert!(TICKET_BYTES_MAX < CLIENT_FRAME_BYTES_MAX);
    assert!(HOST_HEARTBEAT_MILLIS * 2 < HOST_LEASE_MILLIS, "one lost heartbeat must not cost the lease");
    assert!(HOST_LEASE_MILLIS < REGION_STALE_MILLIS);
    assert!(COORDINATOR_BID_MILLIS * 2 < COORDINATOR_LEASE_MILLIS, "one lost bid must not cost the lease");
};
