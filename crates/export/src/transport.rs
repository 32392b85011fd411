//! Requests for the host's HTTP client, and its responses.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};
use thiserror::Error;
use url::{ParseError, Url};

use crate::headers::Headers;

/// The longest media type that a message contains.
const MAX_MEDIA_TYPE: usize = 64;

/// Identifies a request among those of one exporter.
pub type RequestId = u64;

/// A request that the host sends. It follows no redirect, and adds no headers but the client's name
/// and that it wants no encoding.
#[derive(Debug)]
pub struct Request {
  /// The id that its response refers to.
  pub id: RequestId,
  /// The request itself.
  pub call: Call,
  /// Whether it repeats one that is not answered: it needs a connection of its own, because those that are open may be
  /// dead as well.
  pub is_repeat: bool,
}

/// A request, its timeout, and how much of its response is read.
#[derive(Clone, Debug)]
pub struct Call {
  /// The method.
  pub method: Method,
  /// The URL. It may contain credentials: see [`redact_url`].
  pub url: String,
  /// The headers, the API key among them if the server is Braintrust. Values of secrets are marked as sensitive.
  pub headers: Headers,
  /// The body.
  pub body: Body,
  /// The most time from the connection to the end of the response. After it, the host passes a
  /// [`TransportError`].
  pub timeout: Duration,
  /// How much of the response is read.
  pub reads: Reads,
}

/// The body of a request.
#[derive(Clone, Debug)]
pub enum Body {
  /// Plain bytes.
  Bytes(Bytes),
  /// `multipart/form-data`: the fields in their order, and last the file.
  Form {
    /// The fields: name and value.
    fields: Vec<(String, String)>,
    /// The content of the file.
    file: Bytes,
    /// The file's media type.
    media_type: String,
  },
}

impl Body {
  /// The bytes of its content, without the fields of a form.
  pub fn len(&self) -> usize {
    match self {
      Self::Bytes(bytes) | Self::Form { file: bytes, .. } => bytes.len(),
    }
  }

  /// Whether there is none.
  pub fn is_empty(&self) -> bool {
    self.len() == 0
  }
}

/// How much of a response is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
  /// The status and `Retry-After`. Errors of the body are ignored.
  Status,
  /// The body as well, if the status is a success. An incomplete body is a [`TransportError`].
  Body,
}

/// A response.
#[derive(Clone, Debug, Default)]
pub struct Response {
  /// The status code.
  pub status: u16,
  /// The `Retry-After` header, unparsed.
  pub retry_after: Option<String>,
  /// The `Content-Type` header, unparsed. Printed only by [`Response::describe_body`].
  pub content_type: Option<String>,
  /// The body of a success, if it was to be read. Otherwise empty.
  pub body: Bytes,
}

impl Response {
  /// The body as JSON; `None` when it is none. Parses text, as all of the core does: a second parser of bytes would
  /// enlarge the WebAssembly module.
  pub fn json<'a, T: serde::Deserialize<'a>>(&'a self) -> Option<T> {
    serde_json::from_str(self.text()?).ok()
  }

  /// The body as text, without a byte order mark; `None` when it is not UTF-8.
  pub fn text(&self) -> Option<&str> {
    let text = std::str::from_utf8(&self.body).ok()?;
    Some(text.strip_prefix('\u{feff}').unwrap_or(text))
  }

  /// The kind of the body, for messages: its media type, or that there is none.
  pub fn describe_body(&self) -> &str {
    // What a server may put there is printed only if it looks like a media type.
    let media_type = self.content_type.as_deref().and_then(|value| value.split(';').next());
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/.+-_".contains(&byte);
    match media_type.map(str::trim) {
      _ if self.body.is_empty() => "an empty body",
      Some(kind) if kind.len() <= MAX_MEDIA_TYPE && kind.bytes().all(is_plain) => kind,
      _ => "a body of an unknown type",
    }
  }

  /// The status with its reason, such as `503 Service Unavailable`.
  pub fn describe(&self) -> String {
    StatusCode::from_u16(self.status).map_or_else(|_| self.status.to_string(), |s| s.to_string())
  }
}

