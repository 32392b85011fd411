//! Redacts JSON text. Bytes that no rule covers are copied unchanged.

use std::{mem, ops::Range};

use braintrust_row::{
  Json,
  scan::{self, Malformed, Scanner, Step, Token},
  string,
};

use super::{
  blanks::{SPACES, trim_start, without_codes},
  embedded::{self, Form, Value, Values},
  escapes::{has_escapes, unescaped, unescaped_content},
  kind::{Kept, kept_members},
  literals::{self, Literals},
  marked_lines::MarkedLine,
  pairs::{self, Items},
  paths::PathState,
  pattern::replaced,
  printed,
  rules::Rules,
};

/// Values that are nested deeper than this are replaced. Events are not: capturing limits their depth to 100.
const DEEPEST: usize = 128;
/// How many levels of JSON inside strings are redacted. Strings with more are replaced.
const DEEPEST_TEXT: usize = 8;
/// How many times a text is read again at most where JSON is cut within a value that is replaced.
const READ_AGAIN: usize = 8;
/// The replacement of values that are nested too deep.
const TOO_DEEP: &str = "[flue-braintrust: too deep]";

/// The redacted JSON text; `location` is the position of its value. `None` when nothing changes. A text that is not
/// JSON is redacted as the content of a string.
pub fn rewritten(rules: &Rules, text: &str, location: &PathState) -> Option<String> {
  Rewrite::new(rules, text, location, 0).run().unwrap_or_else(|Malformed| {
    redacted_text(rules, text, location, 0)
      .map(|changed| Json::text(&changed).as_str().into_owned())
  })
}

/// The redacted content of a string, which is nested in so many other strings; `None` when nothing changes.
pub fn redacted_text(
  rules: &Rules,
  text: &str,
  location: &PathState,
  inside: usize,
) -> Option<String> {
  // Without escapes, a pattern that matches a string in JSON matches the text.
  let is_literal = !rules.matches_members() && !rules.has_anchors() && !has_escapes(text);
  if is_literal && !rules.may_match(text) {
    return None;
  }
  if embedded::is_json(text) {
    return redacted_json(rules, text, location, inside);
  }
  // A match amid text may be a part of JSON, which must stay valid.
  if is_literal && !text.contains(['{', '[']) {
    return rules.redact_text(text);
  }
  let mut out = String::new();
  let mut copied = 0;
  // The position of the object that has members whose bracket is missing.
  let mut around = location.clone();
  let mut values = Values::new(text, rules.matches_members());
  let mut printed = Literals::new(rules, text, location);
  let mut read_again = 0;
  loop {
    let value = values.next_value();
    let start = value.as_ref().map_or(text.len(), |value| value.range.start);
    while let Some(covered) = printed.next_before(start) {
      out.push_str(text.get(copied..covered.start).unwrap_or_default());
      out.push_str(&literals::mark(rules));
      copied = covered.end;
    }
    let Some(Value { mut range, form }) = value else { break };
    // What begins in a value that has been replaced only seems to go on behind that. What is cut is read again from there;
    // once that takes too long, the rest is replaced, too.
    if printed.covered > start {
      if form.is_open() {
        read_again += range.end.saturating_sub(printed.covered);
        if read_again > READ_AGAIN * text.len() {
          printed.covered = text.len();
        }
        values.resume(printed.covered);
      } else if form != Form::Content {
        printed.covered = printed.covered.max(range.end);
      }
      copied = printed.covered;
      range.start = copied;
      if form != Form::Content || range.is_empty() {
        continue;
      }
    }
    // What seems to be the content of a string may be the beginning of a member's value.
    let crossing = if form == Form::Content { printed.crossing(range.end) } else { None };
    if let Some(crossing) = &crossing {
      range.end = crossing.start;
    }
    let value = text.get(range.clone()).unwrap_or_default();
    let changed = match form {
      Form::Json => redacted_json(rules, value, location, inside),
      Form::Content => redacted_content(rules, value, location, inside),
      Form::Malformed | Form::Cut | Form::Members => {
        let end = if form.is_open() { text.len() } else { range.end };
        let shown = text.get(range.start..end).unwrap_or_default();
        let location = if form == Form::Members { &around } else { location };
        let before = text.get(..range.start).unwrap_or_default();
        let part = redacted_part(rules, (before, shown), form, range.len(), location, inside);
        if form.is_open() {
          range.end = range.start + part.end;
          values.resume(range.start + part.resume);
          around = part.around;
        }
        part.changed
      }
    };
    if let Some(changed) = changed {
      out.push_str(text.get(copied..range.start).unwrap_or_default());
      out.push_str(&changed);
      copied = range.end;
    }
    if let Some(crossing) = crossing {
      out.push_str(text.get(copied..crossing.start).unwrap_or_default());
      out.push_str(&literals::mark(rules));
      copied = crossing.end;
      continue;
    }
    // The value of a name in which the content of a string seems to end is behind it.
    let name = if form == Form::Content { value.trim_end_matches([' ', ':']) } else { value };
    printed.skip_to(range.end - (value.len() - name.len()));
  }
  out.push_str(text.get(copied..).unwrap_or_default());
  let mut changed = (copied > 0).then_some(out);
  if rules.matches_members() {
    let left = changed.as_deref().unwrap_or(text);
    let covered = printed::in_escapes(rules, left, location);
    changed = replaced(left, covered, &literals::mark(rules)).or(changed);
  }
  rules.redact_text(changed.as_deref().unwrap_or(text)).or(changed)
}

