//! `NO_PROXY`: the hosts that are requested directly.

use core::net::IpAddr;

use url::{Host, Url};

use super::values::filled;

/// The hosts that are requested directly. Default: none.
#[derive(Clone, Debug, Default)]
pub struct Bypass(Vec<Entry>);

/// An entry of the list.
#[derive(Clone, Debug)]
struct Entry {
  hosts: Hosts,
  /// The port of the request; `None`: any.
  port: Option<u16>,
}

#[derive(Clone, Debug)]
enum Hosts {
  /// `*`.
  All,
  /// `corp.test`, `.corp.test`, `*.corp.test`: this domain and those below it.
  Domain(String),
  /// `*corp.test`: all names that end so.
  Suffix(String),
  /// `10.0.0.1`, `10.0.0.0/8`, `10.0.0.1-10.0.0.9`: the addresses from the first to the last.
  Addresses(IpAddr, IpAddr),
}

impl Bypass {
  /// Reads a list. Its entries are separated by commas or white space.
  pub fn parse(list: &str) -> Self {
    let entries = list.split(|at: char| at == ',' || at.is_whitespace()).filter_map(filled);
    Self(entries.filter_map(|entry| Entry::parse(&entry)).collect())
  }

  /// Whether `url` is requested directly.
  pub fn contains(&self, url: &Url) -> bool {
    let Some(host) = url.host() else { return false };
    let port = url.port_or_known_default();
    self
      .0
      .iter()
      .any(|entry| (entry.port.is_none() || entry.port == port) && entry.hosts.contains(&host))
  }
}

impl Entry {
  fn parse(text: &str) -> Option<Self> {
    if let Some(hosts) = Hosts::addresses(text) {
      return Some(Self { hosts, port: None });
    }
    let (host, port) = match text.rsplit_once(':') {
      Some((host, port)) => (host, Some(port.parse().ok()?)),
      None => (text, None),
    };
    let hosts = Hosts::addresses(host).unwrap_or_else(|| Hosts::names(host));
    Some(Self { hosts, port })
  }
}

impl Hosts {
  fn names(text: &str) -> Self {
    let name = text.trim_end_matches('.').to_ascii_lowercase();
    if name == "*" {
      return Self::All;
    }
    match name.strip_prefix('*').unwrap_or(&name).strip_prefix('.') {
      Some(domain) => Self::Domain(domain.to_owned()),
      None => match name.strip_prefix('*') {
        Some(suffix) => Self::Suffix(suffix.to_owned()),
        None => Self::Domain(name),
      },
    }
  }

  /// An address, a network or a range; `None`: it is neither.
  fn addresses(text: &str) -> Option<Self> {
    if let Some((first, last)) = text.split_once('-') {
      return Some(Self::Addresses(address(first)?, address(last)?));
    }
    match text.split_once('/') {
      Some((base, bits)) => network(address(base)?, bits.parse().ok()?),
      None => address(text).map(|address| Self::Addresses(address, address)),
    }
  }

  fn contains(&self, host: &Host<&str>) -> bool {
    let address = match host {
      Host::Domain(_) => None,
      Host::Ipv4(address) => Some(IpAddr::V4(*address)),
      Host::Ipv6(address) => Some(IpAddr::V6(*address).to_canonical()),
    };
    let name = match host {
      Host::Domain(name) => name.trim_end_matches('.'),
      Host::Ipv4(_) | Host::Ipv6(_) => "",
    };
    match self {
      Self::All => true,
      Self::Domain(domain) => name
        .strip_suffix(domain.as_str())
        .is_some_and(|front| !name.is_empty() && (front.is_empty() || front.ends_with('.'))),
      Self::Suffix(suffix) => !name.is_empty() && name.ends_with(suffix.as_str()),
      Self::Addresses(first, last) => {
        address.is_some_and(|it| it.is_ipv4() == first.is_ipv4() && (*first..=*last).contains(&it))
      }
    }
  }
}

