//! Model turns: `turn_request`, `turn`.

use super::{
  Translator, error, facts, identity,
  tree::{Activity, Look, Parent, Place},
  usage, workflow,
};
use crate::{
  event::{Event, Ids, Model, Outcome, Payload, Response},
  span::{Json, Row, SpanType},
};

/// What the model was asked.
pub(super) struct Asked<'a> {
  pub system_prompt: Payload<'a>,
  pub messages: Payload<'a>,
  pub tools: Payload<'a>,
}

impl Translator {
  pub(super) fn turn_request(
    &mut self,
    event: &Event<'_>,
    purpose: Option<&str>,
    model: &Model<'_>,
    asked: &Asked<'_>,
  ) -> Vec<Row> {
    let Some((activity, place)) = self.turn_place(&event.ids, purpose) else {
      return Vec::new();
    };
    let Some(mut row) = self.tree.open(activity, place, Some(look(model)), event.at) else {
      return Vec::new();
    };
    request_facts(&mut row, event, purpose, model);
    row.fact(
      "tools",
      asked
        .tools
        .map(Json::raw)
        .filter(|tools| tools.as_str() != "[]"),
    );
    row.input = conversation(asked.system_prompt, asked.messages);
    vec![row]
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
    let Some((activity, place)) = self.turn_place(&event.ids, purpose) else {
      return rows;
    };
    let start = self.tree.get(&activity).map(|open| open.start);
    let (start, end) = match start {
      Some(start) => (
        start,
        outcome
          .duration
          .map_or(event.at, |took| start + took as i64),
      ),
      None => (workflow::start_of(event.at, outcome), event.at),
    };
    self
      .tree
      .open(activity.clone(), place, Some(look(model)), start);
    if let Some(mut row) = self.tree.close(&activity, end, &mut rows) {
      request_facts(&mut row, event, purpose, model);
      row.fact("model", facts::text(response.model.as_deref()));
      row.fact("flue.response_id", facts::text(response.id.as_deref()));
      row.fact(
        "flue.stop_reason",
        facts::text(response.finish_reason.as_deref()),
      );
      error::outcome(&mut row, outcome);
      row.output = response.output.map(Json::raw);
      if let Some(used) = &response.usage {
        usage::write(&mut row, used);
      }
      self.report_to_operation(&event.ids, purpose, response, &row);
      rows.push(row);
    }
    rows
  }

  /// Lets the operation know what its turn used and said: on 2.x nobody else tells it.
  fn report_to_operation(
    &mut self,
    ids: &Ids<'_>,
    purpose: Option<&str>,
    response: &Response<'_>,
    row: &Row,
  ) {
    let Some((operation, _)) = self.enclosing(ids) else {
      return;
    };
    let Some(open) = self.tree.get_mut(&operation) else {
      return;
    };
    if let Some(used) = &response.usage {
      usage::add(&mut open.used, used);
    }
    if !compacts(purpose) {
      open.last_output = row.output.clone();
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

fn look(model: &Model<'_>) -> Look {
  Look {
    name: format!("llm:{}", model.name.as_deref().unwrap_or("unknown")),
    kind: SpanType::Llm,
  }
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

/// The messages, with the system prompt as the first.
fn conversation(system_prompt: Payload<'_>, messages: Payload<'_>) -> Option<Json> {
  let messages = messages?;
  let Some(system_prompt) = system_prompt else {
    return Some(Json::raw(messages));
  };
  let rest = messages.get().strip_prefix('[')?.trim_start();
  let comma = if rest.starts_with(']') { "" } else { "," };
  let first = format!(r#"{{"role":"system","content":{}}}"#, system_prompt.get());
  Some(Json::concat(&["[", &first, comma, rest]))
}