/// The redacted content of a string that is JSON, as JSON.
fn redacted_json(rules: &Rules, text: &str, location: &PathState, inside: usize) -> Option<String> {
  if inside >= DEEPEST_TEXT {
    return Some(Json::text(TOO_DEEP).as_str().into_owned());
  }
  // A pattern may be meant for the text, such as `"pin": *"[0-9]+"`.
  if rules.matches_across(text, || tokens(text)) {
    return Some(rules.mark().as_str().into_owned());
  }
  Rewrite::new(rules, text, location, inside + 1).run().ok().flatten()
}

/// The redacted content of a string in a text.
fn redacted_content(
  rules: &Rules,
  text: &str,
  location: &PathState,
  inside: usize,
) -> Option<String> {
  let changed = match inside >= DEEPEST_TEXT {
    true => TOO_DEEP.to_owned(),
    false => redacted_text(rules, &unescaped_content(text), location, inside + 1)?,
  };
  string::content(&Json::text(&changed).as_str()).map(str::to_owned)
}

/// The result of redacting a part of a text that is malformed.
struct Part {
  /// The redacted text; `None` when nothing changes.
  changed: Option<String>,
  /// The end of what it replaces.
  end: usize,
  /// Where the rest of the text is to be searched from. The quote that ends the last string may begin another.
  resume: usize,
  /// The position of the innermost object that has not ended.
  around: PathState,
}

/// Redacts a list, an object or members that are malformed or do not end, at the beginning of a text that has another
/// before it. Their structure ends at `limit`.
fn redacted_part(
  rules: &Rules,
  (before, text): (&str, &str),
  form: Form,
  limit: usize,
  location: &PathState,
  inside: usize,
) -> Part {
  if inside >= DEEPEST_TEXT {
    let (changed, end) = (Some(Json::text(TOO_DEEP).as_str().into_owned()), text.len());
    return Part { changed, end, resume: end, around: location.clone() };
  }
  let mut rewrite =
    Rewrite { is_cut: true, limit, ..Rewrite::new(rules, text, location, inside + 1) };
  if form == Form::Members {
    rewrite.scanner = Scanner::of_members(text);
    rewrite.containers.push(Container::new(location.clone()));
    rewrite.has_no_bracket = true;
    rewrite.line = MarkedLine::of(before);
  }
  rewrite.run_cut()
}

/// The strings, names and scalars of a JSON text.
fn tokens(text: &str) -> Vec<Range<usize>> {
  let mut scanner = Scanner::new(text);
  let mut ranges = Vec::new();
  while let Ok(Some(Step { token, range })) = scanner.next_step() {
    match token {
      Token::Name | Token::String => ranges.push(range.start + 1..range.end - 1),
      Token::Scalar => ranges.push(range),
      Token::Open(_) | Token::Close(_) => {}
    }
  }
  ranges
}

