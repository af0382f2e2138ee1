import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";

// The browser that is here, in place of the one that `npx playwright install` would fetch.
const launchOptions = { executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] };

export default defineConfig({
  test: { browser: { enabled: true, headless: true, provider: playwright({ launchOptions }), instances: [{ browser: "chromium" }] } },
});
