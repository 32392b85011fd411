//! Servers that respond late: nothing is sent twice in vain, and no response is given up that would have come.

use std::collections::BTreeMap;

use super::*;
use crate::transport::RequestId;

/// Lets time pass while a server responds to each request after `delay`, unless it is cancelled before. The time and
/// the path of each request.
fn run_slowly(
  host: &mut Host,
  time: Duration,
  delay: &dyn Fn(&str) -> Duration,
) -> Vec<(u128, String)> {
  run_by(host, time, &|path, now| now + delay(path))
}

/// The same while a server responds to a request of some time at the time that `respond_at` states.
fn run_by(
  host: &mut Host,
  time: Duration,
  respond_at: &dyn Fn(&str, Duration) -> Duration,
) -> Vec<(u128, String)> {
  let end = host.elapsed + time;
  let mut sent = Vec::new();
  let mut open: BTreeMap<RequestId, (Duration, String)> = BTreeMap::new();
  loop {
    host.exporter.handle_timeout(host.now());
    while let Some(cancelled) = host.exporter.poll_cancelled() {
      open.remove(&cancelled);
    }
    while let Some(Request { id, call, .. }) = host.exporter.poll_request() {
      let path = call.url.split_once("127.0.0.1:9").unwrap().1.to_owned();
      sent.push((host.elapsed.as_millis(), path.clone()));
      let due = respond_at(&path, host.elapsed).min(host.elapsed + call.timeout);
      open.insert(id, (due, path));
    }
    while let Some(output) = host.exporter.poll_output() {
      if let Output::Completed { ticket, complete } = output {
        host.completed.push((ticket, complete));
      }
    }
    let response = open.iter().map(|(id, (due, _))| (*due, *id)).min();
    let timeout = host.exporter.poll_timeout(host.now());
    let next = response.map(|(due, _)| due).into_iter().chain(timeout).min();
    let Some(next) = next.filter(|next| *next <= end) else { break };
    host.elapsed = host.elapsed.max(next);
    if let Some((due, id)) = response
      && due <= host.elapsed
      && let Some((_, path)) = open.remove(&id)
    {
      host.exporter.handle_response(id, Ok(braintrust(&path, 0)), host.now());
    }
  }
  sent
}

fn millis(ms: u64) -> Duration {
  Duration::from_millis(ms)
}

#[test]
fn a_server_that_responds_before_the_process_must_end_gets_the_rows() {
  for slow in ["/api/apikey/login", "/api/project/register", "/logs3"] {
    for delay in (1_000..1_900).step_by(100) {
      let mut host = Host::new(json!({}));
      host.run("run_1");
      let ticket = host.exporter.deliver_before_exit(2 * SECOND, true, host.now());
      run_slowly(&mut host, 2 * SECOND, &|path| {
        if path == slow { millis(delay) } else { millis(1) }
      });
      assert_eq!(host.completed, [(ticket, true)], "{slow} after {delay} ms");
      assert_eq!((host.stats().sent, host.stats().lost.len()), (1, 0));
    }
  }
}

#[test]
fn a_response_within_the_timeout_of_a_flush_counts_however_late_it_is() {
  for delay in [2_500, 4_500, 7_500, 9_000] {
    let mut host = Host::new(json!({}));
    host.run("run_1");
    let ticket = host.exporter.flush(10 * SECOND, host.now());
    run_slowly(&mut host, 10 * SECOND, &|path| {
      if path.ends_with("/login") { millis(delay) } else { millis(1) }
    });
    assert_eq!(host.completed, [(ticket, true)], "after {delay} ms");
  }
}

/// As many rows as eight requests carry, all that are in flight at once.
fn fill(host: &mut Host) {
  (0..800).for_each(|run| host.run(&format!("run_{run}")));
}

