//! The client against a server that fails in every way.

mod key;
mod overflow;
mod proxy;
mod server;
mod session;
mod tls;
mod transport;

use serde_json::{Value, json};

use bytes::Bytes;
use export::{
  connection::{ConnectError, Session, limit, limit_call},
  overflow::{OverflowError, OverflowUpload, Step},
  transport::{Body, Call, Reads, Response, TransportError},
};

use super::Client;
use crate::clock::Clock;
use export::config::Settings;
use server::{Act, Request, Server, head, response};

/// The key of all tests, unlike any other text in them.
const KEY: &str = "sk-verysecret-4711";
/// The project of all tests.
const PROJECT: &str = "0b6e4f0a-9f6c-4b7e-8a55-3f8f2f6f5a11";

/// Settings for a server. `more` are further options.
fn settings(url: &str, more: Value) -> Settings {
  let mut options = json!({"apiKey": KEY, "appUrl": url});
  options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
  Settings::parse(&json!({"options": options}).to_string()).unwrap()
}

/// A client with its settings, which drives the steps of a connection and of an overflow upload.
struct Caller {
  client: Client,
  settings: Settings,
}

impl Caller {
  fn new(settings: Settings) -> Self {
    Self { client: Client::new(&settings).unwrap(), settings }
  }

  /// Connects with these settings and the timeouts of the caller's.
  async fn connect(&self, settings: &Settings) -> Result<Session, ConnectError> {
    let settings = Settings { request_timeout: self.settings.request_timeout, ..settings.clone() };
    super::connect(&self.client, &settings, Clock::start()).await
  }

  async fn upload_overflow(
    &self,
    session: &Session,
    body: Bytes,
    rows: &[usize],
  ) -> Result<(), OverflowError> {
    let (mut upload, mut call) = OverflowUpload::start(&self.settings, session, body.len(), rows);
    loop {
      let result = self.client.execute(call).await;
      let now = Clock::start().now();
      match upload.handle_response(&self.settings, session, body.clone(), result, now) {
        Step::Send(next) => call = next,
        Step::Delivered => return Ok(()),
        Step::Failed(error) => return Err(error),
      }
    }
  }

  async fn ask_limit(&self, api_url: &str) -> Option<usize> {
    limit(self.client.execute(limit_call(&self.settings, api_url)).await)
  }

  /// `POST body` to `url`; only the status of the response counts.
  async fn post(&self, url: &str, body: Bytes) -> Result<Response, TransportError> {
    self.call(http::Method::POST, url, body, Reads::Status).await
  }

  /// `POST body` to `url`, and read the response's body.
  async fn ask(&self, url: &str, body: Bytes) -> Result<Response, TransportError> {
    self.call(http::Method::POST, url, body, Reads::Body).await
  }

  async fn get(&self, url: &str) -> Result<Response, TransportError> {
    self.call(http::Method::GET, url, Bytes::new(), Reads::Body).await
  }

  async fn call(
    &self,
    method: http::Method,
    url: &str,
    body: Bytes,
    reads: Reads,
  ) -> Result<Response, TransportError> {
    let call = Call { method, body: Body::Bytes(body), reads, ..limit_call(&self.settings, url) };
    self.client.execute(Call { url: url.to_owned(), ..call }).await
  }
}

/// A client of that server. On a busy machine, responses take their time.
fn client(url: &str) -> Caller {
  Caller::new(settings(url, json!({})))
}

/// A client with a request timeout of 400 ms, for requests that time out.
fn hasty(url: &str) -> Caller {
  Caller::new(settings(url, json!({"requestTimeoutMs": 400})))
}

/// The client for a server that acts so.
fn client_for(act: &Act) -> fn(&str) -> Caller {
  if matches!(act, Act::Hang | Act::Drip(_)) { hasty } else { client }
}

/// Responds as Braintrust does; `/version` states `limit`.
fn braintrust(url: &str, request: &Request, limit: &Value) -> Act {
  let body = match request.line() {
    "POST /api/apikey/login" => {
      json!({"org_info": [{"id": "o", "name": "acme", "api_url": format!("{url}/")}]})
    }
    "POST /api/project/register" => json!({"project": {"id": PROJECT, "name": "Flue"}}),
    "GET /version" => json!({"logs3_payload_max_bytes": limit}),
    "POST /logs3" => json!({"ok": true}),
    line => panic!("{line}"),
  };
  response("200 OK", &[], &body.to_string())
}

/// Connects to that server. Panics when that fails.
async fn session(client: &Caller, url: &str) -> Session {
  client.connect(&settings(url, json!({"apiUrl": url, "projectId": PROJECT}))).await.unwrap()
}
