//! Rows to Braintrust: which rows become payloads when, which payloads go when, and what becomes of
//! them.
//!
//! Without a spool a row becomes part of a payload when that may go, so that what is said of its span
//! meanwhile is merged into it. With a spool all rows become payloads and files every
//! [`CHECKPOINT`], whether they may go or not.

use std::{collections::HashMap, time::Duration};

use tokio::{
  task::{Id, JoinError, JoinSet},
  time::Instant,
};

use super::{
  Shared,
  outbox::{Outbox, Squeezed, Stored},
  store::Store,
};
use crate::{
  batch::{Limits, Payload, RowQueue},
  clock,
  config::Settings,
  report::{Amount, LossReason, Warning},
  span::{Destination, Row, truncate},
  spool::{Adopted, Entry},
  upload::{
    Backoff, Client, Session, USUAL_LIMIT, Verdict, ask_limit, classify, connect, upload_apart,
  },
};

/// Rows wait this long for company before a payload goes that is not full.
const LINGER: Duration = Duration::from_millis(200);
/// How long a row may be missing in the spool.
const CHECKPOINT: Duration = Duration::from_millis(100);
/// How many times as many rows a payload may have while more wait than requests can carry otherwise.
const GROWTH: usize = 10;
/// The most bytes of payloads in memory before the spool alone keeps those that come, as a part of the
/// bound of all that waits: 1 / this.
const SPILL: usize = 4;
/// Rows whose span has ended become payloads, which take less memory, when so many bytes more wait.
const COMPACT_EVERY: usize = 1024 * 1024;
/// How long nothing is tried after the server has refused the key.
const SUSPENSION: Duration = Duration::from_secs(60);
/// How long to wait between two tries while the process ends.
const HURRY: Duration = Duration::from_millis(100);
/// How long to wait before the server is asked again for its limit.
const LIMIT_AGAIN: Duration = Duration::from_secs(60);
/// Failures in a row after which the user is told.
const FAILURES_BEFORE_WARNING: u32 = 3;
/// How often a row that is too large is uploaded apart before it is cut: the place it should go to may be
/// one that cannot be reached from here.
const TRIES_APART: u32 = 3;
/// How often a file of the spool is read in vain before it is given up, and how long to wait between.
const READS: u32 = 10;
const READ_AGAIN: Duration = Duration::from_secs(1);
/// A row is not cut to less than this.
const SMALLEST_CUT: usize = 2048;

/// What comes back from the network.
enum Done {
  Connected(Client, Session),
  /// There is no place to send to; the client serves again.
  Unconnected(Option<Client>, Verdict, String),
  /// The server's limit, if it tells.
  Limit(Option<usize>),
  Uploaded(Verdict, String),
  /// A payload was uploaded apart, or could not be; then whether only the storage failed.
  UploadedApart(Verdict, String, bool),
}

/// What a task does.
enum Task {
  Connect,
  AskLimit,
  Upload(u64),
}

/// Whether rows can be sent.
enum Link {
  Down,
  Connecting,
  Up { client: Client, session: Session },
}

/// The rows and payloads that wait, and the way they go.
pub struct Delivery<'a> {
  shared: &'a Shared,
  settings: &'a Settings,
  pub store: Store,
  queue: RowQueue,
  outbox: Outbox,
  /// When the oldest waiting row came.
  waiting_since: Option<Instant>,
  /// The bytes that waited after rows were last compacted.
  compacted: usize,
  tasks: JoinSet<(Instant, Done)>,
  running: HashMap<Id, Task>,
  link: Link,
  client: Option<Client>,
  backoff: Backoff,
  /// Nothing is sent before this.
  gate: Option<Instant>,
  /// The server has refused the key, and was not asked again yet.
  suspended: bool,
  /// When the server is asked for its limit again.
  limit_due: Option<Instant>,
  /// When a file of the spool is read again that could not be read.
  load_due: Option<Instant>,
  /// How many rows wait that could not go when rows went last.
  kept_back: usize,
  /// When the process was asked to end.
  closing_since: Option<Instant>,
  /// Whether something has failed since then.
  failed_closing: bool,
}

