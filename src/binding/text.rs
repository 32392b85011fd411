//! A JavaScript string on its way to another thread.

#![allow(unsafe_code, reason = "reading a string without a second copy needs Node's C interface")]

use std::ptr;

use napi::{
  Result,
  bindgen_prelude::{FromNapiValue, TypeName, ValidateNapiValue},
  check_status, sys,
};

use crate::host::EventText;

/// A string argument, for the length of the call.
pub struct JsText {
  env: sys::napi_env,
  value: sys::napi_value,
  length: usize,
}

/// Either costs the JavaScript thread one pass. That of UTF-16 is a plain copy, whatever the content.
impl EventText for JsText {
  fn len(&self) -> usize {
    self.length
  }

  fn copy_utf16(&self, place: &mut [u16]) -> usize {
    let (text, capacity) = (place.as_mut_ptr().cast(), place.len());
    // SAFETY: `env` and `value` are valid, as the call that they came with has not returned; Node writes at most as many
    // units as the place has.
    copied(|written| unsafe {
      sys::napi_get_value_string_utf16(self.env, self.value, text, capacity, written)
    })
  }

  fn append_utf8(&self, buffer: &mut Vec<u8>) {
    let before = buffer.len();
    let most = self.length * 3;
    let capacity = most + 1;
    buffer.reserve(capacity);
    let text = buffer.spare_capacity_mut().as_mut_ptr().cast();
    // SAFETY: `env` and `value` are valid, as above; the buffer has room for `capacity` bytes.
    let written = copied(|written| unsafe {
      sys::napi_get_value_string_utf8(self.env, self.value, text, capacity, written)
    });
    // SAFETY: Node has written `written` bytes, and never more than `capacity`.
    unsafe { buffer.set_len(before + written.min(most)) };
  }
}

/// How many units `copy` has copied; 0 when Node fails.
fn copied(copy: impl FnOnce(*mut usize) -> sys::napi_status) -> usize {
  let mut written = 0;
  if copy(&mut written) == sys::Status::napi_ok { written } else { 0 }
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
