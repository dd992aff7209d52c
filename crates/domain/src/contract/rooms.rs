//! Rooms: a few players in an instance of their own, found by a short code that one can say aloud.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::contract::players::JoinResponse;
use crate::ids::{CharacterId, ZoneId};
use crate::time::UnixMillis;

/// Letters of a code: none looks like another or like a digit, and there are too few vowels for words.
const ALPHABET: &[u8; 20] = b"ABCDEFGHJKMNPRSTWXYZ";
/// Letters in a code: 64 million codes.
const CODE_LETTERS: usize = 6;

/// A text that is not the code of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the code of a room is 6 of the letters ABCDEFGHJKMNPRSTWXYZ")]
pub struct InvalidRoomCode;

/// The code of a room. It is read without regard to case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomCode([u8; CODE_LETTERS]);

impl RoomCode {
    /// A code made of random bits.
    #[must_use]
    pub fn from_random(mut random: u128) -> Self {
        let base = ALPHABET.len() as u128;
        let letter = |_| {
            let index = usize::try_from(random % base).expect("under 20");
            random /= base;
            ALPHABET[index]
        };
        Self([0; CODE_LETTERS].map(letter))
    }

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("letters")
    }
}

impl FromStr for RoomCode {
    type Err = InvalidRoomCode;

    fn from_str(text: &str) -> Result<Self, InvalidRoomCode> {
        let letters: [u8; CODE_LETTERS] = text.as_bytes().try_into().map_err(|_| InvalidRoomCode)?;
        let letters = letters.map(|letter| letter.to_ascii_uppercase());
        if letters.iter().all(|letter| ALPHABET.contains(letter)) {
            Ok(Self(letters))
        } else {
            Err(InvalidRoomCode)
        }
    }
}

impl fmt::Display for RoomCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

crate::text_form!(RoomCode);

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for RoomCode {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, Type};
        let pattern = "^[A-HJKMNPR-TW-Za-hjkmnpr-tw-z]{6}$";
        ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for RoomCode {}

/// Body of `POST /v1/rooms`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateRoom {
    /// Who opens it, and is its host.
    pub character: CharacterId,
    /// Where it plays: its instance is of this zone.
    pub zone: ZoneId,
    /// Most members who play, 1 to 16 and at most what an instance of the zone takes; as many as that, unless told.
    #[serde(default)]
    pub members_max: Option<u8>,
    /// Most members who only look on, at most 16; none, if not given.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub spectators_max: u8,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u8) -> bool {
    *number == 0
}

/// A room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Room {
    /// What others enter it with.
    pub code: RoomCode,
    /// Where it plays.
    pub zone: ZoneId,
    /// Who decides in it; `null` if nobody is in it.
    pub host: Option<CharacterId>,
    /// Whether it takes no new members.
    pub locked: bool,
    /// Most members who play.
    pub members_max: u8,
    /// Most members who only look on.
    pub spectators_max: u8,
    /// In the order in which they came: the role of the host goes to the next when its holder leaves.
    pub members: Vec<RoomMember>,
    /// Rises with each change that was stored.
    pub version: u64,
    /// When it was made.
    pub created_at: UnixMillis,
    /// The code means nothing from then on, unless somebody joins before.
    pub expires_at: UnixMillis,
}

/// A member of a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RoomMember {
    /// Who.
    pub character: CharacterId,
    /// When it became a member.
    pub joined_at: UnixMillis,
    /// Whether it only looks on.
    pub spectates: bool,
}

/// Body of `POST /v1/rooms/{code}/join`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JoinRoom {
    /// Who.
    pub character: CharacterId,
    /// Whether it is to look on (true) or to play (false). If not given, a member stays what it is, and who is new
    /// plays, unless the room's host has made the account a spectator before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spectate: Option<bool>,
}

/// Body of `PUT /v1/rooms/{code}/members/{character}`, from the room's host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CastRoomMember {
    /// True: its account only looks on from now on, until the room's host says otherwise. False: it may play again, and
    /// this character does. A character that is in the world is put out of it and joins the room again.
    pub spectates: bool,
}

/// Body of `POST /v1/rooms/{code}/leave`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RoomVisitor {
    /// Who.
    pub character: CharacterId,
}

/// Answer to joining: the room, and the way into its instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RoomJoined {
    /// The room with its new member.
    pub room: Room,
    /// Where to connect, and the ticket.
    pub join: JoinResponse,
}

/// Body of `PATCH /v1/rooms/{code}`, from its host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangeRoom {
    /// Whether it takes no new members from now on; who is in it can come back all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked: Option<bool>,
    /// The member who is to be the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<CharacterId>,
}

/// Body of `POST /v1/rooms/{code}/kick`, from its host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KickFromRoom {
    /// The member to be put out. Its account cannot enter the room again.
    pub character: CharacterId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_said_and_read_without_doubt() {
        for random in [0, 1, 19, 20, u128::MAX, 0x1234_5678_9abc_def0] {
            let code = RoomCode::from_random(random);
            assert_eq!(code.to_string().parse(), Ok(code.clone()));
            assert_eq!(code.to_string().to_lowercase().parse(), Ok(code.clone()), "case is no matter");
            assert_eq!(serde_json::to_string(&code).expect("a text"), format!("\"{code}\""));
        }
        assert_eq!(RoomCode::from_random(0).as_str(), "AAAAAA");
        for text in ["", "ABCDE", "ABCDEFG", "ABCDE0", "ABCDEO", "ABCDEI", "ABCDEL", "ÄBCDE", "AB DEF"] {
            assert_eq!(text.parse::<RoomCode>(), Err(InvalidRoomCode), "{text}");
        }
    }
}
