//! The loop that drives one exporter, which provides the clock, the sockets and the files.

use std::{collections::HashMap, sync::Arc, time::Duration};

use export::{
  Exporter, OperationId, Output, SpoolStatus, TicketId,
  config::Settings,
  diagnostics::Code,
  loss::LossReason,
  masking::Masking,
  transport::{Request, RequestId, Response, TransportError},
};
use flue_event::Utf8;
use spool::Completion;
use tokio::{
  task::{AbortHandle, Id, JoinError, JoinSet},
  time::{Instant, sleep_until},
};

use super::{
  command::{Command, Reply},
  disk::Disk,
  drained::{Drained, Next},
  mask_exchange::MaskExchange,
  opening::{Opening, opened},
  shared::Shared,
};
use crate::transport::{Client, ClientError};

/// The most events translated before the network is polled.
const EVENTS_AT_ONCE: usize = 256;
/// The most bytes of events translated at once, or one event: no deadline is missed meanwhile.
const BYTES_AT_ONCE: usize = 1024 * 1024;
/// How often the thread polls the queue while events come.
const TICK: Duration = Duration::from_millis(10);
/// How long the thread polls after the last event, before it sleeps until it is woken.
const AWAKE: Duration = Duration::from_millis(500);
/// The longest sleep while somebody waits for a flush or the end: the clock stands still from then on if the process is
/// stopped.
const AWAITED: Duration = Duration::from_millis(250);

/// Drives an exporter until it has ended. Returns why later events are refused.
pub async fn drive(shared: Arc<Shared>) -> LossReason {
  Driver::new(&shared).await.run().await;
  shared.queue.closed_for().unwrap_or(LossReason::NotDeliveredAtExit)
}

type Responded = (RequestId, Result<Response, TransportError>);

/// What a wait ends with.
enum Woken {
  /// An input, or what is due.
  Due,
  Responded(Result<(Id, Responded), JoinError>),
  /// The spool is open.
  Opened(Disk),
}

struct Driver<'a> {
  shared: &'a Shared,
  settings: &'a Arc<Settings>,
  exporter: Exporter,
  drained: Drained,
  utf8: Utf8,
  client: Option<Client>,
  requests: JoinSet<Responded>,
  /// The requests by their tasks, for those that panic.
  request_of: HashMap<Id, RequestId>,
  /// The tasks by their requests, for those that are dropped.
  task_of: HashMap<RequestId, AbortHandle>,
  disk: Option<Disk>,
  /// The opening of the spool, until it is open.
  opening: Option<Opening>,
  replies: HashMap<TicketId, Reply>,
  /// The changes of the masking function that the exporter knows of.
  mask_changes: u32,
  /// Until when the thread polls the queue.
  awake_until: Duration,
}

impl<'a> Driver<'a> {
  async fn new(shared: &'a Shared) -> Self {
    let settings = &shared.settings;
    let spool = settings.spool.as_ref();
    let mut opening = spool.map(|spool| Opening::new(spool, settings.destination));
    let (disk, status) = match &mut opening {
      Some(opening) => opening.first().await,
      None => (None, SpoolStatus::Unused),
    };
    let opening = opening.filter(|_| disk.is_none());
    let now = shared.clock.now();
    let account = shared.account.clone();
    let exporter = Exporter::new(settings.clone(), account, &status, fastrand::u64(..), now);
    Self {
      shared,
      settings,
      exporter,
      drained: Drained::default(),
      utf8: Utf8::default(),
      client: None,
      requests: JoinSet::new(),
      request_of: HashMap::new(),
      task_of: HashMap::new(),
      disk,
      opening,
      replies: HashMap::new(),
      mask_changes: 0,
      awake_until: now.elapsed + AWAKE,
    }
  }

