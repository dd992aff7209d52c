//! The form of a character's item.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::contract::players::{Character, Place};
use domain::fixed::Vec2;
use domain::ids::AccountId;
use domain::progression::level_of_xp;
use domain::time::UnixMillis;

use crate::store::StoreError;
use crate::store::characters::StoredCharacter;
use crate::store::item::{self, Item, number, text};

/// The item of a new character.
pub(super) fn character_item(account: AccountId, character: &Character) -> Item {
    let mut item = item::new_item(character.id);
    let at = number(character.created_at.as_millis());
    item.extend([
        ("account".to_owned(), text(account)),
        ("name".to_owned(), text(&character.name)),
        ("look".to_owned(), text(character.name.reservation_key())),
        ("version".to_owned(), number(character.version)),
        ("claim".to_owned(), number(0)),
        ("xp".to_owned(), number(character.xp)),
        ("kills".to_owned(), number(character.kills)),
        ("deaths".to_owned(), number(character.deaths)),
        ("created_at".to_owned(), at.clone()),
        ("updated_at".to_owned(), at),
    ]);
    item
}

/// The character of this item, unless it was deleted.
pub(crate) fn read_living(item: &Item) -> Result<Option<StoredCharacter>, StoreError> {
    if item.contains_key("deleted_at") { Ok(None) } else { read_character(item).map(Some) }
}

/// The character of this item, deleted or not.
pub(super) fn read_character(item: &Item) -> Result<StoredCharacter, StoreError> {
    item::check_version(item)?;
    let xp = item::read_number(item, "xp")?;
    let character = Character {
        id: item::read_parsed(item, "pk")?,
        name: item::read_parsed(item, "name")?,
        version: item::read_number(item, "version")?,
        level: level_of_xp(xp),
        xp,
        kills: item::read_number(item, "kills")?,
        deaths: item::read_number(item, "deaths")?,
        place: item.contains_key("place").then(|| read_place(item)).transpose()?,
        created_at: UnixMillis::new(item::read_number(item, "created_at")?),
        updated_at: UnixMillis::new(item::read_number(item, "updated_at")?),
    };
    let at = item.contains_key("host").then(|| {
        Ok::<_, StoreError>((item::read_parsed(item, "host")?, item::read_parsed(item, "instance")?))
    });
    // Before looks were compared, names were reserved by their spelling.
    let look = match item.get("look") {
        Some(_) => item::read_text(item, "look")?.to_owned(),
        None => character.name.search_key(),
    };
    Ok(StoredCharacter {
        look,
        account: item::read_parsed(item, "account")?,
        claim: item::read_number(item, "claim")?,
        at: at.transpose()?,
        character,
    })
}

fn read_place(item: &Item) -> Result<Place, StoreError> {
    let place = item::read_map(item, "place")?;
    Ok(Place {
        zone: item::read_parsed(place, "zone")?,
        position: Vec2::new(item::read_number(place, "x")?, item::read_number(place, "y")?),
        health: item::read_number(place, "health")?,
    })
}

/// A place as an attribute.
pub(crate) fn place_value(place: &Place) -> AttributeValue {
    AttributeValue::M(Item::from([
        ("zone".to_owned(), text(&place.zone)),
        ("x".to_owned(), number(place.position.x)),
        ("y".to_owned(), number(place.position.y)),
        ("health".to_owned(), number(place.health)),
    ]))
}
