//! Tool calls whose ids do not identify them.

use serde_json::{Value, json};

use super::trace::Trace;
use crate::Translator;
use braintrust_row::Row;

/// An event of a call in the turn `t`, at its index.
fn event(index: u32, kind: &str, tool: &str, more: Value) -> String {
  let mut event = json!({ "type": kind, "eventIndex": index, "timestamp": 1_000 + index, "operationId": "o",
    "turnId": "t", "toolName": tool, "toolCallId": "call" });
  event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
  event.to_string()
}

fn start(index: u32, tool: &str) -> String {
  event(index, "tool_start", tool, json!({ "args": index }))
}

/// The end of the call that started at this index.
fn end(index: u32, tool: &str, of: u32) -> String {
  event(index, "tool_call", tool, json!({ "result": of, "durationMs": 1 }))
}

fn translate_all(translator: &mut Translator, events: &[String], trace: &mut Trace) {
  for text in events {
    trace.take(translator.translate(&flue_event::decode(text, 0).unwrap()));
  }
}

/// The name, the input and the output of the calls, in the order of their starts.
fn calls(trace: &Trace) -> Vec<[String; 3]> {
  let shown = |value: &Option<braintrust_row::Json>| {
    value.as_ref().map_or("none".to_owned(), |json| json.as_str().into_owned())
  };
  let tools = trace.rows.values().filter(|row| row.name.as_deref().is_some_and(is_tool));
  tools.map(|row| [row.name.clone().unwrap(), shown(&row.input), shown(&row.output)]).collect()
}

fn is_tool(name: &str) -> bool {
  name.starts_with("tool:")
}

fn call(tool: &str, input: &str, output: &str) -> [String; 3] {
  [format!("tool:{tool}"), input.to_owned(), output.to_owned()]
}

fn assert_ended(trace: &Trace) {
  for row in trace.rows.values().filter(|row| row.name.as_deref().is_some_and(is_tool)) {
    assert!(row.metrics.contains("end"));
    assert!(row.metadata.get("flue.interrupted").is_none_or(|value| value.as_str() == "false"));
  }
}

