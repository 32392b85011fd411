//! Reads an expression and writes its translation.

use super::{
  charset::{self, Charset},
  cursor::{Cursor, Flags},
  escape::Escape,
  refusal::Refusal,
  view::View,
};

/// The deepest nesting of groups.
const DEEPEST: usize = 100;

/// An expression of the `regex` crate, for [`View`]s of texts.
#[derive(Debug)]
pub struct Translation {
  /// The expression.
  pub expression: String,
  /// The form of a text that it matches.
  pub view: View,
}

/// Writes the translation of an expression.
struct Parser {
  source: Cursor,
  view: View,
  /// Whether line terminators are marked in the view.
  lines: bool,
}

/// A translated part of an expression.
struct Part {
  text: String,
  /// Whether it can match nothing.
  is_nullable: bool,
  /// Whether it matches nothing only when it cannot match anything else.
  prefers_more: bool,
}

impl Part {
  fn consuming(text: String) -> Self {
    Self { text, is_nullable: false, prefers_more: true }
  }

  fn assertion(text: &str) -> Self {
    Self { text: text.to_owned(), is_nullable: true, prefers_more: true }
  }
}

/// How often something is repeated.
struct Quantifier {
  least: u32,
  most: Option<u32>,
  is_lazy: bool,
  /// As it is written.
  text: String,
}

/// Translates an expression for texts whose lines are marked or not.
pub fn parse(source: &str, flags: &str, lines: bool) -> Result<Translation, Refusal> {
  let flags = Flags::new(flags);
  let mut parser = Parser { source: Cursor::new(source, flags), view: View::default(), lines };
  let part = parser.alternatives(0)?;
  if parser.source.peek().is_some() {
    return Err(Refusal::Syntax("unmatched )"));
  }
  Ok(Translation { expression: part.text, view: parser.view })
}

impl Parser {
  fn alternatives(&mut self, depth: usize) -> Result<Part, Refusal> {
    if depth > DEEPEST {
      return Err(Refusal::TooDeep(DEEPEST));
    }
    let mut all = self.sequence(depth)?;
    while self.source.eat('|') {
      let next = self.sequence(depth)?;
      all = Part {
        text: format!("{}|{}", all.text, next.text),
        is_nullable: all.is_nullable || next.is_nullable,
        prefers_more: !all.is_nullable && next.prefers_more,
      };
    }
    Ok(all)
  }

  fn sequence(&mut self, depth: usize) -> Result<Part, Refusal> {
    let mut all = Part::assertion("");
    while let Some(unit) = self.source.peek() {
      if unit == u32::from('|') || unit == u32::from(')') {
        break;
      }
      let part = self.term(depth)?;
      all.text.push_str(&part.text);
      all.is_nullable &= part.is_nullable;
      all.prefers_more &= part.prefers_more;
    }
    // What always consumes needs no preference.
    all.prefers_more |= !all.is_nullable;
    Ok(all)
  }

