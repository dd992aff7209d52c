//! The services before the world: the edge and the API of a region.

use std::time::{Duration, Instant};

use domain::contract::boards::LeaderboardEntry;
use domain::contract::edge::{ResolveResponse, SessionRequest, SessionResponse};
use domain::contract::players::{Character, CharacterList, CreateCharacter, JoinRequest, JoinResponse};
use domain::contract::{IDEMPOTENCY_HEADER, Problem};
use domain::ids::{CharacterId, ZoneId};
use domain::names::CharacterName;
use reqwest::RequestBuilder;
use serde::de::DeserializeOwned;

use crate::connection::Connection;
use crate::error::ClientError;

/// A host's death is noticed within 3 s; this is some more.
const ENTER_WITHIN: Duration = Duration::from_secs(10);
const ENTER_PAUSE: Duration = Duration::from_millis(500);

/// An HTTP client for [`Services`], to be shared by all players of a program.
#[must_use]
pub fn http_client() -> reqwest::Client {
    install_tls();
    reqwest::Client::new()
}

/// Makes TLS ready for HTTP and WebSocket alike. An error means that the program has done so already.
pub(crate) fn install_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A player's way through edge and API, signed in.
#[derive(Debug, Clone)]
pub struct Services {
    http: reqwest::Client,
    api_url: String,
    session: SessionResponse,
}

impl Services {
    /// Asks the edge for the best region, and signs in as the guest who has `device_secret`.
    pub async fn sign_in_guest(
        http: reqwest::Client,
        edge_url: &str,
        device_secret: String,
    ) -> Result<Self, ClientError> {
        let resolved: ResolveResponse = answer(http.get(format!("{edge_url}/v1/resolve"))).await?;
        let region = resolved.candidates.into_iter().next();
        let region = region.ok_or(ClientError::Protocol("the edge answered without a region"))?;
        let request = SessionRequest::Guest { device_secret };
        let session = answer(http.post(format!("{edge_url}/v1/sessions")).json(&request)).await?;
        Ok(Self { http, api_url: region.api_url, session })
    }

    /// The session as the edge answered.
    #[must_use]
    pub fn session(&self) -> &SessionResponse {
        &self.session
    }

    /// The characters of the account.
    pub async fn characters(&self) -> Result<Vec<Character>, ClientError> {
        let list: CharacterList = answer(self.signed(self.http.get(self.url("/v1/characters")))).await?;
        Ok(list.characters)
    }

    /// Makes a character.
    pub async fn create_character(&self, name: CharacterName) -> Result<Character, ClientError> {
        let request = self.http.post(self.url("/v1/characters")).json(&CreateCharacter { name });
        answer(self.signed(request)).await
    }

    /// Asks for a place in a zone; the same `idempotency_key` gives the same place.
    pub async fn join(
        &self,
        zone: &ZoneId,
        character: CharacterId,
        idempotency_key: &str,
    ) -> Result<JoinResponse, ClientError> {
        let request = self.http.post(self.url(&format!("/v1/zones/{zone}/join")));
        let request =
            request.header(IDEMPOTENCY_HEADER, idempotency_key).json(&JoinRequest { character, with: None });
        answer(self.signed(request)).await
    }

    /// Joins a zone and enters it; gives the host's address too. A host that refuses for a reason that a new
    /// place mends (it died or drains, and the API has not noticed yet) is left for another try.
    pub async fn enter(
        &self,
        zone: &ZoneId,
        character: CharacterId,
    ) -> Result<(Connection, String), ClientError> {
        let give_up = Instant::now() + ENTER_WITHIN;
        loop {
            let mut key = [0; 16];
            getrandom::fill(&mut key).expect("the system has random bytes");
            let joined = self.join(zone, character, &format!("{:032x}", u128::from_le_bytes(key))).await?;
            match Connection::enter(&joined.url, joined.ticket).await {
                Ok(connection) => return Ok((connection, joined.url)),
                Err(error) if error.is_mended_by_joining() && Instant::now() < give_up => {
                    tokio::time::sleep(ENTER_PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The rank of a character on a board.
    pub async fn rank(&self, board: &str, character: CharacterId) -> Result<LeaderboardEntry, ClientError> {
        let path = format!("/v1/leaderboards/{board}/characters/{character}");
        answer(self.signed(self.http.get(self.url(&path)))).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.api_url)
    }

    fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        request.bearer_auth(&self.session.access_token)
    }
}

/// Sends a request and reads the answer, or the problem in its place.
pub async fn answer<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, ClientError> {
    let response = request.send().await?;
    if response.status().is_success() {
        return Ok(response.json().await?);
    }
    let status = response.status();
    let problem = response.json::<Problem>().await;
    // A proxy in between may answer with something else.
    let problem = problem.unwrap_or_else(|_| {
        Problem::new(status.as_u16(), "no_problem", "not our answer", status.to_string())
    });
    Err(ClientError::Refused(Box::new(problem)))
}
