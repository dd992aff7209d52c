//! Which region a board is of. Tables are replicated and the last writer of an item wins, so that entries and counts may
//! be changed by the transactions of one region only. The register says which: a board comes into it with its first
//! season at the latest, and the sweep of its home keeps it, and notes there which boards the catalogue has no more.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem, Update};
use domain::time::UnixMillis;

use crate::store::item::{self, Item, number, text};
use crate::store::page::all;
use crate::store::{ITEM_VERSION, Store, StoreError, transact};

use super::{Board, key_of, new_item};

/// The partition of the register.
const REGISTER: &str = "boards";

/// A board as the register has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Registered {
    pub(super) home: String,
    /// When the sweep of its home first missed it in the catalogue.
    pub(super) left_at: Option<UnixMillis>,
}

/// The boards that have been seen, by their names in keys.
pub(super) type Register = BTreeMap<String, Registered>;

/// Whether the entries of this board are for `region` to change. One that is in no register has no entries, or they
/// came here before it did.
pub(super) fn is_of(region: &str, board_key: &str, register: &Register) -> bool {
    match board_key.split_once('@') {
        Some((_, home)) => home == region,
        None => register.get(board_key).is_some_and(|known| known.home == region),
    }
}

impl Store {
    /// Every board that was ever in the catalogue of its home and of which something may be left.
    pub(super) async fn board_register(&self) -> Result<Register, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.boards)
            .key_condition_expression("pk = :register")
            .expression_attribute_values(":register", text(REGISTER))
            .consistent_read(true);
        let mut register = Register::new();
        for item in all(query).await? {
            register.insert(item::read_text(&item, "sk")?.to_owned(), read_registered(&item)?);
        }
        Ok(register)
    }

    /// The part of a transaction that makes a season: whoever finds an entry of it finds whose part that is, even if the
    /// catalogue drops the board before a sweep has seen it. A board that is about to leave the register stays.
    pub(super) fn register_part(&self, board: &Board) -> TransactWriteItem {
        transact::update(
            Update::builder()
                .table_name(&self.tables.boards)
                .set_key(Some(key_of(REGISTER, &board.key)))
                .update_expression(
                    "SET v = if_not_exists(v, :v), home = if_not_exists(home, :home) REMOVE left_at",
                )
                .expression_attribute_values(":v", number(ITEM_VERSION))
                .expression_attribute_values(":home", text(&board.home)),
        )
    }

    /// Notes the boards whose home this region is, and which of its boards the catalogue has no more.
    pub(super) async fn keep_register(
        &self,
        boards: &[Board],
        register: &mut Register,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let mut wanted = Register::new();
        for board in boards.iter().filter(|board| board.is_writable) {
            wanted.insert(board.key.clone(), Registered { home: board.home.clone(), left_at: None });
        }
        for (key, known) in register.iter().filter(|(_, known)| *known.home == *self.region) {
            if boards.iter().all(|board| board.key != *key) {
                let left_at = Some(known.left_at.unwrap_or(now));
                wanted.insert(key.clone(), Registered { left_at, ..known.clone() });
            }
        }
        for (key, board) in wanted {
            if register.get(&key) != Some(&board) {
                let mut item = new_item(REGISTER, &key);
                item.insert("home".to_owned(), text(&board.home));
                let left_at = board.left_at.map(|at| ("left_at".to_owned(), number(at.as_millis())));
                item.extend(left_at);
                let put = Put::builder().table_name(&self.tables.boards).set_item(Some(item));
                // Without a condition nothing is refused: what is not right is put right each second.
                let _ = self.transact(vec![transact::put(put)]).await?;
                register.insert(key, board);
            }
        }
        Ok(())
    }

    /// Takes a board out of the register of which nothing is left, unless it came back meanwhile.
    pub(super) async fn unregister_board(
        &self,
        board_key: &str,
        left_at: UnixMillis,
    ) -> Result<(), StoreError> {
        let delete = Delete::builder()
            .table_name(&self.tables.boards)
            .set_key(Some(key_of(REGISTER, board_key)))
            .condition_expression("left_at = :left_at")
            .expression_attribute_values(":left_at", number(left_at.as_millis()));
        self.transact(vec![transact::delete(delete)]).await.map(drop)
    }
}

fn read_registered(item: &Item) -> Result<Registered, StoreError> {
    item::check_version(item)?;
    let left_at = item.contains_key("left_at").then(|| item::read_number(item, "left_at")).transpose()?;
    Ok(Registered { home: item::read_text(item, "home")?.to_owned(), left_at: left_at.map(UnixMillis::new) })
}
