//! The loop of the engine's thread: inbox to rows, rows to delivery.

use std::{
  panic::{AssertUnwindSafe, catch_unwind},
  time::Duration,
};

use tokio::{
  runtime,
  time::{Instant, sleep_until},
};

use super::{
  Shared,
  delivery::Delivery,
  inbox::{Command, Next, Reply, Taken, Text},
  keeper::Keeper,
};
use crate::clock;
use braintrust_row::Row;
use export::config::Settings;
use export::report::LossReason;
use flue_event::Utf8;
use translate::Translator;

/// The most events translated before the network gets its turn.
const EVENTS_AT_ONCE: usize = 256;
/// The most bytes of events translated at once, or one event: a deadline is not missed meanwhile.
const BYTES_AT_ONCE: usize = 1024 * 1024;
/// How often the engine looks for events while they come.
const TICK: Duration = Duration::from_millis(10);
/// How long after the last event it does so, before it sleeps until it is woken.
const AWAKE: Duration = Duration::from_millis(500);
/// How often the spool is looked through for what processes left that have died since.
const ADOPT_EVERY: Duration = Duration::from_secs(5);

/// Runs until the recorder is closed.
pub fn run(shared: &Shared, settings: &Settings) {
  let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
    Ok(runtime) => runtime,
    Err(error) => {
      shared.counters.failed(format!("the engine has no runtime: {error}"));
      return;
    }
  };
  runtime.block_on(Run::new(shared, settings).run());
}

/// A flush that waits for its rows.
struct Flush {
  /// The first ticket it does not wait for.
  boundary: u64,
  deadline: Instant,
  reply: Reply,
}

struct Run<'a> {
  shared: &'a Shared,
  settings: &'a Settings,
  taken: Taken,
  utf8: Utf8,
  translator: Translator,
  delivery: Delivery<'a>,
  keeper: Keeper,
  flushes: Vec<Flush>,
  /// Set once the recorder closes; several may ask for it.
  closing: Vec<Flush>,
  /// Until when it looks for events by itself.
  awake_until: Instant,
  /// When the spool is looked through again.
  adopt_due: Option<Instant>,
}

impl<'a> Run<'a> {
  fn new(shared: &'a Shared, settings: &'a Settings) -> Self {
    let delivery = Delivery::new(shared, settings);
    let adopt_due = delivery.store.is_open().then(Instant::now);
    Self {
      shared,
      settings,
      taken: Taken::default(),
      utf8: Utf8::default(),
      translator: Translator::new(settings.translation),
      keeper: Keeper::new(&delivery.store, settings.redactor.is_some()),
      delivery,
      flushes: Vec::new(),
      closing: Vec::new(),
      awake_until: Instant::now() + AWAKE,
      adopt_due,
    }
  }

  async fn run(mut self) {
    loop {
      self.adopt();
      let more = self.take_in();
      let rows = self.keeper.close_forsaken(&mut self.translator);
      self.enqueue(rows);
      let urgent = self.is_awaited() || self.keeper.is_due();
      // The record follows the rows: not while some are with the masking function.
      if (self.delivery.proceed(urgent) || self.keeper.is_due()) && !self.delivery.is_masking() {
        self.keeper.write(&self.translator, &mut self.delivery.store, self.shared);
      }
      self.answer_flushes();
      if self.has_ended() {
        break;
      }
      if more {
        // The network gets a turn, without waiting for it.
        tokio::task::yield_now().await;
        self.delivery.settle_ready();
        continue;
      }
      let now = Instant::now();
      let tick = (now < self.awake_until).then(|| now + TICK);
      if tick.is_none() && !self.shared.inbox.park() {
        continue;
      }
      let alarm = self.alarm().into_iter().chain(tick).min();
      tokio::select! {
        () = self.shared.inbox.arrival() => {}
        () = self.delivery.settle_next() => {}
        () = sleep_until(alarm.unwrap_or_else(Instant::now)), if alarm.is_some() => {}
      }
    }
    self.end();
  }

  /// Whether somebody waits for rows that wait for company.
  fn is_awaited(&self) -> bool {
    let boundary = self.flushes.iter().map(|flush| flush.boundary).max();
    !self.closing.is_empty() || boundary.is_some_and(|boundary| self.delivery.lingers(boundary))
  }

  /// Takes over what dead processes left in the spool, when that is due.
  fn adopt(&mut self) {
    if self.adopt_due.is_none_or(|due| due > Instant::now()) {
      return;
    }
    self.adopt_due = Some(Instant::now() + ADOPT_EVERY);
    let adopted = self.delivery.store.adopt(self.shared);
    self.delivery.adopt(&adopted);
    let store = &mut self.delivery.store;
    self.keeper.inherit(&adopted.records, &mut self.translator, store, self.shared);
  }

