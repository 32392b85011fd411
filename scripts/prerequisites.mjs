/**
 * What must be on the machine before anything is installed: Node, a Rust toolchain, a C compiler. Core modules alone.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The oldest Node that runs the scripts and npm; the Node that runs the package is installed with the packages. */
const OLDEST_NODE = '20.17.0';

/**
 * @param {{ rust: boolean }} needs whether the native part is to be built
 * @returns {string[]} everything that is missing, each with what to do
 */
export function missingPrerequisites({ rust }) {
  return [checkNode(), ...(rust ? [checkRust(), checkCompiler()] : [])].filter(Boolean);
}

function checkNode() {
  const { node } = process.versions;
  if (isAtLeast(node, OLDEST_NODE)) return undefined;
  return `Node ${node} is too old. Please install Node ${OLDEST_NODE} or newer, from https://nodejs.org.`;
}

function checkRust() {
  const oldest = /^rust-version = "(.*)"$/m.exec(readFileSync(`${root}/Cargo.toml`, 'utf8'))?.[1];
  const cargo = spawnSync('cargo', ['--version'], { cwd: root, encoding: 'utf8' });
  if (cargo.error) {
    return 'Missing: `cargo` was not found on the PATH. Please install Rust, from https://rustup.rs.';
  }
  if (cargo.status !== 0) {
    const [why = ''] = cargo.stderr.trim().split('\n');
    return `Rust is there, but has no toolchain (${why}). Please run \`rustup default stable\`.`;
  }
  const found = /\d+\.\d+\.\d+/.exec(cargo.stdout)?.[0] ?? '0';
  if (isAtLeast(found, oldest)) return undefined;
  return `Rust ${found} is too old; ${oldest} or newer is needed. Please run \`rustup update stable\`.`;
}

function checkCompiler() {
  // On Windows the linker comes with Rust's own prerequisites.
  if (process.platform === 'win32') return undefined;
  const { error, status } = spawnSync('cc', ['--version']);
  if (!error && status === 0) return undefined;
  const how =
    process.platform === 'darwin' ? 'by `xcode-select --install`' : 'such as gcc or clang';
  return `Missing: \`cc\` was not found or does not run. Please install a C compiler, ${how}.`;
}

/** @param {string} found @param {string} oldest */
function isAtLeast(found, oldest) {
  return found.localeCompare(oldest, 'en', { numeric: true }) >= 0;
}
