//! Escapes, in classes and outside of them.

use super::{
  charset::{self, Charset},
  cursor::Cursor,
  refusal::Refusal,
};

/// What an escape stands for.
pub enum Escape {
  /// One code point or code unit.
  Character(u32),
  /// `\d` and others. Case is already ignored where it must be.
  Set(Charset),
  /// `\b`
  Boundary,
  /// `\B`
  NoBoundary,
}

impl Cursor {
  /// Reads an escape; the backslash is read.
  pub fn escape(&mut self) -> Result<Escape, Refusal> {
    let Some(unit) = self.take() else { return Err(Refusal::Syntax("\\ at the end")) };
    let character = char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER);
    let written = || format!("\\{character}");
    let code = match character {
      'd' => return Ok(Escape::Set(charset::digits())),
      'D' => return Ok(Escape::Set(charset::negated(charset::digits()))),
      's' => return Ok(Escape::Set(self.cased(charset::spaces()))),
      'S' => return Ok(Escape::Set(self.cased(charset::negated(charset::spaces())))),
      'w' => return Ok(Escape::Set(self.word())),
      'W' => return Ok(Escape::Set(charset::negated(self.word()))),
      'b' => return Ok(Escape::Boundary),
      'B' => return Ok(Escape::NoBoundary),
      't' => 0x9,
      'n' => 0xA,
      'v' => 0xB,
      'f' => 0xC,
      'r' => 0xD,
      '0' if !self.peek().is_some_and(|next| (0x30..=0x39).contains(&next)) => 0,
      '0'..='9' | 'k' => return Err(Refusal::BackReference(written())),
      'p' | 'P' if self.is_unicode() => return Err(Refusal::Property(written())),
      'q' if self.is_unicode() => return Err(Refusal::ClassString("\\q")),
      'c' => match self.take().and_then(char::from_u32) {
        Some(letter) if letter.is_ascii_alphabetic() => u32::from(letter) % 32,
        _ => return Err(Refusal::Escape(written())),
      },
      'x' => self.hex(2).ok_or_else(|| Refusal::Escape(written()))?,
      'u' => self.code_point()?,
      _ if self.is_unicode() && !"^$\\.*+?()[]{}|/-&!#%,:;<=>@`~".contains(character) => {
        return Err(Refusal::Syntax("unknown escape"));
      }
      _ => unit,
    };
    Ok(Escape::Character(code))
  }

  /// `\w`, which has two more letters with the flags `i` and `u`.
  fn word(&self) -> Charset {
    self.cased(charset::word())
  }

  /// What follows `\u`.
  fn code_point(&mut self) -> Result<u32, Refusal> {
    let refused = || Refusal::Escape("\\u".to_owned());
    if !self.is_unicode() {
      return self.hex(4).ok_or_else(refused);
    }
    if self.eat('{') {
      let mut code: u32 = 0;
      let mut digits = 0;
      while !self.eat('}') {
        let digit = self.take().and_then(char::from_u32).and_then(|digit| digit.to_digit(16));
        code = code.saturating_mul(16).saturating_add(digit.ok_or_else(refused)?);
        digits += 1;
      }
      return if digits > 0 && code <= 0x10_FFFF { self.whole(code) } else { Err(refused()) };
    }
    let first = self.hex(4).ok_or_else(refused)?;
    if (0xD800..0xDC00).contains(&first) && self.eat('\\') {
      let second = self.eat('u').then(|| self.hex(4)).flatten();
      return match second {
        Some(second @ 0xDC00..=0xDFFF) => {
          Ok(0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00))
        }
        _ => Err(Refusal::HalfPair(format!("\\u{first:04x}"))),
      };
    }
    self.whole(first)
  }

  fn whole(&self, code: u32) -> Result<u32, Refusal> {
    if char::from_u32(code).is_none() {
      return Err(Refusal::HalfPair(format!("\\u{code:04x}")));
    }
    Ok(code)
  }

  /// A number of exactly so many hexadecimal digits.
  fn hex(&mut self, length: usize) -> Option<u32> {
    let mut code = 0;
    for _ in 0..length {
      code = code * 16 + self.take().and_then(char::from_u32)?.to_digit(16)?;
    }
    Some(code)
  }
}
