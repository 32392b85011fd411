//! The proxies that variables name, by the rules of curl and Node.
//!
//! The lower-case name of a variable takes precedence. A host that `NO_PROXY` excludes by the rules of curl or of Node
//! is requested directly: a proxy must not learn of it. So is a host of this machine, which no proxy reaches.

use std::{collections::HashMap, fmt};

use http::Uri;
use thiserror::Error;
use url::Url;

use super::{bypass::Bypass, values::filled};
use crate::transport::{has_credentials, parse_url, redact_url};

/// The names of a variable, in the order of precedence.
type Names = [&'static str; 2];

const HTTP: Names = ["http_proxy", "HTTP_PROXY"];
const HTTPS: Names = ["https_proxy", "HTTPS_PROXY"];
const ALL: Names = ["all_proxy", "ALL_PROXY"];
const NONE: Names = ["no_proxy", "NO_PROXY"];
/// Set where a web server runs the process: there, a client's `Proxy` header becomes `HTTP_PROXY`.
const CGI: &str = "REQUEST_METHOD";

/// The schemes of proxies.
const SCHEMES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];
/// SOCKS without a version is version 5 with names resolved by the proxy, as in Node's agents.
const UNVERSIONED_SOCKS: &str = "socks";
const SOCKS_PORT: u16 = 1080;

/// The hosts of this machine.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// A proxy. Its credentials are never printed.
#[derive(Clone)]
pub struct Proxy {
  url: Url,
  variable: &'static str,
}

/// Why a variable names no usable proxy. Its value is not shown: it may contain a password.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ProxyError {
  /// The value is not a URL.
  #[error(
    "{variable} is not the URL of a proxy; expected for example http://user:password@proxy.example:3128, with special \
     characters of user and password percent-encoded"
  )]
  NotUrl {
    /// The variable.
    variable: &'static str,
  },
  /// There is no such kind of proxy.
  #[error("{variable}: {scheme} is not a kind of proxy; use http, https, socks5 or socks5h")]
  UnknownScheme {
    /// The variable.
    variable: &'static str,
    /// The scheme of its URL.
    scheme: String,
  },
}

/// The proxies of requests. Default: none.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
  http: Option<Result<Proxy, ProxyError>>,
  https: Option<Result<Proxy, ProxyError>>,
  bypass: Bypass,
}

impl Proxies {
  /// The proxies that these variables name. Blank variables are unset.
  pub fn from_variables(variables: &HashMap<String, String>) -> Self {
    let find = |names: &[&'static str]| {
      names.iter().find_map(|name| Some((*name, filled(variables.get(*name)?)?)))
    };
    let [lower, upper] = HTTP;
    let http: &[_] = if variables.contains_key(CGI) { &[lower] } else { &[lower, upper] };
    let proxy = |names: &[&'static str]| {
      let (variable, value) = find(names).or_else(|| find(&ALL))?;
      Some(Proxy::parse(variable, &value))
    };
    Self {
      http: proxy(http),
      https: proxy(&HTTPS),
      bypass: find(&NONE).map(|(_, list)| Bypass::parse(&list)).unwrap_or_default(),
    }
  }

  /// The proxy of requests to `url`; `None`: they go directly.
  ///
  /// # Errors
  /// When the variable names no usable proxy: then the request must not be sent.
  pub fn find(&self, url: &Url) -> Result<Option<&Proxy>, &ProxyError> {
    let proxy = if url.scheme() == "https" { &self.https } else { &self.http };
    match proxy {
      Some(proxy) if !is_loopback(url) && !self.bypass.contains(url) => proxy.as_ref().map(Some),
      _ => Ok(None),
    }
  }
}

/// Whether a URL leads to this machine.
fn is_loopback(url: &Url) -> bool {
  url.host_str().is_some_and(|host| LOOPBACK.contains(&host))
}

