/**
 * The frame of all dialogs. Escape and a click beside one close it; the browser takes focus back to where it was, at once,
 * so that whoever closes it may move it on.
 */
import { h, icon } from "./dom.js";
import { explain } from "./explain.js";

export function dialog(title: string, testId: string, ...children: (HTMLElement | false)[]): HTMLDialogElement {
  const element = h(
    "dialog",
    {
      "aria-label": title,
      "data-testid": testId,
      onclose: () => element.remove(),
    },
    h(
      "div",
      { class: "dialog-header" },
      h("h2", {}, title),
      h("button", { class: "button button-quiet button-round", type: "button", "aria-label": "Close", onclick: () => element.close() }, icon("close")),
    ),
    ...children,
  );
  // Pressed and let go beside it: text that is selected may end there.
  let beside = false;
  element.addEventListener("pointerdown", (event) => (beside = event.target === element));
  element.addEventListener("click", (event) => beside && event.target === element && element.close());
  document.body.append(element);
  element.showModal();
  return element;
}

/** Runs something slow behind a control: disabled meanwhile, the reason shown when it fails. */
export async function run(
  control: HTMLButtonElement | HTMLSelectElement,
  problem: HTMLElement,
  work: () => Promise<void>,
): Promise<boolean> {
  control.disabled = true;
  control.setAttribute("aria-busy", "true");
  problem.textContent = "";
  try {
    await work();
    return true;
  } catch (error) {
    problem.textContent = explain(error);
    problem.scrollIntoView({ block: "nearest" });
    return false;
  } finally {
    control.disabled = false;
    control.removeAttribute("aria-busy");
  }
}

/** Asks before what cannot be undone; stays open and says why when it fails. */
export function confirmDialog(ask: {
  title: string;
  text: string;
  yes: string;
  no: string;
  testId: string;
  confirmId: string;
  work(): Promise<void>;
}): void {
  const problem = h("p", { class: "problem", role: "alert" });
  const yes = h("button", { class: "button button-primary button-danger", type: "submit", "data-testid": ask.confirmId }, ask.yes);
  const no = h("button", { class: "button button-quiet", type: "button", onclick: () => element.close() }, ask.no);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    void run(yes, problem, ask.work).then((done) => done && element.close());
  };
  const element = dialog(
    ask.title,
    ask.testId,
    h("form", { class: "dialog-body", onsubmit: submit }, h("p", {}, ask.text), problem, h("div", { class: "dialog-actions" }, no, yes)),
  );
  no.focus();
}
