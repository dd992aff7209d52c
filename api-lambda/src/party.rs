//! What happens to a party: who may do what, and who leads. Pure: a party and a deed go in, the party after it comes
//! out. It knows no store and no names.

use domain::ids::{AccountId, CharacterId, InstanceId, PartyId, ZoneId};
use domain::limits::{PARTY_INVITATIONS_MAX, PARTY_MEMBERS_MAX};
use domain::time::UnixMillis;
use serde::{Deserialize, Serialize};

/// How long an invitation is open.
pub(crate) const INVITATION_MILLIS: u64 = 5 * 60 * 1_000;

/// A party, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Party {
    pub(crate) id: PartyId,
    pub(crate) leader: CharacterId,
    /// Longest member first.
    pub(crate) members: Vec<Member>,
    pub(crate) invitations: Vec<Invitation>,
    /// Where the party is to meet.
    pub(crate) journey: Option<Journey>,
}

/// A travel to one instance, with a seat for each member until it ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Journey {
    pub(crate) zone: ZoneId,
    pub(crate) instance: InstanceId,
    pub(crate) until: UnixMillis,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Member {
    pub(crate) character: CharacterId,
    pub(crate) account: AccountId,
    pub(crate) joined_at: UnixMillis,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Invitation {
    pub(crate) character: CharacterId,
    pub(crate) account: AccountId,
    pub(crate) by: CharacterId,
    pub(crate) expires_at: UnixMillis,
    /// The one invited blocks the leader and is not shown the invitation. The leader is not told.
    pub(crate) hidden: bool,
}

/// What somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Invite {
        by: CharacterId,
        character: CharacterId,
        account: AccountId,
        hidden: bool,
    },
    Accept {
        character: CharacterId,
    },
    Decline {
        character: CharacterId,
    },
    Leave {
        character: CharacterId,
    },
    Kick {
        by: CharacterId,
        character: CharacterId,
    },
    Promote {
        by: CharacterId,
        character: CharacterId,
    },
    /// The character is no more: neither member nor invited.
    Forget {
        character: CharacterId,
    },
}

/// Why a deed is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forbidden {
    /// Whoever acts is not in the party: for that one, there is no such party.
    NoMember,
    NoLeader,
    /// The member whom it is about is none.
    NoSuchMember,
    NoInvitation,
    /// The one invited is a member.
    MemberAlready,
    Full,
    TooManyInvitations,
}

impl Party {
    /// A party of one.
    pub(crate) fn new(id: PartyId, character: CharacterId, account: AccountId, now: UnixMillis) -> Self {
        let founder = Member { character, account, joined_at: now };
        Self { id, leader: character, members: vec![founder], invitations: Vec::new(), journey: None }
    }

    pub(crate) fn has(&self, character: CharacterId) -> bool {
        self.members.iter().any(|member| member.character == character)
    }

    /// The instance of the zone where the party is to meet.
    pub(crate) fn destination(&self, zone: &ZoneId, now: UnixMillis) -> Option<InstanceId> {
        let journey = self.journey.as_ref().filter(|journey| journey.zone == *zone && journey.until > now);
        journey.map(|journey| journey.instance)
    }

    pub(crate) fn characters(&self) -> Vec<CharacterId> {
        self.members.iter().map(|member| member.character).collect()
    }

    /// The party after the deed. Without a member, it is over.
    pub(crate) fn after(&self, deed: Deed, now: UnixMillis) -> Result<Self, Forbidden> {
        let mut next = self.clone();
        next.invitations.retain(|invitation| invitation.expires_at > now);
        match deed {
            Deed::Invite { by, character, account, hidden } => {
                next.lead(by)?;
                next.invite(Invitation {
                    character,
                    account,
                    by,
                    expires_at: now.plus_millis(INVITATION_MILLIS),
                    hidden,
                })?;
            }
            Deed::Accept { character } => {
                // A member who accepts has accepted before, and did not get the answer.
                if !next.has(character) {
                    let invitation = next.take_invitation(character)?;
                    if next.members.len() >= PARTY_MEMBERS_MAX {
                        return Err(Forbidden::Full);
                    }
                    let account = invitation.account;
                    next.members.push(Member { character, account, joined_at: now });
                }
            }
            Deed::Decline { character } => {
                next.take_invitation(character)?;
            }
            Deed::Leave { character } => next.part(character, Forbidden::NoMember)?,
            Deed::Kick { by, character } => {
                next.lead(by)?;
                next.part(character, Forbidden::NoSuchMember)?;
            }
            Deed::Forget { character } => {
                next.invitations
                    .retain(|invitation| invitation.character != character && invitation.by != character);
                if next.has(character) {
                    next.part(character, Forbidden::NoMember)?;
                }
            }
            Deed::Promote { by, character } => {
                // The one who was promoted leads already if the answer was lost.
                if next.leader != character || !next.has(by) {
                    next.lead(by)?;
                }
                if !next.has(character) {
                    return Err(Forbidden::NoSuchMember);
                }
                next.leader = character;
            }
        }
        Ok(next)
    }

    /// Whether `by` may lead the party on a travel.
    pub(crate) fn lead(&self, by: CharacterId) -> Result<(), Forbidden> {
        match (self.has(by), self.leader == by) {
            (false, _) => Err(Forbidden::NoMember),
            (true, false) => Err(Forbidden::NoLeader),
            (true, true) => Ok(()),
        }
    }

    fn invite(&mut self, invitation: Invitation) -> Result<(), Forbidden> {
        if self.has(invitation.character) {
            return Err(Forbidden::MemberAlready);
        }
        if self.members.len() >= PARTY_MEMBERS_MAX {
            return Err(Forbidden::Full);
        }
        self.invitations.retain(|earlier| earlier.character != invitation.character);
        if self.invitations.len() >= PARTY_INVITATIONS_MAX {
            return Err(Forbidden::TooManyInvitations);
        }
        self.invitations.push(invitation);
        Ok(())
    }

