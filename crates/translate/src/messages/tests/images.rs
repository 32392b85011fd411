use super::{Form, PIXEL, chat, input, message, output, raw, without_images};

fn kept(text: &str) -> String {
  without_images(raw(text)).as_str().into_owned()
}

fn image(data: &str) -> String {
  format!(r#"{{"type":"image","data":"{data}","mimeType":"image/png"}}"#)
}

#[test]
fn a_placeholder_replaces_the_bytes_of_an_image_in_both_forms() {
  let text =
    format!(r#"{{"role":"user","content":[{{"type":"text","text":"look"}},{}]}}"#, image(PIXEL));
  assert_eq!(
    chat(&text),
    r#"{"role":"user","content":[{"type":"text","text":"look"},{"type":"image_url","image_url":{"url":"[image data omitted: image/png, 70 bytes]"}}]}"#
  );
  assert_eq!(
    message(Form::Flue, &text),
    text.replace(PIXEL, "[image data omitted: image/png, 70 bytes]")
  );
}

#[test]
fn the_placeholder_of_flue_stays_in_its_form_and_has_the_type_in_the_chat_form() {
  let text =
    format!(r#"{{"role":"user","content":[{}]}}"#, image("[image data omitted from event]"));
  assert_eq!(message(Form::Flue, &text), text);
  assert_eq!(
    chat(&text),
    r#"{"role":"user","content":[{"type":"image_url","image_url":{"url":"[image data omitted: image/png]"}}]}"#
  );
}

#[test]
fn a_tools_image_is_a_line_of_its_text() {
  let text = format!(
    r#"{{"role":"toolResult","toolCallId":"c1","content":[{{"type":"text","text":"chart"}},{}]}}"#,
    image(PIXEL)
  );
  assert_eq!(
    chat(&text),
    r#"{"role":"tool","tool_call_id":"c1","content":"chart\n[image data omitted: image/png, 70 bytes]"}"#
  );
}

#[test]
fn a_reference_to_an_attachment_stays() {
  let reference =
    r#"{"type":"braintrust_attachment","key":"k","filename":"a.png","content_type":"image/png"}"#;
  let part = format!(r#"{{"type":"image","data":{reference},"mimeType":"image/png"}}"#);
  let user = format!(r#"{{"role":"user","content":[{part}]}}"#);
  assert_eq!(message(Form::Flue, &user), user);
  let url = format!(r#"{{"type":"image_url","image_url":{{"url":{reference}}}}}"#);
  assert_eq!(chat(&user), format!(r#"{{"role":"user","content":[{url}]}}"#));
  let tool = format!(
    r#"{{"role":"toolResult","toolCallId":"c1","content":[{{"type":"text","text":"chart"}},{part}]}}"#
  );
  assert_eq!(
    chat(&tool),
    format!(
      r#"{{"role":"tool","tool_call_id":"c1","content":[{{"type":"text","text":"chart"}},{url}]}}"#
    )
  );
}

#[test]
fn images_are_found_at_any_depth() {
  let nested = format!(
    r#"{{"details":[[{{ "mimeType" : "image/gif" , "data" : "{PIXEL}" , "n":{{"a":[]}}, "type" : "image" }}]],"data":"kept","type":"text","u":"\"image\""}}"#
  );
  assert_eq!(kept(&nested), nested.replace(PIXEL, "[image data omitted: image/gif, 70 bytes]"));
  let call = format!(
    r#"{{"role":"assistant","content":[{{"type":"toolCall","id":"c","name":"n","arguments":{{"p":{}}}}}]}}"#,
    image(PIXEL)
  );
  let response = output(Form::OpenAi, Some(raw(&call)), None).unwrap();
  assert!(!response.as_str().contains(PIXEL) && response.as_str().contains("image/png, 70 bytes"));
  let unknown = format!(r#"[{{"role":"signal","content":[{}]}}]"#, image(PIXEL));
  for form in [Form::OpenAi, Form::Flue] {
    let written = input(form, None, Some(raw(&unknown))).unwrap();
    assert_eq!(
      written.as_str(),
      unknown.replace(PIXEL, "[image data omitted: image/png, 70 bytes]")
    );
  }
}

#[test]
fn bytes_are_recognised_without_a_type_and_as_a_data_url() {
  assert_eq!(
    kept(&format!(r#"{{"type":"image","data":"{PIXEL}"}}"#)),
    r#"{"type":"image","data":"[image data omitted: 70 bytes]"}"#
  );
  assert_eq!(
    kept(&image(&format!("data:image/png;base64,{PIXEL}"))),
    image("[image data omitted: image/png, 70 bytes]")
  );
  assert_eq!(
    kept(r#"{"type":"image","data":{"0":137,"1":80},"mimeType":"image/png"}"#),
    r#"{"type":"image","data":"[image data omitted: image/png]","mimeType":"image/png"}"#
  );
}

#[test]
fn values_that_are_not_images_are_unchanged() {
  for text in [
    r#"{"type":"image","data":"the harbour at noon"}"#,
    r#"{"type":"image","data":null,"mimeType":"image/png"}"#,
    r#"{"type":"image","data":"","mimeType":"image/png"}"#,
    r#"{"type":"image","url":"https://example.com/a.png"}"#,
    r#"{"type":"chart","kind":"image","data":"abcd","mimeType":"image/png"}"#,
    r#"{"type":"{\"type\":\"image\",\"data\":\"abcd\"}"}"#,
    r#"["image","type"]"#,
  ] {
    assert_eq!(kept(text), text);
  }
}

#[test]
fn an_image_without_data_stays_in_the_chat_form() {
  let text = r#"{"role":"user","content":[{"type":"image","url":"u"},{"type":"image","data":7}]}"#;
  assert_eq!(chat(text), text);
  assert_eq!(
    chat(r#"{"role":"user","content":[{"type":"image","data":"plain words"}]}"#),
    r#"{"role":"user","content":[{"type":"image_url","image_url":{"url":"plain words"}}]}"#
  );
}

#[test]
fn nesting_has_no_limit() {
  let depth = 200_000;
  let deep = format!("{}{}{}", r#"{"a":["#.repeat(depth), image(PIXEL), "]}".repeat(depth));
  assert_eq!(kept(&deep), deep.replace(PIXEL, "[image data omitted: image/png, 70 bytes]"));
  let list = format!(r#"[{{"role":"user","content":[{deep}]}}]"#);
  assert!(!input(Form::OpenAi, None, Some(raw(&list))).unwrap().as_str().contains(PIXEL));
}
