//! `Recorder`: JavaScript's handle of an exporter.

use std::{
  panic::{AssertUnwindSafe, catch_unwind},
  sync::Arc,
  time::Duration,
};

use napi::{
  Env, Error, Result, Status,
  bindgen_prelude::{Object, retain_current_module_for_unload_safety},
};
use napi_derive::napi;
use serde::Serialize;

use super::{priority::Priority, text::JsText};
use crate::host::{self, ExporterHandle, Report, secrets};
use export::config::Settings;

/// A step of the end of the process.
#[napi]
#[derive(Debug)]
pub enum ExitStep {
  /// Everything is delivered. Open spans stay open and events are still accepted.
  Delivery,
  /// Open spans are closed as interrupted, and everything is delivered. Events are still accepted: an end that comes
  /// later corrects its span.
  Interruption,
  /// Open spans are closed, their rows are delivered, and the exporter ends.
  Shutdown,
}

impl From<ExitStep> for host::ExitStep {
  fn from(step: ExitStep) -> Self {
    match step {
      ExitStep::Delivery => Self::Delivery,
      ExitStep::Interruption => Self::Interruption,
      ExitStep::Shutdown => Self::Shutdown,
    }
  }
}

/// The thread that delivers for several recorders. It starts with the first event or connection of one, or with one that
/// has a spool, and ends with the last one.
#[napi]
pub struct Engine {
  engine: Arc<host::Engine>,
}

#[napi]
impl Engine {
  /// Starts nothing.
  #[napi(constructor, catch_unwind)]
  pub fn new(env: &Env) -> Result<Self> {
    // The thread may run a moment longer than the worker that started it: its code stays loaded.
    retain_current_module_for_unload_safety();
    let engine = Arc::<host::Engine>::default();
    // A terminated worker runs no more JavaScript. The hook blocks only the worker's thread.
    env.add_env_cleanup_hook(Arc::downgrade(&engine), |engine| {
      // A panic here would end the process.
      let _panicked = catch_unwind(AssertUnwindSafe(|| {
        if let Some(engine) = engine.upgrade() {
          engine.end_without_javascript();
        }
      }));
    })?;
    Ok(Self { engine })
  }
}

/// The main thread begins to end: the recorders of all threads deliver what they have, each by one deadline for all that
/// follows.
#[napi(catch_unwind)]
pub fn begin_process_exit() {
  host::begin_process_exit();
}

/// A signal ends the process next, after `beginProcessExit`: the recorders of all other threads deliver and end. Blocks for
/// at most the exit timeout, and 250 ms.
#[napi(catch_unwind)]
pub fn end_process() {
  host::end_process();
}

/// Accepts Flue events and delivers them as Braintrust spans.
#[napi]
pub struct Recorder {
  handle: ExporterHandle,
}

