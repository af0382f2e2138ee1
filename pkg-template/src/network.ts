import type { Channel } from "./channel.js";

/** What streams know of their connection to the node: see {@link Client.connectionState}. */
export type ConnectionState = "idle" | "connecting" | "connected" | "reconnecting";

/** Where a page tells of its network and its window; absent where there is no page. */
interface Surroundings {
  addEventListener?: (type: string, listener: () => void) => void;
  removeEventListener?: (type: string, listener: () => void) => void;
  navigator?: { onLine?: boolean };
  document?: {
    visibilityState?: string;
    addEventListener(type: string, listener: () => void): void;
    removeEventListener(type: string, listener: () => void): void;
  };
}

/**
 * Tells the worker what only the page hears of: the network coming and going, the window going out of sight and coming
 * back. Answers how to stop. @internal
 */
export function watchNetwork(channel: Channel, around: Surroundings = globalThis as Surroundings): () => void {
  const tell = (): void => {
    const online = around.navigator?.onLine !== false;
    const visible = around.document?.visibilityState !== "hidden";
    // A client that is closed or broken has no connection to make anew.
    channel.call("client.network", { online, visible }).catch(() => undefined);
  };
  const { document } = around;
  around.addEventListener?.("online", tell);
  around.addEventListener?.("offline", tell);
  document?.addEventListener("visibilitychange", tell);
  // A window that was opened out of sight, or without a network, never hears of a change to that.
  tell();
  return () => {
    around.removeEventListener?.("online", tell);
    around.removeEventListener?.("offline", tell);
    document?.removeEventListener("visibilitychange", tell);
  };
}