    fn take_invitation(&mut self, character: CharacterId) -> Result<Invitation, Forbidden> {
        let shown = |invitation: &Invitation| invitation.character == character && !invitation.hidden;
        let index = self.invitations.iter().position(shown).ok_or(Forbidden::NoInvitation)?;
        Ok(self.invitations.remove(index))
    }

    fn part(&mut self, character: CharacterId, missing: Forbidden) -> Result<(), Forbidden> {
        let index = self.members.iter().position(|member| member.character == character);
        self.members.remove(index.ok_or(missing)?);
        if self.leader == character
            && let Some(longest) = self.members.first()
        {
            self.leader = longest.character;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: UnixMillis = UnixMillis::new(1_000);

    fn id(number: u128) -> CharacterId {
        CharacterId::from_u128(number)
    }

    fn invite(by: u128, character: u128) -> Deed {
        let account = AccountId::from_u128(character);
        Deed::Invite { by: id(by), character: id(character), account, hidden: false }
    }

    /// A party of the characters 1 to `count`, led by 1.
    fn party(count: u128) -> Party {
        let mut party = Party::new(PartyId::from_u128(9), id(1), AccountId::from_u128(1), AT);
        for number in 2..=count {
            party = party.after(invite(1, number), AT).expect("invited");
            party = party.after(Deed::Accept { character: id(number) }, AT).expect("accepted");
        }
        party
    }

    #[test]
    fn a_party_grows_to_its_limit_and_no_further() {
        let full = party(8);
        assert_eq!(full.characters(), (1..=8).map(id).collect::<Vec<_>>());
        assert_eq!(full.after(invite(1, 9), AT), Err(Forbidden::Full));
        let mut open = party(7);
        for number in 10..26 {
            open = open.after(invite(1, number), AT).expect("room for 16 invitations");
        }
        assert_eq!(open.after(invite(1, 30), AT), Err(Forbidden::TooManyInvitations));
        // Invited anew is not invited twice.
        assert_eq!(open.after(invite(1, 12), AT).expect("again").invitations.len(), 16);
        let joined = open.after(Deed::Accept { character: id(10) }, AT).expect("the eighth");
        assert_eq!(joined.after(Deed::Accept { character: id(11) }, AT), Err(Forbidden::Full));
        let late = AT.plus_millis(INVITATION_MILLIS);
        assert_eq!(open.after(Deed::Accept { character: id(10) }, late), Err(Forbidden::NoInvitation));
        assert!(open.after(invite(1, 30), late).is_ok());
    }

    #[test]
    fn the_longest_member_leads_when_the_leader_leaves() {
        let promoted = party(4).after(Deed::Promote { by: id(1), character: id(3) }, AT).expect("promoted");
        assert_eq!(promoted.leader, id(3));
        let left = promoted.after(Deed::Leave { character: id(3) }, AT).expect("left");
        assert_eq!((left.leader, left.characters()), (id(1), vec![id(1), id(2), id(4)]));
        let kicked = left.after(Deed::Kick { by: id(1), character: id(1) }, AT).expect("itself");
        assert_eq!(kicked.leader, id(2));
        let two = kicked.after(Deed::Leave { character: id(4) }, AT).expect("left");
        assert!(two.after(Deed::Leave { character: id(2) }, AT).expect("left").members.is_empty());
    }

    #[test]
    fn only_the_leader_leads() {
        let party = party(3);
        for deed in [invite(2, 9), Deed::Kick { by: id(2), character: id(3) }] {
            assert_eq!(party.after(deed, AT), Err(Forbidden::NoLeader));
        }
        assert_eq!(party.after(Deed::Promote { by: id(2), character: id(2) }, AT), Err(Forbidden::NoLeader));
        assert_eq!(party.after(invite(9, 8), AT), Err(Forbidden::NoMember));
        assert_eq!(party.after(Deed::Promote { by: id(9), character: id(1) }, AT), Err(Forbidden::NoMember));
        assert_eq!(party.after(Deed::Kick { by: id(1), character: id(9) }, AT), Err(Forbidden::NoSuchMember));
        assert_eq!(
            party.after(Deed::Promote { by: id(1), character: id(9) }, AT),
            Err(Forbidden::NoSuchMember)
        );
        assert_eq!(party.after(invite(1, 2), AT), Err(Forbidden::MemberAlready));
        assert_eq!(party.after(Deed::Leave { character: id(9) }, AT), Err(Forbidden::NoMember));
        assert_eq!(party.after(Deed::Decline { character: id(9) }, AT), Err(Forbidden::NoInvitation));
    }

    #[test]
    fn repetitions_of_what_was_done_change_nothing() {
        let party = party(3);
        assert_eq!(party.after(Deed::Accept { character: id(2) }, AT).as_ref(), Ok(&party));
        let promoted = party.after(Deed::Promote { by: id(1), character: id(2) }, AT).expect("promoted");
        let again = promoted.after(Deed::Promote { by: id(1), character: id(2) }, AT);
        assert_eq!(again, Ok(promoted));
    }

    #[test]
    fn a_hidden_invitation_cannot_be_taken() {
        let hidden =
            Deed::Invite { by: id(1), character: id(5), account: AccountId::from_u128(5), hidden: true };
        let invited = party(1).after(hidden, AT).expect("as any other");
        assert_eq!(invited.invitations.len(), 1);
        assert_eq!(invited.after(Deed::Accept { character: id(5) }, AT), Err(Forbidden::NoInvitation));
        assert_eq!(invited.after(Deed::Decline { character: id(5) }, AT), Err(Forbidden::NoInvitation));
    }
}
