//! `graticule bots`, and the bots of `graticule dev`: the whole way of a player, many times.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;
use client::bot::{Behaviour, BotPlan, BotReport, play};
use client::{ClientError, Services};
use domain::ids::ZoneId;
use domain::random::Random;
use tokio::task::JoinSet;
use wire::reason::ByeReason;

use crate::exit::{Fault, Outcome, runtime};

/// Bots that start in a second: a crowd that comes, not a stampede.
const STARTS_PER_SECOND: u32 = 50;
/// How long the platform may take to have a region that takes players.
const REGION_WITHIN: Duration = Duration::from_secs(15);

/// Which bots play where.
#[derive(Args)]
pub(crate) struct BotsOptions {
    /// The edge.
    #[arg(long, default_value = "http://127.0.0.1:7601")]
    edge: String,
    /// How many.
    #[arg(long, default_value_t = 50)]
    count: u32,
    /// The zones that they play in.
    #[arg(long, value_delimiter = ',', default_value = "hub,forest")]
    zones: Vec<ZoneId>,
    /// How long, in seconds.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// What they do follows from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// A crowd of bots.
#[derive(Debug, Clone)]
pub(crate) struct Crowd {
    pub(crate) edge_url: String,
    pub(crate) count: u32,
    pub(crate) zones: Vec<ZoneId>,
    pub(crate) seed: u64,
    pub(crate) until: Instant,
}

/// Faults that the bots of a crowd found.
#[derive(Clone, Default)]
pub(crate) struct Faults(Arc<Mutex<Vec<String>>>);

impl Faults {
    fn add(&self, texts: impl IntoIterator<Item = String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(texts);
    }

    /// Takes out what was found since the last call.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

pub(crate) fn run(options: BotsOptions) -> Outcome {
    if options.zones.is_empty() || options.count == 0 {
        return Err(Fault::usage("--count and --zones must not be empty"));
    }
    let crowd = Crowd {
        edge_url: options.edge.trim_end_matches('/').to_owned(),
        count: options.count,
        zones: options.zones,
        seed: options.seed,
        until: Instant::now() + Duration::from_secs(options.seconds),
    };
    let faults = Faults::default();
    let reports = runtime(None)?.block_on(run_crowd(crowd, faults.clone()));
    let sum = |of: fn(&BotReport) -> u64| reports.iter().map(of).sum::<u64>();
    eprintln!(
        "{} bots: {} snapshots, {} entity updates, {} actions confirmed, {} deaths, {} resumed",
        reports.len(),
        sum(|report| report.snapshots),
        sum(|report| report.updates),
        sum(|report| report.confirms),
        sum(|report| report.deaths),
        sum(|report| report.resumed),
    );
    let faults = faults.take();
    if faults.is_empty() { Ok(()) } else { Err(Fault::failed(faults.join("\n"))) }
}

/// Lets a crowd play to its end. Faults are told as they are found.
pub(crate) async fn run_crowd(crowd: Crowd, faults: Faults) -> Vec<BotReport> {
    let http = client::services::http_client();
    let mut bots = JoinSet::new();
    let mut pace = tokio::time::interval(Duration::from_secs(1) / STARTS_PER_SECOND);
    for number in 0..crowd.count {
        pace.tick().await;
        let (crowd, http, faults) = (crowd.clone(), http.clone(), faults.clone());
        bots.spawn(async move {
            let report = Box::pin(one_bot(&crowd, number, http)).await;
            match report {
                Ok(report) => {
                    faults.add(report.faults.iter().cloned());
                    Some(report)
                }
                Err(error) => {
                    faults.add([format!("bot {number} of seed {}: {error}", crowd.seed)]);
                    None
                }
            }
        });
    }
    bots.join_all().await.into_iter().flatten().collect()
}

async fn one_bot(crowd: &Crowd, number: u32, http: reqwest::Client) -> Result<BotReport, ClientError> {
    let secret = format!("graticule-bot-secret-{:016x}-{number:08}", crowd.seed);
    let services = sign_in(&crowd.edge_url, secret, http).await?;
    let character = if let Some(character) = services.characters().await?.into_iter().next() {
        character
    } else {
        let name = format!("Bot {}-{number}", crowd.seed % 100_000);
        let name = name.parse().map_err(|_| ClientError::Protocol("a bot's name is no name"))?;
        services.create_character(name).await?
    };
    // One bot of five is in the first zone, the others are spread over the rest.
    let rest = (crowd.zones.len() - 1).max(1);
    let index = if number.is_multiple_of(5) {
        0
    } else {
        (number as usize % rest) + usize::from(crowd.zones.len() > 1)
    };
    let seed = Random::of_stream(crowd.seed, number.into()).next_u64();
    let (connection, url) = services.enter(&crowd.zones[index], character.id).await?;
    let plan = BotPlan {
        seed,
        behaviour: Behaviour::Adventure,
        breaks_every: Some(Duration::from_mins(1)),
        measure_from: crowd.until,
    };
    let mut report = play(connection, &url, plan, crowd.until).await;
    // A host that goes down says so to everyone; that is not the bot's to complain of.
    let farewell = ByeReason::Draining.kind();
    report.faults.retain(|fault| !fault.contains(farewell));
    Ok(report)
}

/// Signs in as soon as there is a region that takes players.
async fn sign_in(edge_url: &str, secret: String, http: reqwest::Client) -> Result<Services, ClientError> {
    let give_up = Instant::now() + REGION_WITHIN;
    loop {
        match Services::sign_in_guest(http.clone(), edge_url, secret.clone()).await {
            Err(ClientError::Refused(problem)) if problem.status == 503 && Instant::now() < give_up => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            answer => return answer,
        }
    }
}
