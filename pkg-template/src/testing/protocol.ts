/** What the page, the workers of clients and the worker of the network say to each other. */

import type { Ready } from "../worker-line.js";

/** The address of every network: it is looked up nowhere. */
export const NETWORK_URL = "https://network.invalid";

/** From a client's worker to the network, over the port of that worker. */
export type ToNetwork =
  | { type: "call"; id: number; method: string; path: string; headers: [string, string][]; body: Uint8Array }
  | { type: "cancel"; id: number };

/** The answers. After `gone` nothing else comes. */
export type FromNetwork =
  | { type: "head"; id: number; status: number; headers: [string, string][] }
  | { type: "data"; id: number; piece: Uint8Array }
  | { type: "end"; id: number }
  | { type: "broken"; id: number; reason: string }
  | { type: "gone" };

/** The first message to a client's worker, when that has said that it listens. */
export interface Connect {
  type: "test-network.connect";
  port: MessagePort;
}

/** What the page asks of the network. */
export type Order =
  | { type: "open"; v2Closed: boolean; wasmUrl: string | undefined }
  | { type: "connect"; port: MessagePort }
  | { type: "reset" }
  | { type: "online"; online: boolean }
  | { type: "faults"; method: "GET" | "POST" | "DELETE"; body: string }
  | { type: "clock"; milliseconds: number }
  | { type: "wallet"; wallet: string }
  | { type: "close" };

export type Ordered = Order & { id: number };

/** The answer to an order; `text` is that of the fault endpoint. */
export type Done = { id: number; ok: true; text?: string } | { id: number; ok: false; reason: string };

/** What the page hears of the network's worker. */
export type FromNode = Ready | Done;
