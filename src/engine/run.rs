//! The loop of the engine's thread: inbox to rows, rows to payloads, payloads to Braintrust.

use std::{
  panic::{AssertUnwindSafe, catch_unwind},
  time::Duration,
};

use tokio::{
  runtime,
  task::JoinSet,
  time::{Instant, sleep_until},
};

use super::{
  Shared,
  inbox::{Command, Reply},
};
use crate::{
  batch::{BATCH_ROWS, Batch, RowQueue},
  clock,
  config::Settings,
  event,
  report::{LossReason, Warning, Warnings},
  span::{Destination, Row},
  translate::Translator,
  upload::{Backoff, Client, ConnectError, Session, Verdict, classify, connect},
};

/// Rows wait this long for company before a payload goes that is not full.
const LINGER: Duration = Duration::from_millis(200);
/// The most payloads under way at once.
const REQUESTS: usize = 8;
/// The most events translated before the network gets its turn.
const EVENTS_AT_ONCE: usize = 256;
/// How long nothing is tried after Braintrust has refused the key.
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
      shared
        .counters
        .failed(format!("the engine has no runtime: {error}"));
      return;
    }
  };
  runtime.block_on(Run::new(shared, settings).run());
}

/// What comes back from the network.
enum Done {
  Connected(Result<(Client, Session), String>, Verdict),
  Uploaded {
    batch: Batch,
    verdict: Verdict,
    why: String,
  },
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
  under_way: usize,
  tasks: JoinSet<Done>,
  link: Link,
  backoff: Backoff,
  /// Nothing is sent before this.
  gate: Option<Instant>,
  /// Braintrust has refused the key; cleared by the next success.
  suspended: bool,
  flushes: Vec<Flush>,
  closing: Option<Flush>,
  warnings: Warnings,
}

impl<'a> Run<'a> {
  fn new(shared: &'a Shared, settings: &'a Settings) -> Self {
    Self {
      shared,
      settings,
      translator: Translator::default(),
      queue: RowQueue::default(),
      waiting_since: None,
      again: Vec::new(),
      under_way: 0,
      tasks: JoinSet::new(),
      link: Link::Down,
      backoff: Backoff::default(),
      gate: None,
      suspended: false,
      flushes: Vec::new(),
      closing: None,
      warnings: Warnings::default(),
    }
  }

  async fn run(mut self) {
    loop {
      let more = self.take_in();
      self.send();
      self.answer_flushes();
      if self.ended() {
        break;
      }
      if more {
        // The network gets a turn, without waiting for it.
        tokio::task::yield_now().await;
        while let Some(done) = self.tasks.try_join_next() {
          self.done(done.ok());
        }
        continue;
      }
      let alarm = self.alarm();
      tokio::select! {
        () = self.shared.inbox.arrival() => {}
        Some(done) = self.tasks.join_next() => self.done(done.ok()),
        () = sleep_until(alarm.unwrap_or_else(Instant::now)), if alarm.is_some() => {}
      }
    }
    self.end();
  }

  /// Translates what has come. True when more is waiting.
  fn take_in(&mut self) -> bool {
    let (events, commands) = self.shared.inbox.take(EVENTS_AT_ONCE);
    let more = events.len() == EVENTS_AT_ONCE;
    for text in events {
      // An event that breaks the translation is lost; those after it are not.
      let rows = catch_unwind(AssertUnwindSafe(|| self.translate(&text)));
      match rows {
        Ok(Ok(rows)) => rows.into_iter().for_each(|row| self.enqueue(row)),
        Ok(Err(why)) => self.unreadable(why),
        Err(_panic) => self.unreadable("the translation failed".to_owned()),
      }
    }
    for command in commands {
      self.obey(command);
    }
    self
      .shared
      .counters
      .set_open_spans(self.translator.open_spans());
    let again: usize = self.again.iter().map(|batch| batch.body.len()).sum();
    self.shared.counters.set_held(self.queue.bytes() + again);
    more
  }

