//! Variables of the process and of `.env.braintrust`.

use std::collections::HashMap;

use super::values::{count, filled, float};

/// Variables by their names. Those of the process take precedence.
pub struct Variables {
  /// Those of the process.
  pub env: HashMap<String, String>,
  /// Those of `.env.braintrust`.
  pub file: HashMap<String, String>,
}

impl Variables {
  /// A variable; `None` if it is blank.
  pub fn get(&self, name: &str) -> Option<String> {
    let sources = [&self.env, &self.file];
    sources.into_iter().filter_map(|from| from.get(name)).find_map(|value| filled(value))
  }

  /// The option, else the variable.
  pub fn or(&self, option: Option<&String>, name: &str) -> Option<String> {
    option.and_then(|text| filled(text)).or_else(|| self.get(name))
  }

  /// A count that only a variable sets.
  pub fn count(&self, name: &str) -> Option<usize> {
    self.get(name).and_then(|text| count(float(&text)?))
  }
}
