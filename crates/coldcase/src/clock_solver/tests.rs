//! The solver on plain numbers.
