//! The tasks that talk to Braintrust: which are started, and whom their results concern.

use std::time::Duration;

use tokio::{
  task::{Id, JoinError},
  time::Instant,
};

use super::{Delivery, Link};
use crate::{
  clock,
  engine::outbox::Squeezed,
  upload::{Client, Session, Verdict, ask_limit, classify, connect, upload_apart},
};
use braintrust_row::Destination;
use export::batch::Payload;
use export::report::Warning;

/// How long to wait before the server is asked again for its limit.
const LIMIT_AGAIN: Duration = Duration::from_secs(60);
/// How often a row that is too large is uploaded apart before it is cut: the place it should go to may be
/// one that cannot be reached from here.
pub const TRIES_APART: u32 = 3;

/// What comes back from the network.
pub enum Done {
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
pub enum Task {
  Connect,
  AskLimit,
  Upload(u64),
}

impl Delivery<'_> {
  pub(super) fn send(&mut self, client: &Client, session: &Session, urgent: bool) {
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

  pub(super) fn connect(&mut self) {
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

  pub(super) fn ask_limit(&mut self, client: Client, api_url: String) {
    self.limit_due = None;
    self.spawn(Task::AskLimit, async move { Done::Limit(ask_limit(&client, &api_url).await) });
  }

  pub(super) fn upload(&mut self, client: Client, session: Session, key: u64, payload: &Payload) {
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

  pub(super) fn upload_apart(
    &mut self,
    client: Client,
    session: Session,
    key: u64,
    payload: &Payload,
  ) {
    let (body, sizes) = (payload.body(), payload.row_sizes());
    self.spawn(Task::Upload(key), async move {
      match upload_apart(&client, &session, body, &sizes).await {
        Ok(()) => Done::UploadedApart(Verdict::Delivered, String::new(), false),
        Err(error) => Done::UploadedApart(error.verdict(), error.to_string(), error.is_storage()),
      }
    });
  }

  pub(super) fn spawn(&mut self, task: Task, work: impl Future<Output = Done> + Send + 'static) {
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

  pub(super) fn done(&mut self, done: Result<(Id, (Instant, Done)), JoinError>) {
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
        if let Some(client) = &client {
          self.complain(client);
        }
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

  pub(super) fn connected(&mut self, client: Client, session: Session) {
    self.backoff.reset();
    self.complain(&client);
    self.limit_due = session.limit.is_none().then(|| Instant::now() + LIMIT_AGAIN);
    self.client = Some(client.clone());
    self.shared.tell_place(&session);
    self.link = Link::Up { client, session };
  }

  /// Says why certificates of the user are not used, which may be why there is no connection.
  fn complain(&self, client: &Client) {
    if let Some(complaint) = client.complaint() {
      self.shared.warnings.once(Warning::Certificates, &complaint.to_string());
    }
  }

  pub(super) fn limit_told(&mut self, limit: Option<usize>) {
    if let Link::Up { session, .. } = &mut self.link {
      session.limit = session.limit.or(limit);
      self.limit_due = session.limit.is_none().then(|| Instant::now() + LIMIT_AGAIN);
    }
  }
}

/// Whether a row that is too large may be uploaded apart.
pub fn may_go_apart(session: &Session, squeezed: Squeezed) -> bool {
  session.allows_overflow() && squeezed.apart < TRIES_APART && squeezed.cut_to.is_none()
}
