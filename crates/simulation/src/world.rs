//! The scheduler: virtual time, and what happens next.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use braintrust_row::RowId;
use export::{
  Now,
  admission::Priority,
  config::Settings,
  loss::LossReason,
  masking::Masking,
  transport::{RequestId, Response, TransportError},
};
use fastrand::Rng;
use spool::memory::MemoryFiles;

use crate::{
  coverage::Coverage,
  finding::Finding,
  host::{Process, REQUEST_TIMEOUT, Ticket, settings},
  plan::{Action, Fault, FaultKind, Plan},
  reference::{Fate, Produced},
  server::Server,
  view::{History, State},
};

/// The wall clock when a world begins, in milliseconds since the epoch.
pub(crate) const START: i64 = 1_795_417_364_000;
/// The virtual time within which everything that waits is delivered once nothing fails any more: the delay after the
/// key was refused, the longest backoff, a request and an upload to the storage that hang, and 30 s for the transfer.
/// `Retry-After` and one more request timeout are added.
pub const RECOVERY: Duration = Duration::from_secs(60 + 30 + 10 + 40 + 30);
/// The longest `Retry-After` that is respected.
pub const MAX_RETRY_AFTER: u64 = 300;
/// A natural shutdown has so much time.
const NATURAL: Duration = Duration::from_secs(60);
/// The last process has so much time to deliver what others left.
const LAST: Duration = Duration::from_secs(10);

/// Something that is scheduled.
pub enum Event {
  Step(usize),
  Damage,
  Respond(usize, RequestId, Result<Response, TransportError>, usize),
  Operation(usize),
  Masked(usize, u64),
  Timer(usize, u64),
  /// Nothing fails from now on.
  Recover,
  /// Everything must be delivered by now.
  Delivered,
  /// One more process starts, for what others left.
  LastProcess,
  /// Whoever ended naturally has left nothing to the last process.
  LastDelivered,
}

/// A world.
pub struct World {
  pub(crate) plan: Plan,
  pub(crate) settings: Arc<Settings>,
  pub(crate) rng: Rng,
  pub(crate) now: Duration,
  queue: BTreeMap<(Duration, u64), Event>,
  sequence: u64,
  pub(crate) server: Server,
  pub(crate) history: History,
  pub(crate) processes: BTreeMap<usize, Process>,
  slots: [Option<usize>; 2],
  /// The process that each conversation is in: it moves when that is gone.
  owners: BTreeMap<usize, usize>,
  next_process: usize,
  pub(crate) disk: MemoryFiles,
  /// Which process has taken over the files of a dead one.
  pub(crate) adopters: BTreeMap<usize, Option<usize>>,
  pub(crate) coverage: Coverage,
  /// Rows that processes lost which are gone, and those of which they sent only a part.
  pub(crate) lost: u64,
  pub(crate) cut: u64,
  pub(crate) masking: Masking,
  /// Whether every row must be masked.
  pub(crate) must_mask: bool,
  /// Whether the masking function has returned garbage.
  pub(crate) has_garbage: bool,
  pub(crate) is_over: bool,
  log: Option<Vec<String>>,
}

/// What a check returns.
pub type Checked = Result<(), Finding>;

