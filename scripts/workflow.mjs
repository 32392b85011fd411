/** The commands of a workflow of GitHub Actions, as far as it needs no parser of YAML: ours are formatted by Prettier. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = new URL('../.github/workflows/', import.meta.url);

/**
 * @param {string} name of the file
 * @returns {{ job: string, command: string }[]} in their order
 */
export function commandsOf(name) {
  const lines = readFileSync(fileURLToPath(new URL(name, folder)), 'utf8').split('\n');
  const commands = [];
  let job = '';
  for (const [index, line] of lines.entries()) {
    job = /^ {2}([\w-]+):$/.exec(line)?.[1] ?? job;
    const [, indent = '', text] = /^( +)- run: (.*)$/.exec(line) ?? [];
    if (text === undefined) continue;
    const block = [];
    for (const next of lines.slice(index + 1)) {
      if (next.trim() !== '' && !next.startsWith(`${indent}    `)) break;
      block.push(next.slice(indent.length + 4));
    }
    const isBlock = /^[|>]$/.test(text);
    const command = isBlock ? block.join(text === '|' ? '\n' : ' ') : text;
    commands.push({ job, command: command.trim() });
  }
  return commands;
}
