//! The probe: parsed settings, and one attempt to connect, for `doctor` and the other commands.

use napi::{
  Env, Result,
  bindgen_prelude::{Object, retain_current_module_for_unload_safety},
};
use napi_derive::napi;

use super::recorder::{json, parsed};
use crate::host::{Plan, probe};

/// The parsed settings, without the key. Throws when they are not usable.
#[napi(
  catch_unwind,
  ts_args_type = "settings: JsonString<RawConfig>",
  ts_return_type = "JsonString<Plan>"
)]
pub fn plan(settings: String) -> Result<String> {
  Ok(json(&Plan::of(&parsed(&settings)?)))
}

/// Logs in and finds the project and the server's limit once, as a recorder with these settings would. The
/// promise rejects only when no thread can be started.
#[napi(
  catch_unwind,
  ts_args_type = "settings: JsonString<RawConfig>",
  ts_return_type = "Promise<JsonString<Probe>>"
)]
pub fn try_connection(env: &Env, settings: String) -> Result<Object<'_>> {
  let settings = parsed(&settings)?;
  retain_current_module_for_unload_safety();
  let (deferred, promise) = env.create_deferred()?;
  probe(settings, move |probe| deferred.resolve(move |_| Ok(json(&probe))));
  Ok(promise)
}
