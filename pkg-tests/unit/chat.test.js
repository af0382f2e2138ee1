import { expect, it } from "vitest";
import { twoPeople } from "./conversation.js";

it("two people chat", async () => {
  expect(await twoPeople()).toEqual({ text: "Soup or noodles?", groups: ["Lunch"] });
}, 60_000);
