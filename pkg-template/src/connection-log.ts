/** Tells the log how the client is connected, while the app has streams. */
import type { Channel } from "./channel.js";
import type { Log } from "./logging.js";

/**
 * A stream beside those of the app. It is open while one of them is: alone it would connect a client that nobody listens
 * with. @internal
 */
export function logConnection(channel: Channel, log: Log): void {
  let own: number | undefined;
  let isOpening = false;
  let last: string | undefined;

  const forget = (id: number): void => {
    if (own === id) own = undefined;
    channel.unlisten(id);
  };
  const open = (): void => {
    isOpening = true;
    const id = channel.listen({
      kind: "log",
      onValue(value) {
        if (!("connection" in value) || value.connection === last) return;
        last = value.connection;
        log.info("connection", { state: last });
      },
      onError: () => undefined,
      onEnd: () => forget(id),
    });
    own = id;
    isOpening = false;
    channel.call("stream.open", { streamId: id, source: { type: "connection" }, syncFirst: false, since: undefined }).then(
      // Of no more use by now: the worker did not know it when it was ended.
      () => void (own !== id && end(id)),
      () => forget(id),
    );
  };
  const end = (id: number): void => {
    forget(id);
    channel.call("stream.end", { streamId: id }).catch(() => undefined);
  };
  channel.onStreams = () => {
    if (isOpening || channel.isClosed) return;
    if (channel.openStreams > 0 && own === undefined) open();
    else if (channel.openStreams === 0 && own !== undefined) end(own);
  };
}
