//! Rows that are larger than a request may be, while overflow uploads fail.

use super::*;

/// Responds to an overflow upload that fails, by its path and body; `None`: as Braintrust does.
type Fails<'a> = &'a dyn Fn(&str, &str) -> Option<Response>;

/// Lets time pass, from one timeout to the next. Braintrust refuses large requests.
fn pass(host: &mut Host, time: Duration, fails: Fails<'_>) {
  let end = host.elapsed + time;
  loop {
    host.exporter.handle_timeout(host.now());
    if let Some(Request { id, call, .. }) = host.exporter.poll_request() {
      let path = call.url.split_once("127.0.0.1:9").unwrap().1.to_owned();
      let Body::Bytes(body) = &call.body else { panic!("a form") };
      let response = fails(&path, std::str::from_utf8(body).unwrap()).unwrap_or_else(|| {
        let is_large = path == "/logs3" && body.len() > 100_000;
        if is_large { status(413, None) } else { works(&path) }
      });
      host.exporter.handle_response(id, Ok(response), host.now());
      continue;
    }
    match host.exporter.poll_timeout(host.now()).filter(|due| *due <= end) {
      Some(due) => host.elapsed = host.elapsed.max(due),
      None => break,
    }
  }
  host.elapsed = end;
}

fn works(path: &str) -> Response {
  let target = json!({ "method": "PUT", "key": "k", "signedUrl": "http://127.0.0.1:9/bucket/k" });
  match path {
    "/logs3/overflow" => {
      Response { status: 200, body: target.to_string().into(), ..Response::default() }
    }
    _ => braintrust(path, 0),
  }
}

fn page() -> Response {
  Response { status: 200, body: "<html>".into(), ..Response::default() }
}

fn large_run(host: &mut Host) {
  let event =
    json!({ "v": 3, "type": "run_start", "runId": "large", "input": "x".repeat(200_000) });
  host.exporter.handle_event(&event.to_string(), Priority::Start, host.now()).unwrap();
}

#[test]
fn a_row_is_cut_when_its_overflow_upload_fails_while_others_arrive_without_delay() {
  let announcements: [fn() -> Response; 6] = [
    || status(404, None),
    || status(500, None),
    || status(503, None),
    || status(429, Some("20")),
    || status(408, None),
    page,
  ];
  for fails in announcements {
    let fails = |path: &str, _: &str| (path == "/logs3/overflow").then(fails);
    let mut host = Host::new(json!({}));
    large_run(&mut host);
    for second in 0..120 {
      host.run(&format!("run_{second}"));
      pass(&mut host, SECOND, &fails);
      assert!(host.stats().pending <= 1, "{second} s: {:?}", host.stats());
    }
    let stats = host.stats();
    assert_eq!((stats.cut, stats.sent, stats.pending), (1, 121, 0), "{stats:?}");
    let attempts = stats.requests - 121;
    assert!((3..=5).contains(&attempts), "{attempts} attempts and one with the whole row");
  }
}

#[test]
fn a_row_that_is_alone_is_cut_when_there_is_no_endpoint_for_announcements() {
  for code in [404, 405, 501] {
    let fails = |path: &str, _: &str| (path == "/logs3/overflow").then(|| status(code, None));
    let mut host = Host::new(json!({}));
    large_run(&mut host);
    pass(&mut host, 60 * SECOND, &fails);
    let stats = host.stats();
    assert_eq!((stats.cut, stats.sent, stats.pending), (1, 1, 0), "{code}: {stats:?}");
  }
}

