//! A JSON value as text: parsed once, then only copied.

use std::{borrow::Cow, collections::HashSet, fmt, ops::Range, sync::Arc};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
  list::{List, Slice},
  string::is_plain,
};

/// A JSON value as the text that is sent. Cloning shares the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Json(Text);

/// Short texts are always stored in place, so that equal texts have equal representations.
#[derive(Clone, PartialEq, Eq)]
enum Text {
  Short {
    length: u8,
    bytes: [u8; SHORT],
  },
  Long(Arc<str>),
  /// A list that shares its items with others.
  List(Box<Slice>),
}

/// The longest text that is stored in place, in bytes. It fits a quoted Flue id, a number or a name, so most
/// values need no allocation.
const SHORT: usize = 46;

impl Json {
  /// The text of a parsed value.
  pub fn raw(value: &RawValue) -> Self {
    Self::written(value.get())
  }

  /// `null`, which overwrites the value of an earlier row.
  pub fn null() -> Self {
    Self::written("null")
  }

  /// A JSON string.
  pub fn text(value: &str) -> Self {
    if value.len() + 2 <= SHORT && is_plain(value) {
      return Self::short(&["\"", value, "\""]);
    }
    Self::of(&value)
  }

  /// A value whose serialisation cannot fail (numbers, strings, booleans and lists of them). `null` if it fails.
  pub fn of(value: &impl Serialize) -> Self {
    serde_json::to_string(value).map_or_else(|_| Self::null(), |text| Self::written(&text))
  }

  /// A value concatenated from pieces of JSON text. The caller guarantees that the whole is valid JSON.
  pub fn concat(pieces: &[&str]) -> Self {
    if pieces.iter().map(|piece| piece.len()).sum::<usize>() <= SHORT {
      return Self::short(pieces);
    }
    Self(Text::Long(pieces.concat().into()))
  }

  /// The items of a list in that range, after those of `head`.
  pub fn list(head: Vec<Arc<str>>, list: &List, range: Range<usize>) -> Self {
    Self(Text::List(Box::new(list.slice(head, range))))
  }

  fn written(text: &str) -> Self {
    Self::concat(&[text])
  }

  /// Pieces that together are at most [`SHORT`] bytes.
  fn short(pieces: &[&str]) -> Self {
    let mut bytes = [0; SHORT];
    let mut length = 0;
    for piece in pieces {
      if let Some(place) = bytes.get_mut(length..length + piece.len()) {
        place.copy_from_slice(piece.as_bytes());
        length += piece.len();
      }
    }
    // `length` is at most `SHORT`.
    Self(Text::Short { length: length as u8, bytes })
  }

  fn plain(&self) -> Option<&[u8]> {
    match &self.0 {
      Text::Short { length, bytes } => bytes.get(..usize::from(*length)),
      Text::Long(text) => Some(text.as_bytes()),
      Text::List(_) => None,
    }
  }

