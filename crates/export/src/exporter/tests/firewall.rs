//! Uploads that are refused for what one row contains, by 403 or by an end of the connection.

use super::*;

type Responded = Result<Response, TransportError>;

/// Responds as Braintrust does behind a firewall that refuses uploads with a certain text.
fn firewall(path: &str, body: &str, refusal: Responded) -> Responded {
  if body.contains("run_bad") { refusal } else { Ok(braintrust(path, 0)) }
}

fn broken() -> Responded {
  Err(TransportError::Broken("the connection broke".to_owned()))
}

/// Records a run every ten seconds, the first of which is bad.
fn record(host: &mut Host, minutes: u64, respond: ByBody<'_>) {
  host.run("run_bad");
  for n in 0..minutes * 6 {
    host.run(&format!("run_{n}"));
    host.pass_by_body(10 * SECOND, respond);
  }
}

#[test]
fn a_row_that_a_firewall_refuses_keeps_no_other_one() {
  for refusal in [Ok(status(403, None)), broken()] {
    let mut host = Host::new(json!({}));
    record(&mut host, 20, &|path, body| firewall(path, body, refusal.clone()));
    let stats = host.stats();
    assert_eq!((stats.sent, stats.pending), (120, 0), "{stats:?}");
    assert_eq!(stats.lost["rejected"], 1, "{stats:?}");
  }
}

#[test]
fn a_gateway_that_cuts_large_requests_off_gets_smaller_ones() {
  let mut host = Host::new(json!({}));
  for n in 0..100 {
    host.run(&format!("run_{n}"));
  }
  host.pass_by_body(600 * SECOND, &|path, body| {
    if body.len() > 5_000 { broken() } else { Ok(braintrust(path, 0)) }
  });
  let stats = host.stats();
  assert_eq!((stats.sent, stats.pending, stats.lost.len()), (100, 0, 0), "{stats:?}");
}

#[test]
fn connections_that_break_for_an_hour_lose_nothing() {
  let mut host = Host::new(json!({}));
  record(&mut host, 2, &|path, _| Ok(braintrust(path, 0)));
  record(&mut host, 60, &|_, _| broken());
  assert!(host.stats().lost.is_empty(), "{:?}", host.stats());
  host.pass(600 * SECOND, &braintrust);
  let stats = host.stats();
  assert_eq!((stats.pending, stats.lost.len()), (0, 0), "{stats:?}");
}

#[test]
fn a_key_that_may_log_in_and_not_write_is_used_once_a_minute_and_loses_nothing() {
  let mut host = Host::new(json!({}));
  record(&mut host, 20, &|path, _| match path {
    "/logs3" => Ok(status(403, None)),
    path => Ok(braintrust(path, 0)),
  });
  let stats = host.stats();
  assert_eq!((stats.sent, stats.pending), (0, 121), "{stats:?}");
  assert!(host.uploads.len() <= 20 * 8, "{}", host.uploads.len());
}

#[test]
fn a_key_that_loses_its_permission_meanwhile_loses_nothing() {
  let mut host = Host::new(json!({}));
  record(&mut host, 1, &|path, _| Ok(braintrust(path, 0)));
  record(&mut host, 20, &|path, _| match path {
    "/logs3" => Ok(status(403, None)),
    path => Ok(braintrust(path, 0)),
  });
  assert!(host.stats().lost.is_empty(), "{:?}", host.stats());
  host.pass(120 * SECOND, &braintrust);
  let stats = host.stats();
  assert_eq!((stats.pending, stats.lost.len()), (0, 0), "{stats:?}");
}
