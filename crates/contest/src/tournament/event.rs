//! What can happen to a tournament, and what its caller must do then.

use domain::ids::InstanceId;
use domain::time::UnixMillis;
use serde::{Deserialize, Serialize};

use super::definition::Window;
use super::fixture::How;
use super::names::{EntrantId, MatchId, RequestId};

/// Longest reason for a dispute, a ruling or a cancellation, in bytes.
pub const REASON_LEN_MAX: usize = 500;
/// Longest name of an admin, in bytes.
pub const ADMIN_LEN_MAX: usize = 100;
/// Most disputes of one match by one entrant: nobody can fill the store by disputing.
pub const DISPUTES_MAX: usize = 4;
/// Most rulings on one match; past them only one that names a winner is heard.
pub const RULINGS_MAX: usize = 16;
/// Most requests to register and to withdraw of one entrant.
pub const REQUESTS_MAX: usize = 16;
/// Most instances that one match can be started on.
pub const INSTANCES_MAX: usize = 32;

/// Something that happened, and when the caller learned of it. A time before that of an earlier event counts
/// as the time of that event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: UnixMillis,
    /// What.
    pub action: Action,
}

/// What happened. A repeat of what is already so changes nothing; what contradicts it is a conflict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Time passed. Other events let it pass too; this one is for when nothing else happens.
    Tick,
    /// An entrant wants to take part.
    Register {
        /// Who.
        entrant: EntrantId,
        /// Strength at registration, higher is better; any scale.
        rating: i32,
        /// The request, so that its repeat after a withdrawal does not register again.
        request: RequestId,
    },
    /// An entrant confirms to be there.
    CheckIn {
        /// Who.
        entrant: EntrantId,
    },
    /// An entrant leaves, or is made to: open and later matches are forfeited.
    Withdraw {
        /// Who.
        entrant: EntrantId,
        /// The request, so that its repeat after another registration does not withdraw again.
        request: RequestId,
    },
    /// An entrant that is about to be made to leave has played foul: it stands below all others, and gets no prize.
    Disqualify {
        /// Who.
        entrant: EntrantId,
    },
    /// An entrant came to a match. Who did not come by its deadline loses against who did.
    Arrive {
        /// Which match.
        match_id: MatchId,
        /// Which attempt at it, as in [`Effect::MatchReady`]; one of an earlier attempt changes nothing.
        attempt: u16,
        /// Who.
        entrant: EntrantId,
    },
    /// A host began the match.
    Start {
        /// Which match.
        match_id: MatchId,
        /// Where.
        instance: InstanceId,
    },
    /// The instance ended before the match was decided: its games stay, and it waits for another instance.
    LoseInstance {
        /// Which match.
        match_id: MatchId,
        /// Where it was played.
        instance: InstanceId,
    },
    /// A host reports the result of one game.
    ReportGame {
        /// Which match.
        match_id: MatchId,
        /// Where it is played.
        instance: InstanceId,
        /// Which game of the match, from 1.
        game: u8,
        /// Who won it.
        winner: EntrantId,
    },
    /// An entrant gives up one match.
    Forfeit {
        /// Which match.
        match_id: MatchId,
        /// Which attempt at it, as in [`Effect::MatchReady`]; one of an earlier attempt changes nothing.
        attempt: u16,
        /// Who.
        entrant: EntrantId,
    },
    /// An entrant says that a match went wrong. Nothing follows from it until an admin ruled.
    Dispute {
        /// Which match.
        match_id: MatchId,
        /// Who says so.
        entrant: EntrantId,
        /// What for.
        reason: String,
        /// The request, so that its repeat after a ruling does not dispute again.
        request: RequestId,
    },
    /// An admin rules on a match whose result is not yet final.
    Resolve {
        /// Which match.
        match_id: MatchId,
        /// What the admin decided.
        ruling: Ruling,
        /// Who decided.
        admin: String,
        /// Why, for the audit log.
        reason: String,
        /// The request, so that its repeat does not rule again.
        request: RequestId,
    },
    /// An admin starts the tournament before its time, with those who are there: who has checked in where check-in
    /// is open, and all who have registered before that.
    StartEarly {
        /// Who decided.
        admin: String,
        /// Why, for the audit log.
        reason: String,
    },
    /// An admin ends the tournament without a result.
    Cancel {
        /// Who decided.
        admin: String,
        /// Why, for the audit log.
        reason: String,
    },
}