/// An open list or object.
struct Container {
  /// Its position.
  location: PathState,
  /// Where it begins in the text.
  start: usize,
  /// The members that are kept, if all others are redacted.
  kept: Option<Kept>,
  /// The items of a list.
  items: Option<Items>,
  /// Whether a member has a covered name, if that is known.
  has_covered_name: Option<bool>,
  /// Whether it has a text that a name may cover.
  has_text: bool,
}

impl Container {
  fn new(location: PathState) -> Self {
    Self { location, start: 0, kept: None, items: None, has_covered_name: None, has_text: false }
  }
}

/// A pass over one text.
struct Rewrite<'a> {
  rules: &'a Rules,
  text: &'a str,
  scanner: Scanner<'a>,
  /// The position of the current value.
  location: PathState,
  containers: Vec<Container>,
  /// The output so far.
  out: String,
  /// How many bytes of the text the output covers.
  copied: usize,
  /// Whether the last name is that of a list with names and values in turn.
  are_headers: bool,
  /// How many JSON strings this text is nested in.
  inside: usize,
  /// Whether the text may end early or be malformed.
  is_cut: bool,
  /// Whether the bracket of the outermost object is missing.
  has_no_bracket: bool,
  /// The line in which it begins, if that has marks.
  line: Option<MarkedLine<'a>>,
  /// The end of the last token.
  read: usize,
  /// The end of the structure of the text.
  limit: usize,
}

impl<'a> Rewrite<'a> {
  fn new(rules: &'a Rules, text: &'a str, location: &PathState, inside: usize) -> Self {
    Self {
      rules,
      text,
      scanner: Scanner::new(text),
      location: location.clone(),
      containers: Vec::new(),
      out: String::new(),
      copied: 0,
      are_headers: false,
      inside,
      is_cut: false,
      has_no_bracket: false,
      line: None,
      read: 0,
      limit: text.len(),
    }
  }

  fn run(mut self) -> Result<Option<String>, Malformed> {
    while self.step()? {}
    let end = self.text.len();
    Ok(self.redacted(end))
  }

  /// The same of a text that may be malformed: to the first error in its structure.
  fn run_cut(mut self) -> Part {
    loop {
      // A hidden object must not show the rest of it.
      let is_open = |open: &Container| open.kept.is_some() && self.copied < self.text.len();
      let is_hidden = self.containers.last().is_some_and(is_open);
      if self.read >= self.limit && !is_hidden {
        break;
      }
      match self.step() {
        Ok(true) => {}
        Err(Malformed) if is_hidden && self.copied < self.text.len() => {
          self.hide_rest(self.read, ",");
        }
        Ok(false) | Err(Malformed) => break,
      }
    }
    self.unclosed_string();
    let end = self.read.max(self.copied);
    let quote = self.text.get(..self.read).is_some_and(|read| read.ends_with('"'));
    let resume = if self.copied > self.read { end } else { self.read - usize::from(quote) };
    let open = self.containers.pop().map(|open| open.location);
    let around = open.unwrap_or_else(|| self.location.clone());
    Part { changed: self.redacted(end), end, resume, around }
  }

  /// The text up to `end` after redaction; `None` when nothing has changed.
  fn redacted(mut self, end: usize) -> Option<String> {
    if self.copied == 0 {
      return None;
    }
    self.out.push_str(self.text.get(self.copied..end).unwrap_or_default());
    Some(self.out)
  }

  /// Redacts a string in which the text ends.
  fn unclosed_string(&mut self) {
    let text = self.text;
    let quote = self.scanner.position();
    let is_string = text.as_bytes().get(quote) == Some(&b'"') && self.scanner.depth() > 0;
    if !is_string || quote < self.copied || string::end(text.as_bytes(), quote).is_some() {
      return;
    }
    let content = text.get(quote + 1..).unwrap_or_default();
    if self.covers_item(Token::String, &(quote..text.len())) {
      self.replace(quote..text.len(), &self.rules.mark().as_str());
    } else if let Some(changed) = redacted_content(self.rules, content, &self.location, self.inside)
    {
      self.replace(quote + 1..text.len(), &changed);
    }
    self.read = text.len();
  }

