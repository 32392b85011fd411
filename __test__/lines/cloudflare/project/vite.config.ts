import { cloudflare } from '@cloudflare/vite-plugin';
import { flue, flueWorkerConfig } from '@flue/vite';
import { defineConfig } from 'vite';

// The same source for both targets: `TARGET=cloudflare` adds Cloudflare's plugin, by which Flue detects it.
export default defineConfig({
  plugins:
    process.env.TARGET === 'cloudflare'
      ? [flue(), cloudflare({ config: flueWorkerConfig() })]
      : [flue()],
});
