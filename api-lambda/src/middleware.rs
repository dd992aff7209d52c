//! What surrounds every request: correlation id, log line, counting, time limit, problem bodies and the headers
//! for pages of other origins. It knows no route.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use domain::contract::{CORRELATION_HEADER, PROBLEM_MEDIA_TYPE, Problem};
use domain::ids::CorrelationId;
use domain::limits::LONG_POLL_MILLIS_MAX;
use futures_util::FutureExt as _;
use tracing::Instrument as _;

use crate::error::{ApiError, refusals};
use crate::metrics::Metrics;
use crate::rate::{self, Caller, ChargeCell, Rates};
use crate::store::meter::processor::timed;
use crate::store::meter::{Usage, metered};

/// What the middleware needs.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) allowed_origins: Arc<[HeaderValue]>,
    pub(crate) request_timeout: Duration,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) processor_times: bool,
    pub(crate) rates: Arc<Rates>,
    /// The header in which a proxy in front puts the address of the caller.
    pub(crate) address_header: Option<HeaderName>,
}

/// The outermost layer.
pub(crate) async fn surround(
    State(around): State<Surroundings>,
    mut request: Request,
    next: Next,
) -> Response {
    let correlation = correlation_of(request.headers());
    request.extensions_mut().insert(correlation);
    let charge = ChargeCell::default();
    request.extensions_mut().insert(Arc::clone(&charge));
    let stranger = Stranger::of(&around, &request);
    let method = request.method().clone();
    // The pattern, not the path: ids would make every line different.
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", correlation.id = %correlation, http.method = %method, http.route = route);
    let started = Instant::now();
    let origin =
        request.headers().get(header::ORIGIN).filter(|o| around.allowed_origins.contains(o)).cloned();
    let handled = async {
        let (response, usage) = if method == Method::OPTIONS && is_preflight(request.headers()) {
            (StatusCode::NO_CONTENT.into_response(), Usage::default())
        } else {
            let limit = around.request_timeout + patience_of(request.uri().query());
            let answered = metered(stranger.limit(&around, &charge, answer(request, next, limit)));
            if around.processor_times {
                let ((response, usage), processor) = timed(answered).await;
                (response, Usage { processor, ..usage })
            } else {
                answered.await
            }
        };
        tracing::info!(
            http.status = response.status().as_u16(),
            elapsed_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
            store.reads = usage.read_calls,
            store.writes = usage.write_calls,
            "answered"
        );
        (response, usage)
    };
    let (mut response, usage) = handled.instrument(span).await;
    let problem = response.extensions_mut().remove::<Problem>();
    around.metrics.count(&method, &route, response.status(), problem.as_ref().map(|p| p.code.as_str()));
    around.metrics.count_usage(&route, usage);
    if let Some(problem) = problem {
        write_problem(&mut response, &Problem { correlation_id: Some(correlation), ..problem });
    }
    let headers = response.headers_mut();
    let value = HeaderValue::try_from(correlation.to_string()).expect("an id is visible ASCII");
    headers.insert(CORRELATION_HEADER, value);
    if let Some(charge) = charge.get() {
        charge.write(headers);
    }
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        allow_origin(headers, origin);
    }
    response
}

/// What a request that waits for news (`wait_ms`) gets beyond the limit of others.
fn patience_of(query: Option<&str>) -> Duration {
    let asked = query.into_iter().flat_map(|query| query.split('&'));
    let millis = asked.filter_map(|part| part.strip_prefix("wait_ms=")?.parse().ok()).max().unwrap_or(0);
    Duration::from_millis(LONG_POLL_MILLIS_MAX.min(millis))
}

/// A caller of whom only the address is known, until it shows a token that is good.
struct Stranger {
    address: Option<IpAddr>,
    /// Without any token it is one for sure, and so is whoever asks what takes no token, whatever it shows.
    for_sure: bool,
}

impl Stranger {
    fn of(around: &Surroundings, request: &Request) -> Self {
        // Whoever watches the process asks often, and the answer costs nothing.
        let path = request.uri().path();
        let watched = path == "/health";
        let takes_token = ["/v1/", "/admin/", "/internal/"].iter().any(|start| path.starts_with(start));
        let address =
            rate::address::of(around.address_header.as_ref(), request.headers(), request.extensions());
        let for_sure = !takes_token || !request.headers().contains_key(header::AUTHORIZATION);
        Self { address: address.filter(|_| !watched), for_sure }
    }

    /// Answers within the limit of the address. Who shows a token pays with its own bucket, and with that of the
    /// address only if the token is refused: players behind one address do not pay for each other.
    async fn limit(
        &self,
        around: &Surroundings,
        charge: &ChargeCell,
        answer: impl Future<Output = Response>,
    ) -> Response {
        let pay = || {
            let charged = around.rates.charge(Caller::at(self.address?));
            let _ = charge.set(charged);
            charged.retry_after_secs
        };
        let refuse = |secs| ApiError::from(refusals::RATE_LIMITED.after(secs)).into_response();
        if self.for_sure {
            return match pay() {
                Some(secs) => refuse(secs),
                None => answer.await,
            };
        }
        let response = answer.await;
        if response.status() == StatusCode::UNAUTHORIZED
            && let Some(secs) = pay()
        {
            return refuse(secs);
        }
        response
    }
}

/// The answer within the time limit, whatever the handler does.
async fn answer(request: Request, next: Next, limit: Duration) -> Response {
    let handled = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(limit, handled).await {
        Ok(Ok(response)) => response,
        Ok(Err(_panic)) => {
            tracing::error!("a handler panicked");
            ApiError::Internal.into_response()
        }
        Err(_elapsed) => ApiError::TimedOut.into_response(),
    }
}

/// The caller's id if it is one, a new one otherwise.
fn correlation_of(headers: &HeaderMap) -> CorrelationId {
    headers
        .get(CORRELATION_HEADER)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| CorrelationId::new(crate::clock::now(), crate::clock::random_u128()))
}

fn is_preflight(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ORIGIN) && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

fn write_problem(response: &mut Response, problem: &Problem) {
    let body = serde_json::to_vec(problem).expect("a problem is plain data");
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_MEDIA_TYPE));
    response.headers_mut().remove(header::CONTENT_LENGTH);
    *response.body_mut() = Body::from(body);
}

/// Lets pages of this origin read the answer. Tokens travel in a header, so no cookies are allowed for.
fn allow_origin(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, PATCH, DELETE"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "authorization, content-type, idempotency-key, if-none-match, x-correlation-id",
        ),
        (
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            "etag, ratelimit, ratelimit-policy, retry-after, x-correlation-id",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
