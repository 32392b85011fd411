'use strict';

// The Markdown of the package, as it is published: npm's page shows the README alone, and the package has a part of
// the files that its pages link to.

const { posix } = require('node:path');

/** Whatever stands in a fence, also in one of a list, is no link. */
const FENCES = /^( *```[^]*?^ *```)$/m;
const LINK = /(!?)\[((?:[^[\]]|!\[[^\]]*\]\([^)]*\))*)\]\(([^)\s]+)\)/g;

/**
 * A page with links that work where it is read.
 *
 * @param {string} text
 * @param {string} file its path in the package
 * @param {object} package_
 * @param {string} [package_.repository] as npm has it; without one, nothing changes
 * @param {string} package_.version
 * @param {string[]} package_.files the paths in the package
 * @returns {string}
 */
function publishedText(text, file, { repository, version, files }) {
  if (repository === undefined) return text;
  const web = repository.replace(/^git\+/, '').replace(/\.git$/, '');
  return text
    .split(FENCES)
    .map((part, index) => (index % 2 === 1 ? part : part.replace(LINK, absolute)))
    .join('');

  /** @param {string} whole @param {string} mark @param {string} label @param {string} target */
  function absolute(whole, mark, label, target) {
    if (/^([a-z]+:|#)/.test(target)) return whole;
    const [path = '', ...anchor] = target.split('#');
    const at = posix.join(posix.dirname(file), path);
    // On npm's page, nothing is beside the README.
    if (file !== 'README.md' && files.includes(at)) return whole;
    const view = mark === '!' ? 'raw' : 'blob';
    return `${mark}[${label}](${[`${web}/${view}/v${version}/${at}`, ...anchor].join('#')})`;
  }
}

/**
 * A page without links to files that the package lacks, for as long as the repository has no address: the labels stay.
 * An image that it lacks goes, with its paragraph if it is alone there.
 *
 * @param {string} text
 * @param {string} file its path in the package
 * @param {string[]} files the paths in the package
 * @returns {string}
 */
function withoutDeadLinks(text, file, files) {
  const folders = new Set(files.flatMap(foldersOf));
  return text
    .split(FENCES)
    .map((part, index) => (index % 2 === 1 ? part : withoutDead(part)))
    .join('');

  /** @param {string} part */
  function withoutDead(part) {
    const isAlone = new RegExp(`^${LINK.source}\\n+`, 'gm');
    return part
      .replace(isAlone, (whole, mark, _label, target) =>
        mark === '!' && isDead(target) ? '' : whole,
      )
      .replace(LINK, withoutDeadLink);
  }

  /** @param {string} whole @param {string} mark @param {string} label @param {string} target @returns {string} */
  function withoutDeadLink(whole, mark, label, target) {
    if (mark === '!') return isDead(target) ? '' : whole;
    // The label may be an image.
    const shown = label.replace(LINK, withoutDeadLink);
    return isDead(target) || shown === '' ? shown : `[${shown}](${target})`;
  }

  /** @param {string} target */
  function isDead(target) {
    if (/^([a-z]+:|#)/.test(target)) return false;
    const [path = ''] = target.split('#');
    const at = posix.join(posix.dirname(file), path).replace(/\/$/, '');
    return !files.includes(at) && !folders.has(at);
  }
}

/** All folders that a file lies in. @param {string} path @returns {string[]} */
function foldersOf(path) {
  const folder = posix.dirname(path);
  return folder === '.' ? ['.'] : [folder, ...foldersOf(folder)];
}

module.exports = { publishedText, withoutDeadLinks };
