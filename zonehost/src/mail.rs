//! Fetches the host's mail several times a second and acts on each piece of it once. Mail is the quick way: what
//! must not be missed, the instances that the host runs, comes with each heartbeat's answer too.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use domain::contract::mail::{HostOrder, Mailbox};
use domain::ids::MessageId;
use domain::time::UnixMillis;

use crate::orders;
use crate::platform::Platform;
use crate::shared::Shared;

/// Mail that was written earlier may be seen later, by so much at the most: writers have clocks of their own.
const OVERLAP_MILLIS: u64 = 5_000;
/// Most ids that are remembered: over 10,000 pieces a second within the overlap.
const SEEN_MAX: usize = 64 * 1024;
const RETRY_MOST: Duration = Duration::from_secs(5);

/// Reads mail until it is ended. A platform that does not answer is asked more seldom, and nobody waits for it.
pub(crate) async fn read<P: Platform>(shared: Arc<Shared<P>>) {
    let pace = Duration::from_millis(shared.config.mail_ms);
    let mut pause = pace;
    let mut seen = Seen::default();
    loop {
        tokio::time::sleep(pause).await;
        match shared.platform.mail(shared.host, seen.since()).await {
            Ok(mailbox) => {
                pause = if mailbox.more { Duration::ZERO } else { pace };
                for order in seen.take(mailbox) {
                    shared.metrics.mail_delivered();
                    orders::obey(&shared, order);
                }
            }
            Err(error) => {
                shared.metrics.error(error.kind());
                tracing::warn!(%error, "the mail is asked for again");
                pause = (pause * 2).clamp(pace, RETRY_MOST.max(pace));
            }
        }
    }
}

/// What was acted on.
#[derive(Default)]
struct Seen {
    ids: BTreeSet<MessageId>,
    newest: u64,
    /// Nothing older is acted on: it is forgotten whether it was.
    floor: u64,
    /// There was more than one answer holds.
    more: bool,
}

impl Seen {
    /// From when on to ask.
    fn since(&self) -> UnixMillis {
        let overlap = if self.more { 0 } else { OVERLAP_MILLIS };
        UnixMillis::new(self.newest.saturating_sub(overlap).max(self.floor))
    }

    /// The orders that are new, in their order.
    fn take(&mut self, mailbox: Mailbox) -> Vec<HostOrder> {
        let mut news = Vec::new();
        self.more = mailbox.more;
        for mail in mailbox.mail {
            let at = millis_of(mail.id);
            if at < self.floor || !self.ids.insert(mail.id) {
                continue;
            }
            self.newest = self.newest.max(at);
            news.push(mail.order);
        }
        self.floor = self.floor.max(self.newest.saturating_sub(OVERLAP_MILLIS));
        while self.ids.len() > SEEN_MAX {
            let oldest = self.ids.pop_first().expect("there are many");
            self.floor = self.floor.max(millis_of(oldest) + 1);
        }
        self.ids = self.ids.split_off(&MessageId::new(UnixMillis::new(self.floor), 0));
        news
    }
}

fn millis_of(id: MessageId) -> u64 {
    u64::try_from(id.as_u128() >> 80).expect("48 bits are left")
}

#[cfg(test)]
mod tests {
    use domain::contract::mail::HostMail;

    use super::*;

    fn mail(at: u64, random: u128) -> HostMail {
        HostMail { id: MessageId::new(UnixMillis::new(at), random), order: HostOrder::Drain }
    }

    fn boxed(mail: &[HostMail]) -> Mailbox {
        Mailbox { mail: mail.to_vec(), more: false }
    }

    #[test]
    fn each_piece_is_acted_on_once_and_late_ones_within_the_overlap() {
        let mut seen = Seen::default();
        assert_eq!(seen.since().as_millis(), 0);
        let first = [mail(10_000, 1), mail(10_000, 2), mail(12_000, 1)];
        assert_eq!(seen.take(boxed(&first)).len(), 3);
        assert_eq!(seen.take(boxed(&first)).len(), 0);
        assert_eq!(seen.since().as_millis(), 7_000);
        assert_eq!(
            seen.take(boxed(&[mail(8_000, 9), first[2].clone()])).len(),
            1,
            "written before, seen later"
        );
        assert_eq!(seen.take(boxed(&[mail(6_999, 9)])).len(), 0, "too late to be known");
        assert_eq!(seen.take(boxed(&[mail(20_000, 1)])).len(), 1);
        assert_eq!(seen.ids.len(), 1, "what cannot come again is forgotten");
    }

    #[test]
    fn a_full_answer_is_read_on_from_its_end() {
        let mut seen = Seen::default();
        let page = Mailbox { mail: vec![mail(50_000, 1), mail(50_500, 1)], more: true };
        assert_eq!(seen.take(page).len(), 2);
        assert_eq!(seen.since().as_millis(), 50_500);
        assert_eq!(seen.take(boxed(&[mail(50_500, 1), mail(51_000, 1)])).len(), 1);
        assert_eq!(seen.since().as_millis(), 46_000);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut seen = Seen::default();
        let many: Vec<_> = (0..100_u64).flat_map(|at| (0..1_000).map(move |n| mail(9_000 + at, n))).collect();
        assert_eq!(seen.take(boxed(&many)).len(), 100_000);
        assert!(seen.ids.len() <= SEEN_MAX);
        assert_eq!(seen.take(boxed(&many)).len(), 0, "and nothing is acted on twice");
    }
}
