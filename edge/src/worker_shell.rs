//! The Worker's shell: it turns the runtime's requests into ours, with D1 as the database.

use std::sync::OnceLock;

use domain::contract::CORRELATION_HEADER;
use domain::limits::BODY_BYTES_MAX;
use domain::time::UnixMillis;
use futures_util::StreamExt as _;
use serde_json::Value;
use worker::wasm_bindgen::JsValue;
use worker::{D1Database, Date, Env, Request, Response, event};

use crate::config::{EdgeConfig, RateLimits};
use crate::handle::{Context, handle};
use crate::request::{EdgeRequest, EdgeResponse, Geo, Headers};
use crate::store::{Database, DatabaseError, Row, Statement};

static CONFIG: OnceLock<EdgeConfig> = OnceLock::new();

#[event(fetch)]
async fn fetch(mut request: Request, env: Env, _context: worker::Context) -> worker::Result<Response> {
    let config = match CONFIG.get() {
        Some(config) => config,
        // The bindings of an isolate do not change.
        None => {
            let read = read_config(&env)?;
            CONFIG.get_or_init(|| read)
        }
    };
    let database = Bound(env.d1("DB")?);
    let request = read_request(&mut request).await?;
    let context = Context {
        config,
        database: &database,
        now: UnixMillis::new(Date::now().as_millis()),
        entropy: |bytes| getrandom::fill(bytes).expect("the runtime has random bytes"),
        client_address: &request.client_address,
        log: |text| worker::console_error!("{text}"),
    };
    into_worker(handle(&context, &request).await)
}

/// The bindings hold the configuration; a fault in it is an exception that the log shows.
fn read_config(env: &Env) -> worker::Result<EdgeConfig> {
    let fault =
        |name: &str, error: &dyn std::fmt::Display| worker::Error::RustError(format!("{name}: {error}"));
    let regions = serde_json::from_str(&env.var("REGIONS")?.to_string()).map_err(|e| fault("REGIONS", &e))?;
    let origins = env.var("ALLOWED_ORIGINS")?.to_string();
    let origins = origins.split(',').map(str::trim).filter(|origin| !origin.is_empty()).map(str::to_owned);
    let limits = match env.var("RATE_LIMITS") {
        Ok(text) => serde_json::from_str(&text.to_string()).map_err(|e| fault("RATE_LIMITS", &e))?,
        Err(_) => RateLimits::default(),
    };
    let keys: Vec<token::SecretKey> = serde_json::from_str(&env.secret("SIGNING_KEYS")?.to_string())
        // The text of the error would quote the secret.
        .map_err(|_| fault("SIGNING_KEYS", &"not a list of {\"kid\", \"d\"}"))?;
    EdgeConfig::new(regions, origins.collect(), env.secret("SERVICE_TOKEN")?.to_string(), &keys, limits)
        .map_err(|faults| worker::Error::RustError(faults.join("; ")))
}

async fn read_request(request: &mut Request) -> worker::Result<EdgeRequest> {
    let url = request.url()?;
    let header = |name: &str| request.headers().get(name).ok().flatten();
    let headers = Headers {
        authorization: header("authorization"),
        content_type: header("content-type"),
        origin: header("origin"),
        correlation: header(CORRELATION_HEADER),
    };
    // Cloudflare sets it, and takes away what a client sent under this name.
    let client_address = header("cf-connecting-ip").unwrap_or_default();
    let geo = request.cf().map(|cf| Geo {
        place: cf.coordinates().map(|(latitude, longitude)| (f64::from(latitude), f64::from(longitude))),
        continent: cf.continent(),
    });
    Ok(EdgeRequest {
        method: request.method().to_string(),
        path: url.path().to_owned(),
        query: url.query().unwrap_or_default().to_owned(),
        headers,
        body: read_body(request).await?,
        geo,
        client_address,
    })
}

/// Reads the body, and of one that is too large only enough to know.
async fn read_body(request: &mut Request) -> worker::Result<Vec<u8>> {
    let mut body = Vec::new();
    if request.inner().body().is_none() {
        return Ok(body);
    }
    let mut stream = request.stream()?;
    while let Some(chunk) = stream.next().await {
        if body.len() <= BODY_BYTES_MAX {
            body.extend_from_slice(&chunk?);
        }
    }
    Ok(body)
}

fn into_worker(answer: EdgeResponse) -> worker::Result<Response> {
    let response =
        if answer.body.is_empty() { Response::empty()? } else { Response::from_bytes(answer.body)? };
    let response = response.with_status(answer.status);
    for (name, value) in &answer.headers {
        response.headers().set(name, value)?;
    }
    Ok(response)
}

/// The D1 binding.
struct Bound(D1Database);

impl Database for Bound {
    async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Vec<Row>>, DatabaseError> {
        let fault = |error: worker::Error| DatabaseError(error.to_string());
        let prepare = |(sql, values): &Statement| {
            let values: Vec<JsValue> = values.iter().map(to_js).collect();
            self.0.prepare(*sql).bind(&values)
        };
        let prepared = statements.iter().map(prepare).collect::<worker::Result<Vec<_>>>().map_err(fault)?;
        let results = self.0.batch(prepared).await.map_err(fault)?;
        results.iter().map(|result| result.results::<Row>().map_err(fault)).collect()
    }
}

#[expect(clippy::cast_precision_loss, reason = "times and counts are under 2^53")]
fn to_js(value: &Value) -> JsValue {
    match value {
        Value::Number(number) => number.as_i64().map_or(JsValue::NULL, |n| JsValue::from_f64(n as f64)),
        Value::String(text) => JsValue::from_str(text),
        _ => JsValue::NULL,
    }
}
