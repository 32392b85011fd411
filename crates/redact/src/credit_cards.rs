//! Card numbers among digits.

use std::ops::Range;

/// Digits that may contain a card number, with separators. The first group is all of them.
pub const EXPRESSION: &str = concat!(
  // The first track of a card begins with `%B`, an escape in a form with `%20`.
  r"(?:%B|%20|",
  before!(),
  ")",
  r"([0-9](?:(?:[ .\x{A0}\x{2009}\x{2010}-\x{2015}\x{202F}-]{1,2}|\+|%2[0Dd])?[0-9]){12,})",
);

/// How many digits a card number has (ISO/IEC 7812-1), and at most how many groups.
const LENGTHS: Range<usize> = 13..20;

/// A run of digits without separators: its position, and that of its first digit among all digits.
struct Group {
  range: Range<usize>,
  first: usize,
  /// Whether the separator before it is one that other numbers have, too: a dot of decimals, `+` of sums, `%20` and `%2D` of lists.
  after_mark: bool,
}

/// The card numbers in a match: whole groups of digits, with a valid check digit.
pub fn accepted(text: &str, found: Range<usize>) -> Vec<Range<usize>> {
  let shown = text.get(found.clone()).unwrap_or_default();
  let is_cut = text.as_bytes().get(found.end).is_some_and(u8::is_ascii_alphanumeric);
  let (digits, mut groups) = read(shown, found.start);
  // A letter follows: the last digits belong to another word.
  let last = if is_cut { groups.pop().map(|group| group.first) } else { None };
  let digits = digits.get(..last.unwrap_or(digits.len())).unwrap_or_default();
  let mut cards = Vec::new();
  let mut from = 0;
  while let Some(start) = groups.get(from) {
    let mut ends =
      groups.iter().enumerate().skip(from).take(LENGTHS.end).filter_map(|(index, group)| {
        let next = groups.get(index + 1);
        let digits = digits.get(start.first..next.map_or(digits.len(), |next| next.first))?;
        let has_marks =
          || groups.get(from + 1..=index).unwrap_or_default().iter().any(|g| g.after_mark);
        let is_grouped = || has_groups_of_card(groups.get(from..=index).unwrap_or_default());
        // In a form, spaces are marks: more digits may follow.
        let touches_mark = start.after_mark
          || next.is_some_and(|next| next.after_mark) && !begins_field(text, start.range.start);
        let is_card = !touches_mark && is_card_number(digits) && (!has_marks() || is_grouped());
        is_card.then_some((index, group.range.end))
      });
    match ends.next_back() {
      Some((index, end)) => {
        if !is_in_uuid(text.as_bytes(), start.range.start) {
          cards.push(start.range.start..end);
        }
        from = index + 1;
      }
      None => from += 1,
    }
  }
  cards
}

/// Whether digits are grouped as on a card: by four, or as those of American Express and Diners Club.
fn has_groups_of_card(groups: &[Group]) -> bool {
  let mut lengths = groups.iter().map(|group| group.range.len());
  lengths.clone().rev().skip(1).all(|length| length == 4)
    || lengths.len() == 3 && lengths.next() == Some(4) && lengths.next() == Some(6)
}

/// Whether the value of a field of a form begins there.
fn begins_field(text: &str, at: usize) -> bool {
  let name = text.get(..at).and_then(|before| before.strip_suffix('='));
  name.is_some_and(|name| name.ends_with(|end: char| end.is_ascii_alphanumeric() || end == ']'))
}

/// Whether a UUID has a group of digits that begins there.
fn is_in_uuid(text: &[u8], start: usize) -> bool {
  let is_uuid = |text: &[u8]| {
    let is_part = |(at, byte): (usize, &u8)| match at {
      8 | 13 | 18 | 23 => *byte == b'-',
      _ => byte.is_ascii_hexdigit(),
    };
    text.iter().enumerate().all(is_part)
  };
  [0, 9, 14, 19].into_iter().any(|before| {
    let uuid = start.checked_sub(before).and_then(|at| text.get(at..at + 36));
    uuid.is_some_and(is_uuid)
  })
}

/// The digits of a text that begins at `offset`, and their groups.
fn read(shown: &str, offset: usize) -> (Vec<u8>, Vec<Group>) {
  let (mut digits, mut groups) = (Vec::new(), Vec::<Group>::new());
  let (mut is_inside, mut after_mark) = (false, false);
  let mut bytes = shown.bytes().enumerate();
  while let Some((index, byte)) = bytes.next() {
    let at = offset + index;
    if byte == b'%' {
      // The digits of `%20` and `%2D` are none of a number.
      bytes.nth(1);
    }
    if !byte.is_ascii_digit() {
      // A dot at the end of a sentence or of a list number is none of a decimal.
      after_mark = matches!(byte, b'.' | b'+' | b'%');
      is_inside = false;
      continue;
    }
    match groups.last_mut().filter(|_| is_inside) {
      Some(group) => group.range.end = at + 1,
      None => groups.push(Group { range: at..at + 1, first: digits.len(), after_mark }),
    }
    is_inside = true;
    digits.push(byte - b'0');
  }
  (digits, groups)
}

/// Whether these are a card number: its length, the first digits of the networks, and the check digit.
fn is_card_number(digits: &[u8]) -> bool {
  // Mastercard, Mir, Diners Club; JCB, American Express; Visa; Maestro, Mastercard; Discover, UnionPay; RuPay.
  let is_issued =
    matches!(digits, [2, 0..=7, ..] | [3, 0 | 4..=9, ..] | [4..=6, ..] | [8, 1 | 2, ..]);
  let is_length =
    LENGTHS.contains(&digits.len()) && (digits.len() > 13 || digits.first() == Some(&4));
  is_issued && is_length && has_check_digit(digits)
}

/// Whether the digits end with the check digit of the others, by Luhn's rule (ISO/IEC 7812-1).
fn has_check_digit(digits: &[u8]) -> bool {
  let sum: u32 = digits
    .iter()
    .rev()
    .enumerate()
    .map(|(place, digit)| {
      let digit = u32::from(*digit);
      if place % 2 == 1 { digit * 2 / 10 + digit * 2 % 10 } else { digit }
    })
    .sum();
  sum.is_multiple_of(10)
}
