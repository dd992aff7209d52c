//! The scores of hosts' events: which boards of the catalogue they are for.

use std::collections::BTreeMap;
use std::sync::Arc;

use contest::rank::Score;
use domain::catalogue::Catalogue;
use domain::catalogue::boards::KILLS_BOARD;
use domain::contract::hosts::CharacterEvent;
use domain::ids::{BoardId, InstanceId};

use super::entries::fnv;
use super::{Board, Submission};

/// The boards that events may bring scores for.
#[derive(Debug)]
pub(crate) struct EventBoards {
    boards: BTreeMap<BoardId, Arc<Board>>,
    kills: Option<Arc<Board>>,
}

impl EventBoards {
    pub(crate) fn of(catalogue: &Catalogue, region: &str) -> Self {
        let board = |definition| Arc::new(Board::of(definition, region));
        let boards: BTreeMap<_, _> =
            catalogue.boards.iter().map(|definition| (definition.board.clone(), board(definition))).collect();
        let kills = KILLS_BOARD.parse().ok().and_then(|kills: BoardId| boards.get(&kills).cloned());
        Self { boards, kills }
    }

    /// The scores of an event, its kills among them. `None` if there is no such board: a host may have another version of
    /// the catalogue, and sends the rest of the event again. What is for another region's boards is left out and logged.
    pub(crate) fn scores_of(&self, event: &CharacterEvent) -> Option<Vec<Submission>> {
        let submission = |board: &Arc<Board>, score: i64, subscore: i64| Submission {
            board: Arc::clone(board),
            character: event.character,
            score: Score { score, subscore },
        };
        let mut submissions = Vec::new();
        if event.kills > 0 {
            submissions.extend(self.kills.iter().map(|board| submission(board, event.kills.into(), 0)));
        }
        for score in &event.scores {
            let board = self.boards.get(&score.board)?;
            submissions.push(submission(board, score.score, score.subscore));
        }
        submissions.retain(|one| {
            if !one.board.is_writable {
                log_lost(one, "the board takes scores in its home region only");
            }
            one.board.is_writable
        });
        Some(submissions)
    }
}

/// Logs a score that is left out of its event.
pub(crate) fn log_lost(submission: &Submission, reason: &str) {
    let Submission { character, board, .. } = submission;
    let board = &board.definition.board;
    tracing::warn!(character.id = %character, board.id = %board, reason, "a score is left out");
}

/// The number by which an instance chooses its shard: its batches come one after the other, so they never contend
/// with each other.
pub(crate) fn writer_of(instance: InstanceId) -> u32 {
    u32::try_from(fnv(&instance.to_string()) & u64::from(u32::MAX)).expect("the lower 32 bits")
}
