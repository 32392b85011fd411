//! Times in Braintrust's formats, from milliseconds since the epoch.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The end of the year 9999. Later times have no ISO 8601 text and are written as this one.
const LAST: i64 = 253_402_300_799_999;

/// The time as ISO 8601 in UTC with milliseconds, as Braintrust's `created`.
pub fn iso(millis: i64) -> String {
  let millis = u64::try_from(millis.min(LAST)).unwrap_or_default();
  let time: SystemTime = UNIX_EPOCH + Duration::from_millis(millis);
  humantime::format_rfc3339_millis(time).to_string()
}

/// The time in seconds since the epoch, as Braintrust's `start` and `end`.
pub fn seconds(millis: i64) -> f64 {
  millis as f64 / 1000.0
}

#[cfg(test)]
mod tests {
  use super::*;

  #[test]
  fn a_time_is_written_to_the_millisecond() {
    assert_eq!(iso(1_795_417_364_633), "2026-11-23T07:02:44.633Z");
    assert_eq!(iso(1_795_417_364_000), "2026-11-23T07:02:44.000Z");
    assert_eq!(iso(i64::MAX), "9999-12-31T23:59:59.999Z");
    assert_eq!(seconds(1_795_417_364_633), 1_795_417_364.633);
  }
}
