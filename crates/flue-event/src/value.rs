//! The two kinds of values that every event type is made of.

use std::borrow::Cow;

use serde_json::value::RawValue;

/// A string of the event. Borrows from the event's text; copied only if it has escapes.
pub type Text<'a> = Cow<'a, str>;

/// A payload: unparsed JSON inside the event's text; `None` if the member is missing.
pub type Payload<'a> = Option<&'a RawValue>;
