//! Which messages the input of a turn shows, whether its request arrives complete or as a delta.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::trace::Trace;
use crate::{Options, Translator, TurnInput};
use braintrust_row::SpanType;

/// The largest full input of these tests, in bytes.
const LIMIT: usize = 400;
const AUTO: TurnInput = TurnInput::Auto { max_full_bytes: LIMIT };

/// A request of one conversation.
#[derive(Clone, Debug)]
struct Request {
  messages: Vec<String>,
  /// How many messages, from the first on, the previous request has as well.
  kept: usize,
  /// Whether there is room for its span.
  has_room: bool,
}

fn translator(turn_input: TurnInput) -> Translator {
  Translator::new(Options { turn_input, ..Options::default() })
}

fn message(text: &str) -> Value {
  json!({"role": "user", "content": text})
}

/// The event of a request, complete or as a delta.
fn event(turn: usize, request: &Request, is_delta: bool) -> String {
  let from = if is_delta { request.kept } else { 0 };
  let messages = request.messages[from..].iter().map(|text| message(text));
  let mut input = json!({"messages": messages.collect::<Vec<_>>()});
  if is_delta {
    let is_first = turn == 0;
    input["$history"] =
      json!({"kept": request.kept, "systemPrompt": !is_first, "tools": !is_first});
  }
  if !is_delta || turn == 0 {
    input["systemPrompt"] = json!("Be brief.");
  }
  json!({
    "v": 3, "type": "turn_request", "turnId": format!("turn_{turn}"), "operationId": "op_1",
    "conversationId": "conv_1", "purpose": "agent", "timestamp": "2026-11-23T07:02:44.633Z",
    "request": {"requestedModel": "m", "input": input},
  })
  .to_string()
}

/// What the turns show: their span id, their input, how it is shortened.
fn shown(
  turn_input: TurnInput,
  requests: &[Request],
  is_delta: bool,
) -> Vec<(String, Vec<Value>, Option<Value>)> {
  let mut translator = translator(turn_input);
  let mut shown = Vec::new();
  for (turn, request) in requests.iter().enumerate() {
    let text = event(turn, request, is_delta);
    let event = flue_event::decode(&text, 0).unwrap();
    if !request.has_room {
      translator.ignore(&event);
      continue;
    }
    for row in translator.translate(&event) {
      let Some(input) = &row.input else { continue };
      let input: Vec<Value> = serde_json::from_str(&input.as_str()).unwrap();
      let offset = row.metadata.get("flue.input_message_offset");
      let offset = offset.map(|offset| serde_json::from_str(&offset.as_str()).unwrap());
      shown.push((row.span.span().to_string(), input, offset));
    }
  }
  shown
}

/// The offsets of the inputs of a conversation, each turn in a trace of its own from `apart` on.
fn offsets(turn_input: TurnInput, apart: usize, is_delta: bool) -> Vec<Option<String>> {
  let options = Options { turn_input, may_leave_out: true, ..Options::default() };
  let mut translator = Translator::new(options);
  let offset_of = |(turn, request): (usize, &Request)| {
    let operation = format!("\"operationId\":\"op_{}\"", turn.max(apart));
    let text = event(turn, request, is_delta).replace("\"operationId\":\"op_1\"", &operation);
    let rows = translator.translate(&flue_event::decode(&text, 0).unwrap());
    let row = rows.into_iter().find(|row| row.input.is_some()).unwrap();
    assert!(
      row.metadata.contains("flue.input_mode") || row.input.unwrap().as_str().contains("0 xx")
    );
    row.metadata.get("flue.input_message_offset").map(|offset| offset.as_str().into_owned())
  };
  growing(6).iter().enumerate().map(offset_of).collect()
}

