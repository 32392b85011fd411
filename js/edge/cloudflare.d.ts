/** The part of Cloudflare's module that we use. Its own types would replace Node's. */
declare module 'cloudflare:workers' {
  /** Keeps what is running alive until the promise is settled. Throws outside of any request. */
  export const waitUntil: ((promise: Promise<unknown>) => void) | undefined;
}

declare module '*.wasm' {
  const module: WebAssembly.Module;
  export default module;
}
