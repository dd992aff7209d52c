//! A host from start to end: it registers, runs its instances, takes connections, and drains.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use domain::catalogue::{Catalogue, ZoneDefinition};
use domain::contract::hosts::{HostRegistered, RegisterHost};
use domain::ids::{HostId, ZoneId};
use rustix::process::{Resource, getrlimit, setrlimit};
use sim::rules::Rules;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use wire::reason::ByeReason;

use crate::config::HostConfig;
use crate::instances::{Instances, Maker};
use crate::metrics::Metrics;
use crate::platform::{Platform, PlatformError};
use crate::shared::{Shared, random_bytes, unix_now};
use crate::workers::Pool;
use crate::{admin, connection, instances, mail, report};

/// How long the platform may be out of reach at the start.
const REGISTER_FOR: Duration = Duration::from_secs(30);
/// How long connections may take to end in a drain.
const CONNECTIONS_END: Duration = Duration::from_secs(3);

/// Why a host cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A zone that is not in the catalogue.
    #[error("there is no zone {0:?} in the catalogue")]
    UnknownZone(ZoneId),
    /// The platform does not take the host.
    #[error("the host cannot register: {0}")]
    Register(#[from] PlatformError),
    /// A thread or socket cannot be had.
    #[error("the host cannot start: {0}")]
    Io(#[from] std::io::Error),
}

/// A host that runs. Dropping it ends it at once; [`RunningHost::drain`] ends it well.
pub struct RunningHost<P: Platform> {
    shared: Arc<Shared<P>>,
    address: SocketAddr,
    admin_address: SocketAddr,
    connections: tokio::task::JoinHandle<()>,
    services: JoinSet<()>,
    lease_lost: watch::Receiver<bool>,
}

/// Starts a host on sockets that are bound already. `rules` makes the rules of each zone.
pub async fn start<P: Platform + Clone>(
    config: HostConfig,
    catalogue: &Catalogue,
    rules: impl Fn(&ZoneDefinition) -> Box<dyn Rules> + Send + Sync + 'static,
    platform: P,
    listener: TcpListener,
    admin_listener: TcpListener,
) -> Result<RunningHost<P>, StartError> {
    for zone in &config.zones {
        catalogue.zone(zone).ok_or_else(|| StartError::UnknownZone(zone.clone()))?;
    }
    raise_file_limit();
    let host = HostId::new(unix_now(), u128::from_le_bytes(random_bytes()));
    let workers = Arc::new(Pool::new(config.workers)?);
    let address = listener.local_addr()?;
    let admin_address = admin_listener.local_addr()?;
    let registered = register(&config, host, &platform).await?;
    let catalogue = RwLock::new(Arc::new(catalogue.clone()));
    let instances = Instances::new(Maker { catalogue, rules: Arc::new(rules), workers });
    let keys = registered.lease.ticket_keys;
    let shared = Arc::new(Shared::new(config, host, platform, instances, keys));
    for assigned in registered.instances {
        instances::open(&shared, assigned)?;
    }
    let (lost, lease_lost) = watch::channel(false);
    let mut services = JoinSet::new();
    services.spawn(report::report_region(Arc::clone(&shared)));
    services.spawn(mail::read(Arc::clone(&shared)));
    services.spawn(instances::close_empty(Arc::clone(&shared)));
    services.spawn(serve_admin(admin_listener, Arc::clone(&shared)));
    let lease_keeper = Arc::clone(&shared);
    services.spawn(async move {
        let error = report::keep_lease(Arc::clone(&lease_keeper)).await;
        // A host that drains gives its lease back by itself.
        if !lease_keeper.is_draining() {
            tracing::error!(%error, "the lease is lost");
            // Nobody may be waiting any more.
            let _ = lost.send(true);
        }
        std::future::pending::<()>().await;
    });
    let connections = tokio::spawn(accept(listener, Arc::clone(&shared)));
    Ok(RunningHost { shared, address, admin_address, connections, services, lease_lost })
}

/// Each connection is an open file, and many systems start programs with a limit of 1,024 that they may raise
/// themselves. If that fails, connections beyond the limit wait to be taken, and a warning says so then.
fn raise_file_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

async fn register<P: Platform>(
    config: &HostConfig,
    host: HostId,
    platform: &P,
) -> Result<HostRegistered, PlatformError> {
    let body = RegisterHost {
        host,
        region: config.region.clone(),
        url: config.public_url.clone(),
        wire_version: wire::WIRE_VERSION,
        zones: config.zones.clone(),
    };
    let give_up = tokio::time::Instant::now() + REGISTER_FOR;
    loop {
        match platform.register(body.clone()).await {
            Err(PlatformError::Retryable(text)) if tokio::time::Instant::now() < give_up => {
                tracing::warn!(error = text, "registering is tried again");
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            answer => return answer,
        }
    }
}

async fn serve_admin<P: Platform>(listener: TcpListener, shared: Arc<Shared<P>>) {
    if let Err(error) = axum::serve(listener, admin::router(shared)).await {
        tracing::error!(%error, "the admin socket failed");
    }
}

/// Takes connections until this task is ended; then those it has taken end with it.
async fn accept<P: Platform>(listener: TcpListener, shared: Arc<Shared<P>>) {
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => match shared.directory.admit(peer.ip(), &shared.config) {
                    Some(guard) => {
                        open.spawn(connection::serve(Arc::clone(&shared), stream, guard));
                    }
                    None => shared.metrics.refused(),
                },
                Err(error) => {
                    // Out of file descriptors, most likely: give the others time to end.
                    tracing::warn!(%error, "a connection cannot be taken");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            Some(_) = open.join_next() => {}
        }
    }
}

impl<P: Platform> RunningHost<P> {
    /// The host's id.
    #[must_use]
    pub fn id(&self) -> HostId {
        self.shared.host
    }

    /// Where players connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where operators ask.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    /// The counts of the host.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// Connections at this moment.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.directory.connections()
    }

    /// Waits until the host has lost its lease to another; then it must end.
    pub async fn lease_lost(&self) {
        let mut lost = self.lease_lost.clone();
        // The sender lives as long as the host.
        let _ = lost.wait_for(|lost| *lost).await;
    }

    /// Waits until the platform has told the host to drain, which it then does by itself; what is left is to end it
    /// by [`RunningHost::drain`], which waits for that.
    pub async fn drain_ordered(&self) {
        let mut ordered = self.shared.drain_ordered.subscribe();
        // The sender lives as long as the host.
        let _ = ordered.wait_for(|ordered| *ordered).await;
    }

    /// Ends well: takes no one in, tells every player to join again, stores everything, gives the lease back.
    /// Whatever is not done by the deadline is given up; returns whether all was.
    pub async fn drain(mut self, deadline: Duration) -> bool {
        let done = tokio::time::timeout(deadline, drain(&self.shared)).await.is_ok();
        self.connections.abort();
        self.services.abort_all();
        done
    }
}