/// Why there is no response. Contains no content and no credentials.
#[derive(Clone, Debug, Error)]
pub enum TransportError {
  /// The request failed. A repetition may succeed.
  #[error("{0}")]
  Failed(String),
  /// The connection was open and broke before the end of the response. The cause is the network, the server as a whole,
  /// or this request.
  #[error("{0}")]
  Broken(String),
  /// The proxy refuses its credentials, or its variable is invalid. Only the user can change that.
  #[error("{0}")]
  Proxy(String),
}

/// Reads a URL that the user or a server states: `scheme://host…`.
///
/// # Errors
/// When it is none, or its host is not plain ASCII: the parser has no table of Unicode names, whose percent-encoding it
/// decodes.
pub fn parse_url(text: &str) -> Result<Url, ParseError> {
  let (_, rest) = text.split_once("://").ok_or(ParseError::RelativeUrlWithoutBase)?;
  let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or(rest);
  let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
  // The parser skips line breaks and tabs, and then finds the host elsewhere.
  if host.is_empty() || text.contains(['\t', '\n', '\r']) {
    return Err(ParseError::EmptyHost);
  }
  if !host.is_ascii() || host.contains('%') {
    return Err(ParseError::IdnaError);
  }
  Url::parse(text)
}

/// The URL without credentials, query and fragment, for messages.
pub fn redact_url(url: &str) -> String {
  let (url, rest) = url.split_at(url.find(['?', '#']).unwrap_or(url.len()));
  // A password with such a character, unescaped, begins before it.
  if rest.contains('@') {
    return url.split_inclusive("//").next().unwrap_or_default().to_owned() + "***";
  }
  match Url::parse(url) {
    Ok(mut parsed) if has_credentials(&parsed) => {
      // Cannot fail: the URL has credentials.
      let _refused = parsed.set_username("");
      let _refused = parsed.set_password(None);
      parsed.to_string()
    }
    _ => url.to_owned(),
  }
}

/// Whether a URL contains a user name or a password.
pub fn has_credentials(url: &Url) -> bool {
  !url.username().is_empty() || url.password().is_some()
}

#[cfg(test)]
mod tests {
  use proptest::prelude::*;

  use super::*;

  #[test]
  fn a_body_is_json_with_a_byte_order_mark_or_without() {
    for body in ["[1]", "\u{feff}[1]"] {
      let response = Response { body: body.into(), ..Response::default() };
      assert_eq!(response.json::<Vec<u8>>(), Some(vec![1]));
    }
  }

  #[test]
  fn a_url_whose_host_is_not_plain_ascii_is_none() {
    for url in [
      "http://%C3%A9A.test",
      "http://é.test",
      "http:\\\\%C3%A9A",
      "http:/%C3%A9A",
      "http:///%C3%A9A",
      "http://\t/%C3%A9A",
      "http://user:%C3%A9@%C3%A9A",
      "https:a.test",
      "a.test",
      "",
    ] {
      assert!(parse_url(url).is_err(), "{url}");
    }
    for url in
      ["https://a.test:1/é?%C3%A9", "http://us%40er:pä@[::1]/", "http://xn--bcher-kva.test"]
    {
      assert!(parse_url(url).is_ok(), "{url}");
    }
  }

  #[test]
  fn of_a_url_neither_credentials_nor_query_nor_fragment_are_shown() {
    for (url, shown) in [
      ("http://a.test:1/v1", "http://a.test:1/v1"),
      ("http://user:secret@a.test/v1", "http://a.test/v1"),
      ("http://a.test/v1?token=secret#secret", "http://a.test/v1"),
      ("http://user?secret@a.test", "http://***"),
      ("http://user:12#secret@a.test", "http://***"),
      ("no url?secret@", "no url***"),
    ] {
      assert_eq!(redact_url(url), shown, "{url}");
    }
  }

  proptest! {
    #[test]
    fn any_text_is_a_url_or_none(
      text in prop_oneof!["\\PC*", "https?:[/\\\\]{0,3}[%A-Fa-f0-9é@.\t\n-]{0,12}", "http://[Xx][Nn]--[A-Za-z0-9-]{0,12}"],
    ) {
      if let Ok(url) = parse_url(&text) {
        prop_assert!(url.as_str().is_ascii());
      }
    }
  }
}
