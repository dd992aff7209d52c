//! Whose processor time a request takes: our own code's, or that of the store's client. A request is a future, which a
//! thread polls now and then; while it does, the time of the thread is the request's, and each change from our code
//! to the client's and back is a lap. What runs elsewhere is nobody's: HTTP of both sides, and the runtime.

use std::cell::Cell;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::{RuntimeComponents, RuntimeComponentsBuilder};
use aws_smithy_types::config_bag::ConfigBag;
use rustix::time::{ClockId, clock_gettime};

/// Processor time in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProcessorTime {
    /// Of our own code.
    pub own_ns: u64,
    /// Of the client of the store, but for the first and last steps of a call, which it lets nobody see.
    pub store_ns: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Laps {
    is_in_store: bool,
    /// The thread's clock when this lap began.
    since_ns: u64,
    sum: ProcessorTime,
}

thread_local! {
    /// The laps of the request that this thread polls.
    static LAPS: Cell<Option<Laps>> = const { Cell::new(None) };
}

/// Runs `request`, and tells what it took. Reading the clock costs some hundred nanoseconds a lap.
pub async fn timed<F: Future>(request: F) -> (F::Output, ProcessorTime) {
    let mut request = pin!(request);
    let mut laps = Laps::default();
    let output = std::future::poll_fn(|context| {
        LAPS.set(Some(Laps { since_ns: thread_ns(), ..laps }));
        let polled = request.as_mut().poll(context);
        laps = LAPS.take().map_or(laps, Laps::ended);
        polled
    });
    let output = output.await;
    (output, laps.sum)
}

/// The client of the store begins, or ends, what it does for the request.
pub(super) fn lap(is_in_store: bool) {
    LAPS.set(LAPS.get().map(|laps| Laps { is_in_store, ..laps.ended() }));
}

impl Laps {
    fn ended(mut self) -> Self {
        let now_ns = thread_ns();
        let lap = now_ns.saturating_sub(self.since_ns);
        *(if self.is_in_store { &mut self.sum.store_ns } else { &mut self.sum.own_ns }) += lap;
        Self { since_ns: now_ns, ..self }
    }
}

fn thread_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    u64::try_from(time.tv_sec * 1_000_000_000 + time.tv_nsec).unwrap_or(0)
}

/// A client of HTTP whose answers count as the store's time from the moment that they are there.
#[derive(Debug)]
pub(in crate::store) struct LappedHttp(pub(in crate::store) SharedHttpClient);

impl HttpClient for LappedHttp {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(LappedConnector(self.0.http_connector(settings, components)))
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.validate_base_client_config(components, config)
    }

    fn validate_final_config(
        &self,
        components: &RuntimeComponents,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.validate_final_config(components, config)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
}

#[derive(Debug)]
struct LappedConnector(SharedHttpConnector);

impl HttpConnector for LappedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(Lapped(self.0.call(request)))
    }
}

/// A call on its way. While it waits, the request may do other things.
struct Lapped(HttpConnectorFuture);

impl Future for Lapped {
    type Output = <HttpConnectorFuture as Future>::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        lap(true);
        let polled = Pin::new(&mut self.0).poll(context);
        if polled.is_pending() {
            lap(false);
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::store::meter::metered;
    use crate::store::tests::store_with;

    /// Keeps the processor busy.
    fn work(nanoseconds: u64) {
        let start = thread_ns();
        while thread_ns() - start < nanoseconds {}
    }

    #[tokio::test]
    async fn our_own_time_is_told_from_that_of_the_client() {
        const WORK: u64 = 50_000_000;
        let store = store_with(|config| config.processor_times = true).await;
        let ping = async || timed(metered(store.ping())).await.1;
        ping().await;
        let bare = ping().await;
        assert!(bare.store_ns > bare.own_ns, "a bare call is the client's: {bare:?}");
        let request = async {
            work(WORK);
            let (one, other) = tokio::join!(store.ping(), store.ping());
            one.and(other).expect("the store works");
            // Neither waiting nor what others do meanwhile is the request's.
            let other = tokio::spawn(async { work(WORK) });
            tokio::time::sleep(Duration::from_millis(5)).await;
            other.await.expect("it ends");
        };
        let (_, both) = timed(metered(request)).await;
        assert!(both.own_ns >= WORK && both.own_ns < 2 * WORK, "{both:?}");
        assert!(both.store_ns > bare.own_ns && both.store_ns < WORK, "{both:?}");
    }
}
