//! Classifies responses.
//!
//! Braintrust answers `POST /logs3` with a JSON object or a list; its own package repeats a request whose answer is not
//! JSON. A page of a login, a captive portal or another server is therefore no acknowledgement, whatever its status.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::transport::{Response, TransportError};

/// The remedy when the server is not Braintrust.
const WRONG_ADDRESS: &str = "check BRAINTRUST_APP_URL and BRAINTRUST_API_URL";
/// The remedy when the server refuses the key.
const WRONG_KEY: &str = "check BRAINTRUST_API_KEY";
/// The remedy when a proxy refuses its credentials.
const WRONG_PROXY: &str = "check the credentials in HTTPS_PROXY or HTTP_PROXY";
/// The remedy when the organisation has to pay.
const NO_QUOTA: &str = "check the plan of the organisation";

/// The longest delay of a `Retry-After`; longer ones are shortened to it.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);

/// The outcome of one export request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportOutcome {
  /// The server acknowledged the rows.
  Delivered,
  /// The status is a success, but the body is not Braintrust's: whether the rows are stored is unknown.
  Unconfirmed,
  /// A later attempt may succeed, after this delay at least.
  Retry(Duration),
  /// The body is too large; its halves may be accepted.
  Split,
  /// The credentials or the address are refused.
  Unauthorized,
  /// The rows are rejected permanently.
  Rejected,
}

/// Classifies the response of an upload: a success needs the body of an acknowledgement. `unix_ms` as for [`classify`].
pub fn classify_upload(result: &Result<Response, TransportError>, unix_ms: i64) -> ExportOutcome {
  match (classify(result, unix_ms), result) {
    (ExportOutcome::Delivered, Ok(response))
      if !response.text().is_some_and(is_acknowledgement) =>
    {
      ExportOutcome::Unconfirmed
    }
    (ExportOutcome::Rejected, Ok(response)) if is_of_router(response.status) => {
      ExportOutcome::Retry(stated_delay(response, unix_ms))
    }
    (outcome, _) => outcome,
  }
}

/// Whether the status states that there is no such address or method. Braintrust has both: this is a router's response
/// while the server behind it restarts, or that of another server.
pub(crate) fn is_of_router(status: u16) -> bool {
  matches!(status, 404 | 405 | 410 | 421 | 501)
}

/// Whether the status is that of a redirect, a proxy or a router: it states nothing about what was sent.
pub(crate) fn is_of_intermediary(status: u16) -> bool {
  is_of_router(status) || matches!(status, 300..=399 | 407)
}

/// Whether a body acknowledges an upload: a JSON list, or an object that states no error.
fn is_acknowledgement(text: &str) -> bool {
  #[derive(Deserialize)]
  struct Acknowledgement<'a> {
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
  }
  match text.trim_ascii_start().as_bytes().first() {
    Some(b'{') => serde_json::from_str::<Acknowledgement<'_>>(text)
      .is_ok_and(|object| object.error.is_none_or(|error| error.get() == "null")),
    Some(b'[') => serde_json::from_str::<&RawValue>(text).is_ok(),
    _ => false,
  }
}

/// The message for a success status whose body is not Braintrust's.
pub(crate) fn not_confirmed(response: &Response) -> String {
  let (status, body) = (response.describe(), response.describe_body());
  format!("{status} with {body}: the response is not from Braintrust ({WRONG_ADDRESS})")
}

/// The status of a response to an upload, and the remedy if the cause is certain. That of 403 is not: firewalls send
/// it, too.
pub(crate) fn describe_upload(response: &Response) -> String {
  let has_remedy =
    matches!(response.status, 300..=399 | 401 | 402) || is_of_router(response.status);
  if has_remedy { describe_refusal(response) } else { response.describe() }
}

/// The status of a response that refuses, and the remedy.
pub(crate) fn describe_refusal(response: &Response) -> String {
  let remedy = match response.status {
    401 | 403 => WRONG_KEY,
    402 => NO_QUOTA,
    407 => WRONG_PROXY,
    // Login and registration exist on every Braintrust: this is another server.
    _ => WRONG_ADDRESS,
  };
  format!("{} ({remedy})", response.describe())
}

/// Whether one row of the body may be the cause of the failure. If it is, each request with that row fails.
pub fn may_be_caused_by_a_row(result: &Result<Response, TransportError>) -> bool {
  match result {
    Ok(response) => {
      let is_suspect = is_of_router(response.status) || matches!(response.status, 500 | 502 | 504);
      is_suspect && response.retry_after.is_none()
    }
    // With a gateway before it, the same server gives a 502.
    Err(error) => matches!(error, TransportError::Broken(_)),
  }
}

