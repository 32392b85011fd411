//! The loop of the engine's thread: inbox to rows, rows to payloads, payloads to Braintrust.

use std::{
  collections::HashMap,
  panic::{AssertUnwindSafe, catch_unwind},
  time::Duration,
};

use tokio::{
  runtime,
  task::{Id, JoinError, JoinSet},
  time::{Instant, sleep_until},
};

use super::{
  Shared,
  inbox::{Command, Reply, Taken},
  keeper::Keeper,
};
use crate::{
  batch::{BATCH_ROWS, Batch, RowQueue},
  clock,
  config::Settings,
  event,
  report::{LossReason, Warning},
  span::{Destination, Row},
  translate::Translator,
  upload::{Backoff, Client, Session, Verdict, classify, connect},
};

/// Rows wait this long for company before a payload goes that is not full.
const LINGER: Duration = Duration::from_millis(200);
/// The most payloads under way at once.
const REQUESTS: usize = 8;
/// The most events translated before the network gets its turn.
const EVENTS_AT_ONCE: usize = 256;
/// The most bytes of events translated at once, or one event: a deadline is not missed meanwhile, and
/// hardly more waits than is counted.
const BYTES_AT_ONCE: usize = 1024 * 1024;
/// How often the engine looks for events while they come.
const TICK: Duration = Duration::from_millis(10);
/// How long after the last event it does so, before it sleeps until it is woken.
const AWAKE: Duration = Duration::from_millis(500);
/// How long nothing is tried after the server has refused the key.
const SUSPENSION: Duration = Duration::from_secs(60);
/// How long to wait between two tries while the process ends.
const HURRY: Duration = Duration::from_millis(100);
/// Failures in a row after which the user is told.
const FAILURES_BEFORE_WARNING: u32 = 3;

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

/// What comes back from the network.
enum Done {
  Connected(Client, Session),
  /// There is no place to send to.
  Unconnected(Verdict, String),
  Uploaded(Verdict, String),
}

/// Whether rows can be sent.
enum Link {
  Down,
  Connecting,
  Up { client: Client, session: Session },
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
  translator: Translator,
  queue: RowQueue,
  /// When the oldest waiting row came.
  waiting_since: Option<Instant>,
  /// Payloads to be sent again.
  again: Vec<Batch>,
  /// Payloads on their way, by the task that carries them.
  under_way: HashMap<Id, Batch>,
  tasks: JoinSet<(Instant, Done)>,
  link: Link,
  backoff: Backoff,
  /// Nothing is sent before this.
  gate: Option<Instant>,
  /// The server has refused the key, and was not asked again yet.
  suspended: bool,
  flushes: Vec<Flush>,
  /// Set once the recorder closes; several may ask for it.
  closing: Vec<Flush>,
  /// When that was asked for first.
  closing_since: Option<Instant>,
  keeper: Keeper,
  /// Until when it looks for events by itself.
  awake_until: Instant,
}

impl<'a> Run<'a> {
  fn new(shared: &'a Shared, settings: &'a Settings) -> Self {
    Self {
      shared,
      settings,
      translator: Translator::new(settings.translation),
      queue: RowQueue::default(),
      waiting_since: None,
      again: Vec::new(),
      under_way: HashMap::new(),
      tasks: JoinSet::new(),
      link: Link::Down,
      backoff: Backoff::default(),
      gate: None,
      suspended: false,
      flushes: Vec::new(),
      closing: Vec::new(),
      closing_since: None,
      keeper: Keeper::default(),
      awake_until: Instant::now() + AWAKE,
    }
  }

  async fn run(mut self) {
    self.keeper =
      Keeper::open(self.settings.spool_dir.as_deref(), &mut self.translator, self.shared);
    loop {
      let more = self.take_in();
      for row in self.keeper.tend(&mut self.translator, self.shared) {
        self.enqueue(row);
      }
      self.send();
      self.answer_flushes();
      if self.ended() {
        break;
      }
      if more {
        // The network gets a turn, without waiting for it.
        tokio::task::yield_now().await;
        while let Some(done) = self.tasks.try_join_next_with_id() {
          self.done(done);
        }
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
        Some(done) = self.tasks.join_next_with_id() => self.done(done),
        () = sleep_until(alarm.unwrap_or_else(Instant::now)), if alarm.is_some() => {}
      }
    }
    self.end();
  }

  /// Translates what has come. True when more is waiting.
  fn take_in(&mut self) -> bool {
    if self.shared.inbox.is_overdue() {
      for _event in self.shared.inbox.give_up() {
        self.shared.counters.refuse(LossReason::NotDeliveredAtExit);
        self.shared.counters.read();
      }
    }
    let Taken { events, commands, more } = self.shared.inbox.take(EVENTS_AT_ONCE, BYTES_AT_ONCE);
    if !events.is_empty() {
      self.keeper.note_change();
      self.awake_until = Instant::now() + AWAKE;
    }
    for text in events {
      // An event that breaks the translation is lost; those after it are not.
      let rows = catch_unwind(AssertUnwindSafe(|| self.translate(&text)));
      match rows {
        Ok(Ok(rows)) => rows.into_iter().for_each(|row| self.enqueue(row)),
        Ok(Err(why)) => self.unreadable(why),
        Err(_panic) => self.unreadable("the translation failed".to_owned()),
      }
      self.shared.counters.read();
    }
    for command in commands {
      self.obey(command);
    }
    self.shared.counters.set_open_spans(self.translator.open_spans());
    let carried = self.again.iter().chain(self.under_way.values());
    let carried: usize = carried.map(|batch| batch.body.len()).sum();
    self.shared.counters.set_held(self.queue.bytes() + carried);
    more
  }

