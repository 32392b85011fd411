//! Fields of forms with several parts: an empty line is between `form-data; name="password"` and the value.

use std::ops::Range;

use memchr::memmem;

/// What stands before the name of a field.
const FIELD: &str = "form-data; name=\"";
/// The beginning of its line.
const HEADER: &str = "Content-Disposition: ";
/// How many bytes of headers follow the name at most.
const LONGEST_HEAD: usize = 1024;

/// The names and values of fields. A value ends before the next field at the latest, so that no text is read twice.
pub fn named_values(text: &str) -> impl Iterator<Item = (&str, Range<usize>)> {
  let mut starts: Vec<_> = memmem::find_iter(text.as_bytes(), FIELD).collect();
  starts.push(text.len());
  (1..starts.len()).filter_map(move |next| {
    let (start, limit) = (*starts.get(next - 1)?, *starts.get(next)?);
    let (name, head) = text.get(start + FIELD.len()..limit)?.split_once('"')?;
    // In other text, the line goes on.
    let (line, _) = head.split_once('\n').filter(|_| head.starts_with([';', '\r', '\n']))?;
    let empty = if line.ends_with('\r') { "\r\n\r\n" } else { "\n\n" };
    let near = head.as_bytes().get(..head.len().min(LONGEST_HEAD))?;
    let value = head.get(memmem::find(near, empty.as_bytes())? + empty.len()..)?;
    let end = format!("\n{}", boundary(text.get(..start)?).unwrap_or("--"));
    let shown = value.find(&end).map_or(value, |end| value.get(..end).unwrap_or(value)).trim_end();
    let start = limit - value.len();
    (!shown.is_empty()).then_some((name, start..start + shown.len()))
  })
}

/// The line that is before each field.
fn boundary(before: &str) -> Option<&str> {
  let lines = before.strip_suffix(HEADER)?.strip_suffix('\n')?.trim_end_matches('\r');
  lines.rsplit('\n').next().filter(|line| line.starts_with("--"))
}
