//! Entrants, teams and their confirmation, apart from any store.
