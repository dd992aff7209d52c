//! The hosts of the benchmark: they register, keep their leases, and say who is where, as zone hosts do. Nothing runs
//! on them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::contract::hosts::{Heartbeat, HostRegistered, InstanceLoad, RegisterHost};
use domain::ids::{CharacterId, Epoch, HostId, InstanceId, ZoneId};
use domain::limits::HOST_HEARTBEAT_MILLIS;
use reqwest::RequestBuilder;
use serde_json::Value;
use tokio::task::JoinSet;

use super::server::{SERVICE_TOKEN, Server};
use super::session::{answer, now};
use crate::exit::Fault;

/// Instances of each host.
const INSTANCES_PER_HOST: u32 = 16;
/// Players that are planned for an instance.
const PLAYERS_PER_INSTANCE: u32 = 200;

/// Where a character is, and what its host shows when it writes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stay {
    pub(super) host: HostId,
    pub(super) instance: InstanceId,
    pub(super) epoch: Epoch,
    pub(super) claim: u64,
}

/// Hosts that have room for everybody.
pub(super) struct Fleet {
    url: String,
    http: reqwest::Client,
    hosts: Vec<(HostId, Vec<(InstanceId, Epoch)>)>,
    stays: Mutex<BTreeMap<CharacterId, Stay>>,
    /// Numbers the events of all hosts.
    sequence: AtomicU64,
}

/// Keeps the leases of the hosts until it is dropped.
pub(super) struct Beats {
    _tasks: JoinSet<()>,
}

impl Fleet {
    /// Registers hosts with enough instances of the forest for `players`.
    pub(super) async fn start(players: u32, server: &Server) -> Result<(Arc<Self>, Beats), Fault> {
        let mut fleet = Self {
            url: server.url.clone(),
            http: server.http.clone(),
            hosts: Vec::new(),
            stays: Mutex::default(),
            sequence: AtomicU64::new(1),
        };
        for number in 0..players.div_ceil(PLAYERS_PER_INSTANCE * INSTANCES_PER_HOST) {
            let host = HostId::new(now(), u128::from(number));
            let zone: ZoneId = "forest".parse().map_err(Fault::failed)?;
            let body = RegisterHost {
                host,
                region: "local".into(),
                url: "ws://127.0.0.1:7200".into(),
                wire_version: wire::WIRE_VERSION,
                zones: vec![zone; usize::try_from(INSTANCES_PER_HOST).unwrap_or(1)],
            };
            let registered: HostRegistered = answer(fleet.post("/hosts").json(&body)).await?;
            let instances = registered.instances.iter().map(|own| (own.instance, own.epoch)).collect();
            fleet.hosts.push((host, instances));
        }
        let fleet = Arc::new(fleet);
        let mut tasks = JoinSet::new();
        for index in 0..fleet.hosts.len() {
            let fleet = Arc::clone(&fleet);
            tasks.spawn(async move {
                loop {
                    if let Err(fault) = fleet.beat(index).await {
                        tracing::warn!(?fault, "a heartbeat failed");
                    }
                    tokio::time::sleep(Duration::from_millis(HOST_HEARTBEAT_MILLIS)).await;
                }
            });
        }
        Ok((fleet, Beats { _tasks: tasks }))
    }

    /// One heartbeat of a host, with how many are in each of its instances.
    pub(super) async fn beat(&self, index: usize) -> Result<(), Fault> {
        let (host, instances) = &self.hosts[index % self.hosts.len()];
        let mut players = BTreeMap::<_, u32>::new();
        for stay in self.stays.lock().unwrap_or_else(PoisonError::into_inner).values() {
            *players.entry(stay.instance).or_default() += 1;
        }
        let count = |instance| players.get(instance).copied().unwrap_or(0);
        let loads = instances
            .iter()
            .map(|(instance, _)| InstanceLoad { instance: *instance, players: count(instance) });
        let beat = Heartbeat { instances: loads.collect(), tick_p99_us: 0, draining: false };
        answer::<Value>(self.post(&format!("/hosts/{host}/heartbeat")).json(&beat)).await.map(drop)
    }

    /// The epoch of an instance.
    pub(super) fn epoch_of(&self, instance: InstanceId) -> Result<Epoch, Fault> {
        let mut all = self.hosts.iter().flat_map(|(_, instances)| instances);
        let found = all.find(|(own, _)| *own == instance);
        found.map(|(_, epoch)| *epoch).ok_or_else(|| Fault::failed("the API named an unknown instance"))
    }

    /// The character is there from now on.
    pub(super) fn stays(&self, character: CharacterId, stay: Stay) {
        self.stays.lock().unwrap_or_else(PoisonError::into_inner).insert(character, stay);
    }

    /// Where the character is.
    pub(super) fn stay_of(&self, character: CharacterId) -> Result<Stay, Fault> {
        let stays = self.stays.lock().unwrap_or_else(PoisonError::into_inner);
        stays.get(&character).copied().ok_or_else(|| Fault::failed("a visitor has not entered yet"))
    }

    /// A number that no event had before.
    pub(super) fn next_sequence(&self) -> u64 {
        self.sequence.fetch_add(1, Ordering::Relaxed)
    }

    /// A request of a host under `/internal/v1`.
    pub(super) fn post(&self, path: &str) -> RequestBuilder {
        self.http.post(format!("{}/internal/v1{path}", self.url)).bearer_auth(SERVICE_TOKEN)
    }

    /// The same, to read.
    pub(super) fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}/internal/v1{path}", self.url)).bearer_auth(SERVICE_TOKEN)
    }
}
