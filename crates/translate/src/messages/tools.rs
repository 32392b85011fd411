//! Tools in the chat form: function definitions.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
  value::{object, string},
  walk::{Edit, Step, replace, walk},
};

/// Every member that a tool may have.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Members<'a> {
  #[serde(borrow)]
  r#type: Option<&'a RawValue>,
  #[serde(borrow)]
  name: Option<&'a RawValue>,
  #[serde(borrow)]
  description: Option<&'a RawValue>,
  #[serde(borrow)]
  parameters: Option<&'a RawValue>,
}

/// Writes a tool. One with a type of its own is the provider's and stays as it is.
pub fn write(out: &mut String, tool: &RawValue) {
  let ours = object::<Members>(tool).filter(|tool| tool.r#type.is_none());
  let named = ours.and_then(|tool| string(tool.name).map(|name| (name, tool)));
  let Some((name, members)) = named else {
    out.push_str(tool.get());
    return;
  };
  out.push_str(r#"{"type":"function","function":{"name":"#);
  out.push_str(name);
  if let Some(description) = members.description {
    out.push_str(r#","description":"#);
    out.push_str(description.get());
  }
  if let Some(parameters) = members.parameters {
    out.push_str(r#","parameters":"#);
    out.push_str(&without_leftovers(parameters.get()));
  }
  out.push_str("}}");
}

/// A JSON schema without what TypeBox notes in it for itself (`~kind`, `~optional`). `JSON.stringify`
/// would not show these members; the copy that Flue makes of its events does.
fn without_leftovers(schema: &str) -> Cow<'_, str> {
  if !schema.contains(r#""~"#) {
    return Cow::Borrowed(schema);
  }
  let mut open: Vec<Seen> = Vec::new();
  let mut cuts: Vec<Edit> = Vec::new();
  let cut = |range| Edit { range, new: String::new() };
  walk(schema, |step| match step {
    Step::Open => open.push(Seen::default()),
    Step::Close => drop(open.pop()),
    Step::Member(member) => {
      let Some(seen) = open.last_mut() else { return };
      // A property may be called anything, and its schema is an object.
      let property =
        member.within == "properties" && schema.get(member.value.start..).is_some_and(is_object);
      if member.name.starts_with('~') && !property {
        seen.cut = true;
        cuts.push(cut(member.gap.start..member.value.end));
      } else {
        // The first that stays needs no comma.
        if seen.cut && !seen.kept {
          cuts.push(cut(member.gap));
        }
        seen.kept = true;
      }
    }
  });
  Cow::Owned(replace(schema, cuts))
}

fn is_object(value: &str) -> bool {
  value.starts_with('{')
}

/// What became of an object's members so far.
#[derive(Default)]
struct Seen {
  cut: bool,
  kept: bool,
}