impl Proxy {
  fn parse(variable: &'static str, value: &str) -> Result<Self, ProxyError> {
    let not_url = || ProxyError::NotUrl { variable };
    let text = match value.split_once("://") {
      None => format!("http://{value}"),
      Some((scheme, rest)) if scheme.eq_ignore_ascii_case(UNVERSIONED_SOCKS) => {
        format!("socks5h://{rest}")
      }
      Some(_) => value.to_owned(),
    };
    let mut url = parse_url(&text).map_err(|_| not_url())?;
    if !SCHEMES.contains(&url.scheme()) {
      return Err(ProxyError::UnknownScheme { variable, scheme: url.scheme().to_owned() });
    }
    // An unencoded `/`, `?` or `#` in a password ends the host: the request would go to another one.
    let has_host = url.host_str().is_some_and(|host| !host.is_empty());
    if !has_host || text.rsplit_once('@').is_some_and(|_| !has_credentials(&url)) {
      return Err(not_url());
    }
    url.set_path("");
    url.set_query(None);
    url.set_fragment(None);
    if url.scheme().starts_with(UNVERSIONED_SOCKS) && url.port().is_none() {
      url.set_port(Some(SOCKS_PORT)).map_err(|()| not_url())?;
    }
    // The client parses the URL as this type, and would connect directly if that failed.
    url.as_str().parse::<Uri>().map_err(|_| not_url())?;
    Ok(Self { url, variable })
  }

  /// The URL, with its credentials.
  pub fn url(&self) -> &Url {
    &self.url
  }

  /// The URL without credentials, for messages.
  pub fn address(&self) -> String {
    redact_url(self.url.as_str())
  }

  /// Why the proxy refuses requests for lack of the right credentials. Names the variable, and shows no credentials.
  pub fn refusal(&self) -> String {
    let Self { variable, .. } = self;
    let address = self.address();
    if has_credentials(&self.url) {
      format!(
        "the proxy {address} refuses the credentials in {variable} (check its user and password)"
      )
    } else {
      format!(
        "the proxy {address} requires credentials (set {variable} to scheme://user:password@host:port)"
      )
    }
  }
}

impl fmt::Debug for Proxy {
  fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.debug_tuple("Proxy").field(&self.address()).finish()
  }
}

#[cfg(test)]
mod tests {
  use proptest::prelude::*;

  use super::*;

  fn proxies(variables: &[(&str, &str)]) -> Proxies {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Proxies::from_variables(&variables.iter().map(owned).collect())
  }

  /// The URL of the proxy of `url`.
  fn found(variables: &[(&str, &str)], url: &str) -> Result<Option<String>, ProxyError> {
    let proxies = proxies(variables);
    let proxy = proxies.find(&Url::parse(url).unwrap());
    proxy.map(|proxy| proxy.map(|proxy| proxy.url().to_string())).map_err(Clone::clone)
  }

  #[test]
  fn the_scheme_of_the_url_selects_the_variable_and_lower_case_precedes() {
    let (http, https) = ("http://a.test", "https://a.test");
    for (variables, url, expected) in [
      (&[("HTTP_PROXY", "http://p:1")][..], http, Some("http://p:1/")),
      (&[("HTTP_PROXY", "http://p:1")], https, None),
      (&[("HTTPS_PROXY", "http://p:1")], https, Some("http://p:1/")),
      (&[("HTTPS_PROXY", "http://p:1")], http, None),
      (&[("ALL_PROXY", "http://p:1")], http, Some("http://p:1/")),
      (&[("all_proxy", "http://p:1"), ("https_proxy", "http://p:2")], https, Some("http://p:2/")),
      (&[("https_proxy", "http://p:1"), ("HTTPS_PROXY", "http://p:2")], https, Some("http://p:1/")),
      (&[("http_proxy", "http://p:1"), ("HTTP_PROXY", "http://p:2")], http, Some("http://p:1/")),
      (&[("all_proxy", "http://p:1"), ("ALL_PROXY", "http://p:2")], http, Some("http://p:1/")),
      (&[("https_proxy", ""), ("HTTPS_PROXY", "http://p:2")], https, Some("http://p:2/")),
      (&[("https_proxy", " "), ("HTTPS_PROXY", "\t")], https, None),
      (&[("HTTP_PROXY", "http://p:1"), ("REQUEST_METHOD", "GET")], http, None),
      (&[("http_proxy", "http://p:1"), ("REQUEST_METHOD", "GET")], http, Some("http://p:1/")),
      (&[("https_proxy", "http://p:1"), ("no_proxy", "a.test")], https, None),
      (
        &[("https_proxy", "http://p:1"), ("no_proxy", "b.test"), ("NO_PROXY", "a.test")],
        https,
        Some("http://p:1/"),
      ),
    ] {
      assert_eq!(found(variables, url), Ok(expected.map(str::to_owned)), "{variables:?} {url}");
    }
  }

