//! Any bytes as a frame from a host, its snapshots applied to a view.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::decoder::View;
use wire::frame::{ServerMessage, read_server_frame};

fuzz_target!(|bytes: &[u8]| {
    let mut view = View::new(60);
    let _ = read_server_frame(bytes, |message| {
        if let ServerMessage::State(update) = message {
            let _ = view.apply(update.body);
        }
    });
});
