//! Letters that are equal when case is ignored, by the tables of the standard library: those of `regex-syntax` would
//! take another part of the WebAssembly module.

use std::{
  collections::{BTreeMap, HashMap},
  sync::OnceLock,
};

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

/// The last character that has case, and some behind it.
const LAST: char = '\u{1ffff}';
/// The other last one, without the flags `u` and `v`: code units.
const LAST_UNIT: char = '\u{ffff}';

/// The characters that are equal, by each of them.
type Groups = BTreeMap<char, Vec<char>>;

/// Adds the characters that equal one of the set when case is ignored without the flags `u` and `v`.
pub fn extend(set: &mut ClassUnicode) {
  static GROUPS: OnceLock<Groups> = OnceLock::new();
  extend_by(set, GROUPS.get_or_init(|| groups(LAST_UNIT, canonical)));
}

/// The same with the flag `u` or `v`.
pub fn extend_unicode(set: &mut ClassUnicode) {
  static GROUPS: OnceLock<Groups> = OnceLock::new();
  extend_by(set, GROUPS.get_or_init(|| groups(LAST, folded)));
}

fn extend_by(set: &mut ClassUnicode, groups: &Groups) {
  let mut more = Vec::new();
  for range in set.ranges() {
    for (_, group) in groups.range(range.start()..=range.end()) {
      more.extend(group.iter().map(|character| ClassUnicodeRange::new(*character, *character)));
    }
  }
  set.union(&ClassUnicode::new(more));
}

fn groups(last: char, form: fn(char) -> char) -> Groups {
  let mut by_form: HashMap<char, Vec<char>> = HashMap::new();
  for character in '\0'..=last {
    by_form.entry(form(character)).or_default().push(character);
  }
  let mut groups = Groups::new();
  for group in by_form.into_values().filter(|group| group.len() > 1) {
    for character in &group {
      groups.insert(*character, group.clone());
    }
  }
  groups
}

/// The form in which characters are compared: `Canonicalize` in ECMA-262, section 22.2.2.7.3.
fn canonical(character: char) -> char {
  match single(character.to_uppercase()) {
    Some(one) if u32::from(one) <= 0xFFFF && (character.is_ascii() || !one.is_ascii()) => one,
    _ => character,
  }
}

/// The same with the flag `u` or `v`: `scf` of Unicode's `CaseFolding.txt`.
fn folded(character: char) -> char {
  match character {
    // Its upper case is that of `i`.
    '\u{131}' => '\u{131}',
    // Equal in more than one step.
    '\u{1fd3}' => '\u{390}',
    '\u{1fe3}' => '\u{3b0}',
    '\u{fb05}' => '\u{fb06}',
    _ => {
      let upper = single(character.to_uppercase()).unwrap_or(character);
      single(upper.to_lowercase()).unwrap_or(upper)
    }
  }
}

/// The only character; `None` when there are several.
fn single(mut characters: impl Iterator<Item = char>) -> Option<char> {
  let first = characters.next()?;
  characters.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
  use super::*;

  /// Where Unicode 17 has letters with case that the tables of `regex-syntax`, of Unicode 16, lack.
  const NEWER: [(char, char); 2] = [('\u{a7ce}', '\u{a7d5}'), ('\u{16ea0}', '\u{16ed3}')];

  #[test]
  fn with_the_flag_u_letters_are_equal_as_in_the_tables_of_unicode() {
    for character in '\0'..=LAST {
      let mut ours = ClassUnicode::new([ClassUnicodeRange::new(character, character)]);
      let mut theirs = ours.clone();
      extend_unicode(&mut ours);
      theirs.try_case_fold_simple().unwrap();
      let is_newer = NEWER.iter().any(|(first, last)| (*first..=*last).contains(&character));
      assert!(ours == theirs || is_newer, "{character:?}: {ours:?} {theirs:?}");
    }
    let others = ClassUnicode::new([ClassUnicodeRange::new('\u{20000}', char::MAX)]);
    let mut folded = others.clone();
    folded.try_case_fold_simple().unwrap();
    assert_eq!(others, folded, "no letter behind those has case");
  }
}
