//! What the black-box tests share.

pub mod edge_suite;
