//! Character classes: `[…]`.

use super::{
  charset::{self, Charset},
  cursor::Cursor,
  escape::Escape,
  refusal::Refusal,
};

/// The deepest nesting of classes, with the flag `v`.
const DEEPEST: usize = 32;

/// A member of a class.
enum Member {
  Character(u32),
  Set(Charset),
}

impl Cursor {
  /// Reads a class; its bracket is read.
  pub fn class(&mut self) -> Result<Charset, Refusal> {
    if self.flags.sets { self.nested_class(0) } else { self.simple_class() }
  }

  fn simple_class(&mut self) -> Result<Charset, Refusal> {
    let is_negated = self.eat('^');
    let mut set = Charset::empty();
    while !self.eat(']') {
      let first = self.member()?;
      self.add_range(&mut set, first)?;
    }
    Ok(if is_negated { charset::negated(set) } else { set })
  }

  /// Adds a member, or the range that it begins.
  fn add_range(&mut self, set: &mut Charset, first: Member) -> Result<(), Refusal> {
    let is_range = self.peek_is(0, '-') && !self.peek_is(1, ']');
    if !is_range || (self.flags.sets && self.peek_is(1, '-')) {
      set.union(&self.single(first));
      return Ok(());
    }
    self.take();
    match (first, self.member()?) {
      (Member::Character(first), Member::Character(last)) if first <= last => {
        set.union(&self.cased(charset::range(first, last, self.is_unicode())));
      }
      (Member::Character(_), Member::Character(_)) => {
        return Err(Refusal::Syntax("a range in a class is out of order"));
      }
      _ if self.is_unicode() => {
        return Err(Refusal::Syntax("a range in a class has a set at its end"));
      }
      // For compatibility, `[\w-x]` has three members.
      (first, last) => {
        for member in [first, Member::Character('-'.into()), last] {
          set.union(&self.single(member));
        }
      }
    }
    Ok(())
  }

  /// A class with the flag `v`: unions, or operands between `&&` or `--`.
  fn nested_class(&mut self, depth: usize) -> Result<Charset, Refusal> {
    if depth > DEEPEST {
      return Err(Refusal::TooDeep(DEEPEST));
    }
    let is_negated = self.eat('^');
    let mut set = Charset::empty();
    while !self.eat(']') {
      if self.eat_pair('&') {
        let operand = self.operand(depth)?;
        set.intersect(&operand);
      } else if self.eat_pair('-') {
        let operand = self.operand(depth)?;
        set.difference(&operand);
      } else if self.eat('[') {
        set.union(&self.nested_class(depth + 1)?);
      } else {
        let first = self.member()?;
        self.add_range(&mut set, first)?;
      }
    }
    Ok(if is_negated { charset::negated(set) } else { set })
  }

  fn operand(&mut self, depth: usize) -> Result<Charset, Refusal> {
    if self.eat('[') {
      return self.nested_class(depth + 1);
    }
    let member = self.member()?;
    Ok(self.single(member))
  }

  fn member(&mut self) -> Result<Member, Refusal> {
    let Some(unit) = self.take() else { return Err(Refusal::Syntax("a class does not end")) };
    if unit != u32::from('\\') {
      return Ok(Member::Character(unit));
    }
    Ok(match self.escape()? {
      Escape::Character(code) => Member::Character(code),
      Escape::Set(set) => Member::Set(set),
      Escape::Boundary => Member::Character(0x8),
      Escape::NoBoundary if self.is_unicode() => return Err(Refusal::Syntax("\\B in a class")),
      Escape::NoBoundary => Member::Character('B'.into()),
    })
  }

  fn single(&self, member: Member) -> Charset {
    match member {
      Member::Character(code) => self.cased(charset::range(code, code, self.is_unicode())),
      Member::Set(set) => set,
    }
  }
}
