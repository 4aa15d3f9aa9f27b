//! The limit direction of a pattern, and what follows from it.