/// An address, in brackets or not.
fn address(text: &str) -> Option<IpAddr> {
  let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
  bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// The addresses that have the first `bits` bits of `base`.
fn network(base: IpAddr, bits: u32) -> Option<Hosts> {
  match base {
    IpAddr::V4(base) => {
      let rest = u32::MAX.checked_shr(bits).unwrap_or(0);
      let first = base.to_bits() & !rest;
      (bits <= u32::BITS)
        .then(|| Hosts::Addresses(IpAddr::V4(first.into()), IpAddr::V4((first | rest).into())))
    }
    IpAddr::V6(base) => {
      let rest = u128::MAX.checked_shr(bits).unwrap_or(0);
      let first = base.to_bits() & !rest;
      (bits <= u128::BITS)
        .then(|| Hosts::Addresses(IpAddr::V6(first.into()), IpAddr::V6((first | rest).into())))
    }
  }
}

#[cfg(test)]
mod tests {
  use proptest::prelude::*;

  use super::*;

  fn is_direct(list: &str, url: &str) -> bool {
    Bypass::parse(list).contains(&Url::parse(url).unwrap())
  }

  #[test]
  fn a_host_is_excluded_as_curl_or_node_excludes_it() {
    for (list, url) in [
      ("*", "https://a.test"),
      ("b.test, *", "https://[::1]"),
      ("corp.test", "https://corp.test"),
      ("corp.test", "https://a.corp.test"),
      (".corp.test", "https://a.corp.test"),
      (".corp.test", "https://corp.test"),
      ("*.corp.test", "https://a.b.corp.test"),
      ("*.corp.test", "https://corp.test"),
      ("*corp.test", "https://mycorp.test"),
      ("CORP.Test", "https://corp.TEST"),
      ("corp.test.", "https://corp.test"),
      ("corp.test", "https://corp.test."),
      (" a.test , corp.test ", "https://corp.test"),
      ("a.test corp.test", "https://corp.test"),
      ("a.test\tcorp.test\n", "https://corp.test"),
      (",,corp.test,", "https://corp.test"),
      ("corp.test:443", "https://corp.test"),
      ("corp.test:8443", "https://corp.test:8443"),
      ("*.corp.test:8443", "https://a.corp.test:8443"),
      ("*:8443", "https://corp.test:8443"),
      ("10.1.2.3", "https://10.1.2.3"),
      ("10.1.2.3:8443", "https://10.1.2.3:8443"),
      ("10.0.0.0/8", "https://10.1.2.3"),
      ("10.9.9.9/8", "https://10.1.2.3"),
      ("0.0.0.0/0", "https://10.1.2.3"),
      ("10.1.2.3/32", "https://10.1.2.3"),
      ("10.1.2.1-10.1.2.9", "https://10.1.2.3"),
      ("::1", "https://[::1]"),
      ("[::1]", "https://[::1]:8443"),
      ("[::1]:8443", "https://[::1]:8443"),
      ("fd00::/8", "https://[fd12::1]"),
      ("[fd00::]/8", "https://[fd12::1]"),
      ("::ffff:10.1.2.3", "https://10.1.2.3"),
      ("10.0.0.0/8", "https://[::ffff:10.1.2.3]"),
    ] {
      assert!(is_direct(list, url), "{list} {url}");
    }
  }

  #[test]
  fn other_hosts_are_not_excluded() {
    for (list, url) in [
      ("", "https://a.test"),
      (" , ", "https://a.test"),
      (".", "https://10.1.2.3"),
      ("corp.test", "https://mycorp.test"),
      ("*.corp.test", "https://mycorp.test"),
      ("corp.test", "https://corp.test.example"),
      ("a.corp.test", "https://corp.test"),
      ("corp.test:8443", "https://corp.test"),
      ("corp.test:http", "https://corp.test"),
      ("10.0.0.0/8", "https://11.1.2.3"),
      ("10.0.0.0/33", "https://10.1.2.3"),
      ("10.0.0.0/x", "https://10.1.2.3"),
      ("10.1.2.1-10.1.2.9", "https://10.1.2.10"),
      ("10.1.2.9-10.1.2.1", "https://10.1.2.3"),
      ("fd00::/8", "https://[fe80::1]"),
      ("::/0", "https://10.1.2.3"),
      ("0.0.0.0/0", "https://[::1]"),
      ("0.0.0.0/0", "https://a.test"),
      ("3", "https://10.1.2.3"),
    ] {
      assert!(!is_direct(list, url), "{list} {url}");
    }
  }

  proptest! {
    #[test]
    fn any_list_is_read(list in "\\PC*", host in "[a-z0-9.-]{1,20}") {
      if let Ok(url) = Url::parse(&format!("https://{host}")) {
        Bypass::parse(&list).contains(&url);
      }
    }

    #[test]
    fn a_network_contains_the_addresses_that_share_its_bits(base: u32, other: u32, bits in 0u32..=32) {
      let text = format!("{}/{bits}", core::net::Ipv4Addr::from(base));
      let url = format!("https://{}", core::net::Ipv4Addr::from(other));
      let shared = (base ^ other).leading_zeros() >= bits;
      prop_assert_eq!(is_direct(&text, &url), shared);
    }
  }
}
