//! Redacts rows.

use std::borrow::Cow;

use braintrust_row::{Json, Members, Row};

use super::{
  json,
  raw_rules::{RawRules, RulesError},
  rules::Rules,
};

/// The keys of reasoning in messages, in both message forms.
const REASONING: [&str; 3] = ["thinking", "thinkingsignature", "reasoning"];

/// Redacts rows by compiled rules.
#[derive(Debug)]
pub struct Redactor {
  pub(super) rules: Rules,
  /// The rules for inputs and outputs of models when reasoning is redacted: `rules` and the keys of reasoning.
  model_rules: Option<Rules>,
}

impl Redactor {
  /// Compiles rules; `None` when there is nothing to redact. Unless `keep_reasoning`, the reasoning of models is
  /// redacted, too.
  ///
  /// # Errors
  /// [`RulesError`] for the first rule that cannot be applied.
  pub fn new(raw: &RawRules, keep_reasoning: bool) -> Result<Option<Self>, RulesError> {
    let rules = Rules::new(raw)?;
    let model_rules = (!keep_reasoning).then(|| {
      let mut model_rules = rules.clone();
      model_rules.add_keys(REASONING);
      model_rules
    });
    let is_needed = model_rules.is_some() || !rules.is_empty();
    Ok(is_needed.then_some(Self { rules, model_rules }))
  }

  /// Redacts all fields of a row that have content, its name and the names of its metrics included.
  pub fn row(&self, row: &mut Row) {
    let rules = &self.rules;
    if let Some(name) = &mut row.name
      && let Some(changed) = rules.redact_text(name)
    {
      *name = changed;
    }
    let model_rules = self.model_rules.as_ref().unwrap_or(rules);
    for (field, value, rules) in [
      ("input", &mut row.input, model_rules),
      ("output", &mut row.output, model_rules),
      ("error", &mut row.error, rules),
    ] {
      if let Some(value) = value {
        redact_value(rules, value, field, field);
      }
    }
    if let Some(custom) = &mut row.custom {
      custom.fields_mut().for_each(|(field, value)| redact_value(rules, value, field, field));
      redact_members(rules, &mut custom.attributes, "span_attributes");
    }
    redact_members(rules, &mut row.metadata, "metadata");
    redact_metric_names(rules, &mut row.metrics);
  }
}

/// Redacts the members of a field that is an object, and their names.
fn redact_members(rules: &Rules, members: &mut Members<Json>, field: &str) {
  for (name, mut value) in std::mem::take(members).into_iter() {
    redact_value(rules, &mut value, &name, &format!("{field}.{name}"));
    let name = rules.redact_text(&name).map_or(name, Cow::Owned);
    members.insert(name, value);
  }
}

/// Redacts the names of metrics, which applications can choose.
fn redact_metric_names(rules: &Rules, metrics: &mut Members<f64>) {
  if metrics.iter().all(|(name, _)| rules.redact_text(name).is_none()) {
    return;
  }
  for (name, value) in std::mem::take(metrics).into_iter() {
    let name = rules.redact_text(&name).map_or(name, Cow::Owned);
    metrics.insert(name, value);
  }
}

/// Redacts the value of a field or of a member `name` at `path`.
fn redact_value(rules: &Rules, value: &mut Json, name: &str, path: &str) {
  if rules.covers(name, path) {
    *value = rules.mark();
  } else {
    value.rewrite(&mut |text| json::rewritten(rules, text, path));
  }
}
