//! How time is written. Milliseconds since the epoch everywhere. Pure.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The end of the year 9999: later times have no such text, and can only come from garbage.
const LAST: i64 = 253_402_300_799_999;

/// The time in an ISO 8601 text such as Flue's `timestamp`, in UTC; `None` when it is not one.
pub fn parse(text: &str) -> Option<i64> {
  let time = humantime::parse_rfc3339(text).ok()?;
  i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}

/// The time that a number of milliseconds since the epoch is; `None` when there is no such time.
pub fn valid(millis: f64) -> Option<i64> {
  (0.0..=LAST as f64).contains(&millis).then_some(millis as i64)
}

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
  fn a_time_survives_being_written_and_read() {
    let time = parse("2026-11-23T07:02:44.633Z").unwrap();
    assert_eq!(iso(time), "2026-11-23T07:02:44.633Z");
    assert_eq!(iso(parse("2026-11-23T07:02:44Z").unwrap()), "2026-11-23T07:02:44.000Z");
    assert_eq!(iso(LAST), "9999-12-31T23:59:59.999Z");
    assert_eq!(seconds(time), 1_795_417_364.633);
  }

  #[test]
  fn garbage_is_no_time() {
    assert_eq!(parse("yesterday"), None);
    assert_eq!(parse(""), None);
    assert_eq!(valid(9e99), None);
    assert_eq!(valid(f64::NAN), None);
    assert_eq!(valid(1_795_417_364_633.0), Some(1_795_417_364_633));
  }
}
