//! Braintrust, as it may behave: login, registration, `/version`, `logs3` and overflow uploads.

use std::{
  collections::{HashMap, HashSet},
  time::{Duration, UNIX_EPOCH},
};

use braintrust_row::RowId;
use export::{
  Now,
  transport::{Call, Response, TransportError},
};
use fastrand::Rng;

use crate::{
  coverage::Coverage,
  plan::{FaultKind, Setup},
  view::{Leaf, Merged},
};

/// Where users log in.
pub const APP: &str = "http://app.test";
/// Where rows go.
pub const API: &str = "http://api.test";
/// The storage of overflow uploads.
pub const STORAGE: &str = "http://storage.test";
/// The storage of attachments.
pub const FILES: &str = "http://storage.test/files";
/// The id of the project.
pub const PROJECT: &str = "00000000-0000-4000-8000-000000000001";
/// The limit that is stated when the world has none.
const NO_LIMIT: usize = 6 << 20;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
  Login,
  Register,
  Version,
  /// Rows, or a reference to stored ones.
  Logs,
  Announce,
  Storage,
  /// An attachment is announced, stored, and confirmed or given up.
  Attachment,
  File,
  AttachmentStatus,
}

impl Endpoint {
  /// Whether it is a storage, which must not get the key.
  pub fn is_storage(self) -> bool {
    matches!(self, Self::Storage | Self::File)
  }

  /// Whether it concerns an attachment.
  pub fn is_attachment(self) -> bool {
    matches!(self, Self::Attachment | Self::File | Self::AttachmentStatus)
  }

  /// The endpoint of an address, if there is one.
  pub fn of(url: &str) -> Option<Self> {
    Some(match url {
      _ if url.starts_with(FILES) => Self::File,
      _ if url.starts_with(STORAGE) => Self::Storage,
      _ if url == format!("{API}/attachment") => Self::Attachment,
      _ if url == format!("{API}/attachment/status") => Self::AttachmentStatus,
      _ if url == format!("{APP}/api/apikey/login") => Self::Login,
      _ if url == format!("{APP}/api/project/register") => Self::Register,
      _ if url == format!("{API}/version") => Self::Version,
      _ if url == format!("{API}/logs3") => Self::Logs,
      _ if url == format!("{API}/logs3/overflow") => Self::Announce,
      _ => return None,
    })
  }
}

/// The rows of a request body.
pub type Rows = Vec<(RowId, Vec<Leaf>)>;

/// What a request brings.
pub struct Upload {
  /// Rows in the body, or the body of a stored upload.
  pub rows: Option<Rows>,
  /// The key of a stored upload, if the body refers to one, or of an attachment.
  pub reference: Option<String>,
  /// The size of the body.
  pub bytes: usize,
}

/// A response that is on its way.
pub struct Reply {
  /// How long it takes.
  pub after: Duration,
  /// The response.
  pub result: Result<Response, TransportError>,
  /// The rows that a success acknowledges.
  pub acknowledges: usize,
}

impl Reply {
  /// A reply that acknowledges no rows.
  fn to_none(after: Duration, result: Result<Response, TransportError>) -> Self {
    Self { after, result, acknowledges: 0 }
  }
}

/// The server.
pub struct Server {
  setup: Setup,
  /// What it has.
  pub merged: Merged,
  stored: HashMap<String, Rows>,
  /// The keys of stored attachments.
  pub files: HashSet<String>,
  next_key: u64,
}

/// Whether a fault affects the requests to an endpoint.
fn affects(fault: FaultKind, endpoint: Endpoint) -> bool {
  match fault {
    FaultKind::Overflow(_) => endpoint == Endpoint::Announce,
    FaultKind::Slow(_) | FaultKind::Hung { .. } => true,
    FaultKind::Storage => endpoint.is_storage(),
    _ => !endpoint.is_storage(),
  }
}

fn status(status: u16) -> Response {
  Response { status, ..Response::default() }
}

fn success(body: String) -> Response {
  Response { status: 200, body: body.into(), ..Response::default() }
}

impl Server {
  /// A server without rows.
  pub fn new(setup: Setup) -> Self {
    Self {
      setup,
      merged: Merged::default(),
      stored: HashMap::new(),
      files: HashSet::new(),
      next_key: 0,
    }
  }