#[napi]
impl Recorder {
  /// Throws when the settings are invalid. Starts the thread only if a spool is set. Without an engine it has
  /// one of its own.
  #[napi(
    constructor,
    catch_unwind,
    ts_args_type = "settings: JsonString<RawConfig>, engine?: Engine"
  )]
  pub fn new(env: &Env, settings: String, engine: Option<&Engine>) -> Result<Self> {
    let settings = parsed(&settings)?;
    let engine = match engine {
      Some(engine) => engine.engine.clone(),
      None => Engine::new(env)?.engine,
    };
    Ok(Self { handle: ExporterHandle::new(&engine, settings) })
  }

  /// Enqueues one event, as JSON whose long texts may stand unescaped between NULs. Never blocks. False when the event
  /// is refused. `cut` states that content was cut from it.
  #[napi(catch_unwind, ts_args_type = "event: string, priority: Priority, cut: boolean")]
  pub fn record(&self, event: JsText, priority: Priority, cut: bool) -> bool {
    self.handle.record(&event, priority.into(), cut)
  }

  /// Whether the end of a span with so many characters would be accepted now: a large one is not written in vain.
  #[napi(catch_unwind)]
  pub fn has_room(&self, characters: u32) -> bool {
    self.handle.has_room(characters as usize)
  }

  /// Whether a trace with this id is recorded, as far as its id decides.
  #[napi(catch_unwind)]
  pub fn samples(&self, trace_id: String) -> bool {
    self.handle.samples(&trace_id)
  }

  /// What a span propagates to other processes, after the content policy and the rules; null when it is not an object.
  #[napi(catch_unwind)]
  pub fn redact_propagated(&self, event: String) -> Option<String> {
    Some(secrets().hide(self.handle.redact_propagated(&event)?))
  }

  /// The work of ended processes that was restored since the last call; null if none was.
  #[napi(catch_unwind, ts_return_type = "JsonString<RestoredWork[]> | null")]
  pub fn take_restored(&self) -> Option<String> {
    let restored = self.handle.take_restored();
    (!restored.is_empty()).then(|| json(&restored))
  }

  /// Counts an event that was recorded after `close`.
  #[napi(catch_unwind)]
  pub fn refuse(&self) {
    self.handle.refuse_late();
  }

  /// Connects before the first event comes, which `traceDestination` shows. Starts the thread.
  #[napi(catch_unwind)]
  pub fn connect(&self) {
    self.handle.connect();
  }

  /// Shuts down without a report: delivers rows for at most `timeoutMs`, then ends.
  #[napi(catch_unwind)]
  pub fn shutdown_detached(&self, timeout_ms: f64) {
    self.handle.shutdown(millis(timeout_ms), |_| {});
  }

  /// Delivers the events recorded before, for at most `timeoutMs`. The promise never rejects.
  #[napi(catch_unwind, ts_return_type = "Promise<JsonString<FlushReport>>")]
  pub fn flush<'env>(&self, env: &'env Env, timeout_ms: f64) -> Result<Object<'env>> {
    promise(env, |reply| self.handle.flush(millis(timeout_ms), reply))
  }

  /// Refuses further events and delivers rows for at most `timeoutMs`. The promise never rejects.
  #[napi(catch_unwind, ts_return_type = "Promise<JsonString<FlushReport>>")]
  pub fn close<'env>(&self, env: &'env Env, timeout_ms: f64) -> Result<Object<'env>> {
    promise(env, |reply| self.handle.shutdown(millis(timeout_ms), reply))
  }

  /// Sets whether the content of rows is masked from now on; see `takeMaskRequest`.
  #[napi(catch_unwind)]
  pub fn set_masking(&self, wanted: bool) {
    self.handle.set_masking(wanted);
  }

  /// The next rows to mask: `content` is a list with one object for each row. Null when there are none.
  #[napi(catch_unwind, ts_return_type = "JsonString<MaskRequest> | null")]
  pub fn take_mask_request(&self) -> Option<String> {
    self.handle.take_mask_request()
  }

  /// Completes a mask request. `content` is a list with one object for each object of the request;
  /// otherwise marks replace the content. `cut` is the number of rows from which content was cut.
  #[napi(
    catch_unwind,
    ts_args_type = "batch: number, content: JsonString<readonly RowContent[]>, cut: number"
  )]
  pub fn complete_masking(&self, batch: u32, content: String, cut: u32) {
    self.handle.complete_masking(batch.into(), content, cut as usize);
  }

  /// Completes a mask request with its first rows, because no time is left for others. All other rows that must be
  /// masked are sent without content.
  #[napi(
    catch_unwind,
    ts_args_type = "batch: number, content: JsonString<readonly RowContent[]>, cut: number"
  )]
  pub fn end_masking(&self, batch: u32, content: String, cut: u32) {
    self.handle.end_masking(batch.into(), content, cut as usize);
  }

  /// Begins a step of the end of the process. Returns the milliseconds that are left of the exit timeout, which begins
  /// with the first step.
  #[napi(catch_unwind)]
  pub fn begin_exit(&self, step: ExitStep) -> f64 {
    self.handle.begin_exit(step.into()).as_secs_f64() * 1000.0
  }

  /// Whether no event and no row waits, in memory or in the spool.
  #[napi(catch_unwind)]
  pub fn is_idle(&self) -> bool {
    self.handle.is_idle()
  }

  /// Whether no thread runs: it has not started, or it has ended.
  #[napi(catch_unwind)]
  pub fn is_at_rest(&self) -> bool {
    self.handle.is_at_rest()
  }

  /// Waits for what `beginExit` began, at most for `maxMs`, and for the exit timeout and 250 ms. False when it is not done,
  /// or rows must be masked first: then call it again.
  #[napi(catch_unwind)]
  pub fn wait_exit(&self, step: ExitStep, max_ms: f64) -> bool {
    self.handle.wait_exit(step.into(), millis(max_ms))
  }

  /// The diagnostics since the last call.
  #[napi(catch_unwind, ts_return_type = "JsonString<Diagnostic[]>")]
  pub fn take_diagnostics(&self) -> String {
    json(&self.handle.take_diagnostics())
  }

  /// Where Braintrust shows spans. Members that the login has not stated yet are null.
  #[napi(catch_unwind, ts_return_type = "JsonString<TraceDestination>")]
  pub fn trace_destination(&self) -> String {
    json(&self.handle.trace_destination())
  }

  /// The counters now.
  #[napi(catch_unwind, ts_return_type = "JsonString<Stats>")]
  pub fn stats(&self) -> String {
    json(&self.handle.stats())
  }
}

fn promise<'env>(
  env: &'env Env,
  ask: impl FnOnce(Box<dyn FnOnce(Report) + Send>),
) -> Result<Object<'env>> {
  let (deferred, promise) = env.create_deferred()?;
  ask(Box::new(move |report| deferred.resolve(move |_| Ok(json(&report)))));
  Ok(promise)
}

/// Parses the settings that JavaScript passes. The error quotes no API key in them.
pub(super) fn parsed(settings: &str) -> Result<Settings> {
  secrets().add_from(settings);
  Settings::parse(settings)
    .map_err(|error| Error::new(Status::InvalidArg, secrets().hide(error.to_string())))
}

/// A value as JSON, without API keys: one may stand in any variable.
pub(super) fn json(value: &impl Serialize) -> String {
  secrets().hide(serde_json::to_string(value).unwrap_or_else(|_| "{}".into()))
}

/// A timeout that JavaScript passes: at most a day. A negative number or NaN is 0.
fn millis(value: f64) -> Duration {
  const DAY: f64 = 86_400_000.0;
  Duration::try_from_secs_f64(value.min(DAY) / 1000.0).unwrap_or_default()
}
