//! The search for the best match around one who waits. It changes nothing: who gets the match is decided by
//! the step.

use domain::ids::InstanceId;
use domain::time::UnixMillis;

use super::group::{Group, Refusal, Stand};
use super::packing::Packing;
use super::pool::{Direction, Key, Kind, Pools, Slot};
use super::quality::{Score, Weights};
use super::queue::{Queue, REGIONS_MAX};
use super::roles::Roles;
use super::slab::Slab;
use super::ticket::{MatchTicketId, Opening, Party, Space};

/// Candidates looked at around one anchor in one region and direction.
const VISITS_MAX: u32 = 1_024;
/// What one that finds no team counts of those that are passed over in a pool: it took the longest to see.
const MISFIT: u32 = 8;
/// Members that are left out, one after the other, when they keep others from making a match.
const BANS_MAX: usize = 2;
/// Regions in which a match is found before the best of them is taken.
const REGIONS_COMPARED: usize = 2;
/// Placements tried for teams that are only proposed.
const PROPOSAL_NODES: u32 = 96;

/// How much may still be looked at. A unit is about one candidate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Work {
    pub(super) left: u32,
}

impl Work {
    pub(super) fn spend(&mut self, units: usize) {
        self.left = self.left.saturating_sub(u32::try_from(units).unwrap_or(u32::MAX));
    }

    pub(super) fn is_spent(self) -> bool {
        self.left == 0
    }
}

/// Whom a match is sought for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Seeker {
    Instance(InstanceId),
    Ticket(MatchTicketId, Slot),
}

impl Seeker {
    pub(super) fn slot(self) -> Option<Slot> {
        match self {
            Self::Instance(_) => None,
            Self::Ticket(_, slot) => Some(slot),
        }
    }
}

/// A match that could be made.
#[derive(Debug, Clone)]
pub(super) struct Proposal {
    pub(super) seeker: Seeker,
    pub(super) slots: Vec<Slot>,
    pub(super) region: u8,
    pub(super) score: Score,
    pub(super) oldest: UnixMillis,
}

/// What came of gathering candidates.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) found: Option<(Vec<Slot>, Packing)>,
    /// How far apart those found stand.
    range: i64,
    /// The member that kept out the most others.
    blamed: Option<Slot>,
    pub(super) misfits: u32,
    pub(super) blocked: u32,
    pub(super) conflicts: u32,
}

/// Where candidates are looked for.
#[derive(Debug, Clone, Copy)]
struct Area<'a> {
    region: u8,
    direction: Direction,
    /// Who is left out.
    banned: &'a [Slot],
    /// Roles of which some lack: only who can take one of them is sought. None: anyone.
    lacking: Roles,
}

/// All that the search looks at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Search<'a> {
    pub(super) queue: &'a Queue,
    pub(super) slab: &'a Slab,
    pub(super) pools: &'a Pools,
    /// The teams of a new match.
    pub(super) spaces: &'a [Space],
    pub(super) now: UnixMillis,
}

impl<'a> Search<'a> {
    /// The best match around a party, over its regions.
    pub(super) fn around_ticket(&self, slot: Slot, work: &mut Work) -> Option<Proposal> {
        let party = self.slab.get(slot)?;
        let mut best: Option<Proposal> = None;
        let mut found = 0;
        for region in party.regions() {
            if found == REGIONS_COMPARED || work.is_spent() {
                break;
            }
            let Some(gathered) = self.in_region(|| self.group_of(slot, party), region, work) else {
                continue;
            };
            found += 1;
            let proposal = self.proposal(Seeker::Ticket(party.id, slot), &gathered, None)?;
            if best.as_ref().is_none_or(|best| proposal.score.quality > best.score.quality) {
                best = Some(proposal);
            }
        }
        best
    }

    /// The best players for an instance.
    pub(super) fn around_opening(&self, opening: &Opening, work: &mut Work) -> Option<Proposal> {
        let gathered = self.in_region(|| self.group_for(opening), opening.region, work)?;
        self.proposal(Seeker::Instance(opening.instance), &gathered, Some(opening))
    }