impl<'a> Delivery<'a> {
  pub fn new(shared: &'a Shared, settings: &'a Settings) -> Self {
    Self {
      shared,
      settings,
      store: Store::open(settings.spool.as_ref(), settings.destination, shared),
      queue: RowQueue::default(),
      outbox: Outbox::default(),
      waiting_since: None,
      compacted: 0,
      tasks: JoinSet::new(),
      running: HashMap::new(),
      link: Link::Down,
      client: None,
      backoff: Backoff::default(),
      gate: None,
      suspended: false,
      limit_due: None,
      load_due: None,
      kept_back: 0,
      closing_since: None,
      failed_closing: false,
    }
  }

  /// Takes a row in.
  pub fn enqueue(&mut self, row: Row) {
    let (is_new, bytes) = self.queue.push(row);
    self.shared.counters.accept(Amount { rows: usize::from(is_new), bytes: 0 });
    self.shared.counters.correct(bytes);
    self.waiting_since.get_or_insert_with(Instant::now);
  }

  /// Takes in what dead processes left in the spool.
  pub fn adopt(&mut self, adopted: &Adopted) {
    for entry in &adopted.payloads {
      let rows = entry.rows as usize;
      let content = usize::try_from(entry.content_bytes()).unwrap_or(usize::MAX);
      let bytes = Payload::bytes_written(content, rows);
      self.shared.counters.accept(Amount { rows, bytes });
      let key = self.queue.take_tickets(rows);
      self.outbox.store(Stored { key, entry: *entry, bytes, failures: 0 });
    }
    let gone = [
      (LossReason::SpoolDamaged, adopted.damaged.rows, "files of an earlier process are damaged"),
      (LossReason::SpoolExpired, adopted.expired.rows, "an earlier process left them too long ago"),
    ];
    for (reason, rows, why) in gone {
      if rows > 0 {
        let amount = Amount { rows: usize::try_from(rows).unwrap_or(usize::MAX), bytes: 0 };
        self.shared.counters.accept(amount);
        self.lose(amount, reason, why);
      }
    }
  }

  /// All rows that are taken in from now on have tickets from this on.
  pub fn next_ticket(&self) -> u64 {
    self.queue.next_ticket()
  }

  /// Whether every row with an earlier ticket is settled.
  pub fn settled_before(&self, ticket: u64) -> bool {
    let first = [self.queue.first_ticket(), self.outbox.first_ticket()].into_iter().flatten().min();
    first.is_none_or(|first| first >= ticket)
  }

  /// Whether a row with an earlier ticket waits for company.
  pub fn lingers(&self, ticket: u64) -> bool {
    self.queue.first_ticket().is_some_and(|first| first < ticket)
  }

  /// Whether the server refuses the key.
  pub fn is_suspended(&self) -> bool {
    self.suspended
  }

  /// Whether so much waits that no new span has room.
  pub fn is_full(&self) -> bool {
    let rows = self.queue.len() + self.outbox.rows();
    self.held() >= self.settings.queue_room() || rows >= self.settings.max_queue_rows
  }

  /// The bytes of memory that wait.
  pub fn held(&self) -> usize {
    self.queue.weight() + self.outbox.weight()
  }

  /// The process ends: waits that were meant for a long life are cut short, and there is one more try at
  /// once.
  pub fn hurry(&mut self) {
    self.gate = None;
    self.suspended = false;
    self.closing_since.get_or_insert_with(Instant::now);
  }

  /// Whether there is nothing left to do for the end of the process: everything is settled, or safe and
  /// the server does not answer.
  pub fn is_done(&self) -> bool {
    if self.queue.len() == 0 && self.outbox.is_empty() {
      return true;
    }
    let is_safe = self.queue.len() == 0 && self.outbox.backed().rows == self.outbox.rows();
    self.suspended || (self.failed_closing && is_safe)
  }

