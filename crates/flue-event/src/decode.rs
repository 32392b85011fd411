//! Text to [`Event`]. The dialects of Flue's releases end here.

use thiserror::Error;

use super::{
  Body, Caller, Delegation, Event, Failure, History, Ids, Model, Outcome, Payload, Response, Said,
  Subject, Tool, TraceCarrier, Usage,
  fields::{self, Fields, Member, count, duration, flag, id, list, number, object, text, time},
};

/// The kinds of events that say something of a span. All others cost the caller a look-up.
/// Two are the facade's: `first_delta`, the first of a turn's many deltas, of whatever kind, and
/// `history_forgotten`, which ends the telling of a conversation by what is new in it. Three tell of the
/// application's own spans.
pub const TRANSLATED_KINDS: &[&str] = &[
  "run_start",
  "run_resume",
  "run_end",
  "submission_queued",
  "submission_running",
  "submission_recovery",
  "submission_settled",
  "operation_start",
  "operation",
  "turn_request",
  "turn",
  "first_delta",
  "history_forgotten",
  "tool_start",
  "tool",
  "tool_call",
  "task_start",
  "task",
  "compaction_start",
  "compaction",
  "log",
  "span_start",
  "span_log",
  "span_end",
];

/// Why a text is no event.
#[derive(Debug, Error)]
pub enum DecodeError {
  /// The text is not a JSON object.
  #[error("the event is not a JSON object, from column {column} on")]
  NotAnObject {
    /// Where. Of what stands there nothing is told.
    column: usize,
  },
  /// The text is JSON, but of a list.
  #[error("the event is a list")]
  List,
  /// The event does not say what it is.
  #[error("the event has no type")]
  NoType,
}

impl From<serde_json::Error> for DecodeError {
  fn from(error: serde_json::Error) -> Self {
    Self::NotAnObject { column: error.column() }
  }
}

/// Reads one event. `now` (milliseconds since the epoch) stands in for a timestamp that is missing
/// or garbage.
pub fn decode(event: &str, now: i64) -> Result<Event<'_>, DecodeError> {
  let f: Fields = serde_json::from_str(event)?;
  // Serde takes a list for a struct, too.
  if event.trim_start().starts_with('[') {
    return Err(DecodeError::List);
  }
  let kind = text(f.r#type).ok_or(DecodeError::NoType)?;
  let mut event = Event {
    at: time(f.timestamp).unwrap_or(now),
    index: number(f.event_index),
    is_0x: f.v.is_none(),
    ids: ids(&f),
    body: body(&kind, &f),
  };
  event.name_what_is_missing();
  Ok(event)
}

fn ids<'a>(f: &Fields<'a>) -> Ids<'a> {
  Ids {
    run: id(f.run_id),
    instance: id(f.instance_id),
    agent: id(f.agent_name),
    submission: id(f.submission_id),
    dispatch: id(f.dispatch_id),
    conversation: id(f.conversation_id),
    harness: id(f.harness),
    session: id(f.session),
    parent_session: id(f.parent_session),
    task: id(f.task_id),
    operation: id(f.operation_id),
    turn: id(f.turn_id),
  }
}

