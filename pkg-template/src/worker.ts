/**
 * The dedicated worker: owns the wasm instance, the database and the network of one client, or hands what it is asked
 * to the worker of the tab that does (`tabs/`). Loading this module is all it takes; it answers the requests of `rpc.ts`.
 */
import { toPlainError, XmtpError, type PlainError } from "./errors.js";
import { tellWantOfSpace } from "./no-space.js";
import type { Args, Method, StreamOpenArgs, ToPage, ToWorker } from "./rpc.js";
import { canShare, Station, type Engine } from "./tabs/station.js";
import { handlers, isTrap, openedState, openStream } from "./wasm.js";

/** The part of `DedicatedWorkerGlobalScope` used here; the DOM library of the page has no type for it. */
interface WorkerScope {
  postMessage(message: ToPage): void;
  addEventListener(type: "message", listener: (event: MessageEvent<ToWorker>) => void): void;
  addEventListener(type: "error", listener: (event: ErrorEvent) => void): void;
  addEventListener(type: "unhandledrejection", listener: (event: PromiseRejectionEvent) => void): void;
}
const scope = self as unknown as WorkerScope;

/** Ends each open stream, by the id the page gave it. */
const streams = new Map<number, () => void>();
let dead: PlainError | undefined;
/** The place among the tabs of the database; undefined while nobody else can have it open. */
let station: Station | undefined;

const engine: Engine = {
  open: async (args) => handlers["client.open"](args),
  state: openedState,
  run: (method, args) => {
    if (!Object.hasOwn(handlers, method)) throw new XmtpError("argument.invalid", `there is no request "${method}"`);
    return (handlers[method as keyof typeof handlers] as (args: Args<Method>) => unknown)(args);
  },
  openStream,
  close: async () => handlers["client.close"](),
  setNetwork: (surroundings) => void handlers["client.network"](surroundings),
  isTrap,
};

/** Requests that no other tab could do better. */
function isOwn(method: Method): boolean {
  return method.startsWith("tools.") || method.startsWith("directory.") || method.startsWith("opfs.");
}

/** Says once that the wasm instance is gone. Every request from then on gets the same error. */
function die(error: unknown): void {
  if (dead !== undefined) return;
  dead = { ...toPlainError(error), code: "internal", retryable: false };
  streams.clear();
  scope.postMessage({ type: "fatal", error: dead });
}

async function streamOpen(args: StreamOpenArgs): Promise<string[]> {
  const { streamId } = args;
  let closed = false;
  const { end, existing } = await openStream(args, {
    value: (value) => scope.postMessage({ type: "stream", streamId, event: "value", value }),
    error: (error) => scope.postMessage({ type: "stream", streamId, event: "error", error }),
    end: () => {
      closed = true;
      streams.delete(streamId);
      scope.postMessage({ type: "stream", streamId, event: "end" });
    },
  });
  if (!closed) streams.set(streamId, end);
  return existing;
}

function streamEnd(streamId: number): void {
  const end = streams.get(streamId);
  streams.delete(streamId);
  end?.();
}

async function handle(request: ToWorker): Promise<unknown> {
  if (request.method === "stream.open") return streamOpen(request.args);
  if (request.method === "tabs.rest" || request.method === "tabs.resume") return;
  if (request.method === "stream.end") return streamEnd(request.args.streamId);
  if (request.method === "client.close") for (const streamId of [...streams.keys()]) streamEnd(streamId);
  const handler = handlers[request.method] as (args: Args<Method>) => unknown;
  return handler(request.args);
}

tellWantOfSpace();

scope.addEventListener("message", async ({ data: request }) => {
  const { id } = request;
  try {
    if (dead !== undefined) throw dead;
    if (station !== undefined && !isOwn(request.method)) return station.request(request);
    if (request.method === "client.open" && canShare(request.args)) {
      station = new Station(request.args, engine, (message) => scope.postMessage(message), die);
      return await station.join(id);
    }
    const result = await handle(request);
    scope.postMessage({ type: "answer", id, ok: true, result });
  } catch (error) {
    if (isTrap(error)) die(error);
    scope.postMessage({ type: "answer", id, ok: false, error: dead ?? toPlainError(error) });
  }
});
// A trap in a task that wasm itself started surfaces here and in no call's promise.
scope.addEventListener("error", (event) => {
  if (isTrap(event.error)) die(event.error);
});
scope.addEventListener("unhandledrejection", (event) => {
  if (isTrap(event.reason)) die(event.reason);
});
scope.postMessage({ type: "ready" });
