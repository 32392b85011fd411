/**
 * The npm that runs us, or else the one on the PATH.
 *
 * @param {string[]} args
 * @returns {{ command: string, args: string[], shell: boolean }} as `spawn` takes it
 */
export function npm(args) {
  const { npm_execpath: cli, npm_node_execpath: node } = process.env;
  if (cli?.endsWith('.js') && node) return { command: node, args: [cli, ...args], shell: false };
  // Windows starts scripts by way of a shell only.
  const isWindows = process.platform === 'win32';
  return { command: isWindows ? 'npm.cmd' : 'npm', args, shell: isWindows };
}
