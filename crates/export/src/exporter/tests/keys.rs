//! API keys, which leave in nothing and are printed nowhere.

use std::sync::Mutex;

use super::*;
use crate::secrets::Secrets;

const KEY: &str = "sk-0123456789abcdef0123456789";

/// One run with this input.
fn pass(host: &mut Host, input: &Value) {
  let event = json!({ "v": 3, "type": "run_start", "runId": "r", "input": input });
  host.exporter.handle_event(&event.to_string(), Priority::Start, host.now()).unwrap();
  host.pass(SECOND, &braintrust);
}

#[test]
fn the_key_leaves_in_no_content() {
  let key = "sk-0123456789abcdef0123456789";
  let mut host = Host::new(json!({ "apiKey": key }));
  let input =
    json!({ "env": { "BRAINTRUST_API_KEY": key }, "text": format!("{key}{key}, {key}.") });
  let event =
    json!({ "v": 3, "type": "run_start", "runId": key, "workflowName": key, "input": input });
  host.exporter.handle_event(&event.to_string(), Priority::Start, host.now()).unwrap();
  host.pass(SECOND, &braintrust);
  let sent = host.uploads[0].to_string();
  let stars = "*".repeat(key.len());
  assert!(!sent.contains(key) && sent.contains(&format!("{stars}{stars}, {stars}.")), "{sent}");
}

#[test]
fn of_a_key_where_a_field_is_cut_nothing_leaves() {
  for before in 880..960 {
    let mut host = Host::new(json!({ "apiKey": KEY, "maxFieldBytes": 1_000 }));
    pass(&mut host, &json!(format!("{} {KEY} {}", "x".repeat(before), "y".repeat(1_000))));
    let sent = host.uploads[0].to_string();
    assert!(sent.contains("flue-braintrust: cut") && !sent.contains("sk-0"), "{before}: {sent}");
  }
}

#[test]
fn a_key_that_another_logger_has_or_gets_later_leaves_in_no_content() {
  let secrets = Arc::<Secrets>::default();
  let host = |key: &str| {
    Host::with(json!({ "apiKey": key }), Account::new(SECOND, &secrets, Box::new(|_| {})))
  };
  let mut first = host("sk-first-9876543210");
  let mut second = host("bt-second-9876543210");
  pass(&mut first, &json!("of sk-first-9876543210 and bt-second-9876543210"));
  pass(&mut second, &json!("of sk-first-9876543210 and bt-second-9876543210"));
  for Host { uploads, .. } in [&first, &second] {
    assert_eq!(uploads[0]["rows"][0]["input"], "of ******************* and ********************");
  }
}

#[test]
fn a_key_in_place_of_another_setting_is_printed_nowhere() {
  let lines = Arc::new(Mutex::new(Vec::new()));
  let (shown, logged) = (lines.clone(), lines.clone());
  let sink = move |diagnostic: &crate::diagnostics::Diagnostic| {
    shown.lock().unwrap().push(diagnostic.to_string());
  };
  let mut account = Account::new(SECOND, &Arc::default(), Box::new(sink));
  account.show_log(Box::new(move |line| logged.lock().unwrap().push(line.to_owned())));
  let mut host = Host::with(json!({ "apiKey": KEY, "orgName": KEY }), account);
  pass(&mut host, &json!("i"));
  let ticket = host.exporter.shutdown(host.elapsed + SECOND, host.now());
  host.pass(2 * SECOND, &braintrust);
  assert_eq!(host.completed, [(ticket, false)]);
  let mut lines = lines.lock().unwrap().clone();
  lines.extend(host.account.diagnostics.take().iter().map(ToString::to_string));
  lines.extend(host.account.counters.stats().last_error);
  let text = lines.join("\n");
  assert!(text.contains("organisation") && text.contains("****"), "{text}");
  assert!(!text.contains(KEY), "{text}");
}
