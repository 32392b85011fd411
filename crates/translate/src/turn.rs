//! Model turns: `turn_request`, the first delta, `turn`.

use super::{
  Translator, TurnInput,
  activity::Activity,
  content,
  conversation::Whole,
  error, facts,
  history::Mode,
  identity, messages,
  tree::{Look, Parent, Place, Start},
  usage,
};
use braintrust_row::time;
use braintrust_row::{Row, SpanType};
use flue_event::{Event, History, Ids, Model, Outcome, Payload, Response};

/// What the model was asked.
pub(super) struct Asked<'a> {
  pub system_prompt: Payload<'a>,
  pub messages: Payload<'a>,
  pub tools: Payload<'a>,
  /// Set when all this is only what is new in the conversation.
  pub history: Option<History>,
}

impl Translator {
  pub(super) fn turn_request(
    &mut self,
    event: &Event<'_>,
    purpose: Option<&str>,
    model: &Model<'_>,
    asked: &Asked<'_>,
  ) -> Vec<Row> {
    // Whatever becomes of the turn: the next request is told by what this one said.
    let whole = self.go_on(event, asked);
    let Some((activity, place)) = self.turn_place(&event.ids, purpose) else { return Vec::new() };
    let start = Start::At(event.at);
    let Some(mut row) = self.tree.open(activity, place, Some(look(model)), start) else {
      return Vec::new();
    };
    request_facts(&mut row, event, purpose, model);
    match whole {
      Some(whole) => self.write_whole_input(&mut row, &whole),
      None => self.write_input(&mut row, &event.ids, purpose, asked),
    }
    let mut rows = vec![row];
    if event.is_0x && !compacts(purpose) {
      rows.extend(self.operation_asked(&event.ids, asked));
    }
    rows
  }

  /// On 0.x only the first turn of an operation tells what was asked of it. A later attempt is asked to
  /// go on, which is not what was asked.
  fn operation_asked(&mut self, ids: &Ids<'_>, asked: &Asked<'_>) -> Option<Row> {
    let operation = Activity::Operation(ids.operation.as_deref()?.to_owned());
    let open = self.tree.get_mut(&operation)?;
    let first = !std::mem::replace(&mut open.told.asked, true);
    if !first || open.look.is_none() || !matches!(open.start, Start::At(_)) {
      return None;
    }
    let mut row = Row::of(open.place.span);
    row.input = Some(content::last_user_text(asked.messages)?);
    Some(row)
  }

  pub(super) fn history_forgotten(&mut self, event: &Event<'_>) {
    if let Some(conversation) = &event.ids.conversation {
      self.conversations.forget(conversation);
    }
  }

  /// The time until the model began to answer.
  pub(super) fn first_delta(&mut self, event: &Event<'_>) -> Vec<Row> {
    let turn = event.ids.turn.as_ref().map(|turn| Activity::Turn(turn.to_string()));
    let Some(open) = turn.and_then(|turn| self.tree.get(&turn)) else { return Vec::new() };
    let mut row = Row::of(open.place.span);
    let waited = event.at.saturating_sub(open.start.time()).max(0);
    row.metric("time_to_first_token", Some(time::seconds(waited)));
    vec![row]
  }

  /// On 0.x a turn is reported after its tools have run; the model had answered when the first began.
  pub(super) fn turn_answered(&mut self, event: &Event<'_>) {
    let turn = event.ids.turn.as_ref().map(|turn| Activity::Turn(turn.to_string()));
    if let Some(open) = turn.and_then(|turn| self.tree.get_mut(&turn)) {
      open.answered.get_or_insert(event.at);
    }
  }

  pub(super) fn turn_end(
    &mut self,
    event: &Event<'_>,
    purpose: Option<&str>,
    model: &Model<'_>,
    response: &Response<'_>,
    outcome: &Outcome<'_>,
  ) -> Vec<Row> {
    let mut rows = Vec::new();
    let Some((activity, place)) = self.turn_place(&event.ids, purpose) else { return rows };
    let known = self.tree.get(&activity).map(|open| (open.start.time(), open.answered));
    let (start, answered) = known.unwrap_or_else(|| (outcome.start(event.at), None));
    let took = answered.map_or(outcome.duration, |at| Some((at - start) as f64));
    let end = took.map_or(event.at, |took| start.saturating_add(took as i64));

    self.tree.open_unseen(activity.clone(), place, look(model), Start::At(start));
    if let Some(mut row) = self.tree.close(&activity, end, &mut rows) {
      request_facts(&mut row, event, purpose, model);
      row.fact("model", facts::text(response.model.as_deref()));
      row.fact("flue.response_id", facts::text(response.id.as_deref()));
      row.fact("flue.stop_reason", facts::text(response.finish_reason.as_deref()));
      error::outcome(&mut row, outcome);
      row.metric("duration_ms", took);
      let finish = response.finish_reason.as_deref();
      row.output = messages::output(self.options.messages, response.output, finish);
      if let Some(used) = &response.usage {
        usage::write(&mut row, used);
      }
      self.tell_operation(&event.ids, |told| {
        if let Some(used) = &response.usage {
          usage::add(&mut told.used, used);
        }
        if !compacts(purpose) {
          told.answered = content::text_of(response.output);
        }
      });
      rows.push(row);
    }
    rows
  }

