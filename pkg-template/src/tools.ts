import { Channel } from "./channel.js";
import type { ClientOptions } from "./types.js";
import type { ResolvedWasm } from "./wasm-source.js";

/** Where the package's files are, for those who moved them. */
let place: { workerUrl?: string | URL | undefined; wasmUrl?: ResolvedWasm | undefined } = {};
let shared: Channel | undefined;

/** Remembers where the last client found the package's files. @internal */
export function remember(workerUrl: ClientOptions["workerUrl"] | undefined, wasmUrl: ResolvedWasm | undefined): void {
  // A function makes the worker of a client, such as one on a test network that may be gone by the next call.
  if (typeof workerUrl === "function") return;
  if (workerUrl !== undefined || wasmUrl !== undefined) place = { workerUrl, wasmUrl };
}

/** Where `worker.js` is, for those who moved it. @internal */
export function toolsPlace(): string | URL | undefined {
  return place.workerUrl;
}

/**
 * A worker without a client, for functions that need the wasm module and no account. Started by the first of them;
 * heavy work such as encrypting a file never runs on the page's thread. @internal
 */
export function tools(): { channel: Channel; wasmUrl: ResolvedWasm | undefined } {
  if (shared === undefined || shared.isClosed) shared = new Channel(place.workerUrl);
  return { channel: shared, wasmUrl: place.wasmUrl };
}
