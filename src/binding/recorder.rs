//! `Recorder`: the handle by which JavaScript holds an engine.

use std::{
  panic::{AssertUnwindSafe, catch_unwind},
  time::Duration,
};

use napi::{
  Env, Error, Result, Status,
  bindgen_prelude::{Object, retain_current_module_for_unload_safety},
};
use napi_derive::napi;
use serde::Serialize;

use super::{priority::Priority, text::JsText};
use crate::host::{ExporterHandle, Report};
use export::config::Settings;

/// Takes Flue events and delivers them as Braintrust spans.
#[napi]
pub struct Recorder {
  handle: ExporterHandle,
}

#[napi]
impl Recorder {
  /// Throws when the settings are not usable. Starts no thread, unless the spool has something to deliver.
  #[napi(constructor, catch_unwind, ts_args_type = "settings: JsonString<RawConfig>")]
  pub fn new(env: &Env, settings: String) -> Result<Self> {
    let settings = parsed(&settings)?;
    // The engine's thread outlives the worker that made it by a moment; its code must, too.
    retain_current_module_for_unload_safety();
    let handle = ExporterHandle::new(settings);
    // A worker that is terminated runs no JavaScript any more. This waits in its thread alone.
    let shutdown = AssertUnwindSafe(handle.cleanup_hook());
    env.add_env_cleanup_hook(shutdown, |AssertUnwindSafe(shutdown)| {
      // A panic here would end the process.
      let _panicked = catch_unwind(AssertUnwindSafe(shutdown));
    })?;
    Ok(Self { handle })
  }

  /// Takes one event as JSON. Returns at once; false when it was refused.
  #[napi(catch_unwind, ts_args_type = "event: string, priority: Priority")]
  pub fn record(&self, event: JsText, priority: Priority) -> bool {
    self.handle.record(&event, priority.into())
  }

  /// Counts an event that was recorded after `close`.
  #[napi(catch_unwind)]
  pub fn refuse(&self) {
    self.handle.refuse_late();
  }

  /// Delivers what it can within `timeoutMs`, then ends. Nothing reports the outcome.
  #[napi(catch_unwind)]
  pub fn shutdown_detached(&self, timeout_ms: f64) {
    self.handle.shutdown(millis(timeout_ms), |_| {});
  }

  /// Delivers what was recorded before, for at most `timeoutMs`. The promise never rejects.
  #[napi(catch_unwind, ts_return_type = "Promise<JsonString<FlushReport>>")]
  pub fn flush<'env>(&self, env: &'env Env, timeout_ms: f64) -> Result<Object<'env>> {
    promise(env, |reply| self.handle.flush(millis(timeout_ms), reply))
  }

  /// Delivers what it can within `timeoutMs`, then takes nothing more.
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

  /// Answers a mask request with as many objects as it had. Marks replace the content when the answer is
  /// anything else.
  #[napi(catch_unwind, ts_args_type = "batch: number, content: JsonString<readonly RowContent[]>")]
  pub fn complete_masking(&self, batch: u32, content: String) {
    self.handle.complete_masking(batch.into(), content);
  }

  /// Begins the shutdown that `waitShutdown` waits for, within the exit timeout of the settings.
  #[napi(catch_unwind)]
  pub fn begin_shutdown(&self) {
    self.handle.begin_shutdown();
  }

  /// Whether no thread is at work: it has not started, or it has ended.
  #[napi(catch_unwind)]
  pub fn is_at_rest(&self) -> bool {
    self.handle.is_at_rest()
  }

  /// Waits for the shutdown that `beginShutdown` began, at most for the exit timeout. False when rows must be
  /// masked first: then call it again.
  #[napi(catch_unwind)]
  pub fn wait_shutdown(&self) -> bool {
    self.handle.wait_shutdown()
  }

  /// The diagnostics since the last call.
  #[napi(catch_unwind, ts_return_type = "JsonString<Diagnostic[]>")]
  pub fn take_diagnostics(&self) -> String {
    json(&self.handle.take_diagnostics())
  }

  /// Where Braintrust shows spans, with null for what is not known yet.
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

/// Parses the settings that JavaScript passes.
pub(super) fn parsed(settings: &str) -> Result<Settings> {
  Settings::parse(settings).map_err(|error| Error::new(Status::InvalidArg, error.to_string()))
}

pub(super) fn json(value: &impl Serialize) -> String {
  serde_json::to_string(value).unwrap_or_else(|_| "{}".into())
}

/// A timeout that JavaScript passes: no number is 0, the longest is a day.
fn millis(value: f64) -> Duration {
  const DAY: f64 = 86_400_000.0;
  Duration::try_from_secs_f64(value.min(DAY) / 1000.0).unwrap_or_default()
}
