//! Tests of relations: each wish from each state, and random ones.

use super::*;
