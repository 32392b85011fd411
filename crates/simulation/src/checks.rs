//! The invariants of content, accounting and the end.

use export::{counters::Stats, loss::LossReason};

use crate::{
  conversation::{SECRET, TOKEN},
  host::Ticket,
  plan::{Fault, FaultKind},
  request_checks::REFUSED,
  view::Span,
  world::{Checked, World},
};

/// Memory that is not bounded by the settings: one event, and what its rows share.
const MEMORY_SLACK: usize = 192 * 1024;

impl World {
  /// Nothing that must be masked or redacted leaves.
  pub(crate) fn check_content(&self, text: &str, place: &str) -> Checked {
    if self.must_mask && text.contains(SECRET) {
      return self.finding("masked content is masked", format!("unmasked content in {place}"));
    }
    if self.plan.setup.redacts && text.contains(TOKEN) {
      return self.finding("redacted content is redacted", format!("a token in {place}"));
    }
    Ok(())
  }

  /// A flush or a shutdown has completed.
  pub(crate) fn check_completed(
    &mut self,
    number: usize,
    ticket: &Ticket,
    complete: bool,
  ) -> Checked {
    let process = &self.processes[&number];
    let is_refused = process.refused_at.is_some_and(|at| self.now < at + REFUSED);
    let is_left = ticket.may_leave && process.exporter.in_memory().rows == 0;
    let may_fail =
      process.exporter.has_ended() || is_refused || is_left || ticket.deadline <= self.now;
    if !complete && !may_fail {
      return self.finding("a flush waits until its deadline", "it completes without success");
    }
    if complete {
      let stats = process.account.counters.stats().attachments;
      if stats.uploaded + stats.lost.values().sum::<u64>() < ticket.attachments {
        let detail = format!("{stats:?}, {} before", ticket.attachments);
        return self.finding("a complete flush has uploaded every attachment", detail);
      }
      let behind = ticket.before.iter().filter(|(id, _)| !self.is_exempt(id));
      let behind: Vec<String> = behind
        .filter_map(|(id, states)| {
          let stored = self.server.merged.rows.get(id);
          let path = self.history.spans.get(id)?.behind(*states, stored)?;
          Some(format!("{id} at {path}"))
        })
        .collect();
      if behind.len() as u64 > self.lost_rows() {
        let detail = format!("{} rows are not there, such as {}", behind.len(), behind[0]);
        return self.finding("a complete flush has delivered everything", detail);
      }
      self.check_flushed(number, ticket)?;
    }
    let may_wait = self.refused_states() > 0 && self.plan.setup.poison_status == 500;
    if ticket.is_natural && !complete && !may_wait {
      return self.finding("shutdown delivers everything when nothing fails", "it is incomplete");
    }
    Ok(())
  }

  /// The states of rows that the server refuses.
  pub(crate) fn refused_states(&self) -> u64 {
    let spans = self.history.spans.iter().filter(|(id, _)| self.plan.setup.is_poison(id));
    spans.map(|(_, span)| span.states.len() as u64).sum()
  }

  /// A refused row takes no other row along. Unknown while the server also fails without regard to rows.
  fn check_rejected(&self, stats: &Stats) -> Checked {
    let rejected = stats.lost.get(LossReason::Rejected.name()).copied().unwrap_or(0);
    if rejected > 0 && rejected > self.refused_states() && !self.plan.faults.iter().any(fails) {
      let detail = format!("{rejected} rows are rejected, {} refused", self.refused_states());
      return self.finding("a refused row takes no other row along", detail);
    }
    Ok(())
  }

  fn is_exempt(&self, id: &braintrust_row::RowId) -> bool {
    self.is_excused(id) || self.history.altered.contains(id)
  }

  /// The same for the end of its span: other content takes no part in that.
  fn is_excused(&self, id: &braintrust_row::RowId) -> bool {
    let history = &self.history;
    self.plan.setup.is_failed_on(id)
      || history.excused.contains(id)
      || history.unordered.contains(id)
  }

  /// The rows that all processes have lost so far.
  pub(crate) fn lost_rows(&self) -> u64 {
    let running = self.processes.values().map(|p| lost_rows(&p.account.counters.stats()));
    self.lost + running.sum::<u64>()
  }

