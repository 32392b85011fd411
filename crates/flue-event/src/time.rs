//! Times as Flue writes them, in milliseconds since the epoch.

use std::time::UNIX_EPOCH;

/// The end of the year 9999. Later times have no ISO 8601 text, and are garbage.
const LAST: i64 = 253_402_300_799_999;

/// The time in an ISO 8601 text such as Flue's `timestamp`, in UTC; `None` if it is not one.
pub fn parse(text: &str) -> Option<i64> {
  let time = humantime::parse_rfc3339(text).ok()?;
  i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}

/// The time of a number of milliseconds since the epoch; `None` if it is negative or after the year 9999.
pub fn valid(millis: f64) -> Option<i64> {
  (0.0..=LAST as f64).contains(&millis).then_some(millis as i64)
}

#[cfg(test)]
mod tests {
  use super::*;

  #[test]
  fn a_timestamp_is_read_to_the_millisecond() {
    assert_eq!(parse("2026-11-23T07:02:44.633Z"), Some(1_795_417_364_633));
    assert_eq!(parse("2026-11-23T07:02:44Z"), Some(1_795_417_364_000));
    assert_eq!(parse("9999-12-31T23:59:59.999Z"), Some(LAST));
  }

  #[test]
  fn garbage_is_not_a_time() {
    assert_eq!(parse("yesterday"), None);
    assert_eq!(parse(""), None);
    assert_eq!(valid(9e99), None);
    assert_eq!(valid(f64::NAN), None);
    assert_eq!(valid(1_795_417_364_633.0), Some(1_795_417_364_633));
  }
}
