import htm from 'htm';
import { h } from 'preact';

/** Markup as a template. What is put in is text, never markup. */
export const html = htm.bind(h);