  pub(crate) fn check_spool_bound(&self, number: usize) -> Checked {
    let process = &self.processes[&number];
    let (bytes, most) = (process.exporter.spool_bytes(), self.plan.setup.spool_bytes);
    let most = most.max(process.adopted_bytes);
    if bytes > most && !process.has_disk_failed {
      return self.finding("the spool is bounded", format!("{bytes} bytes of {most}"));
    }
    Ok(())
  }

  /// What holds for a process after every step.
  pub(crate) fn check_process(&mut self, number: usize) -> Checked {
    let process = &self.processes[&number];
    let stats = process.account.counters.stats();
    let lost: u64 = stats.lost.values().sum();
    let settled = stats.sent + stats.spooled + lost;
    if settled > stats.accepted {
      let detail = format!("{} accepted, {settled} settled", stats.accepted);
      return self.finding("accounting adds up", detail);
    }
    let memory = process.exporter.in_memory();
    let has_ended = process.exporter.has_ended();
    let expected = if has_ended { (0, 0) } else { (memory.rows as u64, memory.bytes as u64) };
    let found = (stats.pending, stats.bytes.pending);
    if expected != found {
      let detail = format!("process {number}: {found:?} pending, {expected:?} in memory");
      return self.finding("accounting adds up", detail);
    }
    // Rows of the same span that waited in the spool may be merged: the server acknowledges them as one.
    let may_merge = process.spool.is_some() && stats.sent > process.acknowledged;
    if stats.sent != process.acknowledged && !may_merge {
      let detail = format!("{} sent, {} acknowledged", stats.sent, process.acknowledged);
      return self.finding("sent is what the server acknowledged", detail);
    }
    self.check_rejected(&stats)?;
    if let Some(last) = &process.last
      && let Some(counter) = shrunk(last, &stats)
    {
      return self.finding("counters only grow", counter);
    }
    if !has_ended && stats.open_spans != process.reference.open_spans() {
      let detail = format!("{} open, not {}", stats.open_spans, process.reference.open_spans());
      return self.finding("open spans are those of the reference", detail);
    }
    let room = self.settings.max_queue_bytes + self.settings.max_queue_bytes / 8;
    let bound = room + process.reserve * 8 + MEMORY_SLACK;
    if process.exporter.memory_bytes() > bound {
      let detail = format!("{} bytes of {bound}", process.exporter.memory_bytes());
      return self.finding("memory is bounded", detail);
    }
    let held = process.exporter.memory_bytes();
    let attachments = &stats.attachments;
    let expected = if has_ended { 0 } else { process.exporter.unsettled_attachments() as u64 };
    let settled = attachments.uploaded + attachments.lost.values().sum::<u64>();
    if settled + expected != attachments.accepted || attachments.pending != expected {
      let detail = format!("{attachments:?}, {expected} in memory");
      return self.finding("attachments are uploaded, lost or in memory", detail);
    }
    if held > 0 && memory.rows == 0 && attachments.pending == 0 && !has_ended {
      return self.finding("memory is released", format!("{held} bytes are held by no row"));
    }
    if let Some(spool) = &process.spool
      && process.operations.is_empty()
      && !process.has_disk_failed
      && spool.bytes() != process.exporter.spool_bytes()
    {
      let detail = format!("{} bytes of {}", process.exporter.spool_bytes(), spool.bytes());
      return self.finding("the spool's size is known", detail);
    }
    // One operation on the disk may take longer.
    let is_waiting = |ticket: &&Ticket| ticket.deadline < self.now && process.operations.is_empty();
    let late = process.tickets.values().find(is_waiting);
    if late.is_some() {
      return self.finding("each flush completes by its deadline", format!("process {number}"));
    }
    if let Some(error) =
      stats.last_error.as_deref().filter(|why| why.contains("translation failed"))
    {
      return self.finding("no panic", error);
    }
    if let Some(process) = self.processes.get_mut(&number) {
      process.last = Some(stats);
    }
    Ok(())
  }

