//! Competition as pure functions: exact ranks, ratings, matches and tournaments. Who keeps the results, and
//! where, is not known here; nor is any clock, network or store.

pub mod matching;
pub mod rank;
pub mod rating;
pub mod tournament;
