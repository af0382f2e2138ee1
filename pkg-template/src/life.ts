import type { Channel } from "./channel.js";

/** Where a page hears that it goes out of use and comes back; absent where there is no page. */
interface Surroundings {
  addEventListener?: (type: string, listener: (event: Event) => void) => void;
  removeEventListener?: (type: string, listener: (event: Event) => void) => void;
  document?: {
    addEventListener(type: string, listener: () => void): void;
    removeEventListener(type: string, listener: () => void): void;
  };
}

/**
 * Tells the worker when the page is frozen, left, or kept for when the person goes back: another tab then takes the
 * database. Answers how to stop. @internal
 */
export function watchLife(channel: Channel, around: Surroundings = globalThis as Surroundings): () => void {
  // A client that is closed has nothing to give up.
  const rest = (): void => void channel.call("tabs.rest").catch(() => undefined);
  const resume = (): void => void channel.call("tabs.resume").catch(() => undefined);
  const shown = (event: Event): void => {
    if ((event as PageTransitionEvent).persisted) resume();
  };
  const { document } = around;
  around.addEventListener?.("pagehide", rest);
  around.addEventListener?.("pageshow", shown);
  document?.addEventListener("freeze", rest);
  document?.addEventListener("resume", resume);
  return () => {
    around.removeEventListener?.("pagehide", rest);
    around.removeEventListener?.("pageshow", shown);
    document?.removeEventListener("freeze", rest);
    document?.removeEventListener("resume", resume);
  };
}
