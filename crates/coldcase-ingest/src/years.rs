//! Years of year-less logs.