  fn translate(&mut self, text: &[u16]) -> Result<Vec<Row>, String> {
    let text = event::utf8(text);
    let event = event::decode(&text, clock::now()).map_err(|error| error.to_string())?;
    Ok(self.translator.step(&event))
  }

  fn unreadable(&self, why: String) {
    self.shared.counters.failed(why);
    self.shared.counters.refuse(LossReason::UnreadableEvent);
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
        self.flushes.push(Flush {
          boundary: self.queue.next_ticket(),
          deadline,
          reply,
        });
      }
      Command::Close { deadline, reply } => {
        for row in self.translator.close_all(clock::now()) {
          self.enqueue(row);
        }
        self.closing = Some(Flush {
          boundary: self.queue.next_ticket(),
          deadline,
          reply,
        });
        // Waits that were meant for a long life are cut short.
        self.gate = self.gate.map(|gate| gate.min(Instant::now()));
      }
    }
  }

  /// Starts what may be started: the connection, then payloads.
  fn send(&mut self) {
    let now = Instant::now();
    self.gate = self.gate.filter(|gate| *gate > now);
    if self.idle() || self.gate.is_some() {
      return;
    }
    match &self.link {
      Link::Connecting => {}
      Link::Down => self.connect(),
      Link::Up { client, session } => {
        let (client, session) = (client.clone(), session.clone());
        while self.under_way < REQUESTS
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
    self.shared.counters.request();
    let settings = self.settings.clone();
    self.tasks.spawn(async move {
      let client = match Client::new(&settings.api_key) {
        Ok(client) => client,
        Err(error) => {
          return Done::Connected(Err(error.to_string()), Verdict::Later(Duration::ZERO));
        }
      };
      match connect(&client, &settings).await {
        Ok(session) => Done::Connected(Ok((client, session)), Verdict::Delivered),
        Err(error) => Done::Connected(Err(error.to_string()), ConnectError::verdict(&error)),
      }
    });
  }

  fn next_payload(&mut self, session: &Session) -> Option<Batch> {
    if let Some(batch) = self.again.pop() {
      self.shared.counters.retry();
      return Some(batch);
    }
    let waited = self
      .waiting_since
      .is_some_and(|since| since.elapsed() >= LINGER);
    let wanted = waited || !self.flushes.is_empty() || self.closing.is_some();
    if !wanted && self.queue.len() < BATCH_ROWS {
      return None;
    }
    let to = Destination {
      project_id: session.project_id.clone(),
    };
    // Half the limit: gateways wrap the body, and then count it.
    let batch = self.queue.next_batch(session.payload_bytes / 2, &to);
    // What is left has waited less; the next payload may linger again.
    self.waiting_since = (self.queue.len() > 0).then(Instant::now);
    batch
  }

  fn upload(&mut self, client: Client, url: String, batch: Batch) {
    self.under_way += 1;
    self.shared.counters.request();
    self.tasks.spawn(async move {
      let result = client.post(&url, batch.body.clone()).await;
      let verdict = classify(&result, clock::now());
      let why = match result {
        Ok(answer) => format!("{url} answered {}", answer.describe()),
        Err(error) => format!("{url}: {error}"),
      };
      Done::Uploaded {
        batch,
        verdict,
        why,
      }
    });
  }

  fn done(&mut self, done: Option<Done>) {
    match done {
      Some(Done::Connected(Ok((client, session)), _)) => {
        self.works();
        self.link = Link::Up { client, session };
      }
      Some(Done::Connected(Err(why), verdict)) => {
        self.link = Link::Down;
        match verdict {
          Verdict::Suspended => self.suspend(why),
          Verdict::Later(at_least) => self.fails(why, at_least),
          _ => self.fails(why, Duration::ZERO),
        }
      }
      Some(Done::Uploaded {
        batch,
        verdict,
        why,
      }) => {
        self.under_way -= 1;
        self.judge(batch, verdict, why);
      }
      // A task neither panics nor is cancelled while the loop runs; were it so, its rows stay pending
      // and are counted at the end.
      None => {}
    }
  }

  fn judge(&mut self, batch: Batch, verdict: Verdict, why: String) {
    match verdict {
      Verdict::Delivered => {
        self.works();
        self.shared.counters.sent(batch.len(), batch.body.len());
        self.queue.settle(&batch);
      }
      Verdict::Later(at_least) => {
        self.again.push(batch);
        self.fails(why, at_least);
      }
      Verdict::Suspended => {
        self.again.push(batch);
        self.suspend(why);
      }
      Verdict::Split => {
        let rows = batch.clone();
        match batch.split() {
          Some(halves) => self.again.extend(halves),
          None => self.lose(&rows, LossReason::TooLarge, &why),
        }
      }
      Verdict::Rejected => self.lose(&batch, LossReason::Rejected, &why),
    }
  }

  fn works(&mut self) {
    self.backoff.reset();
    self.gate = None;
    self.suspended = false;
  }

  fn fails(&mut self, why: String, at_least: Duration) {
    let wait = self.backoff.wait().max(at_least);
    let wait = if self.closing.is_some() {
      wait.min(HURRY)
    } else {
      wait
    };
    self.gate = Some(Instant::now() + wait);
    if self.backoff.failures() >= FAILURES_BEFORE_WARNING && self.closing.is_none() {
      let message =
        format!("{why}. Traces wait and are tried again; the application is not affected.");
      self.warnings.once(Warning::Unreachable, &message);
    }
    self.shared.counters.failed(why);
  }

  fn suspend(&mut self, why: String) {
    self.suspended = true;
    self.gate = Some(Instant::now() + SUSPENSION);
    let message = format!(
      "{why}. Check BRAINTRUST_API_KEY and BRAINTRUST_ORG_NAME; until then no traces are delivered. \
       The application is not affected."
    );
    self.warnings.once(Warning::Unauthorized, &message);
    self.shared.counters.failed(why);
  }

  fn lose(&mut self, batch: &Batch, reason: LossReason, why: &str) {
    self.shared.counters.lose(reason, batch.len());
    self.queue.settle(batch);
    let message = format!(
      "{} spans were not taken ({}): {why}.",
      batch.len(),
      reason.name()
    );
    self.warnings.once(Warning::Lost, &message);
    self.shared.counters.failed(why.to_owned());
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

  fn ended(&self) -> bool {
    self.closing.as_ref().is_some_and(|closing| {
      self.queue.settled_before(closing.boundary)
        || self.suspended
        || closing.deadline <= Instant::now()
    })
  }

  /// The last act: what is left is counted, and whoever waits is answered.
  fn end(mut self) {
    let Some(closing) = self.closing.take() else {
      return;
    };
    let left = self.queue.unsettled();
    if left > 0 {
      let reason = if self.suspended {
        LossReason::Unauthorized
      } else {
        LossReason::NotDeliveredAtExit
      };
      self.shared.counters.lose(reason, left);
      if !(self.suspended && self.warnings.given(Warning::Unauthorized)) {
        let why = self.shared.counters.stats().last_error;
        let why = why.unwrap_or_else(|| "there was not enough time".to_owned());
        let message = format!(
          "{left} spans could not be delivered before the process ended: {why}. \
           The application is not affected."
        );
        self.warnings.once(Warning::Lost, &message);
      }
    }
    self.shared.counters.set_open_spans(0);
    closing.reply.send(left == 0);
  }

  /// When to look again although nothing came.
  fn alarm(&self) -> Option<Instant> {
    let sending = match self.link {
      _ if self.idle() => None,
      Link::Connecting => None,
      _ if self.gate.is_some() => self.gate,
      Link::Up { .. } if self.under_way < REQUESTS => {
        self.waiting_since.map(|since| since + LINGER)
      }
      _ => None,
    };
    let deadlines = self
      .flushes
      .iter()
      .chain(&self.closing)
      .map(|flush| flush.deadline);
    deadlines.chain(sending).min()
  }
}
