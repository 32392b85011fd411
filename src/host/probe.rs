//! What a recorder with these settings would meet, tried out without one.
//!
//! For those who ask whether it works. The client, its proxies, certificates and timeouts, and the way to
//! the project are the very ones that delivery uses; here each step is told instead of retried.

use export::{
  config::Settings,
  connection::{ConnectError, Session},
  transport::redact_url,
};
use serde::Serialize;
use tokio::{runtime, time::Instant};

use crate::{
  clock::Clock,
  transport::{Client, connect},
};

/// What settings come to. Nothing was asked for yet, and there is no secret in it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
  app_url: String,
  /// `None`: the login tells.
  api_url: Option<String>,
  /// `None`: the first that the key opens.
  org_name: Option<String>,
  project_name: String,
  /// `None`: the project goes by its name.
  project_id: Option<String>,
  /// The proxy on the way to the app, `None` if there is none.
  proxy: Option<String>,
  request_timeout_ms: u128,
  spool_dir: Option<String>,
  /// How spool files of this destination are named: 16 hexadecimal digits.
  destination: String,
}

/// What came of trying.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Probe {
  /// Where rows go; `None`: nowhere.
  session: Option<Place>,
  failure: Option<Failure>,
  /// Why the file of `NODE_EXTRA_CA_CERTS` is not used.
  complaint: Option<String>,
  /// How long all of it took.
  took_ms: u128,
}

/// Where rows go.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Place {
  /// `None`: there was no login, as nothing had to be asked for.
  organisation: Option<String>,
  project_id: String,
  api_url: String,
  /// The proxy on the way there.
  proxy: Option<String>,
  /// The most bytes of one request, as the server tells; `None`: it does not.
  limit: Option<usize>,
  /// The limit that is kept.
  max_bytes: usize,
}

/// Why there is no place to send to.
#[derive(Debug, Serialize)]
struct Failure {
  /// What was tried.
  step: &'static str,
  message: String,
  /// The status of the answer, if one came and it was that.
  status: Option<u16>,
}

impl Plan {
  pub fn of(settings: &Settings) -> Self {
    Self {
      app_url: redact_url(&settings.app_url),
      api_url: settings.api_url.as_deref().map(redact_url),
      org_name: settings.org_name.clone(),
      project_name: settings.project_name.clone(),
      project_id: settings.project_id.clone(),
      proxy: Client::proxy(settings, &settings.app_url),
      request_timeout_ms: settings.request_timeout.as_millis(),
      spool_dir: settings.spool.as_ref().map(|spool| spool.dir.display().to_string()),
      destination: format!("{:016x}", settings.destination),
    }
  }
}

/// Tries it, on a thread of its own, and tells `reply` in any case.
pub fn probe(settings: Settings, reply: impl FnOnce(Probe) + Send + 'static) {
  let reply = Reply(Some(reply));
  let thread = std::thread::Builder::new().name("flue-braintrust-probe".into());
  // Without a thread the reply is dropped, and so answered.
  let _unstarted = thread.spawn(move || {
    let began = Instant::now();
    let probe = attempt(&settings);
    reply.send(Probe { took_ms: began.elapsed().as_millis(), ..probe });
  });
}

/// Somebody waits for it: whatever happens, it is answered once.
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
      reply(Probe::failed("the attempt broke off".to_owned()));
    }
  }
}

fn attempt(settings: &Settings) -> Probe {
  let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
    Ok(runtime) => runtime,
    Err(error) => return Probe::failed(format!("there is no runtime: {error}")),
  };
  let client = match Client::new(settings) {
    Ok(client) => client,
    Err(error) => return Probe::failed(error.to_string()),
  };
  let complaint = client.certificate_error().map(ToString::to_string);
  let probe = match runtime.block_on(connect(&client, settings, Clock::start())) {
    Ok(session) => Probe::connected(settings, session),
    Err(error) => Probe::refused(&error),
  };
  Probe { complaint, ..probe }
}

impl Probe {
  fn empty() -> Self {
    Self { session: None, failure: None, complaint: None, took_ms: 0 }
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
    let place = Place {
      proxy: Client::proxy(settings, &session.api_url),
      max_bytes: session.max_bytes(),
      limit: session.limit,
      api_url: redact_url(&session.api_url),
      project_id: session.project_id,
      organisation: session.org_name,
    };
    Self { session: Some(place), ..Self::empty() }
  }
}

#[cfg(test)]
mod tests {
  use std::sync::mpsc;

  use super::*;

  fn answer(work: impl FnOnce(Box<dyn FnOnce(Probe) + Send>)) -> Probe {
    let (tell, told) = mpsc::channel();
    work(Box::new(move |probe| tell.send(probe).unwrap()));
    told.recv().unwrap()
  }

  fn settings(url: &str) -> Settings {
    let given = format!(r#"{{"options":{{"apiKey":"sk-secret","appUrl":"{url}"}}}}"#);
    Settings::parse(&given).unwrap()
  }

  #[test]
  fn a_server_that_is_not_there_is_a_failed_login_without_a_status() {
    let failure = answer(|reply| probe(settings("http://127.0.0.1:9"), reply)).failure.unwrap();
    assert_eq!((failure.step, failure.status), ("login", None));
    assert!(failure.message.starts_with("login at http://127.0.0.1:9/"), "{}", failure.message);
  }

  #[test]
  fn a_reply_that_nobody_sends_is_sent() {
    let probe = answer(|reply| drop(Reply(Some(reply))));
    assert_eq!(probe.failure.unwrap().message, "the attempt broke off");
  }

  #[test]
  fn a_plan_has_no_secret_in_it() {
    let plan = format!("{:?}", Plan::of(&settings("http://user:pass@127.0.0.1:9")));
    assert!(!plan.contains("sk-secret") && !plan.contains("pass"), "{plan}");
  }
}
