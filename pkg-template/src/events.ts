/** What happens to a client as a whole, apart from anything it was asked. */
import { callApp } from "./callbacks.js";
import type { XmtpError } from "./errors.js";

/**
 * What a tab is among those that have the same account open (docs/TABS.md): `leader` has the database and the connection,
 * `follower` asks the leader, `waiting` is between two leaders, `alone` shares with nobody, as with a database in memory.
 */
export type TabRole = "leader" | "follower" | "waiting" | "alone";

/** The events of a client, by name, with what their listeners get. */
export interface ClientEvents {
  /**
   * The client is over: every call from now on is refused with the error's code, and streams have ended. Without an error
   * it was closed by `close()`. `tabs.newer_version`: a newer version of the app has taken the database over, reload the page.
   * `internal`: the worker has failed, open another client.
   */
  ended: { error: XmtpError | undefined };
  /**
   * This installation was revoked by another one of the inbox (`identity.installation_revoked`): what is stored can be read, no
   * more. Told once, when a call or a stream meets it.
   */
  revoked: { error: XmtpError };
  /** What this tab is among others. */
  role: { role: TabRole };
}

export type ClientEventName = keyof ClientEvents;

export interface ListenerOptions {
  /** Forgets the listener. */
  signal?: AbortSignal | undefined;
}

/** @internal */
export class Events {
  readonly #listeners = new Map<ClientEventName, Set<(event: never) => void>>();

  on<K extends ClientEventName>(name: K, listener: (event: ClientEvents[K]) => void): () => void {
    let listeners = this.#listeners.get(name);
    if (listeners === undefined) this.#listeners.set(name, (listeners = new Set()));
    // The same function registered twice is two listeners.
    const own = (event: ClientEvents[K]): void => listener(event);
    listeners.add(own as (event: never) => void);
    return () => void listeners.delete(own as (event: never) => void);
  }

  tell<K extends ClientEventName>(name: K, event: ClientEvents[K]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])] as ((event: ClientEvents[K]) => void)[]) {
      // One listener's fault is neither the others' nor the client's.
      callApp(listener, event);
    }
  }
}
