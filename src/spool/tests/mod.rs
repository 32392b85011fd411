//! The spool's promises, on a file system that fails at will and on a real one.


mod model;

mod world;
