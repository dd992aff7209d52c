//! Accounts and sessions: who a player is, and the tokens that say so.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::contract::edge::{RefreshRequest, RegisterRequest, SessionRequest, SessionResponse};
use domain::ids::{AccountId, SessionId};
use domain::limits::{ACCESS_TOKEN_LIFETIME_SECS, REFRESH_TOKEN_LIFETIME_SECS};
use domain::token::{ACCESS_AUDIENCE, ACCESS_ISSUER, AccessClaims};
use sha2::{Digest as _, Sha256};

use crate::error::EdgeError;
use crate::handle::{Context, bearer};
use crate::password;
use crate::store::{Account, Database, Refresh, Store};

const GUEST: &str = "guest";
pub(crate) const PASSWORD: &str = "password";
/// Characters of a guest's device secret: 32 of base64 are 192 bits.
const DEVICE_SECRET_CHARS: std::ops::RangeInclusive<usize> = 32..=128;

/// Makes an account with e-mail and password, and signs it in.
pub(crate) async fn register<D: Database>(
    context: &Context<'_, D>,
    request: RegisterRequest,
) -> Result<SessionResponse, EdgeError> {
    let email = password::check_form(&request.email, &request.password)?;
    limit_address(context).await?;
    let hash = password::hash(&request.password, context.random());
    let account = AccountId::new(context.now, u128::from_le_bytes(context.random()));
    if !context.store().create_account(account, PASSWORD, &email, &hash, context.now).await? {
        return Err(EdgeError::EmailTaken);
    }
    start_session(context, account, true).await
}

/// Signs a player in.
pub(crate) async fn sign_in<D: Database>(
    context: &Context<'_, D>,
    request: SessionRequest,
) -> Result<SessionResponse, EdgeError> {
    match request {
        SessionRequest::Guest { device_secret } => sign_in_guest(context, &device_secret).await,
        SessionRequest::Password { email, password } => sign_in_password(context, &email, &password).await,
    }
}

async fn sign_in_guest<D: Database>(
    context: &Context<'_, D>,
    device_secret: &str,
) -> Result<SessionResponse, EdgeError> {
    if !DEVICE_SECRET_CHARS.contains(&device_secret.chars().count()) {
        let text = "device_secret must have 32 to 128 characters, made at random and kept by the device";
        return Err(EdgeError::BadRequest(text.to_owned()));
    }
    limit_address(context).await?;
    let store = context.store();
    let subject = sha256_hex(device_secret.as_bytes());
    if let Some(account) = store.find_account(GUEST, &subject).await? {
        return start_session_of(context, &account).await;
    }
    let account = AccountId::new(context.now, u128::from_le_bytes(context.random()));
    if store.create_account(account, GUEST, &subject, "", context.now).await? {
        return start_session(context, account, true).await;
    }
    // The same device asked twice at once, and the other request made the account.
    let account = store.find_account(GUEST, &subject).await?.ok_or(EdgeError::Credentials)?;
    start_session_of(context, &account).await
}

async fn sign_in_password<D: Database>(
    context: &Context<'_, D>,
    email: &str,
    password: &str,
) -> Result<SessionResponse, EdgeError> {
    let email = password::check_form(email, password)?;
    limit_address(context).await?;
    let subject = sha256_hex(email.as_bytes());
    limit(context, &tries_key(&subject), context.config.rate_limits.per_account).await?;
    let account = context.store().find_account(PASSWORD, &email).await?;
    let good = password::verify(password, account.as_ref().map(|account| account.secret.as_str()));
    match account {
        Some(account) if good => start_session_of(context, &account).await,
        _ => Err(EdgeError::Credentials),
    }
}

