/** XMTP v3 for web apps: the page-side classes. Importing this module starts nothing. */
export { Client } from "./client.js";
export { Conversations } from "./conversations.js";
export { Conversation } from "./conversation.js";
export { Dm } from "./dm.js";
export { Group } from "./group.js";
export { DecodedMessage, isGroupUpdated, isText } from "./message.js";
export { AsyncStreamProxy, type StreamOptions } from "./streams.js";
export { XmtpError } from "./errors.js";
export {
  createEOASigner,
  createSCWSigner,
  ethereumIdentifier,
  type EOASigner,
  type SCWSigner,
  type Signer,
} from "./signers.js";
export { contentTypeGroupUpdated, contentTypeText, encodeText } from "./content.js";
export * from "./types.js";
