//! Where a request comes from: the peer of the connection, what AWS says of it, or the header that the configured
//! proxy sets. Without such a proxy no header is believed, since a caller could write it.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap, HeaderName};
use lambda_http::request::RequestContext;

/// The address of the caller, if anything tells it.
pub(crate) fn of(proxy: Option<&HeaderName>, headers: &HeaderMap, extensions: &Extensions) -> Option<IpAddr> {
    if let Some(name) = proxy {
        // The last entry is the one that the proxy nearest to us has written.
        let last = headers.get_all(name).iter().next_back()?.to_str().ok()?.rsplit(',').next()?;
        return last.trim().parse().ok();
    }
    if let Some(RequestContext::ApiGatewayV2(context)) = extensions.get::<RequestContext>() {
        return context.http.source_ip.as_deref()?.parse().ok();
    }
    extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_configured_header_is_believed() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "192.0.2.66, 198.51.100.7".parse().expect("a value"));
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 5))));
        let name = HeaderName::from_static("x-forwarded-for");
        let of = |proxy| of(proxy, &headers, &extensions).map(|address| address.to_string());
        assert_eq!(of(None).as_deref(), Some("127.0.0.1"));
        assert_eq!(of(Some(&name)).as_deref(), Some("198.51.100.7"));
        assert_eq!(of(Some(&HeaderName::from_static("x-real-ip"))), None);
    }
}
