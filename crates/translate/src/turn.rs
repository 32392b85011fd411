//! Model turns: `turn_request`, the first delta, `turn`.

use crate::{
  activity::Activity,
  compaction, content,
  conversation::Whole,
  error, facts,
  history::InputWindow,
  identity, messages,
  open_span::{NewSpan, Told},
  options::TurnInput,
  placement::{Look, Parent, Place, Start},
  state::State,
  usage,
};
use braintrust_row::{Row, SpanType, time};
use flue_event::{Event, Ids, Model, TurnEnd, TurnRequest};

/// `turn_request`.
pub fn request(state: &mut State, event: &Event<'_>, request: &TurnRequest<'_>) -> Vec<Row> {
  let purpose = request.purpose.as_deref();
  // Before anything can fail: the conversation's next request builds on this one.
  let whole = go_on(state, event, request);
  let new = new_span(state, event, purpose, &request.model, Start::At(event.at));
  let Some(mut row) = new.and_then(|new| state.tree.open(new)) else { return Vec::new() };
  write_request(&mut row, event, purpose, &request.model);
  match whole {
    Some(whole) => write_whole_input(&mut row, &whole, state.options.turn_input),
    None => write_input(state, &mut row, &event.ids, request),
  }
  let mut rows = vec![row];
  if event.is_0x && !compacts(purpose) {
    rows.extend(operation_asked(state, &event.ids, request));
  }
  rows
}

/// On 0.x only the first turn of an operation has the operation's input. A later attempt is asked to continue,
/// which is not the input.
fn operation_asked(state: &mut State, ids: &Ids<'_>, request: &TurnRequest<'_>) -> Option<Row> {
  let open = state.tree.get_mut(&Activity::operation(ids)?)?;
  let first = !std::mem::replace(&mut open.told.asked, true);
  if !first || open.look.is_none() || !matches!(open.start, Start::At(_)) {
    return None;
  }
  let mut row = Row::of(open.place.span);
  row.input = Some(content::last_user_text(request.messages)?);
  Some(row)
}

/// The next request of the conversation is complete.
pub fn forget_history(state: &mut State, event: &Event<'_>) -> Vec<Row> {
  if let Some(conversation) = &event.ids.conversation {
    state.conversations.forget(conversation);
  }
  Vec::new()
}

/// The model begins to respond.
pub fn first_delta(state: &mut State, event: &Event<'_>) -> Vec<Row> {
  let turn = Activity::turn(&event.ids);
  let Some(open) = turn.and_then(|turn| state.tree.get(&turn)) else { return Vec::new() };
  let mut row = Row::of(open.place.span);
  let waited = event.at.saturating_sub(open.start.time()).max(0);
  row.metric("time_to_first_token", Some(time::seconds(waited)));
  vec![row]
}

/// A tool of the turn starts: the model has responded. On 0.x the end of the turn is reported only after its
/// tools have run.
pub fn answered(state: &mut State, event: &Event<'_>) {
  let turn = Activity::turn(&event.ids);
  if let Some(open) = turn.and_then(|turn| state.tree.get_mut(&turn)) {
    open.answered.get_or_insert(event.at);
  }
}

/// `turn`.
pub fn end(state: &mut State, event: &Event<'_>, end: &TurnEnd<'_>) -> Vec<Row> {
  let TurnEnd { purpose, model, response, outcome } = end;
  let purpose = purpose.as_deref();
  let Some(activity) = Activity::turn(&event.ids) else { return Vec::new() };
  let known = state.tree.get(&activity).map(|open| (open.start.time(), open.answered));
  let (start, answered) = known.unwrap_or_else(|| (outcome.start(event.at), None));
  let took = answered.map_or(outcome.duration, |at| Some((at - start) as f64));
  let ended_at = took.map_or(event.at, |took| start.saturating_add(took as i64));

  let new = new_span(state, event, purpose, model, Start::At(start));
  let Some(new) = new else { return Vec::new() };
  state.tree.open_unseen(new);
  let mut closed = state.tree.close(&activity, ended_at);
  if let Some(row) = &mut closed.row {
    write_request(row, event, purpose, model);
    row.fact("model", facts::text(response.model.as_deref()));
    row.fact("flue.response_id", facts::text(response.id.as_deref()));
    row.fact("flue.stop_reason", facts::text(response.finish_reason.as_deref()));
    error::outcome(row, outcome);
    row.metric("duration_ms", took);
    let finish = response.finish_reason.as_deref();
    row.output = messages::output(state.options.messages, response.output, finish);
    if let Some(used) = &response.usage {
      usage::write(row, used);
    }
    if let Some(told) = told_of_operation(state, &event.ids) {
      if let Some(used) = &response.usage {
        usage::add(&mut told.used, used);
      }
      if !compacts(purpose) {
        told.answered = content::text_of(response.output);
      }
    }
  }
  closed.into_rows()
}

