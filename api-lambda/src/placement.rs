//! Which instance of a zone a player is sent to. Pure: what is open goes in, a choice comes out.

use crate::store::seats::OpenInstance;

/// Below this share of the capacity, the fullest instance is chosen: players meet each other.
const GATHER_BELOW_PERCENT: u32 = 75;
/// From this share on, an instance takes nobody: the rest is for players who come back.
const FULL_FROM_PERCENT: u32 = 95;

/// Where a player goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Choice<'a> {
    /// Here, if fewer than `limit` are in it.
    Sit { open: &'a OpenInstance, limit: u32 },
    /// Nowhere: every instance is full.
    Full,
    /// Nowhere: there is no instance.
    Unavailable,
}

/// Chooses among the open instances of a zone of which each takes `capacity` players.
pub(crate) fn choose(open: &[OpenInstance], capacity: u32) -> Choice<'_> {
    // Rounded up, so that an instance for one player takes that one.
    let share = |percent: u32| (u64::from(capacity) * u64::from(percent)).div_ceil(100);
    let limit = |percent| u32::try_from(share(percent)).unwrap_or(u32::MAX);
    let (gather, full) = (limit(GATHER_BELOW_PERCENT), limit(FULL_FROM_PERCENT));
    let fullest = open
        .iter()
        .filter(|instance| instance.occupied() < gather)
        .max_by_key(|instance| (instance.occupied(), std::cmp::Reverse(instance.instance)));
    if let Some(open) = fullest {
        return Choice::Sit { open, limit: gather };
    }
    let emptiest = open.iter().min_by_key(|instance| (instance.occupied(), instance.instance));
    match emptiest {
        Some(open) if open.occupied() < full => Choice::Sit { open, limit: full },
        Some(_) => Choice::Full,
        None => Choice::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use domain::ids::{HostId, InstanceId};

    use super::*;

    fn instances(loads: &[(u32, u32)]) -> Vec<OpenInstance> {
        (1..)
            .zip(loads)
            .map(|(id, (players, seats))| OpenInstance {
                instance: InstanceId::from_u128(id),
                host: HostId::from_u128(id),
                url: "ws://host".into(),
                players: *players,
                seats: *seats,
            })
            .collect()
    }

    #[track_caller]
    fn check(loads: &[(u32, u32)], capacity: u32, expected: Option<(u128, u32)>) {
        let open = instances(loads);
        let chosen = match choose(&open, capacity) {
            Choice::Sit { open, limit } => Some((open.instance.as_u128(), limit)),
            Choice::Full | Choice::Unavailable => None,
        };
        assert_eq!(chosen, expected, "{loads:?}");
    }

    #[test]
    fn players_gather_then_spread_then_wait() {
        check(&[(10, 0), (74, 0), (75, 0)], 100, Some((2, 75)));
        check(&[(10, 60), (69, 0)], 100, Some((1, 75)));
        check(&[(80, 0), (76, 3), (94, 0)], 100, Some((2, 95)));
        check(&[(90, 5), (95, 0)], 100, None);
        check(&[(5, 0), (5, 0)], 100, Some((1, 75)));
        check(&[(0, 0)], 1, Some((1, 1)));
        check(&[(1, 0)], 1, None);
        assert_eq!(choose(&[], 100), Choice::Unavailable);
        assert_eq!(choose(&instances(&[(95, 0)]), 100), Choice::Full);
    }
}
