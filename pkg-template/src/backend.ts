/** A network under one name, as `@xmtp/browser-sdk` hands it around. */
import { checkKeys, resolveNetwork } from "./options.js";
import type { NetworkOptions, XmtpEnv } from "./types.js";

/** A node to talk to, checked: what {@link createBackend} makes. It holds no connection, so nothing has to be closed. */
export class Backend {
  readonly env: XmtpEnv;
  readonly apiUrl: string;
  readonly appVersion: string | undefined;

  /** @internal */
  constructor(env: XmtpEnv, apiUrl: string, appVersion: string | undefined) {
    this.env = env;
    this.apiUrl = apiUrl;
    this.appVersion = appVersion;
  }
}

/**
 * Checks a network and gives it one name, for the option `backend` and for the functions that need no client. The same as
 * naming `env`, `apiUrl` and `appVersion` there.
 */
export async function createBackend(options: Pick<NetworkOptions, "env" | "apiUrl" | "appVersion"> = {}): Promise<Backend> {
  checkKeys("createBackend", options, ["env", "apiUrl", "appVersion"]);
  const { env, apiUrl, appVersion } = resolveNetwork(options);
  return new Backend(env, apiUrl, appVersion);
}
