//! Token usage as metrics.

use serde_json::{Value, json};

use super::{trace::Trace, translate};
use braintrust_row::Row;

/// The metrics of usage of a row, as an object.
fn metrics(row: &Row) -> Value {
  let usage = row.metrics.iter().filter(|(name, _)| !["start", "end"].contains(name));
  usage.map(|(name, value)| (name.to_owned(), json!(value))).collect()
}

/// The events of a prompt whose turns report these usages.
fn prompt(usages: &[Value]) -> Vec<String> {
  let at = |event: Value| {
    let mut event = event;
    event["timestamp"] = json!(1_000);
    event["operationId"] = json!("o");
    event.to_string()
  };
  let turns = usages.iter().enumerate().flat_map(|(n, usage)| {
    let turn = format!("t{n}");
    [
      at(json!({ "type": "turn_request", "turnId": turn, "purpose": "agent", "model": turn })),
      at(json!({ "type": "turn", "turnId": turn, "purpose": "agent", "model": turn, "usage": usage })),
    ]
  });
  let mut events = vec![at(json!({ "type": "operation_start", "operationKind": "prompt" }))];
  events.extend(turns);
  events.push(at(json!({ "type": "operation", "operationKind": "prompt", "usage": {} })));
  events
}

/// The metrics of each turn, and those of the prompt.
fn written(usages: &[Value]) -> (Vec<Value>, Value) {
  let mut trace = Trace::default();
  translate(&prompt(usages), &mut trace);
  let turns = (0..usages.len()).map(|n| metrics(trace.named(&format!("llm:t{n}")).next().unwrap()));
  (turns.collect(), metrics(trace.named("flue.prompt").next().unwrap()))
}

