// Tools of apps that this repository does not install; `npm run test:bundlers` runs these samples with the tools themselves.
declare module "vitest/config" {
  export function defineConfig(config: object): object;
}
declare module "@vitest/browser-playwright" {
  export function playwright(options?: object): object;
}
