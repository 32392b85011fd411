//! Answers `scripts/fuzz-patterns.mjs`: for each line `{"source", "flags", "text"}` of the input, the text with each
//! match replaced, as a JSON string; `null` if the expression is refused.

use std::{
  io::{self, BufRead, Write},
  ops::Range,
};

use braintrust_row::Json;
use redact::Redactor;
use serde_json::{Value, json};

fn main() -> io::Result<()> {
  let mut out = io::BufWriter::new(io::stdout().lock());
  for line in io::stdin().lock().lines() {
    let case: Value = serde_json::from_str(&line?)?;
    let member = |name: &str| case.get(name).and_then(Value::as_str).unwrap_or_default();
    let pattern = json!({ "source": member("source"), "flags": member("flags") });
    let rules = serde_json::from_value(json!({ "patterns": [pattern], "replacement": "§" }))?;
    let answer = Redactor::new(&rules, true, true).ok().flatten().map(|redactor| {
      let text = member("text");
      Json::text(&replaced(text, redactor.matches(text)))
    });
    writeln!(out, "{}", answer.unwrap_or_else(Json::null).as_str())?;
  }
  Ok(())
}

/// The text with `§` in the place of each match, which come in their order.
fn replaced(text: &str, matches: Vec<Range<usize>>) -> String {
  let mut shown = String::new();
  let mut copied = 0;
  for range in matches {
    shown.push_str(text.get(copied..range.start).unwrap_or_default());
    shown.push('§');
    copied = range.end;
  }
  shown + text.get(copied..).unwrap_or_default()
}