  /// A process that has ended and performed its last operation is gone.
  pub(crate) fn finish_if_ended(&mut self, number: usize) -> Checked {
    let Some(process) = self.processes.get(&number) else { return Ok(()) };
    if !process.exporter.has_ended() || !process.operations.is_empty() {
      return Ok(());
    }
    if !process.tickets.is_empty() {
      return self.finding("each flush completes once", "a process ends before some have");
    }
    let stats = process.account.counters.stats();
    if process.spool.is_some() && !process.has_disk_failed {
      let rows: usize = self.segments(Some(process.id)).iter().map(Vec::len).sum();
      // Of a batch that was halved a part may be delivered; the segment keeps the whole.
      let setup = &self.plan.setup;
      let may_be_halved =
        setup.limit.is_some() || setup.poison.is_some() || self.plan.faults.iter().any(halves);
      let is_halved = may_be_halved && rows as u64 > stats.spooled;
      // The rows of a damaged segment count until it is read.
      let has_damage = self.plan.faults.iter().any(|fault| fault.kind == FaultKind::Damage);
      let is_damaged = has_damage && stats.spooled > rows as u64;
      if rows as u64 != stats.spooled && !is_halved && !is_damaged {
        let detail = format!("process {number}: {} spooled, {rows} on the disk", stats.spooled);
        return self.finding("what is spooled is on the disk", detail);
      }
    }
    self.note(|| format!("process {number} has ended"));
    self.gone(number);
    Ok(())
  }

  /// What holds when the world has ended.
  pub(crate) fn check_end(&mut self) -> Checked {
    if let Some(number) = self.processes.keys().next() {
      return self.finding("each process ends", format!("process {number}"));
    }
    let is_incomplete = |span: &Span, id| {
      let stored = self.server.merged.rows.get(id);
      span.behind(span.states.len(), stored).map(str::to_owned)
    };
    let mut incomplete = Vec::new();
    let mut open = Vec::new();
    for (id, span) in &self.history.spans {
      if self.is_excused(id) {
        continue;
      }
      if !self.history.altered.contains(id)
        && let Some(path) = is_incomplete(span, id)
      {
        incomplete.push((id, path));
      }
      let row = self.server.merged.rows.get(id);
      let has = |path| row.is_some_and(|row| row.contains_key(path));
      if has("metrics/start") && !has("metrics/end") {
        open.push(id);
      }
      if span.has("metrics/start") && !span.has("metrics/end") {
        open.push(id);
      }
    }
    // Beside a row that always fails, others may still wait in the spool: the last process has no time to halve.
    let waiting: usize = if self.plan.setup.poison_status == 500 && self.refused_states() > 0 {
      self.segments(None).iter().map(Vec::len).sum()
    } else {
      0
    };
    let missing = self.lost + waiting as u64;
    if incomplete.len() as u64 > missing {
      let (id, path) = &incomplete[0];
      let detail = format!(
        "{} rows are not there in their last state but {} lost and {waiting} in the spool, such as {id} at {path}",
        incomplete.len(),
        self.lost
      );
      return self.finding("every row is delivered or counted as lost", detail);
    }
    if open.len() as u64 > missing {
      return self.finding("every span is closed", open[0].to_string());
    }
    let altered = self.history.altered.len() as u64;
    if !self.has_garbage && altered > self.cut {
      let detail = format!("{altered} rows are cut, {} counted", self.cut);
      return self.finding("cut rows are counted", detail);
    }
    Ok(())
  }
}

/// Whether the server fails without regard to rows: it may be taken for a server that fails on a row.
fn fails(fault: &Fault) -> bool {
  matches!(fault.kind, FaultKind::Status(_) | FaultKind::Flapping | FaultKind::Lying)
}

/// Whether requests may be halved: the server fails as it would on a row.
fn halves(fault: &Fault) -> bool {
  fails(fault) || matches!(fault.kind, FaultKind::NoRoute(_))
}

/// The rows that were accepted as rows, and lost.
pub fn lost_rows(stats: &Stats) -> u64 {
  let events = [LossReason::QueueFull, LossReason::UnreadableEvent, LossReason::Closed];
  let is_row = |name: &str| !events.iter().any(|reason| reason.name() == name);
  stats.lost.iter().filter(|(name, _)| is_row(name)).map(|(_, rows)| rows).sum()
}

/// A counter that is smaller than it was.
fn shrunk(last: &Stats, now: &Stats) -> Option<String> {
  let counters = [
    ("events", last.events, now.events),
    ("accepted", last.accepted, now.accepted),
    ("sent", last.sent, now.sent),
    ("cut", last.cut, now.cut),
    ("requests", last.requests, now.requests),
    ("retries", last.retries, now.retries),
    ("bytes_sent", last.bytes_sent, now.bytes_sent),
  ];
  let found =
    counters.iter().find(|(_, last, now)| now < last).map(|(name, ..)| (*name).to_owned());
  let lost = last.lost.iter().find(|(reason, rows)| now.lost.get(*reason) < Some(rows));
  found.or_else(|| lost.map(|(reason, _)| format!("lost {reason}")))
}
