'use strict';

// The receipts by which Flue names the work that a call has begun.

/**
 * Flue's ids of what a receipt of Flue's names; undefined if it is none.
 * @param {unknown} receipt that of `dispatch` or of a workflow's invocation, or an id
 * @returns {{ runId?: string, submissionId?: string, dispatchId?: string } | undefined}
 */
function idsOfReceipt(receipt) {
  if (typeof receipt === 'string') {
    if (receipt === '') return undefined;
    if (receipt.startsWith('sub_')) return { submissionId: receipt };
    const isRun = receipt.startsWith('run_') || receipt.startsWith('workflow:');
    return isRun ? { runId: receipt } : { dispatchId: receipt };
  }
  if (typeof receipt !== 'object' || receipt === null) return undefined;
  const { runId, submissionId, dispatchId } = /** @type {Record<string, unknown>} */ (receipt);
  for (const [name, id] of Object.entries({ dispatchId, submissionId, runId })) {
    if (typeof id === 'string' && id !== '') return { [name]: id };
  }
  return undefined;
}

/**
 * Whether a receipt is that of a message which Flue had accepted before. Reads no getter.
 * @param {unknown} receipt
 */
function isDuplicate(receipt) {
  if (typeof receipt !== 'object' || receipt === null) return false;
  return Object.getOwnPropertyDescriptor(receipt, 'deduplicated')?.value === true;
}

/**
 * Whether a value is the receipt of a message that Flue has accepted since a time. Reads no getter: any result of the
 * application may come here.
 * @param {unknown} value
 * @param {number} since in milliseconds since the epoch
 */
function isFreshReceipt(value, since) {
  if (typeof value !== 'object' || value === null) return false;
  const acceptedAt = Object.getOwnPropertyDescriptor(value, 'acceptedAt')?.value;
  if (typeof acceptedAt !== 'string' || !(Date.parse(acceptedAt) >= since)) return false;
  return !isDuplicate(value);
}

/**
 * Whether a value is the receipt of a workflow's invocation: it has the id of the run and nothing else.
 * @param {unknown} value
 */
function isRunReceipt(value) {
  if (typeof value !== 'object' || value === null) return false;
  const runId = Object.getOwnPropertyDescriptor(value, 'runId');
  if (runId?.enumerable !== true || typeof runId.value !== 'string') return false;
  // Not all names of a large result at once.
  for (const name in value) if (name !== 'runId') return false;
  return true;
}

module.exports = { idsOfReceipt, isDuplicate, isFreshReceipt, isRunReceipt };
