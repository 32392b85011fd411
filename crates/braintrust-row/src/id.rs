//! Deterministic identity: the same Flue activity always gets the same ids.
//!
//! A retry, a replay or a second process that reports the same activity writes to the same row. Ids are
//! UUIDv5 hashes of Flue's own stable ids under one fixed namespace, written as lowercase hex, the form of
//! Braintrust's V4 slugs and W3C `traceparent` (32 digits for a trace, 16 for a span).

use std::{
  collections::HashMap,
  fmt,
  hash::{BuildHasherDefault, Hash, Hasher},
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Namespace of every id this package derives. It must never change: traces that span two releases
/// of the package rely on it.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f2d_8f5e_1c1b_4b0e_9a57_3d0f_b7c4_21aa);

/// Separates the parts of a name, so that `("a", "bc")` and `("ab", "c")` differ.
const SEPARATOR: u8 = 0x1f;

/// A row's id (32 hex digits): the full-width hash of the activity.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RowId([u8; 16]);

/// A map with row ids as keys.
pub type RowMap<V> = HashMap<RowId, V, BuildHasherDefault<RowIdHasher>>;

/// Uses half of a row id, which is a hash itself.
#[derive(Default)]
pub struct RowIdHasher(u64);

impl Hash for RowId {
  fn hash<H: Hasher>(&self, state: &mut H) {
    let [a, b, c, d, e, f, g, h, ..] = self.0;
    state.write_u64(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
  }
}

impl Hasher for RowIdHasher {
  fn write(&mut self, bytes: &[u8]) {
    bytes.iter().for_each(|byte| self.write_u64((*byte).into()));
  }

  fn write_u64(&mut self, number: u64) {
    self.0 = self.0.rotate_left(8) ^ number;
  }

  fn finish(&self) -> u64 {
    self.0
  }
}

/// A trace's id, Braintrust's `root_span_id`: 32 hex digits, or the UUID of a trace that another library started.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TraceId {
  bytes: [u8; 16],
  is_uuid: bool,
}

/// A span's id.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SpanId {
  /// 16 hex digits. For spans of this package, the first half of the row id.
  Hex([u8; 8]),
  /// The UUID of a span of another library.
  Uuid([u8; 16]),
}

/// The ids of a span: its row and its trace. The span id follows from the row id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpanContext {
  /// The id of the row.
  pub row: RowId,
  /// The id of the trace.
  pub trace: TraceId,
}

impl RowId {
  /// How many bytes an id has.
  pub const BYTES: usize = 16;

  /// An id of these bytes.
  pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
    Self(bytes)
  }

  /// The two halves of the id: numbers in the order of the ids.
  pub fn halves(self) -> (u64, u64) {
    let number = u128::from_be_bytes(self.0);
    ((number >> 64) as u64, number as u64)
  }

  /// An id of 32 hex digits.
  pub fn parse(id: &str) -> Option<Self> {
    Some(Self(digits(id)?))
  }

  /// What stands for an id of any form, such as one that another library has made.
  pub fn of_text(id: &str) -> Self {
    Self::parse(id).unwrap_or_else(|| Self(hash("row", &[id])))
  }
}

impl TraceId {
  /// Stands for a trace that is not known.
  pub const UNKNOWN: Self = Self { bytes: [0; 16], is_uuid: false };

  /// The id as the key of a map.
  pub fn key(&self) -> RowId {
    RowId(self.bytes)
  }

  /// A number of 0 to 1, without 1, in which all traces are spread evenly, whoever has made their ids. It must never
  /// change: processes with different releases share traces.
  pub fn share(&self) -> f64 {
    let half = |at: usize| {
      self.bytes.iter().skip(at).take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    };
    // The finalizer of SplitMix64: ids of other libraries need not be random in every bit.
    let mut mixed = half(0) ^ half(8).rotate_left(32);
    for factor in [0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb] {
      mixed = (mixed ^ (mixed >> 30)).wrapping_mul(factor);
    }
    // The 53 bits that the number has.
    ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
  }

  /// An id of 32 hex digits, or a UUID.
  pub fn parse(id: &str) -> Option<Self> {
    let hex = digits(id).map(|bytes| Self { bytes, is_uuid: false });
    hex.or_else(|| Some(Self { bytes: uuid(id)?.into_bytes(), is_uuid: true }))
  }
}

impl SpanId {
  /// An id of 16 hex digits, or a UUID.
  pub fn parse(id: &str) -> Option<Self> {
    digits(id).map(Self::Hex).or_else(|| uuid(id).map(|id| Self::Uuid(id.into_bytes())))
  }
}

/// The bytes of an id of exactly twice as many lowercase hex digits.
fn digits<const BYTES: usize>(id: &str) -> Option<[u8; BYTES]> {
  let mut bytes = [0; BYTES];
  let is_hex = |digit: u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit);
  if id.len() != BYTES * 2 || !id.bytes().all(is_hex) {
    return None;
  }
  for (place, at) in bytes.iter_mut().zip((0..id.len()).step_by(2)) {
    *place = u8::from_str_radix(id.get(at..at + 2)?, 16).ok()?;
  }
  Some(bytes)
}

/// A UUID with its dashes.
fn uuid(id: &str) -> Option<Uuid> {
  (id.len() == 36).then(|| Uuid::try_parse(id).ok()).flatten()
}

impl SpanContext {
  /// The root span of a new trace. `kind` is the kind of activity, `parts` are its Flue ids.
  pub fn root(kind: &str, parts: &[&str]) -> Self {
    Self::of_root(RowId(hash(kind, parts)))
  }

