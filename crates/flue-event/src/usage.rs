//! Token usage and cost.

use serde::{Deserialize, Serialize};

use crate::fields::{self, Member, count, object};

/// Token counts, and their cost in US dollars. `None` is what Flue does not report, or not as an amount.
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Usage {
  /// Input tokens that were neither read from nor written to the provider's cache.
  pub input: Option<f64>,
  /// Output tokens.
  pub output: Option<f64>,
  /// Input tokens that were read from the cache.
  pub cache_read: Option<f64>,
  /// Input tokens that were written to the cache.
  pub cache_write: Option<f64>,
  /// All tokens. If Flue reports no total, or 0, the sum of the others, provided that it reports input and output.
  pub total: Option<f64>,
  /// The cost in US dollars; 0 for a model without a price.
  pub cost: Option<f64>,
  /// Output tokens that the model reasoned with. Not summed, and in no snapshot.
  #[serde(skip)]
  pub reasoning: Option<f64>,
  /// Input tokens that were written to the cache for an hour, a part of `cache_write`. Not summed, and in no snapshot.
  #[serde(skip)]
  pub cache_write_1h: Option<f64>,
}

impl Usage {
  /// `None` without any amount.
  pub(crate) fn read(member: Member<'_>) -> Option<Self> {
    let f: fields::Usage = object(member);
    let cost = count(object::<fields::Cost>(f.cost).total);
    let [input, output, cache_read, cache_write, reasoning, cache_write_1h] =
      [f.input, f.output, f.cache_read, f.cache_write, f.reasoning, f.cache_write_1h].map(count);
    let cached = cache_read.unwrap_or(0.0) + cache_write.unwrap_or(0.0);
    let parts = input.unwrap_or(0.0) + output.unwrap_or(0.0) + cached;
    let sum = input.zip(output).map(|_| parts);
    // Flue has 0 where a provider reports none.
    let total = count(f.total_tokens).filter(|total| *total > 0.0 || parts == 0.0).or(sum);
    let usage =
      Self { input, output, cache_read, cache_write, total, cost, reasoning, cache_write_1h };
    (usage != Self::default()).then_some(usage)
  }
}