#[test]
fn a_server_that_responds_to_one_request_after_another_is_waited_for() {
  for delay in [1_500, 3_000] {
    let mut host = Host::new(json!({}));
    fill(&mut host);
    // It works on cancelled requests, too.
    let free_at = Cell::new(Duration::ZERO);
    let sent = run_by(&mut host, millis(delay) * 11, &|path, now| {
      if path == "/logs3" {
        free_at.set(now.max(free_at.get()) + millis(delay));
        free_at.get()
      } else {
        now + millis(1)
      }
    });
    let uploads = sent.iter().filter(|(_, path)| path == "/logs3").count();
    assert!(uploads <= 10, "{uploads} uploads, {delay} ms each");
    assert_eq!((host.stats().sent, host.stats().pending), (800, 0), "{delay} ms each");
  }
}

#[test]
fn uploads_on_connections_that_are_dropped_without_a_word_are_repeated_one_after_another() {
  let mut host = Host::new(json!({}));
  fill(&mut host);
  let uploads = Cell::new(0);
  let sent = run_by(&mut host, 5 * SECOND, &|path, now| {
    uploads.set(uploads.get() + u32::from(path == "/logs3"));
    now + if path == "/logs3" && uploads.get() <= 8 { 600 * SECOND } else { millis(20) }
  });
  assert_eq!((host.stats().sent, uploads.get()), (800, 16), "{sent:?}");
}

#[test]
fn a_limit_that_is_not_stated_soon_is_asked_for_once() {
  let mut host = Host::new(json!({}));
  host.run("run_1");
  host.exporter.deliver_before_exit(2 * SECOND, true, host.now());
  let sent = run_slowly(&mut host, 2 * SECOND, &|path| {
    if path == "/version" { millis(60_000) } else { millis(1) }
  });
  let limits = sent.iter().filter(|(_, path)| path == "/version");
  assert_eq!(limits.count(), 1, "{sent:?}");
  let rows = sent.iter().find(|(_, path)| path == "/logs3").unwrap();
  assert!(rows.0 <= 510, "{sent:?}");
}

#[test]
fn a_server_that_never_responds_is_reported_long_before_a_request_times_out() {
  let mut host = Host::new(json!({}));
  host.run("run_1");
  run_slowly(&mut host, 20 * SECOND, &|_| millis(600_000));
  let messages = host.account.diagnostics.take();
  assert_eq!(messages.len(), 1);
  assert!(messages[0].to_string().contains("has not responded for"), "{}", messages[0]);
  assert!(host.stats().last_error.is_some());
}

#[test]
fn an_end_that_waits_for_a_response_in_vain_states_for_which_and_how_long() {
  let mut host = Host::new(json!({}));
  host.run("run_1");
  let delivery = host.exporter.deliver_before_exit(2 * SECOND, false, host.now());
  run_slowly(&mut host, 2 * SECOND, &|_| 60 * SECOND);
  assert_eq!(host.completed, [(delivery, false)]);
  let why = "http://127.0.0.1:9/api/apikey/login has not responded for 2.0 s";
  assert_eq!(host.account.counters.stats().last_error.as_deref(), Some(why));
  let line = host.account.diagnostics.take().pop().unwrap().message;
  assert_eq!(line, format!("1 row is lost (1 not_delivered_at_exit); last error: {why}."));
}

#[test]
fn an_end_with_a_known_error_or_without_a_loss_states_nothing_else() {
  let mut host = Host::new(json!({}));
  host.run("run_1");
  host.pass(SECOND / 4, &|_, _| status(503, None));
  host.exporter.shutdown(host.elapsed + 2 * SECOND, host.now());
  run_slowly(&mut host, 3 * SECOND, &|_| 60 * SECOND);
  let error = host.account.counters.stats().last_error.unwrap();
  assert!(error.contains("503"), "{error}");

  let mut host = Host::new(json!({}));
  host.run("run_1");
  host.exporter.shutdown(9 * SECOND, host.now());
  run_slowly(&mut host, 9 * SECOND, &|path| if path == "/version" { SECOND } else { SECOND / 100 });
  assert_eq!(host.account.counters.stats().last_error, None);
}
