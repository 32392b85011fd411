//! Model turns: `turn_request`, `turn`.

use crate::{
  activity::Activity,
  compaction,
  conversations::ExpandedRequest,
  identity, message_text, messages, metadata,
  open_span::NewSpan,
  options::TurnInput,
  outcome,
  placement::{Parent, SpanLabel, SpanPlacement, Start},
  shown_input,
  state::State,
  usage,
};
use braintrust_row::{Row, SpanContext, SpanType, time};
use flue_event::{Event, Ids, Model, TurnEnd, TurnRequest, Usage};

mod late;

/// The name of a turn whose model is not known.
const UNKNOWN: &str = "llm:unknown";

/// `turn_request`.
#[inline(never)]
pub fn request(state: &mut State, event: &Event<'_>, request: &TurnRequest<'_>) -> Vec<Row> {
  let purpose = request.purpose.as_deref();
  // Before anything can fail: the conversation's next request builds on this one.
  let expanded = expand(state, event, request);
  let new = new_span(state, event, purpose, &request.model, Start::At(event.at));
  let Some((turn, new)) = new.map(|new| (new.placement.span, new)) else { return Vec::new() };
  // A duplicate adds nothing to the history, so that its own input would have no new messages.
  let is_duplicate = state.tree.get(&new.activity).is_some();
  let Some(mut row) = state.tree.open(new) else { return Vec::new() };
  write_request(&mut row, event, purpose, &request.model);
  if is_duplicate {
    return vec![row];
  }
  match expanded {
    Some(expanded) => write_expanded_input(state, &mut row, turn, &event.ids, &expanded),
    None => write_input(state, &mut row, turn, event, request),
  }
  let mut rows = vec![row];
  if event.is_0x && !is_compaction(purpose) {
    rows.extend(operation_input(state, &event.ids, request));
  }
  rows
}

/// On 0.x only the first turn of an operation has the operation's input. A later attempt is asked to
/// continue, which is not the input.
fn operation_input(state: &mut State, ids: &Ids<'_>, request: &TurnRequest<'_>) -> Option<Row> {
  let open = state.tree.get_mut(&Activity::operation(ids)?)?;
  let first = !std::mem::replace(&mut open.turn_summary.has_input, true);
  if !first || open.label.is_none() || !matches!(open.start, Start::At(_)) {
    return None;
  }
  let mut row = Row::of(open.placement.span);
  row.input = Some(message_text::last_user_text(request.messages)?);
  Some(row)
}

/// The next request of the conversation comes whole, not as a delta.
#[inline(never)]
pub fn forget_history(state: &mut State, event: &Event<'_>) -> Vec<Row> {
  if let Some(conversation) = &event.ids.conversation {
    state.conversations.forget(conversation);
  }
  Vec::new()
}

/// A tool of the turn starts: the model has responded. On 0.x the end of the turn is reported only after its
/// tools have run.
pub fn responded(state: &mut State, event: &Event<'_>) {
  let turn = Activity::turn(&event.ids);
  if let Some(open) = turn.and_then(|turn| state.tree.get_mut(&turn)) {
    open.responded_at.get_or_insert(event.at);
  }
}

