//! What time it is now. Everything that asks can be seen to do so by naming this module.

use std::time::{SystemTime, UNIX_EPOCH};

/// The time now, milliseconds since the epoch.
#[expect(clippy::disallowed_methods, reason = "this is where time comes from")]
pub fn now() -> i64 {
  SystemTime::now()
    .duration_since(UNIX_EPOCH)
    .ok()
    .and_then(|elapsed| i64::try_from(elapsed.as_millis()).ok())
    .unwrap_or(0)
}