fn body<'a>(kind: &str, f: &Fields<'a>) -> Body<'a> {
  match kind {
    "run_start" | "run_resume" => Body::RunStart {
      workflow: text(f.workflow_name),
      started: time(f.started_at),
      // 0.x says `payload`.
      input: f.input.or(f.payload),
      resumed: kind == "run_resume",
      carrier: carrier(f.trace_carrier),
    },
    "run_end" => Body::RunEnd { output: f.result, outcome: outcome(f, None) },
    "submission_queued" => Body::SubmissionQueued { kind: text(f.kind) },
    "submission_running" => Body::SubmissionRunning {
      attempt: number(f.attempt_count),
      max_attempts: number(f.max_attempts),
    },
    "submission_recovery" => {
      Body::SubmissionRecovery { step: text(f.operation), outcome: text(f.outcome) }
    }
    "submission_settled" => submission_settled(f),
    "operation_start" => Body::OperationStart {
      kind: text(f.operation_kind),
      caller: caller(f.calling_tool),
      calling_span: text(f.calling_span),
      carrier: carrier(f.trace_carrier),
    },
    "operation" => Body::OperationEnd {
      kind: text(f.operation_kind),
      input: plain(f.agent_input),
      output: plain(f.agent_output).or_else(|| plain(f.result)),
      usage: usage(f.usage),
      outcome: outcome(f, None),
    },
    "turn_request" => turn_request(f),
    "turn" => turn_end(f),
    "history_forgotten" => Body::HistoryForgotten,
    "first_delta" => Body::FirstDelta,
    "tool_start" => tool_start(f),
    // `tool_call` is the name of 0.x, and what the helper of Flue's Braintrust guide makes of `tool`.
    "tool" | "tool_call" => {
      let fields::Result { content, details, .. } = object(f.result);
      Body::ToolEnd {
        tool: tool(f),
        exit_code: number(object::<fields::Details>(details).exit_code),
        output: f.effective_result.or(content).or(f.result),
        outcome: outcome(f, content),
      }
    }
    "task_start" => Body::TaskStart {
      delegation: Delegation { prompt: text(f.prompt), agent: text(f.agent) },
      cwd: text(f.cwd),
      input: plain(f.agent_input).or(f.prompt),
      tool_call: id(f.tool_call_id),
    },
    "task" => Body::TaskEnd {
      agent: text(f.agent),
      output: plain(f.agent_output).or(f.result),
      outcome: outcome(f, None),
    },
    "compaction_start" => {
      Body::CompactionStart { reason: text(f.reason), estimated_tokens: number(f.estimated_tokens) }
    }
    "compaction" => Body::CompactionEnd {
      messages_before: number(f.messages_before),
      messages_after: number(f.messages_after),
      usage: usage(f.usage),
      outcome: outcome(f, None),
    },
    "log" => log(f),
    "span_start" => Body::SpanStart { subject: subject(f), said: said(f.span) },
    "span_log" => Body::SpanLog { subject: subject(f), said: said(f.span) },
    "span_end" => Body::SpanEnd { subject: subject(f), said: said(f.span) },
    _ => Body::Other,
  }
}

/// `error` hides what is not Flue's own behind a generic message; `errorInfo` tells.
fn submission_settled<'a>(f: &Fields<'a>) -> Body<'a> {
  let verdict = text(f.outcome);
  let failed = verdict.as_deref() == Some("failed");
  let failure = failed.then(|| failure(f.error_info.or(f.error), None));
  Body::SubmissionSettled { verdict, failure }
}

fn tool_start<'a>(f: &Fields<'a>) -> Body<'a> {
  let tool = tool(f);
  let delegates = (tool.name.as_deref() == Some("task")).then(|| {
    let args: fields::Delegation = object(f.args);
    Delegation { prompt: text(args.prompt), agent: text(args.agent) }
  });
  Body::ToolStart { tool, args: f.args, delegates }
}

fn subject<'a>(f: &Fields<'a>) -> Subject<'a> {
  Subject {
    id: text(f.span_id).unwrap_or_default(),
    trace: text(f.root_span_id).unwrap_or_default(),
    parent: text(f.parent_span_id),
  }
}

fn said(member: Member<'_>) -> Said<'_> {
  let f: fields::Span = object(member);
  Said {
    name: text(f.name),
    kind: text(f.r#type),
    start: time(f.start),
    end: time(f.end),
    input: f.input,
    output: f.output,
    expected: f.expected,
    error: f.error,
    metadata: f.metadata,
    metrics: f.metrics,
    scores: f.scores,
    tags: f.tags,
    attributes: f.attributes,
  }
}

fn carrier(member: Member<'_>) -> Option<TraceCarrier<'_>> {
  let f: fields::TraceCarrier = object(member);
  Some(TraceCarrier { traceparent: text(f.traceparent)?, tracestate: text(f.tracestate) })
}

fn caller(member: Member<'_>) -> Option<Caller<'_>> {
  let f: fields::Caller = object(member);
  let ids =
    Ids { turn: id(f.turn_id), operation: id(f.operation_id), run: id(f.run_id), ..Ids::default() };
  Some(Caller { call: id(f.tool_call_id)?, ids })
}

fn log<'a>(f: &Fields<'a>) -> Body<'a> {
  let attributes: fields::Attributes = object(f.attributes);
  let (level, message) = (text(f.level), text(f.message));
  let why =
    message.as_deref().and_then(|message| message.strip_prefix("[flue:compaction] Failed: "));
  // Later releases say it again in an event of its own.
  if let Some(why) = why
    && f.v.is_none()
  {
    let told = failure(attributes.error, None);
    let message = told.message.or_else(|| Some(why.to_owned().into()));
    return Body::CompactionFailed { failure: Failure { message, ..told } };
  }
  Body::Log { level, message, attributes: f.attributes, tool_call: id(attributes.tool_call_id) }
}

/// 1.0-beta and 2.x have `request` and `response`; 0.x has their members side by side.
fn turn_request<'a>(f: &Fields<'a>) -> Body<'a> {
  let request: fields::Request = object(f.request);
  let input: fields::RequestInput = object(request.input.or(f.input));
  Body::TurnRequest {
    purpose: text(f.purpose),
    model: model(f, &request),
    system_prompt: input.system_prompt,
    messages: input.messages,
    tools: input.tools,
    history: history(input.history),
  }
}

