//! The instances of a host: opens them, finds them, and lets them end. Each has a thread, which runs its zone, and a
//! keeper, a task that stores what comes out of it and goes when all of it is stored.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle as ThreadHandle;
use std::time::{Duration, Instant};

use domain::contract::hosts::{AssignedInstance, InstanceLoad};
use domain::ids::{Epoch, InstanceId, ZoneId};
use domain::random::mix;
use tokio::sync::watch;
use tokio::task::JoinSet;
use wire::reason::ByeReason;

use crate::content::Contents;
use crate::host::StartError;
use crate::instance::{Command, Farewell, InstanceHandle, RulesFactory, RunnerSetup, spawn};
use crate::journal::Journal;
use crate::platform::{Platform, PlatformError};
use crate::shared::Shared;
use crate::workers::Pool;

/// A player may come before the order to open the instance: then it is waited for.
const OPENING_WITHIN: Duration = Duration::from_secs(2);
/// How often it is looked for instances that nobody needs any more.
const EMPTY_CHECK: Duration = Duration::from_millis(500);
/// Ended instances that are remembered, so that a late word of the platform does not open them again.
const ENDED_KEPT: usize = 256;
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_MOST: Duration = Duration::from_secs(2);

/// What instances are made of.
pub(crate) struct Maker {
    pub(crate) contents: Contents,
    pub(crate) rules: RulesFactory,
    pub(crate) workers: Arc<Pool>,
}

