//! The parts of the platform in one process: their sockets, their start in order, and their end.

use std::time::{Duration, Instant};

use api_lambda::{ApiConfig, migrations};
use domain::catalogue::Catalogue;
use domain::ids::ZoneId;
use edge::config::{RateLimits, Region};
use edge::native::NativeConfig;
use sim::rules::Rules;
use sim::rules::realm::Realm;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use zonehost::platform::api::ApiPlatform;
use zonehost::{HostConfig, RunningHost};

use super::data::Data;
use super::page;
use crate::exit::{Fault, Outcome};

const REGION: &str = "local";
/// How long the first report of the region may take.
const REGION_WITHIN: Duration = Duration::from_secs(10);
const DRAIN: Duration = Duration::from_secs(10);
/// Open requests may take this long to end after the host has drained.
const SERVICES_END: Duration = Duration::from_secs(3);

/// Bound before anything starts, so that a port that is taken is known at once.
pub(crate) struct Sockets {
    page: TcpListener,
    edge: TcpListener,
    api: TcpListener,
    host: TcpListener,
    admin: TcpListener,
    store: TcpListener,
}

impl Sockets {
    pub(crate) async fn bind(port: u16) -> Result<Self, Fault> {
        let bind = async |offset: u16, what: &str| {
            let port = port + offset;
            TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| {
                let text =
                    format!("port {port} for the {what} cannot be had ({error}): choose others with --port");
                Fault::usage(text)
            })
        };
        Ok(Self {
            page: bind(0, "page").await?,
            edge: bind(1, "edge").await?,
            api: bind(2, "API").await?,
            host: bind(3, "zone host").await?,
            admin: bind(4, "zone host's admin socket").await?,
            store: bind(5, "store").await?,
        })
    }
}

/// Where everything answers.
pub(crate) struct Addresses {
    pub(crate) page: String,
    pub(crate) edge: String,
    pub(crate) api: String,
    pub(crate) host: String,
    pub(crate) admin: String,
    pub(crate) store: String,
}

/// The running platform.
pub(crate) struct Platform {
    pub(crate) addresses: Addresses,
    pub(crate) host: RunningHost<ApiPlatform>,
    services: JoinSet<Result<(), String>>,
    stop: watch::Sender<bool>,
}

/// Starts everything; the store first, the host last.
pub(crate) async fn start(
    zones: &[ZoneId],
    seed: u64,
    catalogue: &Catalogue,
    data: &Data,
    sockets: Sockets,
) -> Result<Platform, Fault> {
    let addresses = addresses_of(&sockets)?;
    let (stop, stopped) = watch::channel(false);
    let stopping = || {
        let mut stopped = stopped.clone();
        async move {
            // A sender that is gone means the same.
            let _ = stopped.wait_for(|stop| *stop).await;
        }
    };
    let mut services = JoinSet::new();
    let store = open_store(data)?;
    let serving = dynoxide::server::serve_with_shutdown(sockets.store, store, stopping());
    services.spawn(serving);
    let api = api_config(data, &addresses, catalogue);
    migrations::apply(&api).await.map_err(|error| {
        if error.is_version_mismatch() { Fault::usage(error) } else { Fault::failed(error) }
    })?;
    let api = api_lambda::serve(sockets.api, api, stopping());
    services.spawn(async { api.await.map_err(|error| error.to_string()) });
    let edge = edge::native::serve(sockets.edge, edge_config(data, &addresses), stopping());
    services.spawn(async { edge.await.map_err(|error| error.to_string()) });
    let page = page::serve(sockets.page, addresses.edge.clone(), zones.to_vec(), stopping());
    services.spawn(async { page.await.map_err(|error| error.to_string()) });
    let config = host_config(zones, seed, data, &addresses)?;
    let platform = ApiPlatform::new(&config).map_err(Fault::failed)?;
    let rules = |_: &_| Box::new(Realm) as Box<dyn Rules>;
    let host = zonehost::start(config, catalogue, rules, platform, sockets.host, sockets.admin);
    tokio::select! {
        host = host => {
            let host = host.map_err(Fault::failed)?;
            wait_for_region(&addresses.edge).await?;
            Ok(Platform { addresses, host, services, stop })
        }
        Some(ended) = services.join_next() => Err(Fault::usage(match ended {
            Ok(Err(text)) => text,
            _ => "a service ended at its start".to_owned(),
        })),
    }
}

