//! The spool's promises, on a file system that fails at will and on a real one.

mod disk;
mod model;
mod rules;
mod world;
