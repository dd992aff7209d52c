//! What is shown of a tournament: its state in the words of the contract.

use contest::tournament::{
    EntrantId, How, Match, MatchId, MatchView, Phase, Presence, Refused, Ruling, SlotView, Stage, Standing,
    StatusView,
};
use domain::contract::tournaments::{
    BracketEntrant, BracketMatch, BracketRound, BracketSlot, EntryMember, EntryState, MatchDispute,
    MatchRuling, MatchStatus, MatchVerdict, ReportedGame, RuledMatch, StandingLine, TournamentBracket,
    TournamentEntry, TournamentMatch, TournamentStage, TournamentState, WonBy,
};
use domain::ids::TournamentId;

use super::{Live, Refusal, Setup, captain_of};

/// The phase in the words of the contract.
pub(crate) const fn state_of(phase: Phase) -> TournamentState {
    match phase {
        Phase::Registration => TournamentState::Registration,
        Phase::CheckIn => TournamentState::CheckIn,
        Phase::Running => TournamentState::Running,
        Phase::Finished => TournamentState::Finished,
        Phase::Cancelled => TournamentState::Cancelled,
    }
}

const fn won_by(how: How) -> WonBy {
    match how {
        How::Played => WonBy::Played,
        How::Forfeit => WonBy::Forfeit,
        How::Ruled => WonBy::Ruled,
        How::Bye => WonBy::Bye,
        How::NotNeeded => WonBy::NotNeeded,
    }
}

fn shown_slot(slot: SlotView) -> BracketSlot {
    match slot {
        SlotView::Entrant { id, .. } => BracketSlot::Entrant(captain_of(id)),
        SlotView::Bye => BracketSlot::Bye,
        SlotView::WinnerOf(MatchId(number)) => BracketSlot::WinnerOf(number),
        SlotView::LoserOf(MatchId(number)) => BracketSlot::LoserOf(number),
    }
}

fn shown_match(fixture: &MatchView) -> BracketMatch {
    let (status, due_at, instance) = match fixture.status {
        StatusView::Waiting => (MatchStatus::Waiting, None, None),
        StatusView::Ready { due_at } => (MatchStatus::Ready, Some(due_at), None),
        StatusView::InProgress { instance, due_at } => {
            (MatchStatus::InProgress, Some(due_at), Some(instance))
        }
        StatusView::Decided => (MatchStatus::Decided, None, None),
        StatusView::Disputed => (MatchStatus::Disputed, None, None),
        StatusView::Final => (MatchStatus::Final, None, None),
    };
    BracketMatch {
        id: fixture.id.0,
        attempt: fixture.attempt,
        slots: fixture.slots.map(shown_slot),
        games: fixture.games,
        best_of: fixture.best_of,
        status,
        due_at,
        instance,
        winner: fixture.winner.map(captain_of),
        won_by: fixture.how.map(won_by),
        winner_to: fixture.winner_to.map(|target| target.match_id.0),
        loser_to: fixture.loser_to.map(|target| target.match_id.0),
    }
}

impl Live {
    fn name(&self, entrant: EntrantId) -> String {
        self.entries.get(&entrant).map(|entry| entry.name.clone()).unwrap_or_default()
    }

    /// The bracket for anybody.
    pub(crate) fn bracket(&self, id: TournamentId, version: u64, setup: &Setup) -> TournamentBracket {
        let view = self.tournament.view();
        let entrant = |id: &EntrantId| BracketEntrant {
            entrant: captain_of(*id),
            name: self.name(*id),
            seed: self.seed(*id),
        };
        let rounds = view.rounds.iter().map(|round| BracketRound {
            stage: match round.stage {
                Stage::Winners => TournamentStage::Winners,
                Stage::Losers => TournamentStage::Losers,
                Stage::GrandFinal => TournamentStage::GrandFinal,
                Stage::Table => TournamentStage::Table,
            },
            round: round.round,
            matches: round.matches.iter().map(shown_match).collect(),
        });
        TournamentBracket {
            tournament: id,
            version,
            format: setup.definition.format,
            state: state_of(view.phase),
            entrants: view.entrants.iter().map(entrant).collect(),
            rounds: rounds.collect(),
        }
    }

