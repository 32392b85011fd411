//! The functions by which a recorder uses a storage.

#![allow(unsafe_code, reason = "exported names")]

use bytes::Bytes;

use super::buffers::{now, utf8, with, with_recorder};
use crate::{mirror::Change, recorder::Recorder};

/// Keeps unconfirmed rows in a storage: events wait for [`open_storage`].
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn await_storage(recorder: u32) {
  with_recorder(recorder, Recorder::await_storage);
}

/// Adds a file of the storage: its name, followed by its content, or at least by a header of it. `total` is the length
/// of the file.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn add_file(
  recorder: u32,
  name: usize,
  content: usize,
  total: f64,
  elapsed: f64,
  unix: f64,
) {
  with(|border| {
    let key = utf8(border.bytes(name)).into_owned();
    let content = border.input.get(name..name + content).unwrap_or_default().to_vec();
    border.recorders.with(recorder, |recorder| {
      recorder.add_file(key, &content, total as u64, now(elapsed, unix));
    });
    border.free_large();
  });
}

/// 1 when a recorder adopts a file of this name.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn adopts(recorder: u32, bytes: usize) -> u32 {
  let name = with(|border| border.text(bytes));
  u32::from(with_recorder(recorder, |recorder| recorder.adopts(&name)))
}

/// Lets a recorder use its storage, whose files are listed, or do without it if there is a text, which states why. 0
/// when it does without: a later call may succeed. The two halves of the seed are random.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn open_storage(
  recorder: u32,
  failure: usize,
  high: u32,
  low: u32,
  elapsed: f64,
  unix: f64,
) -> u32 {
  let seed = (u64::from(high) << 32) | u64::from(low);
  let failure = with(|border| (failure > 0).then(|| border.text(failure)));
  let is_used =
    with_recorder(recorder, |recorder| recorder.open_storage(seed, failure, now(elapsed, unix)));
  u32::from(is_used)
}

/// Leaves the key, and the content, of the next change of the storage: 1 to put, 2 to delete, 3 to get it, 0 when
/// there is none. The changes that are taken at once are carried out in this order, and completed together.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn take_change(recorder: u32) -> u32 {
  let Some(change) = with_recorder(recorder, Recorder::take_change) else { return 0 };
  let (kind, key, content) = match change {
    Change::Put { key, content } => (1, key, content),
    Change::Delete { key } => (2, key, Vec::new()),
    Change::Get { key } => (3, key, Vec::new()),
  };
  with(|border| {
    border.body = Bytes::from(content);
    border.put(Some(key));
  });
  kind
}

/// Completes the changes that were taken: with the content that was read, or with the text why they have failed.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn complete_storage(
  recorder: u32,
  bytes: usize,
  has_failed: u32,
  elapsed: f64,
  unix: f64,
) {
  let result = with(|border| {
    let result =
      if has_failed == 0 { Ok(border.bytes(bytes).to_vec()) } else { Err(border.text(bytes)) };
    border.free_large();
    result
  });
  with_recorder(recorder, |recorder| recorder.complete_storage(result, now(elapsed, unix)));
}
