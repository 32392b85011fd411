//! `Recorder`: what the facade holds of an engine.

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
use crate::engine::{Engine, Report};
use export::config::Settings;

/// Takes Flue events and delivers them as Braintrust spans.
#[napi]
pub struct Recorder {
  engine: Engine,
}

#[napi]
impl Recorder {
  /// `settings` is JSON: `{ options, env, file }`. Throws when they are not usable. Starts nothing, unless
  /// the spool has something to deliver.
  #[napi(constructor, catch_unwind, ts_args_type = "settings: JsonString<RawConfig>")]
  pub fn new(env: &Env, settings: String) -> Result<Self> {
    let settings = parsed(&settings)?;
    // The engine's thread outlives the worker that made it by a moment; its code must, too.
    retain_current_module_for_unload_safety();
    let engine = Engine::new(settings);
    // A worker that is terminated runs no JavaScript any more. This waits in its thread alone.
    let finish = AssertUnwindSafe(engine.finisher());
    env.add_env_cleanup_hook(finish, |AssertUnwindSafe(finish)| {
      // A panic here would end the process.
      let _panicked = catch_unwind(AssertUnwindSafe(finish));
    })?;
    Ok(Self { engine })
  }

  /// Takes one event as JSON. Returns at once; false when it was refused.
  #[napi(catch_unwind, ts_args_type = "event: string, priority: Priority")]
  pub fn record(&self, event: JsText, priority: Priority) -> bool {
    self.engine.record(&event, priority.into())
  }

  /// Counts an event that comes after the end.
  #[napi(catch_unwind)]
  pub fn refuse(&self) {
    self.engine.refuse_late();
  }

  /// Delivers what it can within `timeoutMs`, then ends. Tells nobody.
  #[napi(catch_unwind)]
  pub fn retire(&self, timeout_ms: f64) {
    self.engine.close(millis(timeout_ms), |_| {});
  }

  /// Settles what was recorded before, for at most `timeoutMs`. The promise never rejects; it gives the
  /// numbers as JSON.
  #[napi(catch_unwind, ts_return_type = "Promise<JsonString<FlushReport>>")]
  pub fn flush<'env>(&self, env: &'env Env, timeout_ms: f64) -> Result<Object<'env>> {
    promise(env, |reply| self.engine.flush(millis(timeout_ms), reply))
  }

  /// Delivers what it can within `timeoutMs`, then takes nothing more.
  #[napi(catch_unwind, ts_return_type = "Promise<JsonString<FlushReport>>")]
  pub fn close<'env>(&self, env: &'env Env, timeout_ms: f64) -> Result<Object<'env>> {
    promise(env, |reply| self.engine.close(millis(timeout_ms), reply))
  }

  /// From now on what rows say is masked: see `takeUnmasked`. Or not any more.
  #[napi(catch_unwind)]
  pub fn want_masks(&self, wanted: bool) {
    self.engine.want_masks(wanted);
  }

  /// What is to be masked, as JSON: `{ batch, content }`, where `content` is the JSON of a list with an object
  /// for each row. Null when there is nothing.
  #[napi(catch_unwind, ts_return_type = "JsonString<MaskRequest> | null")]
  pub fn take_unmasked(&self) -> Option<String> {
    self.engine.take_unmasked().map(|unmasked| unmasked.to_json())
  }

  /// Gives the content of a batch back, masked: the JSON of a list with as many objects. What is no such list
  /// is replaced by marks.
  #[napi(catch_unwind, ts_args_type = "batch: number, content: JsonString<readonly RowContent[]>")]
  pub fn give_masked(&self, batch: u32, content: String) {
    self.engine.give_masked(batch.into(), content);
  }

  /// Begins what `finish` waits for.
  #[napi(catch_unwind)]
  pub fn begin_finish(&self) {
    self.engine.begin_finish();
  }

  /// Whether it has nothing to do, not yet or not any more.
  #[napi(catch_unwind)]
  pub fn is_at_rest(&self) -> bool {
    self.engine.is_at_rest()
  }

  /// Waits for the end that `beginFinish` began, at most for the exit timeout. False when there is something
  /// to mask first: then it is to be called again.
  #[napi(catch_unwind)]
  pub fn finish(&self) -> bool {
    self.engine.finish()
  }

  /// The warnings since this was asked last, as JSON: `[{ code, message, reason?, rows? }]`.
  #[napi(catch_unwind, ts_return_type = "JsonString<Trouble[]>")]
  pub fn take_troubles(&self) -> String {
    json(&self.engine.take_troubles())
  }

  /// Where spans are shown, as JSON: `{ appUrl, orgName, projectName, projectId, distributed }`, with `null`
  /// for what is not known yet.
  #[napi(catch_unwind, ts_return_type = "JsonString<TraceDestination>")]
  pub fn place(&self) -> String {
    json(&self.engine.place())
  }

  /// The numbers now, as JSON.
  #[napi(catch_unwind, ts_return_type = "JsonString<Stats>")]
  pub fn stats(&self) -> String {
    json(&self.engine.stats())
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

/// Settings as the facade hands them over.
pub(super) fn parsed(settings: &str) -> Result<Settings> {
  Settings::parse(settings).map_err(|error| Error::new(Status::InvalidArg, error.to_string()))
}

pub(super) fn json(value: &impl Serialize) -> String {
  serde_json::to_string(value).unwrap_or_else(|_| "{}".into())
}

/// A wait that JavaScript asked for. Nonsense is no wait; for ever is a day.
fn millis(value: f64) -> Duration {
  const DAY: f64 = 86_400_000.0;
  Duration::try_from_secs_f64(value.min(DAY) / 1000.0).unwrap_or_default()
}