/// Flue 0.x emits both starts and both ends, in any order.
#[test]
fn calls_of_a_turn_with_one_id_are_spans_of_their_own() {
  let both = [call("look", "1", "1"), call("water", "2", "2")];
  let of_one_tool = [call("look", "1", "1"), call("look", "2", "2")];
  for (events, expected) in [
    ([start(1, "look"), start(2, "water"), end(3, "look", 1), end(4, "water", 2)], both.clone()),
    ([start(1, "look"), start(2, "water"), end(3, "water", 2), end(4, "look", 1)], both.clone()),
    ([start(1, "look"), end(2, "look", 1), start(2, "water"), end(4, "water", 2)], both),
    (
      [start(1, "look"), start(2, "look"), end(3, "look", 1), end(4, "look", 2)],
      of_one_tool.clone(),
    ),
    ([start(1, "look"), end(2, "look", 1), start(2, "look"), end(4, "look", 2)], of_one_tool),
  ] {
    let twice: Vec<String> =
      events.iter().flat_map(|event| [event.clone(), event.clone()]).collect();
    let replayed = [&events[..], &events[..]].concat();
    let without_index = |text: &String| text.replace("eventIndex", "noIndex");
    let timed: Vec<String> = twice.iter().map(without_index).collect();
    for events in [events.to_vec(), twice, replayed, timed] {
      let mut trace = Trace::default();
      let mut translator = Translator::default();
      translate_all(&mut translator, &events, &mut trace);
      assert_eq!(calls(&trace), expected, "{events:?}");
      assert_ended(&trace);
      // Of the operation alone.
      assert_eq!(translator.open_spans(), 1);
      let ids = trace.rows.values().filter_map(|row| row.metadata.get("flue.tool_call_id"));
      assert!(ids.map(|id| id.as_str().into_owned()).all(|id| id == r#""call""#));
    }
  }
}

#[test]
fn the_first_call_with_an_id_has_the_span_that_follows_from_the_id() {
  let mut trace = Trace::default();
  let events = [start(1, "look"), start(2, "water")];
  translate_all(&mut Translator::default(), &events, &mut trace);
  let tools: Vec<&Row> = trace.rows.values().filter(|row| row.parent.is_some()).collect();
  assert_eq!(tools[0].span, crate::identity::tool(tools[0].span.trace, "t", "call"));
  assert_eq!(tools[1].span, crate::identity::tool(tools[0].span.trace, "t", "call#2"));
}

#[test]
fn ends_without_starts_are_those_of_calls_of_their_own() {
  let mut trace = Trace::default();
  let mut events = vec![end(3, "look", 1), end(4, "look", 2)];
  events.extend(events.clone());
  translate_all(&mut Translator::default(), &events, &mut trace);
  assert_eq!(calls(&trace), [call("look", "none", "1"), call("look", "none", "2")]);
}

#[test]
fn a_call_for_which_there_is_no_room_takes_no_event_of_another_with_its_id() {
  let mut trace = Trace::default();
  let mut translator = Translator::default();
  translate_all(&mut translator, &[start(1, "look")], &mut trace);
  let text = start(2, "water");
  let second = flue_event::decode(&text, 0).unwrap();
  assert!(translator.would_open(&second));
  translator.ignore(&second);
  assert!(!translator.would_open(&second));
  let ends = [end(3, "water", 2), end(4, "look", 1)];
  assert!(!translator.would_open(&flue_event::decode(&ends[0], 0).unwrap()));
  translate_all(&mut translator, &ends, &mut trace);
  assert_eq!(calls(&trace), [call("look", "1", "1")]);
}

#[test]
fn calls_with_one_id_that_another_process_left_are_continued() {
  let mut trace = Trace::default();
  let starts = [start(1, "look"), start(2, "water")];
  let mut crashed = Translator::default();
  translate_all(&mut crashed, &starts, &mut trace);
  let left = crashed.snapshot(2_000, true).unwrap();
  for started_again in [false, true] {
    let mut next = Translator::default();
    trace.take(next.restore(&left).unwrap());
    if started_again {
      translate_all(&mut next, &starts, &mut trace);
    }
    translate_all(&mut next, &[end(3, "look", 1), end(4, "water", 2)], &mut trace);
    assert_eq!(calls(&trace), [call("look", "1", "1"), call("water", "2", "2")]);
    assert_ended(&trace);
  }
}

/// The event with another id of its call; without one, if that is `None`.
fn with_id(text: &str, id: Option<&Value>) -> String {
  let mut event: Value = serde_json::from_str(text).unwrap();
  let event = event.as_object_mut().unwrap();
  event.remove("toolCallId");
  event.extend(id.map(|id| ("toolCallId".to_owned(), id.clone())));
  serde_json::to_string(event).unwrap()
}

/// Flue runs on whatever the id is that a provider sends.
#[test]
fn the_end_of_a_call_without_an_id_is_that_of_the_first_open_call_of_its_tool() {
  let none = [json!(""), json!(null), json!({ "a": 1 }), json!(["x"])];
  for id in none.iter().map(Some).chain([None]) {
    let events = [
      start(1, "look"),
      start(2, "water"),
      start(3, "look"),
      end(4, "water", 2),
      end(5, "look", 1),
      end(6, "look", 3),
    ];
    let events = events.map(|event| with_id(&event, id));
    let mut trace = Trace::default();
    translate_all(&mut Translator::default(), &events, &mut trace);
    let expected = [call("look", "1", "1"), call("water", "2", "2"), call("look", "3", "3")];
    assert_eq!(calls(&trace), expected, "{id:?}");
    assert_ended(&trace);
  }
}

#[test]
fn the_span_of_a_call_whose_id_is_no_text_follows_from_the_async_context() {
  for (id, known) in [
    (json!(7), json!(7)),
    (json!(true), json!("true")),
    (json!(" "), json!(" ")),
    (json!(""), json!("missing:look")),
    (json!(null), json!("missing:look")),
  ] {
    let text = with_id(&start(1, "look"), Some(&id));
    let rows = Translator::default().translate(&flue_event::decode(&text, 0).unwrap());
    let context = json!({ "operationId": "o", "turnId": "t", "toolCallId": known, "runId": null });
    let context: crate::FlueContext = serde_json::from_value(context).unwrap();
    assert_eq!(context.span(), rows.last().map(|row| row.span), "{id}");
  }
}

/// Flue 0.x keeps the start of a call by its id: the first end has the time since the second start, the second end has 0.
#[test]
fn calls_of_a_turn_with_one_id_last_until_their_ends_on_0x() {
  let events = [
    start(0, "look"),
    event(20, "tool_start", "water", json!({})),
    event(59, "tool_call", "look", json!({ "durationMs": 39 })),
    event(70, "tool_call", "water", json!({ "durationMs": 0 })),
  ];
  let mut trace = Trace::default();
  translate_all(&mut Translator::default(), &events, &mut trace);
  for (name, begins, ends) in [("tool:look", 1.0, 1.059), ("tool:water", 1.02, 1.07)] {
    let metrics = &trace.named(name).next().unwrap().metrics;
    assert_eq!((metrics.get("start"), metrics.get("end")), (Some(&begins), Some(&ends)), "{name}");
    let took = metrics.get("duration_ms").unwrap();
    assert_eq!(*took, ((ends - begins) * 1e3_f64).round(), "{name}");
  }
}

#[test]
fn an_activity_has_its_duration_if_the_clock_is_set_back_meanwhile() {
  assert_eq!(crate::outcome::end(5000, Some(3000.0), 3000), 8000);
  assert_eq!(crate::outcome::end(5000, Some(3000.0), 7000), 7000);
  assert_eq!(crate::outcome::end(5000, None, 7000), 7000);
}

/// Providers repeat ids, also within a turn.
#[test]
fn tasks_that_calls_with_one_id_delegate_are_each_below_their_own_call() {
  let call = |index, kind: &str, prompt: &str| {
    event(index, kind, "task", json!({ "v": 3, "args": { "prompt": prompt }, "durationMs": 5 }))
  };
  let task = |index, kind: &str, prompt: &str| {
    let ids = json!({ "v": 3, "taskId": prompt, "prompt": prompt, "agent": null, "conversationId": prompt });
    event(index, kind, "task", ids)
  };
  let (one, other) = ("one", "other");
  let starts = [call(1, "tool_start", one), call(2, "tool_start", other)];
  let tasks = [task(3, "task_start", one), task(4, "task_start", other)];
  let ends =
    [task(5, "task", one), call(6, "tool", one), task(7, "task", other), call(8, "tool", other)];
  let reversed = [tasks[1].clone(), tasks[0].clone()];
  for tasks in [tasks, reversed] {
    let mut trace = Trace::default();
    let mut translator = Translator::default();
    translate_all(&mut translator, &[&starts[..], &tasks, &ends].concat(), &mut trace);
    for prompt in [one, other] {
      let id = format!("\"{prompt}\"");
      let row = trace
        .named("flue.task")
        .find(|row| row.metadata.get("flue.task_id").is_some_and(|task| task.as_str() == id));
      let row = row.unwrap();
      let input = trace.parent(row).unwrap().input.as_ref().unwrap().as_str().into_owned();
      assert!(input.contains(prompt), "{prompt} is below the call with {input}");
      assert!(!row.metadata.contains("flue.interrupted"), "{prompt}");
    }
  }
}

#[test]
fn tasks_that_delegate_the_same_one_after_the_other_are_each_below_their_own_call() {
  // With the id of the call, which both have, and without it, as on 0.x.
  for id_of_call in [json!("call"), json!(null)] {
    let call = |at, kind: &str| {
      event(at, kind, "task", json!({ "args": { "prompt": "look" }, "durationMs": 5 }))
    };
    let task = |at, kind: &str, id: &str| {
      let ids = json!({ "taskId": id, "prompt": "look", "agent": null, "toolCallId": id_of_call });
      event(at, kind, "task", ids)
    };
    let mut events = vec![call(1, "tool_start"), call(2, "tool_start")];
    for (at, id) in [(3, "one"), (5, "other")] {
      events.extend([task(at, "task_start", id), task(at + 1, "task", id)]);
    }
    events.extend([call(7, "tool_call"), call(8, "tool_call")]);
    let mut trace = Trace::default();
    translate_all(&mut Translator::default(), &events, &mut trace);
    let parents: Vec<_> = trace.named("flue.task").map(|task| task.parent).collect();
    assert_eq!(parents.len(), 2);
    assert_ne!(parents[0], parents[1]);
  }
}

/// `session.task()`: an operation around the task, without a turn or a call.
#[test]
fn a_task_without_a_start_is_below_the_operation_that_is_nothing_but_the_task() {
  let ids = json!({ "runId": "r", "operationKind": "task", "turnId": null, "toolCallId": null });
  let task =
    json!({ "runId": "r", "taskId": "task", "turnId": null, "toolCallId": null, "durationMs": 5 });
  let events = [
    event(
      1,
      "run_start",
      "",
      json!({ "runId": "r", "workflowName": "tides", "operationId": null }),
    ),
    event(2, "operation_start", "", ids.clone()),
    event(10, "task", "", task),
    event(11, "operation", "", ids),
  ];
  let mut trace = Trace::default();
  translate_all(&mut Translator::default(), &events, &mut trace);
  let row = trace.named("flue.task").next().unwrap();
  assert_eq!(trace.path(row), ["flue.task", "workflow:tides"]);
  assert_eq!(row.metrics.get("start"), Some(&1.005));
}
