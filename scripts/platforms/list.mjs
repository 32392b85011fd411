/**
 * The platforms that have a binary.
 *
 * @typedef {object} Platform
 * @property {string} name as its package has it
 * @property {string} target as Rust names it
 * @property {string} [glibc] the oldest that it must run with
 * @property {boolean} links whether Linux can build and run it
 */

/** @type {Platform[]} */
export const PLATFORMS = [
  linux('linux-x64-gnu', 'x86_64-unknown-linux-gnu', '2.28'),
  linux('linux-x64-musl', 'x86_64-unknown-linux-musl'),
  linux('linux-arm64-gnu', 'aarch64-unknown-linux-gnu', '2.28'),
  linux('linux-arm64-musl', 'aarch64-unknown-linux-musl'),
  other('darwin-x64', 'x86_64-apple-darwin'),
  other('darwin-arm64', 'aarch64-apple-darwin'),
  other('win32-x64-msvc', 'x86_64-pc-windows-msvc'),
];

/** @param {string} name @param {string} target @param {string} [glibc] @returns {Platform} */
function linux(name, target, glibc) {
  return { name, target, ...(glibc && { glibc }), links: true };
}

/** What needs the tools of its own system to be linked. @param {string} name @param {string} target @returns {Platform} */
function other(name, target) {
  return { name, target, links: false };
}
