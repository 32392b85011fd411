//! The guarantees of the spool, on a file system with faults.

mod model;
mod rules;
