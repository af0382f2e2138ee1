import { createContext, createElement, useContext, useEffect, useMemo, useState, useSyncExternalStore, type FunctionComponent, type ReactNode } from "react";
import type { Client } from "../client.js";
import { unsupported } from "../errors.js";
import { Session, type ClientHandle } from "./session.js";

export interface XmtpProviderProps {
  /**
   * A client that the app opens and closes itself; undefined while it has none. Leave the property out, and the components
   * below open one by {@link useClient}.
   */
  client?: Client | undefined;
  children?: ReactNode;
}

const Context = createContext<ClientHandle | undefined>(undefined);

/**
 * Gives the components below a client. A client that was opened by {@link useClient} is closed when the provider is
 * unmounted. Renders on a server, without a client.
 */
export const XmtpProvider: FunctionComponent<XmtpProviderProps> = (props) => {
  const [session] = useState(() => new Session());
  useEffect(() => {
    session.hold();
    return () => session.release();
  }, [session]);
  const own = useSyncExternalStore(session.subscribe, session.getSnapshot, session.getSnapshot);
  const isGiven = "client" in props;
  const given = useMemo(() => handleOf(props.client), [props.client]);
  return createElement(Context.Provider, { value: isGiven ? given : own }, props.children);
};

/** Somebody else's client, which is opened and closed elsewhere. */
function handleOf(client: Client | undefined): ClientHandle {
  const refuse = (): Promise<never> =>
    Promise.reject(unsupported("the client was given to XmtpProvider: who made it opens and closes it"));
  const status = client === undefined ? "closed" : "open";
  return { client, status, isLoading: false, error: undefined, create: refuse, build: refuse, close: refuse };
}

/** The client of the next {@link XmtpProvider} above, and how to open and close it. */
export function useClient(): ClientHandle {
  const handle = useContext(Context);
  if (handle === undefined) throw new Error("hooks of xmtp-web/react need an XmtpProvider above them");
  return handle;
}

/** What hooks show without a client. @internal */
export function useIdle<T>(idle: { closed: T; opening: T }): { client: Client | undefined; idle: T } {
  const { client, isLoading } = useClient();
  return { client, idle: isLoading ? idle.opening : idle.closed };
}
