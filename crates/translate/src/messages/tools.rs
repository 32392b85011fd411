//! Tools in the chat form: function definitions.

use std::borrow::Cow;

use flue_event::members::raw_members;
use serde_json::value::RawValue;

use super::{
  value::{object, string},
  walk::{Edit, Step, replace, walk},
};

raw_members! {
  /// The members of a tool.
  Members { r#type = "type", name, description, parameters }
}

/// Writes a tool. A tool with a `type` is the provider's and is copied unchanged.
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
    out.push_str(&without_internals(parameters.get()));
  }
  out.push_str("}}");
}

/// A JSON schema without the internal members of TypeBox (`~kind`, `~optional`). `JSON.stringify` omits them, but
/// Flue's copies of events do not.
fn without_internals(schema: &str) -> Cow<'_, str> {
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
      // A property can have any name, and its schema is an object.
      let property =
        member.within == "properties" && schema.get(member.value.start..).is_some_and(is_object);
      if member.name.starts_with('~') && !property {
        seen.cut = true;
        cuts.push(cut(member.gap.start..member.value.end));
      } else {
        // The first member that is kept has no comma before it.
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

/// Whether members of an object were removed and kept so far.
#[derive(Default)]
struct Seen {
  cut: bool,
  kept: bool,
}
