//! The spool's promises, on a file system that fails at will.

mod model;
mod rules;
