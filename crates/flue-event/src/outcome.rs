//! How an activity ended: its duration, and its error if it failed.

use std::fmt;

use crate::{
  fields::{self, Fields, Member, duration, flag, list, object, text},
  value::Text,
};

/// How an activity ended.
#[derive(Debug, Default)]
pub struct Outcome<'a> {
  /// The duration in milliseconds, by Flue's own clock.
  pub duration: Option<f64>,
  /// The error; `None` if the activity succeeded.
  pub failure: Option<Failure<'a>>,
}

impl<'a> Outcome<'a> {
  /// The outcome in `isError`, `errorInfo`, `error` and `durationMs`. `content` is a tool's result: a tool
  /// that failed before it ran has its message only there.
  pub(crate) fn read(f: &Fields<'a>, content: Member<'a>) -> Self {
    let failure = flag(f.is_error).then(|| {
      let (info, error) = (Failure::read(f.error_info, content), Failure::read(f.error, None));
      Failure {
        name: info.name.or(error.name),
        code: info.code.or(error.code),
        message: info.message.or(error.message),
        stack: info.stack.or(error.stack),
      }
    });
    Self { duration: duration(f.duration_ms), failure }
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
  pub(crate) fn read(member: Member<'a>, content: Member<'a>) -> Self {
    let f: fields::Failure = object(member);
    // `type` repeats the code or the name, or is `_OTHER` if there is none.
    let kind = text(f.r#type).filter(|kind| kind != "_OTHER");
    let name = text(f.name);
    Self {
      code: text(f.code).or(kind).filter(|code| name.as_ref() != Some(code)),
      name,
      message: text(f.message)
        .or_else(|| text(member))
        .or_else(|| text(object::<fields::Result>(list(content).first().copied()).text)),
      stack: text(f.stack),
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
  fn the_generic_class_is_omitted_and_a_missing_message_is_replaced() {
    let failure = Failure { name: Some("Error".into()), ..Failure::default() };
    assert_eq!(failure.to_string(), "failed without a message");
  }
}