  /// The value's text.
  pub fn as_str(&self) -> Cow<'_, str> {
    match self.plain() {
      Some(text) => String::from_utf8_lossy(text),
      None => {
        let mut text = Vec::with_capacity(self.bytes());
        self.write(&mut text);
        Cow::Owned(String::from_utf8_lossy(&text).into_owned())
      }
    }
  }

  /// Appends the value's text.
  pub fn write(&self, body: &mut Vec<u8>) {
    match (&self.0, self.plain()) {
      (Text::List(slice), _) => slice.write(body),
      (_, text) => body.extend_from_slice(text.unwrap_or_default()),
    }
  }

  /// Replaces the text of the value, or of each item of a list, by what `rewritten` returns; `None` leaves it
  /// unchanged. `rewritten` is called once for an item that several lists share.
  pub fn rewrite(&mut self, rewritten: &mut dyn FnMut(&str) -> Option<String>) {
    if let Text::List(slice) = &mut self.0 {
      slice.rewrite(rewritten);
    } else if let Some(text) = rewritten(&self.as_str()) {
      *self = Self::written(&text);
    }
  }

  /// Adds the members of an earlier object that this one does not have, at any depth. False if the two cannot be one
  /// value: where this one has an object, the earlier one has something else.
  #[must_use]
  pub fn merge_earlier(&mut self, earlier: &Self) -> bool {
    let is_object = self.plain().is_some_and(|text| text.starts_with(b"{"));
    if !is_object || self == earlier {
      return true;
    }
    let merged = merged(&earlier.as_str(), &self.as_str(), DEEPEST);
    merged.map(|merged| *self = Self::written(&merged)).is_some()
  }

  /// The same for fields that may be missing.
  pub(super) fn merge_fields(earlier: &Option<Self>, later: &mut Option<Self>) -> bool {
    match (earlier, later) {
      (Some(earlier), Some(later)) => later.merge_earlier(earlier),
      _ => true,
    }
  }

  /// This list, followed by those items of a later one that it does not have, each once. The later value if that is
  /// not a list; `None` if only this one is not.
  pub fn with_items_of(&self, later: &Self) -> Option<Self> {
    let (first, other) = (self.as_str(), later.as_str());
    let Ok(others) = serde_json::from_str::<Vec<&RawValue>>(&other) else {
      return Some(later.clone());
    };
    let mut items: Vec<&RawValue> = serde_json::from_str(&first).ok()?;
    let mut known: HashSet<&str> = items.iter().map(|item| item.get()).collect();
    items.extend(others.into_iter().filter(|item| known.insert(item.get())));
    Some(Self::of(&items))
  }

  /// Whether the value is `null`.
  pub fn is_null(&self) -> bool {
    self.plain() == Some(b"null")
  }

  /// The length of the text in bytes.
  pub fn bytes(&self) -> usize {
    match &self.0 {
      Text::List(slice) => slice.bytes(),
      _ => self.plain().map_or(0, <[u8]>::len),
    }
  }

  /// The bytes of memory that the value points to. A shared list counts for the value that had it first.
  pub fn memory_bytes(&self) -> usize {
    match &self.0 {
      Text::Short { .. } => 0,
      Text::Long(text) => text.len() + ALLOCATION,
      Text::List(slice) => slice.memory_bytes() + size_of::<Slice>() + ALLOCATION,
    }
  }
}

/// An encoded row with the members of a later one of the same span, merged as the server merges rows: objects at any
/// depth, and the items of `tags`. `None` if one of the two is not a JSON object, or if one row has no room for both: an
/// object replaces something else, or both are feedback with different sources or metadata.
pub fn merge_encoded(earlier: &[u8], later: &[u8]) -> Option<Vec<u8>> {
  #[derive(Clone, Copy, Deserialize)]
  struct Special<'a> {
    #[serde(borrow)]
    tags: Option<&'a RawValue>,
    #[serde(borrow, rename = "_audit_source")]
    source: Option<&'a RawValue>,
    #[serde(borrow, rename = "_audit_metadata")]
    metadata: Option<&'a RawValue>,
  }
  let (earlier, later) = (str::from_utf8(earlier).ok()?, str::from_utf8(later).ok()?);
  let special = |row| serde_json::from_str::<Special<'_>>(row).ok();
  let (known, new) = (special(earlier)?, special(later)?);
  let feedback =
    |Special { source, metadata, .. }| Some((source?.get(), metadata.map(RawValue::get)));
  if let (Some(known), Some(new)) = (feedback(known), feedback(new))
    && known != new
  {
    return None;
  }
  let merged_row = merged(earlier, later, DEEPEST)?;
  let (Some(known), Some(new)) = (known.tags, new.tags) else {
    return Some(merged_row.into_bytes());
  };
  let tags = Json::raw(known).with_items_of(&Json::raw(new))?;
  merged(&merged_row, &format!("{{\"tags\":{}}}", tags.as_str()), 0).map(String::into_bytes)
}

