const { existsSync, mkdirSync, readFileSync, symlinkSync } = require('node:fs');
const { dirname, join } = require('node:path');

/**
 * Gives a project the packages that a line depends on, at no cost: they lie elsewhere.
 *
 * @param {string} line a directory with a `package.json`, relative to this one
 * @param {string} project
 */
exports.linkPackages = (line, project) => {
  const manifest = JSON.parse(readFileSync(join(__dirname, line, 'package.json'), 'utf8'));
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })) {
    // As Node resolves it from there: what other lines have, too, is installed above.
    const own = join(__dirname, line, 'node_modules', name);
    const shared = join(__dirname, 'node_modules', name);
    const place = join(project, 'node_modules', name);
    mkdirSync(dirname(place), { recursive: true });
    symlinkSync(existsSync(own) ? own : shared, place);
  }
};