  fn translate(&mut self, text: &[u16]) -> Result<Vec<Row>, String> {
    let text = event::utf8(text);
    let event = event::decode(&text, clock::now()).map_err(|error| error.to_string())?;
    Ok(self.translator.step(&event))
  }

  fn unreadable(&self, why: String) {
    self.shared.lose(LossReason::UnreadableEvent, &why);
    self.shared.counters.failed(why);
  }

  fn enqueue(&mut self, row: Row) {
    if self.queue.push(row) {
      self.shared.counters.accept();
      self.waiting_since.get_or_insert_with(Instant::now);
    }
  }

  fn obey(&mut self, command: Command) {
    match command {
      Command::Flush { deadline, reply } => {
        self.flushes.push(Flush { boundary: self.queue.next_ticket(), deadline, reply });
      }
      Command::Close { deadline, reply } => {
        for row in self.translator.close_all(clock::now()) {
          self.enqueue(row);
        }
        self.closing.push(Flush { boundary: self.queue.next_ticket(), deadline, reply });
        // Waits that were meant for a long life are cut short: there is one more try, at once.
        self.gate = None;
        self.suspended = false;
        self.closing_since.get_or_insert_with(Instant::now);
      }
    }
    self.keeper.write(&self.translator, self.shared);
  }

  /// Starts what may be started: the connection, then payloads.
  fn send(&mut self) {
    if self.gate.is_some_and(|gate| gate <= Instant::now()) {
      self.gate = None;
      self.suspended = false;
    }
    if self.idle() || self.gate.is_some() {
      return;
    }
    match &self.link {
      Link::Connecting => {}
      Link::Down => self.connect(),
      Link::Up { client, session } => {
        let (client, session) = (client.clone(), session.clone());
        while self.under_way.len() < REQUESTS
          && let Some(batch) = self.next_payload(&session)
        {
          self.upload(client.clone(), session.logs_url.clone(), batch);
        }
      }
    }
  }

  /// Whether nothing waits to be sent.
  fn idle(&self) -> bool {
    self.queue.len() == 0 && self.again.is_empty()
  }

  fn connect(&mut self) {
    self.link = Link::Connecting;
    let settings = self.settings.clone();
    let began = Instant::now();
    self.tasks.spawn(async move {
      let done = match Client::new(&settings) {
        Ok(client) => match connect(&client, &settings).await {
          Ok(session) => Done::Connected(client, session),
          Err(error) => Done::Unconnected(error.verdict(), error.to_string()),
        },
        Err(error) => Done::Unconnected(Verdict::Later(Duration::ZERO), error.to_string()),
      };
      (began, done)
    });
  }

  fn next_payload(&mut self, session: &Session) -> Option<Batch> {
    if let Some(batch) = self.again.pop() {
      self.shared.counters.retry();
      return Some(batch);
    }
    let waited = self.waiting_since.is_some_and(|since| since.elapsed() >= LINGER);
    let wanted = waited || !self.flushes.is_empty() || !self.closing.is_empty();
    if !wanted && self.queue.len() < BATCH_ROWS {
      return None;
    }
    let to = Destination { project_id: session.project_id.clone() };
    // Half the limit: gateways wrap the body, and then count it.
    let batch = self.queue.next_batch(session.max_bytes() / 2, &to);
    // What is left has waited less; the next payload may linger again.
    self.waiting_since = (self.queue.len() > 0).then(Instant::now);
    batch
  }

  fn upload(&mut self, client: Client, url: String, batch: Batch) {
    self.shared.counters.request();
    let body = batch.body.clone();
    let began = Instant::now();
    let task = self.tasks.spawn(async move {
      let result = client.post(&url, body).await;
      let verdict = classify(&result, clock::now());
      let why = match result {
        Ok(answer) => format!("{} answered {}", Client::shown(&url), answer.describe()),
        Err(error) => format!("{}: {error}", Client::shown(&url)),
      };
      (began, Done::Uploaded(verdict, why))
    });
    self.under_way.insert(task.id(), batch);
  }

