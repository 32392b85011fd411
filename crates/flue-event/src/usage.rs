//! Token usage and cost.

use serde::{Deserialize, Serialize};

use crate::fields::{self, Member, count, object};

/// Token counts, and their cost in US dollars. A count that Flue does not report is 0.
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Usage {
  /// Input tokens that were neither read from nor written to the provider's cache.
  pub input: f64,
  /// Output tokens.
  pub output: f64,
  /// Input tokens that were read from the cache.
  pub cache_read: f64,
  /// Input tokens that were written to the cache.
  pub cache_write: f64,
  /// All tokens; their sum if Flue reports no total.
  pub total: f64,
  /// The cost in US dollars; 0 for a model without a price.
  pub cost: f64,
}

impl Usage {
  /// `None` without a `usage` member.
  pub(crate) fn read(member: Member<'_>) -> Option<Self> {
    member?;
    let f: fields::Usage = object(member);
    let part = |member| count(member).unwrap_or(0.0);
    let (input, output) = (part(f.input), part(f.output));
    let (cache_read, cache_write) = (part(f.cache_read), part(f.cache_write));
    let total = count(f.total_tokens).unwrap_or(input + output + cache_read + cache_write);
    let cost = part(object::<fields::Cost>(f.cost).total);
    Some(Self { input, output, cache_read, cache_write, total, cost })
  }
}
