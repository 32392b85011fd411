use std::sync::LazyLock;

use proptest::prelude::*;

use super::{full, small};
use crate::{
  builtin::{BUILTINS, Builtin},
  ecma,
};

/// An expression by both engines, alone and among others.
struct Both {
  alone: (full::Expression, small::Expression),
  among: (full::Set, small::Set),
}

impl Both {
  /// `None` when both refuse it.
  fn new(source: &str) -> Option<Self> {
    let alone = match (full::Expression::new(source), small::Expression::new(source)) {
      (Ok(full), Ok(small)) => (full, small),
      (full, small) => {
        assert!(full.is_err() && small.is_err(), "{source}");
        return None;
      }
    };
    assert_eq!(alone.0.source(), alone.1.source());
    let all = [source, "zebra"];
    let among = (full::Set::new(&all).unwrap(), small::Set::new(&all).unwrap());
    Some(Self { alone, among })
  }

  /// Both find the same in a text.
  fn check(&self, text: &str) -> Result<(), TestCaseError> {
    let (full, small) = &self.alone;
    prop_assert_eq!(full.matches(text), small.matches(text), "{} in {:?}", full.source(), text);
    let groups = (full.first_groups(text), small.first_groups(text));
    prop_assert_eq!(groups.0, groups.1, "{} in {:?}", full.source(), text);
    let (full, small) = &self.among;
    prop_assert_eq!(full.is_match(text), small.is_match(text));
    Ok(())
  }
}

static BY_BUILTINS: LazyLock<Vec<Both>> = LazyLock::new(|| {
  BUILTINS.iter().map(|Builtin { expression, .. }| Both::new(expression).unwrap()).collect()
});

/// A part of a text in which builtins find something.
const FOUND: &str = "[a-c@.:/ \n-]{0,6}|sk-[A-Za-z0-9]{20,24}|[a-z]{1,4}@[a-zé]{1,4}\\.(com|de)\
  |4111[ -]?1111[ -]?1111[ -]?1111|[Bb]earer [a-z0-9]{8,12}|(25|1)[0-9]\\.[0-9]{1,3}\\.0\\.[0-9]\
  |(2001:db8)?::[0-9a-f]{1,4}|eyJ[A-Za-z0-9_-]{8,12}\\.[a-z]{8,9}\\.[a-z]{0,3}\
  |-----BEGIN (RSA )?PRIVATE KEY-----[A-Za-z0-9+/\n]{0,9}(-----END PRIVATE KEY-----)?";

proptest! {
  #[test]
  fn both_engines_find_the_same_by_builtins(parts in prop::collection::vec(FOUND, 0..8)) {
    for both in BY_BUILTINS.iter() {
      both.check(&parts.join(" "))?;
    }
  }

  #[test]
  fn both_engines_find_the_same_by_expressions_of_the_option(
    source in r"(([ab.]|\\[wbBsd]|\[\^?[ab]{1,2}\]|\((a\?|b|ab)\))([*+?]|\{1,2\})?\??\|?){1,4}",
    flags in "[imsu]{0,2}", text in "([abzé \n]|\u{1F600}){0,12}",
  ) {
    let both = ecma::translate(&source, &flags).ok().and_then(|one| Both::new(&one.expression));
    if let Some(both) = both {
      both.check(&text)?;
    }
  }
}

proptest! {
  #![proptest_config(ProptestConfig::with_cases(8))]

  #[test]
  fn both_engines_find_the_same_in_texts_that_are_too_long_for_the_backtracker(
    parts in prop::collection::vec(FOUND, 1..8),
  ) {
    let text = format!("{}{}{}", parts.join(" "), " word".repeat(8_000), parts.join(" "));
    for both in BY_BUILTINS.iter() {
      both.check(&text)?;
    }
  }
}

#[test]
fn both_engines_refuse_what_is_too_large_or_no_expression() {
  let too_large = "(?:[a-z\\x{100}-\\x{10000}]{500}){500}";
  for (source, why) in [(too_large, "exceeds size limit"), ("(", "nested too deeply")] {
    assert!(full::Expression::new(source).is_err());
    assert!(small::Expression::new(source).unwrap_err().0.contains(why));
  }
}
