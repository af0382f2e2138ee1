/// <reference lib="esnext.disposable" preserve="true" />

/**
 * The method by which `await using` ends a thing. Browsers that do not have it yet get a symbol of the name that
 * polyfills use.
 */
export const asyncDispose: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? (Symbol.for("Symbol.asyncDispose") as typeof Symbol.asyncDispose);