/// Classifies a response by its status. `unix_ms` is the wall clock, for `Retry-After` dates.
pub fn classify(result: &Result<Response, TransportError>, unix_ms: i64) -> ExportOutcome {
  match result {
    Err(TransportError::Failed(_) | TransportError::Broken(_)) => {
      ExportOutcome::Retry(Duration::ZERO)
    }
    Err(TransportError::Proxy(_)) => ExportOutcome::Unauthorized,
    Ok(response) => match response.status {
      200..=299 => ExportOutcome::Delivered,
      // Outside of 200 to 499 nothing is stated about the rows.
      408 | 425 | 429 | 500 | 502.. | ..200 => {
        ExportOutcome::Retry(stated_delay(response, unix_ms))
      }
      413 => ExportOutcome::Split,
      // Redirects are not followed: the other server must not receive the key or the rows. 407 is a proxy's.
      300..=399 | 401..=403 | 407 => ExportOutcome::Unauthorized,
      _ => ExportOutcome::Rejected,
    },
  }
}

/// The delay that a response asks for.
fn stated_delay(response: &Response, unix_ms: i64) -> Duration {
  let value = response.retry_after.as_deref();
  value.and_then(|value| retry_after(value, unix_ms)).unwrap_or_default()
}

/// Reads a `Retry-After` header: seconds, of which some servers state fractions, or an HTTP date. `None` if it is
/// neither.
fn retry_after(value: &str, unix_ms: i64) -> Option<Duration> {
  let value = value.trim();
  let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
  let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
  let wait = if !whole.is_empty() && is_number(whole) && is_number(fraction) {
    // A number that overflows is the longest delay.
    let whole = whole.parse().map_or(MAX_RETRY_AFTER, Duration::from_secs);
    whole.saturating_add(Duration::from_secs(u64::from(!fraction.is_empty())))
  } else {
    let at = httpdate::parse_http_date(value).ok()?;
    let now = Duration::from_millis(u64::try_from(unix_ms).ok()?);
    at.duration_since(std::time::UNIX_EPOCH + now).unwrap_or_default()
  };
  Some(wait.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
  use proptest::prelude::*;

  use super::*;

  fn outcome(status: u16, retry_after: Option<&str>) -> ExportOutcome {
    let response =
      Response { status, retry_after: retry_after.map(str::to_owned), ..Response::default() };
    classify(&Ok(response), 1_795_417_364_000)
  }

  #[test]
  fn every_2xx_status_means_delivered() {
    assert_eq!(outcome(200, None), ExportOutcome::Delivered);
    assert_eq!(outcome(204, None), ExportOutcome::Delivered);
  }

  fn upload(body: &'static str) -> ExportOutcome {
    let response = Response { status: 200, body: body.into(), ..Response::default() };
    classify_upload(&Ok(response), 0)
  }

  #[test]
  fn an_upload_is_delivered_when_the_answer_is_a_json_object_or_list() {
    let marked = "\u{feff}{\"ok\":true}";
    for body in
      ["{}", marked, r#"{"ok":true}"#, r#"["a","b"]"#, " \n[]", r#"{"error":null,"ids":[]}"#]
    {
      assert_eq!(upload(body), ExportOutcome::Delivered, "{body}");
    }
    for body in ["", " ", "<html>", "OK", "true", "1", "{", "[1", "{}<", r#"{"error":"moved"}"#] {
      assert_eq!(upload(body), ExportOutcome::Unconfirmed, "{body}");
    }
    let refused = Response { status: 400, body: "{}".into(), ..Response::default() };
    assert_eq!(classify_upload(&Ok(refused), 0), ExportOutcome::Rejected);
  }

  #[test]
  fn a_body_is_described_by_its_media_type_and_by_nothing_else_of_the_server() {
    let describe = |content_type: Option<&str>, body: &'static str| {
      let content_type = content_type.map(str::to_owned);
      let response = Response { content_type, body: body.into(), ..Response::default() };
      response.describe_body().to_owned()
    };
    assert_eq!(describe(Some("text/html; charset=utf-8"), "<"), "text/html");
    assert_eq!(describe(Some("text/html"), ""), "an empty body");
    for odd in [None, Some("sk key \u{7}"), Some("<b>")] {
      assert_eq!(describe(odd, "x"), "a body of an unknown type");
    }
  }

  #[test]
  fn the_remedy_is_stated_where_the_cause_is_certain() {
    let remedy = |status| {
      let described = describe_upload(&Response { status, ..Response::default() });
      described.split_once(" (").map(|(_, remedy)| remedy.trim_end_matches(')').to_owned())
    };
    for (status, expected) in [(401, WRONG_KEY), (402, NO_QUOTA), (404, WRONG_ADDRESS)] {
      assert_eq!(remedy(status).as_deref(), Some(expected), "{status}");
    }
    // A plain address of a server that is reached by HTTPS, for example.
    assert_eq!([301, 308].map(remedy), [Some(WRONG_ADDRESS.into()), Some(WRONG_ADDRESS.into())]);
    assert_eq!([403, 400, 500].map(remedy), [None, None, None]);
  }

  #[test]
  fn temporary_errors_are_retried() {
    for status in [101, 408, 425, 429, 500, 502, 503, 504, 529, 600, 999] {
      assert_eq!(outcome(status, None), ExportOutcome::Retry(Duration::ZERO), "{status}");
    }
    assert_eq!(
      classify(&Err(TransportError::Failed("reset".into())), 0),
      ExportOutcome::Retry(Duration::ZERO)
    );
  }

  #[test]
  fn retry_after_is_read_as_seconds_or_as_a_date() {
    assert_eq!(outcome(429, Some("7")), ExportOutcome::Retry(Duration::from_secs(7)));
    assert_eq!(outcome(429, Some("7.25")), ExportOutcome::Retry(Duration::from_secs(8)));
    assert_eq!(outcome(429, Some("7.x")), ExportOutcome::Retry(Duration::ZERO));
    let date = "Mon, 23 Nov 2026 07:02:54 GMT";
    assert_eq!(outcome(503, Some(date)), ExportOutcome::Retry(Duration::from_secs(10)));
    let past = "Sun, 22 Nov 2026 07:02:54 GMT";
    assert_eq!(outcome(503, Some(past)), ExportOutcome::Retry(Duration::ZERO));
    assert_eq!(outcome(503, Some("soon")), ExportOutcome::Retry(Duration::ZERO));
    assert_eq!(outcome(503, Some("999999999")), ExportOutcome::Retry(MAX_RETRY_AFTER));
    assert_eq!(outcome(503, Some(&"9".repeat(40))), ExportOutcome::Retry(MAX_RETRY_AFTER));
    assert_eq!(outcome(503, Some("-7")), ExportOutcome::Retry(Duration::ZERO));
    let nines = "Fri, 31 Dec 9999 23:59:59 GMT";
    assert_eq!(outcome(503, Some(nines)), ExportOutcome::Retry(MAX_RETRY_AFTER));
    // `Retry-After` is ignored for delivered and rejected rows.
    assert_eq!(outcome(200, Some("7")), ExportOutcome::Delivered);
    assert_eq!(outcome(400, Some("7")), ExportOutcome::Rejected);
  }

  proptest! {
    #[test]
    fn any_retry_after_header_is_read_and_bounded(header: String, now: i64) {
      let wait = retry_after(&header, now);
      prop_assert!(wait.is_none_or(|wait| wait <= MAX_RETRY_AFTER));
    }

    #[test]
    fn more_seconds_are_never_a_shorter_delay(digits in "[0-9]{1,30}", more in "[0-9]{1,30}") {
      let value = |digits: &str| digits.trim_start_matches('0').to_owned();
      let (one, other) = (value(&digits), value(&more));
      let ordered = (one.len(), one) <= (other.len(), other);
      let (less, more) = if ordered { (digits, more) } else { (more, digits) };
      prop_assert!(retry_after(&less, 0) <= retry_after(&more, 0));
    }

    #[test]
    fn a_date_is_a_delay_until_that_time(now in 0..4_000_000_000i64, wait in 0..10_000u64) {
      let at = std::time::UNIX_EPOCH + Duration::from_secs(now.unsigned_abs() + wait);
      let read = retry_after(&httpdate::fmt_http_date(at), now * 1000);
      prop_assert_eq!(read, Some(Duration::from_secs(wait).min(MAX_RETRY_AFTER)));
    }

    #[test]
    fn every_status_has_an_outcome_and_only_2xx_means_delivered(status in 100..1000u16) {
      prop_assert_eq!(outcome(status, None) == ExportOutcome::Delivered, (200..300).contains(&status));
    }
  }

  #[test]
  fn permanent_errors_are_not_retried() {
    assert_eq!(outcome(400, None), ExportOutcome::Rejected);
    assert_eq!(outcome(404, None), ExportOutcome::Rejected);
    assert_eq!(outcome(501, None), ExportOutcome::Rejected);
    assert_eq!(outcome(401, None), ExportOutcome::Unauthorized);
    assert_eq!(outcome(402, None), ExportOutcome::Unauthorized);
    assert_eq!(outcome(403, None), ExportOutcome::Unauthorized);
    assert_eq!(outcome(407, None), ExportOutcome::Unauthorized);
    let refused = Err(TransportError::Proxy("407".into()));
    assert_eq!(classify(&refused, 0), ExportOutcome::Unauthorized);
    for redirect in [301, 302, 307, 308] {
      assert_eq!(outcome(redirect, None), ExportOutcome::Unauthorized, "{redirect}");
    }
    assert_eq!(outcome(413, None), ExportOutcome::Split);
  }
}
