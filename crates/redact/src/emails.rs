//! E-mail addresses, with letters of any script.
//!
//! The classes are written out: the tables of Unicode that `\w` needs would be 15 KB of the WebAssembly module. They
//! have all that `\w` matches. What they match besides are rare symbols, such as musical notes.

use std::{iter, ops::Range};

/// Members of a class: ASCII letters, and all characters of other scripts but their punctuation and symbols.
macro_rules! letters {
  () => {
    concat!(
      r"A-Za-z[^\x00-\u{A9}\u{AB}-\u{B4}\u{B6}-\u{B9}\u{BB}-\u{BF}\u{D7}\u{F7}",
      // Punctuation of Greek, Armenian, Hebrew, Arabic, Syriac and Devanagari.
      r"\u{37E}\u{387}\u{55A}-\u{55F}\u{589}\u{58A}\u{5BE}\u{5C0}\u{5C3}\u{5F3}-\u{60F}\u{61B}-\u{61F}",
      r"\u{66A}-\u{66D}\u{6D4}\u{700}-\u{70F}\u{964}\u{965}",
      // Spaces, general punctuation without its joiners and ties, currencies, arrows to dingbats, supplements.
      r"\u{2000}-\u{200B}\u{200E}-\u{203E}\u{2041}-\u{2053}\u{2055}-\u{2070}\u{2072}-\u{207E}",
      r"\u{2080}-\u{208F}\u{209D}-\u{20CF}\u{2189}-\u{24B5}\u{24EA}-\u{2BFF}\u{2E00}-\u{2E2E}",
      // Punctuation and symbols of Chinese, Japanese and Korean, also in small and wide forms.
      r"\u{2E30}-\u{3004}\u{3008}-\u{3020}\u{3030}\u{303D}-\u{3040}\u{30A0}\u{30FB}\u{3200}-\u{33FF}",
      r"\u{4DC0}-\u{4DFF}\u{FE10}-\u{FE1F}\u{FE30}-\u{FE32}\u{FE35}-\u{FE4C}\u{FE50}-\u{FE6F}",
      r"\u{FEFD}-\u{FF0F}\u{FF1A}-\u{FF20}\u{FF3B}-\u{FF3E}\u{FF40}\u{FF5B}-\u{FF65}",
      // Private use, specials, pictures.
      r"\u{E000}-\u{F8FF}\u{FFDD}-\u{FFFF}\u{1F000}-\u{1F12F}\u{1F18A}-\u{1FBEF}]",
    )
  };
}

/// Members of a class: what names are made of.
macro_rules! word {
  () => {
    concat!("0-9_", letters!())
  };
}

/// A part before the sign, which may be quoted; a domain, whose last label has no digits.
pub const EXPRESSION: &str = concat!(
  r"(?:[.%+&'’\-",
  word!(),
  r#"]+|"(?:[^"\\\r\n]|\\.){1,64}")(?:@|%40)(?:[\-"#,
  word!(),
  r"]+\.)+(?:xn--[\-",
  word!(),
  r"]+|[",
  letters!(),
  r"]{2,})",
);

/// The forms of pictures for several resolutions.
const PICTURES: [&str; 7] = ["png", "jpg", "jpeg", "webp", "avif", "gif", "svg"];

/// A match without the letter of an escape before it: text that is not JSON may contain `\nada@example.com`. None if it is
/// the name of a file, such as `logo@2x.png`, or has the version of a package, `app@1.0.0.tgz`.
pub fn accepted(text: &str, found: Range<usize>) -> Vec<Range<usize>> {
  let before = text.get(..found.start).unwrap_or_default();
  let shown = text.get(found.clone()).unwrap_or_default();
  let domain = shown.rsplit_once('@').map_or("", |(_, domain)| domain);
  let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
  let picture = domain.split_once("x.").filter(|(scale, _)| is_number(scale));
  let is_picture = picture.is_some_and(|(_, form)| PICTURES.contains(&form));
  // Three numbers: four are an address.
  if is_picture || domain.split('.').take_while(|part| is_number(part)).count() == 3 {
    return Vec::new();
  }
  let is_escape = before.ends_with('\\') && shown.starts_with(['n', 'r', 't', 'b', 'f']);
  let is_longer = shown.as_bytes().get(1).is_some_and(|byte| *byte != b'@');
  iter::once(found.start + usize::from(is_escape && is_longer)..found.end).collect()
}

#[cfg(test)]
mod tests {
  use regex_syntax::hir::{Class, HirKind};

  /// Whether a class has each character.
  fn class(expression: &str) -> impl Fn(char) -> bool {
    let parsed = regex_syntax::parse(expression).unwrap();
    let HirKind::Class(Class::Unicode(class)) = parsed.into_kind() else { panic!("no class") };
    move |one| class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&one))
  }

  #[test]
  fn the_classes_have_all_that_unicode_calls_letters_and_digits() {
    let (word, letter) = (class(concat!("[", word!(), "]")), class(concat!("[", letters!(), "]")));
    let (unicode_word, unicode_letter) = (class(r"\w"), class(r"[^\W\d_]"));
    for one in '\0'..=char::MAX {
      assert!(word(one) || !unicode_word(one), "{}", one.escape_unicode());
      assert!(letter(one) || !unicode_letter(one), "{}", one.escape_unicode());
    }
  }

  #[test]
  fn ascii_spaces_and_the_punctuation_around_addresses_are_none() {
    let (word, letter) = (class(concat!("[", word!(), "]")), class(concat!("[", letters!(), "]")));
    for one in '\0'..='\u{7F}' {
      assert_eq!(word(one), one.is_ascii_alphanumeric() || one == '_', "{one:?}");
      assert_eq!(letter(one), one.is_ascii_alphabetic(), "{one:?}");
    }
    let around = "«»„“”‘’‚‹›…·–—、。「」『』【】〈〉《》（），：；＜＞［］｛｝｜，！？＠→⇒•●★✓😀🔥\u{A0}\u{2003}\u{3000}\u{FEFF}";
    for one in around.chars() {
      assert!(!word(one) && !letter(one), "{one:?}");
    }
    let spaces = ('\0'..=char::MAX).filter(|one| one.is_whitespace() || one.is_control());
    for one in spaces.filter(|one| !matches!(one, '\u{1680}')) {
      assert!(!word(one), "{}", one.escape_unicode());
    }
  }
}
