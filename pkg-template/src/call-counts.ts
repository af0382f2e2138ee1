/**
 * Counts what this worker asks of nodes, by the name of the call: each attempt, as a node would count them. Must be loaded
 * before the wasm module asks anything.
 */
const counts = new Map<string, bigint>();

/** The service and the name of a call, at the end of its address. */
const CALL = /\/xmtp(?:\.\w+)+\/(\w+)$/;

const plainFetch = globalThis.fetch;
globalThis.fetch = (input, init) => {
  const name = CALL.exec(input instanceof Request ? input.url : String(input))?.[1];
  if (name !== undefined) counts.set(name, (counts.get(name) ?? 0n) + 1n);
  return plainFetch(input, init);
};

/** How often each call was made since the worker began, or since {@link clearCallCounts}. */
export function callCounts(): ReadonlyMap<string, bigint> {
  return counts;
}

export function clearCallCounts(): void {
  counts.clear();
}