  /// Makes payloads of rows, and starts what may be started. `urgent` if somebody waits for it. True when
  /// rows were put into the spool: the record of what is open should follow them.
  pub fn proceed(&mut self, urgent: bool) -> bool {
    if self.gate.is_some_and(|gate| gate <= Instant::now()) {
      self.gate = None;
      self.suspended = false;
    }
    let has_kept = self.store.is_open() && self.checkpoint(urgent);
    if self.gate.is_none() && !self.is_idle() {
      match &self.link {
        Link::Connecting => {}
        Link::Down => self.connect(),
        Link::Up { client, session } => {
          let (client, session) = (client.clone(), session.clone());
          self.send(&client, &session, urgent);
        }
      }
    }
    if !self.store.is_open() {
      self.compact();
    }
    self.shared.counters.set_spooled(self.outbox.stored());
    self.shared.counters.set_held(self.held());
    has_kept
  }

  /// Whether nothing waits to be sent.
  fn is_idle(&self) -> bool {
    self.queue.len() == 0 && self.outbox.ready() == 0 && self.outbox.stored().rows == 0
  }

  fn send(&mut self, client: &Client, session: &Session, urgent: bool) {
    if session.limit.is_none() && self.limit_due.is_some_and(|due| due <= Instant::now()) {
      self.ask_limit(client.clone(), session.api_url.clone());
    }
    let to = Destination { project_id: session.project_id.clone() };
    while self.outbox.under_way() < self.settings.max_requests {
      if self.outbox.ready() == 0 && !self.store.is_open() {
        self.seal_next(&to, urgent);
      }
      let Some(key) = self.outbox.start() else {
        if self.load() {
          continue;
        }
        break;
      };
      let Some(payload) = self.outbox.address(key, &to).cloned() else { break };
      self.upload(client.clone(), session.clone(), key, &payload);
    }
  }

  /// Makes a payload of the rows that have waited longest, if there are enough or they have waited for
  /// long enough. Rows of spans that are under way stay, and take in what is said of them meanwhile.
  fn seal_next(&mut self, to: &Destination, urgent: bool) {
    let limits = self.limits();
    let waited = self.waiting_since.is_some_and(|since| since.elapsed() >= LINGER);
    if !urgent && !waited && self.queue.len() < self.kept_back + limits.rows {
      return;
    }
    let outbox = &self.outbox;
    let sealed = self.queue.seal(limits, Some(to), |row| !outbox.carries(&row.span.row));
    let is_full = sealed.as_ref().is_some_and(|(payload, _)| payload.rows() == limits.rows);
    self.take_sealed(sealed, None);
    self.kept_back = if is_full { 0 } else { self.queue.len() };
    // What is left has waited less; the next payload may linger again.
    self.waiting_since = (self.queue.len() > 0).then(Instant::now);
  }

  /// While rows cannot go, those whose span has ended become payloads, which take less memory.
  fn compact(&mut self) {
    if self.queue.weight() < self.compacted + COMPACT_EVERY {
      self.compacted = self.compacted.min(self.queue.weight());
      return;
    }
    let limits = self.limits();
    loop {
      let outbox = &self.outbox;
      let sealed =
        self.queue.seal(limits, None, |row| row.ends() && !outbox.carries(&row.span.row));
      if sealed.is_none() {
        break;
      }
      self.take_sealed(sealed, None);
    }
    self.compacted = self.queue.weight();
  }

