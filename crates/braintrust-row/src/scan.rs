//! A scanner over JSON text: one pass, without recursion, and without building values.
//!
//! It checks the structure (brackets, commas, colons, names), not what is inside strings and scalars.
//! Texts that come from a JSON parser are therefore always accepted, and texts that are accepted may
//! still be refused by a JSON parser. Codes of a terminal's colours count as white space. It allocates nothing for the
//! first 64 levels of nesting, and one byte for each level below.

use std::ops::Range;

use super::{string, terminal};

/// What a [`Scanner`] finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
  /// The bracket that begins an object or a list.
  Open(Container),
  /// The bracket that ends the innermost object or list.
  Close(Container),
  /// The name of a member, with its quotes. The next token is its value or begins it.
  Name,
  /// A string that is a value, with its quotes.
  String,
  /// A number, `true`, `false` or `null`.
  Scalar,
}

/// What has brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
  /// `{}`
  Object,
  /// `[]`
  List,
}

/// A token and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
  /// What it is.
  pub token: Token,
  /// Its bytes in the text.
  pub range: Range<usize>,
}

/// The text is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Returns the tokens of a JSON text one after the other.
#[derive(Debug)]
pub struct Scanner<'a> {
  text: &'a [u8],
  at: usize,
  open: OpenContainers,
  expected: Expected,
}

/// The containers that are open.
#[derive(Debug, Default)]
struct OpenContainers {
  depth: usize,
  /// The first [`BITS`](Self::BITS) of them, the innermost one lowest: 1 is an object.
  bits: u64,
  /// Those below.
  deep: Vec<Container>,
}

impl OpenContainers {
  const BITS: usize = 64;

  fn push(&mut self, container: Container) {
    if self.depth < Self::BITS {
      self.bits = self.bits << 1 | u64::from(container == Container::Object);
    } else {
      self.deep.push(container);
    }
    self.depth += 1;
  }

  fn pop(&mut self) -> Option<Container> {
    let last = self.last()?;
    self.depth -= 1;
    if self.depth < Self::BITS {
      self.bits >>= 1;
    } else {
      self.deep.pop();
    }
    Some(last)
  }

  fn last(&self) -> Option<Container> {
    match self.depth {
      0 => None,
      depth if depth > Self::BITS => self.deep.last().copied(),
      _ if self.bits & 1 == 1 => Some(Container::Object),
      _ => Some(Container::List),
    }
  }
}

/// What may come next.
#[derive(Clone, Copy, Debug)]
enum Expected {
  Value,
  /// The first item of the container that was opened just now, or its end.
  FirstItem,
  /// A comma and another item, or the end of the container.
  NextItem,
  End,
}

impl<'a> Scanner<'a> {
  /// A scanner at the beginning of `text`, which is one JSON value.
  pub fn new(text: &'a str) -> Self {
    Self {
      text: text.as_bytes(),
      at: 0,
      open: OpenContainers::default(),
      expected: Expected::Value,
    }
  }

  /// A scanner of the members of an object whose opening bracket is missing. Its closing bracket may follow.
  pub fn of_members(text: &'a str) -> Self {
    let mut scanner = Self::new(text);
    scanner.open.push(Container::Object);
    scanner.expected = Expected::FirstItem;
    scanner
  }

  /// The next token; `None` at the end of the text.
  ///
  /// # Errors
  /// [`Malformed`]. Nothing that follows it is meaningful.
  pub fn next_step(&mut self) -> Result<Option<Step>, Malformed> {
    let byte = self.next_byte();
    match (self.expected, byte) {
      (Expected::End, None) => Ok(None),
      (Expected::Value, Some(byte)) => self.value(byte),
      (Expected::NextItem, Some(b',')) => {
        self.at += 1;
        let byte = self.next_byte().ok_or(Malformed)?;
        self.item(byte)
      }
      (Expected::FirstItem | Expected::NextItem, Some(byte @ (b'}' | b']'))) => self.close(byte),
      (Expected::FirstItem, Some(byte)) => self.item(byte),
      _ => Err(Malformed),
    }
  }

  /// How many containers are open.
  pub fn depth(&self) -> usize {
    self.open.depth
  }

  /// The position up to which the text is read; after an error, that of what is malformed.
  pub fn position(&self) -> usize {
    self.at
  }

  /// Whether the next token begins with this byte.
  pub fn next_is(&mut self, byte: u8) -> bool {
    self.next_byte() == Some(byte)
  }

