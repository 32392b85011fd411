//! A connection without an exporter: for those who ask whether it works.

use export::{
  config::Settings,
  connection::{ConnectError, Connecting, Session, Step},
};

use super::client::Client;
use crate::clock::Clock;

/// Logs in and finds the project and the server's limit, once.
///
/// # Errors
/// The step that failed.
pub async fn connect(
  client: &Client,
  settings: &Settings,
  clock: Clock,
) -> Result<Session, ConnectError> {
  let (mut connecting, mut step) = Connecting::start(settings);
  loop {
    match step {
      Step::Send(call) => {
        let result = client.execute(call).await;
        step = connecting.handle_response(settings, result, clock.now());
      }
      Step::Connected(session) => return Ok(session),
      Step::Failed(error) => return Err(error),
    }
  }
}