fn history(member: Member<'_>) -> Option<History> {
  member?;
  let f: fields::History = object(member);
  let kept = number(f.kept).unwrap_or(0.0);
  Some(History { kept: kept as usize, system_prompt: flag(f.system_prompt), tools: flag(f.tools) })
}

fn turn_end<'a>(f: &Fields<'a>) -> Body<'a> {
  let request: fields::Request = object(f.request);
  let response: fields::Response = object(f.response);
  let failure =
    flag(f.is_error).then(|| failure(f.error_info.or(response.error).or(f.error), None));
  Body::TurnEnd {
    purpose: text(f.purpose),
    model: model(f, &request),
    response: Response {
      id: text(response.response_id),
      model: text(response.response_model),
      output: response.output.or(f.output),
      usage: usage(response.usage.or(f.usage)),
      finish_reason: text(response.finish_reason.or(f.stop_reason)),
    },
    outcome: Outcome { duration: duration(f.duration_ms), failure },
  }
}

fn model<'a>(f: &Fields<'a>, request: &fields::Request<'a>) -> Model<'a> {
  let provider = request.provider_name.or(request.provider_id).or(f.provider);
  Model {
    name: text(request.requested_model.or(f.model)),
    provider: text(provider),
    api: text(request.api.or(f.api)),
    reasoning: text(request.reasoning_level.or(f.reasoning)),
    max_tokens: number(request.max_tokens),
    temperature: number(request.temperature),
  }
}

fn tool<'a>(f: &Fields<'a>) -> Tool<'a> {
  Tool { name: text(f.tool_name), call: id(f.tool_call_id), origin: text(f.origin) }
}

/// Flue wraps what people wrote and got: `{text}`, `{type: 'text', text, …}`, `{data, …}`. The span
/// shows the plain value. Input with images beside the text stays whole.
fn plain(member: Member<'_>) -> Payload<'_> {
  let wrapped: fields::Result = object(member);
  if wrapped.images.is_some() {
    return member;
  }
  wrapped.text.or(wrapped.data).or(member)
}

/// `content` is where a tool that failed before it ran left its only message.
fn outcome<'a>(f: &Fields<'a>, content: Member<'a>) -> Outcome<'a> {
  Outcome {
    duration: duration(f.duration_ms),
    failure: flag(f.is_error).then(|| {
      let (info, error) = (failure(f.error_info, content), failure(f.error, None));
      Failure {
        name: info.name.or(error.name),
        code: info.code.or(error.code),
        message: info.message.or(error.message),
        stack: info.stack.or(error.stack),
      }
    }),
  }
}

fn failure<'a>(member: Member<'a>, content: Member<'a>) -> Failure<'a> {
  let f: fields::Failure = object(member);
  // `type` repeats the code or the name, or says that there is none.
  let kind = text(f.r#type).filter(|kind| kind != "_OTHER");
  let name = text(f.name);
  Failure {
    code: text(f.code).or(kind).filter(|code| name.as_ref() != Some(code)),
    name,
    message: text(f.message)
      .or_else(|| text(member))
      .or_else(|| text(object::<fields::Result>(list(content).first().copied()).text)),
    stack: text(f.stack),
  }
}

fn usage(member: Member<'_>) -> Option<Usage> {
  member?;
  let f: fields::Usage = object(member);
  let part = |member| count(member).unwrap_or(0.0);
  let (input, output) = (part(f.input), part(f.output));
  let (cache_read, cache_write) = (part(f.cache_read), part(f.cache_write));
  let total = count(f.total_tokens).unwrap_or(input + output + cache_read + cache_write);
  let cost = part(object::<fields::Cost>(f.cost).total);
  Some(Usage { input, output, cache_read, cache_write, total, cost })
}
