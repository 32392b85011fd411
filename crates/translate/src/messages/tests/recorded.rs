//! Turns of real Flue runs, copied from recordings.

use serde_json::value::RawValue;

use super::{Form, PIXEL, input, output, raw};

/// One message per line.
fn lines(json: &braintrust_row::Json) -> String {
  let text = json.as_str();
  let all: Vec<&RawValue> = serde_json::from_str(&text).unwrap();
  let all: Vec<&str> = all.into_iter().map(RawValue::get).collect();
  all.join("\n")
}

/// 2.1.0, multi-turn-tools-thinking: the turn after three tools.
const THINKING: &str = r#"[{"role":"user","content":[{"type":"text","text":"Compare the two harbors for day 3."}]},{"role":"assistant","content":[{"type":"thinking","thinking":"I should look at the tide table first, then compare with the neighbouring harbor."},{"type":"text","text":"Checking the table."},{"type":"toolCall","id":"call_a1","name":"tide_lookup","arguments":{"harbor":"Saltpan Quay","day":3}}]},{"role":"toolResult","toolCallId":"call_a1","toolName":"tide_lookup","content":[{"type":"text","text":"{\"harbor\":\"Saltpan Quay\",\"heightM\":3.5999999999999996,\"table\":[\"06:12 high\",\"12:30 low\"]}"}],"isError":false},{"role":"assistant","content":[{"type":"thinking","thinking":"Now the neighbour."},{"type":"toolCall","id":"call_a2","name":"tide_lookup","arguments":{"harbor":"Grey Narrows"}}]},{"role":"toolResult","toolCallId":"call_a2","toolName":"tide_lookup","content":[{"type":"text","text":"{\"harbor\":\"Grey Narrows\",\"heightM\":3.5999999999999996,\"table\":[\"06:12 high\",\"12:30 low\"]}"}],"isError":false},{"role":"assistant","content":[{"type":"text","text":"One more check."},{"type":"toolCall","id":"call_a3","name":"slow_echo","arguments":{"ms":30,"say":"swell 0.4 m"}}]},{"role":"toolResult","toolCallId":"call_a3","toolName":"slow_echo","content":[{"type":"text","text":"\"swell 0.4 m\""}],"isError":false},{"role":"assistant","content":[{"type":"thinking","thinking":"All data is in."},{"type":"text","text":"Saltpan Quay peaks at 3.6 m, Grey Narrows at 3.6 m; swell is 0.4 m."}]},{"role":"user","content":[{"type":"text","text":"Thanks!"}]}]"#;

#[test]
fn a_turn_after_tools_and_reasoning() {
  let prompt = raw(
    r#""You are the harbormaster. Use tools.\n\n## Available Agents\n\nNone.\n\nDate: Mon, Nov 23, 2026""#,
  );
  insta::assert_snapshot!(lines(&input(Form::OpenAi, Some(prompt), Some(raw(THINKING))).unwrap()));
}

/// 2.1.0, tool-failure: tools that fail, that do not exist, two at once.
const FAILURES: &str = r#"[{"role":"user","content":[{"type":"text","text":"Read the gauge."}]},{"role":"assistant","content":[{"type":"toolCall","id":"call_f1","name":"broken_gauge","arguments":{"why":"salt in connector"}}]},{"role":"toolResult","toolCallId":"call_f1","toolName":"broken_gauge","content":[{"type":"text","text":"gauge offline: salt in connector"}],"isError":true},{"role":"assistant","content":[{"type":"toolCall","id":"call_f3","name":"no_such_tool","arguments":{"x":1}}]},{"role":"toolResult","toolCallId":"call_f3","toolName":"no_such_tool","content":[{"type":"text","text":"Tool no_such_tool not found"}],"isError":true},{"role":"assistant","content":[{"type":"toolCall","id":"call_f5","name":"broken_gauge","arguments":{"why":"again"}},{"type":"toolCall","id":"call_f6","name":"tide_lookup","arguments":{"harbor":"Saltpan Quay"}}]},{"role":"toolResult","toolCallId":"call_f5","toolName":"broken_gauge","content":[{"type":"text","text":"gauge offline: again"}],"isError":true},{"role":"toolResult","toolCallId":"call_f6","toolName":"tide_lookup","content":[{"type":"text","text":"{\"harbor\":\"Saltpan Quay\",\"heightM\":3.5999999999999996,\"table\":[\"06:12 high\",\"12:30 low\"]}"}],"isError":false}]"#;

#[test]
fn a_turn_after_tools_that_failed() {
  insta::assert_snapshot!(lines(&input(Form::OpenAi, None, Some(raw(FAILURES))).unwrap()));
}

/// 2.1.0, image-input: images whose bytes Flue omitted.
const WITHHELD: &str = r#"[{"role":"user","content":[{"type":"text","text":"What is on this chart?\n\n<attachments>\n<image id=\"att_0\" mimeType=\"image/png\" />\n</attachments>"},{"type":"image","data":"[image data omitted from event]","mimeType":"image/png"},{"type":"image","data":"[image data omitted from event]","mimeType":"image/png"}]},{"role":"assistant","content":[{"type":"toolCall","id":"call_i1","name":"read","arguments":{"path":"chart.png"}}]},{"role":"toolResult","toolCallId":"call_i1","toolName":"read","content":[{"type":"text","text":"\ufffdPNG\r\n\u001a\n\u0000\u0000\u0000\rIHDR"}],"isError":false}]"#;

#[test]
fn a_turn_with_images_that_flue_omitted() {
  insta::assert_snapshot!(lines(&input(Form::OpenAi, None, Some(raw(WITHHELD))).unwrap()));
  let same = input(Form::Flue, None, Some(raw(WITHHELD))).unwrap();
  assert_eq!(same.as_str(), WITHHELD);
}

/// 0.8.1, workflow-image: images with their bytes.
#[test]
fn a_turn_with_images_that_flue_sent() {
  let messages = format!(
    r#"[{{"role":"user","content":[{{"type":"text","text":"look"}},{{"type":"image","data":"{PIXEL}","mimeType":"image/png"}}]}}]"#
  );
  let both = [Form::OpenAi, Form::Flue].map(|form| {
    let written = input(form, None, Some(raw(&messages))).unwrap();
    format!("{form:?}: {}", lines(&written))
  });
  insta::assert_snapshot!(both.join("\n"));
}

#[test]
fn outputs_with_calls_that_are_aborted_and_that_are_missing() {
  let answers = [
    (
      "toolUse",
      r#"{"role":"assistant","content":[{"type":"thinking","thinking":"Look at the tide table first, then the neighbour."},{"type":"text","text":"Checking the table."},{"type":"toolCall","id":"call_a1","name":"tide_lookup","arguments":{"harbor":"Saltpan Quay","day":3}}]}"#,
    ),
    ("error", r#"{"role":"assistant","content":[{"type":"text","text":"partial ans"}]}"#),
    ("error", r#"{"role":"assistant","content":[]}"#),
    ("length", r#"{"role":"assistant","content":[{"type":"text","text":"trunc"}]}"#),
  ];
  let written = answers
    .map(|(reason, answer)| lines(&output(Form::OpenAi, Some(raw(answer)), Some(reason)).unwrap()));
  insta::assert_snapshot!(written.join("\n"));
}
