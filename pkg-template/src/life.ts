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
 * Hears when the page is frozen, left, or kept for when the person goes back: another tab then takes the database. Answers
 * how to stop. @internal
 */
export function watchLife(channel: Channel, around: Surroundings = globalThis as Surroundings): () => void {
  // A client that is closed has nothing to give up, and neither has one without a worker.
  const tell = (method: "tabs.rest" | "tabs.resume"): void => {
    if (!channel.isAway) channel.call(method).catch(() => undefined);
  };
  const rest = (): void => tell("tabs.rest");
  const resume = (): void => tell("tabs.resume");
  const hidden = (event: Event): void => ((event as PageTransitionEvent).persisted ? channel.leave() : rest());
  const shown = (event: Event): void => {
    if (!(event as PageTransitionEvent).persisted) return;
    if (channel.isAway) void channel.comeBack();
    else resume();
  };
  const { document } = around;
  around.addEventListener?.("pagehide", hidden);
  around.addEventListener?.("pageshow", shown);
  document?.addEventListener("freeze", rest);
  document?.addEventListener("resume", resume);
  return () => {
    around.removeEventListener?.("pagehide", hidden);
    around.removeEventListener?.("pageshow", shown);
    document?.removeEventListener("freeze", rest);
    document?.removeEventListener("resume", resume);
  };
}
