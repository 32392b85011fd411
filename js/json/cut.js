'use strict';

// Notes that content was left out because it exceeds a limit: `stats().cut` counts the rows.

let isCut = false;

/** Notes that content is left out of the text that is being written. */
function noteCut() {
  isCut = true;
}

/** Whether content was left out since the last call. */
function takeCut() {
  const wasCut = isCut;
  isCut = false;
  return wasCut;
}

module.exports = { noteCut, takeCut };
