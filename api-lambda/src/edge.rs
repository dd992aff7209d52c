//! What the API asks the edge about accounts: bans, what it knows, deletion. It knows no route.

use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::http::Request;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use domain::contract::edge::{AccountRecord, BanOrder};
use domain::ids::AccountId;
use serde::de::DeserializeOwned;

/// How long the edge may take to answer.
const TIMEOUT: Duration = Duration::from_secs(2);
/// The largest answer that is read: a record with 100 sessions has some 20 KB.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// Why the edge did not do its part. Each is worth another try later.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EdgeError {
    #[error("the edge cannot be reached: {0}")]
    Unreachable(String),
    #[error("the edge answers with status {0}")]
    Status(u16),
    #[error("the edge's answer cannot be read: {0}")]
    Content(String),
}

/// The edge, as services reach it.
#[derive(Debug)]
pub(crate) struct EdgeClient {
    url: String,
    authorization: String,
    connector: Connector,
}

impl EdgeClient {
    pub(crate) fn new(url: &str, service_token: &str) -> Self {
        let connector = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::Ring)).build();
        let authorization = format!("Bearer {service_token}");
        Self { url: url.trim_end_matches('/').to_owned(), authorization, connector }
    }

    /// Bans an account. False if the edge has no such account.
    pub(crate) async fn ban(&self, account: AccountId, order: &BanOrder) -> Result<bool, EdgeError> {
        let body = serde_json::to_vec(order).expect("an order is plain data");
        self.call("PUT", &format!("/v1/bans/{account}"), body).await.map(|found| found.is_some())
    }

    /// Ends the ban of an account. False if the edge has no such account.
    pub(crate) async fn unban(&self, account: AccountId, version: u64) -> Result<bool, EdgeError> {
        let path = format!("/v1/bans/{account}?version={version}");
        self.call("DELETE", &path, Vec::new()).await.map(|found| found.is_some())
    }

    /// What the edge knows of an account.
    pub(crate) async fn account(&self, account: AccountId) -> Result<Option<AccountRecord>, EdgeError> {
        self.read(&format!("/v1/accounts/{account}")).await
    }

    /// The account that signs in with this e-mail address.
    pub(crate) async fn account_of_email(&self, email: &str) -> Result<Option<AccountRecord>, EdgeError> {
        // Every byte escaped: short, and right for all of them.
        let escaped: String = email.bytes().map(|byte| format!("%{byte:02X}")).collect();
        self.read(&format!("/v1/accounts?email={escaped}")).await
    }

    /// Deletes an account. One that is gone is as good.
    pub(crate) async fn erase(&self, account: AccountId) -> Result<(), EdgeError> {
        self.call("DELETE", &format!("/v1/accounts/{account}"), Vec::new()).await.map(drop)
    }

    async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, EdgeError> {
        let answer = self.call("GET", path, Vec::new()).await?;
        let read = |body: Vec<u8>| serde_json::from_slice(&body);
        answer.map(read).transpose().map_err(|error| EdgeError::Content(error.to_string()))
    }

    /// The body of a good answer; none if there is nothing of this name.
    async fn call(&self, method: &str, path: &str, body: Vec<u8>) -> Result<Option<Vec<u8>>, EdgeError> {
        let fault = |error: String| EdgeError::Unreachable(error);
        let mut request = Request::new(SdkBody::from(body));
        request.set_method(method).map_err(|error| fault(error.to_string()))?;
        request.set_uri(format!("{}{path}", self.url)).map_err(|error| fault(error.to_string()))?;
        request.headers_mut().insert("authorization", self.authorization.clone());
        request.headers_mut().insert("content-type", "application/json");
        let answer = tokio::time::timeout(TIMEOUT, async {
            let response = self.connector.call(request).await;
            let response = response.map_err(|error| fault(format!("{error:?}")))?;
            let status = response.status().as_u16();
            if status == 404 {
                return Ok(None);
            }
            if !response.status().is_success() {
                return Err(EdgeError::Status(status));
            }
            let mut stream = ByteStream::new(response.into_body());
            let mut body = Vec::new();
            while let Some(chunk) = stream.next().await {
                body.extend_from_slice(&chunk.map_err(|error| fault(error.to_string()))?);
                if body.len() > ANSWER_BYTES_MAX {
                    return Err(EdgeError::Content("it is too large".into()));
                }
            }
            Ok(Some(body))
        });
        answer.await.map_err(|_| fault("no answer in time".into()))?
    }
}
