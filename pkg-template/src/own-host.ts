/**
 * A name of its own for each client of a local node. A browser opens six connections to a host over HTTP/1.1, for all windows of a
 * profile together, and a client that streams keeps two: three of them would keep everybody waiting. Names below
 * `localhost` are this machine too, and other hosts to the browser. Public nodes speak HTTP/2, where all share one connection.
 */
import { sha256Hex } from "./hash.js";
import { toHex } from "./hex.js";
import type { OpenArgs } from "./rpc.js";

type Opened = Pick<OpenArgs, "apiUrl" | "env" | "identifier" | "nonce" | "dbPath">;

/** How long a name may take to answer, milliseconds. */
const PATIENCE_MS = 2_000;

/** A call with an empty message, in the frame of gRPC-web: nobody is asked about. */
const NOBODY = new Uint8Array(5);

/**
 * Where a client finds its node: `http://localhost` of `env: "local"` by a name of its own, if the node answers under that. Not
 * every browser takes such a name for this machine, and a content security policy may not know it. Any other address as it is.
 */
export async function ownHost(args: Opened, ask: typeof fetch = fetch): Promise<string> {
  const { apiUrl, env } = args;
  const rest = /^http:\/\/localhost(?=[:/]|$)(.*)/i.exec(apiUrl)?.[1];
  if (env !== "local" || rest === undefined) return apiUrl;
  const own = `http://${await nameOf(args)}.localhost${rest}`;
  return (await answers(own, ask)) ? own : apiUrl;
}

/**
 * The same each time for each database, so that a browser's answers to preflights hold, and another one for each in memory. A page
 * that is no secure context, as a frame in a sandbox is, has no hashes, and no database either.
 */
async function nameOf({ identifier, nonce, dbPath }: Opened): Promise<string> {
  const { subtle } = crypto as Partial<Crypto>;
  if (dbPath === null || subtle === undefined) return `xmtp-${toHex(crypto.getRandomValues(new Uint8Array(6)))}`;
  const parts = [identifier.identifier.toLowerCase(), nonce.toString(), dbPath ?? ""];
  return `xmtp-${(await sha256Hex(JSON.stringify(parts))).slice(0, 12)}`;
}

async function answers(apiUrl: string, ask: typeof fetch): Promise<boolean> {
  try {
    const { ok, headers, body } = await ask(`${apiUrl}/xmtp.identity.api.v1.IdentityApi/GetInboxIds`, {
      method: "POST",
      headers: { "content-type": "application/grpc-web+proto", "x-grpc-web": "1" },
      body: NOBODY,
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    await body?.cancel();
    return ok && headers.get("content-type")?.startsWith("application/grpc-web") === true;
  } catch {
    // Without a node there is no saying either; where it is expected it is found, if it comes.
    return false;
  }
}
