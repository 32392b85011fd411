//! Lines of a text with marks before their first word: a number, the mark of a list, a quote or a difference, also
//! behind the name of a file, as `grep` prints it.

/// What may stand before the first word of a line.
const MARKS: &str = " \t|:>+-*#0123456789\u{2192}\u{2502}";
/// How many bytes before the first word of a line are looked at.
const MAX_BEFORE: usize = 256;

/// Whether a text ends with the beginning of a line.
pub fn is_line_start(text: &str) -> bool {
  last_line(text)
    .is_some_and(|line| line.trim_end_matches(is_mark).is_empty() || file(line).is_some())
}

/// A line with marks.
pub struct MarkedLine<'a> {
  file: &'a str,
  has_marks: bool,
  is_numbered: bool,
  indentation: usize,
}

impl<'a> MarkedLine<'a> {
  /// The last line of a text. `None` if it has no marks.
  pub fn of(text: &'a str) -> Option<Self> {
    Self::of_any(text).filter(|line| line.has_marks)
  }

  /// The same of any line; `None` if it is very long.
  pub fn of_any(text: &'a str) -> Option<Self> {
    let line = last_line(text)?;
    let file = file(line).unwrap_or_default();
    let marks = marks(line.get(file.len()..)?);
    let is_numbered = marks.contains(is_digit);
    let indentation = indentation(marks, is_numbered);
    let has_marks = !marks.trim_ascii().is_empty();
    Some(Self { file, has_marks, is_numbered, indentation })
  }

  /// Whether the line with which a text begins belongs to this one: it is indented more, or blank, or ends its brackets
  /// if it has any.
  pub fn has(&self, text: &str, has_brackets: bool) -> bool {
    text.strip_prefix(self.file).is_some_and(|text| {
      let marks = marks(text);
      let words = text.get(marks.len()..).unwrap_or_default();
      indentation(marks, self.is_numbered) > self.indentation
        || words.is_empty()
        || words.starts_with(['\r', '\n'])
        || has_brackets && words.starts_with([')', ']', '}'])
    })
  }

  /// Where the lines end that belong to this one, in a text that begins in it.
  pub fn end(&self, text: &str) -> usize {
    let mut lines = text.split_inclusive('\n');
    let first = lines.next().map_or(0, str::len);
    first + lines.take_while(|line| self.has(line, false)).map(str::len).sum::<usize>()
  }
}

/// The text from the beginning of its last line on, if that is near.
fn last_line(text: &str) -> Option<&str> {
  let far = text.len().saturating_sub(MAX_BEFORE);
  let line_end = memchr::memrchr(b'\n', text.as_bytes().get(far..)?);
  line_end.map_or(Some(text).filter(|_| far == 0), |end| text.get(far + end + 1..))
}

/// The name of a file, such as `a.js` or `Makefile`, that marks follow to the end of a line.
fn file(line: &str) -> Option<&str> {
  let file = line.trim_end_matches(is_mark);
  let is_file = (file.contains(['.', '/']) || file.ends_with("file"))
    && !file.contains(|letter: char| letter.is_whitespace() || "'\"`,;([{".contains(letter))
    && line.get(file.len()..)?.starts_with([':', '-']);
  is_file.then_some(file)
}

/// The marks with which a text begins.
fn marks(text: &str) -> &str {
  let end = text.find(|letter| !is_mark(letter)).unwrap_or(text.len());
  text.get(..end).unwrap_or_default()
}

/// How far the words behind marks are indented: behind the number of the line, as those have different lengths. In lines
/// without one, a number is a word.
fn indentation(marks: &str, is_numbered: bool) -> usize {
  let number = marks.find(is_digit).filter(|_| is_numbered).unwrap_or_default();
  let behind = marks.get(number..).unwrap_or_default();
  let behind = behind.trim_start_matches(|mark: char| is_numbered && !mark.is_whitespace());
  behind.find(is_digit).unwrap_or(behind.len())
}

fn is_digit(letter: char) -> bool {
  letter.is_ascii_digit()
}

/// Whether a letter may stand before the first word of a line.
pub fn is_mark(letter: char) -> bool {
  MARKS.contains(letter)
}
