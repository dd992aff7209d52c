//! Why a connection ends: one list for the `Bye` message, the WebSocket close code and the metric label.

/// Why a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ByeReason {
    /// The player left.
    Left = 0,
    /// Bytes that are no message of the protocol, or a message out of place.
    Protocol = 1,
    /// The client speaks another version.
    Version = 2,
    /// The ticket or resume token is not (or no longer) good; ask the API for another.
    Ticket = 3,
    /// The same character came in from elsewhere.
    Replaced = 4,
    /// The client did not read what it was sent, or answer, for too long.
    TooSlow = 5,
    /// The client sent more than it may.
    TooFast = 6,
    /// The host is full.
    Full = 7,
    /// The host goes down; join again.
    Draining = 8,
    /// A frame over the limit.
    TooLarge = 9,
    /// No Hello came in time.
    Silent = 10,
    /// Something failed on the host; join again.
    Internal = 11,
    /// Somebody in charge ended the connection: an administrator, or the host of a room.
    Kicked = 12,
    /// What the instance was for is over.
    Over = 13,
}

impl ByeReason {
    /// Every reason.
    pub const ALL: [Self; 14] = [
        Self::Left,
        Self::Protocol,
        Self::Version,
        Self::Ticket,
        Self::Replaced,
        Self::TooSlow,
        Self::TooFast,
        Self::Full,
        Self::Draining,
        Self::TooLarge,
        Self::Silent,
        Self::Internal,
        Self::Kicked,
        Self::Over,
    ];

    /// The reason with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// The WebSocket close code (RFC 6455: 4000 to 4999 are for applications).
    #[must_use]
    pub const fn close_code(self) -> u16 {
        4_000 + self as u16
    }

    /// The reason as a metric label.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Protocol => "protocol",
            Self::Version => "version",
            Self::Ticket => "ticket",
            Self::Replaced => "replaced",
            Self::TooSlow => "too_slow",
            Self::TooFast => "too_fast",
            Self::Full => "full",
            Self::Draining => "draining",
            Self::TooLarge => "too_large",
            Self::Silent => "silent",
            Self::Internal => "internal",
            Self::Kicked => "kicked",
            Self::Over => "over",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_their_numbers() {
        for (number, reason) in (0..).zip(ByeReason::ALL) {
            assert_eq!(reason as u8, number);
            assert_eq!(ByeReason::from_number(number), Some(reason));
        }
        assert_eq!(ByeReason::from_number(14), None);
    }
}
