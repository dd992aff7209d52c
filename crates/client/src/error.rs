//! What can go wrong for a client.

use domain::contract::Problem;
use wire::decoder::ViewError;
use wire::frame::FrameError;
use wire::reason::ByeReason;

/// What can go wrong for a client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The edge or the API refused.
    #[error("{}: {} ({})", .0.code, .0.detail, .0.status)]
    Refused(Box<Problem>),
    /// The edge or the API cannot be reached, or answers what is no JSON of ours.
    #[error("the service cannot be reached: {0}")]
    Service(#[from] reqwest::Error),
    /// The socket failed.
    #[error("the connection broke: {0}")]
    Socket(#[from] Box<tokio_tungstenite::tungstenite::Error>),
    /// The connection ended without a Bye: it can be resumed.
    #[error("the connection ended")]
    Ended,
    /// The host ended the connection.
    #[error("the host said bye ({}): {text}", .reason.kind())]
    Bye {
        /// Why.
        reason: ByeReason,
        /// For people.
        text: String,
    },
    /// The host sent a frame that is not of the protocol.
    #[error("bad frame: {0}")]
    Frame(#[from] FrameError),
    /// The host sent a snapshot that does not fit.
    #[error("bad snapshot: {0}")]
    View(#[from] ViewError),
    /// The host did something out of order.
    #[error("the host broke the protocol: {0}")]
    Protocol(&'static str),
}

impl ClientError {
    /// Whether joining anew through the API can help, see the list of reasons in PROTOCOL.md.
    #[must_use]
    pub const fn is_mended_by_joining(&self) -> bool {
        match self {
            Self::Socket(_) | Self::Ended => true,
            Self::Bye { reason, .. } => {
                matches!(
                    reason,
                    ByeReason::Ticket | ByeReason::Full | ByeReason::Draining | ByeReason::Internal
                )
            }
            _ => false,
        }
    }

    /// The kind as a label.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Service(_) => "service",
            Self::Socket(_) => "socket",
            Self::Ended => "ended",
            Self::Bye { reason, .. } => reason.kind(),
            Self::Frame(_) => "frame",
            Self::View(_) => "view",
            Self::Protocol(_) => "protocol",
        }
    }
}

impl From<tokio_tungstenite::tungstenite::Error> for ClientError {
    fn from(error: tokio_tungstenite::tungstenite::Error) -> Self {
        Self::Socket(Box::new(error))
    }
}