  /// Handles a request while a fault lasts.
  pub fn receive(
    &mut self,
    endpoint: Endpoint,
    call: &Call,
    upload: Upload,
    fault: Option<FaultKind>,
    (rng, coverage): (&mut Rng, &mut Coverage),
    now: Now,
  ) -> Reply {
    let fault = fault.filter(|fault| affects(*fault, endpoint));
    let quick = Duration::from_micros(rng.u64(500..30_000));
    let failed = |why: &str| Err(TransportError::Failed(why.to_owned()));
    let broken = || Err(TransportError::Broken("connection reset".to_owned()));
    if let Some(fault) = fault {
      coverage.count(fault.name());
    }
    match fault {
      Some(FaultKind::Hung { stores }) => {
        if stores {
          self.handle(endpoint, upload, rng, coverage);
        }
        Reply::to_none(call.timeout, failed("timed out"))
      }
      Some(FaultKind::Page { stores }) => {
        if stores {
          self.handle(endpoint, upload, rng, coverage);
        }
        let page = success("<html>Sign in</html>".to_owned());
        Reply::to_none(quick, Ok(page))
      }
      Some(FaultKind::Stuck) if rng.u8(..4) == 0 => {
        Reply::to_none(call.timeout, failed("timed out"))
      }
      Some(FaultKind::Refused) => Reply::to_none(quick, failed("connection refused")),
      Some(FaultKind::Storage) => {
        let result = match rng.u8(..4) {
          0 => failed("storage is not reachable"),
          1 => Ok(status(403)),
          2 => Ok(status(404)),
          _ => Ok(status(500)),
        };
        Reply::to_none(quick, result)
      }
      Some(FaultKind::Overflow(200)) => Reply::to_none(quick, Ok(success("<html>".to_owned()))),
      Some(FaultKind::Overflow(429)) => {
        let wait = Some(rng.u64(1..30).to_string());
        let response = Response { status: 429, retry_after: wait, ..Response::default() };
        Reply::to_none(quick, Ok(response))
      }
      Some(
        FaultKind::Status(code)
        | FaultKind::NoRoute(code)
        | FaultKind::Unauthorized(code)
        | FaultKind::Overflow(code),
      ) => Reply::to_none(quick, Ok(status(code))),
      Some(FaultKind::Busy { status, seconds, as_date }) => {
        let at = UNIX_EPOCH + Duration::from_millis(now.unix_ms.unsigned_abs());
        let date = || httpdate::fmt_http_date(at + quick + Duration::from_secs(seconds + 1));
        let value = if as_date { date() } else { seconds.to_string() };
        let response = Response { status, retry_after: Some(value), ..Response::default() };
        Reply::to_none(quick, Ok(response))
      }
      Some(FaultKind::Lying) => {
        self.handle(endpoint, upload, rng, coverage);
        let result = if rng.bool() { broken() } else { Ok(status(502)) };
        Reply::to_none(quick, result)
      }
      Some(FaultKind::Flapping) if rng.bool() => {
        let result = if rng.bool() { broken() } else { Ok(status(500)) };
        Reply::to_none(quick, result)
      }
      fault => {
        let (response, acknowledges) = self.handle(endpoint, upload, rng, coverage);
        let after = match fault {
          Some(FaultKind::Slow(most)) => Duration::from_millis(rng.u64(most / 2..=most)),
          _ => quick,
        };
        if after >= call.timeout {
          return Reply::to_none(call.timeout, failed("timed out"));
        }
        Reply { after, result: Ok(response), acknowledges }
      }
    }
  }

  /// What a server that works answers, and the rows that it acknowledges.
  fn handle(
    &mut self,
    endpoint: Endpoint,
    upload: Upload,
    rng: &mut Rng,
    coverage: &mut Coverage,
  ) -> (Response, usize) {
    let response = match endpoint {
      Endpoint::Login => {
        success(format!(r#"{{"org_info":[{{"id":"o","name":"acme","api_url":"{API}"}}]}}"#))
      }
      Endpoint::Register => success(format!(r#"{{"project":{{"id":"{PROJECT}"}}}}"#)),
      Endpoint::Version if self.setup.states_limit => {
        let limit = self.setup.limit.unwrap_or(NO_LIMIT);
        success(format!(r#"{{"logs3_payload_max_bytes":{limit}}}"#))
      }
      Endpoint::Version => {
        coverage.count("no /version");
        status(404)
      }
      Endpoint::Announce => self.announce(rng),
      Endpoint::Storage => {
        let key = call_key(&upload);
        self.stored.insert(key, upload.rows.unwrap_or_default());
        status(200)
      }
      Endpoint::Attachment => {
        let key = call_key(&upload);
        success(format!(r#"{{"signedUrl":"{FILES}?key={key}","headers":{{"x-a":"b"}}}}"#))
      }
      Endpoint::File => {
        coverage.count("files stored");
        self.files.insert(call_key(&upload));
        status(200)
      }
      Endpoint::AttachmentStatus => success("{}".to_owned()),
      Endpoint::Logs => return self.logs(upload, coverage),
    };
    (response, 0)
  }

  fn announce(&mut self, rng: &mut Rng) -> Response {
    self.next_key += 1;
    let (key, url) = (self.next_key, format!("{STORAGE}/bucket?key={}", self.next_key));
    success(if rng.u8(..4) == 0 {
      format!(r#"{{"method":"POST","signedUrl":"{url}","fields":{{"policy":"p"}},"key":"{key}"}}"#)
    } else {
      format!(r#"{{"method":"PUT","signedUrl":"{url}","headers":{{"x-a":"b"}},"key":"{key}"}}"#)
    })
  }

  fn logs(&mut self, upload: Upload, coverage: &mut Coverage) -> (Response, usize) {
    let rows = match upload.reference {
      Some(key) => {
        coverage.count("overflow upload");
        let Some(rows) = self.stored.get(&key).cloned() else { return (status(400), 0) };
        rows
      }
      None if self.setup.limit.is_some_and(|limit| upload.bytes > limit) => {
        coverage.count("413");
        return (status(413), 0);
      }
      None => upload.rows.unwrap_or_default(),
    };
    if rows.iter().any(|(id, _)| self.setup.is_poison(id)) {
      coverage.count(if self.setup.poison_status == 400 { "400" } else { "500 for a row" });
      return (status(self.setup.poison_status), 0);
    }
    for (id, leaves) in &rows {
      self.merged.merge(*id, leaves);
    }
    (success("{}".to_owned()), rows.len())
  }
}

/// The key in the address of a stored upload.
fn call_key(upload: &Upload) -> String {
  upload.reference.clone().unwrap_or_default()
}