#[test]
fn where_traces_may_be_left_out_an_input_leaves_out_only_what_its_own_trace_shows() {
  for is_delta in [true, false] {
    let shortened = |offset: &str| Some(offset.to_owned());
    let expected = [None, None, shortened("2"), shortened("3"), None, None];
    assert_eq!(offsets(AUTO, 3, is_delta), expected, "{is_delta}");
    let expected = ["0", "1", "2", "3", "0", "0"].map(shortened);
    assert_eq!(offsets(TurnInput::Delta, 3, is_delta), expected, "{is_delta}");
  }
}

#[test]
fn a_system_prompt_that_changes_is_shown_once_by_a_delta() {
  for is_delta in [true, false] {
    let mut translator = translator(TurnInput::Delta);
    let input_of = |(turn, request): (usize, &Request)| {
      let mut event: Value = serde_json::from_str(&event(turn, request, is_delta)).unwrap();
      let input = &mut event["request"]["input"];
      if turn >= 2 && (turn == 2 || !is_delta) {
        input["systemPrompt"] = json!("Be kind.");
      }
      if turn == 2 && is_delta {
        input["$history"]["systemPrompt"] = json!(false);
      }
      let rows = translator.translate(&flue_event::decode(&event.to_string(), 0).unwrap());
      let input = rows.into_iter().find_map(|row| row.input).unwrap();
      let input: Vec<Value> = serde_json::from_str(&input.as_str()).unwrap();
      let prompt = input.iter().find(|message| message["role"] == "system");
      (prompt.map(|prompt| prompt["content"].clone()), input.len())
    };
    let inputs: Vec<_> = growing(4).iter().enumerate().map(input_of).collect();
    let [brief, kind] = ["Be brief.", "Be kind."].map(|prompt| Some(json!(prompt)));
    assert_eq!(inputs, [(brief, 2), (None, 1), (kind, 2), (None, 1)], "{is_delta}");
  }
}

#[test]
fn a_delta_shows_messages_of_a_request_without_a_span() {
  for is_delta in [true, false] {
    let mut requests = growing(4);
    requests[1].has_room = false;
    let shown = shown(TurnInput::Delta, &requests, is_delta);
    let lengths = shown.iter().map(|(_, input, offset)| (input.len(), offset.clone().unwrap()));
    let expected = [(2, json!(0)), (2, json!(1)), (1, json!(3))];
    assert_eq!(lengths.collect::<Vec<_>>(), expected, "{is_delta}");
  }
}

fn growing(turns: usize) -> Vec<Request> {
  let texts: Vec<String> = (0..turns).map(|turn| format!("{turn} {}", "x".repeat(100))).collect();
  let request =
    |turn: usize| Request { messages: texts[..=turn].to_vec(), kept: turn, has_room: true };
  (0..turns).map(request).collect()
}

#[test]
fn a_long_conversation_shows_the_system_prompt_a_note_and_what_is_new() {
  let shown = shown(AUTO, &growing(6), true);
  let system = json!({"role": "system", "content": "Be brief."});
  for (turn, (_, input, offset)) in shown.iter().take(2).enumerate() {
    assert_eq!((input.len(), offset), (turn + 2, &None));
  }
  let full = &shown[1].0;
  let (third, fifth) = (&shown[2], &shown[4]);
  assert_eq!(third.1[0], system);
  let note =
    format!("[flue-braintrust: earlier messages left out: 2; the input of span {full} has them]");
  assert_eq!(third.1[1], json!({"role": "system", "content": note}));
  assert_eq!(third.1.len(), 3);
  assert_eq!(third.2, Some(json!(2)));
  let note = format!(
    "[flue-braintrust: earlier messages left out: 4; the input of span {full} has the first 2, \
     those of the later turns up to span {} have the others]",
    shown[3].0
  );
  assert_eq!(fifth.1[1], json!({"role": "system", "content": note}));
  assert_eq!(fifth.1.len(), 3);
}

#[test]
fn a_history_that_begins_anew_is_shown_in_full() {
  let mut requests = growing(5);
  let summary = vec!["summary".repeat(90), "next".to_owned()];
  requests.push(Request { messages: summary, kept: 0, has_room: true });
  let shown = shown(AUTO, &requests, true);
  assert_eq!(shown[4].2, Some(json!(4)));
  assert_eq!((shown[5].1.len(), &shown[5].2), (3, &None));
}