#[test]
fn what_flue_does_not_report_is_absent_and_never_zero() {
  for (usage, expected) in [
    (json!({}), json!({})),
    (json!(null), json!({})),
    (json!({ "cost": { "input": 1 } }), json!({})),
    (json!({ "input": 5, "totalTokens": 5 }), json!({ "prompt_tokens": 5.0, "tokens": 5.0 })),
    (json!({ "output": 7 }), json!({ "completion_tokens": 7.0 })),
    (
      json!({ "input": 5, "output": 7 }),
      json!({ "prompt_tokens": 5.0, "completion_tokens": 7.0, "tokens": 12.0 }),
    ),
    (
      json!({ "input": 5, "output": 7, "totalTokens": 0 }),
      json!({ "prompt_tokens": 5.0, "completion_tokens": 7.0, "tokens": 12.0 }),
    ),
    (json!({ "output": 7, "totalTokens": 0 }), json!({ "completion_tokens": 7.0 })),
    (
      json!({ "cacheRead": 3, "output": 7 }),
      json!({ "prompt_cached_tokens": 3.0, "completion_tokens": 7.0 }),
    ),
    (
      json!({ "input": 1, "cacheRead": 3, "output": 7 }),
      json!({ "prompt_tokens": 4.0, "prompt_cached_tokens": 3.0, "completion_tokens": 7.0, "tokens": 11.0 }),
    ),
    // `NaN` is `null` in JSON.
    (
      json!({ "input": null, "output": -1, "totalTokens": "12", "cost": { "total": -2 } }),
      json!({}),
    ),
    (
      json!({ "input": 1e20, "output": 5, "totalTokens": 1e20, "cost": { "total": 1e16 } }),
      json!({ "completion_tokens": 5.0 }),
    ),
    (
      json!({ "input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0, "totalTokens": 0, "cost": { "total": 0 } }),
      json!({ "prompt_tokens": 0.0, "completion_tokens": 0.0, "tokens": 0.0, "prompt_cached_tokens": 0.0,
        "prompt_cache_creation_tokens": 0.0 }),
    ),
  ] {
    let (turns, prompt) = written(std::slice::from_ref(&usage));
    assert_eq!(turns[0], expected, "{usage}");
    assert_eq!(prompt, expected, "{usage}");
  }
}

#[test]
fn a_prompt_has_the_sums_of_what_its_turns_report() {
  let (_, prompt) = written(&[
    json!({ "input": 5, "totalTokens": 5 }),
    json!({}),
    json!({ "input": 1, "output": 7 }),
  ]);
  assert_eq!(prompt, json!({ "prompt_tokens": 6.0, "completion_tokens": 7.0, "tokens": 13.0 }));
}

#[test]
fn usage_in_a_snapshot_of_an_earlier_version_is_read() {
  let known =
    r#"{"input":1.0,"output":2.0,"cache_read":0.0,"cache_write":0.0,"total":3.0,"cost":0.5}"#;
  let usage: flue_event::Usage = serde_json::from_str(known).unwrap();
  assert_eq!((usage.input, usage.total, usage.cost), (Some(1.0), Some(3.0), Some(0.5)));
}

/// Flue reports reasoning with the message of the model: behind its turn, and on 0.x before the turn ends.
#[test]
fn a_turn_has_the_usage_that_only_its_message_reports() {
  let message = r#"{"type":"message_end","timestamp":1000,"operationId":"o","turnId":"t0",
    "usage":{"reasoning":30,"cacheWrite":20,"cacheWrite1h":15}}"#;
  let usage =
    json!({ "input": 10, "output": 50, "cacheRead": 3, "cacheWrite": 20, "totalTokens": 83 });
  let events = prompt(&[usage]);
  for positions in [vec![2], vec![3], vec![3, 3]] {
    let mut events = events.clone();
    positions.iter().for_each(|at| events.insert(*at, message.to_owned()));
    let mut trace = Trace::default();
    translate(&events, &mut trace);
    let turn = metrics(trace.named("llm:t0").next().unwrap());
    assert_eq!(
      turn,
      json!({ "prompt_tokens": 33.0, "completion_tokens": 50.0, "tokens": 83.0, "prompt_cached_tokens": 3.0,
        "prompt_cache_creation_tokens": 20.0, "prompt_cache_creation_5m_tokens": 5.0,
        "prompt_cache_creation_1h_tokens": 15.0, "completion_reasoning_tokens": 30.0 })
    );
  }
  let mut trace = Trace::default();
  let without_turn = [events[0].clone(), message.to_owned(), events[3].clone()];
  translate(&without_turn, &mut trace);
  assert_eq!(trace.rows.len(), 1);
}

#[test]
fn a_turn_whose_end_names_no_operation_counts_for_the_one_in_which_it_began() {
  let mut events =
    prompt(&[json!({ "input": 5, "output": 7 }), json!({ "input": 1, "output": 2 })]);
  events[2] = events[2].replace(r#""operationId":"o","#, "");
  assert!(!events[2].contains("operationId"));
  let mut trace = Trace::default();
  translate(&events, &mut trace);
  let prompt = metrics(trace.named("flue.prompt").next().unwrap());
  assert_eq!(prompt, json!({ "prompt_tokens": 6.0, "completion_tokens": 9.0, "tokens": 15.0 }));
}

/// Flue's own usage leaves out a compaction that fails.
#[test]
fn a_compaction_that_fails_counts_for_itself_and_for_its_prompt() {
  let events = [
    json!({ "type": "operation_start", "operationKind": "prompt" }),
    json!({ "type": "turn_request", "turnId": "t0", "purpose": "agent", "model": "t0" }),
    json!({ "type": "turn", "turnId": "t0", "purpose": "agent", "usage": { "input": 5, "output": 7 } }),
    json!({ "type": "compaction_start", "reason": "threshold" }),
    json!({ "type": "turn_request", "turnId": "t1", "purpose": "compaction", "model": "t1" }),
    json!({ "type": "turn", "turnId": "t1", "purpose": "compaction", "usage": { "input": 9, "output": 0 } }),
    json!({ "type": "log", "level": "error", "message": "[flue:compaction] Failed: no summary" }),
    json!({ "type": "operation", "operationKind": "prompt", "usage": { "input": 5, "output": 7 } }),
  ];
  let events = events.map(|mut event| {
    event["timestamp"] = json!(1_000);
    event["operationId"] = json!("o");
    event.to_string()
  });
  let mut trace = Trace::default();
  translate(&events, &mut trace);
  for (name, expected) in [
    ("llm:t1", json!({ "prompt_tokens": 9.0, "completion_tokens": 0.0, "tokens": 9.0 })),
    (
      "compaction:threshold",
      json!({ "prompt_tokens": 9.0, "completion_tokens": 0.0, "tokens": 9.0 }),
    ),
    ("flue.prompt", json!({ "prompt_tokens": 14.0, "completion_tokens": 7.0, "tokens": 21.0 })),
  ] {
    assert_eq!(metrics(trace.named(name).next().unwrap()), expected, "{name}");
  }
}

/// The metrics of a prompt whose second turn, of three tokens, ends after it; Flue has reported this usage for it.
fn metrics_with_late_turn(reported: &str) -> Value {
  let mut events =
    prompt(&[json!({ "input": 5, "output": 7 }), json!({ "input": 1, "output": 2 })]);
  let usage = format!(r#""usage":{reported}"#);
  let end = events.pop().unwrap().replace(r#""usage":{}"#, &usage);
  events.insert(4, end);
  let events: Vec<_> =
    events.iter().map(|event| event.replacen('{', r#"{"runId":"r","#, 1)).collect();
  let mut trace = Trace::default();
  translate(&events, &mut trace);
  metrics(trace.named("flue.prompt").next().unwrap())
}

#[test]
fn the_usage_of_a_turn_that_ends_late_counts_once() {
  // Flue's usage of the operation has that of the turn already.
  let prompt = metrics_with_late_turn(r#"{"input":6,"output":9}"#);
  assert_eq!(prompt, json!({ "prompt_tokens": 6.0, "completion_tokens": 9.0, "tokens": 15.0 }));
}

#[test]
fn a_turn_that_ends_late_leaves_a_larger_usage_that_flue_has_reported() {
  // Turns of the operation are unknown here.
  let prompt = metrics_with_late_turn(r#"{"input":60,"output":40}"#);
  assert_eq!(prompt, json!({ "prompt_tokens": 60.0, "completion_tokens": 40.0, "tokens": 100.0 }));
}

#[test]
fn no_turn_waits_longer_for_its_first_token_than_it_takes() {
  let turn = |kind: &str, at: u32| json!({ "v": 3, "type": kind, "timestamp": at, "operationId": "o", "turnId": "t" });
  for (first, waited) in [(1_004, 0.004), (1_010, 0.01), (1_030, 0.01), (900, 0.0)] {
    let mut end = turn("turn", 1_031);
    (end["durationMs"], end["$firstDeltaAt"]) = (json!(10), json!(first));
    let mut trace = Trace::default();
    translate(&[turn("turn_request", 1_000).to_string(), end.to_string()], &mut trace);
    let row = trace.named("llm:unknown").next().unwrap();
    assert_eq!(row.metrics.get("time_to_first_token"), Some(&waited), "{first}");
  }
}
