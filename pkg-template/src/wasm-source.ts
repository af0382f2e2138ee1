/** Where the wasm module comes from, for those who do not leave it where it was. */
import { invalidArgument } from "./errors.js";

/** What apps give: an address, the bytes, or what was compiled of them. */
export type WasmSource = string | URL | Uint8Array | WebAssembly.Module;
/** The same for the worker, which would resolve a relative address against itself. */
export type ResolvedWasm = string | Uint8Array | WebAssembly.Module;

/** Checks what an app gives. @internal */
export function resolveWasm(source: WasmSource | undefined): ResolvedWasm | undefined {
  if (source === undefined || (typeof WebAssembly === "object" && source instanceof WebAssembly.Module)) return source;
  if (source instanceof Uint8Array) {
    if (source.length === 0) throw invalidArgument("wasmUrl holds no bytes");
    // A part of something larger would be sent with the whole of it, and shared memory not at all.
    return source.byteLength === source.buffer.byteLength && source.buffer instanceof ArrayBuffer ? source : source.slice();
  }
  try {
    return new URL(source as string | URL, globalThis.location?.href).href;
  } catch {
    throw invalidArgument("wasmUrl must be an address, the module's bytes (Uint8Array), or a WebAssembly.Module");
  }
}

/** What the generated glue takes to load the module. @internal */
export function initOf(source: ResolvedWasm | undefined): { module_or_path: string | BufferSource | WebAssembly.Module } | undefined {
  // The bytes are no shared memory (see resolveWasm), which their type does not say.
  return source === undefined ? undefined : { module_or_path: source as string | BufferSource | WebAssembly.Module };
}