/// The instances of a host.
pub(crate) struct Instances {
    maker: Maker,
    running: RwLock<HashMap<InstanceId, Arc<InstanceHandle>>>,
    ended: Mutex<VecDeque<(InstanceId, Epoch)>>,
    keepers: Mutex<JoinSet<()>>,
    /// Tells those who wait that one was opened.
    opened: watch::Sender<()>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Instances {
    pub(crate) fn new(maker: Maker) -> Self {
        Self {
            maker,
            running: RwLock::default(),
            ended: Mutex::default(),
            keepers: Mutex::default(),
            opened: watch::Sender::new(()),
        }
    }

    /// What they run.
    pub(crate) fn contents(&self) -> &Contents {
        &self.maker.contents
    }

    /// The instance, if it runs here.
    pub(crate) fn get(&self, instance: InstanceId) -> Option<Arc<InstanceHandle>> {
        self.running.read().unwrap_or_else(PoisonError::into_inner).get(&instance).cloned()
    }

    /// Every instance, by id.
    pub(crate) fn all(&self) -> Vec<Arc<InstanceHandle>> {
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = running.values().cloned().collect();
        all.sort_by_key(|handle| handle.assigned.instance);
        all
    }

    /// The instance, which may have to be opened first.
    pub(crate) async fn awaited(&self, instance: InstanceId) -> Option<Arc<InstanceHandle>> {
        let mut opened = self.opened.subscribe();
        let found = async {
            loop {
                if let Some(handle) = self.get(instance) {
                    return handle;
                }
                // The sender lives as long as the host.
                let _ = opened.changed().await;
            }
        };
        tokio::time::timeout(OPENING_WITHIN, found).await.ok()
    }

    /// Whether this host has ended the instance under this ownership.
    fn was_ended(&self, assigned: &AssignedInstance) -> bool {
        lock(&self.ended).contains(&(assigned.instance, assigned.epoch))
    }

    /// Ends an instance: its players are told, everything is stored, and the platform hears of it.
    pub(crate) fn close(&self, handle: &InstanceHandle, farewell: Farewell) {
        let mut ended = lock(&self.ended);
        if ended.len() == ENDED_KEPT {
            ended.pop_front();
        }
        ended.push_back((handle.assigned.instance, handle.assigned.epoch));
        drop(ended);
        handle.send(Command::Stop(farewell));
    }

    /// Ends all instances, since the host goes.
    pub(crate) fn stop_all(&self, reason: ByeReason) {
        for handle in self.all() {
            handle.send(Command::Stop(reason.into()));
        }
    }

    /// Waits until everything that came out of any instance is stored.
    pub(crate) async fn all_kept(&self) {
        loop {
            let mut keepers = std::mem::take(&mut *lock(&self.keepers));
            if keepers.is_empty() {
                return;
            }
            while keepers.join_next().await.is_some() {}
        }
    }

    /// Lets go of all that is not stored.
    pub(crate) fn abandon(&self) {
        lock(&self.keepers).abort_all();
    }
}

/// Opens an instance. Nothing happens if it runs already, or ran here under the same ownership.
pub(crate) fn open<P: Platform>(
    shared: &Arc<Shared<P>>,
    assigned: AssignedInstance,
) -> Result<(), StartError> {
    let instances = &shared.instances;
    let mut running = instances.running.write().unwrap_or_else(PoisonError::into_inner);
    // With the list in hand, so that who brings another version into force finds this instance or is found by it.
    let Some(content) = instances.contents().of(assigned.instance, &assigned.zone) else {
        return Err(StartError::UnknownZone(assigned.zone));
    };
    if running.contains_key(&assigned.instance) || instances.was_ended(&assigned) || shared.is_draining() {
        return Ok(());
    }
    let handle = Arc::new(InstanceHandle::new(assigned.clone(), &content));
    shared.metrics.add_zone(assigned.instance, assigned.zone.clone());
    let thread = spawn(RunnerSetup {
        handle: Arc::clone(&handle),
        seed: zone_seed(shared.config.seed, &assigned.zone),
        content,
        rules: Arc::clone(&instances.maker.rules),
        limits: shared.config.limits.clone(),
        directory: shared.directory.clone(),
        metrics: shared.metrics.clone(),
        workers: Arc::clone(&instances.maker.workers),
    })?;
    running.insert(assigned.instance, Arc::clone(&handle));
    lock(&instances.keepers).spawn(keep(Arc::clone(shared), handle, thread));
    drop(running);
    tracing::info!(instance.id = %assigned.instance, zone.id = %assigned.zone, "an instance is opened");
    instances.opened.send_replace(());
    Ok(())
}

/// The seed of a zone: the same for each start with the same configuration.
fn zone_seed(seed: u64, zone: &ZoneId) -> u64 {
    zone.as_str().bytes().fold(mix(seed), |hash, byte| mix(hash ^ u64::from(byte)))
}

/// Stores what comes out of an instance until it has ended, and then lets go of it.
async fn keep<P: Platform>(shared: Arc<Shared<P>>, handle: Arc<InstanceHandle>, thread: ThreadHandle<()>) {
    let stored = Journal { shared: Arc::clone(&shared), handle: Arc::clone(&handle) }.run().await;
    // The thread ends with its journal. It catches panics of its zone; one of its own is logged by the panic hook.
    let _ = tokio::task::spawn_blocking(move || thread.join()).await;
    let instance = handle.assigned.instance;
    shared.instances.running.write().unwrap_or_else(PoisonError::into_inner).remove(&instance);
    let closed = shared.instances.was_ended(&handle.assigned);
    if closed && stored.is_ok() {
        end(&shared, &handle.assigned).await;
    }
    if !shared.is_draining() {
        shared.metrics.remove_zone(instance);
        tracing::info!(instance.id = %instance, zone.id = %handle.assigned.zone, "an instance has ended");
    }
}

/// Tells the platform that the instance is over, until it has heard.
async fn end<P: Platform>(shared: &Shared<P>, assigned: &AssignedInstance) {
    let mut pause = RETRY_FIRST;
    while let Err(error) = shared.platform.end(assigned.instance, assigned.epoch).await {
        shared.metrics.error(error.kind());
        if !matches!(error, PlatformError::Retryable(_)) {
            tracing::warn!(instance.id = %assigned.instance, %error, "the end of an instance is not wanted");
            return;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(RETRY_MOST);
    }
}

/// Makes the host run what the platform says that it runs. Only what it had `reported` is closed: the answer may be
/// older than an instance that was opened meanwhile.
pub(crate) fn reconcile<P: Platform>(
    shared: &Arc<Shared<P>>,
    reported: &[InstanceLoad],
    assigned: Vec<AssignedInstance>,
) {
    for handle in shared.instances.all() {
        let own = &handle.assigned;
        let was_reported = reported.iter().any(|load| load.instance == own.instance);
        let is_assigned =
            assigned.iter().any(|other| other.instance == own.instance && other.epoch == own.epoch);
        if was_reported && !is_assigned && !shared.instances.was_ended(own) {
            tracing::warn!(instance.id = %own.instance, "the platform has taken an instance away");
            shared.instances.close(&handle, ByeReason::Over.into());
        }
    }
    for assigned in assigned {
        if let Err(error) = open(shared, assigned) {
            shared.metrics.error("open");
            tracing::error!(%error, "an instance cannot be opened");
        }
    }
}

/// Ends instances that were opened on demand and have been empty for long, if nobody is on the way to them.
pub(crate) async fn close_empty<P: Platform>(shared: Arc<Shared<P>>) {
    let patience = Duration::from_secs(shared.config.empty_instance_secs.into());
    let mut empty_since: BTreeMap<InstanceId, Instant> = BTreeMap::new();
    let mut pace = tokio::time::interval(EMPTY_CHECK.min(patience.max(Duration::from_millis(10))));
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        pace.tick().await;
        let now = Instant::now();
        let empty: Vec<_> =
            shared.instances.all().into_iter().filter(|handle| is_empty(&shared, handle)).collect();
        empty_since.retain(|instance, _| empty.iter().any(|handle| handle.assigned.instance == *instance));
        for handle in empty {
            let since = empty_since.entry(handle.assigned.instance).or_insert(now);
            if now.duration_since(*since) < patience {
                continue;
            }
            match shared.platform.end(handle.assigned.instance, handle.assigned.epoch).await {
                Ok(()) => shared.instances.close(&handle, ByeReason::Over.into()),
                // The heartbeat's answer says so too, and ends it.
                Err(PlatformError::Fenced) => {}
                // Somebody is on the way, or nobody knows: it stays as long again.
                Err(error) => {
                    tracing::debug!(instance.id = %handle.assigned.instance, %error, "an empty instance stays");
                    *since = now;
                }
            }
        }
    }
}

fn is_empty<P>(shared: &Shared<P>, handle: &InstanceHandle) -> bool {
    handle.assigned.on_demand
        && handle.is_deserted()
        && handle.journal.is_idle()
        && !shared.instances.was_ended(&handle.assigned)
}
