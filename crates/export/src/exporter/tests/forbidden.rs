//! Uploads that are answered with 403: for the key, or for what one row contains.

use super::*;

/// Responds as Braintrust does behind a firewall that refuses uploads with a certain text.
fn firewall(path: &str, body: &str) -> Response {
  if body.contains("run_bad") { status(403, None) } else { braintrust(path, 0) }
}

/// Records a run every ten seconds, the first of which is bad.
fn record(host: &mut Host, minutes: u64, respond: &dyn Fn(&str, &str) -> Response) {
  host.run("run_bad");
  for n in 0..minutes * 6 {
    host.run(&format!("run_{n}"));
    host.pass_by_body(10 * SECOND, respond);
  }
}

#[test]
fn a_row_that_a_firewall_refuses_keeps_no_other_one() {
  let mut host = Host::new(json!({}));
  record(&mut host, 20, &firewall);
  let stats = host.stats();
  assert_eq!((stats.sent, stats.pending), (120, 0), "{stats:?}");
  assert_eq!(stats.lost["rejected"], 1, "{stats:?}");
}

#[test]
fn a_key_that_may_log_in_and_not_write_is_used_once_a_minute_and_loses_nothing() {
  let mut host = Host::new(json!({}));
  record(&mut host, 20, &|path, _| match path {
    "/logs3" => status(403, None),
    path => braintrust(path, 0),
  });
  let stats = host.stats();
  assert_eq!((stats.sent, stats.pending), (0, 121), "{stats:?}");
  assert!(host.uploads.len() <= 20 * 8, "{}", host.uploads.len());
}

#[test]
fn a_key_that_loses_its_permission_meanwhile_loses_nothing() {
  let mut host = Host::new(json!({}));
  record(&mut host, 1, &|path, _| braintrust(path, 0));
  record(&mut host, 20, &|path, _| match path {
    "/logs3" => status(403, None),
    path => braintrust(path, 0),
  });
  assert!(host.stats().lost.is_empty(), "{:?}", host.stats());
  host.pass(120 * SECOND, &braintrust);
  let stats = host.stats();
  assert_eq!((stats.pending, stats.lost.len()), (0, 0), "{stats:?}");
}
