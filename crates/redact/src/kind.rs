//! What an object is: the reasoning of a model, or an error.

use braintrust_row::scan::{Scanner, Step, Token};

use super::{escapes::unescaped, rules::Rules};

/// What the types of objects that are reasoning contain, in messages and streams of Flue, OpenAI, Anthropic and the AI
/// SDK.
const REASONING_TYPES: [&str; 2] = ["reasoning", "thinking"];
/// The type of such objects that is a common word otherwise.
const THOUGHT: &str = r#""thought""#;
/// The members of reasoning that are not redacted.
const KEPT_OF_REASONING: Kept = &["type", "id", "index", "thought"];
/// The members of an error that are not redacted.
const KEPT_OF_ERROR: Kept = &["name", "code"];

/// The members of an object that are kept, if all others are redacted.
pub type Kept = &'static [&'static str];

/// The members that are kept of the object at the beginning of a text, if it is reasoning or an error whose others are
/// redacted.
pub fn kept_members(rules: &Rules, text: &str) -> Option<Kept> {
  let (reasoning, errors) = (rules.hides_reasoning(), rules.hides_errors());
  if !(reasoning || errors) || !text.starts_with('{') {
    return None;
  }
  let kind = Kind::of(text);
  if reasoning && kind.is_reasoning() {
    Some(KEPT_OF_REASONING)
  } else {
    (errors && kind.is_error()).then_some(KEPT_OF_ERROR)
  }
}

/// The members that show whether an object is reasoning or an error.
#[derive(Default)]
struct Kind<'a> {
  kind: Option<&'a str>,
  thought: Option<&'a str>,
  name: Option<&'a str>,
  message: Option<&'a str>,
  stack: Option<&'a str>,
}

impl<'a> Kind<'a> {
  /// Reads the object at the beginning of a text, also if it is cut or malformed.
  fn of(text: &'a str) -> Self {
    let mut kind = Self::default();
    let mut scanner = Scanner::new(text);
    while let Ok(Some(Step { token, range })) = scanner.next_step() {
      match token {
        Token::Name => {
          let name = unescaped(text.get(range.clone()).unwrap_or_default());
          let value = scanner.skip_value();
          let shown = text.get(value.clone().unwrap_or(range.end..text.len()));
          kind.set(&name, shown.filter(|value| *value != "null"));
          if value.is_err() {
            break;
          }
        }
        Token::Close(_) => break,
        Token::Open(_) | Token::String | Token::Scalar => {}
      }
    }
    kind
  }

  fn set(&mut self, name: &str, value: Option<&'a str>) {
    let member = match name {
      "type" => &mut self.kind,
      "thought" => &mut self.thought,
      "name" => &mut self.name,
      "message" => &mut self.message,
      "stack" => &mut self.stack,
      _ => return,
    };
    *member = value.or(*member);
  }

  fn is_reasoning(&self) -> bool {
    let is_type = |kind: &str| {
      kind.starts_with('"') && {
        let kind = kind.to_ascii_lowercase();
        kind == THOUGHT || REASONING_TYPES.iter().any(|part| kind.contains(part))
      }
    };
    self.kind.is_some_and(is_type) || self.thought == Some("true")
  }

  /// Whether it is an error as capturing writes it, or has what makes one.
  fn is_error(&self) -> bool {
    self.message.is_some() && (self.stack.is_some() || self.name.is_some())
  }
}
