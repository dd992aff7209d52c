//! What an organiser may ask for: a definition of the contract becomes one of the pure tournament, or all of its
//! faults are told.

use contest::tournament::{Definition, EntrantKind, Format, Prize, Tournament, Window};
use domain::contract::tournaments::{
    Reward, TITLE_CHARS_MAX, TOURNAMENT_MEMBERS_MAX, TOURNAMENT_REGIONS_MAX, TimeWindow,
    TournamentDefinition, TournamentFormat,
};
use domain::time::UnixMillis;
use serde::{Deserialize, Serialize};

use super::Live;

/// What a tournament starts from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Setup {
    pub(crate) definition: TournamentDefinition,
    /// What lots are drawn from.
    pub(crate) seed: u64,
    pub(crate) created_at: UnixMillis,
}

impl Setup {
    /// The tournament before anything happened, or everything that is wrong with the definition.
    pub(crate) fn begin(&self) -> Result<Live, Vec<String>> {
        let mut faults = faults(&self.definition);
        match Tournament::new(pure(&self.definition), self.seed) {
            Ok(tournament) if faults.is_empty() => return Ok(Live::new(tournament)),
            Ok(_) => {}
            Err(found) => faults.extend(found.iter().map(ToString::to_string)),
        }
        Err(faults)
    }

    /// The region that runs it.
    pub(crate) fn home(&self) -> &str {
        self.definition.regions.first().map_or("", String::as_str)
    }

    /// When it starts unless an administrator starts it before.
    pub(crate) fn starts_at(&self) -> UnixMillis {
        self.definition.check_in.unwrap_or(self.definition.registration).closes_at
    }
}

/// Whether a text for people is of 1 to 80 characters that show.
pub(crate) fn is_title(text: &str) -> bool {
    let length = text.chars().take(TITLE_CHARS_MAX + 1).count();
    (1..=TITLE_CHARS_MAX).contains(&length) && text.trim() == text && !text.chars().any(char::is_control)
}

/// Whether a text can be the name of a region.
pub(crate) fn is_region(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=32).contains(&text.len()) && text.bytes().all(plain)
}

/// What the pure tournament does not look at.
fn faults(definition: &TournamentDefinition) -> Vec<String> {
    let mut faults = Vec::new();
    let mut check = |good: bool, fault: &str| {
        if !good {
            faults.push(fault.to_owned());
        }
    };
    check(is_title(&definition.title), "title: 1 to 80 characters are needed");
    let members = u32::from(definition.entrants_max) * u32::from(definition.team_size);
    check(
        members <= TOURNAMENT_MEMBERS_MAX,
        "entrants_max and team_size: more than 4096 players could take part",
    );
    let regions = &definition.regions;
    check(
        (1..=TOURNAMENT_REGIONS_MAX).contains(&regions.len()) && regions.iter().all(|name| is_region(name)),
        "regions: 1 to 8 names of the characters a-z, 0-9 and '-' are needed",
    );
    let unique: std::collections::BTreeSet<_> = regions.iter().collect();
    check(unique.len() == regions.len(), "regions: one is named twice");
    let (min, max) = (definition.entry.level_min, definition.entry.level_max);
    check(min.unwrap_or(0) <= max.unwrap_or(u32::MAX), "entry: level_min is over level_max");
    faults
}

fn pure(definition: &TournamentDefinition) -> Definition {
    let window = |window: TimeWindow| Window { opens_at: window.opens_at, closes_at: window.closes_at };
    let prizes = definition.prizes.iter();
    Definition {
        format: match definition.format {
            TournamentFormat::SingleElimination => Format::SingleElimination,
            TournamentFormat::DoubleElimination { bracket_reset } => {
                Format::DoubleElimination { bracket_reset }
            }
            TournamentFormat::Swiss { rounds } => Format::Swiss { rounds },
            TournamentFormat::RoundRobin { twice } => Format::RoundRobin { twice },
        },
        entrant_kind: match definition.team_size {
            1 => EntrantKind::Single,
            size => EntrantKind::Team { size },
        },
        best_of: definition.best_of,
        best_of_final: definition.best_of_final,
        entrants_min: definition.entrants_min,
        entrants_max: definition.entrants_max,
        registration: window(definition.registration),
        check_in: definition.check_in.map(window),
        no_show_after_ms: definition.no_show_after_ms,
        match_max_ms: definition.match_max_ms,
        dispute_window_ms: definition.dispute_window_ms,
        prizes: prizes
            .map(|prize| Prize {
                place: prize.place,
                reward: reward_name(&prize.reward),
                amount: prize.amount,
            })
            .collect(),
    }
}

/// The name of a reward in the pure tournament.
pub(crate) fn reward_name(reward: &Reward) -> String {
    match reward {
        Reward::Currency(currency) => format!("currency:{currency}"),
        Reward::Item(item) => format!("item:{item}"),
    }
}

/// The reward of this name.
pub(crate) fn reward_of(name: &str) -> Option<Reward> {
    match name.split_once(':')? {
        ("currency", currency) => currency.parse().ok().map(Reward::Currency),
        ("item", item) => item.parse().ok().map(Reward::Item),
        _ => None,
    }
}
