//! Chat: channels, messages, and what moderators do about them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::contract::admin::Reason;
use crate::ids::{AccountId, CharacterId, InstanceId, MessageId, PartyId, ReportId};
use crate::names::CharacterName;
use crate::time::UnixMillis;

/// Most characters of a message.
pub const CHAT_CHARS_MAX: usize = 500;

/// Where something is said. As text: `global`, `zone:ins_...`, `party:pty_...` or `whisper:chr_...`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// To everyone in the region.
    Global,
    /// To everyone in an instance of a zone.
    Zone(InstanceId),
    /// To the members of a party.
    Party(PartyId),
    /// To one character. For a reader, the other one of the two.
    Whisper(CharacterId),
}

/// A text that is not a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a channel is 'global', or 'zone:', 'party:' or 'whisper:' and the id of the instance, party or character"
)]
pub struct InvalidChannel;

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Global => f.write_str("global"),
            Self::Zone(instance) => write!(f, "zone:{instance}"),
            Self::Party(party) => write!(f, "party:{party}"),
            Self::Whisper(character) => write!(f, "whisper:{character}"),
        }
    }
}

impl FromStr for Channel {
    type Err = InvalidChannel;

    fn from_str(text: &str) -> Result<Self, InvalidChannel> {
        if text == "global" {
            return Ok(Self::Global);
        }
        let (kind, id) = text.split_once(':').ok_or(InvalidChannel)?;
        match kind {
            "zone" => id.parse().map(Self::Zone).map_err(|_| InvalidChannel),
            "party" => id.parse().map(Self::Party).map_err(|_| InvalidChannel),
            "whisper" => id.parse().map(Self::Whisper).map_err(|_| InvalidChannel),
            _ => Err(InvalidChannel),
        }
    }
}

crate::text_form!(Channel);

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Channel {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, Type};
        let id = "_[0-7][0-9a-hjkmnp-tv-z]{25}";
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(format!("^(global|zone:ins{id}|party:pty{id}|whisper:chr{id})$")))
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Channel {}

/// What is said: 1 to 500 characters, no control characters, not only spaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(value_type = String, min_length = 1, max_length = 500)
)]
pub struct ChatText(String);

/// A text that cannot be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message has 1 to 500 characters, no control characters, and more than spaces")]
pub struct InvalidChatText;

impl ChatText {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ChatText {
    type Error = InvalidChatText;

    fn try_from(text: String) -> Result<Self, InvalidChatText> {
        // Marks that turn the direction of text would turn what others say.
        let turns = |c: char| matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let fits = text.len() <= CHAT_CHARS_MAX * 4
            && text.chars().count() <= CHAT_CHARS_MAX
            && text.chars().all(|c| !c.is_control() && !turns(c))
            && !text.trim().is_empty();
        if fits { Ok(Self(text)) } else { Err(InvalidChatText) }
    }
}

impl From<ChatText> for String {
    fn from(text: ChatText) -> Self {
        text.0
    }
}

/// Body of `POST /v1/chat/{channel}/messages`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SayInChat {
    /// Who says it: a character of the player.
    pub character: CharacterId,
    /// What is said.
    pub text: ChatText,
}

/// Who said something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatSender {
    /// The character.
    pub character: CharacterId,
    /// Its name when it said it.
    pub name: CharacterName,
}

/// Something that was said. Also the body of notices of the topic `chat`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatMessage {
    /// The message: the same in every copy of it.
    pub id: MessageId,
    /// Where it was said, as the reader names it.
    pub channel: Channel,
    /// Who said it.
    pub from: ChatSender,
    /// What was said, in Unicode normalisation form C, with stars for blocked words.
    pub text: String,
    /// When.
    pub at: UnixMillis,
}

/// Answer of `GET /v1/chat/{channel}/messages`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatPage {
    /// Newest first.
    pub messages: Vec<ChatMessage>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}

/// Body of `POST /v1/reports`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReportMessage {
    /// Who reports: a character of the player.
    pub character: CharacterId,
    /// Who said it.
    pub against: CharacterId,
    /// Where, as the reporter names it.
    pub channel: Channel,
    /// What.
    pub message: MessageId,
    /// What is wrong with it.
    pub reason: ChatText,
}

/// Answer to a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReportMade {
    /// The report. The same message reported again by the same account is the same report.
    pub id: ReportId,
}

/// A message, as moderators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReportedMessage {
    /// The message.
    pub id: MessageId,
    /// Whose account said it.
    pub account: AccountId,
    /// By which character.
    pub character: CharacterId,
    /// Its name when it said it.
    pub name: CharacterName,
    /// What was said.
    pub text: String,
    /// When.
    pub at: UnixMillis,
}

/// A report, as moderators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Report {
    /// The report.
    pub id: ReportId,
    /// When it was made.
    pub at: UnixMillis,
    /// Who reports; none if that account was erased since.
    pub by: Option<Reporter>,
    /// Where it was said, as the reporter names it.
    pub channel: Channel,
    /// What is reported.
    pub message: ReportedMessage,
    /// What was said before it in the channel, newest first, at most 10.
    pub context: Vec<ReportedMessage>,
    /// What is wrong with it, in the words of the reporter.
    pub reason: String,
}

/// Who reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Reporter {
    /// The account.
    pub account: AccountId,
    /// The character.
    pub character: CharacterId,
}

/// Answer of `GET /admin/v1/reports`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReportPage {
    /// Newest first.
    pub reports: Vec<Report>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}

/// Body of `PUT /admin/v1/players/{account}/mute`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MutePlayer {
    /// For how long from now, in seconds: 1 to 31,536,000 (a year).
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 31_536_000))]
    pub seconds: u32,
    /// Why. The player reads it.
    pub reason: Reason,
}

/// A mute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Mute {
    /// Whose.
    pub account: AccountId,
    /// When it ends.
    pub until: UnixMillis,
    /// Why.
    pub reason: String,
    /// The administrator.
    pub by: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_texts() {
        for channel in [
            Channel::Global,
            Channel::Zone(InstanceId::from_u128(1)),
            Channel::Party(PartyId::from_u128(2)),
            Channel::Whisper(CharacterId::from_u128(3)),
        ] {
            assert_eq!(channel.to_string().parse(), Ok(channel));
        }
        for text in ["", "zone", "zone:", "global:", "party:ins_00000000000000000000000001", "a:b"] {
            assert_eq!(text.parse::<Channel>(), Err(InvalidChannel), "{text}");
        }
    }

    #[test]
    fn texts_are_short_and_plain() {
        let said = |text: &str| ChatText::try_from(text.to_owned()).is_ok();
        assert!(said("hi") && said("ü 李 🦀") && said(&"🦀".repeat(500)));
        for text in ["", "  ", "a\nb", "a\u{7}", "a\u{202e}b", &"a".repeat(501), &"a".repeat(10_000)] {
            assert!(!said(text), "{text:?}");
        }
    }
}
