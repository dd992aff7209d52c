//! What administrators do, and what nobody else can.

mod audit;
mod ban_boards;
mod bans;
mod grants;
mod keys;
pub(crate) mod life;
mod maintenance;
mod operations;
pub(crate) mod platform;
mod players;
mod privacy;

use domain::contract::admin::{AdminKeyMade, AuditPage};
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use crate::app::{Answer, App, send};

/// Makes a key of this role.
pub(crate) async fn key_of(app: &App, role: &str) -> AdminKeyMade {
    let body = json!({ "name": format!("a {role} key"), "role": role });
    send(app.owner(Method::POST, "/keys").json(&body)).await.ok(201)
}

/// A request with this key.
pub(crate) fn with_key(app: &App, key: &str, method: Method, path: &str) -> RequestBuilder {
    app.request(method, &format!("/admin/v1{path}")).bearer_auth(key)
}

/// The calls that this query of the audit log finds.
pub(crate) async fn audit(app: &App, query: &str) -> AuditPage {
    send(app.owner(Method::GET, &format!("/audit?{query}"))).await.ok(200)
}

/// Sends a request of the owner with a body.
pub(crate) async fn post(app: &App, path: &str, body: &serde_json::Value) -> Answer {
    send(app.owner(Method::POST, path).json(body)).await
}
