//! What Braintrust hears: spans as rows, their identity, their merge law and their bytes.
//!
//! Owns the shape of a row and nothing else. Pure: it knows neither Flue nor any I/O.

mod id;
mod json;
mod list;
mod masked;
mod members;
mod object;
mod own;
mod row;
pub mod scan;
pub mod string;
pub mod time;
mod truncate;
mod wire;

pub use id::{RowId, RowMap, SpanId, SpanRef, TraceId};
pub use json::Json;
pub use list::List;
pub use masked::Masked;
pub use members::Members;
pub use own::Own;
pub use row::{Row, SpanType};
pub use truncate::{cut_fields, truncate};
pub use wire::{
  Destination, address, close_body, open_body, write_content, write_masked_row, write_row,
};
