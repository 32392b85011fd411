//! What an answer means for the payload that was sent. Pure.

use std::time::Duration;

use crate::response::{Answer, TransportError};

/// Nobody is made to wait longer than this by a `Retry-After`: it may be a mistake.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// What becomes of a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
  /// It arrived.
  Delivered,
  /// It may arrive if it is sent again, after this time at least.
  Later(Duration),
  /// It is too large; its halves may arrive.
  Split,
  /// Nothing will arrive with these credentials, or at this address.
  Suspended,
  /// It will never arrive.
  Rejected,
}

/// Judges what came back. `now` is the time in milliseconds since the epoch, for `Retry-After` dates.
pub fn classify(result: &Result<Answer, TransportError>, now: i64) -> Verdict {
  match result {
    Err(_) => Verdict::Later(Duration::ZERO),
    Ok(answer) => match answer.status {
      // Any success is one, whatever the body says.
      200..=299 => Verdict::Delivered,
      408 | 429 | 500 | 502..=599 => Verdict::Later(
        answer.retry_after.as_deref().and_then(|value| retry_after(value, now)).unwrap_or_default(),
      ),
      413 => Verdict::Split,
      // A redirect leads to another server, which gets neither the key nor the rows; 407 is a proxy that
      // wants credentials of its own.
      300..=399 | 401 | 403 | 407 => Verdict::Suspended,
      _ => Verdict::Rejected,
    },
  }
}

/// Reads a `Retry-After` header: whole seconds, or an HTTP date. `None` if it is neither.
fn retry_after(value: &str, now: i64) -> Option<Duration> {
  let value = value.trim();
  let wait = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
    // More seconds than can be counted are many.
    value.parse().map_or(LONGEST_WAIT, Duration::from_secs)
  } else {
    let at = httpdate::parse_http_date(value).ok()?;
    let now = Duration::from_millis(u64::try_from(now).ok()?);
    at.duration_since(std::time::UNIX_EPOCH + now).unwrap_or_default()
  };
  Some(wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
  use proptest::prelude::*;

  use super::*;

  fn judge(status: u16, retry_after: Option<&str>) -> Verdict {
    let answer =
      Answer { status, retry_after: retry_after.map(str::to_owned), body: Default::default() };
    classify(&Ok(answer), 1_795_417_364_000)
  }

  #[test]
  fn any_success_is_one() {
    assert_eq!(judge(200, None), Verdict::Delivered);
    assert_eq!(judge(204, None), Verdict::Delivered);
  }

  #[test]
  fn what_may_pass_is_tried_again() {
    for status in [408, 429, 500, 502, 503, 504, 529] {
      assert_eq!(judge(status, None), Verdict::Later(Duration::ZERO), "{status}");
    }
    assert_eq!(classify(&Err(TransportError("reset".into())), 0), Verdict::Later(Duration::ZERO));
  }

  #[test]
  fn the_server_may_say_when_in_seconds_or_as_a_date() {
    assert_eq!(judge(429, Some("7")), Verdict::Later(Duration::from_secs(7)));
    let date = "Mon, 23 Nov 2026 07:02:54 GMT";
    assert_eq!(judge(503, Some(date)), Verdict::Later(Duration::from_secs(10)));
    let past = "Sun, 22 Nov 2026 07:02:54 GMT";
    assert_eq!(judge(503, Some(past)), Verdict::Later(Duration::ZERO));
    assert_eq!(judge(503, Some("soon")), Verdict::Later(Duration::ZERO));
    assert_eq!(judge(503, Some("999999999")), Verdict::Later(LONGEST_WAIT));
    assert_eq!(judge(503, Some(&"9".repeat(40))), Verdict::Later(LONGEST_WAIT));
    assert_eq!(judge(503, Some("-7")), Verdict::Later(Duration::ZERO));
    let nines = "Fri, 31 Dec 9999 23:59:59 GMT";
    assert_eq!(judge(503, Some(nines)), Verdict::Later(LONGEST_WAIT));
    // What Braintrust has taken, or will never take, is not sent again whatever else it says.
    assert_eq!(judge(200, Some("7")), Verdict::Delivered);
    assert_eq!(judge(400, Some("7")), Verdict::Rejected);
  }

  proptest! {
    #[test]
    fn no_header_is_too_odd_and_none_makes_wait_too_long(header: String, now: i64) {
      let wait = retry_after(&header, now);
      prop_assert!(wait.is_none_or(|wait| wait <= LONGEST_WAIT));
    }

    #[test]
    fn more_seconds_are_never_a_shorter_wait(digits in "[0-9]{1,30}", more in "[0-9]{1,30}") {
      let value = |digits: &str| digits.trim_start_matches('0').to_owned();
      let (one, other) = (value(&digits), value(&more));
      let ordered = (one.len(), one) <= (other.len(), other);
      let (less, more) = if ordered { (digits, more) } else { (more, digits) };
      prop_assert!(retry_after(&less, 0) <= retry_after(&more, 0));
    }

    #[test]
    fn a_date_is_a_wait_until_then(now in 0..4_000_000_000i64, wait in 0..10_000u64) {
      let at = std::time::UNIX_EPOCH + Duration::from_secs(now.unsigned_abs() + wait);
      let read = retry_after(&httpdate::fmt_http_date(at), now * 1000);
      prop_assert_eq!(read, Some(Duration::from_secs(wait).min(LONGEST_WAIT)));
    }

    #[test]
    fn every_status_has_a_meaning_and_only_success_delivers(status in 100..1000u16) {
      prop_assert_eq!(judge(status, None) == Verdict::Delivered, (200..300).contains(&status));
    }
  }

  #[test]
  fn what_never_passes_is_not_tried_again() {
    assert_eq!(judge(400, None), Verdict::Rejected);
    assert_eq!(judge(404, None), Verdict::Rejected);
    assert_eq!(judge(501, None), Verdict::Rejected);
    assert_eq!(judge(401, None), Verdict::Suspended);
    assert_eq!(judge(403, None), Verdict::Suspended);
    assert_eq!(judge(407, None), Verdict::Suspended);
    for redirect in [301, 302, 307, 308] {
      assert_eq!(judge(redirect, None), Verdict::Suspended, "{redirect}");
    }
    assert_eq!(judge(413, None), Verdict::Split);
  }
}
