//! Attachments, while a server is not there or is another one.

use super::*;

#[test]
fn a_router_without_a_server_costs_no_file() {
  for at in ["/attachment", PUT, "/attachment/status"] {
    for code in [302, 307, 402, 404, 405, 407, 410, 421, 425, 501] {
      let mut host = Host::attaching(json!({}));
      host.workflow("a", &image(&file(1, 500)), &json!(1));
      serve(&mut host, SECOND / 2, &mut |path, _| (path == at).then(|| status(code, None)));
      assert_eq!(host.stats().attachments.pending, 1, "{at} {code}");
      serve(&mut host, 60 * SECOND, &mut works);
      assert_eq!(host.stats().attachments.uploaded, 1, "{at} {code}");
    }
  }
}

#[test]
fn a_server_without_attachments_costs_files_and_delays_no_exit() {
  let cases = [302, 404, 407].into_iter().flat_map(|code| [(code, false), (code, true)]);
  for (code, is_exit) in cases {
    let mut host = Host::attaching(json!({}));
    host.workflow("a", &image(&file(1, 500)), &json!(1));
    let deadline = host.elapsed + 300 * SECOND;
    let ticket = if is_exit {
      host.exporter.shutdown(deadline, host.now())
    } else {
      host.exporter.flush(deadline, host.now())
    };
    let time = if is_exit { SECOND } else { 300 * SECOND };
    serve(&mut host, time, &mut |path, _| (path == "/attachment").then(|| status(code, None)));
    assert_eq!(host.completed[0].0, ticket, "{code}");
    let stats = host.stats();
    assert_eq!((stats.sent, stats.attachments.lost), (1, [("rejected", 1)].into()));
    let diagnostics = host.account.diagnostics.take();
    assert!(diagnostics[0].message.contains(&code.to_string()), "{diagnostics:?}");
  }
}

#[test]
fn a_refusal_names_what_the_server_refuses() {
  for (code, remedy) in [
    (401, "401 Unauthorized (check BRAINTRUST_API_KEY)"),
    (402, "402 Payment Required (check the plan of the organisation)"),
  ] {
    let mut host = Host::attaching(json!({}));
    host.workflow("a", &image(&file(1, 500)), &json!(1));
    serve(&mut host, 300 * SECOND, &mut |path, _| {
      (path == "/attachment").then(|| status(code, None))
    });
    assert_eq!(host.stats().attachments.lost, [("unauthorized", 1)].into());
    let message = host.account.diagnostics.take().remove(0).message;
    assert!(message.contains(remedy), "{message}");
    assert_eq!(message.contains("API_KEY"), code == 401, "{message}");
  }
}

#[test]
fn after_a_file_that_no_address_takes_the_next_ones_wait_for_none() {
  let mut host = Host::attaching(json!({}));
  for (seed, has, time) in [(1, false, 300), (2, false, 1), (3, true, 1), (4, false, 1)] {
    host.workflow(&format!("run {seed}"), &image(&file(seed, 500)), &json!(1));
    serve(&mut host, time * SECOND, &mut |path, _| {
      (path == "/attachment" && !has).then(|| status(404, None))
    });
  }
  let attachments = host.stats().attachments;
  assert_eq!((attachments.uploaded, attachments.pending), (1, 1));
  assert_eq!(attachments.lost, [("rejected", 2)].into());
}

#[test]
fn files_that_log_in_at_the_same_time_are_confirmed_where_they_are_announced() {
  let project = "00000000-0000-4000-8000-000000000001";
  let mut host = Host::attaching(json!({ "apiUrl": "http://127.0.0.1:9", "projectId": project }));
  let event = json!({ "v": 3, "type": "run_start", "runId": "r", "workflowName": "w",
    "input": [image(&file(1, 500)), image(&file(2, 500))] });
  host.exporter.handle_event(&event.to_string(), Priority::Start, host.now()).unwrap();
  let mut answer = |path: &str, before: usize| {
    let org = json!({ "id": format!("o{before}"), "name": "acme" });
    (path == "/api/apikey/login").then(|| json_response(json!({ "org_info": [org] })))
  };
  let mut server = Server { requests: Vec::new(), answer: &mut answer };
  host.serve(10 * SECOND, &mut server, &unmasked);
  assert_eq!(server.count("/api/apikey/login"), 2);
  let orgs =
    |path: &str| server.bodies(path).iter().map(|b| b["org_id"].clone()).collect::<Vec<_>>();
  assert_eq!((orgs("/attachment").len(), orgs("/attachment")), (2, orgs("/attachment/status")));
  let keys = |path: &str| server.bodies(path).iter().map(|b| b["key"].clone()).collect::<Vec<_>>();
  assert_eq!(keys("/attachment"), keys("/attachment/status"));
}
