/**
 * The name of this machine's platform, as the packages and binaries have it: `linux-x64-gnu`.
 *
 * @returns {string}
 */
export function platformOf() {
  const { platform, arch } = process;
  if (platform === 'win32') return `win32-${arch}-msvc`;
  if (platform !== 'linux') return `${platform}-${arch}`;
  const { header } = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (
    process.report.getReport()
  );
  return `linux-${arch}-${header.glibcVersionRuntime ? 'gnu' : 'musl'}`;
}
