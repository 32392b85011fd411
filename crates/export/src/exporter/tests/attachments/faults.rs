//! Attachments, while a server is not there or is another one.

use super::*;

#[test]
fn a_router_without_a_server_costs_no_file() {
  for at in ["/attachment", PUT, "/attachment/status"] {
    for code in [302, 402, 404, 405, 407, 410, 421, 501] {
      if at == PUT && [302, 402, 407].contains(&code) {
        continue;
      }
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
  for is_exit in [false, true] {
    let mut host = Host::attaching(json!({}));
    host.workflow("a", &image(&file(1, 500)), &json!(1));
    let deadline = host.elapsed + 300 * SECOND;
    let ticket = if is_exit {
      host.exporter.shutdown(deadline, host.now())
    } else {
      host.exporter.flush(deadline, host.now())
    };
    let time = if is_exit { SECOND } else { 300 * SECOND };
    serve(&mut host, time, &mut |path, _| (path == "/attachment").then(|| status(404, None)));
    assert_eq!(host.completed[0].0, ticket);
    let stats = host.stats();
    assert_eq!((stats.sent, stats.attachments.lost), (1, [("rejected", 1)].into()));
    let diagnostics = host.account.diagnostics.take();
    assert!(diagnostics[0].message.contains("404 Not Found"), "{diagnostics:?}");
  }
}
