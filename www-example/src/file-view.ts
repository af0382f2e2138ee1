/** A file in a message: a picture, something to save, or something to fetch first. */
import { ConsentState, isAttachment, isRemoteAttachment, type DecodedMessage, type RemoteAttachment } from "xmtp-web";
import type { Conversation } from "./chat.js";
import { fileSize, h, icon, toast } from "./dom.js";
import { explain } from "./explain.js";
import { openedBefore, openInside, openRemote, type Opened } from "./files.js";

export function fileView({ consent }: Conversation, message: DecodedMessage): HTMLElement | undefined {
  // Nobody needs to see pictures of strangers.
  const shown = consent === ConsentState.Allowed;
  if (isAttachment(message) && message.content) return ofOpened(openInside(message.id, message.content), shown);
  if (isRemoteAttachment(message) && message.content) {
    const before = openedBefore(message.id);
    return before ? ofOpened(before, shown) : toFetch(message.id, message.content);
  }
  return undefined;
}

function ofOpened(file: Opened, shown: boolean): HTMLElement {
  if (file.isPicture && shown) {
    return h(
      "a",
      { class: "picture", href: file.url, download: file.name, "aria-label": `Save picture ${file.name}`, "data-testid": "picture" },
      h("img", { src: file.url, alt: file.name }),
    );
  }
  return h(
    "a",
    { class: "file", href: file.url, download: file.name, "data-testid": "file" },
    icon("file"),
    h("span", { class: "file-text" }, h("span", { class: "file-name" }, file.name), h("span", { class: "file-about" }, `${fileSize(file.size)} · Save`)),
  );
}

function toFetch(messageId: string, remote: RemoteAttachment): HTMLElement {
  const size = remote.contentLength === undefined ? "" : `${fileSize(remote.contentLength)} · `;
  const about = h("span", { class: "file-about" }, `${size}Fetch from ${hostOf(remote.url)}`);
  const button = h(
    "button",
    {
      class: "file",
      type: "button",
      "data-testid": "fetch-file",
      onclick: () => {
        button.disabled = true;
        about.textContent = "Fetching…";
        openRemote(messageId, remote).then(
          (file) => button.replaceWith(ofOpened(file, true)),
          (error: unknown) => {
            button.disabled = false;
            about.textContent = "Try again";
            toast(explain(error), "error");
          },
        );
      },
    },
    icon("file"),
    h("span", { class: "file-text" }, h("span", { class: "file-name" }, remote.filename || "File"), about),
  );
  return button;
}

function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return "an unknown place";
  }
}
