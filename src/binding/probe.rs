//! What those who ask whether it works are told.

use napi::{
  Env, Result,
  bindgen_prelude::{Object, retain_current_module_for_unload_safety},
};
use napi_derive::napi;

use super::recorder::{json, parsed};
use crate::engine::{Plan, probe};

/// What the settings come to, as JSON and without the key. Throws when they are not usable. `settings` is
/// what `Recorder` takes.
#[napi(
  catch_unwind,
  ts_args_type = "settings: JsonString<RawConfig>",
  ts_return_type = "JsonString<Plan>"
)]
pub fn plan(settings: String) -> Result<String> {
  Ok(json(&Plan::of(&parsed(&settings)?)))
}

/// Logs in and finds the project and the server's limit as a recorder with these settings would, once. The
/// promise gives what came of it, as JSON; it rejects only when there is no thread to be had.
#[napi(
  catch_unwind,
  ts_args_type = "settings: JsonString<RawConfig>",
  ts_return_type = "Promise<JsonString<Probe>>"
)]
pub fn try_connection(env: &Env, settings: String) -> Result<Object<'_>> {
  let settings = parsed(&settings)?;
  retain_current_module_for_unload_safety();
  let (deferred, promise) = env.create_deferred()?;
  probe(settings, move |told| deferred.resolve(move |_| Ok(json(&told))));
  Ok(promise)
}
