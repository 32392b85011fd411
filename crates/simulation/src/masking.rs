//! The masking function of the application.

use std::time::Duration;

use export::masking::MaskRequest;

use crate::{
  conversation::mask,
  plan::FaultKind,
  world::{Checked, Event, World},
};

impl World {
  /// Calls the masking function, which returns later, or never.
  pub(crate) fn begin_mask(&mut self, number: usize, MaskRequest { batch, content }: MaskRequest) {
    self.coverage.count("masked batches");
    if let Some(process) = self.processes.get_mut(&number) {
      process.masking.insert(batch, content);
    }
    let fault = self.fault(|fault| matches!(fault, FaultKind::MaskSlow(_) | FaultKind::MaskNever));
    if let Some(fault) = fault {
      self.coverage.count(fault.name());
    }
    let delay = match fault {
      Some(FaultKind::MaskNever) => return,
      Some(FaultKind::MaskSlow(most)) => Duration::from_millis(self.rng.u64(..=most)),
      _ => Duration::from_micros(self.rng.u64(..3_000)),
    };
    self.schedule(self.now + delay, Event::Masked(number, batch));
  }

  /// The masking function returns.
  pub(crate) fn masked(&mut self, number: usize, batch: u64) -> Checked {
    let now = self.clock();
    let is_garbage = self.fault(|fault| *fault == FaultKind::MaskGarbage).is_some();
    let Some(process) = self.processes.get_mut(&number) else { return Ok(()) };
    let Some(content) = process.masking.remove(&batch) else { return Ok(()) };
    let masked = if is_garbage {
      self.coverage.count(FaultKind::MaskGarbage.name());
      self.has_garbage = true;
      // A later state may overwrite the mark before any of them is sent.
      self.history.altered.extend(process.touched.iter().copied());
      ["", "nonsense", "[]", "[1]", "[null]", "{}"][self.rng.usize(..6)].to_owned()
    } else {
      mask(&content)
    };
    process.exporter.handle_masked(batch, &masked, now);
    self.settle(number)
  }
}
