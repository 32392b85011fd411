/**
 * What makes cargo lint the crates of the workspace as it compiles them, and refuse what `npm run lint:rust` refuses.
 * `cargo clippy` is a compilation of its own, of all dependencies too, which takes ten times as long.
 */
export const linting = {
  RUSTC_WORKSPACE_WRAPPER: 'clippy-driver',
  // The arguments after `--`, as `cargo clippy` hands them to its driver.
  CLIPPY_ARGS: ['-D', 'warnings', ''].join('__CLIPPY_HACKERY__'),
};