  /// Makes payloads of all rows and keeps them in the spool, if that is due. Rows of spans that are under
  /// way go into payloads of their own, so that the others need not wait for those.
  fn checkpoint(&mut self, urgent: bool) -> bool {
    let waited = self.waiting_since.is_some_and(|since| since.elapsed() >= CHECKPOINT);
    let much = self.queue.weight() > self.settings.queue_room() / SPILL;
    if self.queue.len() == 0 || !(waited || urgent || much) {
      return false;
    }
    for and_carried in [false, true] {
      loop {
        let (outbox, limits) = (&self.outbox, self.limits());
        let wanted = |row: &Row| and_carried || !outbox.carries(&row.span.row);
        let Some(sealed) = self.queue.seal(limits, None, wanted) else { break };
        let kept = self.keep(&sealed.0);
        self.take_sealed(Some(sealed), kept);
      }
    }
    self.waiting_since = None;
    true
  }

  /// Puts a payload into the spool, where the oldest makes room for it if need be.
  fn keep(&mut self, payload: &Payload) -> Option<Entry> {
    let content = payload.written();
    if !self.store.could_have_room(content.len(), self.outbox.stored_disk()) {
      return None;
    }
    while !self.store.has_room(content.len()) {
      let oldest = self.outbox.take_stored()?;
      self.store.remove(&oldest.entry, self.shared);
      let amount = Amount { rows: oldest.entry.rows as usize, bytes: oldest.bytes };
      self.lose(amount, LossReason::SpoolFull, "the spool has reached its size");
    }
    self.store.put(&content, payload.rows(), self.shared)
  }

  /// Puts a payload where it waits: in memory, unless much is there already and the spool has it.
  fn take_sealed(&mut self, sealed: Option<(Payload, i64)>, kept: Option<Entry>) {
    let Some((payload, wrong)) = sealed else { return };
    self.shared.counters.correct(wrong);
    let is_behind = self.outbox.stored().rows > 0
      || self.outbox.weight() + payload.weight() > self.settings.queue_room() / SPILL;
    match kept {
      Some(entry) if is_behind => {
        let (key, bytes) = (payload.key(), payload.bytes());
        self.outbox.store(Stored { key, entry, bytes, failures: 0 });
      }
      kept => self.outbox.push(payload, kept),
    }
  }

  /// Loads the payload that stands in the spool alone for longest. False when there is none, or none can
  /// be had now.
  fn load(&mut self) -> bool {
    if self.load_due.is_some_and(|due| due > Instant::now()) {
      return false;
    }
    // What is behind the spool fills the memory, too: something must always be able to go.
    let is_crowded = self.outbox.weight() > self.settings.queue_room() / SPILL;
    if self.outbox.under_way() > 0
      && (is_crowded || self.outbox.ready() > self.settings.max_requests)
    {
      return false;
    }
    let Some(mut stored) = self.outbox.take_stored() else { return false };
    let amount = Amount { rows: stored.entry.rows as usize, bytes: stored.bytes };
    match self.store.read(&stored.entry, self.shared) {
      Ok(content) => match Payload::read(&content, stored.key) {
        Some(payload) => self.outbox.push(payload, Some(stored.entry)),
        None => {
          self.store.remove(&stored.entry, self.shared);
          self.lose(amount, LossReason::SpoolDamaged, "a file in the spool has no rows");
        }
      },
      Err(true) => self.lose(amount, LossReason::SpoolDamaged, "a file in the spool is damaged"),
      Err(false) if stored.failures < READS => {
        stored.failures += 1;
        self.outbox.store(stored);
        self.load_due = Some(Instant::now() + READ_AGAIN);
        return false;
      }
      Err(false) => {
        self.lose(amount, LossReason::SpoolDamaged, "a file in the spool is not readable")
      }
    }
    true
  }

  /// What one payload may have.
  fn limits(&self) -> Limits {
    let most = self.settings.batch_rows.unwrap_or(Settings::BATCH_ROWS);
    let much = self.queue.len() + self.outbox.rows() > most * self.settings.max_requests;
    // Who sets a number means it.
    let grows = much && self.settings.batch_rows.is_none();
    let bytes = match &self.link {
      Link::Up { session, .. } => session.max_bytes(),
      _ => self.settings.max_request_bytes.unwrap_or(USUAL_LIMIT),
    };
    // Half the limit: gateways wrap the body, and then count it.
    Limits { rows: if grows { most * GROWTH } else { most }, bytes: bytes / 2 }
  }