    pub(super) fn group_of(&self, slot: Slot, party: &'a Party) -> Group<'a> {
        let stand = self.stand(&Key::of(party));
        let mut group = Group::new(self.queue, None, self.spaces, stand);
        group.add(slot, party, stand);
        group
    }

    fn group_for(&self, opening: &'a Opening) -> Group<'a> {
        let window = self.queue.window(self.now.millis_since(opening.created_at));
        let stand = Stand { centre: opening.centre(), window };
        Group::new(self.queue, Some(opening), &opening.spaces, stand)
    }

    pub(super) fn stand(&self, key: &Key) -> Stand {
        let window = self.queue.window(self.now.millis_since(key.created_at));
        Stand { centre: key.centre, window }
    }

    /// Tries both sides, leaving out who keeps others out; then one side, then the other. Among solo players
    /// without blocks whose windows are as wide as they get, the last two miss no match, since its
    /// lowest and its highest find it.
    fn in_region(&self, start: impl Fn() -> Group<'a>, region: u8, work: &mut Work) -> Option<Gathered> {
        let mut banned = Vec::new();
        // Most searches among roles that fail do so for a role that nobody around has.
        let bans = if self.queue.needs.is_empty() { BANS_MAX } else { 1 };
        for _ in 0..=bans {
            let gathered = self.gather(start(), region, Direction::Both, &banned, work);
            if gathered.found.is_some() {
                return Some(gathered);
            }
            match gathered.blamed {
                Some(slot) if !work.is_spent() => banned.push(slot),
                _ => break,
            }
        }
        // If no member kept anyone out, a part of the candidates can do no better than all.
        if banned.is_empty() {
            return None;
        }
        [Direction::Up, Direction::Down].into_iter().find_map(|direction| {
            let gathered = self.gather(start(), region, direction, &[], work);
            gathered.found.is_some().then_some(gathered)
        })
    }

    /// Takes the nearest that fit until the match is full. The largest match on the way is what is found.
    ///
    /// Who can take a scarce role is taken first. Else the others, who are everywhere, take the places that the
    /// few need who come in parties with them; and where nobody can take the role, that is seen at once.
    pub(super) fn gather(
        &self,
        mut group: Group<'a>,
        region: u8,
        direction: Direction,
        banned: &[Slot],
        work: &mut Work,
    ) -> Gathered {
        let mut gathered = Gathered::default();
        keep_if_match(&group, &mut gathered);
        let mut area = Area { region, direction, banned, lacking: 0 };
        if group.is_of_roles() {
            for role in self.pools.scarcest(region, &self.queue.needs) {
                area.lacking |= role;
                if group.lack_of(area.lacking) > 0 {
                    self.take_nearest(&mut group, &mut gathered, area, work);
                }
                let lack = group.lack_of(area.lacking);
                if lack > 0 {
                    gathered.misfits += u32::from(lack);
                    gathered.blamed = group.most_blamed();
                    return gathered;
                }
            }
        }
        self.take_nearest(&mut group, &mut gathered, Area { lacking: 0, ..area }, work);
        gathered.blamed = group.most_blamed();
        gathered
    }

    fn take_nearest(&self, group: &mut Group<'a>, gathered: &mut Gathered, area: Area<'_>, work: &mut Work) {
        if group.is_full() {
            return;
        }
        let lacking = area.lacking;
        let is_sought = |kind| lacking == 0 || group.would_lack_less(lacking, kind);
        let mut walk = self.pools.walk(area.region, group.anchor.centre, area.direction, is_sought);
        work.spend(1 + walk.lanes());
        for _ in 0..VISITS_MAX {
            if group.is_full() || lacking != 0 && group.lack_of(lacking) == 0 {
                break;
            }
            let Some((key, slot, kind)) = walk.step() else { break };
            work.spend(1);
            if area.banned.contains(&slot) || group.members.iter().any(|member| member.slot == slot) {
                continue;
            }
            if lacking != 0 && !group.would_lack_less(lacking, kind) {
                walk.leave(kind);
                continue;
            }
            match self.consider(group, &key, slot, kind) {
                Ok(()) => keep_if_match(group, gathered),
                Err(Refusal::Beyond) => {
                    gathered.conflicts += u32::from(group.anchor.accepts(self.stand(&key)));
                    walk.turn_back(key.centre);
                }
                Err(Refusal::Window) => {
                    gathered.conflicts += u32::from(group.anchor.accepts(self.stand(&key)));
                    walk.pass_over(kind, 1);
                }
                Err(Refusal::Blocked) => gathered.blocked += 1,
                Err(Refusal::NoPlaces) => {
                    gathered.misfits += 1;
                    walk.leave(kind);
                }
                Err(Refusal::NoRoom) => {
                    gathered.misfits += 1;
                    // Groups of one size may differ in roles, so that another of them may fit.
                    let are_alike = kind.size == 1 || self.queue.needs.is_empty();
                    if are_alike { walk.leave(kind) } else { walk.pass_over(kind, MISFIT) }
                }
            }
        }
    }

    fn consider(&self, group: &mut Group<'a>, key: &Key, slot: Slot, kind: Kind) -> Result<(), Refusal> {
        group.has_places(kind)?;
        let stand = self.stand(key);
        group.accepts(key, stand)?;
        let party = self.slab.get(slot).expect("pools hold those who wait");
        group.admits(party)?;
        group.add(slot, party, stand);
        Ok(())
    }

    fn proposal(&self, seeker: Seeker, gathered: &Gathered, opening: Option<&Opening>) -> Option<Proposal> {
        let (slots, packing) = gathered.found.as_ref()?;
        let parties: Vec<&Party> = slots.iter().filter_map(|slot| self.slab.get(*slot)).collect();
        let oldest = parties.iter().map(|party| party.created_at).min()?;
        let (round_trip_ms, region) = match opening {
            Some(opening) => (worst_round_trip(&parties, opening.region)?, opening.region),
            None => best_region(&parties)?,
        };
        let weights = Weights { queue: self.queue, longest_wait_ms: self.now.millis_since(oldest) };
        let score = weights.score(packing.spread, gathered.range, round_trip_ms);
        Some(Proposal { seeker, slots: slots.clone(), region, score, oldest })
    }
}

fn keep_if_match(group: &Group<'_>, gathered: &mut Gathered) {
    if let Some(packing) = group.pack(PROPOSAL_NODES) {
        gathered.found = Some((group.members.iter().map(|member| member.slot).collect(), packing));
        gathered.range = group.range();
    }
}

/// The worst round trip to the region, if all know theirs.
fn worst_round_trip(parties: &[&Party], region: u8) -> Option<u32> {
    let round_trips = parties.iter().map(|party| party.round_trips[usize::from(region)]);
    round_trips.collect::<Option<Vec<u32>>>()?.into_iter().max()
}

/// The region whose worst round trip is the best of those that are known to all, and that round trip.
pub(super) fn best_region(parties: &[&Party]) -> Option<(u32, u8)> {
    let regions = 0..u8::try_from(REGIONS_MAX).expect("regions are few");
    regions.filter_map(|region| Some((worst_round_trip(parties, region)?, region))).min()
}