  async fn run(mut self) {
    // Spans of dead processes are restored before events that may resume them.
    self.update_masking();
    self.carry_out().await;
    loop {
      let more = self.handle_inputs();
      self.carry_out().await;
      if self.exporter.has_ended() {
        break;
      }
      if more {
        // Polls the network without blocking.
        tokio::task::yield_now().await;
        while let Some(responded) = self.requests.try_join_next_with_id() {
          self.handle_response(responded);
        }
        continue;
      }
      let now = self.shared.clock.now();
      let tick = (now.elapsed < self.awake_until).then(|| now.elapsed + TICK);
      if tick.is_none() && !self.shared.queue.park() {
        continue;
      }
      let awaited = (!self.replies.is_empty()).then(|| now.elapsed + AWAITED);
      let due = self.exporter.poll_timeout(now).into_iter().chain(tick).chain(awaited).min();
      let timeout = due.map(|due| Instant::from_std(self.shared.clock.at(due)));
      let woken = tokio::select! {
        () = self.shared.queue.arrival() => Woken::Due,
        Some(responded) = self.requests.join_next_with_id() => Woken::Responded(responded),
        disk = opened(&mut self.opening) => Woken::Opened(disk),
        () = sleep_until(timeout.unwrap_or_else(Instant::now)), if timeout.is_some() => Woken::Due,
      };
      // Before anything reads the clock.
      if let Some(due) = due {
        self.shared.clock.woke(due);
      }
      match woken {
        Woken::Due => {}
        Woken::Responded(responded) => self.handle_response(responded),
        Woken::Opened(disk) => {
          (self.disk, self.opening) = (Some(disk), None);
          self.exporter.open_spool(self.shared.clock.now());
        }
      }
    }
    if let Some(disk) = self.disk.take() {
      disk.close().await;
    }
  }

  /// Gives events and commands to the exporter. True when more wait.
  fn handle_inputs(&mut self) -> bool {
    if self.drained.is_empty() {
      self.shared.queue.drain(&mut self.drained);
    }
    // After the events are taken: those that come after the masking function is set are masked.
    self.update_masking();
    if let Some(deadline) = self.shared.queue.deadline() {
      self.exporter.set_exit_deadline(deadline);
    }
    let (mut events, mut bytes) = (0, 0);
    while events < EVENTS_AT_ONCE && bytes < BYTES_AT_ONCE {
      match self.drained.next() {
        Some(Next::Event(text)) => {
          let size = text.bytes();
          events += 1;
          bytes += size;
          let event = text.read(&mut self.utf8);
          self.exporter.handle_accepted(&event, size, self.shared.clock.now());
          self.shared.queue.release(size);
        }
        Some(Next::Command(command)) => self.handle_command(command),
        None => break,
      }
    }
    self.utf8.forget_large();
    if events > 0 {
      self.awake_until = self.shared.clock.elapsed() + AWAKE;
    }
    !self.drained.is_empty()
  }

  /// Follows the masking function. That it is removed is a command: the events before it are to be masked.
  fn update_masking(&mut self) {
    let changes = self.shared.masks.changes();
    if changes != self.mask_changes {
      self.mask_changes = changes;
      self.exporter.set_masking(Masking::On);
    }
    if self.shared.masks.is_unavailable() && self.exporter.needs_masking() {
      self.exporter.set_masking(Masking::Unavailable);
    }
  }

  fn handle_command(&mut self, command: Command) {
    let now = self.shared.clock.now();
    match command {
      Command::Connect => self.exporter.connect(),
      Command::ChangeMasking { changes } => {
        if changes == self.mask_changes && !MaskExchange::is_set(changes) {
          self.exporter.set_masking(Masking::Off);
        }
      }
      Command::Masked { batch, content, is_last: false } => {
        self.exporter.handle_masked(batch, &content, now);
      }
      Command::Masked { batch, content, is_last: true } => {
        self.exporter.handle_partly_masked(batch, &content, now);
        self.shared.masks.set_unavailable();
        self.update_masking();
      }
      Command::Deliver { deadline, interrupts, reply } => {
        let ticket = self.exporter.deliver_before_exit(deadline, interrupts, now);
        self.replies.insert(ticket, reply);
      }
      Command::Flush { deadline, reply } => {
        let ticket = self.exporter.flush(deadline, now);
        self.replies.insert(ticket, reply);
      }
      Command::Shutdown { deadline, reply } => {
        let ticket = self.exporter.shutdown(deadline, now);
        self.replies.insert(ticket, reply);
      }
    }
  }

