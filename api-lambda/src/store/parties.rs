//! Parties in the table `social`. `pty_...` is the truth about a party, and every change is conditional on the stamp
//! that it has. `chr_...` says which party a character is in, once for each; the account of a member has an item
//! for its party and each invitation, so that a deletion finds them.

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use domain::ids::{AccountId, CharacterId, PartyId};
use domain::time::UnixMillis;

use crate::party::{Deed, Forbidden, Invitation, Member, Party};
use crate::store::item::{self, Item, number, text};
use crate::store::relations::social_key;
use crate::store::requests::StoredAnswer;
use crate::store::transact::Part;
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off, sent, transact};

pub(crate) mod travel;

/// The sort key of parties and of what says which one a character is in.
const PARTY: &str = "party";

/// Most invitations that a character is shown.
const INVITATIONS_SHOWN: usize = 20;

/// Why a party stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PartyRefusal {
    Forbidden(Forbidden),
    /// There is no such party (any more).
    Gone,
    /// The character is in a party.
    InParty,
    /// The request was answered before, or is being answered now.
    Repeated,
}

/// What a character sees of an invitation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Invited {
    pub(crate) party: PartyId,
    pub(crate) by: CharacterId,
    pub(crate) expires_at: UnixMillis,
}

impl Store {
    /// Makes a party of one.
    pub(crate) async fn create_party(
        &self,
        party: &Party,
        answer: Option<&StoredAnswer>,
    ) -> Result<Result<(), PartyRefusal>, StoreError> {
        let mut parts = vec![self.party_part(party, None)];
        parts.extend(party.members.iter().flat_map(|member| self.enter_parts(party.id, member)));
        parts.extend(answer.map(|answer| self.answer_part(answer)));
        Ok(self.transact(parts).await?.map_err(|refused| {
            if answer.is_some() && refused.last().is_some_and(Part::is_refused) {
                PartyRefusal::Repeated
            } else {
                PartyRefusal::InParty
            }
        }))
    }

    /// Does something to a party; the answer is the party before and after it.
    pub(crate) async fn change_party(
        &self,
        id: PartyId,
        deed: Deed,
        now: UnixMillis,
        answer: impl Fn(&Party) -> Option<StoredAnswer>,
    ) -> Result<Result<(Party, Party), PartyRefusal>, StoreError> {
        for attempt in 0..ATTEMPTS_MAX {
            let Some((stamp, before)) = self.stamped_party(id).await? else {
                return Ok(Err(PartyRefusal::Gone));
            };
            let after = match before.after(deed, now) {
                Ok(after) => after,
                Err(forbidden) => return Ok(Err(PartyRefusal::Forbidden(forbidden))),
            };
            let answer = answer(&after);
            let answered = answer.is_some();
            let mut parts = Vec::new();
            let mut entered = None;
            if after != before {
                parts.push(self.party_part(&after, Some(&stamp)));
                if let Some(newcomer) = after.members.iter().find(|member| !before.has(member.character)) {
                    entered = Some(parts.len());
                    parts.extend(self.enter_parts(id, newcomer));
                }
                for gone in before.members.iter().filter(|member| !after.has(member.character)) {
                    parts.extend(self.leave_parts(gone));
                }
                parts.extend(self.invitation_parts(&before, &after));
            }
            parts.extend(answer.map(|answer| self.answer_part(&answer)));
            if parts.is_empty() {
                return Ok(Ok((before, after)));
            }
            let Err(refused) = self.transact(parts).await? else { return Ok(Ok((before, after))) };
            if answered && refused.last().is_some_and(Part::is_refused) {
                return Ok(Err(PartyRefusal::Repeated));
            }
            if !refused[0].is_refused() && entered.is_some_and(|index| refused[index].is_refused()) {
                return Ok(Err(PartyRefusal::InParty));
            }
            // Somebody changed the party since it was read.
            back_off(attempt).await;
        }
        Err(StoreError::Contended("a party"))
    }

    /// The party, if there is one of this id.
    pub(crate) async fn party(&self, id: PartyId) -> Result<Option<Party>, StoreError> {
        Ok(self.stamped_party(id).await?.map(|(_, party)| party))
    }

    /// The party that the character is in, if it is in one.
    pub(crate) async fn party_of(&self, character: CharacterId) -> Result<Option<Party>, StoreError> {
        let call = self.client.get_item().table_name(&self.tables.social);
        let call = call.set_key(Some(social_key(character, PARTY))).consistent_read(true);
        let Some(item) = sent(call.send()).await?.item else { return Ok(None) };
        let party = self.party(item::read_parsed(&item, "party")?).await?;
        Ok(party.filter(|party| party.has(character)))
    }

    /// Takes a character of the account out of its party, if it is in one.
    pub(crate) async fn leave_party(
        &self,
        account: AccountId,
        character: CharacterId,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let Some(party) = self.party_of(character).await? else { return Ok(()) };
        let owned = party.members.iter().any(|m| m.character == character && m.account == account);
        if owned {
            // A refusal means that it is out already.
            let _ = self.change_party(party.id, Deed::Leave { character }, now, |_| None).await?;
        }
        Ok(())
    }

