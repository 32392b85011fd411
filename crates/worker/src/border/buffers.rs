//! What the functions of an instance share: the recorders, and the buffers through which texts and bytes pass.

#![allow(unsafe_code, reason = "exported names, and the input buffer that JavaScript fills")]

use std::{borrow::Cow, cell::RefCell, sync::Arc, time::Duration};

use bytes::Bytes;
use export::{Now, config::Settings, secrets::Secrets};

use crate::{recorder::Recorder, recorders::Recorders};

/// A larger input buffer is freed after its use.
const LARGE: usize = 1024 * 1024;

#[derive(Default)]
pub(super) struct Border {
  pub(super) input: Vec<u8>,
  pub(super) output: String,
  pub(super) body: Bytes,
  pub(super) recorders: Recorders,
  /// The settings that were parsed last: the recorders of all storages share theirs, and what is compiled of them.
  pub(super) settings: Option<(String, Settings)>,
  /// The API keys that the isolate knows.
  pub(super) secrets: Arc<Secrets>,
}

thread_local! {
  static BORDER: RefCell<Border> = RefCell::default();
}

impl Border {
  /// Removes the text that JavaScript has written.
  pub(super) fn text(&mut self, bytes: usize) -> String {
    let text = utf8(self.bytes(bytes)).into_owned();
    self.free_large();
    text
  }

  pub(super) fn bytes(&self, bytes: usize) -> &[u8] {
    self.input.get(..bytes).unwrap_or_default()
  }

  pub(super) fn free_large(&mut self) {
    if self.input.len() > LARGE {
      self.input = Vec::new();
    }
  }

  pub(super) fn put(&mut self, text: Option<String>) -> u32 {
    let is_some = text.is_some();
    self.output = text.unwrap_or_default();
    u32::from(is_some)
  }
}

/// The text that JavaScript has encoded: valid, which takes less time to check than to correct.
pub(super) fn utf8(bytes: &[u8]) -> Cow<'_, str> {
  str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

pub(super) fn with<T>(run: impl FnOnce(&mut Border) -> T) -> T {
  BORDER.with_borrow_mut(run)
}

pub(super) fn with_recorder<T: Default>(number: u32, run: impl FnOnce(&mut Recorder) -> T) -> T {
  with(|border| border.recorders.with(number, run))
}

pub(super) fn now(elapsed: f64, unix: f64) -> Now {
  Now {
    elapsed: Duration::try_from_secs_f64(elapsed / 1000.0).unwrap_or_default(),
    unix_ms: unix as i64,
  }
}

/// Makes the input buffer this long, keeps its content, and returns its address.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn reserve(bytes: usize) -> *mut u8 {
  with(|border| {
    if border.input.len() < bytes {
      border.input.resize(bytes, 0);
    }
    border.input.as_mut_ptr()
  })
}

/// The address of the text that the last call has left.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn output_address() -> *const u8 {
  with(|border| border.output.as_ptr())
}

/// Its length in bytes.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn output_length() -> usize {
  with(|border| border.output.len())
}

/// The address of the bytes that the last call has left.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn body_address() -> *const u8 {
  with(|border| border.body.as_ptr())
}

/// Their number.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn body_length() -> usize {
  with(|border| border.body.len())
}

/// Frees the bytes that the last call has left.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn free_body() {
  with(|border| border.body = Bytes::new());
}
