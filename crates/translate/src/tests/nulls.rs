//! Values that are `null`: shown where an activity has or returns it, absent where it stands for none.

use serde_json::{Value, json};

use super::{trace::Trace, translate};

/// The input and the output of the span that these events make, without their timestamps.
fn shown(events: &[Value], name: &str) -> [Option<String>; 2] {
  let events: Vec<String> = events
    .iter()
    .map(|event| {
      let mut event = event.clone();
      event["timestamp"] = json!(1_000);
      event.to_string()
    })
    .collect();
  let mut trace = Trace::default();
  translate(&events, &mut trace);
  let row = trace.named(name).next().unwrap();
  [&row.input, &row.output].map(|value| value.as_ref().map(|json| json.as_str().into_owned()))
}

fn texts(input: Option<&str>, output: Option<&str>) -> [Option<String>; 2] {
  [input, output].map(|text| text.map(str::to_owned))
}

#[test]
fn a_tool_that_is_called_with_null_and_returns_null_shows_both() {
  let start = json!({ "type": "tool_start", "operationId": "o", "toolCallId": "c", "toolName": "t", "args": null });
  let end = |more: Value| {
    let mut end = json!({ "type": "tool", "operationId": "o", "toolCallId": "c", "toolName": "t" });
    end.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    end
  };
  let wrapped = json!({ "content": [{ "type": "text", "text": "null" }], "details": null });
  for returned in [
    json!({ "effectiveResult": null, "result": wrapped }),
    // As JavaScript shortens it.
    json!({ "effectiveResult": null }),
    json!({ "effectiveResult": null, "result": { "details": { "exitCode": 0 } } }),
  ] {
    let both = shown(&[start.clone(), end(returned)], "tool:t");
    assert_eq!(both, texts(Some("null"), Some("null")));
  }
  let failed =
    json!({ "isError": true, "result": { "content": [{ "type": "text", "text": "no" }] } });
  let without_args =
    json!({ "type": "tool_start", "operationId": "o", "toolCallId": "c", "toolName": "t" });
  let [input, output] = shown(&[without_args, end(failed)], "tool:t");
  assert_eq!((input, output.unwrap().starts_with("[{")), (None, true));
}

#[test]
fn the_data_of_a_prompt_and_of_a_task_may_be_null() {
  let output = |name: &str, event: Value| shown(&[event], name)[1].clone();
  let data = json!({ "type": "data", "data": null });
  let operation = |more: Value| {
    let mut event = json!({ "type": "operation", "operationId": "o", "operationKind": "prompt" });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    output("flue.prompt", event)
  };
  let null = Some("null".to_owned());
  let result = json!({ "data": null, "model": { "id": "m" } });
  assert_eq!(operation(json!({ "agentOutput": data, "result": result })), null);
  assert_eq!(operation(json!({ "result": result })), null);
  for none in [json!({ "agentOutput": null, "result": null }), json!({ "result": null }), json!({})]
  {
    assert_eq!(operation(none), None);
  }
  let inner = json!({ "type": "data", "data": { "text": "inner", "data": 5 } });
  assert_eq!(
    operation(json!({ "agentOutput": inner })),
    Some(r#"{"data":5,"text":"inner"}"#.to_owned())
  );
  let nothing = json!({ "text": null });
  assert_eq!(operation(json!({ "agentOutput": nothing })), Some(nothing.to_string()));
  let task = |more: Value| {
    let mut event =
      json!({ "type": "task", "operationId": "o", "taskId": "t", "turnId": "u", "agent": "A" });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    output("task:A", event)
  };
  assert_eq!(task(json!({ "agentOutput": data, "result": "null" })), null);
  assert_eq!(task(json!({ "agentOutput": null, "result": null })), None);
}

#[test]
fn a_run_shows_null_as_its_input_and_as_its_result_unless_it_has_failed() {
  for member in ["input", "payload"] {
    for (is_error, output) in [(false, Some("null")), (true, None)] {
      let mut start = json!({ "type": "run_start", "runId": "r", "workflowName": "w" });
      start[member] = Value::Null;
      let end = json!({ "type": "run_end", "runId": "r", "result": null, "isError": is_error });
      assert_eq!(shown(&[start, end], "workflow:w"), texts(Some("null"), output));
    }
  }
  let start = json!({ "type": "run_start", "runId": "r", "workflowName": "w" });
  let end = json!({ "type": "run_end", "runId": "r" });
  assert_eq!(shown(&[start, end], "workflow:w"), texts(None, None));
}