/// Drains the host, once: who calls this again waits for the first.
async fn drain<P: Platform>(shared: &Shared<P>) {
    let drained = shared.drained.get_or_init(|| async {
        shared.draining.store(true, Ordering::Relaxed);
        shared.instances.stop_all(ByeReason::Draining);
        shared.instances.all_kept().await;
        let ended = async {
            while shared.directory.connections() > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        // Who does not take the last words is cut off.
        let _ = tokio::time::timeout(CONNECTIONS_END, ended).await;
        if let Err(error) = shared.platform.leave(shared.host).await {
            tracing::warn!(%error, "the lease is left to expire");
        }
    });
    drained.await;
}

/// Drains the host since the platform says so, and lets the program know.
pub(crate) fn drain_by_order<P: Platform>(shared: &Arc<Shared<P>>) {
    shared.draining.store(true, Ordering::Relaxed);
    if shared.drain_ordered.send_replace(true) {
        return;
    }
    let shared = Arc::clone(shared);
    tokio::spawn(async move { drain(&shared).await });
}

impl<P: Platform> Drop for RunningHost<P> {
    fn drop(&mut self) {
        // After a drain nobody is left to hear this.
        self.shared.instances.stop_all(ByeReason::Internal);
        self.shared.instances.abandon();
        self.connections.abort();
    }
}
