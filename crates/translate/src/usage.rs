//! Tokens and cost as metrics, by Braintrust's names.

use braintrust_row::Row;
use flue_event::Usage;

/// Writes token counts and cost. Cached tokens are part of the prompt.
pub fn write(row: &mut Row, usage: &Usage) {
  let prompt = usage.input + usage.cache_read + usage.cache_write;
  row.set_metric("prompt_tokens", Some(prompt));
  row.set_metric("completion_tokens", Some(usage.output));
  row.set_metric("tokens", Some(usage.total));
  row.set_metric("prompt_cached_tokens", Some(usage.cache_read));
  row.set_metric("prompt_cache_creation_tokens", Some(usage.cache_write));
  // Flue reports a cost of zero for a model without a price. If it were written, Braintrust would not
  // compute the cost itself.
  row.set_metric("estimated_cost", Some(usage.cost).filter(|cost| *cost > 0.0));
}

/// Adds to a sum; `None` counts as zero.
pub fn add(sum: &mut Option<Usage>, more: &Usage) {
  let sum = sum.get_or_insert_default();
  sum.input += more.input;
  sum.output += more.output;
  sum.cache_read += more.cache_read;
  sum.cache_write += more.cache_write;
  sum.total += more.total;
  sum.cost += more.cost;
}
