//! Redacts rows.

use std::{borrow::Cow, ops::Range};

use braintrust_row::{Json, Members, Row, is_known_metric};

use super::{
  json,
  raw_rules::{RawRules, RulesError},
  rules::Rules,
};

/// The member of `metadata` that has log lines.
const LOGS: &str = "flue.logs";

/// Redacts rows by compiled rules.
#[derive(Debug)]
pub struct Redactor {
  pub(super) rules: Rules,
  /// The rules for scores.
  number_rules: Rules,
  /// The rules for inputs and outputs of models, and for all fields of custom spans, when reasoning is redacted.
  model_rules: Option<Rules>,
  /// The rules for log lines when errors are redacted.
  log_rules: Option<Rules>,
}

impl Redactor {
  /// Compiles rules; `None` when there is nothing to redact. Unless `keep_reasoning`, the reasoning of models is
  /// redacted, too; unless `keep_errors`, errors in the attributes of log lines are.
  ///
  /// # Errors
  /// [`RulesError`] for the first rule that cannot be applied.
  pub fn new(
    raw: &RawRules,
    keep_reasoning: bool,
    keep_errors: bool,
  ) -> Result<Option<Self>, RulesError> {
    let rules = Rules::new(raw)?;
    let model_rules = (!keep_reasoning).then(|| rules.clone().hiding_reasoning());
    let log_rules = (!keep_errors).then(|| rules.clone().hiding_errors());
    let is_needed = model_rules.is_some() || log_rules.is_some() || !rules.is_empty();
    let number_rules = rules.for_numbers();
    Ok(is_needed.then_some(Self { rules, number_rules, model_rules, log_rules }))
  }

  /// Redacts all fields of a row that have content, its name and the names of its metrics included.
  pub fn row(&self, row: &mut Row) {
    if let Some(name) = &mut row.name
      && let Some(changed) = self.span_name(name)
    {
      *name = changed;
    }
    for (field, value) in
      [("input", &mut row.input), ("output", &mut row.output), ("error", &mut row.error)]
    {
      if let Some(value) = value {
        self.field(field, value);
      }
    }
    let is_custom = row.custom.is_some();
    if let Some(custom) = &mut row.custom {
      custom.fields_mut().for_each(|(field, value)| self.field(field, value));
      self.attributes(&mut custom.attributes);
    }
    self.metadata(&mut row.metadata, is_custom);
    self.metric_names(&mut row.metrics);
  }

  /// The redacted name of a span. `None` when it does not change.
  pub fn span_name(&self, name: &str) -> Option<String> {
    let location = self.rules.location(&["span_attributes", "name"]);
    if self.rules.covers_path(&location) {
      return Some(self.rules.replacement().to_owned());
    }
    let mut ranges = self.rules.matches(name);
    // Patterns with anchors are meant for the name that the application gives: `workflow:ACME-123`.
    let is_kind =
      |kind: &str| !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_lowercase());
    if let Some((_, own)) = name.split_once(':').filter(|(kind, _)| is_kind(kind)) {
      let start = name.len() - own.len();
      let found = self.rules.matches(own).into_iter();
      ranges.extend(found.map(|found| start + found.start..start + found.end));
    }
    self.rules.redact_ranges(name, ranges)
  }

  /// Redacts the value of a field, by its name in a row. What is covered as a whole stays of the type that Braintrust
  /// expects.
  pub fn field(&self, field: &str, value: &mut Json) {
    let rules = match field {
      "input" | "output" | "expected" => self.model_rules(),
      // Scores must be numbers or null.
      "scores" => &self.number_rules,
      _ => &self.rules,
    };
    // The application calls it `metadata`, and rules follow that.
    let name = if field == "_audit_metadata" { "metadata" } else { field };
    let is_covered = redact_value(rules, value, &[name]);
    match field {
      "tags" if is_covered => *value = Json::concat(&["[", &rules.mark().as_str(), "]"]),
      // Braintrust refuses equal tags.
      "tags" => {
        if let Some(different) = Json::concat(&["[]"]).with_items_of(value) {
          *value = different;
        }
      }
      "scores" | "_audit_metadata" if is_covered => *value = Json::concat(&["{}"]),
      _ => {}
    }
  }

  /// Whether a rule would change a text, or the JSON that it is.
  pub fn changes(&self, text: &str) -> bool {
    let mut value = Json::text(text);
    let before = value.clone();
    redact_value(self.model_rules(), &mut value, &[]) || value.as_str() != before.as_str()
  }

  /// The ranges of a text that patterns and builtins match, in their order.
  pub fn matches(&self, text: &str) -> Vec<Range<usize>> {
    self.rules.matches(text)
  }

  /// Redacts the members of `metadata`. `is_custom`: of a span that the application makes.
  pub fn metadata(&self, members: &mut Members<Json>, is_custom: bool) {
    let log_rules = self.log_rules.as_ref().unwrap_or(&self.rules);
    // A Flue span's `metadata.reasoning` is a setting.
    let others = if is_custom { self.model_rules() } else { &self.rules };
    redact_members(members, "metadata", |name| if name == LOGS { log_rules } else { others });
  }

  /// Redacts the members of `span_attributes` besides name and type.
  pub fn attributes(&self, members: &mut Members<Json>) {
    redact_members(members, "span_attributes", |_| self.model_rules());
  }

  /// Redacts the names of metrics, which applications can choose; not those of times and usage, by which Braintrust
  /// finds tokens and costs.
  pub fn metric_names<V>(&self, metrics: &mut Members<V>) {
    let redacted =
      |name: &str| if is_known_metric(name) { None } else { self.rules.redact_text(name) };
    if metrics.iter().all(|(name, _)| redacted(name).is_none()) {
      return;
    }
    for (name, value) in std::mem::take(metrics).into_iter() {
      let name = redacted(&name).map_or(name, Cow::Owned);
      metrics.insert(name, value);
    }
  }

  fn model_rules(&self) -> &Rules {
    self.model_rules.as_ref().unwrap_or(&self.rules)
  }
}

/// Redacts the members of a field that is an object, and their names.
fn redact_members<'r>(
  members: &mut Members<Json>,
  field: &str,
  rules_of: impl Fn(&str) -> &'r Rules,
) {
  for (name, mut value) in std::mem::take(members).into_iter() {
    let rules = rules_of(&name);
    if rules.covers(field, &rules.location(&[field])) {
      value = rules.mark();
    } else {
      redact_value(rules, &mut value, &[field, &*name]);
    }
    let name = rules.redact_text(&name).map_or(name, Cow::Owned);
    members.insert(name, value);
  }
}

/// Redacts the value at the position that these names lead to. True if it is covered as a whole.
fn redact_value(rules: &Rules, value: &mut Json, names: &[&str]) -> bool {
  let location = rules.location(names);
  let is_covered = names.last().is_some_and(|name| rules.covers(name, &location));
  if is_covered {
    *value = rules.mark();
  } else {
    value.rewrite(&mut |text| json::rewritten(rules, text, &location));
  }
  is_covered
}
