//! Tries a connection with given settings, without an exporter.
//!
//! The client, its proxies, certificates and timeouts, and the steps of the connection are those of delivery. A
//! failed step is reported instead of retried.

use export::{
  config::Settings,
  connection::{ConnectError, Session},
  transport::redact_url,
};
use serde::Serialize;
use tokio::{runtime, time::Instant};
use url::Url;

use crate::{
  clock::Clock,
  transport::{Client, connect},
};

/// The resolved settings, without secrets. No request is sent for them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
  app_url: String,
  /// `None`: the login states it.
  api_url: Option<String>,
  /// `None`: the first one that the key has access to.
  org_name: Option<String>,
  project_name: String,
  /// `None`: the project is identified by its name.
  project_id: Option<String>,
  /// The proxy of requests to the app; `None`: there is none.
  proxy: Option<String>,
  request_timeout_ms: u128,
  spool_dir: Option<String>,
  /// How spool files of this destination are named: 16 hexadecimal digits.
  destination: String,
}

/// The result of a probe.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Probe {
  /// Where rows are sent; `None`: the connection failed.
  session: Option<ProbedSession>,
  failure: Option<Failure>,
  /// What the user must know of the certificates.
  certificate_warning: Option<String>,
  /// The duration in milliseconds.
  took_ms: u128,
}

/// Where rows are sent.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ProbedSession {
  /// `None`: the settings made a login unnecessary.
  organisation: Option<String>,
  project_id: String,
  api_url: String,
  /// The proxy of requests to the data plane; `None`: there is none.
  proxy: Option<String>,
  /// The most bytes of one request, as the server states; `None`: it states none.
  limit: Option<usize>,
  /// The most bytes of one request that delivery sends.
  max_bytes: usize,
}

/// Why the connection failed.
#[derive(Debug, Serialize)]
struct Failure {
  /// The step that failed.
  step: &'static str,
  message: String,
  /// The status of the response; `None`: there is none, or it is a success.
  status: Option<u16>,
}

impl Plan {
  /// The plan of these settings.
  pub fn of(settings: &Settings) -> Self {
    Self {
      app_url: redact_url(&settings.app_url),
      api_url: settings.api_url.as_deref().map(redact_url),
      org_name: settings.org_name.clone(),
      project_name: settings.project_name.clone(),
      project_id: settings.project_id.clone(),
      proxy: proxy(settings, &settings.app_url),
      request_timeout_ms: settings.request_timeout.as_millis(),
      spool_dir: settings.spool.as_ref().map(|spool| spool.dir.display().to_string()),
      destination: format!("{:016x}", settings.destination),
    }
  }
}

/// The proxy of requests to `url`, without its credentials.
fn proxy(settings: &Settings, url: &str) -> Option<String> {
  let proxy = settings.proxies.find(&Url::parse(url).ok()?).ok().flatten()?;
  Some(proxy.address())
}

/// Connects once, on a thread of its own. Calls `reply` exactly once, whatever happens.
pub fn probe(settings: Settings, reply: impl FnOnce(Probe) + Send + 'static) {
  let reply = Reply(Some(reply));
  let thread = std::thread::Builder::new().name("flue-braintrust-probe".into());
  // Without a thread the reply is dropped, which calls it.
  let _unstarted = thread.spawn(move || {
    let began = Instant::now();
    let probe = attempt(&settings);
    reply.send(Probe { took_ms: began.elapsed().as_millis(), ..probe });
  });
}

/// Calls its callback exactly once: when it is sent, else when it is dropped.
struct Reply<F: FnOnce(Probe)>(Option<F>);

impl<F: FnOnce(Probe)> Reply<F> {
  fn send(mut self, probe: Probe) {
    if let Some(reply) = self.0.take() {
      reply(probe);
    }
  }
}

impl<F: FnOnce(Probe)> Drop for Reply<F> {
  fn drop(&mut self) {
    if let Some(reply) = self.0.take() {
      reply(Probe::failed("the probe was interrupted".to_owned()));
    }
  }
}

fn attempt(settings: &Settings) -> Probe {
  let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
    Ok(runtime) => runtime,
    Err(error) => return Probe::failed(format!("the runtime cannot start: {error}")),
  };
  let client = match Client::new(settings) {
    Ok(client) => client,
    Err(error) => return Probe::failed(error.to_string()),
  };
  let certificate_warning = client.certificate_warning().map(str::to_owned);
  let probe = match runtime.block_on(connect(&client, settings, Clock::start())) {
    Ok(session) => Probe::connected(settings, session),
    Err(error) => Probe::refused(&error),
  };
  Probe { certificate_warning, ..probe }
}

impl Probe {
  fn empty() -> Self {
    Self { session: None, failure: None, certificate_warning: None, took_ms: 0 }
  }

  fn failed(message: String) -> Self {
    let failure = Failure { step: "setting up the client", message, status: None };
    Self { failure: Some(failure), ..Self::empty() }
  }

  fn refused(error: &ConnectError) -> Self {
    let (step, status) = (error.step(), error.status());
    let failure = Failure { step, message: error.to_string(), status };
    Self { failure: Some(failure), ..Self::empty() }
  }

  fn connected(settings: &Settings, session: Session) -> Self {
    let probed = ProbedSession {
      proxy: proxy(settings, &session.api_url),
      max_bytes: session.max_bytes(),
      limit: session.limit,
      api_url: redact_url(&session.api_url),
      project_id: session.project_id,
      organisation: session.org_name,
    };
    Self { session: Some(probed), ..Self::empty() }
  }
}

#[cfg(test)]
mod tests {
  use std::sync::mpsc;

  use super::*;

  fn reply_of(work: impl FnOnce(Box<dyn FnOnce(Probe) + Send>)) -> Probe {
    let (sender, receiver) = mpsc::channel();
    work(Box::new(move |probe| sender.send(probe).unwrap()));
    receiver.recv().unwrap()
  }

  fn settings(url: &str) -> Settings {
    let raw = format!(r#"{{"options":{{"apiKey":"sk-secret","appUrl":"{url}"}}}}"#);
    Settings::parse(&raw).unwrap()
  }

  #[test]
  fn an_unreachable_server_fails_the_login_without_a_status() {
    let failure = reply_of(|reply| probe(settings("http://127.0.0.1:9"), reply)).failure.unwrap();
    assert_eq!((failure.step, failure.status), ("login", None));
    assert!(failure.message.starts_with("login at http://127.0.0.1:9/"), "{}", failure.message);
  }

  #[test]
  fn a_dropped_reply_reports_a_failure() {
    let probe = reply_of(|reply| drop(Reply(Some(reply))));
    assert_eq!(probe.failure.unwrap().message, "the probe was interrupted");
  }

  #[test]
  fn a_plan_contains_no_secret() {
    let plan = format!("{:?}", Plan::of(&settings("http://user:pass@127.0.0.1:9")));
    assert!(!plan.contains("sk-secret") && !plan.contains("pass"), "{plan}");
  }
}
