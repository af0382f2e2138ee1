import type { ContentTypeId, EncodedContent } from "./types.js";

const TEXT: ContentTypeId = { authorityId: "xmtp.org", typeId: "text", versionMajor: 1, versionMinor: 0 };
const GROUP_UPDATED: ContentTypeId = {
  authorityId: "xmtp.org",
  typeId: "group_updated",
  versionMajor: 1,
  versionMinor: 0,
};

/** `xmtp.org/text:1.0`. */
export async function contentTypeText(): Promise<ContentTypeId> {
  return { ...TEXT };
}

/** `xmtp.org/group_updated:1.0`. */
export async function contentTypeGroupUpdated(): Promise<ContentTypeId> {
  return { ...GROUP_UPDATED };
}

/** Plain text as content: UTF-8, parameter `encoding`, no fallback (XIP-5). */
export async function encodeText(text: string): Promise<EncodedContent> {
  return { type: { ...TEXT }, parameters: { encoding: "UTF-8" }, content: new TextEncoder().encode(text) };
}
