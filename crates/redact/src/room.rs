//! What the WebAssembly module leaves out to stay small.

/// Whether tables, entities and what PHP prints are searched.
pub const HAS_ROOM: bool = !cfg!(target_family = "wasm");