impl Action {
    /// Lets `reword` change the reason that was given, if there is one: by this entrant, or by an admin.
    pub fn reword(&mut self, reword: impl Fn(Option<EntrantId>, &mut String)) {
        match self {
            Self::Dispute { entrant, reason, .. } => reword(Some(*entrant), reason),
            Self::Resolve { reason, .. } | Self::StartEarly { reason, .. } | Self::Cancel { reason, .. } => {
                reword(None, reason);
            }
            _ => {}
        }
    }

    /// Whether there must be matches for it to happen.
    pub(super) const fn is_about_a_match(&self) -> bool {
        !matches!(
            self,
            Self::Tick
                | Self::Register { .. }
                | Self::CheckIn { .. }
                | Self::Withdraw { .. }
                | Self::Disqualify { .. }
                | Self::StartEarly { .. }
                | Self::Cancel { .. }
        )
    }
}

/// What an admin decides about a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Ruling {
    /// This entrant won; that is final.
    Winner(EntrantId),
    /// All games count for nothing, and the match is played again.
    Replay,
    /// The games stand as they were reported, and the match goes on or is final.
    Stand,
}

/// Something that the caller must do or may tell. Each has an id, so that doing it twice can be avoided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nobody can register any more: tell those who did when to check in.
    RegistrationClosed {
        /// When, if they have to.
        check_in: Option<Window>,
    },
    /// It started with this many.
    Started {
        /// Those who are there.
        entrants: u16,
    },
    /// A match can be played: give it an instance, and tell the two to come.
    MatchReady {
        /// Which match.
        match_id: MatchId,
        /// How often it became ready, from 1.
        attempt: u16,
        /// Who play.
        entrants: [EntrantId; 2],
        /// Most games of it.
        best_of: u8,
        /// Who is not there by then loses.
        due_at: UnixMillis,
    },
    /// A match has a result, which can be disputed until it is final.
    MatchDecided {
        /// Which match.
        match_id: MatchId,
        /// The attempt that was decided.
        attempt: u16,
        /// Who won; nobody where both lose for not coming.
        winner: Option<EntrantId>,
        /// How.
        how: How,
        /// When it cannot be disputed any more.
        final_at: UnixMillis,
    },
    /// A match waits for an admin.
    MatchDisputed {
        /// Which match.
        match_id: MatchId,
        /// Who disputes it.
        entrant: EntrantId,
        /// The dispute.
        request: RequestId,
    },
    /// A match that both came to has no result in time: it waits for an admin.
    MatchOverdue {
        /// Which match.
        match_id: MatchId,
        /// The attempt at it.
        attempt: u16,
        /// When. An attempt that an admin lets go on can be overdue again.
        at: UnixMillis,
    },
    /// An admin ruled: for the audit log.
    MatchRuled {
        /// Which match.
        match_id: MatchId,
        /// The ruling.
        request: RequestId,
    },
    /// The result of a match is final.
    MatchFinal {
        /// Which match.
        match_id: MatchId,
        /// Who won, if anybody.
        winner: Option<EntrantId>,
        /// How.
        how: How,
    },
    /// All is played: the standings are final.
    Finished {
        /// The first.
        champion: EntrantId,
    },
    /// It ended without a result: whatever entrants paid goes back.
    Cancelled,
    /// Pay this out.
    PayPrize {
        /// The place of the standings without shared places, from 1.
        position: u16,
        /// Who gets it.
        entrant: EntrantId,
        /// What.
        reward: String,
        /// How much of it.
        amount: u64,
    },
}

impl Effect {
    /// A text that no other effect of this tournament has, and that is the same after a replay.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::RegistrationClosed { .. } => "registration-closed".to_owned(),
            Self::Started { .. } => "started".to_owned(),
            Self::MatchReady { match_id, attempt, .. } => format!("match-{match_id}-ready-{attempt}"),
            Self::MatchDecided { match_id, attempt, .. } => format!("match-{match_id}-decided-{attempt}"),
            Self::MatchDisputed { match_id, request, .. } => format!("match-{match_id}-disputed-{request}"),
            Self::MatchOverdue { match_id, attempt, at } => {
                format!("match-{match_id}-overdue-{attempt}-{}", at.as_millis())
            }
            Self::MatchRuled { match_id, request } => format!("match-{match_id}-ruled-{request}"),
            Self::MatchFinal { match_id, .. } => format!("match-{match_id}-final"),
            Self::Finished { .. } => "finished".to_owned(),
            Self::Cancelled => "cancelled".to_owned(),
            Self::PayPrize { position, reward, .. } => format!("prize-{position}-{reward}"),
        }
    }
}
