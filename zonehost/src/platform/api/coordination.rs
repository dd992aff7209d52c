//! What the coordinator asks of the API and tells the edge.

use std::time::Duration;

use domain::contract::coordinator::{
    CoordinatorBid, CoordinatorLease, FormMatches, FormedMatches, MatchmakingChanges, RegionLoad, TicketWait,
    WaitReports,
};
use domain::contract::edge::RegionReport;
use domain::contract::matchmaking::QueueList;
use domain::time::UnixMillis;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::ApiPlatform;
use crate::platform::{Answer, PlatformError};

/// A job of the API may take as long as the API lets any request.
const JOB_TIMEOUT: Duration = Duration::from_secs(12);

/// What the answers of all jobs may say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct JobAnswer {
    /// There is more to do now.
    #[serde(default)]
    pub more: bool,
    /// There is more to do now, from this cursor on.
    #[serde(default)]
    pub next: Option<String>,
}

/// What became of the call of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Called {
    /// It did what was to do, or a part of it.
    Done(JobAnswer),
    /// The API has no such job.
    Unknown,
}

impl ApiPlatform {
    /// Bids for the coordinator's lease.
    pub(crate) async fn bid(&self, bid: CoordinatorBid) -> Answer<CoordinatorLease> {
        self.post("/internal/v1/coordinator/lease".into(), &bid).await
    }

    /// How the region is.
    pub(crate) async fn region_load(&self) -> Answer<RegionLoad> {
        self.get("/internal/v1/region/load").await
    }

    /// Tells the edge how the region is, if there is an edge.
    pub(crate) async fn report_region(&self, report: &RegionReport) -> Answer<()> {
        if self.edge_url.is_empty() {
            return Ok(());
        }
        let url = format!("{}/v1/regions/{}/health", self.edge_url, self.region);
        self.send(Method::PUT, url, report).await.map(drop)
    }

    /// The queues of the region.
    pub(crate) async fn queues(&self) -> Answer<QueueList> {
        self.get("/internal/v1/matchmaking/queues").await
    }

    /// A page of what changed after `after`, or of all who wait.
    pub(crate) async fn matchmaking_changes(
        &self,
        after: Option<UnixMillis>,
        cursor: Option<&str>,
    ) -> Answer<MatchmakingChanges> {
        let mut query = Vec::new();
        query.extend(after.map(|after| format!("after={}", after.as_millis())));
        // A cursor has only characters that need no escape.
        query.extend(cursor.map(|cursor| format!("cursor={cursor}")));
        self.get(&format!("/internal/v1/matchmaking/changes?{}", query.join("&"))).await
    }

    /// Has matches formed.
    pub(crate) async fn form_matches(&self, matches: &FormMatches) -> Answer<FormedMatches> {
        self.post("/internal/v1/matchmaking/matches".into(), matches).await
    }

    /// Tells why tickets wait.
    pub(crate) async fn tell_waits(&self, waits: Vec<TicketWait>) -> Answer<()> {
        let url = format!("{}/internal/v1/matchmaking/waits", self.api_url);
        self.send(Method::POST, url, &WaitReports { waits }).await.map(drop)
    }

    /// Calls a job of the API, from the cursor on that its answer before gave.
    pub async fn call(&self, path: &str, cursor: Option<&str>) -> Answer<Called> {
        let url = format!("{}{path}", self.api_url);
        let request = self.http.post(url).bearer_auth(&self.service_token).timeout(JOB_TIMEOUT);
        let body =
            cursor.map_or_else(|| serde_json::json!({}), |cursor| serde_json::json!({ "cursor": cursor }));
        let request = request.json(&body);
        let response = request.send().await.map_err(|error| PlatformError::Retryable(error.to_string()))?;
        match response.status() {
            status if status.is_success() => {
                let answer = response.json().await;
                Ok(Called::Done(answer.map_err(|error| PlatformError::Retryable(error.to_string()))?))
            }
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Ok(Called::Unknown),
            status => Err(PlatformError::Retryable(format!("{path}: {status}"))),
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Answer<T> {
        let response = self.send(Method::GET, format!("{}{path}", self.api_url), &()).await?;
        response.json().await.map_err(|error| PlatformError::Retryable(error.to_string()))
    }
}