impl World {
  /// The world of a plan, before anything happens. It keeps a log on request.
  pub fn new(plan: &Plan, logs: bool) -> Self {
    let disk = MemoryFiles::new();
    disk.disk.borrow_mut().has_dir = true;
    let masking = if plan.setup.masks { Masking::On } else { Masking::Off };
    let mut world = Self {
      settings: Arc::new(settings(&plan.setup)),
      rng: Rng::with_seed(plan.seed ^ 0x9e37_79b9_7f4a_7c15),
      now: Duration::ZERO,
      queue: BTreeMap::new(),
      sequence: 0,
      server: Server::new(plan.setup.clone()),
      history: History::default(),
      processes: BTreeMap::new(),
      slots: [None; 2],
      owners: BTreeMap::new(),
      next_process: 0,
      disk,
      adopters: BTreeMap::new(),
      coverage: Coverage::default(),
      lost: 0,
      cut: 0,
      masking,
      must_mask: plan.setup.masks,
      has_garbage: false,
      is_over: false,
      log: logs.then(Vec::new),
      plan: plan.clone(),
    };
    for (number, step) in plan.steps.iter().enumerate() {
      world.schedule(step.at, Event::Step(number));
    }
    for fault in plan.faults.iter().filter(|fault| fault.kind == FaultKind::Damage) {
      world.schedule(fault.from, Event::Damage);
    }
    let steps = plan.steps.iter().map(|step| step.at);
    let faults = plan.faults.iter().map(|fault| fault.to);
    let end = steps.chain(faults).max().unwrap_or_default();
    world.schedule(end, Event::Recover);
    world
  }

  /// Plays the world to its end.
  ///
  /// # Errors
  /// The first invariant that does not hold.
  pub fn play(&mut self) -> Checked {
    self.coverage.count("worlds");
    while let Some(((at, _), event)) = self.queue.pop_first() {
      self.now = at;
      self.handle(event)?;
    }
    self.check_end()
  }

  /// The time since the world began.
  pub fn elapsed(&self) -> Duration {
    self.now
  }

  /// What happened.
  pub fn coverage(&self) -> &Coverage {
    &self.coverage
  }

  /// One line for each thing that happened.
  pub fn log(&mut self) -> &mut Vec<String> {
    self.log.get_or_insert_default()
  }

  pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
    if let Some(log) = &mut self.log {
      log.push(format!("{:>10.4} s  {}", self.now.as_secs_f64(), line()));
    }
  }

  pub(crate) fn clock(&self) -> Now {
    Now { elapsed: self.now, unix_ms: START + self.now.as_millis() as i64 }
  }

  pub(crate) fn schedule(&mut self, at: Duration, event: Event) {
    self.sequence += 1;
    self.queue.insert((at, self.sequence), event);
  }

  /// The first fault of some kind that lasts now.
  pub(crate) fn fault(&self, wanted: impl Fn(&FaultKind) -> bool) -> Option<FaultKind> {
    if self.is_over {
      return None;
    }
    let lasts = |fault: &&Fault| fault.from <= self.now && self.now < fault.to;
    self.plan.faults.iter().filter(lasts).map(|fault| fault.kind).find(wanted)
  }

  pub(crate) fn finding(&self, invariant: &'static str, detail: impl Into<String>) -> Checked {
    Err(Finding { invariant, at: self.now, detail: detail.into() })
  }

  fn handle(&mut self, event: Event) -> Checked {
    match event {
      Event::Step(number) => {
        let action = self.plan.steps[number].action.clone();
        self.act(action)
      }
      Event::Damage => self.damage(),
      Event::Respond(process, id, result, acknowledges) => {
        self.respond(process, id, result, acknowledges)
      }
      Event::Operation(process) => self.complete_operation(process),
      Event::Masked(process, batch) => self.masked(process, batch),
      Event::Timer(process, number) => self.timer(process, number),
      Event::Recover => self.recover(),
      Event::Delivered => self.delivered(true),
      Event::LastProcess => {
        // A row that the server fails on is isolated with the delays of failures.
        let wait = if self.refused_states() > 0 { RECOVERY } else { LAST };
        self.schedule(self.now + wait, Event::LastDelivered);
        self.start(0)
      }
      Event::LastDelivered => self.delivered(false),
    }
  }

  fn act(&mut self, action: Action) -> Checked {
    if !matches!(action, Action::Event { .. }) {
      self.note(|| format!("{action:?}"));
    }
    match action {
      Action::Start(slot) => self.start(slot),
      Action::Kill(slot) => match self.slots[slot].take() {
        Some(process) => self.kill(process),
        None => Ok(()),
      },
      Action::Shutdown(slot, timeout) => match self.slots[slot] {
        Some(process) => self.shutdown(process, timeout),
        None => Ok(()),
      },
      Action::Flush(slot, timeout) => match self.slots[slot] {
        Some(process) => self.flush(process, timeout),
        None => Ok(()),
      },
      Action::ExitDeadline(slot, timeout) => {
        let deadline = self.now + timeout;
        if let Some(process) = self.slots[slot].and_then(|number| self.processes.get_mut(&number)) {
          process.exit_deadline = Some(deadline);
          process.exporter.set_exit_deadline(deadline);
        }
        Ok(())
      }
      Action::Mask(is_on) => {
        self.masking = if is_on { Masking::On } else { Masking::Off };
        self.must_mask &= is_on;
        let masking = self.masking;
        let living = self.processes.values_mut().filter(|process| process.shutdown_at.is_none());
        living.for_each(|process| process.exporter.set_masking(masking));
        Ok(())
      }
      Action::Event { conversation, text, priority, essential } => {
        self.emit(conversation, &text, priority, essential.as_deref())
      }
    }
  }

  pub(crate) fn start(&mut self, slot: usize) -> Checked {
    if self.slots[slot].is_some() {
      return Ok(());
    }
    let number = self.next_process;
    self.next_process += 1;
    self.slots[slot] = Some(number);
    self.coverage.count("processes");
    self.set_disk_faults();
    let (seed, now) = (self.rng.u64(..), self.clock());
    let mut process =
      Process::start(number, &self.settings, &self.plan.setup, &self.disk, seed, now);
    self.clear_disk_faults();
    process.exporter.set_masking(self.masking);
    // Busy until the first operations are performed: nothing else may happen before.
    process.is_disk_busy = true;
    self.processes.insert(number, process);
    self.settle(number)?;
    if !self.is_over && self.plan.setup.has_spool && self.rng.u8(..8) == 0 {
      self.coverage.count("deaths within the first operations");
      for _ in 0..self.rng.u8(..5) {
        self.perform_first(number, 1)?;
      }
      return self.kill(number);
    }
    self.perform_first(number, usize::MAX)?;
    if let Some(process) = self.processes.get_mut(&number) {
      process.is_disk_busy = false;
    }
    self.settle(number)
  }

  fn shutdown(&mut self, number: usize, timeout: Duration) -> Checked {
    let (now, deadline) = (self.clock(), self.now + timeout);
    let loses_masking = self.plan.setup.masks && !self.is_over && self.rng.u8(..3) == 0;
    let Some(process) = self.processes.get_mut(&number) else { return Ok(()) };
    if process.exporter.has_ended() {
      return Ok(());
    }
    self.coverage.count("shutdowns");
    if self.rng.u8(..3) == 0 {
      self.coverage.count("deliveries before the exit");
      let (before, attachments) = (before(&self.history, process), accepted_attachments(process));
      process.reference.begin_exit(now);
      let ticket = process.exporter.deliver_before_exit(deadline, false, now);
      process.close_at = Some(process.close_at.map_or(deadline, |at| at.min(deadline)));
      let open = Vec::new();
      let delivery =
        Ticket { deadline, is_natural: false, may_leave: true, before, attachments, open };
      process.tickets.insert(ticket, delivery);
    }
    let (before, attachments) = (before(&self.history, process), accepted_attachments(process));
    let rows = process.reference.close_all(now);
    process.shutdown_at.get_or_insert(self.now);
    self.produced(number, rows);
    let Some(process) = self.processes.get_mut(&number) else { return Ok(()) };
    let ticket = process.exporter.shutdown(deadline, now);
    let is_natural = self.is_over && timeout == NATURAL;
    let open = Vec::new();
    process
      .tickets
      .insert(ticket, Ticket { deadline, is_natural, may_leave: false, before, attachments, open });
    if loses_masking {
      self.coverage.count("masking unavailable at shutdown");
      process.exporter.set_masking(Masking::Unavailable);
    }
    self.settle(number)
  }

  fn flush(&mut self, number: usize, timeout: Duration) -> Checked {
    let (now, deadline) = (self.clock(), self.now + timeout);
    let Some(process) = self.processes.get_mut(&number) else { return Ok(()) };
    self.coverage.count("flushes");
    let (before, attachments) = (before(&self.history, process), accepted_attachments(process));
    let open = process.open(now);
    let ticket = process.exporter.flush(deadline, now);
    let flush = Ticket { deadline, is_natural: false, may_leave: false, before, attachments, open };
    process.tickets.insert(ticket, flush);
    self.settle(number)
  }

  fn emit(
    &mut self,
    conversation: usize,
    text: &str,
    priority: Priority,
    essential: Option<&str>,
  ) -> Checked {
    let preferred = conversation % 2;
    let owner = self.owners.get(&conversation).filter(|number| self.processes.contains_key(number));
    let owner = owner.copied().or(self.slots[preferred]).or(self.slots[1 - preferred]);
    let Some(number) = owner else { return Ok(()) };
    self.owners.insert(conversation, number);
    self.coverage.count("events");
    let is_refused = self.emit_to(number, text, priority)?;
    if is_refused && let Some(essential) = essential {
      self.coverage.count("essential forms");
      self.emit_to(number, essential, Priority::MinimalEnd)?;
    }
    self.settle(number)
  }

  /// Whether the event is refused because too much waits.
  fn emit_to(&mut self, number: usize, text: &str, priority: Priority) -> Result<bool, Finding> {
    let now = self.clock();
    let Some(process) = self.processes.get_mut(&number) else { return Ok(false) };
    let lost = |process: &Process| process.account.counters.stats().lost;
    let before = lost(process);
    let (held, room) = (process.exporter.memory_bytes(), self.settings.queue_room());
    if held + text.len() > room && priority != Priority::Continuation {
      process.reserve += text.len();
    }
    if let Err(reason) = process.exporter.handle_event(text, priority, now) {
      self.coverage.count("events refused");
      return Ok(reason == LossReason::QueueFull);
    }
    let after = lost(process);
    if priority == Priority::Continuation && held + text.len() > room + room / 8 {
      let detail = format!("{held} bytes are held");
      return self.finding("what exceeds the queue is refused", detail).map(|()| false);
    }
    let grown = |reason: LossReason| after.get(reason.name()) > before.get(reason.name());
    let fate = match () {
      () if grown(LossReason::QueueFull) => Fate::Refused,
      () if grown(LossReason::UnreadableEvent) || grown(LossReason::NotDeliveredAtExit) => {
        Fate::Unreadable
      }
      () => Fate::Translated,
    };
    let is_late = process.exit_deadline.is_some_and(|deadline| deadline <= self.now);
    let rows = process.reference.event(text, fate, now);
    if is_late && fate == Fate::Translated {
      let detail = "an event is translated after the exit deadline";
      return self.finding("shutdown by its deadline", detail).map(|()| false);
    }
    self.produced(number, rows);
    Ok(false)
  }

  /// Adds the states that a process produced.
  pub(crate) fn produced(&mut self, number: usize, rows: Vec<Produced>) {
    for (id, leaves) in rows {
      if let Some(span) = self.history.spans.get(&id)
        && let Some(other) = span.states.last().map(|state| state.process)
        && other != number
        && self.adopters.get(&other) != Some(&Some(number))
        && (self.processes.contains_key(&other)
          || span.behind(span.states.len(), self.server.merged.rows.get(&id)).is_some()
          || self.segments(None).iter().flatten().any(|(there, _)| *there == id))
      {
        // The other process lives, or what it left comes later, or again.
        self.history.unordered.insert(id);
      }
      if let Some(process) = self.processes.get_mut(&number) {
        process.touched.insert(id);
      }
      self.history.add(id, leaves, State { process: number, at: self.now });
    }
  }

  fn timer(&mut self, number: usize, timer: u64) -> Checked {
    let Some(process) = self.processes.get_mut(&number) else { return Ok(()) };
    if process.timer != timer {
      return Ok(());
    }
    if process.spun_at != self.now {
      (process.spun_at, process.spins) = (self.now, 0);
    }
    process.spins += 1;
    let spins = process.spins;
    if spins > 12 {
      return self.finding("no busy loop", "a dozen timeouts are due at one instant");
    }
    self.settle_timer(number)
  }

  /// Nothing fails from now on.
  fn recover(&mut self) -> Checked {
    self.is_over = true;
    self.note(|| "nothing fails any more".to_owned());
    if self.slots == [None; 2] {
      self.start(0)?;
    }
    // What the masking function has not returned comes back.
    let numbers: Vec<usize> = self.processes.keys().copied().collect();
    for number in numbers {
      let batches: Vec<u64> = self.processes[&number].masking.keys().copied().collect();
      for batch in batches {
        self.masked(number, batch)?;
      }
    }
    let seconds = self.plan.faults.iter().map(|fault| match fault.kind {
      FaultKind::Busy { seconds, .. } => seconds.min(MAX_RETRY_AFTER) + 1,
      FaultKind::Slow(millis) => millis / 1000 + 1,
      _ => 0,
    });
    let wait = RECOVERY + Duration::from_secs(seconds.max().unwrap_or(0)) + REQUEST_TIMEOUT;
    self.schedule(self.now + wait, Event::Delivered);
    Ok(())
  }

  /// Everything must be delivered; the processes end. Whatever others left is found by one more.
  fn delivered(&mut self, is_first: bool) -> Checked {
    let living: Vec<usize> = self.slots.iter().flatten().copied().collect();
    for number in &living {
      let Some(process) = self.processes.get(number) else { continue };
      let stats = process.account.counters.stats();
      let is_failed_on = self.plan.setup.poison_status == 500;
      // Rows count once for each segment that has them, also those of several dead processes.
      let times = if self.plan.setup.has_spool { 4 } else { 1 };
      let may_wait = if is_failed_on { self.refused_states() * times } else { 0 };
      if stats.attachments.pending > 0 && process.shutdown_at.is_none() {
        let detail = format!("process {number}: {} attachments wait", stats.attachments.pending);
        return self.finding("delivered after recovery", detail);
      }
      if stats.pending + stats.spooled > may_wait && process.shutdown_at.is_none() {
        let detail = format!(
          "process {number}: {} rows wait in memory, {} in the spool",
          stats.pending, stats.spooled
        );
        return self.finding("delivered after recovery", detail);
      }
      let left = process.spool.as_ref().map_or(0, spool::Spool::segments);
      // One that cannot be read stays for the next process.
      let gives_up = stats.lost.contains_key(LossReason::SpoolDamaged.name());
      let is_done = stats.pending + stats.spooled == 0 && process.operations.is_empty();
      if is_done && left > 0 && !gives_up && process.shutdown_at.is_none() {
        let detail = format!("process {number}: {left} segments are left");
        return self.finding("what is delivered leaves the disk", detail);
      }
    }
    for number in living {
      self.shutdown(number, NATURAL)?;
    }
    if is_first && self.plan.setup.has_spool {
      self.schedule(self.now + NATURAL + Duration::from_secs(1), Event::LastProcess);
    }
    Ok(())
  }

  /// A process is gone.
  pub(crate) fn forget(&mut self, number: usize) {
    for slot in &mut self.slots {
      if *slot == Some(number) {
        *slot = None;
      }
    }
  }
}

fn accepted_attachments(process: &Process) -> u64 {
  process.account.counters.stats().attachments.accepted
}

/// The rows that a process has produced, and how many states each has.
fn before(history: &History, process: &Process) -> Vec<(RowId, usize)> {
  let states = |id| history.spans.get(id).map_or(0, |span| span.states.len());
  process.touched.iter().map(|id| (*id, states(id))).collect()
}