    /// The open invitations of a character, the newest first.
    pub(crate) async fn invitations(
        &self,
        account: AccountId,
        character: CharacterId,
        now: UnixMillis,
    ) -> Result<Vec<Invited>, StoreError> {
        let (mut found, mut start) = (Vec::new(), None);
        loop {
            let call = self
                .client
                .query()
                .table_name(&self.tables.social)
                .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                .filter_expression("expires_at > :now")
                .expression_attribute_values(":pk", text(account))
                .expression_attribute_values(":prefix", text(format!("invite#{character}#")))
                .expression_attribute_values(":now", number(now.as_millis()))
                .scan_index_forward(false)
                .consistent_read(true)
                .set_exclusive_start_key(start);
            let page = sent(call.send()).await?;
            for item in page.items.unwrap_or_default() {
                found.push(Invited {
                    party: item::read_parsed(&item, "party")?,
                    by: item::read_parsed(&item, "by")?,
                    expires_at: UnixMillis::new(item::read_number(&item, "expires_at")?),
                });
            }
            start = page.last_evaluated_key;
            if start.is_none() || found.len() >= INVITATIONS_SHOWN {
                found.truncate(INVITATIONS_SHOWN);
                return Ok(found);
            }
        }
    }

    pub(crate) async fn stamped_party(&self, id: PartyId) -> Result<Option<(String, Party)>, StoreError> {
        let call = self.client.get_item().table_name(&self.tables.social);
        let call = call.set_key(Some(social_key(id, PARTY))).consistent_read(true);
        let Some(item) = sent(call.send()).await?.item else { return Ok(None) };
        item::check_version(&item)?;
        let stamp = item::read_text(&item, "stamp")?.to_owned();
        let party = serde_json::from_str(item::read_text(&item, "party")?);
        let party = party.map_err(|error| StoreError::Corrupt {
            pk: id.to_string(),
            reason: format!("its party is malformed: {error}"),
        })?;
        Ok(Some((stamp, party)))
    }

    pub(crate) fn party_part(&self, after: &Party, stamp: Option<&str>) -> TransactWriteItem {
        let condition = if stamp.is_some() { "stamp = :stamp" } else { "attribute_not_exists(pk)" };
        let values = stamp.map(|stamp| Item::from([(":stamp".to_owned(), text(stamp))]));
        if after.members.is_empty() {
            let delete = Delete::builder()
                .table_name(&self.tables.social)
                .set_key(Some(social_key(after.id, PARTY)))
                .condition_expression(condition)
                .set_expression_attribute_values(values);
            return transact::delete(delete);
        }
        let mut item = item::new_item(after.id);
        item.extend([
            ("sk".to_owned(), text(PARTY)),
            ("party".to_owned(), text(serde_json::to_string(after).expect("a party is plain data"))),
            ("stamp".to_owned(), text(format!("{:032x}", crate::clock::random_u128()))),
        ]);
        transact::put(
            Put::builder()
                .table_name(&self.tables.social)
                .set_item(Some(item))
                .condition_expression(condition)
                .set_expression_attribute_values(values),
        )
    }

    /// The first part is refused if the character is in a party.
    fn enter_parts(&self, party: PartyId, member: &Member) -> [TransactWriteItem; 2] {
        let mut pointer = item::new_item(member.character);
        pointer.extend([("sk".to_owned(), text(PARTY)), ("party".to_owned(), text(party))]);
        let mut mark = item::new_item(member.account);
        mark.extend([
            ("sk".to_owned(), text(mark_key(member.character))),
            ("character".to_owned(), text(member.character)),
            ("party".to_owned(), text(party)),
        ]);
        let put = |item: Item| Put::builder().table_name(&self.tables.social).set_item(Some(item));
        [
            transact::put(put(pointer).condition_expression("attribute_not_exists(pk)")),
            transact::put(put(mark)),
        ]
    }

    fn leave_parts(&self, member: &Member) -> [TransactWriteItem; 2] {
        let delete = |key: Item| {
            transact::delete(Delete::builder().table_name(&self.tables.social).set_key(Some(key)))
        };
        [
            delete(social_key(member.character, PARTY)),
            delete(social_key(member.account, mark_key(member.character))),
        ]
    }

    /// Each invitation has a mark as long as the party has it, shown or not.
    fn invitation_parts(&self, before: &Party, after: &Party) -> Vec<TransactWriteItem> {
        let key = |invitation: &Invitation| {
            let kind = if invitation.hidden { "unseen" } else { "invite" };
            social_key(invitation.account, format!("{kind}#{}#{}", invitation.character, after.id))
        };
        // A party that is over invites nobody.
        let invited: &[Invitation] = if after.members.is_empty() { &[] } else { &after.invitations };
        let mut parts = Vec::new();
        for gone in &before.invitations {
            let same = |left: &&Invitation| left.character == gone.character && left.hidden == gone.hidden;
            if !invited.iter().any(|left| same(&left)) {
                let delete = Delete::builder().table_name(&self.tables.social).set_key(Some(key(gone)));
                parts.push(transact::delete(delete));
            }
        }
        for invitation in invited.iter().filter(|invitation| !before.invitations.contains(invitation)) {
            let mut item = key(invitation);
            item.extend([
                ("v".to_owned(), number(crate::store::ITEM_VERSION)),
                ("character".to_owned(), text(invitation.character)),
                ("party".to_owned(), text(after.id)),
                ("by".to_owned(), text(invitation.by)),
                ("expires_at".to_owned(), number(invitation.expires_at.as_millis())),
            ]);
            let put = Put::builder().table_name(&self.tables.social).set_item(Some(item));
            parts.push(transact::put(put));
        }
        parts
    }
}

fn mark_key(character: CharacterId) -> String {
    format!("party#{character}")
}