fn told_of_operation<'s>(state: &'s mut State, ids: &Ids<'_>) -> Option<&'s mut Told> {
  Some(&mut state.tree.get_mut(&Activity::operation(ids)?)?.told)
}

/// Completes a request that has only what is new. `None` if it is complete already.
pub fn go_on(state: &mut State, event: &Event<'_>, request: &TurnRequest<'_>) -> Option<Whole> {
  let (delta, conversation) = (request.delta?, event.ids.conversation.as_deref()?);
  Some(state.conversations.go_on(conversation, delta, request, state.options.messages))
}

fn write_whole_input(row: &mut Row, whole: &Whole, turn_input: TurnInput) {
  row.fact("tools", whole.tools.clone());
  match turn_input {
    TurnInput::Full => row.input = Some(whole.input()),
    TurnInput::Delta => {
      let window = whole.window();
      row.input = Some(whole.input_from(window));
      write_window(row, window);
    }
  }
}

/// Writes the messages: all of them, or those that the conversation's previous turn did not have.
fn write_input(state: &mut State, row: &mut Row, ids: &Ids<'_>, request: &TurnRequest<'_>) {
  let form = state.options.messages;
  row.fact("tools", messages::tools(form, request.tools));
  if state.options.turn_input == TurnInput::Full || compacts(request.purpose.as_deref()) {
    row.input = messages::input(form, request.system_prompt, request.messages);
    return;
  }
  let list = content::list(request.messages);
  let window = state.histories.advance(ids, &list);
  let prompt = request.system_prompt.filter(|_| window.offset == 0);
  let shown = list.get(window.offset..).unwrap_or_default();
  row.input = Some(messages::input_of(form, prompt, shown));
  write_window(row, window);
}

fn write_window(row: &mut Row, window: InputWindow) {
  row.fact("flue.input_mode", facts::text(Some(window.mode())));
  row.fact("flue.input_message_offset", facts::number(Some(window.offset as f64)));
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
  let compaction = if compacts(purpose) { compaction::running(state, ids) } else { None };
  let parent = compaction.unwrap_or_else(|| Parent::from(enclosing));
  let name = format!("llm:{}", model.name.as_deref().unwrap_or("unknown"));
  Some(NewSpan {
    activity: Activity::Turn(turn.to_owned()),
    place: Place { span, parent },
    look: Some(Look::new(SpanType::Llm, name)),
    start,
  })
}

/// Whether the turn summarises a conversation instead of continuing it.
fn compacts(purpose: Option<&str>) -> bool {
  purpose.is_some_and(|purpose| purpose.starts_with("compaction"))
}

fn write_request(row: &mut Row, event: &Event<'_>, purpose: Option<&str>, model: &Model<'_>) {
  facts::ids(row, &event.ids);
  row.fact("model", facts::text(model.name.as_deref()));
  row.fact("provider", facts::text(model.provider.as_deref()));
  row.fact("reasoning_effort", facts::text(model.reasoning.as_deref()));
  row.fact("max_tokens", facts::number(model.max_tokens));
  row.fact("temperature", facts::number(model.temperature));
  row.fact("flue.api", facts::text(model.api.as_deref()));
  row.fact("flue.turn_purpose", facts::text(purpose));
}
