//! A JavaScript string on its way to another thread.

#![allow(unsafe_code, reason = "reading a string without a second copy needs Node's C interface")]

use std::{mem::MaybeUninit, ptr};

use napi::{
  Result,
  bindgen_prelude::{FromNapiValue, TypeName, ValidateNapiValue},
  check_status, sys,
};

/// A copy of a string in JavaScript's own encoding. Its cost on the JavaScript thread is one copy,
/// whatever the content; the change to UTF-8 happens on the engine's thread.
pub struct JsText(pub Vec<u16>);

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
    // Node ends what it writes with a NUL.
    let capacity = length + 1;
    let mut text: Vec<u16> = Vec::with_capacity(capacity);
    let buffer: &mut [MaybeUninit<u16>] = text.spare_capacity_mut();
    let mut written = 0;
    check_status!(
      // SAFETY: the buffer has room for `capacity` units, which is the size Node is told.
      unsafe {
        sys::napi_get_value_string_utf16(
          env,
          value,
          buffer.as_mut_ptr().cast(),
          capacity,
          &mut written,
        )
      },
      "the event could not be copied"
    )?;
    // SAFETY: Node has written `written` units, and never more than it was told there is room for.
    unsafe { text.set_len(written.min(length)) };
    Ok(Self(text))
  }
}
