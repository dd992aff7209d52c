//! What two accounts are to each other: strangers, one asking the other, friends, or one blocking the other. Pure:
//! a relation and a wish go in, the relation after it comes out. It knows no store; lists and counts follow
//! from the relation.

use domain::ids::{AccountId, CharacterId};
use domain::time::UnixMillis;
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// Two accounts. The one with the lower id is side 0, so that there is one relation however they are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Pair {
    accounts: [AccountId; 2],
}

/// One of the two accounts of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Low,
    High,
}

impl Side {
    pub(crate) const BOTH: [Self; 2] = [Self::Low, Self::High];

    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Low => Self::High,
            Self::High => Self::Low,
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::Low => 0,
            Self::High => 1,
        }
    }
}

impl Pair {
    /// The pair, and the side of `me`. None for one account with itself.
    pub(crate) fn of(me: AccountId, other: AccountId) -> Option<(Self, Side)> {
        match me.cmp(&other) {
            std::cmp::Ordering::Less => Some((Self { accounts: [me, other] }, Side::Low)),
            std::cmp::Ordering::Greater => Some((Self { accounts: [other, me] }, Side::High)),
            std::cmp::Ordering::Equal => None,
        }
    }

    pub(crate) const fn account(self, side: Side) -> AccountId {
        self.accounts[side.index()]
    }
}

/// What the accounts of a pair are to each other.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Relation {
    friends: Option<Friendship>,
    sides: [Stance; 2],
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Friendship {
    /// The character by which each side knows the other one.
    knows: [CharacterId; 2],
    since: UnixMillis,
}

/// What one side wants of the other.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stance {
    request: Option<Request>,
    block: Option<Block>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    from: CharacterId,
    to: CharacterId,
    at: UnixMillis,
    /// The other side blocks the asker and is not shown the request. The asker is not told.
    hidden: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Block {
    character: CharacterId,
    at: UnixMillis,
}

/// What one side wishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// To be friends; an own character and one of the other side.
    Ask { from: CharacterId, to: CharacterId },
    /// To be friends with the one who asked by this character.
    Accept { character: CharacterId },
    /// Not to be friends with the one who asked by this character.
    Decline { character: CharacterId },
    /// Not to have asked this character.
    Withdraw { character: CharacterId },
    /// Not to be friends any more with the one known by this character.
    Part { character: CharacterId },
    /// To have nothing to do with the other side.
    Block { character: CharacterId },
    /// To end the block that was made by this character.
    Unblock { character: CharacterId },
    /// To leave no trace.
    Vanish,
    /// To leave no trace of this own character, which is no more. Who blocks the asker by it goes on to do so, under a
    /// mask that is nobody's: a block is of the account.
    Forget { character: CharacterId, mask: CharacterId },
}

/// Why a wish is not granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unwanted {
    /// The asker blocks the other side.
    Blocking,
    /// Nobody asked.
    NoRequest,
    /// They are no friends.
    NoFriends,
    /// There is no block.
    NoBlock,
}

/// A list of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum List {
    Friends,
    Outgoing,
    Incoming,
    Blocks,
    /// Who blocks the account. Shown to nobody: it is there so that a deletion finds every relation.
    BlockedBy,
}

impl List {
    pub(crate) const ALL: [Self; 5] =
        [Self::Friends, Self::Outgoing, Self::Incoming, Self::Blocks, Self::BlockedBy];
}

/// What a list of one side has about the other one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The character by which the other side is known here.
    pub(crate) character: CharacterId,
    pub(crate) since: UnixMillis,
}

impl Relation {
    /// The relation after `side` had its wish.
    pub(crate) fn after(&self, side: Side, wish: Wish, now: UnixMillis) -> Result<Self, Unwanted> {
        let mut next = self.clone();
        match wish {
            Wish::Ask { from, to } => next.ask(side, from, to, now)?,
            Wish::Accept { character } => {
                let known = self.friends.as_ref().map(|friends| friends.knows[side.index()]);
                if known != Some(character) {
                    next.take_request(side.other(), character)?;
                    // Whom the other side asked for is whom it knows; the one who accepts knows the asker.
                    let asked = self.asked(side.other(), character).ok_or(Unwanted::NoRequest)?;
                    next.befriend(side, character, asked.to, now);
                }
            }
            Wish::Decline { character } => next.take_request(side.other(), character)?,
            Wish::Withdraw { character } => {
                let stance = &mut next.sides[side.index()];
                stance.request.take_if(|request| request.to == character).ok_or(Unwanted::NoRequest)?;
            }
            Wish::Part { character } => {
                let mine = |friends: &mut Friendship| friends.knows[side.index()] == character;
                next.friends.take_if(mine).ok_or(Unwanted::NoFriends)?;
            }
            Wish::Block { character } => {
                next.friends = None;
                next.sides[side.other().index()].request = None;
                let stance = &mut next.sides[side.index()];
                stance.request = None;
                stance.block.get_or_insert(Block { character, at: now });
            }
            Wish::Unblock { character } => {
                let stance = &mut next.sides[side.index()];
                stance.block.take_if(|block| block.character == character).ok_or(Unwanted::NoBlock)?;
            }
            Wish::Vanish => next = Self::default(),
            Wish::Forget { character, mask } => next.forget(side, character, mask),
        }
        Ok(next)
    }