  /// A request that is told only by what is new, whole again.
  pub(super) fn go_on(&mut self, event: &Event<'_>, asked: &Asked<'_>) -> Option<Whole> {
    let (history, conversation) = (asked.history?, event.ids.conversation.as_deref()?);
    Some(self.conversations.go_on(conversation, history, asked, self.options.messages))
  }

  fn write_whole_input(&self, row: &mut Row, whole: &Whole) {
    row.fact("tools", whole.tools.clone());
    if self.options.turn_input == TurnInput::Full {
      row.input = Some(whole.input());
    } else {
      let (input, mode, offset) = whole.delta();
      row.input = Some(input);
      input_facts(row, mode, offset);
    }
  }

  /// The messages: all of them, or those that the conversation's previous turn did not have.
  fn write_input(
    &mut self,
    row: &mut Row,
    ids: &Ids<'_>,
    purpose: Option<&str>,
    asked: &Asked<'_>,
  ) {
    let form = self.options.messages;
    row.fact("tools", messages::tools(form, asked.tools));
    if self.options.turn_input == TurnInput::Full || compacts(purpose) {
      row.input = messages::input(form, asked.system_prompt, asked.messages);
      return;
    }
    let list = content::list(asked.messages);
    let (mode, offset) = self.histories.advance(ids, &list);
    let prompt = asked.system_prompt.filter(|_| offset == 0);
    row.input = Some(messages::input_of(form, prompt, list.get(offset..).unwrap_or_default()));
    input_facts(row, mode, offset);
  }

  fn tell_operation(&mut self, ids: &Ids<'_>, tell: impl FnOnce(&mut super::operation::Told)) {
    let operation = ids.operation.as_ref().map(|id| Activity::Operation(id.to_string()));
    if let Some(open) = operation.and_then(|operation| self.tree.get_mut(&operation)) {
      tell(&mut open.told);
    }
  }

  fn turn_place(&self, ids: &Ids<'_>, purpose: Option<&str>) -> Option<(Activity, Place)> {
    let turn = ids.turn.as_deref()?;
    let (operation, enclosing) = self.enclosing(ids)?;
    let parent = compacts(purpose)
      .then(|| self.open_compaction(ids))
      .flatten()
      .unwrap_or(Parent::Span(operation, enclosing));
    let span = identity::turn(enclosing.trace, turn);
    Some((Activity::Turn(turn.to_owned()), Place { span, parent }))
  }
}

fn input_facts(row: &mut Row, mode: Mode, offset: usize) {
  row.fact("flue.input_mode", facts::text(Some(mode.name())));
  row.fact("flue.input_message_offset", facts::number(Some(offset as f64)));
}

fn look(model: &Model<'_>) -> Look {
  let name = format!("llm:{}", model.name.as_deref().unwrap_or("unknown"));
  Look::new(SpanType::Llm, name)
}

/// Whether the turn summarises a conversation instead of carrying it on.
fn compacts(purpose: Option<&str>) -> bool {
  purpose.is_some_and(|purpose| purpose.starts_with("compaction"))
}

fn request_facts(row: &mut Row, event: &Event<'_>, purpose: Option<&str>, model: &Model<'_>) {
  facts::ids(row, &event.ids);
  row.fact("model", facts::text(model.name.as_deref()));
  row.fact("provider", facts::text(model.provider.as_deref()));
  row.fact("reasoning_effort", facts::text(model.reasoning.as_deref()));
  row.fact("max_tokens", facts::number(model.max_tokens));
  row.fact("temperature", facts::number(model.temperature));
  row.fact("flue.api", facts::text(model.api.as_deref()));
  row.fact("flue.turn_purpose", facts::text(purpose));
}
