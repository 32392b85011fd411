//! The recorders of an instance, and the memory that they share.

use crate::recorder::Recorder;

/// The recorders, by number. They share the memory of the isolate, so the bound of queued bytes of each applies to the
/// undelivered rows of all.
#[derive(Default)]
pub struct Recorders {
  /// In the order of their numbers.
  all: Vec<(u32, Recorder)>,
  /// The last number that was assigned. Numbers are not reused.
  last: u32,
  /// The undelivered rows and events of all.
  bytes: usize,
}

impl Recorders {
  /// Adds a recorder that holds nothing. Returns its number, from 1 on.
  pub fn add(&mut self, recorder: Recorder) -> u32 {
    self.last += 1;
    self.all.push((self.last, recorder));
    self.last
  }

  /// Removes a recorder and what it holds.
  pub fn remove(&mut self, number: u32) {
    if let Some(at) = self.position(number) {
      let (_, removed) = self.all.remove(at);
      self.bytes -= removed.memory_bytes();
    }
  }

  /// Calls `run` with a recorder that knows how many bytes the others hold. Returns the default if no recorder has this
  /// number.
  pub fn with<T: Default>(&mut self, number: u32, run: impl FnOnce(&mut Recorder) -> T) -> T {
    let at = self.position(number);
    let Some((_, recorder)) = at.and_then(|at| self.all.get_mut(at)) else { return T::default() };
    let others = self.bytes - recorder.memory_bytes();
    recorder.set_others_bytes(others);
    let result = run(recorder);
    self.bytes = others + recorder.memory_bytes();
    result
  }

  fn position(&self, number: u32) -> Option<usize> {
    self.all.binary_search_by_key(&number, |(number, _)| *number).ok()
  }
}

#[cfg(test)]
mod tests {
  use std::sync::Arc;

  use export::{Now, admission::Priority};
  use serde_json::{Value, json};

  use super::*;
  use crate::{recorder::Description, settings};

  const NOW: Now = Now { elapsed: std::time::Duration::ZERO, unix_ms: 1_795_417_364_000 };
  const MIB: usize = 1024 * 1024;

  /// Recorders whose server is down; of every other one the storage is not listed yet.
  fn recorders(count: usize) -> (Recorders, Vec<u32>) {
    let mut recorders = Recorders::default();
    let numbers = (0..count).map(|n| {
      let settings = settings::parse(r#"{"options":{"apiKey":"k"}}"#).unwrap();
      let number = recorders.add(Recorder::new(settings, &Arc::default()));
      recorders.with(number, |recorder| {
        if n % 2 == 1 {
          recorder.await_storage();
        }
        recorder.start(1, NOW);
      });
      number
    });
    let numbers = numbers.collect();
    (recorders, numbers)
  }

  /// Records spans of `bytes` each by turns. Returns how many were accepted.
  fn fill(recorders: &mut Recorders, numbers: &[u32], count: usize, bytes: usize) -> usize {
    let accepted = (0..count).filter(|n| {
      let number = numbers[n % numbers.len()];
      let id = format!("{:032x}", n + 1);
      let input = "word ".repeat(bytes / 5);
      let event = json!({ "type": "span_start", "timestamp": 1, "spanId": id, "rootSpanId": id,
        "span": { "name": "n", "input": input } });
      let event = event.to_string();
      recorders.with(number, |recorder| recorder.record(&event, Priority::Start, false, NOW))
    });
    accepted.count()
  }

  fn stats(recorders: &mut Recorders, number: u32) -> Value {
    let text = recorders.with(number, |recorder| recorder.describe(Description::Stats));
    serde_json::from_str(&text).unwrap()
  }

  #[test]
  fn the_rows_of_all_recorders_together_stay_within_the_bound_of_one() {
    for count in [1, 2, 16] {
      let (mut recorders, numbers) = recorders(count);
      fill(&mut recorders, &numbers, 64, MIB);
      assert!(recorders.bytes > 12 * MIB && recorders.bytes <= 16 * MIB, "{}", recorders.bytes);
      let sum: usize =
        numbers.iter().map(|n| recorders.with(*n, |recorder| recorder.memory_bytes())).sum();
      assert_eq!(recorders.bytes, sum);
      let lost = numbers.iter().map(|number| {
        stats(&mut recorders, *number)["lost"]["queue_full"].as_u64().unwrap_or_default()
      });
      assert!(lost.sum::<u64>() > 40, "what is refused is counted");
    }
  }

  #[test]
  fn a_recorder_that_is_removed_leaves_its_memory_to_the_others_and_its_number_to_nobody() {
    let (mut recorders, numbers) = recorders(4);
    fill(&mut recorders, &numbers, 64, MIB);
    numbers[1..].iter().for_each(|number| recorders.remove(*number));
    assert_eq!(recorders.with(numbers[1], |recorder| recorder.memory_bytes()), 0);
    assert!(fill(&mut recorders, &numbers[..1], 4, MIB) == 4);
    let settings = settings::parse(r#"{"options":{"apiKey":"k"}}"#).unwrap();
    assert!(!numbers.contains(&recorders.add(Recorder::new(settings, &Arc::default()))));
    recorders.remove(numbers[0]);
    assert_eq!(recorders.bytes, 0);
  }
}
