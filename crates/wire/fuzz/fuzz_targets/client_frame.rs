//! Any bytes as a frame from a client.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::frame::read_client_frame;

fuzz_target!(|bytes: &[u8]| {
    let _ = read_client_frame(bytes, drop);
});
