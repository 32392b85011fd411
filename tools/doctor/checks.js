'use strict';

// The checks of `doctor`, in their order: each may build on what those before it found.

const { checkApplication } = require('./application');
const {
  checkLimits,
  checkLogin,
  checkNetwork,
  checkOrganisation,
  checkProject,
} = require('./connection');
const { checkTrace } = require('./delivery');
const { checkNative, checkNode, checkSettings } = require('./machine');

/** @typedef {import('./finding').Finding} Finding */
/** @typedef {import('./finding').Known} Known */

/** @typedef {{ id: string, title: string, run: (known: Known) => Finding | Promise<Finding> }} Check */

/** In their order; each builds on those before. @type {Check[]} */
const CHECKS = [
  { id: 'node', title: 'Node', run: checkNode },
  { id: 'application', title: 'Application', run: checkApplication },
  { id: 'native', title: 'Native part', run: checkNative },
  { id: 'environment', title: 'Settings', run: checkSettings },
  { id: 'network', title: 'Network', run: checkNetwork },
  { id: 'login', title: 'Login', run: checkLogin },
  { id: 'organisation', title: 'Organisation', run: checkOrganisation },
  { id: 'project', title: 'Project', run: checkProject },
  { id: 'limits', title: 'Limits', run: checkLimits },
  { id: 'trace', title: 'Test trace', run: checkTrace },
];

module.exports = { CHECKS };