/// How deep objects are merged.
const DEEPEST: usize = 64;

/// An object with the members of a later one. `None` if one of the two is not an object, at any depth: the server
/// has the object of a still earlier row, which it replaces by the earlier value, but would merge with the later one.
fn merged(earlier: &str, later: &str, depth: usize) -> Option<String> {
  type Object<'a> = IndexMap<String, &'a RawValue>;
  let mut members: IndexMap<String, Cow<'_, str>> = serde_json::from_str::<Object>(earlier)
    .ok()?
    .into_iter()
    .map(|(name, value)| (name, Cow::Borrowed(value.get())))
    .collect();
  for (name, value) in serde_json::from_str::<Object>(later).ok()? {
    let value = value.get();
    let known = members.get(&name).filter(|_| value.starts_with('{'));
    let value = match known {
      Some(known) => Cow::Owned(merged(known, value, depth.checked_sub(1)?)?),
      None => Cow::Borrowed(value),
    };
    members.insert(name, value);
  }
  let members: Vec<String> =
    members.iter().map(|(name, value)| format!("{}:{value}", Json::text(name).as_str())).collect();
  Some(format!("{{{}}}", members.join(",")))
}

/// The overhead of an allocation in bytes. An estimate.
const ALLOCATION: usize = 32;

impl fmt::Debug for Json {
  fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(&self.as_str())
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  #[test]
  fn encoded_rows_merge_as_on_the_server() {
    let merged = |earlier: &str, later: &str| {
      let row = merge_encoded(earlier.as_bytes(), later.as_bytes())?;
      Some(String::from_utf8_lossy(&row).into_owned())
    };
    let earlier = r#"{"id":"a","metadata":{"x":1,"y":{"p":[1]}},"input":"i","tags":["t","u"]}"#;
    let later = r#"{"id":"a","metadata":{"y":{"q":2},"x":null},"output":"o","tags":["u","v"]}"#;
    let expected = r#"{"id":"a","metadata":{"x":null,"y":{"p":[1],"q":2}},"input":"i","tags":["t","u","v"],"output":"o"}"#;
    assert_eq!(merged(earlier, later).as_deref(), Some(expected));
    assert_eq!(merged(earlier, "[]"), None);
    assert_eq!(merged(r#"{"a":{"b":1}}"#, r#"{"a":[]}"#).as_deref(), Some(r#"{"a":[]}"#));
  }

  #[test]
  fn long_lists_of_tags_merge_in_linear_time() {
    let tags =
      |from: u32| Json::of(&(from..from + 200_000).map(|n| n.to_string()).collect::<Vec<_>>());
    let merged = tags(0).with_items_of(&tags(100_000)).unwrap();
    assert_eq!(
      merged.as_str(),
      Json::of(&(0..300_000).map(|n: u32| n.to_string()).collect::<Vec<_>>()).as_str()
    );
  }

  #[test]
  fn encoded_feedback_merges_only_if_it_has_the_same_source_and_metadata() {
    let feedback = |metadata| format!(r#"{{"id":"a","_audit_source":"app"{metadata}}}"#);
    let both = [
      (feedback(""), feedback(""), true),
      (feedback(r#","_audit_metadata":{"u":1}"#), feedback(r#","_audit_metadata":{"u":1}"#), true),
      (feedback(r#","_audit_metadata":{"u":1}"#), feedback(r#","_audit_metadata":{"u":2}"#), false),
      (feedback(""), feedback(r#","_audit_metadata":{"u":2}"#), false),
      (feedback(""), r#"{"_audit_source":"api"}"#.to_owned(), false),
      (feedback(""), r#"{"output":1}"#.to_owned(), true),
    ];
    for (earlier, later, merges) in both {
      for (earlier, later) in [(&earlier, &later), (&later, &earlier)] {
        let merged = merge_encoded(earlier.as_bytes(), later.as_bytes());
        assert_eq!(merged.is_some(), merges, "{earlier} {later}");
      }
    }
  }
}
