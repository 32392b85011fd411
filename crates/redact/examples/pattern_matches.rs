//! Answers `scripts/fuzz-patterns.mjs`: for each line `{"source", "flags", "text"}` of the input, the text with each
//! match replaced, as a JSON string; `null` if the expression is refused.

use std::io::{self, BufRead, Write};

use braintrust_row::{Json, Row, SpanContext};
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
      let mut row = Row::of(SpanContext::root("run", &["run_1"]));
      row.name = Some(member("text").to_owned());
      redactor.row(&mut row);
      Json::text(&row.name.unwrap_or_default())
    });
    writeln!(out, "{}", answer.unwrap_or_else(Json::null).as_str())?;
  }
  Ok(())
}
