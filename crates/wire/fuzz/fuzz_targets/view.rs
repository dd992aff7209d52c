//! Any bytes as the bodies of consecutive snapshots: a length, a body, and so on.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::decoder::View;

fuzz_target!(|bytes: &[u8]| {
    let mut view = View::new(60);
    let mut rest = bytes;
    while let Some((length, after)) = rest.split_first() {
        let (body, after) = after.split_at(after.len().min(usize::from(*length)));
        if view.apply(body).is_err() {
            return;
        }
        rest = after;
    }
});
