use super::{Form, raw, tools};

fn of(list: &str) -> String {
  tools(Form::OpenAi, Some(raw(list))).unwrap().as_str().into_owned()
}

/// The schema of a tool with these parameters.
fn schema(parameters: &str) -> String {
  let text = of(&format!(r#"[{{"name":"t","parameters":{parameters}}}]"#));
  let rest = text.strip_prefix(r#"[{"type":"function","function":{"name":"t","parameters":"#);
  rest.unwrap().strip_suffix("}}]").unwrap().to_owned()
}

#[test]
fn no_tools_are_no_list() {
  for form in [Form::OpenAi, Form::Flue] {
    for none in [None, Some(raw("null")), Some(raw("[]")), Some(raw("[ ]"))] {
      assert_eq!(tools(form, none), None);
    }
  }
}

#[test]
fn tools_become_function_definitions() {
  assert_eq!(
    of(
      r#"[{"name":"tide","description":"Tides.","parameters":{"type":"object"}},{"name":"bell"}]"#
    ),
    r#"[{"type":"function","function":{"name":"tide","description":"Tides.","parameters":{"type":"object"}}},{"type":"function","function":{"name":"bell"}}]"#
  );
}

#[test]
fn tools_of_another_shape_are_copied() {
  for list in
    [r#"[{"type":"web_search","name":"w"},{"name":7},["name"],"x"]"#, r#"{"tide":{}}"#, r#""auto""#]
  {
    assert_eq!(of(list), list);
  }
}

#[test]
fn the_form_of_flue_is_unchanged() {
  let list = r#"[ {"name":"t","parameters":{"~kind":"Object"}} ]"#;
  assert_eq!(tools(Form::Flue, Some(raw(list))).unwrap().as_str(), list);
}

#[test]
fn internals_of_typebox_are_removed_at_any_depth_and_the_order_stays() {
  assert_eq!(
    schema(
      r#"{"type":"object","required":["p"],"properties":{"p":{"type":"string","~kind":"String"},"o":{"~kind":"Array","items":{"~optional":true},"~optional":true}},"~kind":"Object"}"#
    ),
    r#"{"type":"object","required":["p"],"properties":{"p":{"type":"string"},"o":{"items":{}}}}"#
  );
  assert_eq!(
    schema(r#"{ "~a" : {"~b":[{"c":1}]} , "~d":2 , "e" : "~f" , "~g":3, "h":[{"~i":1,"j":2}] }"#),
    r#"{"e" : "~f", "h":[{"j":2}] }"#
  );
}

#[test]
fn a_property_may_be_called_anything() {
  let text = r#"{"properties":{"~home":{"type":"string"},"properties":{"type":"object"}}}"#;
  assert_eq!(schema(text), text);
  assert_eq!(
    schema(
      r#"{"properties":{"~home":{"~kind":"String"},"properties":{"type":"object","~kind":"Object"}}}"#
    ),
    r#"{"properties":{"~home":{},"properties":{"type":"object"}}}"#
  );
}

#[test]
fn a_schema_that_only_mentions_a_tilde_stays() {
  let text = r#"{"description":"\"~kind\":1","default":"~/.config"}"#;
  assert_eq!(schema(text), text);
}