/// `turn`.
#[inline(never)]
pub fn end(state: &mut State, event: &Event<'_>, end: &TurnEnd<'_>) -> Vec<Row> {
  let TurnEnd { purpose, model, first_delta_at, response, outcome } = end;
  let purpose = purpose.as_deref();
  let Some(activity) = Activity::turn(&event.ids) else { return Vec::new() };
  let known = state.tree.get(&activity).map(|open| (open.start.time(), open.responded_at));
  let (start, responded_at) = known.unwrap_or_else(|| (outcome.start(event.at), None));
  let responded = |at: i64| Some(at.saturating_sub(start).max(0) as f64);
  let took = responded_at.map_or(outcome.duration, responded);
  let ended_at = outcome::end(start, took, event.at);

  if state.tree.get(&activity).is_none() {
    let new = new_span(state, event, purpose, model, Start::At(start));
    new.and_then(|new| state.tree.open_implicit(new));
  }
  let mut parent = None;
  if let Some(open) = state.tree.get_mut(&activity) {
    open.name_unless_known(UNKNOWN, || Some(name(model.name.as_deref()?)));
    parent = Some(open.placement.parent.clone());
  }
  let operation = late::operation_of(state, &event.ids, parent.as_ref());
  let mut closed = state.tree.close(&activity, ended_at);
  let mut late = Vec::new();
  if let Some(row) = &mut closed.row {
    write_request(row, event, purpose, model);
    row.set_metadata("model", metadata::text(response.model.as_deref()));
    row.set_metadata("flue.response_id", metadata::text(response.id.as_deref()));
    row.set_metadata("flue.stop_reason", metadata::text(response.finish_reason.as_deref()));
    outcome::write(row, outcome);
    row.set_metric("duration_ms", took);
    // Flue 1.0 and 2.x emit deltas after they are stored: the first may come after the measured end.
    let waited = |at: i64| time::seconds(at.min(ended_at).saturating_sub(start).max(0));
    let waited = first_delta_at.map(waited);
    row.set_metric("time_to_first_token", waited);
    let finish = response.finish_reason.as_deref();
    row.output = messages::output(state.options.messages, response.output, finish);
    if let Some(usage) = &response.usage {
      usage::write(row, usage);
    }
    // The event may not name the operation.
    let operation = operation.unwrap_or_default();
    if let Some(Parent::Span(compaction @ Activity::Compaction(_), span)) = &parent {
      late.extend(late::add_to_compaction(state, compaction, *span, response.usage));
    }
    if let Some(open) = state.tree.get_mut(&Activity::Operation(operation.clone())) {
      let summary = &mut open.turn_summary;
      usage::add(&mut summary.usage, response.usage);
      if !is_compaction(purpose) {
        summary.output = message_text::assistant_text(response.output);
      }
    } else if let Some(usage) = &response.usage {
      late.extend(late::late_usage(state, &event.ids, &operation, usage));
    }
  }
  let mut rows = closed.into_rows();
  rows.extend(late);
  rows
}

/// `message_end`: usage that only the message of the turn reports. It follows the end of its turn, on 0.x it precedes it.
#[inline(never)]
pub fn message_end(state: &State, event: &Event<'_>, usage: Option<&Usage>) -> Vec<Row> {
  let (Some(usage), Some(turn)) = (usage, event.ids.turn.as_deref()) else { return Vec::new() };
  let Some(enclosing) = state.enclosing(&event.ids) else { return Vec::new() };
  let span = identity::turn(enclosing.span.trace, turn);
  let is_open = state.tree.get(&Activity::Turn(turn.to_owned())).is_some();
  if !is_open && !state.tree.has_ended_row(span.row) {
    return Vec::new();
  }
  let mut row = Row::of(span);
  usage::write(&mut row, usage);
  vec![row]
}

/// Completes a request that has only what is new. `None` if it is complete already.
pub fn expand(
  state: &mut State,
  event: &Event<'_>,
  request: &TurnRequest<'_>,
) -> Option<ExpandedRequest> {
  let (delta, conversation) = (request.delta?, event.ids.conversation.as_deref()?);
  Some(state.conversations.apply_delta(conversation, delta, request, state.options.messages))
}

/// Writes the messages of a request that arrived as a delta.
fn write_expanded_input(
  state: &mut State,
  row: &mut Row,
  turn: SpanContext,
  ids: &Ids<'_>,
  expanded: &ExpandedRequest,
) {
  row.set_metadata("tools", expanded.tools.clone());
  let within = state.options.may_leave_out.then_some(turn.trace);
  let (conversation, length) = (ids.conversation.as_deref(), expanded.length());
  match state.options.turn_input {
    TurnInput::Full => row.input = expanded.input(),
    TurnInput::Delta => {
      let offset = expanded.offset(within);
      row.input = expanded.added_input(offset);
      shown_input::write_mode(row, offset);
      if let Some(conversation) = conversation {
        state.conversations.show_added(conversation, turn, length);
      }
    }
    TurnInput::Auto { max_full_bytes } => {
      let left_out = expanded.left_out(max_full_bytes, within);
      row.input = match left_out {
        None => expanded.input(),
        Some(left_out) => {
          left_out.write_metadata(row);
          expanded.shortened_input(left_out)
        }
      };
      if let Some(conversation) = conversation {
        state.conversations.show(conversation, turn, length, left_out, within.is_some());
      }
    }
  }
}