  fn connect(&mut self) {
    self.link = Link::Connecting;
    let (settings, client) = (self.settings.clone(), self.client.take());
    self.spawn(Task::Connect, async move {
      let client = match client.map_or_else(|| Client::new(&settings), Ok) {
        Ok(client) => client,
        Err(error) => {
          return Done::Unconnected(None, Verdict::Later(Duration::ZERO), error.to_string());
        }
      };
      match connect(&client, &settings).await {
        Ok(session) => Done::Connected(client, session),
        Err(error) => Done::Unconnected(Some(client), error.verdict(), error.to_string()),
      }
    });
  }

  fn ask_limit(&mut self, client: Client, api_url: String) {
    self.limit_due = None;
    self.spawn(Task::AskLimit, async move { Done::Limit(ask_limit(&client, &api_url).await) });
  }

  fn upload(&mut self, client: Client, session: Session, key: u64, payload: &Payload) {
    self.shared.counters.request();
    let body = payload.body();
    let squeezed = self.outbox.get(key).map(|held| held.squeezed).unwrap_or_default();
    let is_large = squeezed.refused || body.len() > session.max_bytes();
    if is_large && payload.rows() == 1 && may_go_apart(&session, squeezed) {
      self.upload_apart(client, session, key, payload);
      return;
    }
    self.spawn(Task::Upload(key), async move {
      let url = session.logs_url;
      let result = client.post(&url, body).await;
      let verdict = classify(&result, clock::now());
      let why = match result {
        Ok(answer) => format!("{} answered {}", Client::shown(&url), answer.describe()),
        Err(error) => format!("{}: {error}", Client::shown(&url)),
      };
      Done::Uploaded(verdict, why)
    });
  }

  fn upload_apart(&mut self, client: Client, session: Session, key: u64, payload: &Payload) {
    let (body, sizes) = (payload.body(), payload.row_sizes());
    self.spawn(Task::Upload(key), async move {
      match upload_apart(&client, &session, body, &sizes).await {
        Ok(()) => Done::UploadedApart(Verdict::Delivered, String::new(), false),
        Err(error) => Done::UploadedApart(error.verdict(), error.to_string(), error.is_storage()),
      }
    });
  }

  fn spawn(&mut self, task: Task, work: impl Future<Output = Done> + Send + 'static) {
    let began = Instant::now();
    let handle = self.tasks.spawn(async move { (began, work.await) });
    self.running.insert(handle.id(), task);
  }

  /// Waits until something comes back from the network, and sees to it. For ever if nothing is under way.
  pub async fn settle_next(&mut self) {
    match self.tasks.join_next_with_id().await {
      Some(done) => self.done(done),
      None => std::future::pending().await,
    }
  }

  /// Sees to everything that has come back already.
  pub fn settle_ready(&mut self) {
    while let Some(done) = self.tasks.try_join_next_with_id() {
      self.done(done);
    }
  }

  fn done(&mut self, done: Result<(Id, (Instant, Done)), JoinError>) {
    let (id, done) = match done {
      Ok((id, done)) => (id, Ok(done)),
      Err(error) => (error.id(), Err(error)),
    };
    let Some(task) = self.running.remove(&id) else { return };
    let (began, done) = done.unwrap_or_else(|error| {
      // A task that panicked has told nothing: what it carried is sent again.
      let (verdict, why) =
        (Verdict::Later(Duration::ZERO), format!("a request broke off: {error}"));
      let done = match task {
        Task::Connect => Done::Unconnected(None, verdict, why),
        Task::AskLimit => Done::Limit(None),
        Task::Upload(_) => Done::Uploaded(verdict, why),
      };
      (Instant::now(), done)
    });
    match (done, task) {
      (Done::Connected(client, session), _) => self.connected(client, session),
      (Done::Unconnected(client, verdict, why), _) => {
        self.link = Link::Down;
        self.client = client;
        match verdict {
          Verdict::Suspended => self.suspend(began, why),
          Verdict::Later(at_least) => self.fails(began, why, at_least),
          _ => self.fails(began, why, Duration::ZERO),
        }
      }
      (Done::Limit(limit), _) => self.limit_told(limit),
      (Done::Uploaded(verdict, why), Task::Upload(key)) => self.judge(key, began, verdict, why),
      (Done::UploadedApart(verdict, why, is_storage), Task::Upload(key)) => {
        self.judge_apart(key, began, verdict, why, is_storage);
      }
      _ => {}
    }
  }

