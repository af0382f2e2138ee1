/** The first page: who are you? Also shows that a connection is being made, and why one failed. */
import { h, icon } from "./dom.js";
import { explain } from "./explain.js";
import { injectedWallet, nodeUrl, user } from "./identity.js";

export interface WelcomeActions {
  throwaway(): void;
  wallet(): void;
}

export function welcome(actions: WelcomeActions): HTMLElement {
  const hasWallet = injectedWallet() !== undefined;
  return card(
    h("h1", {}, "Private chat, right in the page"),
    h("p", { class: "lead" }, "Messages are encrypted between the people who write to each other. The node only passes them on."),
    h(
      "div",
      { class: "choices" },
      h(
        "button",
        { class: "button button-primary", type: "button", "data-testid": "connect-throwaway", onclick: actions.throwaway },
        icon("key"),
        user ? `Continue as ${user}` : "Use a throwaway key",
      ),
      h(
        "button",
        {
          class: "button",
          type: "button",
          "data-testid": "connect-wallet",
          disabled: !hasWallet,
          "aria-describedby": "wallet-note",
          onclick: actions.wallet,
        },
        icon("wallet"),
        "Connect a wallet",
      ),
    ),
    h(
      "p",
      { class: "note", id: "wallet-note" },
      hasWallet
        ? "A throwaway key is kept in this page's storage, unprotected. It is for trying things out."
        : "No wallet extension was found. A throwaway key is kept in this page's storage, unprotected: it is for trying things out.",
    ),
  );
}

export function connecting(): HTMLElement {
  return card(
    h("h1", { class: "spoken" }, "xmtp-web chat"),
    h("div", { class: "spinner", "aria-hidden": "true" }),
    h("p", { class: "lead", role: "status", "data-testid": "connecting" }, "Opening your conversations…"),
  );
}

export function failed(error: unknown, retry: () => void, startOver: () => void): HTMLElement {
  return card(
    h("h1", {}, "That did not work"),
    h("p", { class: "lead", role: "alert", "data-testid": "connect-error" }, explain(error)),
    h(
      "div",
      { class: "choices" },
      h("button", { class: "button button-primary", type: "button", "data-testid": "connect-retry", onclick: retry }, "Try again"),
      h("button", { class: "button", type: "button", onclick: startOver }, "Use another identity"),
    ),
  );
}

function card(...children: HTMLElement[]): HTMLElement {
  return h(
    "main",
    { class: "welcome" },
    h("div", { class: "welcome-card" }, h("img", { src: "/icon.svg", alt: "", width: 44, height: 44 }), ...children),
    h("p", { class: "note node-note" }, `Node: ${nodeUrl}`),
  );
}
