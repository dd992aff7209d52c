//! The steady tick allocates nothing: what it needs it keeps.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

use domain::catalogue::{Catalogue, ZoneDefinition};
use domain::fixed::metres;
use domain::ids::CharacterId;
use domain::random::Random;
use sim::inbox::{Inbox, Joining, ZoneEvent};
use sim::outbox::Outbox;
use sim::player::Seat;
use sim::rules::realm::Realm;
use sim::zone::Zone;
use wire::message::PlayerInput;

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

#[expect(unsafe_code, reason = "an allocator can only be written so; this one only counts")]
// SAFETY: everything is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are the same.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises are the same.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const PLAYERS: u32 = 100;
const SPECTATORS: u32 = 4;

/// Players have the first numbers.
fn seat_of(number: u32) -> Seat {
    Seat(number.checked_sub(PLAYERS).map_or(number, |spectator| Seat::SPECTATES | spectator))
}

#[test]
fn the_steady_tick_allocates_nothing() {
    let forest = Catalogue::builtin().zone(&"forest".parse().expect("a name")).expect("built in").clone();
    // Small enough that every corner has been fought over when it counts.
    let definition = ZoneDefinition { size: metres(160), monsters: 100, ..forest };
    let mut zone = Zone::new(&definition, Box::new(Realm), 7);
    let mut outbox = Outbox::default();
    let mut inbox = Inbox::default();
    inbox.events.extend((1..=PLAYERS + SPECTATORS).map(|number| {
        ZoneEvent::Join(Joining {
            character: CharacterId::from_u128(number.into()),
            name: format!("Player {number}"),
            xp: 0,
            place: None,
            party: None,
            budget: 0,
            spectates: number > PLAYERS,
        })
    }));
    zone.tick(&inbox, &mut outbox);
    // Those who play do the same whoever looks on.
    let (mut playing, mut watching) = (Random::new(7), Random::new(8));
    let mut sent = vec![0_u32; (PLAYERS + SPECTATORS) as usize];
    let mut allocated = Vec::new();
    // Memory grows with the most that there ever was of something; four minutes see most of that.
    for tick in 2..10_000_u32 {
        inbox.events.clear();
        for number in (0..PLAYERS + SPECTATORS).filter(|number| (number + tick).is_multiple_of(3)) {
            let random = if number < PLAYERS { &mut playing } else { &mut watching };
            let mut wish = || i8::try_from(random.between(-127, 127)).expect("in range");
            let (move_x, move_y) = (wish(), wish());
            let action = u8::from(random.below(6) == 0);
            let aim = u16::try_from(random.below(65_536)).expect("in range");
            let snapshot = sent[number as usize];
            let input =
                PlayerInput { sequence: tick, snapshot, tick: 0, seen: tick, move_x, move_y, aim, action };
            inbox.events.push(ZoneEvent::Input(seat_of(number), input));
        }
        outbox.clear();
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        zone.tick(&inbox, &mut outbox);
        allocated.push(ALLOCATIONS.load(Ordering::Relaxed) - before);
        for (seat, _) in outbox.frames() {
            let first = if seat.spectates() { PLAYERS as usize } else { 0 };
            sent[first + seat.index()] += 1;
        }
    }
    let (warm_up, steady) = allocated.split_at(8_000);
    assert!(warm_up.iter().sum::<u64>() > 0, "the counter counts");
    let quiet = steady.iter().filter(|count| **count == 0).count();
    assert_eq!(quiet, steady.len(), "{:?}", steady.iter().filter(|count| **count > 0).collect::<Vec<_>>());
}
