//! Submissions: messages delivered to an agent.

use crate::{
  caller::Caller,
  fields::{Fields, number, text},
  outcome::Failure,
  value::Text,
};

/// `submission_queued`: a message waits for its agent.
#[derive(Debug)]
pub struct SubmissionQueued<'a> {
  /// The kind of delivery, such as `direct` or `dispatch`.
  pub kind: Option<Text<'a>>,
  /// The span under which the submission runs, if the application has named one.
  pub caller: Option<Caller<'a>>,
}

impl<'a> SubmissionQueued<'a> {
  #[inline(never)]
  pub(crate) fn read(f: &Fields<'a>) -> Self {
    Self { kind: text(f.kind), caller: Caller::read(f.caller) }
  }
}

/// `submission_running`: an attempt begins.
#[derive(Debug)]
pub struct SubmissionRunning<'a> {
  /// The kind of delivery, such as `direct` or `dispatch`.
  pub kind: Option<Text<'a>>,
  /// The attempt's number; 1 for the first.
  pub attempt: Option<f64>,
  /// How many attempts Flue makes at most.
  pub max_attempts: Option<f64>,
}

impl<'a> SubmissionRunning<'a> {
  #[inline(never)]
  pub(crate) fn read(f: &Fields<'a>) -> Self {
    let (attempt, max_attempts) = (number(f.attempt_count), number(f.max_attempts));
    Self { kind: text(f.kind), attempt, max_attempts }
  }
}

/// `submission_recovery`: a step of Flue's recovery that could not be done.
#[derive(Debug)]
pub struct SubmissionRecovery<'a> {
  /// The step.
  pub step: Option<Text<'a>>,
  /// What Flue does instead.
  pub outcome: Option<Text<'a>>,
}

impl<'a> SubmissionRecovery<'a> {
  #[inline(never)]
  pub(crate) fn read(f: &Fields<'a>) -> Self {
    Self { step: text(f.operation), outcome: text(f.outcome) }
  }
}

/// `submission_settled`: the message is processed, with or without success.
#[derive(Debug)]
pub struct SubmissionSettled<'a> {
  /// `completed`, `failed` or `aborted`; with an error, any other one is a failure, too.
  pub outcome: Option<Text<'a>>,
  /// The error, if the submission failed.
  pub failure: Option<Failure<'a>>,
  /// Whether the user or the application aborted the submission.
  pub cancelled: bool,
}

impl<'a> SubmissionSettled<'a> {
  #[inline(never)]
  pub(crate) fn read(f: &Fields<'a>) -> Self {
    let outcome = text(f.outcome);
    let failed = match outcome.as_deref() {
      Some("failed") => true,
      Some("completed" | "aborted") => false,
      // A later release may name other outcomes.
      _ => f.error.or(f.error_info).is_some(),
    };
    // `error` replaces errors of the application by a generic message; `errorInfo` has the original, unless what was
    // thrown is not an error.
    let failure = failed.then(|| {
      let Failure { name, code, message, .. } = Failure::read(f.error_info);
      let is_known = name.is_some() || code.is_some() || message.is_some();
      Failure::read(f.error_info.filter(|_| is_known).or(f.error))
    });
    let cancelled = outcome.as_deref() == Some("aborted");
    Self { outcome, failure, cancelled }
  }
}

#[cfg(test)]
mod tests {
  use crate::{Body, decode};

  #[test]
  fn an_outcome_that_is_not_known_is_a_failure_if_there_is_an_error() {
    for (outcome, error, fails) in [
      (r#""failed""#, "null", true),
      (r#""rejected""#, r#"{"message":"m"}"#, true),
      ("null", r#""m""#, true),
      (r#""superseded""#, "null", false),
      (r#""aborted""#, r#"{"message":"m"}"#, false),
      (r#""completed""#, r#"{"message":"m"}"#, false),
    ] {
      let text = format!(r#"{{"type":"submission_settled","outcome":{outcome},"error":{error}}}"#);
      let Body::SubmissionSettled(settled) = decode(&text, 0).unwrap().body else { unreachable!() };
      assert_eq!(settled.failure.is_some(), fails, "{outcome} {error}");
    }
  }

  #[test]
  fn a_settlement_shows_the_original_error_if_it_is_known() {
    for (info, expected) in [
      ("{\"type\":\"_OTHER\"}", "generic [internal_error]"),
      ("{\"type\":\"_OTHER\",\"message\":\"boom\"}", "boom"),
      ("{\"type\":\"E_PIER\"}", "failed without a message [E_PIER]"),
      ("null", "generic [internal_error]"),
    ] {
      let error = r#"{"name":"Error","type":"internal_error","message":"generic"}"#;
      let text = format!(
        r#"{{"type":"submission_settled","outcome":"failed","error":{error},"errorInfo":{info}}}"#
      );
      let Body::SubmissionSettled(settled) = decode(&text, 0).unwrap().body else { unreachable!() };
      assert_eq!(settled.failure.unwrap().to_string(), expected, "{info}");
    }
  }
}
