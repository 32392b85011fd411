//! Values as users write them: text, numbers, addresses.

use std::time::Duration;

use uuid::Uuid;

use super::error::ConfigError;
use crate::transport::parse_url;

/// The bound of every timeout.
const MAX_TIMEOUT: Duration = Duration::from_secs(600);

/// The value without surrounding white space; `None` if nothing is left.
pub fn filled(value: &str) -> Option<String> {
  let value = value.trim();
  (!value.is_empty()).then(|| value.to_owned())
}

/// An http(s) URL in ASCII, without surrounding white space and a trailing slash. Paths are appended to it: it must have no
/// query or fragment, behind which they would stand.
///
/// # Errors
/// [`ConfigError::BadUrl`] with `name` when it is not one.
pub fn address(name: &'static str, url: String) -> Result<String, ConfigError> {
  let url = url.trim().trim_end_matches('/');
  match parse_url(url) {
    Ok(parsed)
      if url.is_ascii()
        && !url.contains(['?', '#'])
        && ["http", "https"].contains(&parsed.scheme()) =>
    {
      Ok(url.to_owned())
    }
    _ => Err(ConfigError::BadUrl { name }),
  }
}

/// A UUID in groups of hex digits.
///
/// # Errors
/// [`ConfigError::BadProjectId`] when it is not one.
pub fn project_id(id: String) -> Result<String, ConfigError> {
  let groups: Vec<usize> = id.split('-').map(str::len).collect();
  let is_uuid =
    groups == [8, 4, 4, 4, 12] && id.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit());
  if is_uuid { Ok(id) } else { Err(ConfigError::BadProjectId) }
}

/// 64 bits of a hash, from which the parts cannot be recovered.
pub fn fingerprint(parts: &[&str]) -> u64 {
  let name: Vec<u8> = parts.iter().flat_map(|part| part.bytes().chain([0])).collect();
  let (first, _) = Uuid::new_v5(&Uuid::NAMESPACE_URL, &name).as_u64_pair();
  first
}

/// A number, as the option or as the variable's text. Other text is not a number (NaN).
pub fn number(option: Option<f64>, variable: Option<String>) -> Option<f64> {
  option.or_else(|| variable.map(|text| float(&text).unwrap_or(f64::NAN)))
}

/// A number as the standard library reads it: `None` for other text. `serde_json` parses it, because the parser of the
/// standard library would add tables that the WebAssembly module has already.
pub fn float(text: &str) -> Option<f64> {
  let is_number = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
  let (sign, text) = match text.strip_prefix('-') {
    Some(rest) => (-1.0, rest),
    None => (1.0, text.strip_prefix('+').unwrap_or(text)),
  };
  let is_any = |names: &[&str]| names.iter().any(|name| text.eq_ignore_ascii_case(name));
  if is_any(&["inf", "infinity"]) {
    return Some(sign * f64::INFINITY);
  }
  if is_any(&["nan"]) {
    return Some(f64::NAN);
  }
  let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
  let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
  let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
  let is_valid = [whole, fraction, digits].into_iter().all(is_number);
  if !is_valid || digits.is_empty() || (whole.is_empty() && fraction.is_empty()) {
    return None;
  }
  let whole = whole.trim_start_matches('0');
  let json = format!("{}.{fraction}0e{exponent}", if whole.is_empty() { "0" } else { whole });
  // Only a number that is too large is an error.
  Some(sign * serde_json::from_str(&json).unwrap_or(f64::INFINITY))
}

/// A number of bytes.
///
/// # Errors
/// When it is negative or not a number.
pub fn bytes(name: &'static str, number: f64) -> Result<usize, ConfigError> {
  if number.is_nan() || number < 0.0 {
    return Err(ConfigError::BadSize { name });
  }
  Ok(number as usize)
}

/// A count of at least one. As in the `braintrust` package, another number is ignored.
pub fn count(number: f64) -> Option<usize> {
  (number >= 1.0).then_some(number as usize)
}

/// A duration in milliseconds, at most [`MAX_TIMEOUT`].
///
/// # Errors
/// When it is negative or not a number.
pub fn duration(name: &'static str, millis: Option<f64>) -> Result<Option<Duration>, ConfigError> {
  let duration = millis.map(|millis| Duration::try_from_secs_f64(millis / 1000.0)).transpose();
  duration
    .map(|duration| duration.map(|duration| duration.min(MAX_TIMEOUT)))
    .map_err(|_| ConfigError::BadDuration { name })
}

/// The error for a value that is not one of the choices.
pub fn unknown(name: &'static str, choices: &'static str) -> ConfigError {
  ConfigError::UnknownChoice { name, choices }
}

/// An option or a variable that is on or off.
///
/// # Errors
/// When the variable is neither.
pub fn toggle(
  name: &'static str,
  option: Option<bool>,
  variable: Option<String>,
  default: bool,
) -> Result<bool, ConfigError> {
  match (option, variable.as_deref()) {
    (Some(option), _) => Ok(option),
    (None, None) => Ok(default),
    (None, Some("true" | "1")) => Ok(true),
    (None, Some("false" | "0")) => Ok(false),
    _ => Err(unknown(name, "true, false")),
  }
}

#[cfg(test)]
mod tests {
  use proptest::prelude::*;

  use super::*;

  proptest! {
    #[test]
    fn text_is_a_number_as_in_the_standard_library(
      text in "[+-]?([0-9]{0,3}\\.?[0-9]{0,20}([eE][+-]?[0-9]{0,3})?|[iI]nf(inity)?|[nN]a[nN]|[0-9.e ]{0,6}|\\PC{0,4})",
    ) {
      let bits = |number: f64| if number.is_nan() { 0 } else { number.to_bits() };
      prop_assert_eq!(float(&text).map(bits), text.parse().ok().map(bits), "{}", text);
    }
  }

  #[test]
  fn white_space_around_an_address_is_no_part_of_it() {
    let found = address("apiUrl", " https://a.test/ \n".to_owned());
    assert_eq!(found.ok().as_deref(), Some("https://a.test"));
  }

  #[test]
  fn a_host_that_is_not_ascii_is_no_address() {
    for url in [
      "https://b\u{fc}cher.test",
      "https://b%C3%BCcher.test",
      "https://xn--b\u{fc}cher.test",
      "https://xn--.test",
      "https://a.test/\u{fc}",
      "https://\u{202e}a.test",
      "https://\u{ff41}.test",
    ] {
      assert!(address("appUrl", url.to_owned()).is_err(), "{url}");
    }
    assert!(address("appUrl", "https://xn--bcher-kva.test/".to_owned()).is_ok());
  }
}
