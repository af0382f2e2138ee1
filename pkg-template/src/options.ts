import { CodecRegistry } from "./codecs.js";
import { invalidArgument, unsupported } from "./errors.js";
import { ApiUrls, type ClientOptions, type NetworkOptions, type XmtpEnv } from "./types.js";

/** Refuses options this build does not know: nothing given is ignored. @internal */
export function checkKeys(where: string, options: object, known: readonly string[]): void {
  if (typeof options !== "object" || options === null) throw invalidArgument(`the options of ${where} must be an object`);
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && !known.includes(name)) {
      throw unsupported(`${where} does not support the option "${name}"`);
    }
  }
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
  "env", "apiUrl", "appVersion", "dbPath", "dbEncryptionKey", "storage", "nonce", "disableDeviceSync", "disableAutoRegister", "workerUrl", "wasmUrl",
  "codecs",
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
  disableAutoRegister: boolean;
  workerUrl: string | URL | undefined;
  codecs: CodecRegistry;
  /** Absolute, since the worker resolves relative addresses against itself. */
  wasmUrl: string | undefined;
}

const NETWORK_OPTIONS: readonly (keyof NetworkOptions)[] = ["env", "apiUrl", "appVersion", "workerUrl", "wasmUrl"];

/** A network by name or by options, checked as those of a client. @internal */
export function resolveNetwork(network: XmtpEnv | NetworkOptions = {}): ResolvedOptions {
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
  const { env = "dev", nonce = 1n, dbEncryptionKey, dbPath, appVersion, apiUrl } = options;
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
  return {
    env,
    apiUrl: (apiUrl ?? ApiUrls[env]).replace(/\/+$/, ""),
    appVersion,
    dbPath: storage === "memory" ? null : dbPath,
    dbEncryptionKey,
    nonce,
    disableDeviceSync: options.disableDeviceSync ?? false,
    disableAutoRegister: options.disableAutoRegister ?? false,
    workerUrl: options.workerUrl,
    codecs: new CodecRegistry(options.codecs),
    wasmUrl: options.wasmUrl === undefined ? undefined : absolute(options.wasmUrl),
  };
}

function absolute(wasmUrl: string | URL): string {
  try {
    return new URL(wasmUrl, globalThis.location?.href).href;
  } catch {
    throw invalidArgument("wasmUrl must be an address");
  }
}
