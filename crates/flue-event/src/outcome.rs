//! How an activity ended: its duration, and its error if it failed or that it was cancelled.

use std::fmt;

use crate::{
  fields::{self, Fields, Member, duration, flag, id, object, shown, text},
  value::Text,
};

/// How an activity ended.
#[derive(Debug, Default)]
pub struct Outcome<'a> {
  /// The duration in milliseconds, by Flue's own clock.
  pub duration: Option<f64>,
  /// The error; `None` if the activity succeeded or was cancelled.
  pub failure: Option<Failure<'a>>,
  /// Whether the activity was aborted: by the user, by the application or by the end of the process.
  pub cancelled: bool,
}

impl<'a> Outcome<'a> {
  /// The outcome in `isError`, `errorInfo`, `error` and `durationMs`. `message` is that of an error which has
  /// no message of its own.
  #[inline(never)]
  pub(crate) fn read(f: &Fields<'a>, message: Option<Text<'a>>) -> Self {
    let failure = flag(f.is_error).then(|| {
      let (info, error) = (Failure::read(f.error_info), Failure::read(f.error));
      Failure {
        name: info.name.or(error.name),
        code: info.code.or(error.code),
        message: info.message.or(error.message).or(message),
        stack: info.stack.or(error.stack),
      }
    });
    Self::new(duration(f.duration_ms), failure)
  }

  /// The outcome of an activity that ended with this error. An abort is not a failure.
  pub(crate) fn new(duration: Option<f64>, failure: Option<Failure<'a>>) -> Self {
    let cancelled = failure.as_ref().is_some_and(Failure::is_abort);
    Self { duration, failure: failure.filter(|_| !cancelled), cancelled }
  }

  /// Whether the activity neither failed nor was cancelled.
  pub fn succeeded(&self) -> bool {
    self.failure.is_none() && !self.cancelled
  }

  /// The start of an activity that ended at `end`; both in milliseconds since the epoch.
  pub fn start(&self, end: i64) -> i64 {
    end.saturating_sub(self.duration.unwrap_or(0.0).max(0.0) as i64)
  }
}

/// An error as Flue reports it. Its `Display` is `Name: message [code]`, and the stack after a blank line.
#[derive(Debug, Default)]
pub struct Failure<'a> {
  /// The error's class.
  pub name: Option<Text<'a>>,
  /// A code that a program can test.
  pub code: Option<Text<'a>>,
  /// The message for a person.
  pub message: Option<Text<'a>>,
  /// The JavaScript stack.
  pub stack: Option<Text<'a>>,
}

impl<'a> Failure<'a> {
  pub(crate) fn read(member: Member<'a>) -> Self {
    let f: fields::Failure = object(member);
    // `type` repeats the code or the name, or is `_OTHER` if there is none.
    let kind = text(f.r#type).filter(|kind| kind != "_OTHER");
    let name = text(f.name);
    // Anything can be thrown. A description by Flue itself has a `type`.
    let has_message = f.message.is_some_and(|message| message.get().starts_with('"'));
    let thrown = member.filter(|raw| !has_message && f.r#type.is_none() && raw.get() != "{}");
    Self {
      code: id(f.code).or(kind).filter(|code| name.as_ref() != Some(code)),
      name,
      message: text(f.message).or_else(|| shown(thrown)),
      stack: text(f.stack),
    }
  }
}

/// The class of the error of whatever an `AbortSignal` stops.
const ABORT: &str = "AbortError";

/// The messages of such an error without a reason: that of `AbortController.abort()` in Node, that of Node's own
/// functions, and that of Flue.
const ABORT_MESSAGES: [&str; 3] =
  ["This operation was aborted", "The operation was aborted", "The operation was aborted."];

impl Failure<'_> {
  /// Whether the error is that of an abort. Tools and tasks of 0.x have no class of their error, only its message.
  fn is_abort(&self) -> bool {
    match self.name.as_deref().or(self.code.as_deref()) {
      Some(class) => class == ABORT,
      None => self.message.as_deref().is_some_and(|message| ABORT_MESSAGES.contains(&message)),
    }
  }
}

/// Stands for a message that is missing.
const NO_MESSAGE: &str = "failed without a message";

impl fmt::Display for Failure<'_> {
  fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match self.name.as_deref() {
      Some(name) if name != "Error" => write!(f, "{name}: ")?,
      _ => {}
    }
    f.write_str(self.message.as_deref().unwrap_or(NO_MESSAGE))?;
    if let Some(code) = &self.code {
      write!(f, " [{code}]")?;
    }
    if let Some(stack) = &self.stack {
      write!(f, "\n\n{stack}")?;
    }
    Ok(())
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  #[test]
  fn an_error_shows_its_class_message_code_and_stack() {
    let failure = Failure {
      name: Some("PierError".into()),
      code: Some("E_PIER".into()),
      message: Some("gauge offline".into()),
      stack: Some("at run".into()),
    };
    assert_eq!(failure.to_string(), "PierError: gauge offline [E_PIER]\n\nat run");
  }

  #[test]
  fn an_abort_is_known_by_its_class_or_without_one_by_its_message() {
    let failure = |name: Option<&'static str>, message: &'static str| Failure {
      name: name.map(Text::Borrowed),
      message: Some(message.into()),
      ..Failure::default()
    };
    for (name, message, is_abort) in [
      (Some("AbortError"), "Coordinator shutting down.", true),
      (None, "This operation was aborted", true),
      (None, "The reading was aborted by the gauge", false),
      (Some("TimeoutError"), "This operation was aborted", false),
      (Some("Error"), "The operation was aborted.", false),
    ] {
      let outcome = Outcome::new(None, Some(failure(name, message)));
      assert_eq!(outcome.cancelled, is_abort, "{name:?} {message}");
      assert_eq!(outcome.failure.is_none(), is_abort, "{name:?} {message}");
      assert!(!outcome.succeeded());
    }
    assert!(Outcome::new(None, None).succeeded());
  }

  #[test]
  fn a_thrown_value_without_a_message_is_shown_as_its_json() {
    for (error, expected) in [
      (r#"{"status":503,"reason":"quota"}"#, r#"{"status":503,"reason":"quota"}"#),
      (r#"{"message":{"detail":"x"}}"#, r#"{"message":{"detail":"x"}}"#),
      (r#"{"code":429,"name":"HttpError","message":"slow down"}"#, "HttpError: slow down [429]"),
      (r#"{"code":429,"reason":"quota"}"#, r#"{"code":429,"reason":"quota"} [429]"#),
      ("42", "42"),
      ("false", "false"),
      (r#"["a"]"#, r#"["a"]"#),
      (r#""text""#, "text"),
      ("null", "failed without a message"),
      ("{}", "failed without a message"),
      (r#"{"name":"Error","message":""}"#, "failed without a message"),
    ] {
      // What Flue makes of it.
      for info in ["", r#","errorInfo":{"type":"_OTHER"}"#] {
        let event =
          format!(r#"{{"type":"run_end","runId":"r","isError":true,"error":{error}{info}}}"#);
        let event = crate::decode(&event, 0).unwrap();
        let crate::Body::RunEnd(end) = event.body else { unreachable!() };
        assert_eq!(end.outcome.failure.unwrap().to_string(), expected, "{error}");
      }
    }
  }

  #[test]
  fn the_generic_class_is_omitted_and_a_missing_message_is_replaced() {
    let failure = Failure { name: Some("Error".into()), ..Failure::default() };
    assert_eq!(failure.to_string(), "failed without a message");
  }
}
