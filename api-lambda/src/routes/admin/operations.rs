//! `/admin/v1/hosts`, `instances` and `broadcasts`: what runs, its end, and what everyone is told.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::contract::Problem;
use domain::contract::mail::{Audience, HostOrder, Notice};
use domain::contract::support::{
    BroadcastSent, BroadcastTo, EndIt, HostList, HostRecord, InstanceRecord, SendBroadcast,
};
use domain::ids::{HostId, InstanceId, MessageId};
use domain::time::UnixMillis;

use crate::error::{ApiError, refusals};
use crate::extract::{Admin, Body, IdempotencyKey, InPath, InQuery, Paging, Role};
use crate::idempotency::{ANSWER_KEPT_MILLIS, KeyedRequest};
use crate::state::Region;
use crate::store::Store;

/// What a notice of a broadcast is about.
const ANNOUNCEMENT: &str = "announcement";

/// The hosts that have a lease. For operators.
#[utoipa::path(
    get, path = "/admin/v1/hosts", tag = "admin", security(("admin_key" = [])),
    params(Paging),
    responses(
        (status = 200, body = HostList),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn hosts(
    admin: Admin,
    InQuery(paging): InQuery<Paging>,
    State(store): State<Store>,
) -> Result<Json<HostList>, ApiError> {
    admin.need(Role::Operator)?;
    let (limit, cursor) = paging.checked()?;
    let (hosts, next) = store.hosts(limit, cursor.as_ref(), crate::clock::now()).await?;
    Ok(Json(HostList { hosts, next: next.map(String::from) }))
}

/// Drains a host: it takes nobody in any more, stores everything, and ends. Once told it cannot be called back. For
/// operators.
#[utoipa::path(
    post, path = "/admin/v1/hosts/{host}/drain", tag = "admin", security(("admin_key" = [])),
    params(("host" = HostId, Path, description = "The host")),
    request_body = EndIt,
    responses(
        (status = 204),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn drain(
    admin: Admin,
    InPath(host): InPath<HostId>,
    State(store): State<Store>,
    Body(_): Body<EndIt>,
) -> Result<StatusCode, ApiError> {
    admin.need(Role::Operator)?;
    store.host_instances(host).await?.ok_or(refusals::admin::NO_HOST)?;
    store.post_mail(host, &HostOrder::Drain, crate::clock::now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends one instance: its players read the reason, are stored and let go. For operators.
#[utoipa::path(
    post, path = "/admin/v1/instances/{instance}/close", tag = "admin", security(("admin_key" = [])),
    params(("instance" = InstanceId, Path, description = "The instance")),
    request_body = EndIt,
    responses(
        (status = 204),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn close(
    admin: Admin,
    InPath(instance): InPath<InstanceId>,
    State(store): State<Store>,
    Body(body): Body<EndIt>,
) -> Result<StatusCode, ApiError> {
    admin.need(Role::Operator)?;
    if store.close_instance(instance, body.reason.as_str(), crate::clock::now()).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(refusals::instances::NO_INSTANCE.into())
    }
}

/// Tells everyone of the region, of an instance or of a zone something. The same `Idempotency-Key` sends the same
/// pieces of mail, and each host acts on one once. For operators.
#[utoipa::path(
    post, path = "/admin/v1/broadcasts", tag = "admin", security(("admin_key" = [])),
    params(("Idempotency-Key" = String, Header, description = "1 to 128 visible ASCII characters")),
    request_body = SendBroadcast,
    responses(
        (status = 200, body = BroadcastSent),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn broadcast(
    admin: Admin,
    IdempotencyKey(key): IdempotencyKey,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    Body(body): Body<SendBroadcast>,
) -> Result<Json<BroadcastSent>, ApiError> {
    admin.need(Role::Operator)?;
    let key = key.ok_or(refusals::NO_IDEMPOTENCY_KEY)?;
    if let BroadcastTo::Zone(zone) = &body.to
        && region.catalogue().zone(zone).is_none()
    {
        return Err(refusals::instances::NO_ZONE.into());
    }
    let now = crate::clock::now();
    let keyed = KeyedRequest::of(&admin.actor(), "broadcasts", &key, &body);
    let sent = settle_id(&store, &keyed, now).await?;
    let to = audiences(&body.to, &store.all_hosts(now).await?);
    if to.is_empty() && matches!(body.to, BroadcastTo::Instance(_)) {
        return Err(refusals::instances::NO_INSTANCE.into());
    }
    let text = serde_json::json!({ "id": sent.id, "text": body.message, "at": sent.at }).to_string();
    let notice = Notice { topic: ANNOUNCEMENT.into(), body: text };
    store.post_broadcast(&to, &notice, sent.id, sent.at).await?;
    Ok(Json(sent))
}

/// The id of a broadcast, settled before anything is sent: whoever goes on after a crash sends the same mail.
async fn settle_id(store: &Store, keyed: &KeyedRequest, now: UnixMillis) -> Result<BroadcastSent, ApiError> {
    if let Some(earlier) = keyed.earlier(store, now).await? {
        return Ok(earlier);
    }
    let sent = BroadcastSent { id: MessageId::new(now, crate::clock::random_u128()), at: now };
    if store.keep_answer(&keyed.answer(&sent, now.plus_millis(ANSWER_KEPT_MILLIS))).await? {
        return Ok(sent);
    }
    // The same request, sent twice at once, was faster.
    keyed.earlier(store, now).await?.ok_or(ApiError::Internal)
}

/// Who is told by which host, in an order that is the same each time for the same hosts.
fn audiences(to: &BroadcastTo, hosts: &[HostRecord]) -> Vec<(HostId, Audience)> {
    let instances = |wanted: &dyn Fn(&InstanceRecord) -> bool| {
        let of_host = |host: &HostRecord| {
            let own = host.instances.iter().filter(|own| wanted(own));
            own.map(|own| (host.host, Audience::Instance(own.instance))).collect::<Vec<_>>()
        };
        hosts.iter().flat_map(of_host).collect()
    };
    match to {
        BroadcastTo::Region => hosts.iter().map(|host| (host.host, Audience::Everyone)).collect(),
        BroadcastTo::Instance(instance) => instances(&|own| own.instance == *instance),
        BroadcastTo::Zone(zone) => instances(&|own| own.zone == *zone),
    }
}
