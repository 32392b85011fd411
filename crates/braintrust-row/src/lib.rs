//! Spans as Braintrust rows: ids, fields, merging, encoding and truncation.
//!
//! It knows neither Flue's events nor any I/O. Its files, each of which imports only those above it:
//!
//! | file | |
//! |---|---|
//! | [`time`] | times in Braintrust's formats |
//! | `id` | row, span and trace ids, derived from Flue's ids |
//! | [`string`] | JSON strings with their quotes and escapes |
//! | [`terminal`] | the codes of a terminal's colours |
//! | [`scan`] | the scanner over JSON text |
//! | `list` | lists that grow and share their items |
//! | `json` | a JSON value as text |
//! | `order` | sorting by numbers |
//! | `members` | members of a small object |
//! | `read_members` | the reader of JSON objects |
//! | `custom_fields` | fields that only applications set |
//! | `row` | the row, and how two rows merge |
//! | `object` | the writer of JSON objects |
//! | `masked` | content that the application's masking function returned |
//! | `wire` | the body of `POST /logs3` |
//! | `truncate` | truncation of rows that are too large |

mod custom_fields;
mod id;
mod json;
mod list;
mod masked;
mod members;
mod object;
mod order;
mod read_members;
mod row;
pub mod scan;
pub mod string;
pub mod terminal;
pub mod time;
mod truncate;
mod wire;

pub use custom_fields::CustomFields;
pub use id::{RowId, RowMap, SpanContext, SpanId, TraceId};
pub use json::{Json, merge_encoded};
pub use list::List;
pub use masked::Masked;
pub use members::Members;
pub use order::sort_by_key;
pub use read_members::read_members;
pub use row::{Row, SpanType, Stage, USAGE_METRICS, is_known_metric};
pub use truncate::{cut_fields, truncate};
pub use wire::{
  Destination, address, close_body, open_body, write_content, write_masked_row, write_row,
};
