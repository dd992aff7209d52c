//! What must hold for any stream of tickets, what single rules mean, and how the matcher compares.

mod check;
mod compare;
mod load;
mod optimum;
mod rules;
mod streams;
