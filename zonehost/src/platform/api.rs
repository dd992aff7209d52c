//! The platform as the API and the edge provide it, over HTTP.

use std::time::Duration;

use domain::catalogue::Catalogue;
use domain::contract::Problem;
use domain::contract::hosts::{
    BatchOutcome, ClaimCharacter, ClaimedCharacter, EventBatch, Heartbeat, HeartbeatAnswer, HostRegistered,
    RegisterHost, SaveBatch,
};
use domain::contract::instances::LeftBatch;
use domain::contract::mail::{HostMail, Mailbox};
use domain::ids::{CharacterId, Epoch, HostId, InstanceId};
use domain::time::UnixMillis;
use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

mod coordination;

pub use coordination::{Called, JobAnswer};

use super::{Answer, Platform, PlatformError};
use crate::config::HostConfig;

/// A request that is not answered by then is given up; a lease lasts 3 s.
const TIMEOUT: Duration = Duration::from_millis(2_500);

/// Mail as it comes. The API may be newer than this host, and know orders that it does not.
#[derive(Deserialize)]
struct AnyMailbox {
    mail: Vec<serde_json::Value>,
    #[serde(default)]
    more: bool,
}

impl AnyMailbox {
    /// The pieces that this host knows: one that it does not know must not keep it from the others.
    fn known(self) -> Mailbox {
        let known = |piece| {
            serde_json::from_value::<HostMail>(piece)
                .inspect_err(
                    |error| tracing::warn!(%error, "a piece of mail of an unknown form is passed over"),
                )
                .ok()
        };
        Mailbox { mail: self.mail.into_iter().filter_map(known).collect(), more: self.more }
    }
}

/// Talks to the API and the edge of the region.
#[derive(Debug, Clone)]
pub struct ApiPlatform {
    http: reqwest::Client,
    api_url: String,
    edge_url: String,
    region: String,
    service_token: String,
}

impl ApiPlatform {
    /// The platform that `config` names.
    pub fn new(config: &HostConfig) -> Answer<Self> {
        // An error means that the program has installed one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .build()
            .map_err(|error| PlatformError::Rejected(error.to_string()))?;
        Ok(Self {
            http,
            api_url: config.api_url.trim_end_matches('/').to_owned(),
            edge_url: config.edge_url.trim_end_matches('/').to_owned(),
            region: config.region.clone(),
            service_token: config.service_token.clone(),
        })
    }

    async fn send(&self, method: Method, url: String, body: &impl Serialize) -> Answer<reqwest::Response> {
        let request = self.http.request(method, url).bearer_auth(&self.service_token).json(body);
        let response = request.send().await.map_err(|error| PlatformError::Retryable(error.to_string()))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let problem = response.json::<Problem>().await.ok();
        let code = problem.as_ref().map(|problem| problem.code.as_str());
        let text =
            problem.as_ref().map_or_else(|| status.to_string(), |p| format!("{}: {}", p.code, p.detail));
        Err(match code {
            Some("fenced" | "lease_lost") => PlatformError::Fenced,
            _ if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                PlatformError::Retryable(text)
            }
            _ => PlatformError::Rejected(text),
        })
    }

    async fn post<T: DeserializeOwned>(&self, path: String, body: &impl Serialize) -> Answer<T> {
        let response = self.send(Method::POST, format!("{}{path}", self.api_url), body).await?;
        response.json().await.map_err(|error| PlatformError::Retryable(error.to_string()))
    }
}

impl Platform for ApiPlatform {
    async fn register(&self, host: RegisterHost) -> Answer<HostRegistered> {
        self.post("/internal/v1/hosts".into(), &host).await
    }

    async fn heartbeat(&self, host: HostId, beat: Heartbeat) -> Answer<HeartbeatAnswer> {
        self.post(format!("/internal/v1/hosts/{host}/heartbeat"), &beat).await
    }

    async fn leave(&self, host: HostId) -> Answer<()> {
        let url = format!("{}/internal/v1/hosts/{host}", self.api_url);
        self.send(Method::DELETE, url, &()).await.map(drop)
    }

    async fn claim(&self, character: CharacterId, claim: ClaimCharacter) -> Answer<ClaimedCharacter> {
        self.post(format!("/internal/v1/characters/{character}/claim"), &claim).await
    }

    async fn save(&self, instance: InstanceId, batch: SaveBatch) -> Answer<BatchOutcome> {
        self.post(format!("/internal/v1/instances/{instance}/saves"), &batch).await
    }

    async fn store(&self, instance: InstanceId, batch: EventBatch) -> Answer<BatchOutcome> {
        self.post(format!("/internal/v1/instances/{instance}/events"), &batch).await
    }

    async fn left(&self, instance: InstanceId, batch: LeftBatch) -> Answer<BatchOutcome> {
        self.post(format!("/internal/v1/instances/{instance}/left"), &batch).await
    }

    async fn end(&self, instance: InstanceId, epoch: Epoch) -> Answer<()> {
        let url = format!("{}/internal/v1/instances/{instance}?epoch={epoch}", self.api_url);
        self.send(Method::DELETE, url, &()).await.map(drop)
    }

    async fn mail(&self, host: HostId, since: UnixMillis) -> Answer<Mailbox> {
        let since = since.as_millis();
        let url = format!("{}/internal/v1/hosts/{host}/mail?since={since}", self.api_url);
        let response = self.send(Method::GET, url, &()).await?;
        let mailbox: AnyMailbox =
            response.json().await.map_err(|error| PlatformError::Retryable(error.to_string()))?;
        Ok(mailbox.known())
    }

    async fn content(&self, version: u64) -> Answer<Catalogue> {
        let url = format!("{}/internal/v1/content/{version}", self.api_url);
        let response = self.send(Method::GET, url, &()).await?;
        let text = response.bytes().await.map_err(|error| PlatformError::Retryable(error.to_string()))?;
        serde_json::from_slice(&text).map_err(|error| {
            PlatformError::Rejected(format!(
                "version {version} is of a form that this host does not know: {error}"
            ))
        })
    }

    fn coordination(&self) -> Option<ApiPlatform> {
        Some(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use domain::contract::mail::HostOrder;

    use super::*;

    #[test]
    fn an_order_of_a_newer_platform_does_not_hide_the_others() {
        let id = |n: u128| domain::ids::MessageId::new(UnixMillis::new(5), n);
        let text = serde_json::json!({ "mail": [
            { "id": id(1), "order": { "dance": { "how": "slowly" } } },
            { "id": id(2), "order": "rest" },
            { "id": id(3), "order": "drain" },
        ], "more": true });
        let mailbox = serde_json::from_value::<AnyMailbox>(text).expect("a mailbox").known();
        let drain = HostMail { id: id(3), order: HostOrder::Drain };
        assert_eq!(mailbox, Mailbox { mail: vec![drain], more: true });
    }
}
