//! Model turns: `turn_request`, `turn`. 0.x has the members of `request` and `response` side by side.

use crate::{
  fields::{self, Fields, Member, duration, event_time, flag, number, object, text},
  outcome::{Failure, Outcome},
  usage::Usage,
  value::{RawJson, Text},
};

/// `turn_request`: a model is called.
#[derive(Debug)]
pub struct TurnRequest<'a> {
  /// Why: `agent`, or a kind of compaction.
  pub purpose: Option<Text<'a>>,
  /// The model.
  pub model: Model<'a>,
  /// The system prompt.
  pub system_prompt: RawJson<'a>,
  /// The messages of the conversation.
  pub messages: RawJson<'a>,
  /// The tools that the model may call.
  pub tools: RawJson<'a>,
  /// Set if prompt, messages and tools are only those that the conversation's last request did not have.
  pub delta: Option<RequestDelta>,
}

impl<'a> TurnRequest<'a> {
  #[inline(never)]
  pub(crate) fn read(f: &Fields<'a>) -> Self {
    let request: fields::Request = object(f.request);
    let input: fields::RequestInput = object(request.input.or(f.input));
    Self {
      purpose: text(f.purpose),
      model: Model::read(f, &request),
      system_prompt: input.system_prompt,
      messages: input.messages,
      tools: input.tools,
      delta: RequestDelta::read(input.history),
    }
  }
}

/// Which parts of a request are those of its conversation's last request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestDelta {
  /// How many messages, counted from the first, are the same.
  pub kept_messages: usize,
  /// Whether the system prompt is the same.
  pub same_system_prompt: bool,
  /// Whether the tools are the same.
  pub same_tools: bool,
}

impl RequestDelta {
  fn read(member: Member<'_>) -> Option<Self> {
    member?;
    let f: fields::RequestDelta = object(member);
    let kept = number(f.kept).unwrap_or(0.0);
    Some(Self {
      kept_messages: kept as usize,
      same_system_prompt: flag(f.system_prompt),
      same_tools: flag(f.tools),
    })
  }
}

/// The `finishReason` of an aborted request.
const ABORTED: &str = "aborted";

/// `turn`: a model has responded, or failed to.
#[derive(Debug)]
pub struct TurnEnd<'a> {
  /// Why it was called: `agent`, or a kind of compaction.
  pub purpose: Option<Text<'a>>,
  /// The model.
  pub model: Model<'a>,
  /// When the first delta with text, thinking or a tool call came, milliseconds since the epoch. From this package's
  /// JavaScript.
  pub first_delta_at: Option<i64>,
  /// The response.
  pub response: Response<'a>,
  /// Its duration and error.
  pub outcome: Outcome<'a>,
}

impl<'a> TurnEnd<'a> {
  #[inline(never)]
  pub(crate) fn read(f: &Fields<'a>) -> Self {
    let request: fields::Request = object(f.request);
    let response: fields::Response = object(f.response);
    let failure =
      flag(f.is_error).then(|| Failure::read(f.error_info.or(response.error).or(f.error)));
    let finish_reason = text(response.finish_reason.or(f.stop_reason));
    let mut outcome = Outcome::new(duration(f.duration_ms), failure);
    // Flue marks an aborted response as an error without a class: it is a cancellation.
    if outcome.failure.is_some() && finish_reason.as_deref() == Some(ABORTED) {
      outcome = Outcome { failure: None, cancelled: true, ..outcome };
    }
    Self {
      purpose: text(f.purpose),
      model: Model::read(f, &request),
      first_delta_at: event_time(f.first_delta_at),
      response: Response {
        id: text(response.response_id),
        model: text(response.response_model),
        output: response.output.or(f.output),
        usage: Usage::read(response.usage.or(f.usage)),
        finish_reason,
      },
      outcome,
    }
  }
}

/// The model of a turn, and its parameters.
#[derive(Debug, Default)]
pub struct Model<'a> {
  /// The name under which it was requested.
  pub name: Option<Text<'a>>,
  /// The provider.
  pub provider: Option<Text<'a>>,
  /// The provider's API.
  pub api: Option<Text<'a>>,
  /// The reasoning effort.
  pub reasoning: Option<Text<'a>>,
  /// The most tokens that it may generate.
  pub max_tokens: Option<f64>,
  /// The sampling temperature.
  pub temperature: Option<f64>,
}

impl<'a> Model<'a> {
  fn read(f: &Fields<'a>, request: &fields::Request<'a>) -> Self {
    let provider = request.provider_name.or(request.provider_id).or(f.provider);
    Self {
      name: text(request.requested_model.or(f.model)),
      provider: text(provider),
      api: text(request.api.or(f.api)),
      reasoning: text(request.reasoning_level.or(f.reasoning)),
      max_tokens: number(request.max_tokens),
      temperature: number(request.temperature),
    }
  }
}

/// A model's response.
#[derive(Debug, Default)]
pub struct Response<'a> {
  /// The provider's id of the response.
  pub id: Option<Text<'a>>,
  /// The model that responded, as the provider names it.
  pub model: Option<Text<'a>>,
  /// The assistant's message.
  pub output: RawJson<'a>,
  /// The token usage of the turn.
  pub usage: Option<Usage>,
  /// Why the model stopped.
  pub finish_reason: Option<Text<'a>>,
}
