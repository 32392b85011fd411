//! The members of a JSON object by name. One function reads all kinds of objects: serde would derive a large one for
//! each, and a Worker compiles a function as a whole.

use std::fmt;

use serde::{
  Deserializer,
  de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// Where a value belongs, and whether it may be `null`.
pub type Slot<'s, 'a> = (&'s mut Option<&'a RawValue>, bool);

/// A struct of members.
pub trait Slots<'a> {
  /// Where the value of the member with this name belongs, and whether it may be `null`; `None` if it is ignored.
  fn slot(&mut self, name: &str) -> Option<Slot<'_, 'a>>;

  /// Whether a member of `null` is one.
  fn has_null(&self) -> bool {
    false
  }
}

/// Declares a struct of the members of a JSON object: each is optional raw JSON. The name in the JSON is stated if it
/// differs. Members that are missing are `None`, as are those of `null` without the word `or_null`, of the struct or of
/// the member; other members are ignored.
#[macro_export]
macro_rules! raw_members {
  ($(#[$doc:meta])* $name:ident $($or_null:ident)? { $($field:ident $(= $json:literal)? $($null:ident)?),* $(,)? }) => {
    $(#[$doc])*
    #[derive(Default)]
    pub(crate) struct $name<'a> {
      $(pub $field: Option<&'a ::serde_json::value::RawValue>,)*
    }

    impl<'a> $crate::members::Slots<'a> for $name<'a> {
      fn slot(&mut self, name: &str) -> Option<$crate::members::Slot<'_, 'a>> {
        Some(match name {
          $($crate::members::raw_members!(@name $field $($json)?) => {
            (&mut self.$field, $crate::members::raw_members!(@is $($null)?))
          })*
          _ => return None,
        })
      }

      $($crate::members::raw_members!(@$or_null);)?
    }

    impl<'de: 'a, 'a> ::serde::Deserialize<'de> for $name<'a> {
      fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> ::core::result::Result<Self, D::Error> {
        let mut members = Self::default();
        $crate::members::read(deserializer, &mut members)?;
        Ok(members)
      }
    }
  };
  (@or_null) => {
    fn has_null(&self) -> bool {
      true
    }
  };
  (@is) => { false };
  (@is or_null) => { true };
  (@name $field:ident) => { stringify!($field) };
  (@name $field:ident $json:literal) => { $json };
}

pub use raw_members;

/// Reads the members of an object.
///
/// # Errors
/// When it is not an object, or a member comes twice.
pub fn read<'de: 'a, 'a, D: Deserializer<'de>>(
  deserializer: D,
  slots: &mut dyn Slots<'a>,
) -> Result<(), D::Error> {
  deserializer.deserialize_map(Object(slots))
}

struct Object<'s, 'a>(&'s mut dyn Slots<'a>);

impl<'de: 'a, 'a> Visitor<'de> for Object<'_, 'a> {
  type Value = ();

  fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("an object")
  }

  fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
    let has_null = self.0.has_null();
    while let Some(slot) = map.next_key_seed(Name(&mut *self.0))? {
      match slot {
        None => {
          map.next_value::<IgnoredAny>()?;
        }
        Some((slot, may_be_null)) if slot.is_none() => {
          let value = map.next_value::<&'de RawValue>()?;
          *slot = (has_null || may_be_null || value.get() != "null").then_some(value);
        }
        Some(_) => return Err(A::Error::custom("a member comes twice")),
      }
    }
    Ok(())
  }
}

struct Name<'s, 'a>(&'s mut dyn Slots<'a>);

impl<'de, 's, 'a> DeserializeSeed<'de> for Name<'s, 'a> {
  type Value = Option<Slot<'s, 'a>>;

  fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
    deserializer.deserialize_str(self)
  }
}

impl<'s, 'a> Visitor<'_> for Name<'s, 'a> {
  type Value = Option<Slot<'s, 'a>>;

  fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("a name")
  }

  fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
    Ok(self.0.slot(name))
  }
}

#[cfg(test)]
mod tests {
  raw_members! {
    /// Some members.
    Some3 { plain, r#type = "type", two_words = "twoWords" or_null }
  }

  fn read(text: &str) -> serde_json::Result<[Option<&str>; 3]> {
    let Some3 { plain, r#type, two_words } = serde_json::from_str(text)?;
    Ok([plain, r#type, two_words].map(|member| member.map(serde_json::value::RawValue::get)))
  }

  #[test]
  fn members_are_read_by_name_in_any_order_and_others_are_ignored() {
    let text =
      r#"{"other":[{}],"twoWords":{"plain":2},"two_words":0,"pl\u0061in":"a\"","type":null}"#;
    assert_eq!(read(text).unwrap(), [Some(r#""a\"""#), None, Some(r#"{"plain":2}"#)]);
    assert_eq!(read("{}").unwrap(), [None; 3]);
    let nulls = r#"{"plain":null,"type":null,"twoWords":null}"#;
    assert_eq!(read(nulls).unwrap(), [None, None, Some("null")]);
  }

  #[test]
  fn what_is_no_object_or_has_a_member_twice_is_refused() {
    for text in [r#"{"plain":1,"plain":2}"#, "[1,2,3]", "1", r#"{"plain":}"#, r#"{"plain":1"#] {
      assert!(read(text).is_err(), "{text}");
    }
  }
}
