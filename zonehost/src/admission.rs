//! The way of a connection into an instance: Hello with a ticket, or Resume with a token.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::contract::hosts::ClaimCharacter;
use domain::ids::{CharacterId, PartyId};
use domain::limits::TICKET_BYTES_MAX;
use sim::inbox::Joining;
use sim::player::Seat;
use tokio::sync::{mpsc, oneshot};
use wire::WIRE_VERSION;
use wire::frame::{ClientMessage, FrameError, read_client_frame};
use wire::message::{Hello, Resume};
use wire::reason::ByeReason;

use crate::instance::{Command, FRAMES_WAITING_MAX, Farewell, InstanceHandle, NOTICES_WAITING_MAX, Outlet};
use crate::platform::{Platform, PlatformError};
use crate::shared::{Shared, unix_now};

/// How long a character's last state may take to be stored before it enters anew.
const SETTLE: Duration = Duration::from_secs(2);

/// Why a connection is refused: the reason, a word for metrics, and a sentence for the player.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    /// For the client.
    pub reason: ByeReason,
    /// Label of the metric.
    pub kind: &'static str,
    /// What was wrong and what to do.
    pub text: String,
}

impl Refusal {
    pub(crate) fn new(reason: ByeReason, kind: &'static str, text: impl Into<String>) -> Self {
        Self { reason, kind, text: text.into() }
    }

    pub(crate) fn of_frame(error: FrameError) -> Self {
        let reason = match error {
            FrameError::TooLarge { .. } => ByeReason::TooLarge,
            _ => ByeReason::Protocol,
        };
        Self::new(reason, error.kind(), error.to_string())
    }
}

/// A connection that is in.
pub(crate) struct Admitted {
    pub(crate) instance: Arc<InstanceHandle>,
    pub(crate) seat: Seat,
    pub(crate) frames: mpsc::Receiver<Bytes>,
    pub(crate) notices: mpsc::Receiver<Bytes>,
    pub(crate) close: oneshot::Receiver<Farewell>,
}

/// Reads the first frame, which must be one Hello or Resume, and does what it asks for.
pub(crate) async fn admit<P: Platform>(
    shared: &Shared<P>,
    connection: domain::ids::ConnectionId,
    frame: &[u8],
) -> Result<Admitted, Refusal> {
    let mut messages = Vec::new();
    read_client_frame(frame, |message| messages.push(message)).map_err(Refusal::of_frame)?;
    if shared.is_draining() {
        return Err(Refusal::new(ByeReason::Draining, "draining", "the host goes down: join again"));
    }
    let (frames_tx, frames) = mpsc::channel(FRAMES_WAITING_MAX);
    let (notices_tx, notices) = mpsc::channel(NOTICES_WAITING_MAX);
    let (close_tx, close) = oneshot::channel();
    let outlet =
        |budget| Outlet { connection, frames: frames_tx, notices: notices_tx, budget, close: close_tx };
    let (instance, seat) = match messages.as_slice() {
        [ClientMessage::Hello(hello)] => say_hello(shared, hello, outlet(hello.budget)).await?,
        [ClientMessage::Resume(resume)] => come_back(shared, resume, outlet(resume.budget)).await?,
        _ => {
            let text = "the first frame must be one Hello or one Resume";
            return Err(Refusal::new(ByeReason::Protocol, "first_message", text));
        }
    };
    Ok(Admitted { instance, seat, frames, notices, close })
}

fn check_version(version: u16) -> Result<(), Refusal> {
    if version == WIRE_VERSION {
        return Ok(());
    }
    let text = format!("the host speaks version {WIRE_VERSION}, the client {version}: update the client");
    Err(Refusal::new(ByeReason::Version, "version", text))
}