    fn seed(&self, entrant: EntrantId) -> Option<u16> {
        let seed = self.tournament.entrants().get(&entrant)?.seed?;
        Some(seed.number())
    }

    /// One entrant.
    pub(crate) fn shown_entry(&self, entrant: EntrantId) -> Option<TournamentEntry> {
        let entry = self.entries.get(&entrant)?;
        let state = match self.presence(entrant) {
            None => EntryState::Forming,
            // Whose team left and is formed anew.
            Some(Presence::Withdrawn) if !entry.is_complete() => EntryState::Forming,
            Some(Presence::Registered) => EntryState::Registered,
            Some(Presence::CheckedIn) => EntryState::CheckedIn,
            Some(Presence::Playing) => EntryState::Playing,
            Some(Presence::Absent) => EntryState::Absent,
            Some(Presence::Withdrawn) => EntryState::Withdrawn,
        };
        let members = entry.members.iter().map(|member| EntryMember {
            character: member.character,
            name: member.name.clone(),
            confirmed: member.confirmed,
        });
        Some(TournamentEntry {
            entrant: captain_of(entrant),
            name: entry.name.clone(),
            state,
            seed: self.seed(entrant),
            members: members.collect(),
        })
    }

    /// The standings, the best first.
    pub(crate) fn lines(&self) -> Vec<StandingLine> {
        let line = |standing: &Standing| StandingLine {
            place: standing.place,
            position: standing.position,
            entrant: captain_of(standing.entrant),
            name: self.name(standing.entrant),
            seed: standing.seed.number(),
            reached: standing.score.reached,
            points: standing.score.points,
            head_to_head: standing.score.head_to_head,
            buchholz: standing.score.buchholz,
            sonneborn_berger: standing.score.sonneborn_berger,
            game_difference: standing.score.game_difference,
        };
        self.tournament.standings().iter().map(line).collect()
    }

    fn shown_fixture(&self, match_id: MatchId) -> Result<(BracketMatch, &Match), Refusal> {
        let unknown = Refusal::Core(Refused::Unknown("match"));
        let view = self.tournament.view();
        let shown = view.rounds.iter().flat_map(|round| &round.matches).find(|shown| shown.id == match_id);
        let fixture = self.tournament.fixture(match_id);
        shown.map(shown_match).zip(fixture).ok_or(unknown)
    }

    /// Where a match stands, for who reported it.
    pub(crate) fn verdict(&self, version: u64, match_id: MatchId) -> Result<MatchVerdict, Refusal> {
        let (shown, _) = self.shown_fixture(match_id)?;
        let BracketMatch { status, games, winner, .. } = shown;
        Ok(MatchVerdict { version, status, games, winner })
    }

    /// A match with all that hosts and administrators need.
    pub(crate) fn shown_match(&self, version: u64, match_id: MatchId) -> Result<TournamentMatch, Refusal> {
        let (shown, fixture) = self.shown_fixture(match_id)?;
        let sides = shown.slots.map(|slot| match slot {
            BracketSlot::Entrant(entrant) => Some(entrant),
            _ => None,
        });
        let on = |side: contest::tournament::Side| match side {
            contest::tournament::Side::First => sides[0],
            contest::tournament::Side::Second => sides[1],
        };
        let games = (1..).zip(&fixture.games);
        let games = games
            .filter_map(|(game, played)| Some(ReportedGame { game, winner: on(played.winner)? }))
            .collect();
        let disputes = fixture.disputes.iter().map(|dispute| MatchDispute {
            entrant: captain_of(dispute.entrant),
            at: dispute.at,
            reason: dispute.reason.clone(),
        });
        let rulings = fixture.rulings.iter().map(|entry| RuledMatch {
            admin: entry.admin.clone(),
            at: entry.at,
            reason: entry.reason.clone(),
            ruling: match entry.ruling {
                Ruling::Winner(entrant) => MatchRuling::Winner(captain_of(entrant)),
                Ruling::Replay => MatchRuling::Replay,
                Ruling::Stand => MatchRuling::Stand,
            },
        });
        let entrants = self.sides(match_id)?.into_iter().filter_map(|entrant| self.shown_entry(entrant));
        Ok(TournamentMatch {
            version,
            entrants: entrants.collect(),
            games,
            disputes: disputes.collect(),
            rulings: rulings.collect(),
            fixture: shown,
        })
    }
}
