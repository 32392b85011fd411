//! The members an event may have, read leniently: one of the wrong type counts as missing.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
  members::raw_members,
  time,
  value::{RawJson, Text},
};

/// One member: absent, `null`, or any JSON value.
pub(crate) type Member<'a> = Option<&'a RawValue>;

raw_members! {
  /// Every member of any translated event. `null` is a value of content, and nothing else. Those with a `$` are added by
  /// this package's JavaScript: no later Flue has a member with such a name.
  Fields {
    r#type = "type", v, timestamp, event_index = "eventIndex", run_id = "runId", instance_id = "instanceId",
    agent_name = "agentName", submission_id = "submissionId", dispatch_id = "dispatchId",
    conversation_id = "conversationId", harness, session, parent_session = "parentSession", task_id = "taskId",
    operation_id = "operationId", turn_id = "turnId", workflow_name = "workflowName", started_at = "startedAt",
    input or_null, result or_null, is_error = "isError", error, error_info = "errorInfo", duration_ms = "durationMs", outcome,
    operation_kind = "operationKind", agent_input = "agentInput", agent_output = "agentOutput", usage, purpose,
    request, response, tool_name = "toolName", tool_call_id = "toolCallId", args or_null, origin,
    effective_result = "effectiveResult" or_null, prompt, agent, cwd, reason, estimated_tokens = "estimatedTokens",
    messages_before = "messagesBefore", messages_after = "messagesAfter", kind, attempt_count = "attemptCount",
    max_attempts = "maxAttempts", operation, level, message, attributes, model, provider, api, reasoning,
    output, stop_reason = "stopReason", payload or_null, calling_tool = "$callingTool", calling_span = "$callingSpan",
    outer_span = "$outerSpan", trace_carrier = "$traceCarrier", span_id = "spanId", root_span_id = "rootSpanId",
    parent_span_id = "parentSpanId", span, comment_id = "commentId", enrichment = "$enrichment", sampled = "$sampled",
    caller = "$caller", propagated = "$propagated", first_delta_at = "$firstDeltaAt",
  }
}
raw_members! {
  /// `turn_request.request` and `turn.request`.
  Request {
    provider_id = "providerId", provider_name = "providerName", requested_model = "requestedModel", api,
    reasoning_level = "reasoningLevel", max_tokens = "maxTokens", temperature, input,
  }
}
raw_members! {
  /// `log.attributes`, as far as Flue itself sets them.
  Attributes { tool_call_id = "toolCallId", error }
}
raw_members! {
  /// The tool call in which an operation was called, from JavaScript's async context.
  CallingTool { tool_call_id = "toolCallId", turn_id = "turnId", operation_id = "operationId", run_id = "runId" }
}
raw_members! {
  /// Fields of a span that the application sets; `null` takes a value back.
  Span or_null {
    name, r#type = "type", start, end, start_seconds = "startSeconds", end_seconds = "endSeconds", input, output, expected, error, metadata, metrics, scores, tags,
    attributes,
  }
}
raw_members! {
  /// The W3C headers of the caller of a run or a submission.
  TraceCarrier { traceparent, tracestate }
}
raw_members! {
  /// The span under which the application runs Flue's work, from this package's JavaScript.
  Caller { span_id = "spanId", root_span_id = "rootSpanId", is_within = "isWithin" }
}
raw_members! {
  /// Arguments of Flue's own `task` tool.
  Delegation { prompt, agent }
}
raw_members! {
  /// `request.input`. `$history` comes from this package's JavaScript: which parts are those of the
  /// conversation's last request.
  RequestInput { system_prompt = "systemPrompt", messages, tools, history = "$history" }
}
raw_members! {
  /// The parts of a request that are those of the conversation's last request.
  RequestDelta { kept, system_prompt = "systemPrompt", tools }
}
raw_members! {
  /// `turn.response`.
  Response {
    response_id = "responseId", response_model = "responseModel", output, usage,
    finish_reason = "finishReason", error,
  }
}
raw_members! {
  /// A `usage` object.
  Usage {
    input, output, cache_read = "cacheRead", cache_write = "cacheWrite", total_tokens = "totalTokens", cost,
    reasoning, cache_write_1h = "cacheWrite1h",
  }
}
raw_members! {
  /// A `usage.cost` object.
  Cost { total }
}
raw_members! {
  /// `error` and `errorInfo` objects.
  Failure { r#type = "type", name, code, message, stack }
}
raw_members! {
  /// `operation.result`, `operation.agentInput`, `agentOutput` and a tool's `result`.
  Result { text, data or_null, content, images, details }
}
raw_members! {
  /// `details` of a shell command's result.
  Details { exit_code = "exitCode" }
}

/// The members of an object; all absent if the value is none.
pub(crate) fn object<'a, T: Deserialize<'a> + Default>(member: Member<'a>) -> T {
  // Checked first: parse errors are expensive.
  let object = member.map(RawValue::get).filter(|text| text.starts_with('{'));
  object.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// A string; `None` if it is empty.
pub(crate) fn text(member: Member<'_>) -> Option<Text<'_>> {
  let raw = member?.get();
  let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
  let text = if inner.contains('\\') {
    Text::Owned(serde_json::from_str(raw).ok()?)
  } else {
    Text::Borrowed(inner)
  };
  (!text.is_empty()).then_some(text)
}

/// A value as text: a string, else its JSON. `None` if it is empty or `null`.
pub(crate) fn shown(member: Member<'_>) -> Option<Text<'_>> {
  let raw = known(member)?.get();
  if raw.starts_with('"') { text(member) } else { Some(Text::Borrowed(raw)) }
}

/// An id. A number or a boolean is accepted as well as a string.
pub fn id(member: RawJson<'_>) -> Option<Text<'_>> {
  let raw = member?.get();
  let is_word = !raw.starts_with(['"', '{', '[']) && raw != "null";
  if is_word { Some(Text::Borrowed(raw)) } else { text(member) }
}

/// A duration in milliseconds. `None` if it is negative or longer than a century.
pub(crate) fn duration(member: Member<'_>) -> Option<f64> {
  const CENTURY: f64 = 100.0 * 366.0 * 86_400_000.0;
  number(member).filter(|duration| (0.0..=CENTURY).contains(duration))
}

/// An amount: from 0 to 1e15.
pub(crate) fn count(member: Member<'_>) -> Option<f64> {
  number(member).filter(|count| (0.0..=1e15).contains(count))
}

/// A number.
pub(crate) fn number(member: Member<'_>) -> Option<f64> {
  // Checked first: parse errors are expensive.
  let raw = member?.get();
  let is_number = raw.starts_with(|first: char| first.is_ascii_digit() || first == '-');
  if is_number { serde_json::from_str(raw).ok() } else { None }
}

/// A boolean; anything but `true` is false.
pub(crate) fn flag(member: Member<'_>) -> bool {
  member.is_some_and(|raw| raw.get() == "true")
}

/// A time, as ISO 8601 text or in milliseconds since the epoch.
pub(crate) fn time(member: Member<'_>) -> Option<i64> {
  match number(member) {
    Some(millis) => time::valid(millis),
    None => time::parse(&text(member)?),
  }
}

/// The time of an event, which an application may state in seconds: as milliseconds these would be before April 1973.
pub(crate) fn event_time(member: Member<'_>) -> Option<i64> {
  match number(member) {
    Some(seconds) if (1e9..1e11).contains(&seconds) => time::valid(seconds * 1e3),
    _ => time(member),
  }
}

/// The elements of a list; none if the value is not one.
pub(crate) fn list(member: Member<'_>) -> Vec<&RawValue> {
  member.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
}

/// The plain value of what Flue wraps: `{text}`, `{type: 'text', text, …}`, `{data, …}`, of which the data may be `null`.
/// Input with images beside the text stays whole.
pub(crate) fn plain(member: Member<'_>) -> RawJson<'_> {
  let wrapped: Result = object(member);
  if wrapped.images.is_some() {
    return member;
  }
  wrapped.text.or(wrapped.data).or(known(member))
}

/// A value where `null` stands for none.
pub(crate) fn known(member: Member<'_>) -> RawJson<'_> {
  member.filter(|raw| raw.get() != "null")
}
