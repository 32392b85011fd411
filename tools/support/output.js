'use strict';

// What happens when nobody reads the output any more, or it cannot be written.

/** Codes of a reader that is gone: `| head`, or a terminal that was closed. */
const GONE = new Set(['EPIPE', 'EIO', 'ERR_STREAM_DESTROYED', 'ECONNRESET']);

/**
 * Keeps a stream error from ending the program with a stack trace. A command whose reader has gone does its work to
 * the end, and its exit code states the outcome. Any other error is reported once, and makes the exit code 1.
 */
function tolerateLostOutput() {
  let isReported = false;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      if (isReported || isReaderGone(error)) return;
      isReported = true;
      process.once('exit', () => (process.exitCode ||= 1));
      if (stream === process.stderr) return;
      process.stderr.write(`flue-braintrust: the output cannot be written: ${error.message}\n`);
    });
  }
}

/**
 * Calls a function when the reader of the results has gone.
 *
 * @param {() => void} leave
 */
function onReaderGone(leave) {
  process.stdout.on('error', (error) => {
    if (isReaderGone(error)) leave();
  });
}

/** @param {NodeJS.ErrnoException} error */
const isReaderGone = ({ code = '' }) => GONE.has(code);

module.exports = { onReaderGone, tolerateLostOutput };
