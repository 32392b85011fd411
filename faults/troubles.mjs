/**
 * What a server may do to its clients, as functions from a request to a fault. Each is made anew for
 * every run, since most of them count.
 *
 * @typedef {(request: import('./server.mjs').Request) => import('./server.mjs').Fault | undefined} Trouble
 */

export const LOGIN = '/api/apikey/login';
export const REGISTER = '/api/project/register';
export const VERSION = '/version';
export const UPLOAD = '/logs3';

/**
 * The first requests to a path.
 *
 * @param {number} times
 * @param {string} path
 * @param {object} fault
 * @returns {() => Trouble}
 */
export function first(times, path, fault) {
  return () => {
    let count = 0;
    return (request) => (request.path === path && count++ < times ? fault : undefined);
  };
}

/**
 * All uploads that carry one row: the first one of the second upload.
 *
 * @param {object} fault
 * @returns {() => Trouble}
 */
export function badRow(fault) {
  return () => {
    let uploads = 0;
    let id;
    return ({ path, bodyText }) => {
      if (path !== UPLOAD) return undefined;
      uploads += 1;
      if (uploads === 2) id ??= JSON.parse(bodyText).rows[0]?.id;
      return id !== undefined && bodyText.includes(id) ? fault : undefined;
    };
  };
}

/** All requests to a path. @param {string} path @param {object} fault @returns {() => Trouble} */
export function always(path, fault) {
  return first(Infinity, path, fault);
}

/**
 * Requests to a path for so long after the first.
 *
 * @param {number} ms
 * @param {string} path
 * @param {() => object} fault made for each
 * @returns {() => Trouble}
 */
export function lasting(ms, path, fault) {
  return () => {
    let began;
    return (request) => {
      if (request.path !== path) return undefined;
      began ??= Date.now();
      return Date.now() - began < ms ? fault() : undefined;
    };
  };
}

/** Bodies that exceed an unannounced limit. @param {number} limit bytes */
export function refuseLarge(limit) {
  return () =>
    ({ path, bytes }) =>
      path === UPLOAD && bytes > limit ? { status: 413, body: { error: 'too large' } } : undefined;
}

/** The first requests to every path are answered with their own headers. @param {number} times */
export function echo(times) {
  return () => {
    const counts = new Map();
    return ({ path, headers }) => {
      const count = counts.get(path) ?? 0;
      counts.set(path, count + 1);
      return count < times
        ? { status: 500, body: { error: 'broken', request: headers } }
        : undefined;
    };
  };
}

/** Once the first of them, once another: every kind of failure in turn. @param {object[]} faults */
export function inTurn(faults) {
  return () => {
    let count = 0;
    return ({ path }) => {
      if (path !== UPLOAD) return undefined;
      count += 1;
      return count % 2 === 1 ? faults[((count - 1) / 2) % faults.length] : undefined;
    };
  };
}
