//! What Braintrust hears: spans as rows, their identity, their merge law and their bytes.
//!
//! Owns the shape of a row and nothing else. Pure: it knows neither Flue nor any I/O.

mod id;
mod json;
mod list;
mod row;
#[allow(dead_code, reason = "the engine does not use it yet")]
mod truncate;
mod wire;

pub use id::{RowId, SpanRef, TraceId};
pub use json::Json;
pub use list::List;
pub use row::{Row, SpanType};
#[allow(unused_imports, reason = "the engine does not use it yet")]
pub use truncate::truncate;
pub use wire::{Destination, close_body, open_body, write_row};
