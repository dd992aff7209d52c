//! Whose processor time a request takes: our own code's, or that of the store's client. A request is a future, which a
//! thread polls now and then; while it does, the time of the thread is the request's, and each change from our code
//! to the client's and back is a lap. What runs elsewhere is nobody's: HTTP of both sides, and the runtime.

use std::cell::Cell;
use std::pin::pin;

use rustix::time::{ClockId, clock_gettime};

/// Processor time in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ProcessorTime {
    /// Of our own code.
    pub(crate) own_ns: u64,
    /// Of the client of the store.
    pub(crate) store_ns: u64,
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
pub(crate) async fn timed<F: Future>(request: F) -> (F::Output, ProcessorTime) {
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

/// Makes a call of the store's client: all calls go through here, so that what the client takes is told from our own
/// code. The future of a call is large: one that did nothing but await a call took 33 KB. So it has a place of its own,
/// since all futures that hold it would be copied with it.
pub(in crate::store) fn outside<F: Future>(call: F) -> impl Future<Output = F::Output> {
    let mut call = Box::pin(call);
    std::future::poll_fn(move |context| {
        lap(true);
        let polled = call.as_mut().poll(context);
        lap(false);
        polled
    })
}

/// The client of the store begins, or ends, what it does for the request.
fn lap(is_in_store: bool) {
    if let Some(laps) = LAPS.get() {
        LAPS.set(Some(Laps { is_in_store, ..laps.ended() }));
    }
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
        let ping = async || Box::pin(timed(metered(store.ping()))).await.1;
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
        let (_, both) = Box::pin(timed(metered(request))).await;
        assert!(both.own_ns >= WORK && both.own_ns < 2 * WORK, "{both:?}");
        assert!(both.store_ns > bare.own_ns && both.store_ns < WORK, "{both:?}");
    }
}
