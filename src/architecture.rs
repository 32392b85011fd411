//! Who may know whom, read off the sources.

use std::{
  fs,
  path::{Path, PathBuf},
};

/// For each module: the modules of ours, and the outside crates, that it may name.
const MAY_KNOW: &[(&str, &[&str], &[&str])] = &[
  (
    "binding",
    &["config", "engine", "event", "translate"],
    &["napi", "napi_derive", "serde", "serde_json"],
  ),
  (
    "engine",
    &[
      "batch",
      "clock",
      "config",
      "event",
      "redact",
      "report",
      "span",
      "spool",
      "translate",
      "upload",
    ],
    &["fastrand", "serde", "tokio"],
  ),
  ("event", &["time"], &["encoding_rs", "serde", "serde_json", "thiserror"]),
  ("translate", &["event", "span", "time"], &["indexmap", "serde", "serde_json"]),
  ("span", &["time"], &["indexmap", "serde", "serde_json", "uuid"]),
  ("redact", &["span"], &["regex", "serde", "serde_json", "thiserror"]),
  ("batch", &["span"], &["bytes"]),
  ("spool", &[], &["crc32fast", "thiserror"]),
  (
    "upload",
    &["clock", "config"],
    &[
      "bytes",
      "fastrand",
      "httpdate",
      "hyper_util",
      "indexmap",
      "reqwest",
      "rustls",
      "serde",
      "serde_json",
      "thiserror",
      "tokio",
      "webpki_root_certs",
    ],
  ),
  (
    "config",
    &["event", "redact", "translate"],
    &["reqwest", "serde", "serde_json", "thiserror", "uuid"],
  ),
  (
    "fuzzing",
    &["event", "redact", "span", "spool", "translate", "upload"],
    &["serde", "serde_json"],
  ),
  ("report", &[], &["serde"]),
  ("clock", &[], &[]),
  ("time", &[], &["humantime"]),
];

/// Crates whose use is a decision about the architecture.
const WATCHED: &[&str] = &[
  "bytes",
  "crc32fast",
  "encoding_rs",
  "fastrand",
  "httpdate",
  "hyper_util",
  "indexmap",
  "humantime",
  "napi",
  "napi_derive",
  "regex",
  "reqwest",
  "rustls",
  "serde",
  "serde_json",
  "thiserror",
  "tokio",
  "uuid",
  "webpki_root_certs",
];

#[test]
fn every_module_knows_only_what_it_may() {
  let mut faults = Vec::new();
  for file in sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))) {
    let module = module_of(&file);
    if ["lib", "architecture"].contains(&module.as_str()) {
      continue;
    }
    let Some((_, ours, outside)) = MAY_KNOW.iter().find(|(name, ..)| *name == module) else {
      faults.push(format!("{module} is not in the table"));
      continue;
    };
    let source = fs::read_to_string(&file).unwrap();
    let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    // Tests may use what they like.
    let code: String =
      code.take_while(|line| *line != "#[cfg(test)]").collect::<Vec<_>>().join(" ");
    for name in modules_named(&code) {
      if name != module && !ours.contains(&name) {
        faults.push(format!("{}: {module} may not know {name}", file.display()));
      }
    }
    for name in WATCHED {
      if names(&code, name) && !outside.contains(name) {
        faults.push(format!("{}: {module} may not use {name}", file.display()));
      }
    }
  }
  assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

fn sources(folder: &Path) -> Vec<PathBuf> {
  let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
  let files = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
  files.filter(|path| path.extension().is_some_and(|end| end == "rs") && !is_test(path)).collect()
}

fn is_test(path: &Path) -> bool {
  path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs")
}

/// The top-level module that a file belongs to.
fn module_of(file: &Path) -> String {
  let inside = file.strip_prefix(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap();
  let first = inside.components().next().unwrap().as_os_str().to_string_lossy();
  first.trim_end_matches(".rs").to_owned()
}

/// The modules named by `crate::a::b` and by `use crate::{a::B, c};`.
fn modules_named(code: &str) -> Vec<&str> {
  let identifiers = |text: &'_ str| -> Vec<String> {
    text
      .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
      .map(str::to_owned)
      .collect()
  };
  let named: Vec<String> = code
    .split("crate::")
    .skip(1)
    .flat_map(|rest| match rest.strip_prefix('{') {
      Some(list) => identifiers(list.split(';').next().unwrap_or_default()),
      None => identifiers(rest).into_iter().take(1).collect(),
    })
    .collect();
  MAY_KNOW.iter().map(|(name, ..)| *name).filter(|name| named.iter().any(|n| n == name)).collect()
}

fn names(code: &str, krate: &str) -> bool {
  code.match_indices(&format!("{krate}::")).any(|(at, _)| {
    let before = code.get(..at).and_then(|before| before.chars().next_back());
    !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_' || letter == ':')
  })
}
