//! API and native edge together, with players that the edge has signed in and a host that takes them in.

use std::net::SocketAddr;

use domain::contract::edge::SessionResponse;
use domain::contract::hosts::HostRegistered;
use domain::contract::mail::{HostMail, HostOrder, Mailbox};
use domain::contract::players::Character;
use domain::ids::{CharacterId, HostId};
use domain::token::JWKS_PATH;
use edge::config::{RateLimits, Region};
use edge::native::NativeConfig;
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use token::SecretKey;
use tokio::net::TcpListener;

use crate::app::{Answer, App, Player, SERVICE_TOKEN, now, send};

/// An address that nothing listens at.
pub(crate) async fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    listener.local_addr().expect("bound")
}

/// Starts a native edge at this address.
pub(crate) async fn start_edge(address: SocketAddr) {
    let listener = TcpListener::bind(address).await.expect("the port is free");
    let region = Region {
        region: "local".into(),
        api_url: "http://127.0.0.1:1".into(),
        latitude: 0.0,
        longitude: 0.0,
        continents: Vec::new(),
    };
    let config = NativeConfig {
        regions: vec![region],
        allowed_origins: Vec::new(),
        service_token: SERVICE_TOKEN.into(),
        signing_keys: vec![SecretKey::from_seed("edge-1", &[1; 32])],
        database: None,
        rate_limits: RateLimits::default(),
        geo: None,
    };
    tokio::spawn(edge::native::serve(listener, config, std::future::pending()));
}

/// An API whose edge is a real one.
pub(crate) async fn app_with_edge() -> (App, String) {
    let address = free_address().await;
    start_edge(address).await;
    let url = format!("http://{address}");
    let app = App::start_with(|config| {
        config.edge_jwks_url = format!("{url}{JWKS_PATH}");
    })
    .await;
    (app, url)
}

/// A sign-in of the guest with this number.
pub(crate) fn sign_in(app: &App, edge: &str, device: u32) -> RequestBuilder {
    let secret = format!("a-device-secret-of-the-admin-tests-{device:010}");
    let body = json!({ "kind": "guest", "device_secret": secret });
    app.http.post(format!("{edge}/v1/sessions")).json(&body)
}

/// A guest, signed in.
pub(crate) async fn guest<'a>(app: &'a App, edge: &str, device: u32) -> (Player<'a>, SessionResponse) {
    let session: SessionResponse = send(sign_in(app, edge, device)).await.ok(200);
    let player = Player { app, account: session.account, token: session.access_token.clone() };
    (player, session)
}

/// A host of one zone.
pub(crate) struct Host<'a> {
    app: &'a App,
    pub(crate) id: HostId,
    pub(crate) registered: HostRegistered,
}

impl<'a> Host<'a> {
    pub(crate) async fn start(app: &'a App) -> Self {
        let (id, registered) = app.living_host(&["forest"]).await;
        Self { app, id, registered }
    }

    /// Takes a character in.
    pub(crate) async fn claim(&self, player: &Player<'_>, character: &Character) -> Answer {
        let own = &self.registered.instances[0];
        let body = json!({ "account": player.account, "host": self.id, "instance": own.instance, "epoch": own.epoch });
        self.app.internal(&format!("/characters/{}/claim", character.id), &body).await
    }

    /// All its mail of the last minute.
    pub(crate) async fn mail(&self) -> Vec<HostMail> {
        let since = now().as_millis() - 60_000;
        let request =
            self.app.request(Method::GET, &format!("/internal/v1/hosts/{}/mail?since={since}", self.id));
        send(request.bearer_auth(SERVICE_TOKEN)).await.ok::<Mailbox>(200).mail
    }

    /// Whom it was told to kick, and why.
    pub(crate) async fn kicked(&self) -> Vec<(CharacterId, String)> {
        let kicks = self.mail().await.into_iter().filter_map(|mail| match mail.order {
            HostOrder::Kick { character, reason, .. } => Some((character, reason)),
            _ => None,
        });
        kicks.collect()
    }
}
