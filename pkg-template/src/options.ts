import { abortable, checkSignal, type CallOptions } from "./abort.js";
import { Backend } from "./backend.js";
import { CodecRegistry } from "./codecs.js";
import { invalidArgument, unsupported } from "./errors.js";
import { logSettings, type LogSettings } from "./logging.js";
import { visibilityTimeout } from "./registration.js";
import { ApiUrls, HistorySyncUrls, type ClientOptions, type NetworkOptions, type XmtpEnv } from "./types.js";
import { resolveWasm, type ResolvedWasm } from "./wasm-source.js";

/** Refuses options this build does not know: nothing given is ignored. @internal */
export function checkKeys(where: string, options: object, known: readonly string[]): void {
  if (typeof options !== "object" || options === null) throw invalidArgument(`the options of ${where} must be an object`);
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && !known.includes(name)) {
      throw unsupported(`${where} does not support the option "${name}"`);
    }
  }
}

/** Makes a call that has no options but its signal. @internal */
export async function signalled<T>(where: string, options: CallOptions, begin: () => Promise<T>): Promise<T> {
  checkKeys(where, options, ["signal"]);
  return abortable(options.signal, begin);
}

/** Refuses times and limits that are no bigints of at least 0. @internal */
export function checkBigints<T extends object>(options: T, names: readonly (keyof T & string)[]): void {
  for (const name of names) {
    const value: unknown = options[name];
    if (value !== undefined && (typeof value !== "bigint" || value < 0n)) {
      throw invalidArgument(`${name} must be a bigint of at least 0`);
    }
  }
}

const CLIENT_OPTIONS: readonly (keyof ClientOptions)[] = [
  "env", "apiUrl", "appVersion", "dbPath", "dbEncryptionKey", "storage", "nonce", "disableDeviceSync", "historySyncUrl", "disableAutoRegister", "workerUrl", "wasmUrl",
  "codecs", "signal", "backend", "structuredLogging", "performanceLogging", "loggingLevel", "waitForRegistrationVisible",
];

/** Checked options with their defaults. @internal */
export interface ResolvedOptions {
  env: XmtpEnv;
  apiUrl: string;
  appVersion: string | undefined;
  dbPath: string | null | undefined;
  dbEncryptionKey: Uint8Array | undefined;
  nonce: bigint;
  disableDeviceSync: boolean;
  /** Undefined: nowhere. */
  historySyncUrl: string | undefined;
  disableAutoRegister: boolean;
  /** How long a registration is tried, milliseconds; undefined: once. */
  visibilityTimeoutMs: number | undefined;
  /** Undefined: nothing is logged. */
  logging: LogSettings | undefined;
  workerUrl: ClientOptions["workerUrl"] | undefined;
  codecs: CodecRegistry;
  wasmUrl: ResolvedWasm | undefined;
  signal: AbortSignal | undefined;
  /** As the app gave them. */
  given: ClientOptions;
}

const NETWORK_OPTIONS: readonly (keyof NetworkOptions)[] = ["env", "apiUrl", "appVersion", "workerUrl", "wasmUrl", "signal"];

/** A network by name or by options, checked as those of a client. @internal */
export function resolveNetwork(network: XmtpEnv | NetworkOptions | Backend = {}): ResolvedOptions {
  if (network instanceof Backend) return resolveOptions({ backend: network });
  const options = typeof network === "string" ? { env: network } : network;
  checkKeys("a call without a client", options, NETWORK_OPTIONS);
  return resolveOptions(options);
}

/** @internal */
export function checkDatabaseKey(key: unknown): void {
  if (key !== undefined && !(key instanceof Uint8Array && key.length === 32)) {
    throw invalidArgument("dbEncryptionKey must be a Uint8Array of 32 bytes");
  }
}

/** @internal */
export function resolveOptions(options: ClientOptions = {}): ResolvedOptions {
  checkKeys("Client", options, CLIENT_OPTIONS);
  const { env = "dev", appVersion, apiUrl } = networkOf(options);
  const { nonce = 1n, dbEncryptionKey, dbPath } = options;
  if (!Object.hasOwn(ApiUrls, env)) throw unsupported(`env must be one of ${Object.keys(ApiUrls).join(", ")}`);
  if (apiUrl !== undefined && !/^https?:\/\//.test(apiUrl)) throw invalidArgument("apiUrl must begin with http:// or https://");
  if (typeof nonce !== "bigint" || nonce < 0n || nonce >= 1n << 64n) {
    throw invalidArgument("nonce must be a bigint from 0 to 2^64 - 1");
  }
  checkDatabaseKey(dbEncryptionKey);
  if (dbPath !== undefined && dbPath !== null && (typeof dbPath !== "string" || dbPath === "")) {
    throw invalidArgument("dbPath must be a name, null for memory, or left out");
  }
  const { storage } = options;
  if (storage !== undefined && storage !== "opfs" && storage !== "memory") {
    throw unsupported('storage must be "opfs" or "memory"');
  }
  if (storage === "memory" && typeof dbPath === "string") throw invalidArgument("a database in memory has no dbPath");
  if (storage === "opfs" && dbPath === null) throw invalidArgument('dbPath: null is a database in memory, and storage is "opfs"');
  if (appVersion !== undefined && typeof appVersion !== "string") throw invalidArgument("appVersion must be a string");
  if (options.disableDeviceSync !== undefined && typeof options.disableDeviceSync !== "boolean") {
    throw invalidArgument("disableDeviceSync must be true or false");
  }
  if (options.disableAutoRegister !== undefined && typeof options.disableAutoRegister !== "boolean") {
    throw invalidArgument("disableAutoRegister must be true or false");
  }
  const { historySyncUrl = HistorySyncUrls[env] } = options;
  if (historySyncUrl !== null && !(typeof historySyncUrl === "string" && /^https?:\/\//.test(historySyncUrl))) {
    throw invalidArgument("historySyncUrl must begin with http:// or https://, or be null");
  }
  checkSignal(options.signal);
  return {
    env,
    signal: options.signal,
    given: options,
    apiUrl: (apiUrl ?? ApiUrls[env]).replace(/\/+$/, ""),
    appVersion,
    dbPath: storage === "memory" ? null : dbPath,
    dbEncryptionKey,
    nonce,
    disableDeviceSync: options.disableDeviceSync ?? false,
    historySyncUrl: historySyncUrl ?? undefined,
    disableAutoRegister: options.disableAutoRegister ?? false,
    visibilityTimeoutMs: visibilityTimeout(options.waitForRegistrationVisible),
    logging: logSettings(options),
    workerUrl: options.workerUrl,
    codecs: new CodecRegistry(options.codecs),
    wasmUrl: resolveWasm(options.wasmUrl),
  };
}

function networkOf(options: ClientOptions): Pick<ClientOptions, "env" | "apiUrl" | "appVersion"> {
  const { backend, env, apiUrl, appVersion } = options;
  if (backend === undefined) return { ...(env !== undefined && { env }), ...(apiUrl !== undefined && { apiUrl }), ...(appVersion !== undefined && { appVersion }) };
  if (!(backend instanceof Backend)) throw invalidArgument("backend must be what createBackend answers");
  if (env !== undefined || apiUrl !== undefined || appVersion !== undefined) {
    throw invalidArgument("backend names the network: leave env, apiUrl and appVersion out");
  }
  return { env: backend.env, apiUrl: backend.apiUrl, ...(backend.appVersion !== undefined && { appVersion: backend.appVersion }) };
}
