import type { Client } from "../client.js";
import type { ConnectionState } from "../network.js";
import { bell, idleStates, Live, liveOf, useLive, type Bell, type Loading } from "./live.js";
import { useIdle } from "./provider.js";

interface Connected extends Loading {
  connection: ConnectionState;
}

class LiveConnection extends Live<Connected> {
  readonly #client: Client;

  constructor(client: Client) {
    super({ connection: "idle" });
    this.#client = client;
  }

  protected async read(): Promise<Partial<Connected>> {
    return { connection: await this.#client.connectionState() };
  }

  protected bells(): Bell<unknown>[] {
    const heard = (connection: ConnectionState): boolean => (this.set({ connection }), false);
    return [bell<ConnectionState>((options) => this.#client.streamConnectionState(options), heard)];
  }
}

const IDLE = idleStates<Connected>({ connection: "idle" });

/** How the client is connected to the node; `idle` without a client. Connects, as every hook that follows something does. */
export function useConnection(): ConnectionState {
  const { client, idle } = useIdle(IDLE);
  return useLive(client && liveOf(client, "connection", () => new LiveConnection(client)), idle).connection;
}
