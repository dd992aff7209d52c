//! What the black-box tests share.

pub mod dev;
pub mod edge_suite;
pub mod platform;

/// An HTTP client whose TLS is ready, as that of every program of ours.
#[must_use]
pub fn http_client() -> reqwest::Client {
    // An error means that another test has installed the provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().timeout(std::time::Duration::from_secs(30));
    builder.build().expect("the provider is installed")
}
