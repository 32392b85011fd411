//! Case without the flags `u` and `v`: `Canonicalize` in ECMA-262, section 22.2.2.7.3.

use std::{
  collections::{BTreeMap, HashMap},
  sync::OnceLock,
};

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

/// Adds the characters that equal one of the set when case is ignored.
pub fn extend(set: &mut ClassUnicode) {
  let groups = groups();
  let mut more = Vec::new();
  for range in set.ranges() {
    for (_, group) in groups.range(range.start()..=range.end()) {
      more.extend(group.iter().map(|character| ClassUnicodeRange::new(*character, *character)));
    }
  }
  set.union(&ClassUnicode::new(more));
}

/// Where Unicode 17 has letters with case that the tables of `regex-syntax`, of Unicode 16, lack.
const NEWER: [(char, char); 2] = [('\u{a7ce}', '\u{a7d5}'), ('\u{16ea0}', '\u{16ed3}')];

/// Adds the other case of those letters, as far as the standard library knows it.
pub fn extend_newer(set: &mut ClassUnicode) {
  let mut newer = ClassUnicode::new(NEWER.map(|(first, last)| ClassUnicodeRange::new(first, last)));
  newer.intersect(set);
  let letters = newer.ranges().iter().flat_map(|range| range.start()..=range.end());
  let cases: Vec<_> = letters
    .flat_map(|letter| letter.to_lowercase().chain(letter.to_uppercase()))
    .map(|letter| ClassUnicodeRange::new(letter, letter))
    .collect();
  set.union(&ClassUnicode::new(cases));
}

/// The characters that are equal when case is ignored, by each of them.
fn groups() -> &'static BTreeMap<char, Vec<char>> {
  static GROUPS: OnceLock<BTreeMap<char, Vec<char>>> = OnceLock::new();
  GROUPS.get_or_init(|| {
    let mut by_form: HashMap<char, Vec<char>> = HashMap::new();
    for character in '\0'..='\u{ffff}' {
      by_form.entry(canonical(character)).or_default().push(character);
    }
    let groups = by_form.into_values().filter(|group| group.len() > 1);
    groups
      .flat_map(|group| group.clone().into_iter().map(move |one| (one, group.clone())))
      .collect()
  })
}

/// The form in which characters are compared.
fn canonical(character: char) -> char {
  let mut upper = character.to_uppercase();
  match (upper.next(), upper.next()) {
    (Some(one), None) if u32::from(one) <= 0xFFFF && (character.is_ascii() || !one.is_ascii()) => {
      one
    }
    _ => character,
  }
}