  fn done(&mut self, done: Result<(Id, (Instant, Done)), JoinError>) {
    // A task that panicked has told nothing: what it carried is sent again.
    let (id, began, done) = match done {
      Ok((id, (began, done))) => (id, began, done),
      Err(error) => {
        let verdict = Verdict::Later(Duration::ZERO);
        let why = format!("a request broke off: {error}");
        let carried = self.under_way.contains_key(&error.id());
        let done =
          if carried { Done::Uploaded(verdict, why) } else { Done::Unconnected(verdict, why) };
        (error.id(), Instant::now(), done)
      }
    };
    match done {
      Done::Connected(client, session) => {
        self.backoff.reset();
        self.link = Link::Up { client, session };
      }
      Done::Unconnected(verdict, why) => {
        self.link = Link::Down;
        match verdict {
          Verdict::Suspended => self.suspend(began, why),
          Verdict::Later(at_least) => self.fails(began, why, at_least),
          Verdict::Delivered | Verdict::Split | Verdict::Rejected => {
            self.fails(began, why, Duration::ZERO);
          }
        }
      }
      Done::Uploaded(verdict, why) => {
        if let Some(batch) = self.under_way.remove(&id) {
          self.judge(batch, began, verdict, why);
        }
      }
    }
  }

  fn judge(&mut self, batch: Batch, began: Instant, verdict: Verdict, why: String) {
    match verdict {
      Verdict::Delivered => {
        self.backoff.reset();
        self.shared.counters.sent(batch.len(), batch.body.len());
        self.queue.settle(&batch);
      }
      Verdict::Later(at_least) => {
        self.again.push(batch);
        self.fails(began, why, at_least);
      }
      Verdict::Suspended => {
        self.again.push(batch);
        self.suspend(began, why);
      }
      Verdict::Split => match batch.split() {
        Ok(halves) => self.again.extend(halves),
        Err(single) => self.lose(&single, LossReason::TooLarge, why),
      },
      Verdict::Rejected => self.lose(&batch, LossReason::Rejected, why),
    }
  }

  /// A request that began then has failed; it may be repeated.
  fn fails(&mut self, began: Instant, why: String, at_least: Duration) {
    let wait = self.backoff.wait(began).max(at_least);
    let wait = if self.closing.is_empty() { wait } else { wait.min(HURRY) };
    self.close_gate(wait);
    if self.backoff.failures() >= FAILURES_BEFORE_WARNING && self.closing.is_empty() {
      let message =
        format!("{why}. Traces wait and are tried again; the application is not affected.");
      self.shared.warn(Warning::Unreachable, &message);
    }
    self.shared.counters.failed(why);
  }

  /// The server has refused the key for a request that began then.
  fn suspend(&mut self, began: Instant, why: String) {
    let message = format!(
      "{why}. Traces wait and are tried again now and then; the application is not affected."
    );
    self.shared.warn(Warning::Refused, &message);
    // The one more try that there is while the recorder closes begins after that.
    if self.closing_since.is_some_and(|since| began < since) {
      self.fails(began, why, Duration::ZERO);
      return;
    }
    self.suspended = true;
    self.close_gate(SUSPENSION);
    self.shared.counters.failed(why);
  }

  /// Nothing is sent for that long, or longer if that was said before.
  fn close_gate(&mut self, wait: Duration) {
    self.gate = self.gate.max(Some(Instant::now() + wait));
  }

  fn lose(&mut self, batch: &Batch, reason: LossReason, why: String) {
    self.queue.settle(batch);
    self.shared.counters.lose(reason, batch.len());
    let message = format!("{} rows are lost ({}): {why}.", batch.len(), reason.name());
    self.shared.warn(Warning::Lost, &message);
    self.shared.counters.failed(why);
  }

  /// Answers the flushes that are settled, late, or in vain.
  fn answer_flushes(&mut self) {
    let now = Instant::now();
    for flush in std::mem::take(&mut self.flushes) {
      let complete = self.queue.settled_before(flush.boundary);
      if complete || self.suspended || flush.deadline <= now {
        flush.reply.send(complete);
      } else {
        self.flushes.push(flush);
      }
    }
  }

  /// Whether the recorder closes, and there is nothing left to do or no time to do it.
  fn ended(&self) -> bool {
    let deadline = self.closing.iter().map(|closing| closing.deadline).min();
    deadline.is_some_and(|deadline| {
      self.queue.unsettled() == 0 || self.suspended || deadline <= Instant::now()
    })
  }

  /// The last act: what is left is counted, and whoever waits is answered.
  fn end(mut self) {
    let left = self.queue.unsettled();
    let reason =
      if self.suspended { LossReason::Unauthorized } else { LossReason::NotDeliveredAtExit };
    self.shared.counters.lose(reason, left);
    self.keeper.end(&self.translator, self.shared);
    self.shared.counters.set_open_spans(0);
    self.shared.sum_up();
    for flush in self.flushes.into_iter().chain(self.closing) {
      flush.reply.send(left == 0);
    }
  }

  /// When to look again although nothing came.
  fn alarm(&self) -> Option<Instant> {
    let sending = match self.link {
      _ if self.idle() => None,
      Link::Connecting => None,
      _ if self.gate.is_some() => self.gate,
      Link::Up { .. } if self.under_way.len() < REQUESTS => {
        self.waiting_since.map(|since| since + LINGER)
      }
      _ => None,
    };
    let deadlines = self.flushes.iter().chain(&self.closing).map(|flush| flush.deadline);
    deadlines.chain(sending).chain(self.keeper.alarm()).min()
  }
}
