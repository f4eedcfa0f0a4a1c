// @ts-check
import assert from "node:assert/strict";
import { register } from "node:module";
import { test } from "node:test";

// The runtime brings the SDK: the tests of calls once more, with one of February 2024.
register("../sdk-2024/hooks.mjs", import.meta.url);
await import("./calls.test.mjs");
const { startEnvironment } = await import("./environment.mjs");

test("these tests run with the SDK of February 2024", async () => {
  const { startLogs } = await startEnvironment();
  assert.equal(startLogs[0].sdk, "3.515.0");
});
