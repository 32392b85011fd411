//! Tokens and cost as metrics, by Braintrust's names.

use braintrust_row::Row;
use flue_event::Usage;

/// The member of `span_attributes` that states what a span is for.
pub const PURPOSE: &str = "purpose";

/// Writes the token counts and the cost that are known. Cached tokens are part of the prompt. What computes a score has
/// no cost, which would count as that of the application.
pub fn write(row: &mut Row, usage: &Usage) {
  let cached = usage.cache_read.unwrap_or(0.0) + usage.cache_write.unwrap_or(0.0);
  row.set_metric("prompt_tokens", usage.input.map(|input| input + cached));
  row.set_metric("completion_tokens", usage.output);
  row.set_metric("tokens", usage.total);
  row.set_metric("prompt_cached_tokens", usage.cache_read);
  row.set_metric("prompt_cache_creation_tokens", usage.cache_write);
  row.set_metric("completion_reasoning_tokens", usage.reasoning);
  let hour = usage.cache_write_1h;
  let minutes = usage.cache_write.zip(hour).map(|(all, hour)| (all - hour).max(0.0));
  row.set_metric("prompt_cache_creation_5m_tokens", minutes);
  row.set_metric("prompt_cache_creation_1h_tokens", hour);
  // Flue reports a cost of zero for a model without a price. If it were written, Braintrust would not
  // compute the cost itself.
  let purpose = row.custom.as_ref().and_then(|custom| custom.attributes.get(PURPOSE));
  let is_scorer = purpose.is_some_and(|purpose| purpose.as_str() == r#""scorer""#);
  row.set_metric("estimated_cost", usage.cost.filter(|cost| *cost > 0.0 && !is_scorer));
}

/// Writes the usage that Flue reports of an operation or a compaction, or that of its turns: Flue's leaves out compactions
/// that fail, and turns of another process may not be known.
pub fn write_larger(row: &mut Row, reported: Option<Usage>, of_turns: Option<Usage>) {
  let total = |usage: Usage| usage.total;
  let is_larger = of_turns.and_then(total) > reported.and_then(total);
  if let Some(usage) = if is_larger { of_turns } else { reported.or(of_turns) } {
    write(row, &usage);
  }
}

/// Adds what is known to a sum of what is known. What only messages of models report is not summed.
pub fn add(sum: &mut Option<Usage>, more: Option<Usage>) {
  let Some(more) = more else { return };
  let sum = sum.get_or_insert_default();
  for (sum, more) in [
    (&mut sum.input, more.input),
    (&mut sum.output, more.output),
    (&mut sum.cache_read, more.cache_read),
    (&mut sum.cache_write, more.cache_write),
    (&mut sum.total, more.total),
    (&mut sum.cost, more.cost),
  ] {
    *sum = sum.map_or(more, |sum| Some(sum + more.unwrap_or(0.0)));
  }
}
