//! Why an event can be refused.

/// Why an event changed nothing, by what its sender can do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nothing has that name here: look again.
    #[error("there is no such {0} in this tournament")]
    Unknown(&'static str),
    /// The event is not well formed: mend it.
    #[error("{0}")]
    Invalid(&'static str),
    /// Come again later.
    #[error("{0}")]
    NotYet(&'static str),
    /// It cannot be done any more.
    #[error("{0}")]
    TooLate(&'static str),
    /// It contradicts what is already known: an admin must decide.
    #[error("{0}")]
    Conflict(&'static str),
    /// There is no room.
    #[error("there is no room for another {0}")]
    Full(&'static str),
}

impl Refused {
    /// Its name for metrics and logs.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "unknown",
            Self::Invalid(_) => "invalid",
            Self::NotYet(_) => "not_yet",
            Self::TooLate(_) => "too_late",
            Self::Conflict(_) => "conflict",
            Self::Full(_) => "full",
        }
    }
}