    fn ask(
        &mut self,
        side: Side,
        from: CharacterId,
        to: CharacterId,
        now: UnixMillis,
    ) -> Result<(), Unwanted> {
        let (mine, other) = (&self.sides[side.index()], &self.sides[side.other().index()]);
        if mine.block.is_some() {
            return Err(Unwanted::Blocking);
        }
        if self.friends.is_some() {
            return Ok(());
        }
        let hidden = other.block.is_some();
        if let Some(crossing) = &other.request {
            // Both want it. Each knows the other by the character that it asked for.
            let known = crossing.to;
            self.befriend(side, to, known, now);
            return Ok(());
        }
        let request = &mut self.sides[side.index()].request;
        match request {
            Some(request) => request.hidden = hidden,
            None => *request = Some(Request { from, to, at: now, hidden }),
        }
        Ok(())
    }

    fn forget(&mut self, side: Side, own: CharacterId, mask: CharacterId) {
        let other = side.other().index();
        self.friends.take_if(|friends| friends.knows[other] == own);
        self.sides[side.index()].request.take_if(|request| request.from == own);
        self.sides[other].request.take_if(|request| request.to == own);
        if let Some(block) = self.sides[other].block.as_mut().filter(|block| block.character == own) {
            block.character = mask;
        }
    }

    fn asked(&self, side: Side, from: CharacterId) -> Option<&Request> {
        self.sides[side.index()].request.as_ref().filter(|request| request.from == from && !request.hidden)
    }

    fn take_request(&mut self, of: Side, from: CharacterId) -> Result<(), Unwanted> {
        self.asked(of, from).ok_or(Unwanted::NoRequest)?;
        self.sides[of.index()].request = None;
        Ok(())
    }

    fn befriend(&mut self, side: Side, mine: CharacterId, others: CharacterId, now: UnixMillis) {
        let mut knows = [mine, others];
        if side == Side::High {
            knows.reverse();
        }
        for stance in &mut self.sides {
            stance.request = None;
        }
        self.friends = Some(Friendship { knows, since: now });
    }

    /// Whether something of it is about this character of `side`.
    pub(crate) fn knows(&self, side: Side, own: CharacterId) -> bool {
        let nobody = CharacterId::from_u128(0);
        self.after(side, Wish::Forget { character: own, mask: nobody }, UnixMillis::default())
            .is_ok_and(|after| after != *self)
    }

    /// Whether there is nothing between the two.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) const fn are_friends(&self) -> bool {
        self.friends.is_some()
    }

    /// Whether `side` blocks the other one.
    pub(crate) const fn blocks(&self, side: Side) -> bool {
        self.sides[side.index()].block.is_some()
    }

    /// Whether `side` has asked and the other one is not shown it.
    pub(crate) fn asks_in_vain(&self, side: Side) -> bool {
        self.sides[side.index()].request.as_ref().is_some_and(|request| request.hidden)
    }

    /// What the list of `side` has about the other one.
    pub(crate) fn entry(&self, side: Side, list: List) -> Option<Entry> {
        let (mine, other) = (&self.sides[side.index()], &self.sides[side.other().index()]);
        let entry = |character: CharacterId, since: UnixMillis| Entry { character, since };
        match list {
            List::Friends => {
                self.friends.as_ref().map(|friends| entry(friends.knows[side.index()], friends.since))
            }
            List::Outgoing => mine.request.as_ref().map(|request| entry(request.to, request.at)),
            List::Incoming => {
                let shown = other.request.as_ref().filter(|request| !request.hidden);
                shown.map(|request| entry(request.from, request.at))
            }
            List::Blocks => mine.block.as_ref().map(|block| entry(block.character, block.at)),
            List::BlockedBy => other.block.as_ref().map(|block| entry(block.character, block.at)),
        }
    }
}