/// Writes the messages of a request that arrived complete.
fn write_input(
  state: &mut State,
  row: &mut Row,
  turn: SpanContext,
  event: &Event<'_>,
  request: &TurnRequest<'_>,
) {
  let (form, turn_input) = (state.options.messages, state.options.turn_input);
  let within = state.options.may_leave_out.then_some(turn.trace);
  row.set_metadata("tools", messages::tools(form, request.tools));
  let full = || messages::input(form, request.system_prompt, request.messages);
  if turn_input == TurnInput::Full || is_compaction(request.purpose.as_deref()) {
    row.input = full();
    return;
  }
  let list = message_text::list(request.messages);
  let previous = state.previous_inputs.advance(&event.ids, event.at, &list);
  if let TurnInput::Auto { max_full_bytes } = turn_input {
    let full = full();
    let exceeds_limit = full.as_ref().is_some_and(|full| full.bytes() > max_full_bytes);
    let left_out = previous.shown.left_out(exceeds_limit, within);
    previous.shown.show(turn, list.len(), left_out);
    row.input = match left_out {
      None => full,
      Some(left_out) => {
        left_out.write_metadata(row);
        let shown = list.get(left_out.messages..).unwrap_or_default();
        let note = left_out.message();
        Some(messages::input_of(form, request.system_prompt, Some(&note), shown))
      }
    };
    return;
  }
  let offset = previous.shown.offset(previous.added_to, within);
  previous.shown.show(turn, list.len(), None);
  let is_shown = previous.replace_system(request.system_prompt) && offset > 0;
  let prompt = request.system_prompt.filter(|_| !is_shown);
  let shown = list.get(offset..).unwrap_or_default();
  row.input = Some(messages::input_of(form, prompt, None, shown));
  shown_input::write_mode(row, offset);
}

fn new_span(
  state: &State,
  event: &Event<'_>,
  purpose: Option<&str>,
  model: &Model<'_>,
  start: Start,
) -> Option<NewSpan> {
  let ids = &event.ids;
  let turn = ids.turn.as_deref()?;
  let enclosing = state.enclosing(ids)?;
  let span = identity::turn(enclosing.span.trace, turn);
  let compaction = if is_compaction(purpose) { compaction::running(state, ids) } else { None };
  let parent = compaction.unwrap_or_else(|| Parent::from(enclosing));
  let name = model.name.as_deref().map_or_else(|| UNKNOWN.to_owned(), name);
  Some(NewSpan {
    activity: Activity::Turn(turn.to_owned()),
    placement: SpanPlacement { span, parent },
    label: Some(SpanLabel::new(SpanType::Llm, name)),
    start,
  })
}

fn name(model: &str) -> String {
  format!("llm:{model}")
}

/// Whether the turn summarises a conversation instead of continuing it.
fn is_compaction(purpose: Option<&str>) -> bool {
  purpose.is_some_and(|purpose| purpose.starts_with("compaction"))
}

fn write_request(row: &mut Row, event: &Event<'_>, purpose: Option<&str>, model: &Model<'_>) {
  metadata::write_ids(row, &event.ids);
  row.set_metadata("model", metadata::text(model.name.as_deref()));
  row.set_metadata("provider", metadata::text(model.provider.as_deref()));
  row.set_metadata("reasoning_effort", metadata::text(model.reasoning.as_deref()));
  row.set_metadata("max_tokens", metadata::number(model.max_tokens));
  row.set_metadata("temperature", metadata::number(model.temperature));
  row.set_metadata("flue.api", metadata::text(model.api.as_deref()));
  row.set_metadata("flue.turn_purpose", metadata::text(purpose));
}
