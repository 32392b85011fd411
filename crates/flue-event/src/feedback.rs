//! Feedback of the application about a span: `feedback`.

use serde_json::Value;

use crate::{
  custom_span::SpanUpdate,
  fields::{Fields, text},
  value::{RawJson, Text},
};

/// `feedback`: scores, an expected output, tags or a comment about a span, which may have ended in any process.
#[derive(Debug)]
pub struct Feedback<'a> {
  /// The id of the span's row, in any form; `None` if it is missing.
  pub row: Option<Text<'a>>,
  /// The trace of the span, if it is known.
  pub trace: Option<Text<'a>>,
  /// Where it comes from: `kind`.
  pub source: Option<Text<'a>>,
  /// The id of the row of the comment: 32 hex digits.
  pub comment_row: Option<Text<'a>>,
  /// The comment: `message`, a string.
  pub comment: RawJson<'a>,
  /// Scores, expected output, tags, and the metadata of the feedback itself.
  pub update: SpanUpdate<'a>,
}

impl<'a> Feedback<'a> {
  pub(crate) fn read(f: &Fields<'a>) -> Self {
    Self {
      row: text(f.span_id),
      trace: text(f.root_span_id),
      source: text(f.kind),
      comment_row: text(f.comment_id),
      comment: f.message,
      update: SpanUpdate::read(f.span),
    }
  }

  /// The source as a row has it. Default: `external`. `None` if there is no such source.
  pub fn source(&self) -> Option<&'static str> {
    let source = self.source.as_deref().unwrap_or("external");
    ["app", "api", "external"].into_iter().find(|known| *known == source)
  }

  /// Why it cannot be used; `None` if it can.
  pub fn problem(&self) -> Option<&'static str> {
    let SpanUpdate { scores, expected, tags, .. } = &self.update;
    let is_score = |score: &Value| {
      score.is_null() || score.as_f64().is_some_and(|score| (0.0..=1.0).contains(&score))
    };
    let are_scores = |scores: &str| match serde_json::from_str(scores) {
      Ok(Value::Object(scores)) => scores.values().all(is_score),
      _ => false,
    };
    if self.row.is_none() {
      return Some(
        "it names no span: pass `submissionId` (if keyed, with `conversationId`), `dispatchId`, `runId`, `span` or `id`",
      );
    }
    if self.source().is_none() {
      return Some("its `source` is not one of app, api, external");
    }
    if scores.is_some_and(|scores| !are_scores(scores.get())) {
      return Some("a score is not a number between 0 and 1");
    }
    if self.comment.is_some_and(|comment| !comment.get().starts_with('"')) {
      return Some("its `comment` is not a string");
    }
    if scores.or(*expected).or(*tags).or(self.comment).is_none() {
      return Some("it has neither `scores`, `expected`, `tags` nor a `comment`");
    }
    None
  }
}

#[cfg(test)]
mod tests {
  use serde_json::{Value, json};

  use crate::{Body, decode};

  /// Why feedback with these members besides a target cannot be used.
  fn problem(members: Value, span: Value) -> Option<&'static str> {
    let mut event = json!({ "type": "feedback", "spanId": "row", "span": span });
    event.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    let text = event.to_string();
    let Body::Feedback(feedback) = decode(&text, 0).unwrap().body else { panic!("{text}") };
    feedback.problem()
  }

  #[test]
  fn feedback_with_something_to_say_is_used() {
    for (members, span) in [
      (json!({}), json!({ "scores": { "a": 0, "b": 1, "c": 0.5, "d": null } })),
      (json!({ "kind": "app" }), json!({ "expected": false })),
      (json!({ "kind": "api" }), json!({ "tags": ["t"] })),
      (json!({ "kind": "external", "message": "c" }), json!({})),
    ] {
      assert_eq!(problem(members, span), None);
    }
  }

  #[test]
  fn anything_else_has_a_problem_that_shows_no_content() {
    let scores = json!({ "scores": { "plum": 1 } });
    for (members, span) in [
      (json!({ "spanId": null }), scores.clone()),
      (json!({ "spanId": "" }), scores.clone()),
      (json!({ "kind": "plum" }), scores.clone()),
      (json!({ "message": { "text": "plum" } }), scores),
      (json!({}), json!({ "scores": { "plum": 1.5 } })),
      (json!({}), json!({ "scores": { "plum": -0.1 } })),
      (json!({}), json!({ "scores": { "plum": "1" } })),
      (json!({}), json!({ "scores": ["plum"] })),
      (json!({}), json!({ "metadata": { "plum": 1 } })),
      (json!({}), json!({})),
      (json!({}), json!("plum")),
    ] {
      let found = problem(members.clone(), span.clone());
      assert!(found.is_some_and(|found| !found.contains("plum")), "{members} {span}");
    }
  }
}
