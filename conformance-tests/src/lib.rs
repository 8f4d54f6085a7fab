//! What every backend owes, as named trials.
