/** The requests about inboxes, for `wasm.ts`: changes that wait for signatures, and looking without a client. */
import * as raw from "./xmtp_web.js";
import { invalidArgument, XmtpError } from "./errors.js";
import type { Args, InboxChange, Method, Result, WalletSignature } from "./rpc.js";
import type { InboxState, KeyPackageStatus } from "./types.js";
import { initOf } from "./wasm-source.js";

type Methods =
  | Extract<Method, `directory.${string}`>
  | "client.canMessage"
  | "client.inboxIdForIdentifier"
  | "client.signatureRequest"
  | "client.applySignatureRequest"
  | "client.inboxStates"
  | "client.updatesCounts"
  | "client.keyPackageStatuses"
  | "client.signWithInstallationKey"
  | "client.verifySignature";
type Handlers = { [M in Methods]: (args: Args<M>) => Result<M> | Promise<Result<M>> };

/** The registration is a request of the client itself. */
const REGISTRATION = "registration";

/** What waits for signatures, by the id the page gave it. */
const requests = new Map<string, raw.SignatureRequest | typeof REGISTRATION>();
let directory: raw.Directory | undefined;
let revocation: raw.SignatureRequest | undefined;

/** With the client go the changes it asked for. */
export function forgetRequests(): void {
  for (const request of requests.values()) if (request !== REGISTRATION) request.free();
  requests.clear();
}

function openDirectory(): raw.Directory {
  if (directory === undefined) throw new XmtpError("internal", "this worker has no directory");
  return directory;
}

function requestOf(client: raw.Client, change: InboxChange): Promise<raw.SignatureRequest | undefined> | raw.SignatureRequest {
  switch (change.type) {
    case "addAccount":
      return client.addIdentifier(change.identifier);
    case "removeAccount":
      return client.removeIdentifier(change.identifier);
    case "revokeInstallations":
      return client.revokeInstallations(change.installationIds);
    case "revokeAllOtherInstallations":
      return client.revokeAllOtherInstallations();
    case "changeRecoveryIdentifier":
      return client.changeRecoveryIdentifier(change.identifier);
    case "createInbox":
      throw new XmtpError("internal", "the registration is no such request");
  }
}

async function sign(request: raw.SignatureRequest, signature: WalletSignature): Promise<void> {
  if (signature.type === "EOA") request.addEcdsaSignature(signature.signature);
  else if (signature.type === "Passkey") request.addPasskeySignature(signature.signature);
  else {
    const { address, chainId, blockNumber } = signature;
    await request.addContractSignature(address, chainId, blockNumber, signature.signature);
  }
}

/** `client` gives the open client or throws; after a trap nothing of the instance may be freed. */
export function identityHandlers(client: () => raw.Client, trapped: () => boolean): Handlers {
  return {
    "client.canMessage": ({ identifiers }) => client().canMessage(identifiers),
    "client.inboxIdForIdentifier": ({ identifier }) => client().inboxIdForIdentifier(identifier),
    "client.signatureRequest": async ({ requestId, change }) => {
      if (change.type === "createInbox") {
        const text = client().createInboxSignatureText();
        if (text !== undefined) requests.set(requestId, REGISTRATION);
        return text;
      }
      const request = await requestOf(client(), change);
      if (request === undefined) return undefined;
      requests.set(requestId, request);
      return request.signatureText();
    },
    "client.applySignatureRequest": async ({ requestId, signature }) => {
      const request = requests.get(requestId);
      if (request === undefined) throw invalidArgument("there is no signature request with this id, or it was applied");
      if (request === REGISTRATION) {
        if (signature.type === "EOA") client().addEcdsaSignature(signature.signature);
        else if (signature.type === "Passkey") client().addPasskeySignature(signature.signature);
        else {
          const { address, chainId, blockNumber } = signature;
          await client().addContractSignature(address, chainId, blockNumber, signature.signature);
        }
        await client().register();
      } else {
        await sign(request, signature);
        await client().applySignatureRequest(request);
        if (!trapped()) request.free();
      }
      // One that failed stays: it can be applied again.
      requests.delete(requestId);
    },
    "client.inboxStates": async ({ inboxIds, fromNetwork }) =>
      (await client().inboxStates(inboxIds, fromNetwork)) as InboxState[],
    "client.updatesCounts": ({ inboxIds }) => client().updatesCounts(inboxIds),
    "client.keyPackageStatuses": async ({ installationIds }) =>
      (await client().keyPackageStatuses(installationIds)) as Map<string, KeyPackageStatus>,
    "client.signWithInstallationKey": ({ text }) => client().signWithInstallationKey(text),
    "client.verifySignature": ({ text, signature, publicKey }) =>
      raw.verifySignedWithPublicKey(text, signature, publicKey),

    "directory.open": async ({ apiUrl, appVersion, wasmUrl }) => {
      await raw.default(initOf(wasmUrl));
      directory = new raw.Directory(apiUrl, appVersion);
    },
    "directory.inboxIds": ({ identifiers }) => openDirectory().inboxIds(identifiers),
    "directory.inboxStates": async ({ inboxIds }) => (await openDirectory().inboxStates(inboxIds)) as InboxState[],
    "directory.updatesCounts": ({ inboxIds }) => openDirectory().updatesCounts(inboxIds),
    "directory.revokeInstallations": ({ recovery, inboxId, installationIds }) => {
      revocation = openDirectory().revokeInstallations(recovery, inboxId, installationIds);
      return revocation.signatureText();
    },
    "directory.applyRevocation": async ({ signature }) => {
      if (revocation === undefined) throw new XmtpError("internal", "no revocation was asked for");
      await sign(revocation, signature);
      await openDirectory().applySignatureRequest(revocation);
    },
  };
}
