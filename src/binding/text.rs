//! A JavaScript string on its way to another thread.

#![allow(unsafe_code, reason = "reading a string without a second copy needs Node's C interface")]

use std::{mem::MaybeUninit, ptr};

use napi::{
  Result,
  bindgen_prelude::{FromNapiValue, TypeName, ValidateNapiValue},
  check_status, sys,
};

/// A string argument, for the length of the call. It is copied in JavaScript's own encoding: that costs
/// the JavaScript thread one copy, whatever the content; the change to UTF-8 happens on the engine's
/// thread.
pub struct JsText {
  env: sys::napi_env,
  value: sys::napi_value,
  length: usize,
}

impl JsText {
  /// How many UTF-16 units it has.
  pub fn len(&self) -> usize {
    self.length
  }

  /// Puts the text behind what is in the buffer; nothing, should Node fail.
  pub fn append_to(&self, buffer: &mut Vec<u16>) {
    let before = buffer.len();
    // Node ends what it writes with a NUL.
    let capacity = self.length + 1;
    buffer.reserve(capacity);
    let place: &mut [MaybeUninit<u16>] = buffer.spare_capacity_mut();
    let mut written = 0;
    // SAFETY: `env` and `value` are valid, as the call that they came with has not returned. The place
    // has room for `capacity` units, which is the size Node is told.
    let status = unsafe {
      sys::napi_get_value_string_utf16(
        self.env,
        self.value,
        place.as_mut_ptr().cast(),
        capacity,
        &mut written,
      )
    };
    if status == sys::Status::napi_ok {
      // SAFETY: Node has written `written` units, and never more than it was told there is room for.
      unsafe { buffer.set_len(before + written.min(self.length)) };
    }
  }
}

impl TypeName for JsText {
  fn type_name() -> &'static str {
    "String"
  }

  fn value_type() -> napi::ValueType {
    napi::ValueType::String
  }
}

impl ValidateNapiValue for JsText {}

impl FromNapiValue for JsText {
  // SAFETY: the trait's contract: `env` and `value` are valid for the length of the call.
  unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
    let mut length = 0;
    check_status!(
      // SAFETY: a null buffer asks for the length alone.
      unsafe { sys::napi_get_value_string_utf16(env, value, ptr::null_mut(), 0, &mut length) },
      "an event must be a string"
    )?;
    Ok(Self { env, value, length })
  }
}