  /// Carries out the exporter's outputs until there are none.
  async fn carry_out(&mut self) {
    loop {
      let now = self.shared.clock.now();
      if let Some((id, late)) = self.disk.as_mut().and_then(|disk| disk.poll_late(now.unix_ms)) {
        self.handle_spool(id, late);
      }
      self.exporter.handle_timeout(now);
      let mut is_idle = true;
      while let Some((id, operation)) = self.exporter.poll_spool() {
        is_idle = false;
        self.perform(id, operation).await;
      }
      if is_idle {
        break;
      }
    }
    while let Some(request) = self.exporter.poll_cancelled() {
      // Dropping the request closes its connection.
      if let Some(task) = self.task_of.remove(&request) {
        task.abort();
      }
    }
    while let Some(request) = self.exporter.poll_request() {
      self.send(request);
    }
    let mut is_masking = false;
    while let Some(request) = self.exporter.poll_mask() {
      self.shared.masks.post(request);
      is_masking = true;
    }
    if is_masking {
      self.shared.exit_signal.notify();
    }
    self.shared.queue.set_exporter_bytes(self.exporter.memory_bytes());
    while let Some(output) = self.exporter.poll_output() {
      match output {
        Output::Connected(session) => self.shared.set_session(&session),
        Output::Completed { ticket, complete } => {
          if let Some(reply) = self.replies.remove(&ticket) {
            reply.send(complete);
          }
        }
      }
    }
  }

  async fn perform(&mut self, id: OperationId, operation: spool::Operation) {
    let now = self.shared.clock.now();
    let is_awaited = || self.shared.queue.has_commands();
    let Some(disk) = self.disk.as_mut() else { return };
    let completion = disk.perform(id, operation, now.unix_ms, is_awaited).await;
    if let Some(completion) = completion {
      self.handle_spool(id, completion);
    }
  }

  fn handle_spool(&mut self, id: OperationId, completion: Completion) {
    let adopts = matches!(completion, Completion::Adopted(_));
    self.exporter.handle_spool(id, completion, self.shared.clock.now());
    if adopts {
      self.shared.add_restored(self.exporter.take_restored());
    }
  }

  fn send(&mut self, request: Request) {
    let Request { id, call, is_repeat } = request;
    if is_repeat {
      // Without open connections; requests in flight keep theirs.
      self.client = self.client.take().and_then(|client| client.renewed().ok());
    }
    let client = self.client();
    let task = self.requests.spawn(async move {
      match client {
        Ok(client) => (id, client.execute(call).await),
        Err(error) => (id, Err(TransportError::Failed(error.to_string()))),
      }
    });
    self.request_of.insert(task.id(), id);
    self.task_of.insert(id, task);
  }

  /// The client, which is made when it is first needed. An attempt that fails is repeated with the next request.
  fn client(&mut self) -> Result<Client, ClientError> {
    if let Some(client) = &self.client {
      return Ok(client.clone());
    }
    let client = Client::new(self.settings)?;
    if let Some(warning) = client.certificate_warning() {
      self.shared.account.diagnostics.once(Code::Certificates, warning);
    }
    self.client = Some(client.clone());
    Ok(client)
  }

  fn handle_response(&mut self, responded: Result<(Id, Responded), JoinError>) {
    let (task, responded) = match responded {
      Ok((task, responded)) => (task, Ok(responded)),
      Err(error) => (error.id(), Err(error)),
    };
    let Some(request) = self.request_of.remove(&task) else { return };
    if self.task_of.remove(&request).is_none() {
      return;
    }
    let (id, result) = responded.unwrap_or_else(|error| {
      // A task that panicked has no response: what it carried is sent again.
      (request, Err(TransportError::Failed(format!("the request failed: {error}"))))
    });
    self.exporter.handle_response(id, result, self.shared.clock.now());
  }
}