  /// Skips the value that comes next and returns its bytes. Of a container only the number of brackets is
  /// checked. To be called after a [`Token::Name`] or at the beginning.
  ///
  /// # Errors
  /// [`Malformed`].
  pub fn skip_value(&mut self) -> Result<Range<usize>, Malformed> {
    let byte = self.next_byte().ok_or(Malformed)?;
    let start = self.at;
    self.at = match byte {
      b'"' => string::end(self.text, start).ok_or(Malformed)?,
      b'{' | b'[' => self.end_of_container(start + 1)?,
      _ => self.end_of_scalar()?,
    };
    self.end_item();
    Ok(start..self.at)
  }

  /// Skips the rest of the innermost container and returns the position after it. Only the number of
  /// brackets is checked. To be called after a [`Token::Open`].
  ///
  /// # Errors
  /// [`Malformed`].
  pub fn skip_container(&mut self) -> Result<usize, Malformed> {
    self.at = self.end_of_container(self.at)?;
    self.open.pop();
    self.end_item();
    Ok(self.at)
  }

  /// An item of the innermost container: a value, or the name of a member.
  fn item(&mut self, byte: u8) -> Result<Option<Step>, Malformed> {
    if self.open.last() == Some(Container::List) {
      return self.value(byte);
    }
    if byte != b'"' {
      return Err(Malformed);
    }
    let range = self.at..string::end(self.text, self.at).ok_or(Malformed)?;
    self.at = range.end;
    if self.next_byte() != Some(b':') {
      self.at = range.start;
      return Err(Malformed);
    }
    self.at += 1;
    self.expected = Expected::Value;
    Ok(Some(Step { token: Token::Name, range }))
  }

  fn value(&mut self, byte: u8) -> Result<Option<Step>, Malformed> {
    let start = self.at;
    let token = match byte {
      b'{' => return Ok(Some(self.open(Container::Object))),
      b'[' => return Ok(Some(self.open(Container::List))),
      b'"' => {
        self.at = string::end(self.text, start).ok_or(Malformed)?;
        Token::String
      }
      _ => {
        self.at = self.end_of_scalar()?;
        Token::Scalar
      }
    };
    self.end_item();
    Ok(Some(Step { token, range: start..self.at }))
  }

  fn open(&mut self, container: Container) -> Step {
    let start = self.at;
    self.at += 1;
    self.open.push(container);
    self.expected = Expected::FirstItem;
    Step { token: Token::Open(container), range: start..self.at }
  }

  fn close(&mut self, byte: u8) -> Result<Option<Step>, Malformed> {
    let found = if byte == b'}' { Container::Object } else { Container::List };
    let container = self.open.pop().filter(|container| *container == found).ok_or(Malformed)?;
    let start = self.at;
    self.at += 1;
    self.end_item();
    Ok(Some(Step { token: Token::Close(container), range: start..self.at }))
  }

  /// A value is complete.
  fn end_item(&mut self) {
    self.expected = if self.open.depth == 0 { Expected::End } else { Expected::NextItem };
  }

  fn end_of_scalar(&self) -> Result<usize, Malformed> {
    let rest = self.text.get(self.at..).unwrap_or_default();
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    match rest.iter().take_while(|byte| is_part(byte)).count() {
      0 => Err(Malformed),
      length => Ok(self.at + length),
    }
  }

  /// The position after a container whose content begins at `at`.
  fn end_of_container(&self, mut at: usize) -> Result<usize, Malformed> {
    let mut open = 1_usize;
    loop {
      match self.text.get(at).ok_or(Malformed)? {
        b'"' => {
          at = string::end(self.text, at).ok_or(Malformed)?;
          continue;
        }
        b'[' if terminal::is_in_code(self.text, at) => {}
        b'{' | b'[' => open += 1,
        b'}' | b']' => open -= 1,
        _ => {}
      }
      at += 1;
      if open == 0 {
        return Ok(at);
      }
    }
  }

  /// The next byte that is not white space.
  fn next_byte(&mut self) -> Option<u8> {
    loop {
      match self.text.get(self.at) {
        Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
        Some(&terminal::ESCAPE) => {
          match terminal::code_length(self.text.get(self.at..).unwrap_or_default()) {
            0 => return Some(terminal::ESCAPE),
            length => self.at += length,
          }
        }
        byte => return byte.copied(),
      }
    }
  }
}

#[cfg(test)]
mod tests;
