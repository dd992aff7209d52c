//! What services ask about accounts: bans, what is known, deletion. The caller has checked the service token.

use domain::contract::edge::BanOrder;
use domain::ids::AccountId;

use crate::error::EdgeError;
use crate::handle::{Context, body, secret};
use crate::password;
use crate::request::{EdgeRequest, EdgeResponse};
use crate::store::Database;

/// Most characters of the reason of a ban.
const REASON_CHARS_MAX: usize = 500;
/// The largest version that every JSON reader and D1 take for a whole number.
const VERSION_MAX: u64 = (1 << 53) - 1;

/// Whether a request is for services that ask about accounts.
pub(crate) fn serves(method: &str, path: &str) -> bool {
    match path.strip_prefix("/v1/bans/") {
        Some(account) => !account.is_empty() && matches!(method, "PUT" | "DELETE"),
        None => match path.strip_prefix("/v1/accounts") {
            Some("") => method == "GET",
            Some(rest) => one(rest).is_some() && matches!(method, "GET" | "DELETE"),
            None => false,
        },
    }
}

/// The methods of an address of this file.
pub(crate) fn methods_of(path: &str) -> Option<&'static str> {
    if path.strip_prefix("/v1/bans/").is_some_and(|account| !account.is_empty()) {
        return Some("PUT, DELETE");
    }
    path.strip_prefix("/v1/accounts").and_then(one).map(|_| "GET, DELETE")
}

/// What stands after a slash.
fn one(rest: &str) -> Option<&str> {
    rest.strip_prefix('/').filter(|account| !account.is_empty())
}

pub(crate) async fn answer<D: Database>(
    context: &Context<'_, D>,
    request: &EdgeRequest,
) -> Result<EdgeResponse, EdgeError> {
    let (method, path) = (request.method.as_str(), request.path.as_str());
    let unknown = || EdgeError::NotFound(path.to_owned());
    let done = |found: bool| {
        let answer = EdgeResponse { status: 204, headers: Vec::new(), body: Vec::new() };
        if found { Ok(answer) } else { Err(unknown()) }
    };
    let store = context.store();
    if let Some(account) = path.strip_prefix("/v1/bans/") {
        let account = account_of(account)?;
        if method == "PUT" {
            let order: BanOrder = body(request)?;
            check(&order)?;
            return done(store.ban(account, &order, context.now).await?);
        }
        return done(store.unban(account, version_of(&request.query)?).await?);
    }
    let account = match path.strip_prefix("/v1/accounts").and_then(one) {
        Some(account) => account_of(account)?,
        None => store.account_of_email(&email_of(&request.query)?).await?.ok_or_else(unknown)?,
    };
    if method == "DELETE" {
        store.erase_account(account).await?;
        return done(true);
    }
    secret(200, &store.account_record(account).await?.ok_or_else(unknown)?)
}

fn account_of(text: &str) -> Result<AccountId, EdgeError> {
    text.parse().map_err(|error| EdgeError::BadRequest(format!("the account: {error}")))
}

fn check(order: &BanOrder) -> Result<(), EdgeError> {
    if order.reason.chars().count() > REASON_CHARS_MAX {
        return Err(EdgeError::BadRequest(format!(
            "reason: at most {REASON_CHARS_MAX} characters are allowed"
        )));
    }
    let most = order.until.map_or(0, domain::time::UnixMillis::as_millis).max(order.version);
    if most > VERSION_MAX {
        return Err(EdgeError::BadRequest(format!("until and version: at most {VERSION_MAX} is allowed")));
    }
    Ok(())
}

fn version_of(query: &str) -> Result<u64, EdgeError> {
    let version = query.strip_prefix("version=").and_then(|text| text.parse().ok());
    let fault = || EdgeError::BadRequest("say which order this is: ?version=NUMBER".to_owned());
    version.filter(|version| *version <= VERSION_MAX).ok_or_else(fault)
}

fn email_of(query: &str) -> Result<String, EdgeError> {
    let fault = || EdgeError::BadRequest("say which account: ?email=ADDRESS".to_owned());
    let text = query.strip_prefix("email=").filter(|text| !text.contains('&')).ok_or_else(fault)?;
    password::check_email(&decode(text).ok_or_else(fault)?)
}

/// A value of a query without its escapes.
fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' {
            let digits = [bytes.next()?, bytes.next()?];
            u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
        } else {
            byte
        });
    }
    String::from_utf8(decoded).ok()
}