#[test]
fn messages_of_a_request_without_a_span_are_shown_by_the_next_turn() {
  for is_delta in [true, false] {
    let mut requests = growing(6);
    requests[3].has_room = false;
    let shown = shown(AUTO, &requests, is_delta);
    // The third turn shows the first three messages; the fourth has no span.
    assert_eq!((shown[3].1.len(), &shown[3].2), (4, &Some(json!(3))));
    assert_eq!(shown[4].2, Some(json!(5)));
  }
}

#[test]
fn a_request_that_is_observed_twice_leaves_the_inputs_of_all_turns_as_they_are() {
  let inputs = |turn_input, is_delta: bool, times: usize| {
    let mut translator = translator(turn_input);
    let mut trace = Trace::default();
    for (turn, request) in growing(6).iter().enumerate() {
      for time in 0..times {
        // What JavaScript sends for the second: nothing is new.
        let kept = if time == 0 { request.kept } else { request.messages.len() };
        let text = event(turn, &Request { kept, ..request.clone() }, is_delta);
        trace.take(translator.translate(&flue_event::decode(&text, 0).unwrap()));
      }
    }
    let rows = trace.rows.values().filter(|row| row.kind == Some(SpanType::Llm));
    rows.map(|row| format!("{:?} {:?}", row.input, row.metadata)).collect::<Vec<_>>()
  };
  for turn_input in [TurnInput::Full, TurnInput::Delta, AUTO] {
    for is_delta in [true, false] {
      let once = inputs(turn_input, is_delta, 1);
      assert_eq!(once.len(), 6);
      assert_eq!(inputs(turn_input, is_delta, 2), once, "{turn_input:?} {is_delta}");
    }
  }
}

/// Histories that grow, shrink and are edited.
fn requests() -> impl Strategy<Value = Vec<Request>> {
  let fresh = prop::collection::vec("[a-c]{0,120}", 0..4);
  let edit = (0usize..10, 0usize..8, fresh, prop::bool::weighted(0.8));
  prop::collection::vec(edit, 1..30).prop_map(|edits| {
    let mut messages: Vec<String> = Vec::new();
    edits
      .into_iter()
      .map(|(kind, at, fresh, has_room)| {
        let before = messages.clone();
        let at = at.min(messages.len());
        match kind {
          0 => messages.truncate(at),
          1 => drop(messages.drain(..at)),
          _ => {}
        }
        messages.extend(fresh);
        let kept = before.iter().zip(&messages).take_while(|(old, new)| old == new).count();
        Request { messages: messages.clone(), kept, has_room }
      })
      .collect()
  })
}

proptest! {
  #[test]
  fn a_delta_is_shown_as_the_complete_request_is(requests in requests()) {
    prop_assert_eq!(shown(AUTO, &requests, true), shown(AUTO, &requests, false));
  }

  /// Whatever is left out stands where the note says.
  #[test]
  fn what_a_turn_leaves_out_stands_in_earlier_inputs(requests in requests()) {
    for turn_input in [AUTO, TurnInput::Delta] {
      let shown = shown(turn_input, &requests, true);
      let requests: Vec<_> = requests.iter().filter(|request| request.has_room).collect();
      prop_assert_eq!(shown.len(), requests.len());
      let mut history: Vec<Value> = Vec::new();
      for ((_, input, offset), request) in shown.iter().zip(requests) {
        let offset = offset.as_ref().and_then(Value::as_u64).unwrap_or(0) as usize;
        // The system prompt, and with `auto` the note.
        let head = input.iter().filter(|message| message["role"] == "system").count();
        history.truncate(offset);
        prop_assert_eq!(history.len(), offset);
        history.extend_from_slice(&input[head..]);
        let all: Vec<Value> = request.messages.iter().map(|text| message(text)).collect();
        prop_assert_eq!(&history, &all);
      }
    }
  }
}