  fn connected(&mut self, client: Client, session: Session) {
    self.backoff.reset();
    if let Some(complaint) = client.complaint() {
      self.shared.warnings.once(Warning::Certificates, &complaint.to_string());
    }
    self.limit_due = session.limit.is_none().then(|| Instant::now() + LIMIT_AGAIN);
    self.client = Some(client.clone());
    self.link = Link::Up { client, session };
  }

  fn limit_told(&mut self, limit: Option<usize>) {
    if let Link::Up { session, .. } = &mut self.link {
      session.limit = session.limit.or(limit);
      self.limit_due = session.limit.is_none().then(|| Instant::now() + LIMIT_AGAIN);
    }
  }

  fn judge(&mut self, key: u64, began: Instant, verdict: Verdict, why: String) {
    match verdict {
      Verdict::Delivered => self.delivered(key),
      Verdict::Later(at_least) => {
        self.put_back(key);
        self.fails(began, why, at_least);
      }
      Verdict::Suspended => {
        self.put_back(key);
        // The next try logs in anew: the key may open another project by then.
        self.link = Link::Down;
        self.suspend(began, why);
      }
      Verdict::Split => self.squeeze(key, why),
      Verdict::Rejected => self.give_up(key, LossReason::Rejected, why),
    }
  }

  fn judge_apart(
    &mut self,
    key: u64,
    began: Instant,
    verdict: Verdict,
    why: String,
    storage: bool,
  ) {
    if verdict == Verdict::Delivered {
      self.delivered(key);
      return;
    }
    let refused = matches!(verdict, Verdict::Rejected | Verdict::Split);
    if let Some(held) = self.outbox.get(key) {
      held.squeezed.apart += if refused { TRIES_APART } else { u32::from(storage) };
    }
    match verdict {
      Verdict::Rejected | Verdict::Split => self.squeeze(key, why),
      // Braintrust itself works: nothing else need wait.
      Verdict::Later(_) if storage => {
        self.put_back(key);
        self.shared.counters.failed(why);
      }
      verdict => self.judge(key, began, verdict, why),
    }
  }

  fn delivered(&mut self, key: u64) {
    self.backoff.reset();
    let Some((payload, file)) = self.outbox.settle(key) else { return };
    let amount = Amount { rows: payload.rows(), bytes: payload.bytes() };
    self.shared.counters.sent(amount, payload.body().len());
    if let Some(file) = file {
      self.store.remove(&file, self.shared);
    }
  }

  fn put_back(&mut self, key: u64) {
    self.shared.counters.retry();
    self.outbox.put_back(key);
  }

  /// The server says that the payload is too large: its halves may fit. A single row goes another way, and
  /// then less of it goes.
  fn squeeze(&mut self, key: u64, why: String) {
    if self.outbox.split(key) {
      return;
    }
    let session = match &self.link {
      Link::Up { session, .. } => Some(session),
      _ => None,
    };
    let Some(held) = self.outbox.get(key) else { return };
    // Without a session nobody knows yet.
    let goes_apart = session.is_none_or(|session| may_go_apart(session, held.squeezed));
    if goes_apart {
      held.squeezed.refused = true;
      self.put_back(key);
      return;
    }
    let size = held.payload.bytes();
    // Of a limit that is known half is sure to get through; of one that is not, who knows.
    let limit = session.and_then(|session| session.limit).map(|limit| limit / 2);
    let most = limit.unwrap_or(size).min(size / 2);
    let cut = (most >= SMALLEST_CUT).then(|| held.payload.replaced(|row| truncate(row, most)));
    match cut.flatten() {
      Some(payload) => {
        if held.squeezed.cut_to.is_none() {
          self.shared.counters.cut(1);
        }
        held.squeezed.cut_to = Some(most);
        let wrong = payload.bytes() as i64 - size as i64;
        self.shared.counters.correct(wrong);
        self.outbox.replace(key, payload);
        self.put_back(key);
        self.shared.counters.failed(why);
      }
      None => self.give_up(key, LossReason::TooLarge, why),
    }
  }

