//! Applies the rules to a row.

use std::borrow::Cow;

use braintrust_row::{Json, Members, Row};

use super::{
  given::{Given, RulesError},
  json,
  rules::Rules,
};

/// The members in which messages tell what a model thought, in both forms.
const REASONING: [&str; 3] = ["thinking", "thinkingsignature", "reasoning"];

/// Applies the rules.
#[derive(Debug)]
pub struct Redactor {
  pub(super) rules: Rules,
  /// The same with what tells of reasoning, for what went into a model and came out.
  of_models: Option<Rules>,
}

impl Redactor {
  /// `None` when there is nothing to redact. Without `reasoning` what models thought is replaced, too.
  pub fn new(given: &Given, reasoning: bool) -> Result<Option<Self>, RulesError> {
    let rules = Rules::new(given)?;
    let of_models = (!reasoning).then(|| {
      let mut of_models = rules.clone();
      of_models.add_keys(REASONING);
      of_models
    });
    let is_needed = of_models.is_some() || !rules.is_empty();
    Ok(is_needed.then_some(Self { rules, of_models }))
  }

  /// Replaces in a row all that is to be replaced.
  pub fn row(&self, row: &mut Row) {
    let rules = &self.rules;
    if let Some(name) = &mut row.name
      && let Some(changed) = rules.text(name)
    {
      *name = changed;
    }
    let of_models = self.of_models.as_ref().unwrap_or(rules);
    for (field, value, rules) in [
      ("input", &mut row.input, of_models),
      ("output", &mut row.output, of_models),
      ("error", &mut row.error, rules),
    ] {
      if let Some(value) = value {
        member(rules, value, field, field);
      }
    }
    if let Some(custom) = &mut row.custom {
      custom.fields_mut().for_each(|(field, value)| member(rules, value, field, field));
      members(rules, &mut custom.attributes, "span_attributes");
    }
    members(rules, &mut row.metadata, "metadata");
    names(rules, &mut row.metrics);
  }
}

/// All members of a field that is an object, and their names.
fn members(rules: &Rules, members: &mut Members<Json>, field: &str) {
  for (name, mut value) in std::mem::take(members).into_iter() {
    member(rules, &mut value, &name, &format!("{field}.{name}"));
    let name = rules.text(&name).map_or(name, Cow::Owned);
    members.insert(name, value);
  }
}

/// The names of numbers, which are the application's own where it tells some.
fn names(rules: &Rules, numbers: &mut Members<f64>) {
  if numbers.iter().all(|(name, _)| rules.text(name).is_none()) {
    return;
  }
  for (name, value) in std::mem::take(numbers).into_iter() {
    let name = rules.text(&name).map_or(name, Cow::Owned);
    numbers.insert(name, value);
  }
}

/// The value of a member of that name, or of a field, at that path.
fn member(rules: &Rules, value: &mut Json, name: &str, path: &str) {
  if rules.covers(name, path) {
    *value = rules.mark();
  } else {
    value.rewrite(&mut |text| json::rewritten(rules, text, path));
  }
}