/// Changes a refresh token for a new one and a new access token.
pub(crate) async fn refresh<D: Database>(
    context: &Context<'_, D>,
    request: RefreshRequest,
) -> Result<SessionResponse, EdgeError> {
    limit_address(context).await?;
    let store = context.store();
    let old = sha256_hex(request.refresh_token.as_bytes());
    let (token, hash) = new_refresh_token(context);
    let expires_at = context.now.plus_millis(REFRESH_TOKEN_LIFETIME_SECS * 1_000);
    match store.rotate_refresh_token(&old, &hash, expires_at, context.now).await? {
        Refresh::Good(session, account) => Ok(response(context, account.id, session, token, false)),
        Refresh::Banned(account) => Err(banned(&account)),
        Refresh::Useless => Err(EdgeError::RefreshToken),
        Refresh::Reused(session) => {
            // Someone has a copy: whoever it is, the session ends for both.
            store.revoke_session(session, context.now).await?;
            Err(EdgeError::RefreshReused)
        }
    }
}

/// Ends the session of an access token.
pub(crate) async fn sign_out<D: Database>(
    context: &Context<'_, D>,
    authorization: Option<&str>,
) -> Result<(), EdgeError> {
    let token = authorization.and_then(bearer).ok_or(EdgeError::NoToken)?;
    let claims = token::verify_access(token, context.config.keys.public(), context.now)?;
    context.store().revoke_session(claims.sid, context.now).await?;
    Ok(())
}

async fn start_session_of<D: Database>(
    context: &Context<'_, D>,
    account: &Account,
) -> Result<SessionResponse, EdgeError> {
    refuse_banned(context, account)?;
    start_session(context, account.id, false).await
}

fn refuse_banned<D>(context: &Context<'_, D>, account: &Account) -> Result<(), EdgeError> {
    match account.banned_until {
        Some(until) if until > context.now => Err(banned(account)),
        _ => Ok(()),
    }
}

fn banned(account: &Account) -> EdgeError {
    let until = account.banned_until.unwrap_or(domain::time::UnixMillis::FOREVER);
    EdgeError::Banned { reason: account.ban_reason.clone(), until }
}

async fn start_session<D: Database>(
    context: &Context<'_, D>,
    account: AccountId,
    created: bool,
) -> Result<SessionResponse, EdgeError> {
    let session = SessionId::new(context.now, u128::from_le_bytes(context.random()));
    let (token, hash) = new_refresh_token(context);
    let expires_at = context.now.plus_millis(REFRESH_TOKEN_LIFETIME_SECS * 1_000);
    context.store().create_session(session, account, &hash, expires_at, context.now).await?;
    Ok(response(context, account, session, token, created))
}

fn response<D>(
    context: &Context<'_, D>,
    account: AccountId,
    session: SessionId,
    refresh_token: String,
    created: bool,
) -> SessionResponse {
    let now = context.now.as_secs();
    let claims = AccessClaims {
        iss: ACCESS_ISSUER.to_owned(),
        aud: ACCESS_AUDIENCE.to_owned(),
        sub: account,
        sid: session,
        iat: now,
        exp: now + ACCESS_TOKEN_LIFETIME_SECS,
    };
    SessionResponse {
        account,
        access_token: context.config.keys.sign(&claims),
        access_expires_in_secs: ACCESS_TOKEN_LIFETIME_SECS,
        refresh_token,
        refresh_expires_in_secs: REFRESH_TOKEN_LIFETIME_SECS,
        created,
    }
}

/// The name under which tries with a password are counted; `subject` is the hash of the e-mail address.
pub(crate) fn tries_key(subject: &str) -> String {
    format!("account {subject}")
}

fn new_refresh_token<D>(context: &Context<'_, D>) -> (String, String) {
    let token = URL_SAFE_NO_PAD.encode(context.random::<32>());
    let hash = sha256_hex(token.as_bytes());
    (token, hash)
}

async fn limit_address<D: Database>(context: &Context<'_, D>) -> Result<(), EdgeError> {
    let key = format!("address {}", context.client_address);
    limit(context, &key, context.config.rate_limits.per_address).await
}

async fn limit<D: Database>(context: &Context<'_, D>, key: &str, most: u32) -> Result<(), EdgeError> {
    let tries = Store { database: context.database }.count_try(key, context.now).await?;
    if tries > most { Err(EdgeError::TooMany(60 - context.now.as_secs() % 60)) } else { Ok(()) }
}

pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
