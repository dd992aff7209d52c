//! The description of the API (OpenAPI 3.1): its frame, and the text of the whole. Routes describe themselves.

use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

#[derive(utoipa::OpenApi)]
#[openapi(info(
    title = "Graticule API",
    description = "Characters, zones, leaderboards, and the internal routes of zone hosts. Errors are \
                   application/problem+json (RFC 9457); their `code` is for programs. Every answer has \
                   the header X-Correlation-Id, which takes over the caller's if it is such an id."
))]
struct Frame;

/// Everything but the routes.
pub(crate) fn frame() -> OpenApi {
    let mut frame = Frame::openapi();
    let components = frame.components.get_or_insert_default();
    for (name, text) in [
        ("access_token", "The access token of a player, made by the edge."),
        ("service_token", "The secret shared with zone hosts."),
        ("admin_key", "The key of an administrator."),
    ] {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(text)).build();
        components.add_security_scheme(name, SecurityScheme::Http(scheme));
    }
    frame
}

/// The whole description as JSON, ending with a line feed.
#[must_use]
pub fn text() -> String {
    let (_, description) = crate::routes::all();
    let mut text = description.to_pretty_json().expect("a description is plain data");
    text.push('\n');
    text
}