  /// Translates what has come. True when more is waiting.
  fn take_in(&mut self) -> bool {
    if self.taken.is_empty() {
      self.shared.inbox.take(&mut self.taken);
    }
    if self.shared.inbox.is_overdue() {
      self.shared.inbox.take(&mut self.taken);
      for bytes in self.taken.give_up() {
        self.read(bytes);
        self.shared.counters.refuse(LossReason::NotDeliveredAtExit, bytes);
      }
    }
    let (mut events, mut bytes) = (0, 0);
    while events < EVENTS_AT_ONCE && bytes < BYTES_AT_ONCE {
      match self.taken.next() {
        Some(Next::Event(text)) => {
          events += 1;
          bytes += text.bytes();
          self.take_in_one(&text);
          self.read(text.bytes());
        }
        Some(Next::Command(command)) => self.obey(command),
        None => break,
      }
    }
    self.utf8.forget_large();
    if events > 0 {
      self.keeper.note_change();
      self.awake_until = Instant::now() + AWAKE;
    }
    self.shared.counters.set_open_spans(self.translator.open_spans());
    !self.taken.is_empty()
  }

  fn take_in_one(&mut self, text: &Text) {
    // An event that breaks the translation is lost; those after it are not.
    let rows = catch_unwind(AssertUnwindSafe(|| self.translate(text)));
    let lost = match rows {
      Ok(Ok(rows)) => {
        self.enqueue(rows);
        return;
      }
      Ok(Err(lost)) => lost,
      Err(_panic) => Lost(LossReason::UnreadableEvent, "the translation failed".to_owned()),
    };
    let Lost(reason, why) = lost;
    self.shared.lose(reason, text.bytes(), &why);
    if reason == LossReason::UnreadableEvent {
      self.shared.counters.failed(why);
    }
  }

  fn translate(&mut self, text: &Text) -> Result<Vec<Row>, Lost> {
    let text = text.read(&mut self.utf8);
    let mut event = flue_event::decode(&text, clock::now())
      .map_err(|error| Lost(LossReason::UnreadableEvent, error.to_string()))?;
    event.apply_content_policy(self.settings.content);
    // New spans are refused when too much waits, but never what is said of those that were accepted.
    if self.delivery.is_full() && self.translator.would_open(&event) {
      self.translator.ignore(&event);
      return Err(Lost(LossReason::QueueFull, "too much waits for delivery".to_owned()));
    }
    Ok(self.translator.translate(&event))
  }

  /// Hands rows on, without what the rules cover.
  fn enqueue(&mut self, rows: Vec<Row>) {
    for mut row in rows {
      if let Some(redactor) = &self.settings.redactor {
        redactor.row(&mut row);
      }
      self.delivery.enqueue(row);
    }
  }

  /// The event is counted in rows now.
  fn read(&self, bytes: usize) {
    self.shared.inbox.read(bytes);
    self.shared.counters.read();
  }

  fn obey(&mut self, command: Command) {
    match command {
      Command::Masked { batch, content } => self.delivery.take_masked(batch, &content),
      Command::Flush { deadline, reply } => {
        self.hurry_record();
        self.flushes.push(Flush { boundary: self.delivery.next_ticket(), deadline, reply });
      }
      Command::Close { deadline, reply } => {
        self.hurry_record();
        let rows = self.translator.close_all(clock::now());
        self.enqueue(rows);
        self.closing.push(Flush { boundary: self.delivery.next_ticket(), deadline, reply });
        self.delivery.hurry();
      }
    }
  }

  /// Somebody waits: what is open is written down at once.
  fn hurry_record(&mut self) {
    self.keeper.note_change();
    self.keeper.hurry();
  }

  /// Answers the flushes that are settled, late, or in vain.
  fn answer_flushes(&mut self) {
    let now = Instant::now();
    for flush in std::mem::take(&mut self.flushes) {
      let complete = self.delivery.settled_before(flush.boundary);
      if complete || self.delivery.is_suspended() || flush.deadline <= now {
        flush.reply.send(complete);
      } else {
        self.flushes.push(flush);
      }
    }
  }

  /// Whether the recorder closes, and there is nothing left to do or no time to do it.
  fn has_ended(&self) -> bool {
    let deadline = self.closing.iter().map(|closing| closing.deadline).min();
    deadline.is_some_and(|deadline| self.delivery.is_done() || deadline <= Instant::now())
  }

  /// The last act: what is left is counted, and whoever waits is answered.
  fn end(mut self) {
    self.keeper.write(&self.translator, &mut self.delivery.store, self.shared);
    let complete = self.delivery.end();
    self.shared.counters.set_open_spans(0);
    self.shared.sum_up();
    for flush in self.flushes.into_iter().chain(self.closing) {
      flush.reply.send(complete);
    }
  }

  /// When to look again although nothing came.
  fn alarm(&self) -> Option<Instant> {
    let deadlines = self.flushes.iter().chain(&self.closing).map(|flush| flush.deadline);
    let keeper = self.keeper.alarm().filter(|_| !self.delivery.is_masking());
    let others = [self.delivery.alarm(), keeper, self.adopt_due];
    deadlines.chain(others.into_iter().flatten()).min()
  }
}

/// An event that never becomes rows.
struct Lost(LossReason, String);