#[test]
fn a_row_that_is_alone_is_not_cut_while_braintrust_stores_no_rows() {
  let stores_nothing = |path: &str, _: &str| path.starts_with("/logs3").then(|| status(503, None));
  let has_no_endpoint =
    |path: &str, _: &str| (path == "/logs3/overflow").then(|| status(404, None));
  let is_gone = |_: &str, _: &str| Some(status(503, None));
  let outages: [&[Fails<'_>]; 2] = [&[&stores_nothing], &[&has_no_endpoint, &is_gone]];
  for outage in outages {
    let mut host = Host::new(json!({}));
    large_run(&mut host);
    for fails in outage {
      pass(&mut host, SECOND / 2, fails);
    }
    pass(&mut host, 60 * SECOND, outage.last().unwrap());
    assert_eq!(host.stats().pending, 1);
    pass(&mut host, 60 * SECOND, &|_, _| None);
    let stats = host.stats();
    assert_eq!((stats.cut, stats.sent, stats.pending), (0, 1, 0), "{stats:?}");
  }
}

#[test]
fn a_row_that_is_alone_is_not_cut_while_no_endpoint_works() {
  for code in [404, 503] {
    let fails = |_: &str, _: &str| Some(status(code, None));
    let mut host = Host::new(json!({}));
    host.run("run_0");
    pass(&mut host, SECOND, &|_, _| None);
    large_run(&mut host);
    pass(&mut host, 300 * SECOND, &fails);
    assert_eq!(host.stats().pending, 1);
    pass(&mut host, 60 * SECOND, &|_, _| None);
    let stats = host.stats();
    assert_eq!((stats.cut, stats.sent, stats.pending), (0, 2, 0), "{code}: {stats:?}");
  }
}

#[test]
fn a_page_or_a_redirect_in_place_of_an_announcement_cuts_no_row() {
  for code in [302, 307, 407, 425] {
    let mut host = Host::new(json!({}));
    host.run("run_0");
    pass(&mut host, SECOND, &|_, _| None);
    large_run(&mut host);
    pass(&mut host, 90 * SECOND, &|_, _| Some(status(code, None)));
    pass(&mut host, 90 * SECOND, &|_, _| None);
    let stats = host.stats();
    assert_eq!((stats.cut, stats.sent, stats.pending), (0, 2, 0), "{code}: {stats:?}");
  }
}

#[test]
fn a_row_is_cut_when_its_reference_fails_while_others_are_accepted() {
  for code in [404, 500, 503] {
    let fails = |_: &str, body: &str| body.contains("logs3_overflow").then(|| status(code, None));
    let mut host = Host::new(json!({}));
    large_run(&mut host);
    for second in 0..60 {
      host.run(&format!("run_{second}"));
      pass(&mut host, SECOND, &fails);
    }
    let stats = host.stats();
    assert_eq!((stats.cut, stats.sent, stats.pending), (1, 61, 0), "{stats:?}");
  }
}

#[test]
fn at_exit_a_row_whose_overflow_upload_fails_is_cut_in_time() {
  for wait in [None, Some("200")] {
    let fails = |path: &str, _: &str| (path == "/logs3/overflow").then(|| status(429, wait));
    let mut host = Host::new(json!({}));
    large_run(&mut host);
    pass(&mut host, SECOND, &fails);
    host.run("run_1");
    host.exporter.shutdown(host.elapsed + 2 * SECOND, host.now());
    pass(&mut host, 2 * SECOND, &fails);
    let stats = host.stats();
    // The end of the large run is a row of its own.
    assert_eq!((stats.cut, stats.sent, stats.accepted), (1, 3, 3), "{stats:?}");
  }
}

#[test]
fn an_outage_cuts_and_loses_no_row() {
  for code in [402, 503, 404, 405, 410, 421, 501] {
    let mut host = Host::new(json!({}));
    pass(&mut host, SECOND, &|_, _| None);
    large_run(&mut host);
    for second in 0..100 {
      host.run(&format!("run_{second}"));
      let fails = |path: &str, _: &str| path.starts_with("/logs3").then(|| status(code, None));
      pass(&mut host, SECOND, &fails);
    }
    pass(&mut host, 40 * SECOND, &|_, _| None);
    let stats = host.stats();
    assert_eq!((stats.cut, stats.sent, stats.pending), (0, 101, 0), "{code}: {stats:?}");
  }
}

#[test]
fn a_server_that_states_no_limit_is_asked_once_for_all_rows_that_it_refuses() {
  let mut host = Host::new(json!({}));
  (0..100).for_each(|run| host.run(&format!("run_{run}")));
  let logins = Cell::new(0);
  pass(&mut host, SECOND, &|path, _| {
    logins.set(logins.get() + u32::from(path == "/api/apikey/login"));
    match path {
      "/version" => Some(status(404, None)),
      "/logs3" => Some(status(413, None)),
      _ => None,
    }
  });
  assert_eq!((logins.get(), host.stats().pending), (2, 0));
}
