//! Log lines: `log`.

use crate::{
  fields::{self, Fields, id, object, shown},
  outcome::{Failure, Outcome},
  value::{RawJson, Text},
};

/// `log`: a line that Flue or the application writes.
#[derive(Debug)]
pub struct Log<'a> {
  /// The level, such as `info` or `error`.
  pub level: Option<Text<'a>>,
  /// The message; of one that is not text, its JSON.
  pub message: Option<Text<'a>>,
  /// Further values.
  pub attributes: RawJson<'a>,
  /// The id of the tool call that wrote the line (2.x).
  pub tool_call: Option<Text<'a>>,
  /// The outcome of a compaction that failed, of which 0.x makes no other report.
  pub failed_compaction: Option<Outcome<'a>>,
}

/// What precedes the error of a compaction in a message of Flue.
const COMPACTION_FAILED: &str = "[flue:compaction] Failed: ";

impl<'a> Log<'a> {
  #[inline(never)]
  pub(crate) fn read(f: &Fields<'a>) -> Self {
    let attributes: fields::Attributes = object(f.attributes);
    let (level, message) = (id(f.level), shown(f.message));
    let reason = message.as_deref().and_then(|message| message.strip_prefix(COMPACTION_FAILED));
    // Later releases repeat it in a `compaction` event.
    let failed_compaction = reason.filter(|_| f.v.is_none()).map(|reason| {
      let failure = Failure::read(attributes.error);
      let message = failure.message.or_else(|| Some(reason.to_owned().into()));
      Outcome::new(None, Some(Failure { message, ..failure }))
    });
    let tool_call = id(attributes.tool_call_id);
    Self { level, message, attributes: f.attributes, tool_call, failed_compaction }
  }

  /// Replaces the error in the message of a compaction that failed.
  pub(crate) fn omit_error(&mut self, with: &str) {
    let message = self.message.as_deref().unwrap_or_default();
    if message.starts_with(COMPACTION_FAILED) {
      self.message = Some(format!("{COMPACTION_FAILED}{with}").into());
    }
  }
}

#[cfg(test)]
mod tests {
  use crate::{Body, ContentPolicy, decode};

  #[test]
  fn a_message_that_is_no_text_is_shown_as_its_json_if_messages_are_kept() {
    for (message, expected) in [
      (r#""text""#, Some("text")),
      ("42", Some("42")),
      (r#"{"reading":17.5}"#, Some(r#"{"reading":17.5}"#)),
      (r#"["a"]"#, Some(r#"["a"]"#)),
      ("true", Some("true")),
      ("null", None),
    ] {
      let text = format!(r#"{{"type":"log","level":40,"message":{message}}}"#);
      for (policy, expected) in [(ContentPolicy::ALL, expected), (ContentPolicy::NONE, None)] {
        let mut event = decode(&text, 0).unwrap();
        event.apply_content_policy(policy);
        let Body::Log(log) = event.body else { unreachable!() };
        assert_eq!((log.level.as_deref(), log.message.as_deref()), (Some("40"), expected));
      }
    }
  }
}
