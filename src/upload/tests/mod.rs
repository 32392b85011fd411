//! The client against a server that does what it likes.

mod key;
mod overflow;
mod server;
mod session;
mod tls;
mod transport;

use serde_json::{Value, json};

use super::{Client, Session, connect};
use export::config::Settings;
use server::{Act, Request, Server, answer, head};

/// The key of all tests. It looks like nothing else.
const KEY: &str = "sk-verysecret-4711";
/// The project of all tests.
const PROJECT: &str = "0b6e4f0a-9f6c-4b7e-8a55-3f8f2f6f5a11";

/// Settings for a server, with other options if there are some.
fn settings(url: &str, more: Value) -> Settings {
  let mut options = json!({"apiKey": KEY, "appUrl": url});
  options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
  Settings::parse(&json!({"options": options}).to_string()).unwrap()
}

/// A client of that server that does not wait for long.
fn client(url: &str) -> Client {
  Client::new(&settings(url, json!({"requestTimeoutMs": 400}))).unwrap()
}

/// What Braintrust answers, with that limit in its `/version`.
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
  answer("200 OK", &[], &body.to_string())
}

/// A session with that server, which has to be a good one.
async fn session(client: &Client, url: &str) -> Session {
  connect(client, &settings(url, json!({"apiUrl": url, "projectId": PROJECT}))).await.unwrap()
}