  /// Redacts one token. False at the end.
  fn step(&mut self) -> Result<bool, Malformed> {
    let Some(Step { token, range }) = self.scanner.next_step()? else { return Ok(false) };
    // The name of a member stands where none belongs: others are searched from there.
    if token == Token::String && self.is_cut && self.scanner.next_is(b':') {
      self.read = range.start;
      return Err(Malformed);
    }
    self.read = range.end;
    let is_covered = self.rules.matches_members() && self.covers_item(token, &range);
    match token {
      Token::Open(_) if is_covered => {
        self.replace_container(range.start, &self.rules.mark().as_str())?
      }
      Token::String | Token::Scalar if is_covered => {
        self.replace(range, &self.rules.mark().as_str())
      }
      Token::Open(_) if self.scanner.depth() > DEEPEST => {
        self.replace_container(range.start, &Json::text(TOO_DEEP).as_str())?;
      }
      Token::Open(container) => {
        let object = self.text.get(range.start..self.limit).unwrap_or_default();
        let kept = kept_members(self.rules, object);
        let is_inner = self.containers.last().is_some_and(|outer| outer.items.is_some());
        let are_headers = mem::take(&mut self.are_headers);
        let is_list = container == scan::Container::List;
        let items = is_list.then(|| Items::new(is_inner, are_headers));
        let location = self.location.clone();
        let start = range.start;
        self.containers.push(Container { start, kept, items, ..Container::new(location) });
      }
      Token::Close(_) => {
        if let Some(container) = self.containers.pop() {
          self.location = container.location;
        }
      }
      Token::Name => self.member(range)?,
      Token::String => self.string(range),
      Token::Scalar => self.scalar(range),
    }
    Ok(true)
  }

  /// Whether an item of a list, which begins or is read, has a covered name: the item before it.
  fn covers_item(&mut self, token: Token, range: &Range<usize>) -> bool {
    if matches!(token, Token::Name | Token::Close(_)) {
      return false;
    }
    let text = self.text;
    let item = text.get(range.clone()).unwrap_or_default();
    let may_be_named = || {
      let behind = text.get(range.end..).unwrap_or_default();
      matches!(token, Token::Open(_)) || pairs::may_be_named(item, behind)
    };
    let Some(Container { items: Some(items), location, .. }) = self.containers.last_mut() else {
      return false;
    };
    items.next(self.rules, item, may_be_named, location)
  }

  /// Whether the innermost object has a covered name for the value of this member.
  fn names_value(&mut self, member: &str) -> bool {
    let is_text = pairs::is_text(member);
    if !(is_text || pairs::is_value(member)) {
      return false;
    }
    let is_in_members = self.is_in_members();
    let Some(object) = self.containers.last_mut() else { return false };
    // Texts are many and long: only a name before one counts. A second one in an object is not worth a search of its own.
    let is_first_text = is_text && !mem::replace(&mut object.has_text, true);
    let limit = if is_first_text { self.read } else { self.limit };
    let has_name = || {
      let text = self.text.get(object.start..limit).unwrap_or_default();
      let scanner = if is_in_members { Scanner::of_members(text) } else { Scanner::new(text) };
      pairs::has_covered_name(self.rules, text, scanner, &object.location)
    };
    if is_first_text { has_name() } else { *object.has_covered_name.get_or_insert_with(has_name) }
  }

  /// Replaces the list or object that begins at a position.
  fn replace_container(&mut self, start: usize, with: &str) -> Result<(), Malformed> {
    let end = self.scanner.skip_container();
    if end.is_ok() || self.is_cut {
      self.replace(start..end.unwrap_or(self.text.len()), with);
    }
    self.read = end?;
    Ok(())
  }

