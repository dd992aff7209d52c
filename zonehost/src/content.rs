//! The content of a host: it fetches the versions that the platform wants, each once, and hands them to the instances
//! between two ticks. What cannot be fetched or read leaves the instances with what they have.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use domain::catalogue::Catalogue;
use domain::contract::content::ContentPlan;
use domain::ids::{InstanceId, ZoneId};
use sim::content::ZoneContent;
use tokio::sync::watch;

use crate::instance::Command;
use crate::platform::{Answer, Platform, PlatformError};
use crate::shared::Shared;

/// Between two tries of what failed.
const RETRY: Duration = Duration::from_secs(1);
/// At the start, for so long: then the instances start with what the host came with.
const FIRST_FOR: Duration = Duration::from_secs(5);

/// The content of a host.
pub(crate) struct Contents {
    /// What the platform wants.
    wanted: watch::Sender<ContentPlan>,
    /// What is here, whole.
    in_force: RwLock<Arc<InForce>>,
}

/// Versions, and which of them an instance runs.
#[derive(Debug, Clone)]
struct InForce {
    plan: ContentPlan,
    /// The active one, the one that is tried, and the one that the host came with.
    catalogues: BTreeMap<u64, Arc<Catalogue>>,
}

impl Contents {
    pub(crate) fn new(base: Catalogue) -> Self {
        let in_force =
            InForce { plan: ContentPlan::default(), catalogues: BTreeMap::from([(0, Arc::new(base))]) };
        Self { wanted: watch::Sender::new(ContentPlan::default()), in_force: RwLock::new(Arc::new(in_force)) }
    }

    fn in_force(&self) -> Arc<InForce> {
        Arc::clone(&self.in_force.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes what the platform wants.
    pub(crate) fn want(&self, plan: &ContentPlan) {
        self.wanted.send_if_modified(|wanted| {
            let differs = wanted != plan;
            wanted.clone_from(plan);
            differs
        });
    }

    /// What an instance of a zone runs; `None` if its version has no such zone.
    pub(crate) fn of(&self, instance: InstanceId, zone: &ZoneId) -> Option<Arc<ZoneContent>> {
        let in_force = self.in_force();
        let version = in_force.plan.version_for(instance.as_u128());
        ZoneContent::of(version, in_force.catalogues.get(&version)?, zone)
    }

    /// Fetches what `plan` needs, and brings it into force. A trial that cannot be had is left out until it can; the
    /// error then tells of it.
    async fn fetch<P: Platform>(&self, platform: &P, plan: &ContentPlan) -> Answer<()> {
        let before = self.in_force();
        let mut catalogues = BTreeMap::from([(0, Arc::clone(&before.catalogues[&0]))]);
        let mut get = async |version: u64| {
            let catalogue = match before.catalogues.get(&version) {
                Some(known) => Arc::clone(known),
                None => Arc::new(checked(platform.content(version).await?)?),
            };
            catalogues.insert(version, catalogue);
            Ok(())
        };
        get(plan.active).await?;
        let tried = match &plan.rollout {
            Some(trial) => get(trial.version).await,
            None => Ok(()),
        };
        let rollout = plan.rollout.clone().filter(|_| tried.is_ok());
        let in_force = InForce { plan: ContentPlan { rollout, ..plan.clone() }, catalogues };
        *self.in_force.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(in_force);
        tried
    }

    /// Fetches what the platform wants before the first instance starts, if that can be had soon.
    pub(crate) async fn fetch_first<P: Platform>(&self, platform: &P, plan: &ContentPlan) {
        self.want(plan);
        let fetched = async {
            while let Err(error) = self.fetch(platform, plan).await {
                tracing::warn!(%error, "the content is fetched again");
                tokio::time::sleep(RETRY).await;
            }
        };
        if tokio::time::timeout(FIRST_FOR, fetched).await.is_err() {
            tracing::error!("the instances start with what the host came with");
        }
    }
}

/// What a host may run: a version that has faults by its own rules could stop a zone.
fn checked(catalogue: Catalogue) -> Answer<Catalogue> {
    let faults = catalogue.faults();
    if faults.is_empty() { Ok(catalogue) } else { Err(PlatformError::Rejected(faults.join("; "))) }
}

/// Follows what the platform wants, for as long as the host runs.
pub(crate) async fn follow<P: Platform>(shared: Arc<Shared<P>>) {
    let contents = shared.instances.contents();
    let mut wanted = contents.wanted.subscribe();
    // What came with the registration was fetched then, or failed.
    let mut settled = contents.in_force().plan == *wanted.borrow();
    loop {
        if settled {
            // The sender lives as long as the host.
            let _ = wanted.changed().await;
        }
        let plan = wanted.borrow_and_update().clone();
        let fetched = contents.fetch(&shared.platform, &plan).await;
        apply(&shared);
        settled = fetched.is_ok();
        if let Err(error) = fetched {
            shared.metrics.error("content");
            tracing::error!(content.version = plan.active, %error, "the content is fetched again");
            // Another wish ends the wait.
            let _ = tokio::time::timeout(RETRY, wanted.changed()).await;
        }
    }
}

/// Hands each instance the version that it is to run, if it has another.
fn apply<P: Platform>(shared: &Shared<P>) {
    for handle in shared.instances.all() {
        let assigned = &handle.assigned;
        let Some(content) = shared.instances.contents().of(assigned.instance, &assigned.zone) else {
            tracing::warn!(instance.id = %assigned.instance, zone.id = %assigned.zone, "its zone is no more: it stays");
            continue;
        };
        if handle.set_content(content.version) {
            handle.send(Command::Content(content));
        }
    }
}
