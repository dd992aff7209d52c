//! Golden bytes for the tests of this crate, which are the test vectors of PROTOCOL.md too.

use expect_test::Expect;

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares with the golden bytes, and those with the test vectors of the description.
pub(crate) fn check_golden(bytes: &[u8], golden: &Expect) {
    golden.assert_eq(&hex(bytes));
    let protocol = include_str!("../PROTOCOL.md");
    let vector = format!(": {}\n", hex(bytes));
    assert!(protocol.contains(&vector), "PROTOCOL.md lacks {vector}");
}
