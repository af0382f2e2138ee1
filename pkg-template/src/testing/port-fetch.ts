/** Lets `fetch` of a client's worker reach the network through a port. Must be loaded before `worker.js`. */
import { NETWORK_URL, type Connect, type FromNetwork, type ToNetwork } from "./protocol.js";

/** One request under way. */
interface Pending {
  answer(response: Response): void;
  fail(error: unknown): void;
  body: ReadableStreamDefaultController<Uint8Array> | undefined;
}

const pending = new Map<number, Pending>();
let port: MessagePort | undefined;
let nextId = 1;

/** Fails as `fetch` does when there is no connection. */
function unreachable(reason: string): TypeError {
  return new TypeError(`Failed to fetch: ${reason}`);
}

function settle(id: number, error: unknown): void {
  const call = pending.get(id);
  if (call === undefined) return;
  pending.delete(id);
  if (call.body === undefined) call.fail(error);
  else call.body.error(error);
}

function hear(message: FromNetwork): void {
  if (message.type === "gone") {
    port?.close();
    port = undefined;
    for (const id of [...pending.keys()]) settle(id, unreachable("the test network was closed"));
    return;
  }
  const call = pending.get(message.id);
  if (call === undefined) return;
  switch (message.type) {
    case "head": {
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => void (call.body = controller),
        cancel: () => giveUp(message.id),
      });
      call.answer(new Response(body, { status: message.status, headers: message.headers }));
      break;
    }
    case "data":
      call.body?.enqueue(message.piece);
      break;
    case "end":
      pending.delete(message.id);
      call.body?.close();
      break;
    case "broken":
      settle(message.id, unreachable(message.reason));
  }
}

function giveUp(id: number): void {
  pending.delete(id);
  port?.postMessage({ type: "cancel", id } satisfies ToNetwork);
}

async function fetchFromNetwork(request: Request): Promise<Response> {
  const { signal, method, url } = request;
  const body = new Uint8Array(await request.arrayBuffer());
  signal.throwIfAborted();
  const connected = port;
  if (connected === undefined) throw unreachable("the test network was closed");
  const id = nextId++;
  return new Promise((answer, fail) => {
    pending.set(id, { answer, fail, body: undefined });
    signal.addEventListener("abort", () => {
      if (!pending.has(id)) return;
      settle(id, signal.reason);
      giveUp(id);
    });
    const path = url.slice(NETWORK_URL.length);
    connected.postMessage({ type: "call", id, method, path, headers: [...request.headers], body } satisfies ToNetwork);
  });
}

addEventListener("message", (event: MessageEvent<Connect | { type?: undefined }>) => {
  if (event.data.type !== "test-network.connect") return;
  event.stopImmediatePropagation();
  port = event.data.port;
  port.onmessage = ({ data }: MessageEvent<FromNetwork>) => hear(data);
});

const realFetch = globalThis.fetch;
globalThis.fetch = (input, init) =>
  input instanceof Request && input.url.startsWith(`${NETWORK_URL}/`) ? fetchFromNetwork(input) : realFetch(input, init);
