//! Who had an address when.