async fn say_hello<P: Platform>(
    shared: &Shared<P>,
    hello: &Hello,
    outlet: Outlet,
) -> Result<(Arc<InstanceHandle>, Seat), Refusal> {
    check_version(hello.version)?;
    let refuse = |kind, text: String| Refusal::new(ByeReason::Ticket, kind, text);
    if hello.ticket.len() > TICKET_BYTES_MAX {
        return Err(refuse("ticket_too_long", "the ticket is too long".into()));
    }
    let now = unix_now();
    let ticket = token::verify_ticket(&hello.ticket, &shared.ticket_keys(), shared.host, now)
        .map_err(|error| refuse(error.kind(), format!("{error}: join again through the API")))?;
    // Its order to open it may still be on the way.
    let instance = shared.instances.awaited(ticket.instance).await;
    let instance = instance.ok_or_else(|| {
        refuse("ticket_instance", "the instance does not run here: join again through the API".into())
    })?;
    if !shared.directory.use_ticket(ticket.jti, now) {
        return Err(refuse("ticket_used", "the ticket was used before: join again through the API".into()));
    }
    let character = ticket.character;
    // Before the claim: from then on the platform knows that the character is here, and sends its orders here.
    let _entering = shared.directory.enter(character);
    leave_elsewhere(shared, character, &instance).await;
    // How many look on is for the API to say: they take no places of players.
    let full = !ticket.spectates && instance.players() >= instance.capacity();
    if full && shared.directory.instance_of(character).is_none() {
        return Err(Refusal::new(ByeReason::Full, "full", "the instance is full: join again"));
    }
    let claim = ClaimCharacter {
        account: ticket.sub,
        host: shared.host,
        instance: instance.assigned.instance,
        epoch: instance.assigned.epoch,
        spectates: ticket.spectates,
    };
    let claimed = shared.platform.claim(character, claim).await.map_err(|error| match &error {
        PlatformError::Rejected(_) => refuse("claim_refused", error.to_string()),
        _ => Refusal::new(ByeReason::Internal, error.kind(), "the character cannot be loaded: try again"),
    })?;
    let joining = Joining {
        character,
        name: claimed.character.name.to_string(),
        xp: claimed.character.xp,
        place: claimed.character.place,
        party: claimed.party.map(party_number),
        budget: outlet.budget,
        spectates: ticket.spectates,
    };
    let (seated_tx, seated) = oneshot::channel();
    instance.send(Command::Join { joining, claim: claimed.claim, outlet, seated: seated_tx });
    let gone = |_| Refusal::new(ByeReason::Internal, "instance_gone", "the instance has ended: join again");
    let seat = seated.await.map_err(gone)?;
    Ok((instance, seat))
}

/// Parties in a zone are told apart by the random half of their ids.
fn party_number(party: PartyId) -> u64 {
    u64::try_from(party.as_u128() & u128::from(u64::MAX)).expect("64 bits were left")
}

/// Takes a character out of another instance of this host, and waits until what it did is stored.
async fn leave_elsewhere<P: Platform>(
    shared: &Shared<P>,
    character: CharacterId,
    instance: &Arc<InstanceHandle>,
) {
    let other = shared.directory.instance_of(character).filter(|id| *id != instance.assigned.instance);
    if let Some(other) = other.and_then(|id| shared.instances.get(id)) {
        let (done, out) = oneshot::channel();
        other.send(Command::Evict { character, done });
        // An error means that it was out already.
        let _ = out.await;
    }
    let settled = async {
        while !shared.instances.all().iter().all(|instance| instance.journal.is_settled(character)) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    if tokio::time::timeout(SETTLE, settled).await.is_err() {
        tracing::warn!(character.id = %character, "enters before its last state is stored");
    }
}

async fn come_back<P: Platform>(
    shared: &Shared<P>,
    resume: &Resume,
    outlet: Outlet,
) -> Result<(Arc<InstanceHandle>, Seat), Refusal> {
    check_version(resume.version)?;
    let useless = || {
        let text = "the resume token is unknown, used or over its time: join again through the API";
        Refusal::new(ByeReason::Ticket, "resume_token", text)
    };
    let token = resume.token.as_slice().try_into().map_err(|_| useless())?;
    let instance = shared.directory.take_resumable(&token).ok_or_else(useless)?;
    let instance = shared.instances.get(instance).ok_or_else(useless)?;
    let (seated_tx, seated) = oneshot::channel();
    instance.send(Command::Resume { token, outlet, seated: seated_tx });
    let seat = seated.await.map_err(|_| useless())?;
    Ok((instance, seat))
}