  /// Redacts the name of a member, and its value if a key or a path covers it.
  fn member(&mut self, range: Range<usize>) -> Result<(), Malformed> {
    let text = self.text;
    let name = without_codes(unescaped(text.get(range.clone()).unwrap_or_default()));
    let name_end = range.end;
    if let Some(changed) = self.rules.redact_text(&name) {
      self.replace(range, &Json::text(&changed).as_str());
    }
    let parent = self.containers.last();
    let is_hidden =
      parent.and_then(|parent| parent.kept).is_some_and(|kept| !kept.contains(&&*name));
    if !is_hidden && !self.rules.matches_members() {
      return Ok(());
    }
    if let Some(parent) = parent {
      self.location = self.rules.enter(&parent.location, &name);
    }
    self.are_headers = pairs::are_headers(&name);
    if is_hidden || self.rules.covers(&name, &self.location) || self.names_value(&name) {
      match self.scanner.skip_value() {
        Ok(value) if !self.is_cut || self.is_end_of_value(value.end) => {
          self.read = value.end;
          self.replace(value, &self.rules.mark().as_str());
        }
        Err(malformed) if !self.is_cut => return Err(malformed),
        _ => {
          if !self.hide_rest(name_end, ":") {
            return Err(Malformed);
          }
        }
      }
    }
    Ok(())
  }

  /// Whether a value that ends there is followed by what may follow one.
  fn is_end_of_value(&self, end: usize) -> bool {
    let rest = self.text.get(end..).unwrap_or_default();
    let next = trim_start(rest, &SPACES);
    let is_line_end = || rest.get(..rest.len() - next.len()).is_some_and(|gap| gap.contains('\n'));
    next.is_empty() || next.starts_with([',', '}', ']']) || self.is_in_members() && is_line_end()
  }

  /// Whether the innermost object is the one whose bracket is missing.
  fn is_in_members(&self) -> bool {
    self.has_no_bracket && self.scanner.depth() == 1
  }

  /// Replaces the rest of an object in which a value that must be hidden is malformed: up to its closing bracket, else
  /// all. Of members without brackets, the rest of the line; if the value does not end, all, or of a string
  /// behind marks the lines that belong to it. Returns whether the text behind the object can be read.
  fn hide_rest(&mut self, from: usize, separator: &str) -> bool {
    let text = self.text;
    let with = format!("{separator}{}", self.rules.mark().as_str());
    if self.is_in_members() {
      let at = self.scanner.position();
      let rest = text.get(at..).unwrap_or_default();
      let is_open = rest.starts_with(['"', '{', '[']);
      // A bracket that does not end is searched to the end of the text, which may not be repeated for each line.
      let end = match self.line.as_ref().filter(|_| rest.starts_with('"')) {
        Some(line) => line.end(rest),
        None => rest.find('\n').filter(|_| !is_open).unwrap_or(rest.len()),
      };
      let end = rest.get(..end).unwrap_or_default().trim_end_matches(['\r', '\n']).len();
      self.replace(from..at + end, &with);
      return false;
    }
    let Ok(end) = self.scanner.skip_container() else {
      self.replace(from..text.len(), &with);
      return false;
    };
    self.replace(from..end - 1, &with);
    self.read = end;
    if let Some(container) = self.containers.pop() {
      self.location = container.location;
    }
    true
  }

  /// Redacts a string.
  fn string(&mut self, range: Range<usize>) {
    let text = self.text;
    let content = unescaped(text.get(range.clone()).unwrap_or_default());
    if let Some(changed) = redacted_text(self.rules, &content, &self.location, self.inside) {
      self.replace(range, &Json::text(&changed).as_str());
    }
  }

  /// Redacts a number, which becomes a string.
  fn scalar(&mut self, range: Range<usize>) {
    let number = self.text.get(range.clone()).unwrap_or_default();
    if number.starts_with(|first: char| first == '-' || first.is_ascii_digit())
      && let Some(changed) = self.rules.redact_number(number)
    {
      self.replace(range, &Json::text(&changed).as_str());
    }
  }

  /// Writes `with` in the place of that range of the text.
  fn replace(&mut self, range: Range<usize>, with: &str) {
    self.out.push_str(self.text.get(self.copied..range.start).unwrap_or_default());
    self.out.push_str(with);
    self.copied = range.end;
  }
}
