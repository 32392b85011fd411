/** What is made once for all test files: the viewer's page, as it is published, and the bundle of Flue. */
import bundleViewer from '../../scripts/bundle-viewer.mjs';
import bundleFlue from './bundle-flue.mjs';

export default async function setup() {
  await bundleViewer();
  await bundleFlue();
}