/// Waits until the edge sends players here: the host has the coordinator's role then, and has told of the region.
async fn wait_for_region(edge: &str) -> Result<(), Fault> {
    let http = client::services::http_client();
    let started = Instant::now();
    while started.elapsed() < REGION_WITHIN {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let answer = http.get(format!("{edge}/v1/resolve")).send().await.map_err(Fault::failed)?;
        if answer.status().is_success() {
            return Ok(());
        }
    }
    Err(Fault::failed("the host does not tell the edge of its region"))
}

fn addresses_of(sockets: &Sockets) -> Result<Addresses, Fault> {
    let url = |scheme: &str, socket: &TcpListener| {
        socket.local_addr().map(|address| format!("{scheme}://{address}")).map_err(Fault::failed)
    };
    Ok(Addresses {
        page: url("http", &sockets.page)?,
        edge: url("http", &sockets.edge)?,
        api: url("http", &sockets.api)?,
        host: url("ws", &sockets.host)?,
        admin: url("http", &sockets.admin)?,
        store: url("http", &sockets.store)?,
    })
}

fn open_store(data: &Data) -> Result<dynoxide::Database, Fault> {
    let store = match data.file("dynamodb.sqlite") {
        Some(file) => dynoxide::Database::new(&file.to_string_lossy()),
        None => dynoxide::Database::memory(),
    };
    store.map_err(|error| Fault::usage(format!("the store cannot be opened: {error}")))
}

fn api_config(data: &Data, addresses: &Addresses, catalogue: &Catalogue) -> ApiConfig {
    ApiConfig {
        region: REGION.to_owned(),
        edge_jwks_url: format!("{}{}", addresses.edge, domain::token::JWKS_PATH),
        dynamodb_endpoint: Some(addresses.store.clone()),
        service_token: data.secrets.service_token.clone(),
        owner_key: Some(data.secrets.owner_key.clone()),
        ticket_keys: data.secrets.ticket_keys.clone(),
        allowed_origins: origins(addresses),
        catalogue: catalogue.clone(),
        ..ApiConfig::default()
    }
}

/// The page's origin, under both names of this machine.
fn origins(addresses: &Addresses) -> Vec<String> {
    vec![addresses.page.clone(), addresses.page.replace("127.0.0.1", "localhost")]
}

fn edge_config(data: &Data, addresses: &Addresses) -> NativeConfig {
    let region = Region {
        region: REGION.to_owned(),
        api_url: addresses.api.clone(),
        latitude: 0.0,
        longitude: 0.0,
        continents: Vec::new(),
    };
    NativeConfig {
        regions: vec![region],
        allowed_origins: origins(addresses),
        service_token: data.secrets.service_token.clone(),
        signing_keys: data.secrets.edge_keys.clone(),
        database: data.file("edge.sqlite"),
        // Every bot comes from the same address.
        rate_limits: RateLimits { per_address: 100_000, ..RateLimits::default() },
        geo: None,
    }
}

fn host_config(zones: &[ZoneId], seed: u64, data: &Data, addresses: &Addresses) -> Result<HostConfig, Fault> {
    let names: Vec<&str> = zones.iter().map(ZoneId::as_str).collect();
    let figment = HostConfig::defaults()
        .merge(("public_url", &addresses.host))
        .merge(("region", REGION))
        .merge(("api_url", &addresses.api))
        .merge(("edge_url", &addresses.edge))
        .merge(("service_token", &data.secrets.service_token))
        .merge(("zones", names))
        .merge(("seed", seed));
    HostConfig::extract(&figment).map_err(Fault::failed)
}

impl Platform {
    /// Ends everything in the order that loses nothing: the host first, the store last.
    pub(crate) async fn stop(mut self) -> Outcome {
        let drained = self.host.drain(DRAIN).await;
        // The services hold receivers of their own.
        let _ = self.stop.send(true);
        let ended = async { while self.services.join_next().await.is_some() {} };
        // A browser may hold a connection open; all that matters is stored by now.
        let _ = tokio::time::timeout(SERVICES_END, ended).await;
        if drained { Ok(()) } else { Err(Fault::failed("not everything could be stored in time")) }
    }
}

/// What asks a process to end, beside Ctrl-C.
pub(crate) fn terminate() -> Result<Signal, Fault> {
    signal(SignalKind::terminate()).map_err(Fault::failed)
}
