use super::{Form, assistant_content, chat, input, output, raw};

#[test]
fn the_system_prompt_is_the_first_message_in_both_forms() {
  let of = |form| {
    let messages = raw(r#"[{"role":"user","content":"hi"}]"#);
    input(form, Some(raw(r#""Be brief.""#)), Some(messages)).unwrap()
  };
  let written = r#"[{"role":"system","content":"Be brief."},{"role":"user","content":"hi"}]"#;
  assert_eq!(of(Form::OpenAi).as_str(), written);
  assert_eq!(of(Form::Flue).as_str(), written);
}

#[test]
fn missing_messages_are_no_input() {
  for form in [Form::OpenAi, Form::Flue] {
    assert_eq!(input(form, None, None), None);
    assert_eq!(input(form, Some(raw("null")), Some(raw("null"))), None);
    let prompt_alone = input(form, Some(raw(r#""p""#)), None).unwrap();
    assert_eq!(prompt_alone.as_str(), r#"[{"role":"system","content":"p"}]"#);
    let empty = input(form, Some(raw(r#""p""#)), Some(raw("[ ]"))).unwrap();
    assert_eq!(empty, prompt_alone);
    assert_eq!(input(form, None, Some(raw("[]"))).unwrap().as_str(), "[]");
  }
}

#[test]
fn messages_that_are_not_a_list_are_copied() {
  for form in [Form::OpenAi, Form::Flue] {
    let odd = Some(raw(r#"{"a":1}"#));
    assert_eq!(input(form, None, odd).unwrap().as_str(), r#"{"a":1}"#);
    assert_eq!(
      input(form, Some(raw(r#""p""#)), odd).unwrap().as_str(),
      r#"[{"role":"system","content":"p"},{"a":1}]"#
    );
  }
}

#[test]
fn the_form_of_flue_is_copied_byte_for_byte() {
  let list =
    r#"[ {"role":"user", "content":[{"type":"text","text":"\u0041","textSignature":"s"}]},7]"#;
  assert_eq!(input(Form::Flue, None, Some(raw(list))).unwrap().as_str(), list);
  let answer = r#"{"role":"assistant", "content":[{"type":"thinking","thinking":"","thinkingSignature":"s"}]}"#;
  let written = output(Form::Flue, Some(raw(answer)), Some("stop")).unwrap();
  assert_eq!(written.as_str(), answer);
}

#[test]
fn a_users_only_text_becomes_the_content() {
  let text = r#"{"role":"user","content":"h\u00ef\n"}"#;
  assert_eq!(chat(text), text);
  let part =
    r#"{"role":"user","content":[{"type":"text","text":"h\u00ef\n","textSignature":"s"}]}"#;
  assert_eq!(chat(part), text);
}

#[test]
fn a_users_several_parts_stay_parts() {
  assert_eq!(
    chat(
      r#"{"role":"user","content":[{"type":"text","text":"a"},{"type":"file","path":"b"},{"type":"text"}]}"#
    ),
    r#"{"role":"user","content":[{"type":"text","text":"a"},{"type":"file","path":"b"},{"type":"text"}]}"#
  );
  assert_eq!(chat(r#"{"role":"user","content":[]}"#), r#"{"role":"user","content":[]}"#);
}

#[test]
fn an_assistants_texts_become_one_without_their_signatures() {
  assert_eq!(
    assistant_content(
      r#"[{"type":"text","text":"one \"","textSignature":"s"},{"type":"text","text":""},{"type":"text","text":"\\two"}]"#
    ),
    r#""one \"\n\\two""#
  );
  assert_eq!(assistant_content(r#""plain""#), r#""plain""#);
}

#[test]
fn an_assistant_with_calls_alone_has_no_content() {
  assert_eq!(
    assistant_content(
      r#"[{"type":"toolCall","id":"c1","name":"tide","arguments":{"harbor":"Grey \"N\"", "day":3},"thoughtSignature":"s"}]"#
    ),
    r#"null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"tide","arguments":"{\"harbor\":\"Grey \\\"N\\\"\", \"day\":3}"}}]"#
  );
}

#[test]
fn arguments_that_are_a_string_are_copied() {
  assert_eq!(
    assistant_content(r#"[{"type":"toolCall","id":"c1","name":"tide","arguments":"{\"harb"}]"#),
    r#"null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"tide","arguments":"{\"harb"}}]"#
  );
}

#[test]
fn a_call_needs_neither_id_nor_arguments() {
  assert_eq!(
    assistant_content(r#"[{"type":"text","text":"go"},{"type":"toolCall","name":"tide"}]"#),
    r#""go","tool_calls":[{"type":"function","function":{"name":"tide","arguments":"{}"}}]"#
  );
}

#[test]
fn thinking_becomes_reasoning_without_its_signatures() {
  assert_eq!(
    assistant_content(
      r#"[{"type":"thinking","thinking":"Look.","thinkingSignature":"s"},{"type":"text","text":"a"},{"type":"thinking","thinking":"Then."}]"#
    ),
    r#""a","reasoning":[{"content":"Look."},{"content":"Then."}]"#
  );
}

#[test]
fn redacted_reasoning_is_marked_or_omitted() {
  assert_eq!(
    assistant_content(
      r#"[{"type":"thinking","thinking":"","redacted":true},{"type":"thinking","thinking":"[r]","redacted":true}]"#
    ),
    r#"null,"reasoning":[{"content":"[Reasoning redacted]","redacted":true},{"content":"[r]","redacted":true}]"#
  );
  assert_eq!(
    assistant_content(r#"[{"type":"thinking","thinking":"","thinkingSignature":"s"}]"#),
    "null"
  );
}

#[test]
fn an_assistants_part_of_another_kind_stays_beside_its_texts() {
  assert_eq!(
    assistant_content(
      r#"[{"type":"text","text":"a"},{"type":"audio","id":7},{"type":"thinking","thinking":"t"}]"#
    ),
    r#"[{"type":"text","text":"a"},{"type":"audio","id":7}],"reasoning":[{"content":"t"}]"#
  );
}

#[test]
fn a_tools_result_answers_its_call_as_text() {
  assert_eq!(
    chat(
      r#"{"role":"toolResult","toolCallId":"c1","toolName":"tide","content":[{"type":"text","text":"3.6 m"},{"type":"text","text":"high"}],"isError":false}"#
    ),
    r#"{"role":"tool","tool_call_id":"c1","name":"tide","content":"3.6 m\nhigh"}"#
  );
  assert_eq!(
    chat(r#"{"role":"toolResult","toolCallId":"c1","content":[]}"#),
    r#"{"role":"tool","tool_call_id":"c1","content":""}"#
  );
}

#[test]
fn a_tools_failure_stays_visible() {
  assert_eq!(
    chat(r#"{"role":"toolResult","toolCallId":"c1","content":"offline","isError":true}"#),
    r#"{"role":"tool","tool_call_id":"c1","content":"offline","is_error":true}"#
  );
}

#[test]
fn a_tools_part_of_another_kind_stays_beside_its_texts() {
  assert_eq!(
    chat(
      r#"{"role":"toolResult","toolCallId":"c1","content":[{"type":"text","text":"a"},{"type":"resource","uri":"u"}]}"#
    ),
    r#"{"role":"tool","tool_call_id":"c1","content":[{"type":"text","text":"a"},{"type":"resource","uri":"u"}]}"#
  );
}

#[test]
fn values_that_are_not_messages_of_flue_are_copied() {
  for text in [
    r#"{"role":"signal","content":[{"type":"text","text":"a"}]}"#,
    r#"{"role":"developer","content":"d"}"#,
    r#"{"role":"user"}"#,
    r#"{"role":"toolResult","content":[]}"#,
    r#"{"role":"user","content":"a","content":"b"}"#,
    r#"["user","x"]"#,
    "[]",
    "{}",
    r#""user""#,
    "7",
    "null",
  ] {
    assert_eq!(chat(text), text);
  }
}

#[test]
fn content_that_is_neither_text_nor_list_is_copied() {
  for role in ["user", "assistant"] {
    let text = format!(r#"{{"role":"{role}","content":{{"odd":[1]}}}}"#);
    assert_eq!(chat(&text), text);
  }
}

#[test]
fn an_output_is_the_only_choice_with_its_finish_reason() {
  let of = |reason| {
    let answer = raw(r#"{"role":"assistant","content":[{"type":"text","text":"a"}]}"#);
    output(Form::OpenAi, Some(answer), reason).unwrap().as_str().into_owned()
  };
  assert_eq!(
    of(Some("stop")),
    r#"[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"a"}}]"#
  );
  for (flues, ours) in [
    (Some("toolUse"), r#""tool_calls""#),
    (Some("length"), r#""length""#),
    (Some("error"), r#""error""#),
    (Some("aborted"), r#""aborted""#),
    (Some("new \"one\""), r#""new \"one\"""#),
    (None, "null"),
  ] {
    assert!(of(flues).contains(&format!(r#""finish_reason":{ours},"#)));
  }
}

#[test]
fn an_output_without_content_is_empty_and_a_missing_one_is_none() {
  let empty = raw(r#"{"role":"assistant","content":[]}"#);
  assert_eq!(
    output(Form::OpenAi, Some(empty), Some("error")).unwrap().as_str(),
    r#"[{"index":0,"finish_reason":"error","message":{"role":"assistant","content":null}}]"#
  );
  assert_eq!(output(Form::OpenAi, None, Some("error")), None);
  assert_eq!(output(Form::Flue, Some(raw("null")), None), None);
}

#[test]
fn an_output_of_another_shape_is_copied() {
  let of = |answer| output(Form::OpenAi, Some(raw(answer)), None).unwrap().as_str().into_owned();
  assert_eq!(of(r#""text""#), r#""text""#);
  assert_eq!(
    of(r#"{"content":[{"type":"text","text":"a"}]}"#),
    r#"[{"index":0,"finish_reason":null,"message":{"role":"assistant","content":"a"}}]"#
  );
  assert_eq!(
    of(r#"{"role":"oracle","says":1}"#),
    r#"[{"index":0,"finish_reason":null,"message":{"role":"oracle","says":1}}]"#
  );
}