  /// The root span of a trace of its own, by its row.
  pub fn of_root(row: RowId) -> Self {
    let trace = Uuid::new_v5(&NAMESPACE, &[b"trace".as_slice(), &row.0].concat());
    Self { row, trace: TraceId { bytes: trace.into_bytes(), is_uuid: false } }
  }

  /// A span inside `trace`.
  pub fn child(trace: TraceId, kind: &str, parts: &[&str]) -> Self {
    Self { row: RowId(hash(kind, parts)), trace }
  }

  /// The span id.
  pub fn span(&self) -> SpanId {
    let [a, b, c, d, e, f, g, h, ..] = self.row.0;
    SpanId::Hex([a, b, c, d, e, f, g, h])
  }
}

fn hash(kind: &str, parts: &[&str]) -> [u8; 16] {
  let mut name = kind.as_bytes().to_vec();
  for part in parts {
    name.push(SEPARATOR);
    name.extend_from_slice(part.as_bytes());
  }
  Uuid::new_v5(&NAMESPACE, &name).into_bytes()
}

impl RowId {
  /// The bytes of the id.
  pub fn as_bytes(&self) -> &[u8] {
    &self.0
  }

  /// Appends the id as text.
  pub fn write(&self, body: &mut Vec<u8>) {
    write_hex(body, &self.0);
  }
}

impl TraceId {
  /// Appends the id as text.
  pub fn write(&self, body: &mut Vec<u8>) {
    if self.is_uuid {
      write_uuid(body, self.bytes);
    } else {
      write_hex(body, &self.bytes);
    }
  }
}

impl SpanId {
  /// Appends the id as text.
  pub fn write(&self, body: &mut Vec<u8>) {
    match self {
      Self::Hex(id) => write_hex(body, id),
      Self::Uuid(id) => write_uuid(body, *id),
    }
  }
}

/// Appends lowercase hex digits.
fn write_hex(body: &mut Vec<u8>, id: &[u8]) {
  let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' + value - 10 };
  body.extend(id.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
}

fn write_uuid(body: &mut Vec<u8>, id: [u8; 16]) {
  let id = Uuid::from_bytes(id).hyphenated();
  body.extend_from_slice(id.encode_lower(&mut Uuid::encode_buffer()).as_bytes());
}

macro_rules! display {
  ($($id:ident),*) => {$(
    impl fmt::Display for $id {
      fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::new();
        self.write(&mut text);
        f.write_str(&String::from_utf8_lossy(&text))
      }
    }
    impl fmt::Debug for $id {
      fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
      }
    }
  )*};
}
display!(RowId, TraceId, SpanId);

#[cfg(test)]
mod tests {
  use super::*;

  #[test]
  fn the_same_activity_always_gets_the_same_ids() {
    let span = SpanContext::root("run", &["run_1"]);
    assert_eq!(span, SpanContext::root("run", &["run_1"]));
    // Users' dashboards have these ids, so they must not change in any release.
    assert_eq!(span.row.to_string(), "e193bd27735d515095ac987bd433ebd7");
  }

  #[test]
  fn the_share_of_a_trace_never_changes_and_all_are_spread_evenly() {
    let share = |id: &str| TraceId::parse(id).unwrap().share();
    assert_eq!(share("4bf92f3577b34da6a3ce929d0e0e4736"), 0.30897349033935484);
    // Ids that begin with a time, that count, and those of this package.
    let dated = |n: u32| format!("5759e988bd862e3fe1be46a9{n:08x}");
    let counted = |n: u32| format!("{n:08x}000000000000000000000000");
    let own = |n: u32| SpanContext::root("run", &[&n.to_string()]).trace.to_string();
    for id in [&dated as &dyn Fn(u32) -> String, &counted, &own] {
      let below = (1..=20_000).filter(|n| share(&id(*n)) < 0.1).count();
      assert!((1_800..2_200).contains(&below), "{below}");
    }
  }

  #[test]
  fn ids_of_different_parts_differ() {
    assert_ne!(SpanContext::root("tool", &["a", "bc"]), SpanContext::root("tool", &["ab", "c"]));
    assert_ne!(SpanContext::root("tool", &["a"]), SpanContext::root("task", &["a"]));
  }

  #[test]
  fn a_span_id_is_the_first_half_of_its_row_id() {
    let span = SpanContext::root("task", &["task_1"]);
    assert!(span.row.to_string().starts_with(&span.span().to_string()));
    assert_eq!(span.span().to_string().len(), 16);
    assert_eq!(span.trace.to_string().len(), 32);
  }

  #[test]
  fn ids_of_both_forms_are_parsed_and_anything_else_is_not() {
    let uuid = "a1b2c3d4-e5f6-4789-8abc-def012345678";
    let trace = "00112233445566778899aabbccddeeff";
    for id in [uuid, trace] {
      assert_eq!(TraceId::parse(id).unwrap().to_string(), id);
    }
    for id in [uuid, "89abcdef01234567"] {
      assert_eq!(SpanId::parse(id).unwrap().to_string(), id);
    }
    assert_eq!(RowId::parse(trace).unwrap().to_string(), trace);
    for id in ["", "0", "89ABCDEF01234567", "+9abcdef01234567", "89abcdef0123456ß", "a1b2c3d4"] {
      assert!(SpanId::parse(id).is_none() && TraceId::parse(id).is_none(), "{id}");
    }
  }
}