  #[test]
  fn this_machine_is_requested_directly_and_every_other_host_by_the_proxy() {
    for proxy in ["http://p.test:1", "not a proxy"] {
      let variables = [("ALL_PROXY", proxy)];
      for url in
        ["http://localhost:8723", "https://LOCALHOST", "http://127.0.0.1", "http://[::1]:1"]
      {
        assert_eq!(found(&variables, url), Ok(None), "{url}");
      }
      for url in ["https://a.test", "http://localhost.a.test", "http://127.0.0.2"] {
        assert_ne!(found(&variables, url), Ok(None), "{url}");
      }
    }
  }

  #[test]
  fn a_proxy_is_read_as_users_write_it() {
    for (value, expected) in [
      ("  http://p.test:3128 \n", "http://p.test:3128/"),
      ("p.test:3128", "http://p.test:3128/"),
      ("p.test", "http://p.test/"),
      ("HTTP://P.test:3128/path?query", "http://p.test:3128/"),
      ("https://p.test", "https://p.test/"),
      ("http://[::1]:3128", "http://[::1]:3128/"),
      ("user:pass@p.test:3128", "http://user:pass@p.test:3128/"),
      ("http://us%40er:p%3Ass%2F@p.test:3128", "http://us%40er:p%3Ass%2F@p.test:3128/"),
      ("http://user:p@ss@p.test:3128", "http://user:p%40ss@p.test:3128/"),
      ("http://user@p.test:3128", "http://user@p.test:3128/"),
      ("socks5://p.test", "socks5://p.test:1080"),
      ("socks5h://user:pass@p.test:9", "socks5h://user:pass@p.test:9"),
      ("socks4a://p.test:9", "socks4a://p.test:9"),
      ("socks://p.test:9/", "socks5h://p.test:9"),
    ] {
      let found = found(&[("HTTPS_PROXY", value)], "https://a.test");
      assert_eq!(found, Ok(Some(expected.to_owned())), "{value}");
    }
  }

  #[test]
  fn a_value_that_is_no_proxy_is_an_error_that_names_the_variable_and_shows_no_password() {
    for (value, hint) in [
      ("http://", "https_proxy is not the URL of a proxy"),
      ("http://:3128", "https_proxy is not the URL of a proxy"),
      ("http://p.test:port", "https_proxy is not the URL of a proxy"),
      ("http://p.test:99999", "https_proxy is not the URL of a proxy"),
      ("http://user:12#3secret@p.test:3128", "percent-encoded"),
      ("http://user:12/3secret@p.test:3128", "percent-encoded"),
      ("http://user:12?3secret@p.test:3128", "percent-encoded"),
      ("\"http://p.test:3128\"", "https_proxy is not the URL of a proxy"),
      ("http://a b.test", "https_proxy is not the URL of a proxy"),
      ("ftp://user:secret@p.test", "https_proxy: ftp is not a kind of proxy"),
      ("socks6://p.test", "https_proxy: socks6 is not a kind of proxy"),
    ] {
      let error = found(&[("https_proxy", value)], "https://a.test").unwrap_err().to_string();
      assert!(error.contains(hint), "{value}: {error}");
      assert!(!error.contains("secret"), "{error}");
    }
  }

  #[test]
  fn a_refusal_tells_missing_from_wrong_credentials_and_shows_none() {
    let refusal = |value: &str| {
      let proxies = proxies(&[("HTTPS_PROXY", value)]);
      let proxy = proxies.find(&Url::parse("https://a.test").unwrap()).unwrap().unwrap();
      assert!(!format!("{proxies:?}").contains("secret"));
      proxy.refusal()
    };
    assert!(refusal("http://p.test:3128").contains("requires credentials (set HTTPS_PROXY to"));
    let refused = refusal("http://user:secret@p.test:3128");
    assert!(
      refused.contains("the proxy http://p.test:3128/ refuses the credentials in HTTPS_PROXY")
    );
    assert!(!refused.contains("secret") && !refused.contains("user:"), "{refused}");
  }

  proptest! {
    #[test]
    fn any_value_is_a_proxy_or_an_error_and_never_ignored(value in "\\PC*") {
      let found = found(&[("HTTPS_PROXY", &value)], "https://a.test");
      prop_assert_eq!(found == Ok(None), value.trim().is_empty());
    }
  }
}
