//! What a host needs from the rest of the platform: a lease, characters, and a place for what must last.
//! [`api::ApiPlatform`] talks to the API; [`local::LocalPlatform`] keeps all in memory, for a host alone.

pub mod api;
pub mod local;

use domain::contract::hosts::{
    BatchOutcome, ClaimCharacter, ClaimedCharacter, EventBatch, Heartbeat, HeartbeatAnswer, HostRegistered,
    RegisterHost, SaveBatch,
};
use domain::contract::instances::LeftBatch;
use domain::contract::mail::Mailbox;
use domain::ids::{CharacterId, Epoch, HostId, InstanceId};
use domain::time::UnixMillis;

/// Why the platform did not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlatformError {
    /// Not reached, or busy: the same request may work later.
    #[error("the platform cannot be reached: {0}")]
    Retryable(String),
    /// The request is wrong, or not allowed.
    #[error("the platform refused: {0}")]
    Rejected(String),
    /// The host has lost what it writes to; nothing may be written there any more.
    #[error("the host does not own this any more")]
    Fenced,
}

impl PlatformError {
    /// The kind as a metric label.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Retryable(_) => "platform_retryable",
            Self::Rejected(_) => "platform_rejected",
            Self::Fenced => "platform_fenced",
        }
    }
}

/// An answer of the platform.
pub type Answer<T> = Result<T, PlatformError>;

/// What a host needs from the rest of the platform.
pub trait Platform: Send + Sync + 'static {
    /// Announces the host and takes its instances.
    fn register(&self, host: RegisterHost) -> impl Future<Output = Answer<HostRegistered>> + Send;

    /// Renews the lease, and hears what the host is to run.
    fn heartbeat(
        &self,
        host: HostId,
        beat: Heartbeat,
    ) -> impl Future<Output = Answer<HeartbeatAnswer>> + Send;

    /// Gives everything back.
    fn leave(&self, host: HostId) -> impl Future<Output = Answer<()>> + Send;

    /// Takes a character in.
    fn claim(
        &self,
        character: CharacterId,
        claim: ClaimCharacter,
    ) -> impl Future<Output = Answer<ClaimedCharacter>> + Send;

    /// Stores places.
    fn save(
        &self,
        instance: InstanceId,
        batch: SaveBatch,
    ) -> impl Future<Output = Answer<BatchOutcome>> + Send;

    /// Stores gains, each once.
    fn store(
        &self,
        instance: InstanceId,
        batch: EventBatch,
    ) -> impl Future<Output = Answer<BatchOutcome>> + Send;

    /// Notes who is in an instance no more.
    fn left(
        &self,
        instance: InstanceId,
        batch: LeftBatch,
    ) -> impl Future<Output = Answer<BatchOutcome>> + Send;

    /// Ends an instance; refused while somebody is on the way to it.
    fn end(&self, instance: InstanceId, epoch: Epoch) -> impl Future<Output = Answer<()>> + Send;

    /// What the host is told, from this time on.
    fn mail(&self, host: HostId, since: UnixMillis) -> impl Future<Output = Answer<Mailbox>> + Send;

    /// Tells the edge how the region is.
    fn report_region(&self, players: u32, load_permille: u16) -> impl Future<Output = Answer<()>> + Send;
}