  fn term(&mut self, depth: usize) -> Result<Part, Refusal> {
    let starts_quantifier = self.quantifier_at().is_some();
    let Some(unit) = self.source.take() else {
      return Err(Refusal::Syntax("the expression ends early"));
    };
    let part = match char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER) {
      '^' if self.source.flags.multiline => return Ok(self.line_anchor("(?m:^)")),
      '$' if self.source.flags.multiline => return Ok(self.line_anchor("(?m:$)")),
      '^' => return Ok(Part::assertion(r"\A")),
      '$' => return Ok(Part::assertion(r"\z")),
      '(' => self.group(depth)?,
      '[' => {
        let set = self.source.class()?;
        self.set(&set)
      }
      '.' if self.source.flags.dot_all => self.set(&charset::negated(Charset::empty())),
      '.' => self.set(&charset::negated(charset::terminators())),
      '\\' => match self.source.escape()? {
        Escape::Boundary => return Ok(self.boundary(r"(?-u:\b)")),
        Escape::NoBoundary => return Ok(self.boundary(r"(?-u:\B)")),
        Escape::Set(set) => self.set(&set),
        Escape::Character(code) => self.character(code),
      },
      '*' | '+' | '?' => return Err(Refusal::Syntax("nothing to repeat")),
      '{' if starts_quantifier => return Err(Refusal::Syntax("nothing to repeat")),
      '{' | '}' | ']' if self.source.flags.unicode => {
        return Err(Refusal::Syntax("a lone bracket"));
      }
      _ => self.character(unit),
    };
    match self.quantifier_at() {
      Some((quantifier, length)) => {
        self.source.skip(length);
        repeated(part, &quantifier)
      }
      None => Ok(part),
    }
  }

  fn set(&mut self, set: &Charset) -> Part {
    // Without halves of pairs, the same is matched in a text whose pairs are whole.
    self.view.units |= !self.source.flags.unicode && charset::has_halves(set);
    Part::consuming(charset::expression(set, self.lines))
  }

  fn character(&mut self, code: u32) -> Part {
    let set = self.source.cased(charset::range(code, code, self.source.flags.unicode));
    self.set(&set)
  }

  fn line_anchor(&mut self, text: &str) -> Part {
    self.view.lines = true;
    Part::assertion(text)
  }

  fn boundary(&mut self, text: &str) -> Part {
    self.view.word_letters |= self.source.flags.unicode && self.source.flags.ignore_case;
    Part::assertion(text)
  }

  /// Reads a group; its parenthesis is read.
  fn group(&mut self, depth: usize) -> Result<Part, Refusal> {
    let flags = self.source.flags;
    if self.source.eat('?') {
      self.group_kind()?;
    }
    let part = self.alternatives(depth + 1)?;
    if !self.source.eat(')') {
      return Err(Refusal::Syntax("a group does not end"));
    }
    self.source.flags = flags;
    Ok(Part { text: format!("(?:{})", part.text), ..part })
  }

  /// Reads what follows `(?`, up to the group's content.
  fn group_kind(&mut self) -> Result<(), Refusal> {
    for (mark, is_lookbehind) in [('=', false), ('!', false), ('=', true), ('!', true)] {
      if self.source.peek_is(0, if is_lookbehind { '<' } else { mark })
        && (!is_lookbehind || self.source.peek_is(1, mark))
      {
        return Err(Refusal::LookAround(match (mark, is_lookbehind) {
          ('=', false) => "(?=",
          ('=', true) => "(?<=",
          (_, false) => "(?!",
          (_, true) => "(?<!",
        }));
      }
    }
    if self.source.eat('<') {
      while !self.source.eat('>') {
        self.source.take().ok_or(Refusal::Syntax("a group's name does not end"))?;
      }
      return Ok(());
    }
    let mut is_added = true;
    loop {
      match self.source.take().and_then(char::from_u32) {
        Some(':') => return Ok(()),
        Some('-') => is_added = false,
        Some('i') => self.source.flags.ignore_case = is_added,
        Some('m') => self.source.flags.multiline = is_added,
        Some('s') => self.source.flags.dot_all = is_added,
        _ => return Err(Refusal::Syntax("unknown group")),
      }
    }
  }

  /// The quantifier that comes next, and its length.
  fn quantifier_at(&self) -> Option<(Quantifier, usize)> {
    let rest = self.source.rest();
    let text =
      |length: usize| rest.iter().take(length).filter_map(|unit| char::from_u32(*unit)).collect();
    let (least, most, length) = match char::from_u32(*rest.first()?)? {
      '*' => (0, None, 1),
      '+' => (1, None, 1),
      '?' => (0, Some(1), 1),
      '{' => {
        let length = rest.iter().position(|unit| *unit == u32::from('}'))? + 1;
        let inside: String = text(length);
        let inside = inside.strip_prefix('{')?.strip_suffix('}')?;
        let (least, most) = inside.split_once(',').map_or((inside, inside), |bounds| bounds);
        let is_number = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
        if least.is_empty() || !is_number(least) || !is_number(most) {
          return None;
        }
        // Larger numbers are too large to compile, too.
        let number = |text: &str| text.parse().unwrap_or(u32::MAX);
        (number(least), (!most.is_empty()).then(|| number(most)), length)
      }
      _ => return None,
    };
    let is_lazy = rest.get(length) == Some(&u32::from('?'));
    let length = length + usize::from(is_lazy);
    Some((Quantifier { least, most, is_lazy, text: text(length) }, length))
  }
}

/// The part with a quantifier. JavaScript repeats nothing that matched nothing, and tries the next alternative; the
/// `regex` crate stops. They agree if matching nothing comes last.
fn repeated(part: Part, quantifier: &Quantifier) -> Result<Part, Refusal> {
  let Quantifier { least, most, is_lazy, text } = quantifier;
  if most.is_some_and(|most| most < *least) {
    return Err(Refusal::Syntax("the numbers of a quantifier are out of order"));
  }
  if *most == Some(0) {
    return Ok(Part::assertion("(?:)"));
  }
  let is_fixed = *most == Some(*least);
  if part.is_nullable && !part.prefers_more && !is_fixed {
    return Err(Refusal::EmptyRepetition(text.clone()));
  }
  Ok(Part {
    text: format!("(?:{}){text}", part.text),
    is_nullable: part.is_nullable || *least == 0,
    prefers_more: part.prefers_more && (is_fixed || !is_lazy || (*least > 0 && !part.is_nullable)),
  })
}
