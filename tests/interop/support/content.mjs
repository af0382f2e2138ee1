// Content of every type: what a peer's typed helper is given, and content as another client encodes it.
const utf8 = (text) => Buffer.from(text, "utf8").toString("hex");
const ZERO_DIGEST = "0".repeat(64);
const KEYS = {
  salt: { hex: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" },
  nonce: { hex: "808182838485868788898a8b" },
  secret: { hex: "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0" },
};
const REMOTE = {
  url: "https://example.com/blob", contentDigest: ZERO_DIGEST, ...KEYS, scheme: "https://", contentLength: 1234, filename: "test.png",
};
const CALLS = {
  version: "1.0", chainId: "0x2105", from: `0x${"11".repeat(20)}`,
  calls: [{ to: `0x${"22".repeat(20)}`, value: "0x5AF3107A4000", metadata: { description: "Send", transactionType: "transfer" } }],
};
const TRANSACTION = { namespace: "eip155", networkId: "8453", reference: `0x${"a7".repeat(32)}` };
const ACTIONS = {
  id: "a-1", description: "Which one?",
  actions: [{ id: "yes", label: "Yes", style: 0 }, { id: "no", label: "No", style: 2, expiresAtNs: { big: "1767225600000000000" } }],
};

/** Kind → the value for a peer's helper. `target` is the message that a reaction or reply is about. */
export const typedValues = (target) => ({
  text: "héllo 👋🏽\n世界",
  markdown: "# Title\n\n**bold** [link](https://example.com)",
  reaction: { reference: target.id, referenceInboxId: target.sender, action: 1, content: "👍", schema: 1 },
  readReceipt: {},
  reply: { reference: target.id, referenceInboxId: target.sender, content: "I agree" },
  attachment: { filename: "test.png", mimeType: "image/png", content: { hex: "89504e47" } },
  remoteAttachment: REMOTE,
  multiRemoteAttachment: { attachments: [REMOTE, { ...REMOTE, filename: "other.png" }] },
  transactionReference: TRANSACTION,
  walletSendCalls: CALLS,
  actions: ACTIONS,
  // One entry: libxmtp writes a map in another order each time.
  intent: { id: "a-1", actionId: "yes", metadata: { count: 2 } },
});

/** The smallest part of the wire format that the content below needs: strings, bytes and varints below 128. */
const field = (number, hex) => {
  const size = hex.length / 2;
  if (size > 16_383) throw new Error("too long for this writer");
  const length = size < 128 ? [size] : [(size & 127) | 128, size >> 7];
  return Buffer.from([(number << 3) | 2, ...length]).toString("hex") + hex;
};
const varint = (number, value) => Buffer.from([number << 3, value]).toString("hex");

/** A text as an encoded content in bytes, as replies nest it. */
export const nestedText = (text) =>
  field(1, field(1, utf8("xmtp.org")) + field(2, utf8("text")) + varint(3, 1)) +
  field(2, field(1, utf8("encoding")) + field(2, utf8("UTF-8"))) +
  field(4, utf8(text));

/** The content by which a message is taken back. */
export const takingBack = (id) => ({
  type: { authorityId: "xmtp.org", typeId: "deleteMessage", versionMajor: 1, versionMinor: 0 },
  parameters: {},
  content: { hex: field(1, utf8(id)) },
});

const type = (typeId, versionMajor = 1, authorityId = "xmtp.org", versionMinor = 0) => ({ authorityId, typeId, versionMajor, versionMinor });
const json = (value) => ({ hex: utf8(JSON.stringify(value)) });
const encoded = (typeId, parameters, content, fallback) => ({
  type: type(typeId), parameters, content: typeof content === "string" ? { hex: content } : content, ...(fallback && { fallback }),
});

/**
 * Content as the published codecs and libxmtp encode it, and what a peer must read in it: [name, encoded, expected].
 * `expected`: { content } as decoded, { reaction } or { receipt } for types that are not listed, { fallback } for others.
 */
export function rawContents(target) {
  const reactionJson = { action: "added", reference: target.id, referenceInboxId: target.sender, schema: "unicode", content: "🎉" };
  const remoteParameters = {
    contentDigest: ZERO_DIGEST, salt: KEYS.salt.hex, nonce: KEYS.nonce.hex, secret: KEYS.secret.hex,
    scheme: "https://", contentLength: "1234", filename: "test.png",
  };
  const remoteInfo = (filename) =>
    field(1, utf8(ZERO_DIGEST)) + field(2, KEYS.secret.hex) + field(3, KEYS.nonce.hex) + field(4, KEYS.salt.hex) +
    field(5, utf8("https://")) + field(6, utf8(REMOTE.url)) + "38d209" + field(8, utf8(filename));
  return [
    ["text", encoded("text", { encoding: "UTF-8" }, utf8("héllo 👋🏽\n世界")), { content: "héllo 👋🏽\n世界" }],
    ["text without its parameter", encoded("text", {}, utf8("plain")), { content: "plain" }],
    ["text of a later minor version", { ...encoded("text", { encoding: "UTF-8" }, utf8("1.9")), type: type("text", 1, "xmtp.org", 9) }, { content: "1.9" }],
    ["markdown", encoded("markdown", { encoding: "UTF-8" }, utf8("**bold**")), { content: "**bold**" }],
    ["reaction 1.0", encoded("reaction", {}, json(reactionJson), "Reacted “🎉” to an earlier message"), { reaction: "🎉" }],
    [
      "reaction 2.0",
      { ...encoded("reaction", {}, field(1, utf8(target.id)) + field(2, utf8(target.sender)) + varint(3, 1) + field(4, utf8("👀")) + varint(5, 1)), type: type("reaction", 2) },
      { reaction: "👀" },
    ],
    [
      "reply",
      encoded("reply", { reference: target.id, contentType: "xmtp.org/text:1.0" }, nestedText("I agree"), "Replied with “I agree” to an earlier message"),
      { content: { referenceId: target.id, content: "I agree" } },
    ],
    ["read receipt", encoded("readReceipt", {}, ""), { receipt: true }],
    [
      "attachment",
      encoded("attachment", { filename: "test.png", mimeType: "image/png" }, "89504e47", "Can’t display “test.png”. This app doesn’t support attachments."),
      { content: { filename: "test.png", mimeType: "image/png", content: { hex: "89504e47" } } },
    ],
    [
      "remote attachment",
      encoded("remoteStaticAttachment", remoteParameters, utf8(REMOTE.url), "Can’t display “test.png”. This app doesn’t support attachments."),
      { content: REMOTE },
    ],
    [
      "several remote attachments",
      encoded("multiRemoteStaticAttachment", {}, field(1, remoteInfo("test.png")) + field(1, remoteInfo("other.png")), "Can't display this content."),
      { content: { attachments: [REMOTE, { ...REMOTE, filename: "other.png" }] } },
    ],
    ["transaction reference", encoded("transactionReference", {}, json(TRANSACTION), "Crypto transaction"), { content: TRANSACTION }],
    ["wallet calls", encoded("walletSendCalls", {}, json(CALLS), "[Transaction request generated]"), { content: CALLS }],
    [
      "actions",
      {
        ...encoded("actions", {}, json({ id: "a-1", description: "Which one?", actions: [{ id: "yes", label: "Yes", style: "primary" }, { id: "no", label: "No", style: "danger", expiresAt: "2026-01-01T00:00:00.000Z" }] }), "Which one?"),
        type: type("actions", 1, "coinbase.com"),
      },
      { content: ACTIONS },
    ],
    [
      "intent",
      { ...encoded("intent", {}, json({ id: "a-1", actionId: "yes", metadata: { note: "sure", count: 2 } }), "User selected action: yes"), type: type("intent", 1, "coinbase.com") },
      { content: { id: "a-1", actionId: "yes", metadata: { note: "sure", count: 2 } } },
    ],
    [
      "a type nobody knows",
      { ...encoded("thing", { a: "b" }, "00ff", "You received a thing"), type: type("thing", 3, "example.org", 7) },
      { fallback: "You received a thing", typeId: "thing" },
    ],
  ];
}
