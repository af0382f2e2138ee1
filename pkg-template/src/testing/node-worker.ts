/** The worker that is the network: the local node as wasm, and the ports of the clients on it. */
import init, { Node, type Call, type RawSink } from "./xmtp_devnode.js";
import type { FromNetwork, FromNode, Order, Ordered, ToNetwork } from "./protocol.js";

const scope = self as unknown as {
  postMessage(message: FromNode): void;
  addEventListener(type: "message", listener: (event: MessageEvent<Ordered>) => void): void;
  addEventListener(type: "error", listener: () => void): void;
};

/** The calls under way of each client. */
const clients = new Map<MessagePort, Map<number, Call>>();
let node: Node | undefined;
let v2Closed = false;
let online = true;

function running(): Node {
  if (node === undefined) throw new Error("the test network is closed");
  return node;
}

function tell(port: MessagePort, message: FromNetwork): void {
  port.postMessage(message);
}

function breakCalls(reason: string): void {
  for (const [port, calls] of clients) {
    for (const [id, call] of calls) {
      call.cancel();
      tell(port, { type: "broken", id, reason });
    }
    calls.clear();
  }
}

function hear(port: MessagePort, calls: Map<number, Call>, message: ToNetwork): void {
  const { id } = message;
  if (message.type === "cancel") {
    calls.get(id)?.cancel();
    calls.delete(id);
    return;
  }
  if (!online || node === undefined) return tell(port, { type: "broken", id, reason: "offline" });
  const sink: RawSink = {
    head: (status, headers) => tell(port, { type: "head", id, status, headers }),
    data: (piece) => tell(port, { type: "data", id, piece }),
    trailers: () => undefined,
    end: () => {
      calls.delete(id);
      tell(port, { type: "end", id });
    },
    broken: (reason) => {
      calls.delete(id);
      tell(port, { type: "broken", id, reason });
    },
  };
  try {
    calls.set(id, node.call(true, message.method, message.path, message.headers, message.body, sink));
  } catch (error) {
    tell(port, { type: "broken", id, reason: String(error) });
  }
}

function connect(port: MessagePort): void {
  const calls = new Map<number, Call>();
  clients.set(port, calls);
  port.onmessage = ({ data }: MessageEvent<ToNetwork>) => hear(port, calls, data);
  // Where browsers tell of it: the client's worker is gone.
  port.addEventListener("close", () => {
    for (const call of calls.values()) call.cancel();
    clients.delete(port);
  });
}

/** Asks the fault endpoint. */
function faults(method: string, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let status = 0;
    let text = "";
    const decoder = new TextDecoder();
    running().call(true, method, "/faults", [], new TextEncoder().encode(body), {
      head: (code) => void (status = code),
      data: (piece) => void (text += decoder.decode(piece, { stream: true })),
      trailers: () => undefined,
      end: () => (status === 200 ? resolve(text) : reject(new Error(text.trim()))),
      broken: (reason) => reject(new Error(reason)),
    });
  });
}

function goneForAll(): void {
  for (const port of clients.keys()) tell(port, { type: "gone" });
  clients.clear();
}

async function obey(order: Order): Promise<string | undefined> {
  switch (order.type) {
    case "open":
      await init(order.wasmUrl === undefined ? undefined : { module_or_path: order.wasmUrl });
      v2Closed = order.v2Closed;
      node = new Node(true, v2Closed, []);
      return;
    case "connect":
      connect(order.port);
      return;
    case "reset": {
      const old = running();
      node = new Node(true, v2Closed, []);
      online = true;
      breakCalls("the test network was reset");
      old.free();
      return;
    }
    case "online":
      online = order.online;
      if (!online) breakCalls("offline");
      return;
    case "faults":
      return faults(order.method, order.body);
    case "clock":
      running().advanceClock(order.milliseconds);
      return;
    case "wallet":
      running().registerContractWallet(order.wallet);
      return;
    case "close":
      breakCalls("the test network was closed");
      goneForAll();
      node?.free();
      node = undefined;
      return;
  }
}

scope.addEventListener("message", async ({ data: order }) => {
  const { id } = order;
  try {
    const text = await obey(order);
    scope.postMessage(text === undefined ? { id, ok: true } : { id, ok: true, text });
  } catch (error) {
    scope.postMessage({ id, ok: false, reason: error instanceof Error ? error.message : String(error) });
  }
});
// A trap of the instance in a task of its own. The page hears of it by the worker's error event.
scope.addEventListener("error", () => {
  node = undefined;
  goneForAll();
});
scope.postMessage({ type: "ready" });
