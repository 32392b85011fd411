'use strict';

// What lies in a spool, read without the native part and without changing anything, for `inspect` and `drain`.

const fs = require('node:fs');
const path = require('node:path');
const { crc32 } = require('node:zlib');

/** The spool's own description is docs/spool-format.md. */
const NAME =
  /^([\da-f]{16})-(\d{1,10})-([\da-f]{8})(?:-(\d{10,}))?\.(lock|new|open|rows|tmp|damaged)$/;
const MAGIC = Buffer.from('flue-bt\x01');
const HEADER_BYTES = 36;
const COVERED_BYTES = 32;

/**
 * What lies in the spool for one destination.
 *
 * @typedef {object} Share
 * @property {string} destination 16 hexadecimal digits that stand for server, project and key
 * @property {Payloads} waiting payloads that can be delivered
 * @property {Payloads} damaged payloads that cannot; rows are those that their headers tell of
 * @property {number} unfinished files that were being written
 * @property {number} openRecords processes that left spans open, or have some
 * @property {{ pid: number, runs: boolean }[]} processes whose files these are; whether one of that number runs
 */

/**
 * @typedef {object} Payloads
 * @property {number} files
 * @property {number} rows
 * @property {number} bytes on the disk
 * @property {string | null} oldest when the oldest was written, as an ISO date
 * @property {string | null} newest
 */

/**
 * Lists a spool without reading, changing or locking anything but headers and checksums.
 *
 * @param {string} directory
 * @returns {{ directory: string, shares: Share[], foreign: number }} the destinations by their names, and how many
 *   files are none of ours
 */
function listSpool(directory) {
  const names = fs.readdirSync(directory).toSorted();
  /** @type {Map<string, Share>} */
  const shares = new Map();
  let foreign = 0;
  for (const name of names) {
    const [, destination, pid, , number, kind] = NAME.exec(name) ?? [];
    if (destination === undefined) {
      foreign += 1;
      continue;
    }
    const share = shares.get(destination) ?? emptyShare(destination);
    shares.set(destination, share);
    if (!share.processes.some((known) => known.pid === Number(pid))) {
      share.processes.push({ pid: Number(pid), runs: runs(Number(pid)) });
    }
    note(share, path.join(directory, name), kind, number !== undefined);
  }
  return { directory, shares: [...shares.values()], foreign };
}

/**
 * @param {string} destination
 * @returns {Share}
 */
function emptyShare(destination) {
  const none = () => ({ files: 0, rows: 0, bytes: 0, oldest: null, newest: null });
  const counts = { unfinished: 0, openRecords: 0, processes: [] };
  return { destination, waiting: none(), damaged: none(), ...counts };
}

/**
 * @param {Share} share
 * @param {string} file
 * @param {string | undefined} kind
 * @param {boolean} isPayload
 */
function note(share, file, kind, isPayload) {
  if (kind === 'open') share.openRecords += 1;
  if (kind === 'tmp') share.unfinished += 1;
  if (kind !== 'rows' && !(kind === 'damaged' && isPayload)) return;
  const look = lookAt(file);
  // Delivered meanwhile.
  if (look === undefined) return;
  add(kind === 'rows' && look.isWhole ? share.waiting : share.damaged, look);
}

/**
 * @param {Payloads} payloads
 * @param {Look} look
 */
function add(payloads, { rows, bytes, created }) {
  payloads.files += 1;
  payloads.rows += rows;
  payloads.bytes += bytes;
  if (created === null) return;
  if (payloads.oldest === null || created < payloads.oldest) payloads.oldest = created;
  if (payloads.newest === null || created > payloads.newest) payloads.newest = created;
}

/** @typedef {{ rows: number, bytes: number, created: string | null, isWhole: boolean }} Look */

/**
 * @param {string} file
 * @returns {Look | undefined} undefined when it is gone
 */
function lookAt(file) {
  /** @type {Buffer} */
  let content;
  try {
    content = fs.readFileSync(file);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return undefined;
    throw error;
  }
  const bytes = content.length;
  const isHeader =
    bytes >= HEADER_BYTES &&
    content.subarray(0, MAGIC.length).equals(MAGIC) &&
    crc32(content.subarray(0, COVERED_BYTES)) === content.readUInt32LE(32);
  if (!isHeader) return { rows: 0, bytes, created: null, isWhole: false };
  const body = content.subarray(HEADER_BYTES);
  const isWhole =
    content.readBigUInt64LE(20) === BigInt(body.length) && crc32(body) === content.readUInt32LE(28);
  const created = dateOf(content.readBigInt64LE(8));
  return { rows: content.readUInt32LE(16), bytes, created, isWhole };
}

/** @param {bigint} millis */
function dateOf(millis) {
  const date = new Date(Number(millis));
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/** @param {number} pid */
function runs(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

module.exports = { listSpool };
