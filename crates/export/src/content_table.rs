//! Tests the table of docs/privacy.md, member by member: what each switch of `content` removes.

use braintrust_row::{Row, write_row};
use flue_event::ContentPolicy;
use redact::Redactor;
use serde_json::{Value, json};
use translate::{Options, Translator};

const PAGE: &str = include_str!("../../../docs/privacy.md");
const MEMBERS: [&str; 6] = ["input", "output", "systemPrompt", "tools", "reasoning", "errors"];

/// The text in the events for each line of the table, and the members besides the line's own that remove it.
const LINES: [(&str, &[&str]); 16] = [
  ("TOOLS", &[]),
  ("RUN_METADATA", &[]),
  ("CWD", &[]),
  ("TRACESTATE", &[]),
  ("LOG_LINE", &[]),
  ("LOG_ERROR", &["output"]),
  ("INPUT", &[]),
  ("SYSTEM", &[]),
  ("OUTPUT", &[]),
  ("REASONING", &["input", "output"]),
  ("ERROR", &[]),
  ("CUSTOM_INPUT", &[]),
  ("CUSTOM_OUTPUT", &[]),
  ("CUSTOM_METRIC", &["output"]),
  ("CUSTOM_ERROR", &[]),
  ("CUSTOM_REASONING", &["input", "output"]),
];

/// Events that contain each of these texts, some more than once.
fn events() -> Vec<Value> {
  let ids = json!({ "runId": "run_1", "operationId": "op_1", "conversationId": "conv_1", "turnId": "turn_1", "v": 3 });
  let event = |kind: &str, at: i64, members: Value| {
    let mut event = ids.clone();
    let others = json!({ "type": kind, "timestamp": at });
    for part in [others, members] {
      event.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
    }
    event
  };
  let thoughts = |text: &str| {
    json!([
      { "type": "thinking", "thinking": text, "thinkingSignature": text },
      { "type": "reasoning", "text": text },
      { "type": "redacted_thinking", "data": text },
      { "thought": true, "text": text },
      { "role": "assistant", "reasoning_content": text, "reasoning": { "text": text } },
    ])
  };
  let error = |text: &str| json!({ "name": "Error", "message": text, "stack": format!("Error: {text}\n at x") });
  let custom = json!({
    "name": "own", "type": "llm",
    "input": ["CUSTOM_INPUT", thoughts("CUSTOM_REASONING_IN")],
    "output": ["CUSTOM_OUTPUT_1", thoughts("CUSTOM_REASONING_OUT")],
    "expected": ["CUSTOM_OUTPUT_2", { "thinking": "CUSTOM_REASONING_EXPECTED" }],
    "metadata": { "CUSTOM_OUTPUT_3": "CUSTOM_OUTPUT_4", "reasoning_content": "CUSTOM_REASONING_METADATA" },
    "tags": ["CUSTOM_OUTPUT_5"], "scores": { "CUSTOM_OUTPUT_6": 0.5 },
    "attributes": { "CUSTOM_OUTPUT_7": "CUSTOM_OUTPUT_8", "thinking": "CUSTOM_REASONING_ATTRIBUTES" },
    "metrics": { "CUSTOM_METRIC": 1, "tokens": 7 },
    "error": "CUSTOM_ERROR",
  });
  let failure = json!({ "isError": true, "errorInfo": error("ERROR") });
  let failed = |kind: &str, at: i64, members: Value| {
    let mut event = event(kind, at, members);
    event.as_object_mut().unwrap().extend(failure.as_object().unwrap().clone());
    event
  };
  let carrier = json!({ "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate": "a=TRACESTATE" });
  vec![
    event(
      "run_start",
      1,
      json!({ "workflowName": "w", "input": { "a": "INPUT_1", "metadata": { "RUN_METADATA_NAME": "RUN_METADATA" } }, "$traceCarrier": carrier }),
    ),
    event(
      "log",
      2,
      json!({ "level": "info", "message": "LOG_LINE_1",
      "attributes": { "note": "LOG_LINE_2", "error": error("LOG_ERROR_1"), "failed": error("LOG_ERROR_2"), "deep": [{ "cause": "LOG_ERROR_3" }] } }),
    ),
    event("operation_start", 3, json!({ "operationKind": "prompt", "$traceCarrier": carrier })),
    event(
      "turn_request",
      4,
      json!({ "purpose": "agent", "request": { "requestedModel": "m", "input": {
      "systemPrompt": "SYSTEM",
      "messages": [{ "role": "user", "content": "INPUT_2" }, { "role": "assistant", "content": thoughts("REASONING_1") }],
      "tools": [{ "name": "TOOLS_NAME", "description": "TOOLS_DESCRIPTION", "parameters": { "type": "TOOLS_SCHEMA" } }],
    } } }),
    ),
    failed(
      "turn",
      5,
      json!({ "request": { "requestedModel": "m" }, "response": { "output": { "role": "assistant",
      "content": [{ "type": "thinking", "thinking": "REASONING_2" }, { "type": "text", "text": "OUTPUT_1" }] } } }),
    ),
    event(
      "tool_start",
      6,
      json!({ "toolName": "t", "toolCallId": "call_1", "args": { "a": "INPUT_3" } }),
    ),
    failed("tool", 7, json!({ "toolName": "t", "toolCallId": "call_1", "result": "OUTPUT_2" })),
    event(
      "task_start",
      8,
      json!({ "taskId": "task_1", "prompt": "INPUT_4", "agent": "a", "cwd": "/CWD" }),
    ),
    failed("task", 9, json!({ "taskId": "task_1", "agent": "a", "result": "OUTPUT_3" })),
    failed(
      "operation",
      10,
      json!({ "operationKind": "prompt", "agentInput": { "text": "INPUT_5" }, "agentOutput": "OUTPUT_4" }),
    ),
    failed("run_end", 11, json!({ "result": "OUTPUT_5" })),
    json!({ "type": "span_start", "timestamp": 12, "spanId": "00112233445566778899aabbccddeeff",
      "rootSpanId": "ffeeddccbbaa99887766554433221100", "span": custom }),
  ]
}