  /// A request that began then has failed; it may be repeated.
  fn fails(&mut self, began: Instant, why: String, at_least: Duration) {
    let wait = self.backoff.wait(began).max(at_least);
    let is_closing = self.closing_since.is_some();
    self.failed_closing |= self.closing_since.is_some_and(|since| began >= since);
    self.close_gate(if is_closing { wait.min(HURRY) } else { wait });
    if self.backoff.failures() >= FAILURES_BEFORE_WARNING && !is_closing {
      let message =
        format!("{why}. Traces wait and are tried again; the application is not affected.");
      self.shared.warnings.once(Warning::Unreachable, &message);
    }
    self.shared.counters.failed(why);
  }

  /// The server has refused the key for a request that began then.
  fn suspend(&mut self, began: Instant, why: String) {
    let message = format!(
      "{why}. Traces wait and are tried again now and then; the application is not affected."
    );
    self.shared.warnings.once(Warning::Refused, &message);
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

  /// The payload will never arrive.
  fn give_up(&mut self, key: u64, reason: LossReason, why: String) {
    let Some((payload, file)) = self.outbox.settle(key) else { return };
    if let Some(file) = file {
      self.store.remove(&file, self.shared);
    }
    self.lose(Amount { rows: payload.rows(), bytes: payload.bytes() }, reason, &why);
    self.shared.counters.failed(why);
  }

  fn lose(&self, amount: Amount, reason: LossReason, why: &str) {
    self.shared.counters.lose(reason, amount);
    self.shared.warnings.lost(reason, amount.rows, why);
  }

  /// The last act: what the spool keeps is left to the next process, the rest is lost. Whether all is
  /// delivered.
  pub fn end(&mut self) -> bool {
    let spooled = {
      let (stored, backed) = (self.outbox.stored(), self.outbox.backed());
      Amount { rows: stored.rows + backed.rows, bytes: stored.bytes + backed.bytes }
    };
    self.shared.counters.set_spooled(spooled);
    let left = self.shared.counters.pending();
    let reason =
      if self.suspended { LossReason::Unauthorized } else { LossReason::NotDeliveredAtExit };
    self.shared.counters.lose(reason, left);
    self.store.finish(self.shared);
    left.rows + spooled.rows == 0
  }

  /// When to look again although nothing came.
  pub fn alarm(&self) -> Option<Instant> {
    let linger = if self.store.is_open() { CHECKPOINT } else { LINGER };
    let due = self.waiting_since.map(|since| since + linger);
    let sending = match self.link {
      _ if self.is_idle() => None,
      _ if self.gate.is_some() => self.gate,
      Link::Up { .. } if self.outbox.under_way() < self.settings.max_requests => due,
      _ => None,
    };
    let checkpoint = due.filter(|_| self.store.is_open() && self.queue.len() > 0);
    let load = self.load_due.filter(|due| *due > Instant::now() && self.outbox.stored().rows > 0);
    [sending, checkpoint, load].into_iter().flatten().min()
  }
}

/// Whether a row that is too large may be uploaded apart.
fn may_go_apart(session: &Session, squeezed: Squeezed) -> bool {
  session.allows_overflow() && squeezed.apart < TRIES_APART && squeezed.cut_to.is_none()
}
