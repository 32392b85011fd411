//! How time is written. Milliseconds since the epoch everywhere. Pure.

use jiff::Timestamp;

/// The time in an ISO 8601 text such as Flue's `timestamp`; `None` when it is not one.
pub fn parse(text: &str) -> Option<i64> {
  text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

/// The time that a number of milliseconds since the epoch is; `None` when there is no such time.
pub fn valid(millis: f64) -> Option<i64> {
  Timestamp::from_millisecond(millis as i64).ok().map(Timestamp::as_millisecond)
}

/// The time as ISO 8601 in UTC with milliseconds, as Braintrust's `created`.
pub fn iso(millis: i64) -> String {
  // Times beyond year 9999 have no such form; they can only come from garbage.
  let time = Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH);
  format!("{time:.3}")
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
    assert_eq!(seconds(time), 1_795_417_364.633);
  }

  #[test]
  fn garbage_is_no_time() {
    assert_eq!(parse("yesterday"), None);
    assert_eq!(parse(""), None);
    assert_eq!(valid(9e99), None);
    assert_eq!(valid(1_795_417_364_633.0), Some(1_795_417_364_633));
  }
}