/// The rows that are sent with these switches off, as text.
fn sent(off: &[&str]) -> String {
  let switches: serde_json::Map<_, _> =
    off.iter().map(|member| ((*member).to_owned(), json!(false))).collect();
  let policy: ContentPolicy = serde_json::from_value(switches.into()).unwrap();
  let rules = serde_json::from_value(json!({})).unwrap();
  let redactor = Redactor::new(&rules, policy.reasoning, policy.errors).unwrap();
  let mut translator = Translator::new(Options::default());
  let mut out = Vec::new();
  for event in events() {
    let text = event.to_string();
    let mut event = flue_event::decode(&text, 0).unwrap();
    event.apply_content_policy(policy);
    out.extend(rows_of(translator.translate(&event), redactor.as_ref()));
  }
  out.extend(rows_of(translator.close_all(20), redactor.as_ref()));
  String::from_utf8(out).unwrap()
}

fn rows_of(rows: Vec<Row>, redactor: Option<&Redactor>) -> Vec<u8> {
  let mut out = Vec::new();
  for mut row in rows {
    if let Some(redactor) = redactor {
      redactor.row(&mut row);
    }
    write_row(&mut out, &row, &[]);
  }
  out
}

/// The members that the lines of the table name, in their order.
fn members_in_table() -> Vec<&'static str> {
  let (_, table) = PAGE.split_once("| Member of `content`").unwrap();
  let lines = table.lines().skip(2).take_while(|line| line.starts_with('|'));
  lines
    .map(|line| line.trim_end_matches(['|', ' ']).rsplit('|').next().unwrap())
    .map(|cell| cell.split('`').nth(1).unwrap())
    .collect()
}

/// The texts in the events that begin with `line`, each once.
fn planted(line: &str) -> Vec<String> {
  let text: String = events().iter().map(Value::to_string).collect();
  let mut found: Vec<String> = text
    .split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
    .filter(|word| {
      *word == line || word.strip_prefix(line).is_some_and(|rest| rest.starts_with('_'))
    })
    .map(str::to_owned)
    .collect();
  found.sort();
  found.dedup();
  found
}

#[test]
fn each_switch_removes_what_the_table_of_the_page_says_and_nothing_else() {
  let members = members_in_table();
  assert_eq!(members.len(), LINES.len());
  for off in MEMBERS {
    let sent = sent(&[off]);
    for ((line, others), member) in LINES.iter().zip(&members) {
      let is_removed = *member == off || others.contains(&off);
      for text in planted(line) {
        // Where several members apply, each removes a part.
        let is_partly = others.contains(&off) && *member != off;
        assert!(is_partly || contains(&sent, &text) != is_removed, "{text} without {off}");
      }
    }
  }
}

#[test]
fn all_that_the_table_lists_is_sent_by_default_and_nothing_of_it_without_content() {
  let (all, none) = (sent(&[]), sent(&MEMBERS));
  for (line, _) in LINES {
    let planted = planted(line);
    assert!(!planted.is_empty(), "{line}");
    for text in planted {
      assert!(contains(&all, &text), "{text} is not sent");
      assert!(!contains(&none, &text), "{text} without content");
    }
  }
  assert!(none.contains("\"tokens\":7"));
}

/// Whether a text contains a word.
fn contains(text: &str, word: &str) -> bool {
  text
    .split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
    .any(|found| found == word)
}
