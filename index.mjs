/**
 * The exports of the package for ES modules: the functions of `index.js`, of one instance for both. Node loads them, and
 * no tool follows: Vite inlines the modules of a linked package and evaluates each as an ES module, and bundlers inline
 * what is not external, without the binary. In a bundle, the package is loaded from where it is installed; where it is
 * not, nothing is traced.
 */
import { notLoaded } from './js/not-loaded.mjs';

export const {
  initLogger,
  currentLogger,
  withLogger,
  braintrustFlueObserver,
  braintrustFlueInstrumentation,
  currentSpan,
  flueSpan,
  injectTraceContext,
  logError,
  logFeedback,
  logScores,
  permalink,
  startSpan,
  traced,
  withCurrent,
  wrapTraced,
  setMaskingFunction,
  flush,
  stats,
  close,
  Attachment,
  ERR_PERMALINK,
  NOOP_SPAN,
  NOOP_SPAN_PERMALINK,
  extractTraceContextFromHeaders,
  log,
  traceable,
  updateSpan,
  withParent,
} = api();

/** @returns {typeof import('./index.js')} */
function api() {
  try {
    return fromNode();
  } catch (error) {
    if (isStrict()) throw error;
    return notLoaded(error, remedy());
  }
}

/** What helps, if it is not the usual. */
function remedy() {
  // A bundler without that condition takes this module, not the one for a Worker.
  const isWorker = globalThis.navigator?.userAgent === 'Cloudflare-Workers';
  if (isWorker)
    return 'bundle it with the condition `workerd`, as wrangler and the Vite plugin of Cloudflare do';
  return oldNode() && 'install 22.19 or newer';
}

/** The version of this Node if it is too old. */
function oldNode() {
  const { getBuiltinModule, versions } = globalThis.process ?? {};
  return getBuiltinModule === undefined ? versions?.node : undefined;
}

/** Throws where the package is not installed, and in other runtimes, such as a browser. */
function fromNode() {
  const node = globalThis.process?.getBuiltinModule?.('node:module');
  if (node === undefined) {
    const version = oldNode();
    const isOld = `Node ${version} is too old`;
    throw new Error(version ? isOld : 'this runtime is not Node, 22.19 or newer');
  }
  // Bundles of CommonJS modules have no address.
  const url = import.meta.url ?? `file://${process.cwd()}/bundle.js`;
  try {
    // Bundlers follow a `createRequire` that they see.
    const load = node.createRequire(url);
    // Where it is installed, a search would take a millisecond.
    if (url.endsWith('/flue-braintrust/index.mjs')) return load('./index.js');
    // In a clone, it finds itself.
    return load('flue-braintrust');
  } catch (error) {
    const [, program] = process.argv;
    if (/** @type {any} */ (error)?.code !== 'MODULE_NOT_FOUND' || !program) throw error;
    // webpack states the address at the build, and the process may run in any directory.
    return besideProgram(node.createRequire(program), error);
  }
}

/**
 * The package that is installed beside the program.
 * @param {NodeJS.Require} load
 * @param {unknown} error is thrown if there is none
 */
function besideProgram(load, error) {
  try {
    return load('flue-braintrust');
  } catch {
    throw error;
  }
}

function isStrict() {
  try {
    return process.env.FLUE_BRAINTRUST_STRICT === '1';
  } catch {
    // A browser has no variables, and Deno may forbid to read them.
    return false;
  }
}
